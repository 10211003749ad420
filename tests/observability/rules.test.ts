import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { operations } from '@slipway/contracts/operations';
import { describe, expect, it } from 'vitest';
import { skipped } from './containers.ts';
import { alertCases, alertRules, observability } from './rules.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const runbookOf = (alert: string) => `docs/runbooks/${kebab(alert)}.md`;
const kebab = (name: string) => name.replaceAll(/(?<=.)[A-Z]/g, '-$&').toLowerCase();

describe.each(alertRules)('the alert $alert ($labels.severity)', ({ alert, labels, annotations }) => {
  it('says how urgent it is, what it is about, and where its runbook is', () => {
    expect(['page', 'ticket']).toContain(labels.severity);
    expect(labels.component).toMatch(/./);
    expect(annotations).toEqual({
      summary: expect.stringMatching(/\w/),
      description: expect.stringMatching(/\w.*\.$/),
      runbook_url: runbookOf(alert),
    });
  });

  it('has a runbook that says what it means, what to look at and what to do', () => {
    const text = readFileSync(root + runbookOf(alert), 'utf8');
    expect(text.startsWith(`# ${alert}\n`)).toBe(true);
    for (const part of ['## Meaning', '## Look', '## Do']) expect(text).toContain(`\n${part}\n`);
    expect(text.split('\n## Look\n')[1]?.split('\n## ')[0]).toContain('```');
  });

  it('has a promtool case in which it fires, and one in which it must not', () => {
    const cases = alertCases.filter(({ alertname }) => alertname === alert);
    const fires = cases.flatMap(({ exp_alerts }) => exp_alerts.map(({ exp_labels }) => exp_labels.severity));
    expect(fires).toContain(labels.severity);
    expect(cases.map(({ exp_alerts }) => exp_alerts.length)).toContain(0);
  });
});

it('every runbook belongs to an alert', () => {
  const alerts = alertRules.map(({ alert }) => `${kebab(alert)}.md`);
  expect(readdirSync(`${root}docs/runbooks`).sort()).toEqual([...new Set(alerts), 'README.md'].sort());
});

it('the latency objective leaves out exactly the operations that set a time limit of their own', () => {
  const long = Object.values(operations)
    .flat()
    .filter(({ config }) => config.timeoutMs);
  const text = readFileSync(`${observability}prometheus/rules/sli.yml`, 'utf8');
  const patterns = [...text.matchAll(/route!~"([^"]*)"/g)].map(([, pattern]) => new RegExp(`^(${pattern})$`));
  expect(patterns).toHaveLength(2);
  for (const pattern of patterns) {
    const left = Object.values(operations)
      .flat()
      .filter(({ url }) => pattern.test(url));
    expect(left).toEqual(long);
  }
});

describe.skipIf(skipped)(`the tools of Prometheus${skipped}`, () => {
  const run = promisify(execFile);
  const tool = (name: string, image: string, mounts: string[], ...args: string[]) => {
    const volumes = mounts.flatMap((mount) => ['--volume', `${observability}${mount}:ro`]);
    return run('docker', ['run', '--rm', ...volumes, '--entrypoint', name, image, ...args]);
  };
  const promtool = (mounts: string[], ...args: string[]) =>
    tool('promtool', 'prom/prometheus:v3.5.3', mounts, ...args);
  const rules = 'prometheus/rules:/etc/prometheus/rules';

  it.each(['compose', 'kubernetes'])('accept the configuration as it is mounted in %s', async (place) => {
    const file = (name: string) => `prometheus/${name}:/etc/prometheus/${name}`;
    const mounts = [rules, file('prometheus.yml'), file(`scrape/${place}.yml`)];
    const { stdout } = await promtool(
      mounts,
      'check',
      'config',
      '--lint-fatal',
      '/etc/prometheus/prometheus.yml',
    );
    expect(stdout).toContain('SUCCESS: 5 rule files found');
  });

  it('find that rules fire when they should, and only then', { timeout: 180_000 }, async () => {
    const files = readdirSync(`${observability}prometheus/rules/tests`);
    await promtool([rules], 'test', 'rules', ...files.map((file) => `/etc/prometheus/rules/tests/${file}`));
  });

  it('accept the configuration of Alertmanager', async () => {
    const mounts = ['alertmanager:/etc/alertmanager'];
    const path = '/etc/alertmanager/alertmanager.yml';
    await tool('amtool', 'prom/alertmanager:v0.33.1', mounts, 'check-config', path);
  });

  it.each([
    ['page', 'pages'],
    ['ticket', 'tickets'],
  ])('send a %s to the receiver of %s', async (severity, receiver) => {
    const mounts = ['alertmanager:/etc/alertmanager'];
    const config = '--config.file=/etc/alertmanager/alertmanager.yml';
    const labels = [`severity=${severity}`, 'alertname=Any', 'component=users'];
    const route = ['config', 'routes', 'test', config, `--verify.receivers=${receiver}`, ...labels];
    const { stdout } = await tool('amtool', 'prom/alertmanager:v0.33.1', mounts, ...route);
    expect(stdout.trim()).toBe(receiver);
  });
});
