import { Gauge } from 'prom-client';
import { countBy } from '../telemetry/declare.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { OutboxStore } from './outbox.ts';

/** Milliseconds between two countings of the outbox. */
const countEvery = 5_000;

/** The metrics of an outbox: how many wait, how long the oldest does, and how deliveries end. */
export function createRelayMetrics(metrics: Metrics, outbox: OutboxStore) {
  let oldestAt: string | undefined;
  let countedAt = 0;
  const registers = [metrics.registry];
  const named = {
    name: 'outbox_deliveries_total',
    help: 'Deliveries of one or more events by how they ended; `refused`: the reader finds fault with an event',
  };
  const waiting = new Gauge({
    name: 'outbox_events_waiting',
    help: 'Events that are not delivered',
    registers,
  });
  new Gauge({
    name: 'outbox_oldest_event_age_seconds',
    help: 'How long the oldest event has been waiting; 0 when none is',
    registers,
    // Computed when it is read, so that it goes on growing while a delivery hangs.
    collect() {
      this.set(oldestAt === undefined ? 0 : Math.max(0, (Date.now() - Date.parse(oldestAt)) / 1000));
    },
  });
  return {
    deliveries: countBy(metrics, named, 'outcome', ['delivered', 'failed', 'refused']),
    /** Notes that nothing waits, without counting. */
    isEmpty(): void {
      waiting.set(0);
      oldestAt = undefined;
    },
    /** Counts the outbox, unless that was done a moment ago. */
    async count(): Promise<void> {
      if (Date.now() - countedAt < countEvery) return;
      countedAt = Date.now();
      const backlog = await outbox.backlog();
      waiting.set(backlog.depth);
      oldestAt = backlog.oldestAt;
    },
  };
}
