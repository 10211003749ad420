/** An export and the running figures agree to the cent on everything that both know, however late an event arrives. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it, onTestFinished } from 'vitest';
import type { ReportedEvent } from '../figures.ts';
import { recurring, revenue, signUps, topUsage } from '../reports.ts';
import { openStore } from '../store/open.ts';
import type { ReportingStore } from '../store/store.ts';
import { eventStream } from '../testing/events.ts';
import { type Answers, openAnswers } from './answers.ts';
import { exportEvents } from './export.ts';

/** Each report as lines, from the running figures. */
async function known(store: ReportingStore): Promise<string[]> {
  const rows = [
    ...(await Array.fromAsync(revenue(store, { by: 'month' }))).map((row) => [
      'revenue',
      row.period,
      row.planId,
      row.currency,
      row.paid,
      row.refunded,
    ]),
    ...(await Array.fromAsync(recurring(store))).map((row) => [
      'recurring',
      row.planId,
      row.currency,
      row.active,
      row.monthlyRevenue,
    ]),
    ...(await Array.fromAsync(signUps(store, { by: 'month' })))
      .filter(({ signedUp }) => signedUp > 0)
      .map((row) => ['sign-ups', row.period, row.signedUp]),
    ...(await Array.fromAsync(topUsage(store, { metric: 'calls', limit: 100 }))).map((row) => [
      'usage',
      row.subscriptionId,
      row.quantity,
    ]),
  ];
  return rows.map((row) => row.join(' ')).sort();
}

const queries = [
  `SELECT 'revenue', month, plan_id, currency, sum(paid), sum(refunded) FROM payments GROUP BY ALL`,
  `SELECT 'recurring', plan_id, currency, count(*), sum(current_price) FROM subscription_states
   WHERE is_newest AND type <> 'subscription.cancelled' GROUP BY ALL`,
  `SELECT 'sign-ups', month, count(*) FROM events WHERE type = 'user.signed_up' GROUP BY ALL`,
  `SELECT 'usage', subscription_id, sum(quantity) FROM monthly_usage GROUP BY ALL`,
];

/** The same lines, from an export. */
async function exported(answers: Answers): Promise<string[]> {
  const lines: string[] = [];
  for (const sql of queries) {
    for (const row of (await answers.ask({ sql })).rows) lines.push(row.join(' '));
  }
  return lines.sort();
}

/** Two states of a subscription never have the same version. */
function withVersions(events: ReportedEvent[]): ReportedEvent[] {
  const versions = new Set<string>();
  return events.filter(({ data }) => {
    if (!('version' in data)) return true;
    const version = `${data.subscriptionId} ${data.version}`;
    return !versions.has(version) && versions.add(version);
  });
}

it('the running figures and an export are equal, before and after late events', async () => {
  const root = await mkdtemp(join(tmpdir(), 'known-figures-'));
  onTestFinished(() => rm(root, { recursive: true }));
  let folders = 0;
  const property = fc.asyncProperty(eventStream, eventStream, async (early, late) => {
    const store = await openStore('sqlite::memory:');
    const folder = join(root, String(++folders));
    const all = withVersions([...early, ...late]);
    try {
      for (const part of [all.slice(0, early.length), all.slice(early.length)]) {
        for (const event of part) await store.apply(event);
        await exportEvents({ store, folder });
        const answers = await openAnswers(folder, { temporaryFolder: join(root, 'spill') });
        expect(await exported(answers).finally(() => answers.close())).toEqual(await known(store));
      }
    } finally {
      await store.close();
    }
  });
  await fc.assert(property, { numRuns: 15 });
}, 120_000);
