import { Agent } from 'undici';
import type { Attributes, Span, SpanKind } from './span.ts';
import type { SpanExporter } from './span-queue.ts';
import { wallClock } from './wall-clock.ts';

const kinds: Record<SpanKind, string | undefined> = {
  internal: undefined,
  server: 'SERVER',
  client: 'CLIENT',
  producer: 'PRODUCER',
  consumer: 'CONSUMER',
};

/**
 * Sends spans to Zipkin. The package `@opentelemetry/exporter-zipkin` names no remote endpoint, without which
 * Zipkin's graph has no databases, and waits for ever for a server that does not answer.
 *
 * @param endpoint address of Zipkin's API v2, such as `http://zipkin:9411/api/v2/spans`
 * @param resource what is true for all spans of the service; becomes tags
 * @see https://zipkin.io/zipkin-api/#/default/post_spans
 * @see https://opentelemetry.io/docs/specs/otel/trace/sdk_exporters/zipkin/
 */
export function zipkinExporter(endpoint: string, service: string, resource: Attributes): SpanExporter {
  const { origin, pathname, search } = new URL(endpoint);
  const agent = new Agent({ connections: 1 });
  const localEndpoint = { serviceName: service };
  const common = toTags(resource);
  return {
    async send(spans, signal) {
      const since = wallClock();
      const body = JSON.stringify(spans.map((span) => ({ ...toZipkin(span, since, common), localEndpoint })));
      const headers = { 'content-type': 'application/json' };
      const request = { origin, path: pathname + search, method: 'POST', headers, body, signal } as const;
      const { statusCode, body: answer } = await agent.request(request);
      await answer.dump();
      if (statusCode >= 300) throw new Error(`Zipkin answered with status ${statusCode}`);
    },
    close: () => agent.destroy(),
  };
}

/** A span as Zipkin's API v2 takes it; times in microseconds. */
function toZipkin(span: Span, since: number, common: Record<string, string>) {
  const { traceId, spanId, parentId, facts, startedAt, endedAt = startedAt, error } = span;
  const tags = { ...common, ...toTags(facts.attributes), ...toTags(span.attributes) };
  if (error !== undefined) {
    tags.error = error;
    tags['otel.status_code'] = 'ERROR';
  }
  // Zipkin knows no links: the other traces are named, so that they can be looked up.
  if (facts.links?.length) tags.links = facts.links.map((link) => link.traceId).join(' ');
  return {
    traceId,
    id: spanId,
    parentId,
    name: facts.name,
    kind: kinds[facts.kind],
    timestamp: Math.round((since + startedAt) * 1_000),
    // Zipkin takes 0 for "not known".
    duration: Math.max(1, Math.round((endedAt - startedAt) * 1_000)),
    remoteEndpoint: facts.peer === undefined ? undefined : { serviceName: facts.peer },
    tags,
  };
}

function toTags(attributes: Attributes = {}): Record<string, string> {
  const tags: Record<string, string> = {};
  for (const name in attributes) tags[name] = String(attributes[name]);
  return tags;
}
