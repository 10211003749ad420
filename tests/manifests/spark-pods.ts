import { parse as parseYaml } from 'yaml';
import { type Labels, type Manifest, ofKind } from './render.ts';
import type { Workload } from './workloads.ts';

type Pod = { metadata: { labels: Labels }; spec: Workload['pod'] };
type CronJob = Manifest & { spec: { jobTemplate: { spec: { template: Pod } } } };

/** The files that the driver of Spark gets, by their names. */
function sparkFiles(manifests: Manifest[]): Labels {
  const found = ofKind(manifests, 'ConfigMap').find(({ metadata }) => metadata.name.startsWith('spark-'));
  if (!found?.data) throw new Error('There is no ConfigMap of Spark');
  return found.data;
}

/** The settings in spark.conf. */
export function sparkSettings(manifests: Manifest[]): Labels {
  const lines = (sparkFiles(manifests)['spark.conf'] ?? '')
    .split('\n')
    .filter((line) => /^spark\./.test(line));
  return Object.fromEntries(lines.map((line) => line.split(/\s+/)));
}

/** The pod of an executor, as Spark makes it of its template and of spark.conf. */
export function executorPod(manifests: Manifest[]): Manifest & Pod {
  const pod = parseYaml(sparkFiles(manifests)['executor.yaml'] ?? '');
  const settings = sparkSettings(manifests);
  const [container] = pod.spec.containers;
  const memory = `${Number.parseInt(settings['spark.executor.memory'] ?? '', 10) * 1024 + 384}Mi`;
  container.image = settings['spark.kubernetes.container.image'];
  container.imagePullPolicy = 'IfNotPresent';
  container.resources.requests.cpu = settings['spark.kubernetes.executor.request.cores'];
  container.resources.requests.memory = memory;
  container.resources.limits.memory = memory;
  return { ...pod, metadata: { ...pod.metadata, name: 'spark-now-0-exec-1', namespace: 'slipway' } };
}

/** The driver and the executors of a rendering. */
export function sparkWorkloads(manifests: Manifest[]): [driver: Workload, executor: Workload] {
  const [job] = ofKind<CronJob>(manifests, 'CronJob');
  if (!job) throw new Error('There is no CronJob of Spark');
  const of = (kind: string, { metadata, spec }: Pod): Workload => ({
    kind,
    name: metadata.labels['app.kubernetes.io/name'] ?? '',
    labels: metadata.labels,
    pod: spec,
  });
  return [of('CronJob', job.spec.jobTemplate.spec.template), of('Pod', executorPod(manifests))];
}
