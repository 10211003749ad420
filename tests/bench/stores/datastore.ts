/** The calls of the store on Google Datastore, by the driver alone: same keys, entities and transactions. */
import { randomUUID } from 'node:crypto';
import { Datastore, type Key, PropertyFilter } from '@google-cloud/datastore';
import type { ReportedEvent } from '@slipway/reporting/figures';
import { inTurn, newUse, newUses, type ReportingCalls } from './calls.ts';
import { type Opened, reporting } from './services.ts';

const projectId = 'slipway-bench';

/** Opens reporting in a namespace of its own, which `close` empties. */
export async function openDatastore(): Promise<Opened> {
  process.env.METADATA_SERVER_DETECTION = 'none'; // there is no cloud to ask for credentials
  const namespace = randomUUID();
  const datastore = new Datastore({ projectId, namespace });
  const url = `datastore://${projectId}/${namespace}`;
  const opened = await reporting('Datastore', url, () => drive(datastore));
  return {
    operations: opened.operations,
    async close() {
      await opened.close();
      await empty(datastore);
      for (const client of datastore.clients_.values()) await client.close();
    },
  };
}

function drive(datastore: Datastore): ReportingCalls {
  const place = inTurn([...Array(100).keys()]);
  return {
    'event applied': () => apply(datastore, [newUse(place())]),
    '100 events applied': () => apply(datastore, newUses()),
    'report of the largest 10': async () => {
      const transaction = datastore.transaction({ readOnly: true });
      await transaction.get([datastore.key(['Generations', 'generations'])]);
      const [after, before] = ['00000001 usage api_calls ', '00000001 usage api_calls!'];
      const query = datastore.createQuery('Figure').order('rank').limit(10);
      query.filter(new PropertyFilter('rank', '>', after)).filter(new PropertyFilter('rank', '<', before));
      await transaction.runQuery(query);
      await transaction.commit();
    },
  };
}

/** Counts events, each in a figure of its own, in another generation than the store does. */
async function apply(datastore: Datastore, events: ReportedEvent[]): Promise<void> {
  const transaction = datastore.transaction();
  await transaction.get(events.map(({ id }) => datastore.key(['AppliedEvent', `id:${id}`])));
  await transaction.get([datastore.key(['Generations', 'generations'])]);
  const names = events.map(({ data }) => figureOf(data as { subscriptionId: string }));
  const [figures] = await transaction.get(names.map((name) => datastore.key(['Figure', name])));
  const kept = figures as { [Datastore.KEY]: Key; first: number }[];
  const before = new Map(kept.map((figure) => [figure[Datastore.KEY].name, figure.first]));
  for (const [index, event] of events.entries()) {
    const name = names[index] as string;
    const first = (before.get(name) ?? 0) + 3;
    const data = { first, second: first / 3, rank: `${name} ${String(first).padStart(17, '0')}` };
    const excludeFromIndexes = ['first', 'second'];
    transaction.save({ key: datastore.key(['Figure', name]), data, excludeFromIndexes });
    transaction.save({
      key: datastore.key(['AppliedEvent', `id:${event.id}`]),
      data: { mark: 1, event: JSON.stringify(event) },
      excludeFromIndexes: ['mark', 'event'],
    });
  }
  await transaction.commit();
}

const figureOf = ({ subscriptionId }: { subscriptionId: string }) =>
  `00000009 usage api_calls ${subscriptionId}`;

async function empty(datastore: Datastore): Promise<void> {
  for (;;) {
    const [found] = await datastore.runQuery(datastore.createQuery().select('__key__').limit(500));
    if (found.length === 0) return;
    await datastore.delete(found.map((entity) => entity[datastore.KEY]));
  }
}
