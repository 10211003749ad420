import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { expireKeys, type IdempotencyStore } from './idempotency.ts';

/** Two connections to the same data. */
export type OpenIdempotency = {
  stores: [IdempotencyStore, IdempotencyStore];
  close(): Promise<void>;
};

/** Tests what every store of idempotency keys guarantees. Times are in milliseconds. */
export function idempotencyContract(name: string, open: () => Promise<OpenIdempotency>): void {
  describe(`idempotency keys: ${name}`, () => {
    const staleAfter = 1_000;
    const answer = { status: 201, contentType: 'application/json', body: '{"id":1}' };
    let opened: OpenIdempotency;
    let store: IdempotencyStore;
    let second: IdempotencyStore;
    beforeEach(async () => {
      opened = await open();
      [store, second] = opened.stores;
    });
    afterEach(() => opened.close());

    it('reserves a key once', async () => {
      expect(await store.reserve('key', 'hash', 0, staleAfter)).toEqual({ state: 'reserved' });
      expect(await store.reserve('key', 'hash', 1, staleAfter)).toEqual({
        state: 'running',
        bodyHash: 'hash',
      });
      expect(await second.reserve('key', 'hash', 1, staleAfter)).toEqual({
        state: 'running',
        bodyHash: 'hash',
      });
      expect(await store.reserve('other', 'hash', 1, staleAfter)).toEqual({ state: 'reserved' });
    });

    it('reserves the key for exactly one of 50 concurrent requests', async () => {
      const attempts = Array.from({ length: 50 }, (_, n) =>
        (n % 2 ? store : second).reserve('key', 'hash', 0, staleAfter),
      );
      const states = (await Promise.all(attempts)).map(({ state }) => state);
      expect(states.filter((state) => state === 'reserved')).toHaveLength(1);
      expect(states.filter((state) => state === 'running')).toHaveLength(49);
    });

    it('returns the stored response, with the hash of the first body', async () => {
      await store.reserve('key', 'hash', 0, staleAfter);
      await store.complete('key', answer);
      const done = { state: 'done', bodyHash: 'hash', answer };
      expect(await store.reserve('key', 'hash', 1, staleAfter)).toEqual(done);
      expect(await second.reserve('key', 'another hash', 1, staleAfter)).toEqual(done);
      expect(await store.reserve('key', 'hash', 1_000_000, staleAfter)).toEqual(done);
    });

    it('keeps the first response when another is stored', async () => {
      await store.reserve('key', 'hash', 0, staleAfter);
      await store.complete('key', answer);
      await second.complete('key', { ...answer, body: 'another' });
      expect(await store.reserve('key', 'hash', 1, staleAfter)).toMatchObject({ answer });
    });

    it('frees a released key immediately, for one request with the same body', async () => {
      await store.reserve('key', 'hash', 5_000, staleAfter);
      await store.release('key', staleAfter);
      const running = { state: 'running', bodyHash: 'hash' };
      expect(await second.reserve('key', 'another hash', 5_000, staleAfter)).toEqual(running);
      expect(await second.reserve('key', 'hash', 5_000, staleAfter)).toEqual({ state: 'reserved' });
      expect(await store.reserve('key', 'hash', 5_000, staleAfter)).toEqual(running);
    });

    it('does not release a key that has a response', async () => {
      await store.reserve('key', 'hash', 0, staleAfter);
      await store.complete('key', answer);
      await store.release('key', staleAfter);
      expect(await store.reserve('key', 'hash', 1, staleAfter)).toMatchObject({ state: 'done', answer });
    });

    it('hands over a reservation that a crash left to one request, once it is stale', async () => {
      await store.reserve('key', 'hash', 0, staleAfter);
      expect(await store.reserve('key', 'hash', 1_000, staleAfter)).toMatchObject({ state: 'running' });
      expect(await second.reserve('key', 'hash', 1_001, staleAfter)).toEqual({ state: 'reserved' });
      expect(await store.reserve('key', 'hash', 1_001, staleAfter)).toMatchObject({ state: 'running' });
      expect(await store.reserve('key', 'hash', 2_001, staleAfter)).toMatchObject({ state: 'running' });
    });

    it('hands over a stale key only to the same body: the first request may have had its effect', async () => {
      await store.reserve('key', 'hash', 0, staleAfter);
      const found = await store.reserve('key', 'another hash', 10_000, staleAfter);
      expect(found).toEqual({ state: 'running', bodyHash: 'hash' });
    });

    it('deletes keys that were reserved before a given time, with a response or without', async () => {
      await store.reserve('answered', 'hash', 999, staleAfter);
      await store.complete('answered', answer);
      await store.reserve('left', 'hash', 999, staleAfter);
      await store.reserve('young', 'hash', 1_000, staleAfter);
      expect(await store.expire(1_000, 100)).toBe(2);
      expect(await store.reserve('answered', 'hash', 1_001, staleAfter)).toEqual({ state: 'reserved' });
      expect(await store.reserve('left', 'hash', 1_001, staleAfter)).toEqual({ state: 'reserved' });
      expect(await store.reserve('young', 'hash', 1_001, staleAfter)).toMatchObject({ state: 'running' });
    });

    it('deletes up to a number of keys at a time, and reports how many', async () => {
      const keys = Array.from({ length: 25 }, (_, n) => `key-${n}`);
      await Promise.all(keys.map((key) => store.reserve(key, 'hash', 0, staleAfter)));
      const deleted = [];
      for (const each of [store, second, store, second]) deleted.push(await each.expire(1, 10));
      expect(deleted).toEqual([10, 10, 5, 0]);
      for (const key of keys) {
        expect(await store.reserve(key, 'hash', 1, staleAfter)).toEqual({ state: 'reserved' });
      }
    });

    it('deletes any number of keys, and stops in between if the service drains', async () => {
      for (let n = 0; n < 300; n += 20) {
        const some = Array.from({ length: 20 }, (_, index) => `key-${n + index}`);
        await Promise.all(some.map((key) => store.reserve(key, 'hash', 0, staleAfter)));
      }
      const draining = new AbortController();
      const drained = {
        expire(...args: Parameters<IdempotencyStore['expire']>) {
          draining.abort(new Error('draining'));
          return store.expire(...args);
        },
      };
      await expect(expireKeys(drained, draining.signal)).rejects.toThrow('draining');
      expect(await second.expire(Date.now(), 10)).toBe(10);
      await expireKeys(store);
      expect(await second.expire(Date.now(), 10)).toBe(0);
    });

    describe('of one caller', () => {
      /** Reserves keys at the times 1, 2, … and stores a response of so many bytes for each. */
      async function fill(caller: string, sizes: (number | 'running')[]): Promise<void> {
        for (const [n, size] of sizes.entries()) {
          await store.reserve(`${caller}-${n + 1}`, 'hash', n + 1, staleAfter, caller);
          if (size !== 'running') await store.complete(`${caller}-${n + 1}`, bodyOf(size));
        }
      }
      const bodyOf = (size: number) => ({ status: 200, body: 'ñ'.repeat(size / 2) });
      const present = async (caller: string, count: number) => {
        const states = [];
        for (let n = 1; n <= count; n++) {
          const { state } = await second.reserve(`${caller}-${n}`, 'hash', n, staleAfter);
          states.push(state === 'reserved' ? 'gone' : state);
        }
        return states;
      };

      it('are deleted beyond a number, the oldest first', async () => {
        await fill('zoe', [0, 0, 0, 0]);
        await fill('max', [0, 0, 0, 0]);
        await store.trim('zoe', { records: 2, bytes: 1_000 }, 0);
        expect(await present('zoe', 4)).toEqual(['gone', 'gone', 'done', 'done']);
        expect(await present('max', 4)).toEqual(Array(4).fill('done'));
      });

      it('are deleted beyond a number of bytes, the oldest first', async () => {
        await fill('zoe', [100, 100, 500, 400]);
        await store.trim('zoe', { records: 100, bytes: 1_000 }, 0);
        expect(await present('zoe', 4)).toEqual(['gone', 'done', 'done', 'done']);
        await store.trim('zoe', { records: 100, bytes: 300 }, 0);
        expect(await present('zoe', 4)).toEqual(['running', 'gone', 'gone', 'gone']);
      });

      it('are not deleted within the limits', async () => {
        await fill('zoe', [100, 100]);
        await store.trim('zoe', { records: 2, bytes: 200 }, 0);
        await store.trim('nobody', { records: 0, bytes: 0 }, 0);
        expect(await present('zoe', 2)).toEqual(['done', 'done']);
      });

      it('are not deleted while they are in progress', async () => {
        await fill('zoe', ['running', 'running', 0, 0]);
        await store.trim('zoe', { records: 1, bytes: 1_000 }, 2);
        expect(await present('zoe', 4)).toEqual(['gone', 'running', 'gone', 'done']);
      });
    });

    it('returns exactly the response that was stored', async () => {
      const bodies = ['', 'Zoë 🚢 \u2028', 'x'.repeat(1_000_000)];
      for (const [n, body] of bodies.entries()) {
        await store.reserve(`key-${n}`, 'hash', 0, staleAfter);
        await store.complete(`key-${n}`, { status: 204, body });
        const found = await store.reserve(`key-${n}`, 'hash', 1, staleAfter);
        expect(found).toEqual({ state: 'done', bodyHash: 'hash', answer: { status: 204, body } });
      }
    });
  });
}
