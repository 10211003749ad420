import { globSync, readFileSync } from 'node:fs';
import { buildService, defineService } from '@slipway/platform/service/service';
import { platformSettings, readSettings } from '@slipway/platform/service/settings';
import { expect, it } from 'vitest';

const folder = `${import.meta.dirname}/../../k8s/observability`;

/** The metrics of the process and of Node that a dashboard or a rule reads; of a summary the name without its suffix. */
function readNames(): string[] {
  const files = globSync(`${folder}/{grafana/dashboards/*.json,prometheus/rules/*.yml}`);
  const text = files.map((file) => readFileSync(file, 'utf8')).join();
  const names = text.match(/\b(?:process|nodejs)_[a-z0-9_]+/g) ?? [];
  return [...new Set(names.map((name) => name.replace(/_(sum|count|bucket)$/, '')))];
}

it('a service shows every metric of its process that a dashboard or a rule reads', async () => {
  const names = readNames();
  expect(names.length).toBeGreaterThan(5);
  const definition = defineService({
    name: 'things',
    version: '1.0.0',
    settings: platformSettings,
    register: () => {},
  });
  const settings = readSettings(platformSettings, { LOG_LEVEL: 'silent' });
  const { app, metrics } = await buildService(definition, settings);
  const shown = [...(await metrics.text()).matchAll(/^# TYPE (\w+)/gm)].map(([, name]) => name);
  await app.close();
  expect(names.filter((name) => !shown.includes(name))).toEqual([]);
});
