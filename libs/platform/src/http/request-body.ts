import { problem } from '@slipway/contract-kit/problem';
import type { FastifyInstance, FastifyRequest, FastifySchema } from 'fastify';
import { checkDepth } from './json-depth.ts';

/** The part of an operation's schema that says whether it takes a body. */
type BodySchema = FastifySchema & { consumes?: readonly string[] };

/**
 * Settles what a body may be before one is read. An operation without a body reads none, whatever is sent; a
 * request without a body may name a media type, as many clients always do; an encoded body is rejected, since
 * nothing here decodes one.
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
    if (isEmpty(request)) {
      delete headers['content-type'];
    } else if (!request.is404 && !isIdentity(headers['content-encoding'])) {
      reply.header('accept-encoding', 'identity');
      return done(unsupportedEncoding());
    } else if (request.is404 || takesNoBody(request)) {
      // Without these headers Fastify takes the request for one without a body. Node drops what is sent.
      for (const name of ['content-type', 'content-length', 'transfer-encoding']) delete headers[name];
    }
    done(null, payload);
  });
}

function isEmpty({ headers }: FastifyRequest): boolean {
  const { 'content-length': length = '0', 'transfer-encoding': transfer } = headers;
  return transfer === undefined && length === '0';
}

/** Routes without a schema may read the body themselves, as those of a gateway do. */
function takesNoBody({ routeOptions: { schema } }: FastifyRequest): boolean {
  const { body, consumes } = (schema ?? { body: {} }) as BodySchema;
  return body === undefined && consumes === undefined;
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
