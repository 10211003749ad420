import { problem } from '@slipway/contract-kit/problem';
import type { FastifyInstance, FastifyRequest, FastifySchema } from 'fastify';
import { checkDepth } from './json-depth.ts';

/** The part of an operation's schema that says whether it takes a body. */
type BodySchema = FastifySchema & { consumes?: readonly string[] };

/**
 * Decides which bodies are read. A route without a body reads none, whatever is sent. A request without a body may name
 * a media type, as many clients do. A route that reads a body rejects an encoded one, because nothing decodes it.
 */
export function registerBodies(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeContentTypeParser('application/json');
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, text: string, done) => {
    // A chunked body may turn out to be empty.
    if (text === '') return done(null, undefined);
    try {
      checkDepth(text);
    } catch (error) {
      return done(error as Error);
    }
    parse(request, text, done);
  });

  app.addHook('preParsing', (request, reply, payload, done) => {
    const { headers } = request;
    const use = useOf(request);
    if (use === 'none') {
      // Without these headers Fastify takes the request for one without a body. Node drops what is sent.
      for (const name of ['content-type', 'content-length', 'transfer-encoding']) delete headers[name];
    } else if (headers['content-length'] === '0') {
      delete headers['content-type'];
    } else if (use === 'read' && !isIdentity(headers['content-encoding'])) {
      reply.header('accept-encoding', 'identity');
      return done(unsupportedEncoding());
    }
    done(null, payload);
  });
}

/** Returns whether a route reads a body; `unknown` without a schema: a gateway may pass the body on. */
function useOf({ is404, routeOptions }: FastifyRequest): 'read' | 'none' | 'unknown' {
  if (is404) return 'none';
  const schema = routeOptions.schema as BodySchema | undefined;
  if (!schema) return 'unknown';
  return schema.body || schema.consumes ? 'read' : 'none';
}

function isIdentity(encoding: string | undefined): boolean {
  return encoding === undefined || /^\s*(identity)?\s*$/i.test(encoding);
}

function unsupportedEncoding() {
  const message = 'must be identity or absent';
  return problem('unsupported_media_type', `The header content-encoding ${message}`, {
    fields: [{ field: 'header.content-encoding', message }],
  });
}
