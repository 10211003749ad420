/** A fault of a real store: SQLite on disk. */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildTestService } from '@slipway/platform/testing/service';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { users } from './app.ts';

const token = 'token-of-the-experiments';
const patient = { timeout: 20_000 };
const folder = mkdtempSync(join(tmpdir(), 'slipway-fault-'));
let service: Awaited<ReturnType<typeof buildTestService>>;
let management: string;

beforeAll(async () => {
  const env = { STORE_URL: `sqlite:${folder}/users.db`, EXPERIMENTS_TOKEN: token };
  service = await buildTestService(users, env);
  await once(service.management.listen(0, '127.0.0.1'), 'listening');
  management = `http://127.0.0.1:${(service.management.address() as AddressInfo).port}`;
});
afterAll(async () => {
  service.management.close();
  await service.app.close();
  rmSync(folder, { recursive: true });
});

const statusOf = async (path: string) => (await fetch(management + path)).status;
const logIn = async () => {
  const payload = { email: 'nobody@example.com', password: 'a password of nobody' };
  const { statusCode, body } = await service.app.inject({ method: 'POST', url: '/api/v1/sessions', payload });
  return `${statusCode} ${JSON.parse(body).code}`;
};

async function cause(kind: string) {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const body = JSON.stringify({ fault: { on: 'store', kind }, seconds: 3 });
  const { status } = await fetch(`${management}/experiment`, { method: 'PUT', headers, body });
  expect(status).toBe(200);
}

describe('a fault of the store', () => {
  it.each(['error', 'hang'])(
    '(%s) makes the service unready, not dead, and ready when it ends',
    async (kind) => {
      expect(await statusOf('/status')).toBe(200);
      await expect.poll(logIn, patient).toBe('401 wrong_credentials');
      await cause(kind);
      expect(await statusOf('/status')).toBe(503);
      expect(await statusOf('/health')).toBe(200);
      if (kind === 'error') await expect.poll(logIn, patient).toBe('503 unavailable');
      await expect.poll(() => statusOf('/status'), patient).toBe(200);
      await expect.poll(logIn, patient).toBe('401 wrong_credentials');
    },
  );
});
