import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as wait } from 'node:timers/promises';
import { signUp } from '@slipway/contracts/users';
import { inject } from '@slipway/platform/testing/inject';
import { buildTestService } from '@slipway/platform/testing/service';
import { users } from '@slipway/users/app';
import { afterEach, beforeEach, expect, it } from 'vitest';

let folder: string;
let service: Awaited<ReturnType<typeof buildTestService>>;
let other: DatabaseSync;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'slipway-'));
  const path = join(folder, 'users.db');
  service = await buildTestService(users, { STORE_URL: `sqlite:${path}` });
  other = new DatabaseSync(path);
});
afterEach(async () => {
  other.close();
  await service.app.close();
  rmSync(folder, { recursive: true });
});

const signUpAs = (name: string) =>
  inject(service, {
    method: signUp.method,
    url: signUp.url,
    payload: { email: `${name}@example.com`, password: 'a long password', name },
  });

it('a service whose file is locked for long answers 503 with Retry-After, and others meanwhile', async () => {
  other.exec('BEGIN IMMEDIATE');
  const signingUp = signUpAs('ada');
  await wait(300);
  const keys = await inject(service, { url: '/.well-known/jwks.json' });
  expect(keys.statusCode).toBe(200);
  const answer = await signingUp;
  expect(answer.statusCode).toBe(503);
  expect(answer.headers['retry-after']).toBe('1');
  expect(answer.json()).toMatchObject({ code: 'unavailable' });
  other.exec('ROLLBACK');
  expect((await signUpAs('ada')).statusCode).toBe(201);
});

it('a service whose file is locked for a moment serves when it is free', async () => {
  other.exec('BEGIN IMMEDIATE');
  const signingUp = signUpAs('ada');
  await wait(500);
  other.exec('ROLLBACK');
  expect((await signingUp).statusCode).toBe(201);
});
