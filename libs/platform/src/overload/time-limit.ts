import { problem } from '@slipway/contract-kit/problem';
import type { FastifyInstance } from 'fastify';
import { withContext } from '../core/request-context.ts';
import type { Served } from '../core/served.ts';

/** Milliseconds between two looks at what is being served: a request is cut off so much too late at most. */
const lookEvery = 50;

/**
 * Answers what takes longer than it may, with one timer for all requests. Fastify's `handlerTimeout` makes a
 * timer, an AbortController and three listeners for each, which costs a small request a third more.
 */
export function limitTime(app: FastifyInstance, served: Iterable<Served>): void {
  const look = () => {
    const now = performance.now();
    for (const each of served) if (each.until <= now) cutOff(each);
  };
  const timer = setInterval(look, lookEvery).unref();
  app.addHook('onClose', () => clearInterval(timer));
}

function cutOff(served: Served): void {
  const { request, reply, context } = served;
  served.until = Number.POSITIVE_INFINITY;
  if (reply.sent) return;
  if (reply.raw.headersSent) {
    // Half an answer is out: only a broken connection tells the caller that the rest will not come.
    reply.raw.destroy();
    return;
  }
  // The same clock runs while the body arrives: then it was the client that was too slow.
  const code = request.raw.complete === false ? 'request_timeout' : 'deadline_exceeded';
  withContext(context, () => reply.send(problem(code)));
}
