/** Administrators ask, through the gateway, what reporting or `npm run analytics` beside it has exported. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { getAnswer, listQuestions } from '@slipway/contracts/reporting';
import { logIn } from '@slipway/contracts/users';
import { paid } from '@slipway/reporting/testing/events';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ok, send } from '../support/http.ts';
import { eventually } from '../support/people.ts';
import { type System, startSystem } from '../support/system.ts';

const program = join(import.meta.dirname, '../../apps/reporting/src/analytics/main.ts');
const params = { question: 'revenue-by-month' };
let system: System;
let token: string;
beforeAll(async () => {
  system = await startSystem();
  token = (await ok(system.base, logIn, { body: system.admin })).accessToken;
}, 120_000);
afterAll(() => system.stop());

it('after the first start there is an export without payments', async () => {
  const answer = await eventually('reporting has exported', async () => {
    const { status, body } = await send(system.base, getAnswer, { params }, { token });
    return status === 200 && body;
  });
  expect(answer).toEqual({ exportedAt: expect.any(String), items: [] });
});

it('before the first run of Spark there is no answer of its own', async () => {
  const query = { engine: 'spark' } as const;
  const { status, body } = await send(system.base, getAnswer, { params, query }, { token });
  expect({ status, body }).toMatchObject({ status: 404, body: { code: 'not_found' } });
});

it('after another export each question has its answer, as JSON and as CSV', async () => {
  const delivered = await fetch(`${system.services.reporting.address}/internal/v1/events`, {
    method: 'POST',
    headers: { authorization: `Bearer ${system.serviceToken}`, 'content-type': 'application/json' },
    body: JSON.stringify({ events: [paid({ planId: 'pro', amount: 9_900, at: '2026-03-05T00:00:00Z' })] }),
  });
  expect(delivered.status).toBe(200);
  const env = { ...process.env, STORE_URL: '', DATA_DIR: system.dataDir };
  const { stdout } = await promisify(execFile)(process.execPath, [program, 'revenue-by-month', '--csv'], {
    env,
  });
  const { items: questions } = await ok(system.base, listQuestions, {}, { token });
  for (const { name } of questions) {
    const { items, exportedAt } = await ok(system.base, getAnswer, { params: { question: name } }, { token });
    expect(Date.parse(exportedAt)).toBeLessThan(Date.now());
    if (name === 'revenue-by-month') expect(items).toMatchObject([{ plan_id: 'pro', net: 9_900 }]);
  }
  const csv = await fetch(`${system.base}/api/v1/reports/questions/revenue-by-month`, {
    headers: { authorization: `Bearer ${token}`, accept: 'text/csv' },
  });
  expect(await csv.text()).toBe(stdout);
  expect(Date.parse(csv.headers.get('exported-at') ?? '')).toBeLessThan(Date.now());
});
