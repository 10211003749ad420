import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';
import { isStream, type UpstreamRequest, type UpstreamResponse } from './call.ts';
import type { Deadline } from './deadline.ts';
import { ResponseBody } from './response-body.ts';

type Options = Omit<Dispatcher.DispatchOptions, 'body'> & { body?: UpstreamRequest['body'] };

type Listener = {
  /** Called with the head of the response. */
  resolve(response: UpstreamResponse): void;
  /** Called if there will be no head. */
  reject(reason: unknown): void;
  /** Called once, when undici has finished with the request, and its response was read. */
  close(): void;
};

/**
 * Sends one request through undici's `dispatch`, and resolves when the head of the response has arrived. The deadline
 * ends the exchange immediately, also while it waits for a connection, and until the body was read.
 *
 * @param close called once, when undici has finished with the request, and its response was read
 */
export function exchange(
  agent: Pick<Dispatcher, 'dispatch'>,
  options: Options,
  deadline: Deadline,
  close: () => void,
): Promise<UpstreamResponse> {
  return new Promise((resolve, reject) => {
    const handler = new Exchange(options.body, { resolve, reject, close });
    deadline.onEnd((reason) => handler.abort(reason));
    agent.dispatch(options, handler);
  });
}

class Exchange implements Dispatcher.DispatchHandler {
  readonly #sent: UpstreamRequest['body'];
  readonly #listener: Listener;
  #controller: Dispatcher.DispatchController | undefined;
  #received: ResponseBody | undefined;
  #ended: { reason: unknown } | undefined;

  constructor(sent: UpstreamRequest['body'], listener: Listener) {
    this.#sent = sent;
    this.#listener = listener;
  }

  abort(reason: unknown): void {
    this.#ended = { reason };
    this.#listener.reject(reason);
    this.#controller?.abort(reason as Error);
    this.#received?.fail(reason);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#ended) controller.abort(this.#ended.reason as Error);
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    statusCode: number,
    headers: IncomingHttpHeaders,
  ): void {
    // Another head follows one with an informational status.
    if (statusCode < 200) return;
    const body = new ResponseBody(controller);
    body.onClose(this.#listener.close);
    this.#received = body;
    this.#listener.resolve({ statusCode, headers, body });
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#received?.push(chunk);
  }

  onResponseEnd(): void {
    this.#received?.end();
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    if (isStream(this.#sent)) this.#sent.on('error', () => undefined).destroy(error);
    if (this.#received) {
      this.#received.fail(error);
    } else {
      this.#listener.reject(error);
      this.#listener.close();
    }
  }
}
