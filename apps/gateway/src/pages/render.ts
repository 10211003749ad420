import { problemTable } from '@slipway/contracts/errors';
import type { Link } from '../page-links.ts';

/** Puts the links to other systems into the start page. */
export function renderHome(template: string, links: Link[]): string {
  const items = links.map(({ name, url }) => `<li><a href="${toHtml(url)}">${toHtml(name)}</a></li>`);
  const nav = `<nav aria-label="Other pages"><ul>${items.join('')}</ul></nav>`;
  return template.replace('{{links}}', () => (links.length > 0 ? nav : ''));
}

/** Puts a row for each error code into the page of errors. Its anchor is the one in a problem's `type`. */
export function renderErrors(template: string): string {
  const rows = Object.entries(problemTable).map(
    ([code, { status, title }]) =>
      `<tr id="${code}"><td><a href="#${code}"><code>${code}</code></a></td><td>${status}</td><td>${toHtml(title)}</td></tr>`,
  );
  return template.replace('{{rows}}', rows.join('\n'));
}

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

function toHtml(text: string): string {
  return text.replace(/[&<>"]/g, (character) => entities[character] ?? character);
}
