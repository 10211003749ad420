/**
 * Watches an alert of the running system until it fires: `npm run alert -- JobFailed`.
 *
 *   --until inactive   until it has been inactive for 5 s
 *   --faster 60        divide all times of the rule by this: a minute is a second
 *   --within 60        seconds after which it gives up
 *
 * It reads /metrics of the services of `npm start` twice a second, and evaluates the rule in
 * k8s/observability/prometheus/rules, as Prometheus does every 15 s in Compose and in a cluster. Values that are ages
 * (`…_age_seconds`, `…_overdue_seconds`) are multiplied by `--faster`. There is no history, so a ratio over an hour is one
 * over the time since the start of the command.
 *
 * Environment: <NAME>_MANAGEMENT_PORT, as for `npm start`.
 *
 * Exits with 1 if it gives up.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type Alert, allRules, createAlert, metricNames } from './alerts/rules.ts';
import { createScraper } from './alerts/scrape.ts';
import { createSeriesStore, type Labels } from './alerts/series.ts';

/** Milliseconds between two scrapes. */
const interval = 500;

/** Seconds without the alert after which it counts as over. */
const quiet = 5;

function readOptions(args: string[]) {
  const options = {
    until: { type: 'string', default: 'firing' },
    faster: { type: 'string', default: '60' },
    within: { type: 'string', default: '60' },
  } as const;
  const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
  const [name] = positionals;
  if (!name || !['firing', 'inactive'].includes(values.until))
    throw new Error('Usage: npm run alert -- <alert> [--until inactive] [--faster 60] [--within 60]');
  return { name, until: values.until, factor: Number(values.faster), within: Number(values.within) };
}

async function main({ argv, env, stdout }: NodeJS.Process): Promise<boolean> {
  const { name, until, factor, within } = readOptions(argv.slice(2));
  const say = (line: string) => stdout.write(`${line}\n`);
  const store = createSeriesStore();
  const scrape = createScraper(store, metricNames, env, factor);
  const alertsAt = createAlert(name, store, factor);
  for (const { expr, for: time = '0s' } of allRules.filter(({ alert }) => alert === name))
    say(`${name}: ${expr.trim().replaceAll(/\s+/g, ' ')}, for ${time}, all times divided by ${factor}`);

  const start = Date.now() / 1_000;
  let shown = '';
  let activeAt = start;
  for (let at = start; at - start < within; at = Date.now() / 1_000) {
    await scrape(at);
    const alerts = alertsAt(at);
    const text = textOf(alerts);
    if (text !== shown) say(`after ${(at - start).toFixed(1)} s: ${text}`);
    shown = text;
    const firing = alerts.find(({ state }) => state === 'firing');
    if (alerts.length > 0) activeAt = at;
    if (until === 'firing' && firing) {
      say(`${firing.summary}. Runbook: ${firing.runbook}`);
      return true;
    }
    if (until === 'inactive' && at - activeAt >= quiet) return true;
    await wait(interval);
  }
  say(`not ${until} after ${within} s`);
  return false;
}

const textOf = (alerts: Alert[]) =>
  alerts.map(({ state, labels }) => `${state} {${labelsText(labels)}}`).join(', ') || 'inactive';

const labelsText = (labels: Labels) =>
  Object.entries(labels)
    .map(([label, value]) => `${label}="${value}"`)
    .join(', ');

try {
  process.exitCode = (await main(process)) ? 0 : 1;
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 1;
}
