import { readFileSync } from 'node:fs';
import type { App } from '@slipway/platform/core/app';
import type { Link } from '../page-links.ts';
import { renderErrors, renderHome } from '../pages/render.ts';
import { securityHeaders } from '../security-headers.ts';

const read = (name: string) => readFileSync(new URL(`../pages/${name}`, import.meta.url), 'utf8');

/** The pages load their script and style from the gateway, and request the state of the system. */
const policy = "script-src 'self'; style-src 'self'; connect-src 'self'";

/** Serves the start page, with links to the pages of other systems, and the list of error codes. */
export async function registerPageRoutes(app: App, links: Link[]): Promise<void> {
  const files = [
    { url: '/', type: 'text/html; charset=utf-8', text: renderHome(read('home.html'), links) },
    { url: '/docs/errors', type: 'text/html; charset=utf-8', text: renderErrors(read('errors.html')) },
    { url: '/pages/home.js', type: 'text/javascript; charset=utf-8', text: read('home.js') },
    { url: '/pages/style.css', type: 'text/css; charset=utf-8', text: read('style.css') },
  ];
  await app.register(async (pages) => {
    pages.addHook('onRequest', securityHeaders(policy));
    for (const { url, type, text } of files) pages.get(url, (_request, reply) => reply.type(type).send(text));
  });
}
