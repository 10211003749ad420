import type { FastifyReply, FastifyRequest } from 'fastify';
import { contextOf } from '../telemetry/observe.ts';

/** Maximum bytes that wait for a client that reads too slowly; beyond, its stream is ended. */
const maxWaiting = 262_144;

/** Milliseconds after which a browser connects again. */
const reconnectAfter = 1_000;

/** A response of server-sent events. */
export type EventStream = {
  /** Sends an event as `formatEvent` makes it. Ends the stream of a client that does not read; it can connect again. */
  send(event: string): void;
  end(): void;
  /** Calls a listener when the stream has ended, for whatever reason. */
  onClose(listener: () => void): void;
};

/**
 * Makes an event of the format of server-sent events. One event can be sent to many streams.
 *
 * @param id the client sends it as `Last-Event-ID` when it connects again
 * @param data text without line breaks, such as JSON
 */
export function formatEvent(id: number, data: string): string {
  return `id: ${id}\ndata: ${data}\n\n`;
}

/**
 * Answers a request with a stream of events, on a route whose contract has `isStream`. The caller must end it when the
 * service drains: it would hold the connection open.
 *
 * @example
 * const stream = openEventStream(request, reply);
 * stream.send(formatEvent(1, JSON.stringify({ hello: 'world' })));
 */
export function openEventStream(request: FastifyRequest, reply: FastifyReply): EventStream {
  reply.hijack();
  const { raw } = reply;
  raw.writeHead(200, {
    ...(reply.getHeaders() as Record<string, string>),
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    // A proxy that collects responses would hold events back: nginx and others read this header.
    'x-accel-buffering': 'no',
  });
  raw.write(`retry: ${reconnectAfter}\n\n`);
  contextOf(request)?.endObservation?.(200);
  return {
    send(event) {
      raw.write(event);
      if (raw.writableLength > maxWaiting) raw.destroy();
    },
    end: () => raw.end(),
    onClose: (listener) => void raw.once('close', listener),
  };
}
