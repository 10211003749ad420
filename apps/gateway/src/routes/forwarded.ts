import type { Operation } from '@slipway/contract-kit/operation';
import { closeAccount, refundPayment, writeOffInvoice } from '@slipway/contracts/billing';
import { problem } from '@slipway/contracts/errors';
import { operations } from '@slipway/contracts/operations';
import { checkSession, deleteMe, logIn, signUp } from '@slipway/contracts/users';
import { createClient } from '@slipway/platform/calls/client';
import type { Upstream } from '@slipway/platform/calls/upstream';
import type { App } from '@slipway/platform/core/app';
import type { FastifyRequest, onRequestAsyncHookHandler, onRequestHookHandler } from 'fastify';
import type { ClientOrigin } from '../client-origin.ts';
import { forwardTo } from '../forward.ts';
import { type UpstreamName, upstreamNames } from '../upstreams.ts';

export type Upstreams = Record<UpstreamName, Upstream>;

type Options = {
  upstreams: Upstreams;
  /** Maximum body in bytes of an operation without a `bodyLimit`. */
  bodyLimit: number;
  /** Time limit in milliseconds of an operation without a `timeoutMs`. */
  timeoutMs: number;
  originOf: (request: FastifyRequest) => ClientOrigin;
  limitSignIns: onRequestAsyncHookHandler;
};

/** Operations that the gateway implements itself, by calling several services. */
const composed = new Set<Operation>([deleteMe]);
/** Operations of billing that cannot be undone. Only users knows whether a session has ended, so it is asked first. */
const irreversible = new Set<Operation>([closeAccount, refundPayment, writeOffInvoice]);
const signIns = new Set<Operation>([signUp, logIn]);

/**
 * Registers one route for each operation that clients may call and that is not composed. Paths outside the contracts
 * cannot be reached, and metrics are labelled with the contracts' patterns.
 */
export function registerForwardedRoutes(app: App, options: Options): void {
  passBodiesThrough(app);
  app.addHook('onRequest', rejectAmbiguousPath);
  const users = createClient(options.upstreams.users, { checkSession });
  const confirmSession = async ({ headers: { authorization = '' } }: FastifyRequest) => {
    await users.checkSession({ headers: { authorization } });
  };
  for (const name of upstreamNames) {
    const upstream = options.upstreams[name];
    for (const operation of publicOperations(name)) {
      const { method, url, config, schema } = operation;
      const bodyLimit = config.bodyLimit ?? options.bodyLimit;
      const timeoutMs = config.timeoutMs ?? options.timeoutMs;
      app.route({
        method,
        url,
        // For metrics only: they list the statuses of `answers`. Responses are streamed, not serialized by a schema.
        config: { ...config, isForwarded: true, answers: schema.response } as object,
        onRequest: [
          ...(signIns.has(operation) ? [options.limitSignIns] : []),
          ...(irreversible.has(operation) ? [confirmSession] : []),
        ],
        handler: forwardTo({ upstream, operation, bodyLimit, timeoutMs, originOf: options.originOf }),
      });
    }
  }
}

function publicOperations(service: UpstreamName): Operation[] {
  return operations[service].filter(
    (operation) => operation.config.access !== 'service' && !composed.has(operation),
  );
}

/** Turns body parsing off: the service that receives a request parses and validates its body. */
function passBodiesThrough(app: App): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
}

/** Matches dot segments, encoded slashes and the like, which this router and a service may interpret differently. */
const ambiguous = /%2f|%5c|%00|\\|\/\/|#|\/(\.|%2e){1,2}(\/|$)/i;

const rejectAmbiguousPath: onRequestHookHandler = ({ url }, _reply, done) => {
  const path = url.split('?', 1)[0] ?? '';
  if (!ambiguous.test(path)) return done();
  throw problem('invalid_request', 'The path contains dot segments or encoded slashes', {
    fields: [{ field: 'path', message: 'must not contain dot segments or encoded slashes' }],
  });
};
