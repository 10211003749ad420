import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { isRetryable, type UpstreamRequest } from './call.ts';

const retryable = (request: Partial<UpstreamRequest>) =>
  isRetryable({ method: 'POST', path: '/', ...request });

describe('a request', () => {
  it('can be sent twice with an idempotent method, and with a key', () => {
    const methods = ['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE'] as const;
    expect(methods.map((method) => retryable({ method }))).toEqual(Array(5).fill(true));
    expect([retryable({ method: 'POST' }), retryable({ method: 'PATCH' })]).toEqual([false, false]);
    expect(retryable({ headers: { 'content-type': 'a/b', 'Idempotency-Key': 'key' } })).toBe(true);
    expect(retryable({ headers: { 'content-type': 'a/b' } })).toBe(false);
  });

  it('can be sent twice, or not, as its caller says', () => {
    expect(retryable({ idempotent: true })).toBe(true);
    expect(retryable({ method: 'GET', idempotent: false })).toBe(false);
  });

  it('can be sent once only if its body is a stream', () => {
    expect(retryable({ method: 'PUT', body: Readable.from(['a']), idempotent: true })).toBe(false);
    expect(retryable({ method: 'PUT', body: 'a' })).toBe(true);
    expect(retryable({ method: 'PUT', body: Buffer.from('a') })).toBe(true);
  });
});
