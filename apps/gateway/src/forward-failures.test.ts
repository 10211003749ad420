import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startGateway, type TestGateway } from './testing/service.ts';

describe('a service that', () => {
  const timeout = 1_000;
  let hurried: TestGateway;
  let admin: { authorization: string };
  beforeAll(async () => {
    hurried = await startGateway({ REQUEST_TIMEOUT_MS: String(timeout), BILLING_URL: 'http://127.0.0.1:1' });
    admin = await hurried.bearer('root', 'admin');
  });
  afterAll(() => hurried.stop());

  const get = async (url: string) => {
    const startedAt = performance.now();
    const answer = await fetch(hurried.base + url, { headers: admin });
    return { answer, text: await answer.text(), ms: performance.now() - startedAt };
  };
  const problemOf = ({ text }: { text: string }) => JSON.parse(text) as Record<string, unknown>;

  it('hangs delays its callers for a bounded time, and no others', async () => {
    hurried.services.reporting.handle = () => undefined;
    const hanging = get('/api/v1/reports/revenue');
    const other = await get('/api/v1/users');
    expect(other.answer.status).toBe(200);
    expect(other.ms).toBeLessThan(timeout);
    const late = await hanging;
    expect(late.answer.status).toBe(504);
    expect(problemOf(late)).toMatchObject({
      code: 'deadline_exceeded',
      type: '/docs/errors#deadline_exceeded',
    });
    expect(late.ms).toBeLessThan(timeout + 1_000);
  });

  it('stops in the middle of its response times out, and the response breaks off', async () => {
    const closed = Promise.withResolvers<void>();
    hurried.services.reporting.handle = (_request, response) => {
      response.write('half of the');
      response.once('close', () => closed.resolve());
    };
    await expect(get('/api/v1/reports/recurring')).rejects.toThrow();
    await closed.promise;
  });

  it('may take longer for an operation whose contract allows it', async () => {
    hurried.services.reporting.handle = ({ headers }, response) =>
      response.end(headers['x-request-timeout-ms']);
    const answer = await fetch(`${hurried.base}/api/v1/reports/rebuild`, { method: 'POST', headers: admin });
    expect(Number(await answer.text())).toBeGreaterThan(10 * timeout);
  });

  it('breaks the connection has failed', async () => {
    hurried.services.reporting.handle = (request) => request.socket.destroy();
    const failed = await get('/api/v1/reports/sign-ups');
    expect(failed.answer.status).toBe(502);
    expect(problemOf(failed)).toMatchObject({ code: 'upstream_failed' });
  });

  it('is down is unavailable, and the client receives a Retry-After header', async () => {
    const failed = await get('/api/v1/plans');
    expect(failed.answer.status).toBe(503);
    expect(problemOf(failed)).toMatchObject({ code: 'unavailable' });
    expect(Number(failed.answer.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
  });
});
