/** The alerts of the labs, held against the cases of promtool: Prometheus gives the same result for each of them. */
import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { secondsOf } from './alerts/promql.ts';
import { createAlert } from './alerts/rules.ts';
import { createSeriesStore, type Labels, parseMetrics } from './alerts/series.ts';

type Case = { alertname: string; eval_time: string; exp_alerts: { exp_labels: Labels }[] };
type Test = {
  name: string;
  interval: string;
  input_series: { series: string; values: string }[];
  alert_rule_test?: Case[];
};

const folder = fileURLToPath(new URL('../../k8s/observability/prometheus/rules/tests/', import.meta.url));
const files = globSync(`${folder}*.yml`).map(
  (file) => parse(readFileSync(file, 'utf8')) as { evaluation_interval: string; tests: Test[] },
);
const cases = files.flatMap(({ evaluation_interval: evaluation, tests }) =>
  tests.flatMap((test) =>
    (test.alert_rule_test ?? []).map((each) => ({ ...each, name: test.name, test, evaluation })),
  ),
);

/** Reads the notation of promtool: `1x3` is 1 and three more, `0+9x2` is 0 9 18, `_` is no value, `stale` is the end. */
function valuesOf(text: string): (number | 'stale' | '_')[] {
  return text.split(' ').flatMap((word): (number | 'stale' | '_')[] => {
    const [, start, step = '+0', times = '0'] = word.match(/^(-?[\d.]+)([+-][\d.]+)?(?:x(\d+))?$/) ?? [];
    if (start === undefined) return [word as 'stale' | '_'];
    return Array.from({ length: Number(times) + 1 }, (_, n) => Number(start) + n * Number(step));
  });
}

function alertsOf({ alertname, eval_time, test, evaluation }: (typeof cases)[number]) {
  const store = createSeriesStore();
  const interval = secondsOf(test.interval);
  for (const { series, values } of test.input_series) {
    const [name = ''] = series.split('{');
    const [[labels] = [{}]] = parseMetrics(`${series} 0`, new Set([name]));
    for (const [n, value] of valuesOf(values).entries())
      if (value !== '_') store.add(labels, n * interval, value === 'stale' ? undefined : value);
  }
  const alertsAt = createAlert(alertname, store);
  let alerts = alertsAt(0);
  for (let at = secondsOf(evaluation); at <= secondsOf(eval_time); at += secondsOf(evaluation))
    alerts = alertsAt(at);
  return alerts.filter(({ state }) => state === 'firing').map(({ labels }) => labels);
}

describe('an alert of the labs fires exactly as in Prometheus', () => {
  it.each(cases)('$name: $alertname after $eval_time', { timeout: 120_000 }, (each) => {
    const sorted = (labels: Labels[]) =>
      labels.map((each) => JSON.stringify(Object.entries(each).sort())).sort();
    expect(sorted(alertsOf(each))).toEqual(sorted(each.exp_alerts.map(({ exp_labels }) => exp_labels)));
  });
});
