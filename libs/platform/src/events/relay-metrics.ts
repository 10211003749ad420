import { Gauge } from 'prom-client';
import { countBy } from '../telemetry/declare.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { OutboxStore } from './outbox.ts';

/** Minimum milliseconds between two counts of the outbox. */
const countInterval = 5_000;

/** Declares the metrics of an outbox: its undelivered events, the age of the oldest, and the outcomes of deliveries. */
export function createRelayMetrics(metrics: Metrics, outbox: OutboxStore) {
  let oldestAt: string | undefined;
  let countedAt = 0;
  let depth = 0;
  metrics.backlog = () => ({ waiting: depth, oldestAt });
  const registers = [metrics.registry];
  const named = {
    name: 'outbox_deliveries_total',
    help: 'Deliveries of one or more events by outcome; `rejected`: the reader rejected an event',
  };
  const waiting = new Gauge({
    name: 'outbox_events_waiting',
    help: 'Events that are not delivered yet',
    registers,
  });
  new Gauge({
    name: 'outbox_oldest_event_age_seconds',
    help: 'Age of the oldest undelivered event; 0 if there is none',
    registers,
    // Computed when it is read, so that it continues to grow while a delivery hangs.
    collect() {
      this.set(oldestAt === undefined ? 0 : Math.max(0, (Date.now() - Date.parse(oldestAt)) / 1000));
    },
  });
  return {
    deliveries: countBy(metrics, named, 'outcome', ['delivered', 'failed', 'rejected']),
    /** Records that the outbox is empty, without counting. */
    setEmpty(): void {
      depth = 0;
      waiting.set(depth);
      oldestAt = undefined;
    },
    /** Counts the undelivered events, unless the last count is less than `countInterval` old. */
    async count(): Promise<void> {
      if (Date.now() - countedAt < countInterval) return;
      countedAt = Date.now();
      const backlog = await outbox.backlog();
      depth = backlog.depth;
      waiting.set(depth);
      oldestAt = backlog.oldestAt;
    },
  };
}
