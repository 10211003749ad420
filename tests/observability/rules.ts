/** The rules and their tests, read from the files of k8s/observability. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

export const observability = fileURLToPath(new URL('../../k8s/observability/', import.meta.url));
const rules = `${observability}prometheus/rules/`;

export type AlertRule = {
  alert: string;
  expr: string;
  labels: { severity: string; component: string };
  annotations: { summary: string; description: string; runbook_url: string };
};
type Rule = AlertRule | { record: string; expr: string };

/** A case of promtool: what must be firing for an alert at a time; nothing, if it must not fire. */
export type AlertCase = { alertname: string; exp_alerts: { exp_labels: { severity: string } }[] };

/** All rules, in the order of the files. */
function allRules(): Rule[] {
  const files = documentsIn<{ groups: { rules: Rule[] }[] }>(rules);
  return files.flatMap(({ groups }) => groups.flatMap((group) => group.rules));
}

export const alertRules: AlertRule[] = allRules().filter((rule) => 'alert' in rule);

/** The alerts that promtool's cases expect. */
export const alertCases: AlertCase[] = documentsIn<{ tests: { alert_rule_test?: AlertCase[] }[] }>(
  `${rules}tests/`,
).flatMap(({ tests }) => tests.flatMap((test) => test.alert_rule_test ?? []));

/** The names of the series that the services have to have for the rules. */
export const metricsOfServices: string[] = [
  ...new Set(allRules().flatMap(({ expr }) => metricsIn(expr))),
].sort();

/**
 * The names of metrics in an expression: words with an underscore that are no function. What rules record has colons,
 * and `up` is Prometheus' own.
 */
function metricsIn(expr: string): string[] {
  const withoutStrings = expr.replaceAll(/"[^"]*"/g, '');
  const names = withoutStrings.matchAll(/(?<![\w:])[a-z]+(?:_[a-z0-9]+)+(?![\w:]|\s*\()/g);
  return [...names].map(([name]) => name);
}

function documentsIn<T>(folder: string): T[] {
  const names = readdirSync(folder).filter((name) => name.endsWith('.yml'));
  return names.sort().map((name) => parse(readFileSync(folder + name, 'utf8')) as T);
}
