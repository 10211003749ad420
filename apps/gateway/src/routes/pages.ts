import { readFileSync } from 'node:fs';
import { problemTable } from '@slipway/contracts/errors';
import type { App } from '@slipway/platform/core/app';
import type { Link } from '../page-links.ts';
import { securityHeaders } from '../security-headers.ts';

const read = (name: string) => readFileSync(new URL(`../pages/${name}`, import.meta.url), 'utf8');

/** The pages load their script and style from the gateway, and request the state of the system. */
const policy = "script-src 'self'; style-src 'self'; connect-src 'self'";

/** Serves the start page, with links to the pages of other systems, and the list of error codes. */
export async function registerPageRoutes(app: App, links: Link[]): Promise<void> {
  const files = [
    { url: '/', type: 'text/html; charset=utf-8', text: homePage(links) },
    { url: '/docs/errors', type: 'text/html; charset=utf-8', text: errorsPage() },
    { url: '/pages/home.js', type: 'text/javascript; charset=utf-8', text: read('home.js') },
    { url: '/pages/style.css', type: 'text/css; charset=utf-8', text: read('style.css') },
  ];
  await app.register(async (pages) => {
    pages.addHook('onRequest', securityHeaders(policy));
    for (const { url, type, text } of files) pages.get(url, (_request, reply) => reply.type(type).send(text));
  });
}

function homePage(links: Link[]): string {
  const items = links.map(({ name, url }) => `<li><a href="${toHtml(url)}">${toHtml(name)}</a></li>`);
  const nav = `<nav aria-label="Other pages"><ul>${items.join('')}</ul></nav>`;
  return read('home.html').replace('{{links}}', () => (links.length > 0 ? nav : ''));
}

/** Each code has an anchor, because the `type` of a problem document is `/docs/errors#code`. */
function errorsPage(): string {
  const rows = Object.entries(problemTable).map(
    ([code, { status, title }]) =>
      `<tr id="${code}"><td><a href="#${code}"><code>${code}</code></a></td><td>${status}</td><td>${toHtml(title)}</td></tr>`,
  );
  return read('errors.html').replace('{{rows}}', rows.join('\n'));
}

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

function toHtml(text: string): string {
  return text.replace(/[&<>"]/g, (character) => entities[character] ?? character);
}
