import { createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Span } from './span.ts';
import { createSpanQueue, type SpanExporter } from './span-queue.ts';
import { zipkinExporter } from './zipkin-exporter.ts';

const limits = { size: 10, batch: 4, delay: 20, timeout: 10_000, closeWithin: 300 };

/** An exporter whose sendings end when they are told to. */
function heldExporter() {
  const sent: Span[][] = [];
  const ends: PromiseWithResolvers<void>[] = [];
  const exporter: SpanExporter = {
    send(spans, signal) {
      sent.push(spans);
      const end = Promise.withResolvers<void>();
      ends.push(end);
      signal.addEventListener('abort', () => end.reject(signal.reason));
      return end.promise;
    },
    close: async () => undefined,
  };
  return { exporter, sent, ends };
}

function queueOf(exporter: SpanExporter, changed: Partial<typeof limits> = {}) {
  const counts = { sent: 0, queue_full: 0, export_failed: 0 };
  const queue = createSpanQueue(exporter, {
    ...limits,
    ...changed,
    onSent: (count) => {
      counts.sent += count;
    },
    onDropped: (count, reason) => {
      counts[reason] += count;
    },
  });
  const add = (count: number) => {
    for (let n = 0; n < count; n += 1) {
      new Span({ name: 'work', kind: 'internal' }, { traceId: 'a'.repeat(32) }, queue.add).end();
    }
  };
  return { queue, add, counts };
}

describe('a queue of spans', () => {
  it('sends a full batch at once, and what is left when it has waited', async () => {
    const { exporter, sent, ends } = heldExporter();
    const { add, counts } = queueOf(exporter);
    add(5);
    await vi.waitFor(() => expect(sent).toHaveLength(1));
    ends[0]?.resolve();
    await vi.waitFor(() => expect(sent.map(({ length }) => length)).toEqual([4, 1]));
    ends[1]?.resolve();
    await vi.waitFor(() => expect(counts.sent).toBe(5));
  });

  it('has one batch on its way, and drops and counts what finds no place', async () => {
    const { exporter, sent, ends } = heldExporter();
    const { add, counts } = queueOf(exporter);
    add(4);
    await vi.waitFor(() => expect(sent).toHaveLength(1));
    add(13);
    expect(sent).toHaveLength(1);
    expect(counts).toEqual({ sent: 0, queue_full: 3, export_failed: 0 });
    ends[0]?.resolve();
    await vi.waitFor(() => expect(sent).toHaveLength(2));
  });

  it('gives up a batch that is refused, and goes on with the next', async () => {
    const { exporter, sent, ends } = heldExporter();
    const { add, counts } = queueOf(exporter);
    add(8);
    await vi.waitFor(() => expect(sent).toHaveLength(1));
    ends[0]?.reject(new Error('no'));
    await vi.waitFor(() => expect(sent).toHaveLength(2));
    ends[1]?.resolve();
    await vi.waitFor(() => expect(counts).toEqual({ sent: 4, queue_full: 0, export_failed: 4 }));
  });

  it('sends all that waits when it is closed', async () => {
    const { exporter, sent, ends } = heldExporter();
    const { queue, add, counts } = queueOf(exporter, { delay: 60_000 });
    add(7);
    const closed = queue.close();
    await vi.waitFor(() => expect(sent).toHaveLength(1));
    ends[0]?.resolve();
    await vi.waitFor(() => expect(sent).toHaveLength(2));
    ends[1]?.resolve();
    await closed;
    expect(counts.sent).toBe(7);
  });
});

describe('a collector that takes connections and never answers', () => {
  const sockets: Socket[] = [];
  let blackHole: ReturnType<typeof createServer> | undefined;

  async function startBlackHole(): Promise<string> {
    const server = createServer((socket) => sockets.push(socket.on('error', () => undefined).resume()));
    blackHole = server;
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('It does not listen');
    return `http://127.0.0.1:${address.port}/api/v2/spans`;
  }

  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    await new Promise((resolve) => blackHole?.close(resolve));
  });

  it('costs the places of the queue and one batch, one connection, and no more time at a stop than is set', async () => {
    const exporter = zipkinExporter(await startBlackHole(), 'sample', {});
    const { queue, add, counts } = queueOf(exporter, { timeout: 50 });
    for (let round = 1; round <= 5; round += 1) {
      add(100);
      await vi.waitFor(() => expect(counts.export_failed).toBeGreaterThanOrEqual(4 * round));
    }
    const open = await new Promise((resolve) => blackHole?.getConnections((_error, count) => resolve(count)));
    expect(open).toBeLessThanOrEqual(1);
    const startedAt = performance.now();
    await queue.close();
    expect(performance.now() - startedAt).toBeLessThan(limits.closeWithin + 1_000);
    expect(counts.sent).toBe(0);
    expect(counts.queue_full + counts.export_failed).toBe(500);
  });
});
