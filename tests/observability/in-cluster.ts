import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { kubectl, namespace } from '../support/kubectl.ts';
import { prometheusAt } from './prometheus.ts';
import { parseLines, type Watcher } from './watched.ts';
import { zipkinAt } from './zipkin.ts';

/** Watches the system through the cluster's API. Log lines begin now. */
export async function watchCluster(): Promise<Watcher & { stop(): void }> {
  const since = new Date().toISOString();
  const proxy = spawn('kubectl', ['proxy', '--port=0'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [greeting] = (await once(createInterface(proxy.stdout), 'line')) as [string];
  const api = `http://${greeting.replace('Starting to serve on ', '')}/api/v1/namespaces/${namespace}/services`;
  const logs = [
    'logs',
    '--selector=app.kubernetes.io/component=service',
    '--tail=-1',
    '--max-log-requests=20',
  ];
  return {
    zipkin: zipkinAt(`${api}/zipkin:9411/proxy`),
    prometheus: prometheusAt(`${api}/prometheus:9090/proxy`),
    lines: async () => parseLines(await kubectl(...logs, `--since-time=${since}`)),
    stop: () => void proxy.kill(),
  };
}
