import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { ServicePromise } from '../promise.ts';
import type { Target } from '../target.ts';

/** Promises about a second request with the same Idempotency-Key. */
export const idempotency: ServicePromise[] = [
  {
    id: 'repeated',
    name: 'answers a repeated request with the first response',
    needs: ['idempotent'],
    async check(target) {
      const key = randomUUID();
      const [first, second] = [await sendWith(target, key), await sendWith(target, key)];
      assert.ok(first.status < 300, `the first request was answered with ${first.status}: ${first.body}`);
      assert.deepEqual([second.status, second.body], [first.status, first.body], 'the responses differ');
    },
  },
  {
    id: 'reused-key',
    name: 'rejects another request with the same Idempotency-Key',
    needs: ['idempotent'],
    async check(target) {
      const key = randomUUID();
      await sendWith(target, key);
      const { status } = await sendWith(target, key, target.description.idempotent?.otherBody);
      assert.equal(status, 422, `it was answered with ${status}`);
    },
  },
];

function sendWith(target: Target, key: string, body?: object) {
  const { idempotent } = target.description;
  if (!idempotent) throw new Error('No idempotent request is described');
  return target.send({ ...idempotent, ...(body && { body }) }, { headers: { 'idempotency-key': key } });
}
