/** Writes dashboards/*.json, the files with which Grafana is provisioned. Run it after a change: `node k8s/observability/grafana/build.ts`. */
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dashboards } from './dashboards.ts';
import { render } from './render.ts';

const folder = new URL('dashboards/', import.meta.url);

for (const old of readdirSync(folder)) rmSync(new URL(old, folder));
for (const dashboard of dashboards) {
  writeFileSync(new URL(`${dashboard.uid}.json`, folder), render(dashboard));
}
