import type { Operation } from '@slipway/contract-kit/operation';
import { problem } from '@slipway/contracts/errors';
import { operations } from '@slipway/contracts/operations';
import { deleteMe, logIn, signUp } from '@slipway/contracts/users';
import type { Upstream } from '@slipway/platform/calls/upstream';
import type { App } from '@slipway/platform/core/app';
import type { FastifyRequest, onRequestAsyncHookHandler } from 'fastify';
import type { ClientOrigin } from './client-origin.ts';
import { forwardTo } from './forward.ts';

export type Upstreams = Record<'users' | 'billing' | 'reporting', Upstream>;

type Options = {
  upstreams: Upstreams;
  /** Largest body of an operation that names none; bytes. */
  bodyLimit: number;
  /** Longest time of an operation that names none; milliseconds. */
  timeoutMs: number;
  originOf: (request: FastifyRequest) => ClientOrigin;
  limitSignIns: onRequestAsyncHookHandler;
};

/** Operations that the gateway answers itself, by calling several services. */
const composed = new Set<Operation>([deleteMe]);
const signIns = new Set<Operation>([signUp, logIn]);

/**
 * Makes a route of every public operation of the services. Each is named, so that whatever is not in a
 * contract cannot be reached, and metrics have the contract's patterns.
 */
export function registerRouting(app: App, options: Options): void {
  passBodiesThrough(app);
  app.addHook('onRequest', refuseAmbiguousPath);
  for (const [name, upstream] of Object.entries(options.upstreams)) {
    for (const operation of publicOperations(name as keyof Upstreams)) {
      const { method, url, config, schema } = operation;
      const bodyLimit = config.bodyLimit ?? options.bodyLimit;
      const timeoutMs = config.timeoutMs ?? options.timeoutMs;
      app.route({
        method,
        url,
        // The answers are only named, for the metrics: they stream through as they are.
        config: { ...config, answers: schema.response } as object,
        onRequest: signIns.has(operation) ? [options.limitSignIns] : [],
        handler: forwardTo({ upstream, operation, bodyLimit, timeoutMs, originOf: options.originOf }),
      });
    }
  }
}

function publicOperations(service: keyof Upstreams): Operation[] {
  return operations[service].filter(
    (operation) => operation.config.access !== 'service' && !composed.has(operation),
  );
}

/** Hands a body over as the stream it comes in: its service reads and checks it. */
function passBodiesThrough(app: App): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
}

/** Dot segments, encoded slashes and the like: what this router and the service's could read differently. */
const ambiguous = /%2f|%5c|%00|\\|\/\/|#|\/(\.|%2e){1,2}(\/|$)/i;

async function refuseAmbiguousPath({ url }: FastifyRequest): Promise<void> {
  const path = url.split('?', 1)[0] ?? '';
  if (!ambiguous.test(path)) return;
  throw problem('invalid_request', 'The path holds dot segments or encoded slashes', {
    fields: [{ field: 'path', message: 'must not hold dot segments or encoded slashes' }],
  });
}
