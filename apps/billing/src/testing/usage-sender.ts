import process from 'node:process';
import { openStore } from '../store/open.ts';
import { usageEvents } from '../usage.ts';

/** A process that sends the same usage as others like it. Each begins with a different batch. */
const [, , url = '', first = '0'] = process.argv;
const batches = 10;

const batchOf = (batch: number) =>
  Array.from({ length: 500 }, (_, index) => ({
    ...{ id: `r${batch * 500 + index}`, subscriptionId: `s${index % 4}`, userId: 'u1', metric: 'api_calls' },
    ...{ quantity: 1 + (index % 3), at: '2026-01-31T10:00:00.000Z', period: 1 + (index % 2) },
  }));

const store = await openStore(url);
process.send?.('ready');
for (let n = 0; n < batches; n++) {
  await store.usage.add(batchOf((Number(first) + n) % batches), usageEvents);
}
process.send?.('sent');
await store.close();
