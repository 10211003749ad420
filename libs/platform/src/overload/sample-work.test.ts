import { threadCpuUsage } from 'node:process';
import { priorities } from '@slipway/contract-kit/operation';
import Fastify from 'fastify';
import { describe, expect, it, onTestFinished } from 'vitest';
import { registerProblemResponses } from '../http/problem-responses.ts';
import { registerWork, workMs, workPath } from './sample-work.ts';

function serve() {
  const app = Fastify();
  onTestFinished(() => app.close());
  registerProblemResponses(app);
  registerWork(app, 'the-token-of-experiments');
  return app;
}

const headers = { authorization: 'Bearer the-token-of-experiments' };

describe('the sample work', () => {
  it.each(priorities)('with the priority %s uses its CPU time', async (priority) => {
    const app = serve();
    const before = threadCpuUsage();
    const { statusCode } = await app.inject({ url: workPath(priority), headers });
    const { user, system } = threadCpuUsage(before);
    expect(statusCode).toBe(200);
    expect((user + system) / 1_000).toBeGreaterThanOrEqual(workMs);
  });

  it('is only for callers with the token', async () => {
    const app = serve();
    for (const authorization of ['', 'Bearer another-token']) {
      const response = await app.inject({ url: workPath('batch'), headers: { authorization } });
      expect(response.json()).toMatchObject({ status: 401, code: 'unauthenticated' });
    }
  });
});
