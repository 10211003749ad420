import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { Answer } from '../../support/request.ts';
import type { ServicePromise } from '../promise.ts';
import type { Target } from '../target.ts';

/** Promises about every response: an id to find it by in logs, and a few headers. */
export const requests: ServicePromise[] = [
  {
    id: 'same-id',
    name: "returns the caller's correlation id",
    async check(target) {
      const header = headerOf(target);
      const id = randomUUID();
      const { headers } = await target.send(target.description.read, { headers: { [header]: id } });
      assert.equal(headers[header], id, `the header ${header} is ${headers[header]}, not ${id}`);
    },
  },
  {
    id: 'new-id',
    name: 'gives a request without a correlation id a new one',
    async check(target) {
      const header = headerOf(target);
      const [one, two] = [
        await target.send(target.description.read),
        await target.send(target.description.read),
      ];
      assert.ok(one.headers[header], `there is no header ${header}`);
      assert.notEqual(one.headers[header], two.headers[header], 'two requests have the same id');
    },
  },
  {
    id: 'id-in-problem',
    name: 'names the correlation id in a problem document',
    async check(target) {
      const { headers, body } = await unknown(target);
      const id = String(headers[headerOf(target)]);
      assert.ok(body.includes(id), `${id} is not in ${body}`);
    },
  },
  {
    id: 'nosniff',
    name: 'sends X-Content-Type-Options: nosniff',
    async check(target) {
      for (const { headers } of await bothAnswers(target)) {
        assert.equal(headers['x-content-type-options'], 'nosniff', 'the header is absent or different');
      }
    },
  },
  {
    id: 'no-store',
    name: 'lets no cache store an error',
    async check(target) {
      const { headers } = await unknown(target);
      assert.match(headers['cache-control'] ?? '', /no-store/, `Cache-Control: ${headers['cache-control']}`);
    },
  },
  {
    id: 'no-software',
    name: 'does not name its software in a header',
    async check(target) {
      for (const { headers } of await bothAnswers(target)) {
        assert.equal(headers.server, undefined, `Server: ${headers.server}`);
        assert.equal(headers['x-powered-by'], undefined, `X-Powered-By: ${headers['x-powered-by']}`);
      }
    },
  },
];

function headerOf({ description }: Target): string {
  return description.correlationHeader ?? 'x-correlation-id';
}

function unknown(target: Target, headers?: Record<string, string>): Promise<Answer> {
  return target.send({ path: '/conformance/unknown', headers });
}

async function bothAnswers(target: Target): Promise<Answer[]> {
  return [await target.send(target.description.read), await unknown(target)];
}
