import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import { kubectl, namespace } from '../support/kubectl.ts';

/** When what happened to a pod that was deleted; seconds after the deletion. */
export type Leaving = {
  /** The service itself says that it wants no new traffic. */
  unready: number;
  /** The cluster knows: load balancers and DNS are told from now on. */
  outOfEndpoints: number;
  /** The last request that it finished. */
  lastRequest: number;
  /** The drain delay is over: the port is closed. */
  closing: number;
  /** The process has ended. */
  gone: number;
};

const milestones = ['unready', 'outOfEndpoints', 'lastRequest', 'closing', 'gone'] as const;
/** Time between two looks; milliseconds. */
const interval = 100;
/** No pod takes longer to leave; milliseconds. */
const longest = 90_000;

/** Deletes a pod and watches it leave, through the API server's own proxy, so that it works in any cluster. */
export async function watchLeaving(pod: string, service: string): Promise<Leaving> {
  const { address, proxy } = await startProxy();
  const api = `${address}/api/v1/namespaces/${namespace}`;
  const slices = `${address}/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`;
  const seen: Partial<Leaving> = {};
  try {
    await kubectl('delete', 'pod', pod, '--wait=false');
    const begin = performance.now();
    let requests = -1;
    while (seen.gone === undefined && performance.now() - begin < longest) {
      const [status, metrics, slice, object] = await Promise.all([
        read(`${api}/pods/${pod}:9080/proxy/status`),
        read(`${api}/pods/${pod}:9080/proxy/metrics`),
        read(`${slices}?labelSelector=kubernetes.io/service-name=${service}`),
        read(`${api}/pods/${pod}`),
      ]);
      const now = (performance.now() - begin) / 1_000;
      if (/"state":"(draining|closing)"/.test(status)) seen.unready ??= now;
      if (!isReady(slice, pod)) seen.outOfEndpoints ??= now;
      if (/"state":"closing"/.test(status) || metrics === '') seen.closing ??= now;
      if (object === '') seen.gone = now;
      const finished = requestsIn(metrics);
      if (finished > requests) [requests, seen.lastRequest] = [finished, now];
      await wait(interval);
    }
  } finally {
    proxy.kill();
  }
  const missed = milestones.filter((name) => seen[name] === undefined);
  if (missed.length > 0) throw new Error(`${pod} was not seen to be: ${missed.join(', ')}`);
  return seen as Leaving;
}

/** Empty if there is no such thing, or it does not answer. */
async function read(url: string): Promise<string> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(2_000) }).catch(() => undefined);
  const text = await answer?.text().catch(() => '');
  const isService = url.includes('/proxy/');
  return answer?.ok || (isService && text?.includes('"service"')) ? (text ?? '') : '';
}

type Slices = {
  items: { endpoints?: { targetRef?: { name: string }; conditions: { ready?: boolean } }[] }[];
};

function isReady(slices: string, pod: string): boolean {
  if (slices === '') return true;
  const endpoints = (JSON.parse(slices) as Slices).items.flatMap(({ endpoints = [] }) => endpoints);
  return endpoints.some(({ targetRef, conditions }) => targetRef?.name === pod && conditions.ready);
}

function requestsIn(metrics: string): number {
  const counts = metrics.matchAll(/^http_server_request_duration_seconds_count\{.*\} (\d+)$/gm);
  return [...counts].reduce((sum, [, count]) => sum + Number(count), 0);
}

async function startProxy(): Promise<{ address: string; proxy: ChildProcess }> {
  const proxy = spawn('kubectl', ['proxy', '--port=0'], { stdio: ['ignore', 'pipe', 'ignore'] });
  const [said] = await once(proxy.stdout, 'data');
  const port = /:(\d+)\s*$/.exec(String(said))?.[1];
  return { address: `http://127.0.0.1:${port}`, proxy };
}
