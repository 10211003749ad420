import { readFileSync } from 'node:fs';
import { problem } from '@slipway/contracts/errors';
import type { System } from '@slipway/contracts/gateway';
import type { App } from '@slipway/platform/core/app';
import { htmlFile, pageFile, readPageFiles, sendFile } from '../page-files.ts';
import type { Link } from '../page-links.ts';
import { renderErrors, renderHome, renderPlain, renderSystemModule } from '../pages/render.ts';
import { securityHeaders } from '../security-headers.ts';

const folder = new URL('../pages/', import.meta.url);
const read = (name: string) => readFileSync(new URL(name, folder), 'utf8');

/** The pages load their scripts and styles from the gateway, and request the state of the system. */
const policy = "script-src 'self'; style-src 'self'; connect-src 'self'";

type PageOptions = {
  /** The pages of other systems. */
  links: Link[];
  /** Where the folder docs/ can be read. */
  docsUrl: string;
  /** Returns the state of all services. */
  system: () => Promise<System>;
};

/** An experiment with the gateway leaves the pages that end it. */
const config = { hasNoFaults: true } as object;

/** Serves the start page, as text to clients that do not ask for HTML, its modules, and the list of error codes. */
export async function registerPageRoutes(app: App, { links, docsUrl, system }: PageOptions): Promise<void> {
  const home = htmlFile(renderHome(read('home.html'), links));
  const files = readPageFiles(folder);
  files.set('system.js', pageFile('text/javascript; charset=utf-8', renderSystemModule(docsUrl)));
  const errors = htmlFile(renderErrors(read('errors.html')));

  await app.register(async (pages) => {
    pages.addHook('onRequest', securityHeaders(policy));
    // One route, because each has series of metrics of its own.
    pages.get<{ Params: { '*': string } }>('/pages/*', { config }, async (request, reply) => {
      const file = files.get(request.params['*']);
      if (!file) throw problem('not_found', 'There is no such file');
      return sendFile(request, reply, file);
    });
    pages.get('/docs/errors', { config }, async (request, reply) => sendFile(request, reply, errors));
    pages.get('/', { config }, async (request, reply) => {
      if (request.headers.accept?.includes('text/html'))
        return sendFile(request, reply, home, 'accept, accept-encoding');
      return reply
        .header('vary', 'accept')
        .type('text/plain; charset=utf-8')
        .send(renderPlain(await system()));
    });
  });
}
