import { randomUUID } from 'node:crypto';
import type { Operation } from '@slipway/contract-kit/operation';
import type { App } from '@slipway/platform/core/app';
import { inject } from '@slipway/platform/testing/inject';

export type Parts = { params?: unknown; query?: unknown; headers?: object; body?: unknown };
// biome-ignore lint/suspicious/noExplicitAny: any answer of any operation
export type Answer = { status: number; body: any };

/** Sends a request to an operation, whatever its parts are; a text to one that takes NDJSON is its body. */
export async function call(app: App, operation: Operation, parts: Parts): Promise<Answer> {
  const { method, url, config } = operation;
  const answer = await inject(
    { app },
    {
      method,
      url: pathOf(url, parts.params) + queryOf(parts.query),
      headers: {
        ...(parts.body !== undefined && { 'content-type': 'application/json' }),
        ...(config.idempotency && { 'idempotency-key': randomUUID() }),
        ...headersOf(parts.headers),
      },
      ...(parts.body !== undefined && {
        payload:
          typeof parts.body === 'string' && url.endsWith('import') ? parts.body : JSON.stringify(parts.body),
      }),
    },
  );
  const isJson =
    /json$|json;/.test(String(answer.headers['content-type'])) &&
    !/ndjson/.test(String(answer.headers['content-type']));
  return {
    status: answer.statusCode,
    body: isJson && answer.payload !== '' ? answer.json() : answer.payload,
  };
}

function pathOf(url: string, params: unknown): string {
  const given = (typeof params === 'object' ? params : {}) as Record<string, unknown>;
  return url.replace(/:(\w+)/g, (_, name: string) => encodeURIComponent(textOf(given?.[name] ?? 'x')));
}

function queryOf(query: unknown): string {
  if (query === undefined) return '';
  if (typeof query !== 'object' || query === null) return `?${encodeURIComponent(textOf(query))}`;
  const entries = Object.entries(query).filter(([, value]) => value !== undefined);
  return `?${new URLSearchParams(entries.map(([name, value]) => [name, textOf(value)]))}`;
}

function headersOf(headers: unknown): Record<string, string> {
  if (typeof headers !== 'object' || headers === null) return {};
  const entries = Object.entries(headers).filter(
    ([name, value]) => value !== undefined && /^[\w-]+$/.test(name),
  );
  return Object.fromEntries(
    entries.map(([name, value]) => [name, textOf(value).replace(/[^\t\x20-\xff]/g, '?')]),
  );
}

function textOf(value: unknown): string {
  return (typeof value === 'string' ? value : (JSON.stringify(value) ?? '')).toWellFormed();
}
