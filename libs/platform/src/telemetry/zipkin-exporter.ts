import { type ExportResult, ExportResultCode } from '@opentelemetry/core';
import { ZipkinExporter as PackageExporter } from '@opentelemetry/exporter-zipkin';
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace';
import { Agent } from '../core/undici.ts';

type Done = (result: ExportResult) => void;
/** The fields of a span in Zipkin's format that are changed here. */
type Translated = {
  timestamp: number;
  remoteEndpoint?: { serviceName: string };
  tags: Record<string, string>;
};
/** The exporter of the package, which converts spans and calls a function to send them. */
type Translator = SpanExporter & { _send: (spans: Translated[], done: Done) => void };

/**
 * Converts spans with `@opentelemetry/exporter-zipkin`, sends them to Zipkin, and adds what version 3.1.0 lacks:
 * - the remote endpoint, without which Zipkin's dependency graph has no databases;
 * - the linked traces;
 * - whole microseconds, without which Zipkin rejects a batch;
 * - a time limit, without which each batch would occupy a socket when the server does not respond.
 *
 * @see https://opentelemetry.io/docs/specs/otel/trace/sdk_exporters/zipkin/
 */
export class ZipkinExporter implements SpanExporter {
  readonly #translator: Translator;
  readonly #agent = new Agent({ connections: 1 });
  readonly #url: URL;
  readonly #timeout: number;

  /**
   * @param endpoint address of Zipkin's API v2, such as `http://zipkin:9411/api/v2/spans`
   * @param timeout milliseconds
   */
  constructor(endpoint: string, timeout: number) {
    this.#url = new URL(endpoint);
    this.#timeout = timeout;
    this.#translator = new PackageExporter({ url: endpoint }) as unknown as Translator;
  }

  export(spans: ReadableSpan[], done: Done): void {
    // Called before `export` returns, with the same spans in the same order.
    this.#translator._send = (translated, sent) => {
      for (const [index, span] of spans.entries()) complete(translated[index] as Translated, span);
      this.#post(JSON.stringify(translated)).then(
        () => sent({ code: ExportResultCode.SUCCESS }),
        (error) => sent({ code: ExportResultCode.FAILED, error }),
      );
    };
    this.#translator.export(spans, done);
  }

  async #post(body: string): Promise<void> {
    const { origin, pathname, search } = this.#url;
    const { statusCode, body: answer } = await this.#agent.request({
      origin,
      path: pathname + search,
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
      signal: AbortSignal.timeout(this.#timeout),
    });
    await answer.dump();
    if (statusCode >= 300) throw new Error(`Zipkin answered with status ${statusCode}`);
  }

  async shutdown(): Promise<void> {
    await this.#translator.shutdown();
    await this.#agent.close();
  }
}

function complete(translated: Translated, { attributes, links }: ReadableSpan): void {
  translated.timestamp = Math.round(translated.timestamp);
  const { 'peer.service': peer } = attributes;
  if (peer !== undefined) translated.remoteEndpoint = { serviceName: String(peer) };
  if (links.length > 0) translated.tags.links = links.map(({ context }) => context.traceId).join(' ');
}
