import { problem } from '@slipway/contract-kit/problem';
import { describe, expect, it } from 'vitest';
import { synchronous } from '../core/synchronous.ts';
import { seriesValue } from '../testing/metrics.ts';
import { createMetrics } from './metrics.ts';
import { measureConnections, observeStore } from './observe-store.ts';

class Connection {
  #open = true;
  get isOpen() {
    return this.#open;
  }
}

function openStore() {
  return {
    connection: new Connection(),
    async find(id: string) {
      return { id, by: this };
    },
    fail: async () => {
      throw new TypeError('unreachable');
    },
    conflict: async () => {
      throw problem('conflict');
    },
    add: synchronous((a: number, b: number) => a + b),
    remove: () => Promise.resolve(true),
    outbox: { pending: async (limit: number) => limit },
  };
}

async function observed() {
  const metrics = createMetrics('sample', '1.0.0');
  const plain = openStore();
  const store = observeStore(plain, metrics);
  const count = (operation: string, outcome: string) =>
    seriesValue(metrics, 'dependency_call_duration_seconds_count', {
      dependency: 'store',
      operation,
      outcome,
    });
  return { plain, store, count };
}

describe('an observed store', () => {
  it('returns what the store returns, whose methods run without the wrapper', async () => {
    const { plain, store } = await observed();
    expect(await store.find('7')).toEqual({ id: '7', by: plain });
    expect(store.connection.isOpen).toBe(true);
  });

  it('counts each call by method and outcome', async () => {
    const { store, count } = await observed();
    await store.find('7');
    await store.find('8');
    await expect(store.fail()).rejects.toThrow('unreachable');
    expect(await count('find', 'ok')).toBe(2);
    expect(await count('fail', 'error')).toBe(1);
  });

  it('distinguishes a problem from a failure', async () => {
    const { store, count } = await observed();
    await expect(store.conflict()).rejects.toMatchObject({ code: 'conflict' });
    expect(await count('conflict', 'conflict')).toBe(1);
    expect(await count('conflict', 'error')).toBeUndefined();
  });

  it("counts the calls of the store's parts", async () => {
    const { store, count } = await observed();
    expect(await store.outbox.pending(3)).toBe(3);
    expect(await count('outbox.pending', 'ok')).toBe(1);
  });

  it('does not wrap synchronous functions', async () => {
    const { store, count } = await observed();
    expect(store.add(1, 2)).toBe(3);
    expect(await count('add', 'ok')).toBeUndefined();
  });

  it('declares each operation at 0 before its first call, whatever keyword it was written with', async () => {
    const { count } = await observed();
    const operations = ['find', 'fail', 'conflict', 'remove', 'outbox.pending'];
    expect(await Promise.all(operations.map((name) => count(name, 'ok')))).toEqual([0, 0, 0, 0, 0]);
    expect(await count('add', 'ok')).toBeUndefined();
  });

  it('makes one wrapper for each method, so that methods can be compared', async () => {
    const { store } = await observed();
    expect(store.find).toBe(store.find);
    expect(store.outbox).toBe(store.outbox);
  });
});

it('shows the connections of a store as they are when metrics are read', async () => {
  const metrics = createMetrics('sample', '1.0.0');
  const connections = { open: 3, busy: 2, waiting: 0 };
  measureConnections(metrics, () => connections);
  const gauge = (state: string) => seriesValue(metrics, 'store_connections', { state });
  expect([await gauge('open'), await gauge('busy'), await gauge('waiting')]).toEqual([3, 2, 0]);
  connections.waiting = 5;
  expect(await gauge('waiting')).toBe(5);
});
