import { readFileSync, writeFileSync } from 'node:fs';
import { buildService, type Service } from '@slipway/platform/service/service';
import { readSettings } from '@slipway/platform/service/settings';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { definitions } from '../support/definitions.ts';
import { type MetricRow, metricsTables } from './metrics-tables.ts';

const page = new URL('../../docs/metrics.md', import.meta.url);

const env = {
  STORE_URL: 'sqlite::memory:',
  SERVICE_TOKEN: 'secret-between-services',
  LOG_LEVEL: 'silent',
  OTEL_TRACES_EXPORTER: 'zipkin',
};

describe('docs/metrics.md', () => {
  const services: Service[] = [];
  beforeAll(async () => {
    for (const definition of Object.values(definitions)) {
      services.push(await buildService(definition, readSettings(definition.settings, env)));
    }
    for (const { app } of services) await app.ready();
  });
  afterAll(async () => {
    for (const { app } of services) await app.close();
  });

  it('has the metrics that the services show: `UPDATE_DOCS=1 npx vitest run --dir tests/docs metrics`', () => {
    const written = readFileSync(page, 'utf8');
    let right = written;
    for (const [name, table] of Object.entries(metricsTables(services.map(rowsOf)))) {
      const marks = new RegExp(`(<!-- ${name} -->\n).*?(<!-- /${name} -->)`, 's');
      expect(written, name).toMatch(marks);
      right = right.replace(marks, (_all, open, close) => `${open}${table}\n${close}`);
    }
    if (process.env.UPDATE_DOCS) writeFileSync(page, right);
    else expect(written).toBe(right);
  });

  it('names each metric as its kind is named', () => {
    for (const { name, type } of services.flatMap((service) => rowsOf(service).rows)) {
      if (type === 'counter') expect(name).toMatch(/_total$/);
      else expect(name).not.toMatch(/_total$/);
      if (type === 'histogram') expect(name).toMatch(/_seconds$/);
    }
  });
});

/** The metrics of a service, but for those that prom-client itself makes of Node. */
function rowsOf({ name: service, metrics: { registry } }: Service): { service: string; rows: MetricRow[] } {
  // The types of prom-client do not tell what a metric of any kind has.
  const all = registry.getMetricsAsArray() as unknown as (Omit<MetricRow, 'labels'> & {
    labelNames: string[];
  })[];
  const rows = all.filter(isOurs).map(({ labelNames, ...row }) => ({ ...row, labels: labelNames }));
  return { service, rows };
}

function isOurs({ name }: { name: string }): boolean {
  if (name === 'nodejs_eventloop_utilization' || name === 'process_memory_limit_bytes') return true;
  return !/^(nodejs|process)_/.test(name);
}
