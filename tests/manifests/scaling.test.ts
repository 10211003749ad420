import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { openToOutside } from './network.ts';
import { type Manifest, ofKind, parse, renderWith } from './render.ts';
import { missingTools } from './tools.ts';
import { workloadsOf } from './workloads.ts';

const missing = missingTools('kubectl');

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

type Rule = { seriesQuery: string; resources: { overrides: Record<string, { resource: string }> } };
type Scrape = { scrape_configs: { relabel_configs: { target_label?: string }[] }[] };
type Scaler = Manifest & { spec: { metrics: { pods?: { metric: { name: string } } }[] } };

/** The rule that docs/kubernetes.md gives to prometheus-adapter. */
const [rule] = parseYaml(/```yaml\n(- seriesQuery.*?)```/s.exec(read('docs/kubernetes.md'))?.[1] ?? '') as [
  Rule,
];

describe('scaling by requests', () => {
  it('names to the adapter a pod and its namespace, by labels that Prometheus gives to every series', () => {
    const { scrape_configs } = parseYaml(
      read('k8s/observability/prometheus/scrape/kubernetes.yml'),
    ) as Scrape;
    const given = scrape_configs[0]?.relabel_configs.flatMap(({ target_label }) => target_label ?? []);
    const { overrides } = rule.resources;
    expect(Object.values(overrides).map(({ resource }) => resource)).toEqual(['namespace', 'pod']);
    expect(given).toEqual(expect.arrayContaining(Object.keys(overrides)));
    for (const label of Object.keys(overrides)) expect(rule.seriesQuery).toContain(`${label}!=""`);
  });

  describe.skipIf(missing)(`in the manifests${missing && `, skipped: no ${missing}`}`, () => {
    const manifests = missing ? [] : parse(renderWith('overlays/gke', ['request-scaling']));

    it('asks for the metric of that rule', () => {
      const scalers = ofKind<Scaler>(manifests, 'HorizontalPodAutoscaler');
      const metrics = scalers.flatMap(({ spec }) =>
        spec.metrics.flatMap(({ pods }) => pods?.metric.name ?? []),
      );
      expect(metrics).toEqual([rule.seriesQuery.replace(/\{.*/, '')]);
    });

    it('opens Prometheus to the adapter, and nothing else', () => {
      expect(openToOutside(manifests, workloadsOf(manifests)).sort()).toEqual(['gateway', 'prometheus']);
    });
  });
});
