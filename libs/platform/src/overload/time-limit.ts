import { problem } from '@slipway/contract-kit/problem';
import type { FastifyInstance } from 'fastify';
import { withContext } from '../core/request-context.ts';
import type { Served } from '../core/served.ts';
import { noteBroken } from '../telemetry/observe.ts';

/** Milliseconds between two checks of all requests in flight: a request is ended at most this much too late. */
const checkInterval = 50;

/** Minimum rate of a request body: so many bytes in so many milliseconds, which is one kilobyte a second. */
const minRate = { bytes: 10_240, ms: 10_000 };

/** The bytes received on a request's connection when the current window of the minimum rate began. */
type Window = { beganAt: number; bytes: number };

/**
 * Ends requests that have reached their time limit, with one timer for all of them. Fastify's `handlerTimeout` makes a
 * timer, an AbortController and three listeners for each request, which makes a small request a third more expensive.
 * It also ends requests whose body arrives more slowly than the minimum rate: an operation that may take minutes would
 * otherwise be held for minutes by a client that sends nothing.
 */
export function limitTime(app: FastifyInstance, served: Iterable<Served>): void {
  const windows = new WeakMap<Served, Window>();
  const check = () => {
    const now = performance.now();
    for (const each of served) if (each.endsAt <= now || isTooSlow(each, now)) cutOff(each);
  };

  function isTooSlow(each: Served, now: number): boolean {
    const { complete, readableLength, socket } = each.request.raw;
    if (complete !== false || each.reply.raw.writableEnded) return false;
    const window = windows.get(each);
    if (window && now - window.beganAt < minRate.ms) return false;
    windows.set(each, { beganAt: now, bytes: socket.bytesRead });
    // With bytes in its buffer, it is the service that does not read.
    return window !== undefined && readableLength === 0 && socket.bytesRead - window.bytes < minRate.bytes;
  }

  const timer = setInterval(check, checkInterval).unref();
  app.addHook('onClose', () => clearInterval(timer));
}

function cutOff(served: Served): void {
  const { request, reply, context } = served;
  served.endsAt = Number.POSITIVE_INFINITY;
  const { raw } = reply;
  if (raw.writableFinished) return;
  if (raw.headersSent) {
    // A part of the response was sent: only a broken connection shows the client that the rest will not come.
    if (request.raw.complete !== false) noteBroken(reply, problem('deadline_exceeded'));
    raw.destroy();
    return;
  }
  if (reply.sent) return;
  // The limit includes receiving the body: if that is not complete, the client was too slow.
  const code = request.raw.complete === false ? 'request_timeout' : 'deadline_exceeded';
  withContext(context, () => reply.send(problem(code)));
}
