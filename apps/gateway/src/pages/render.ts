import { problemTable } from '@slipway/contracts/errors';
import type { System } from '@slipway/contracts/gateway';
import { jobs } from '@slipway/contracts/operations';
import type { Link } from '../page-links.ts';
import { upstreamNames } from '../upstreams.ts';
import { views } from './views.ts';

/** The documents of the system, which both forms of the start page list. */
const documents: Link[] = [
  { name: 'API documentation', url: '/docs' },
  { name: 'Error codes', url: '/docs/errors' },
  { name: 'OpenAPI document', url: '/api/v1/openapi.json' },
  { name: 'System as JSON', url: '/api/v1/system' },
];

/** Puts the views, the documents and the links to other systems into the start page. */
export function renderHome(template: string, links: Link[]): string {
  const nav = `<nav aria-label="Other pages"><ul>${items(links)}</ul></nav>`;
  return template
    .replace('{{views}}', () => items(views.map(({ name, title }) => ({ name: title, url: `#${name}` }))))
    .replace('{{documents}}', () => items(documents))
    .replace('{{links}}', () => (links.length > 0 ? nav : ''));
}

/** Returns the start page as plain text, for `curl`. */
export function renderPlain({ services }: System): string {
  const states = services.map(({ name, state, version = '' }) => [name, state, version]);
  const lines = [
    'Slipway: small services that stay up. Open this address in a browser to see them live.',
    '',
    ...columns(states),
    '',
    ...columns(documents.map(({ name, url }) => [url, name])),
  ];
  return `${lines.join('\n')}\n`;
}

/** Returns the module with what scripts know of this system: its services, as the contracts have them, and its documentation. */
export function renderSystemModule(docsUrl: string): string {
  const constants = {
    services: ['gateway', ...upstreamNames],
    servicesWithJobs: Object.keys(jobs),
    docsUrl: docsUrl.replace(/\/*$/, ''),
  };
  return Object.entries(constants)
    .map(([name, value]) => `export const ${name} = ${JSON.stringify(value)};\n`)
    .join('');
}

/** Puts a row for each error code into the page of errors. Its anchor is the one in a problem's `type`. */
export function renderErrors(template: string): string {
  const rows = Object.entries(problemTable).map(
    ([code, { status, title }]) =>
      `<tr id="${code}"><td><a href="#${code}"><code>${code}</code></a></td><td>${status}</td><td>${toHtml(title)}</td></tr>`,
  );
  return template.replace('{{rows}}', rows.join('\n'));
}

const items = (links: Link[]) =>
  links.map(({ name, url }) => `<li><a href="${toHtml(url)}">${toHtml(name)}</a></li>`).join('');

/** Aligns the cells of rows of text. */
function columns(rows: string[][]): string[] {
  const width = (column: number) => Math.max(...rows.map((row) => row[column]?.length ?? 0));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(width(column) + 2))
      .join('')
      .trimEnd(),
  );
}

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

function toHtml(text: string): string {
  return text.replace(/[&<>"]/g, (character) => entities[character] ?? character);
}
