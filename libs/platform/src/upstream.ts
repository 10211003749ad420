import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import { Agent, type Dispatcher } from 'undici';
import { callProblem } from './call-problem.ts';
import { createDeadline } from './deadline.ts';
import type { Logger } from './log.ts';
import type { Metrics } from './metrics.ts';
import { outgoingHeaders } from './trace-context.ts';

/** One request to a service. `path` holds the query as well. */
export type UpstreamRequest = {
  method: Dispatcher.HttpMethod;
  path: string;
  headers?: Record<string, string | string[] | undefined>;
  /** A stream is sent as it comes, once: such a request is never repeated. */
  body?: string | Buffer | Readable;
  /** Longest time for the whole exchange, answer body included; milliseconds. */
  timeoutMs?: number;
  /** Whether the request may be sent again; by default what HTTP says of its method. */
  idempotent?: boolean;
  /** Gives the request up, such as when the client it is made for has gone. */
  signal?: AbortSignal;
  /** Name of the operation in metrics and spans: a pattern, never a URL. */
  operation?: string;
};

export type UpstreamResponse = {
  statusCode: number;
  headers: IncomingHttpHeaders;
  /** Must be read to its end or destroyed: it holds a connection until then. */
  body: Dispatcher.ResponseData['body'];
};

/** A service that this one calls. */
export type Upstream = {
  readonly name: string;
  /**
   * Sends a request and answers as soon as the head of the response is there, whatever its status.
   *
   * @throws {Problem} `unavailable`, `upstream_failed` or `deadline_exceeded`.
   */
  request(options: UpstreamRequest): Promise<UpstreamResponse>;
  close(): Promise<void>;
};

export type UpstreamOptions = {
  name: string;
  /** `http://host:port`, several of them with commas between, or `srv+http://_http._tcp.name` (DNS SRV). */
  address: string;
  metrics: Metrics;
  log?: Logger;
  /** Longest time of a call that sets none itself; milliseconds. */
  timeoutMs?: number;
};

/** Makes the way to one service. */
export function createUpstream({ name, address, metrics, timeoutMs = 5_000 }: UpstreamOptions): Upstream {
  const agent = new Agent({ connections: 64, headersTimeout: 0, bodyTimeout: 0, connectTimeout: 1_000 });
  const origins = address.split(',').map((each) => new URL(each.trim()).origin);
  let turn = 0;

  async function send(options: UpstreamRequest): Promise<UpstreamResponse> {
    const deadline = createDeadline(name, options.timeoutMs ?? timeoutMs, options.signal);
    try {
      const response = await agent.request({
        origin: origins[turn++ % origins.length] ?? '',
        method: options.method,
        path: options.path,
        headers: { ...options.headers, ...outgoingHeaders(deadline.left()) },
        body: options.body,
        signal: deadline.signal,
      });
      response.body.once('close', deadline.clear);
      return response;
    } catch (error) {
      deadline.clear();
      throw callProblem(name, error);
    }
  }

  return {
    name,
    async request(options) {
      const end = metrics.dependencies.startTimer({
        dependency: name,
        operation: options.operation ?? options.method,
      });
      try {
        const response = await send(options);
        end({ outcome: String(response.statusCode) });
        return response;
      } catch (error) {
        end({ outcome: (error as { code?: string }).code ?? 'error' });
        throw error;
      }
    },
    close: () => agent.close(),
  };
}
