import type { Attributes, AttributeValue, Link, Span, SpanContext, SpanStatus } from '@opentelemetry/api';
import type { SourceFile, SpanRecord } from '../core/span-record.ts';
import { newSpanId } from './ids.ts';
import { epochTime } from './wall-clock.ts';

type Options = { name: string; kind: string; peer?: string | undefined; file?: SourceFile | undefined };

/**
 * A span that this process records for the console. It is also a span of OpenTelemetry, and passes everything on to the
 * exported span, if there is one.
 *
 * Without an exported span, it has ids of its own only if the trace is sampled. In all other traces its context is that of
 * its parent, so calls carry the same headers as if it did not exist, and it costs no random id.
 */
export class RecordedSpan implements Span, SpanRecord {
  readonly #exported: Span | undefined;
  readonly #context: SpanContext;
  readonly parent: Span;
  readonly name: string;
  readonly kind: string;
  readonly peer: string | undefined;
  readonly file: SourceFile | undefined;
  readonly ids: SpanContext | undefined;
  readonly startedAt = epochTime();
  endedAt: number | undefined;
  status: number | undefined;
  error: string | undefined;

  constructor({ name, kind, peer, file }: Options, parent: Span, isSampled: boolean, exported?: Span) {
    this.parent = parent;
    this.name = name;
    this.kind = kind;
    this.peer = peer;
    this.file = file;
    this.#exported = exported;
    const inherited = parent.spanContext();
    const own = isSampled ? { ...inherited, spanId: newSpanId() } : undefined;
    this.ids = exported?.spanContext() ?? own;
    this.#context = this.ids ?? inherited;
  }

  spanContext(): SpanContext {
    return this.#context;
  }

  setAttribute(key: string, value: AttributeValue): this {
    if (key === 'http.response.status_code') this.status = Number(value);
    else if (key === 'error.type') this.error = String(value);
    this.#exported?.setAttribute(key, value);
    return this;
  }

  setAttributes(attributes: Attributes): this {
    for (const [key, value] of Object.entries(attributes))
      if (value !== undefined) this.setAttribute(key, value);
    return this;
  }

  addEvent(...event: Parameters<Span['addEvent']>): this {
    this.#exported?.addEvent(...event);
    return this;
  }

  addLink(link: Link): this {
    this.#exported?.addLink(link);
    return this;
  }

  addLinks(links: Link[]): this {
    this.#exported?.addLinks(links);
    return this;
  }

  setStatus(status: SpanStatus): this {
    this.#exported?.setStatus(status);
    return this;
  }

  updateName(name: string): this {
    this.#exported?.updateName(name);
    return this;
  }

  recordException(...exception: Parameters<Span['recordException']>): void {
    this.#exported?.recordException(...exception);
  }

  isRecording(): boolean {
    return this.#exported?.isRecording() ?? false;
  }

  end(endedAt: number): void {
    this.endedAt = endedAt;
    this.#exported?.end(endedAt);
  }
}
