/**
 * The whole chain for tests: all services as processes, with a real Zipkin, Prometheus and Alertmanager around
 * them, and a receiver of alerts at its end. It needs a Docker engine whose host network is this machine's.
 *
 * @example
 * const chain = await startChain();                        // all are ready
 * await fetch(`${chain.system.base}/api/v1/plans`);
 * await chain.prometheus.query('up');
 * await chain.zipkin.traces();
 * await chain.system.services.reporting.kill('SIGKILL');   // sooner or later: chain.webhook.told
 * await chain.stop();
 */
import { serviceNames } from '../../scripts/system.ts';
import { eventually } from '../support/people.ts';
import { freePort } from '../support/ports.ts';
import { type System, startSystem } from '../support/system.ts';
import { type Alertmanager, alertmanagerAt } from './alertmanager.ts';
import { writeConfig } from './config.ts';
import { type Container, startContainer } from './containers.ts';
import { prometheusAt } from './prometheus.ts';
import { parseLines, type Watcher } from './watched.ts';
import { startWebhook, type Webhook } from './webhook.ts';
import { zipkinAt } from './zipkin.ts';

export type Chain = Watcher & {
  system: System;
  alertmanager: Alertmanager;
  webhook: Webhook;
  stop(): Promise<void>;
};

/** Settings of all services: every trace is kept, and is out after a moment. */
const telemetry = (zipkin: string) => ({
  OTEL_TRACES_EXPORTER: 'zipkin',
  OTEL_TRACES_SAMPLER_ARG: '1',
  OTEL_EXPORTER_ZIPKIN_ENDPOINT: `${zipkin}/api/v2/spans`,
  OTEL_BSP_SCHEDULE_DELAY: '200',
});

type Options = Pick<NonNullable<Parameters<typeof startSystem>[0]>, 'stores' | 'servers' | 'env'>;

/**
 * Starts everything and resolves when all are ready and have been scraped.
 *
 * @param options `env` is added to the settings of all services
 */
export async function startChain({ env, ...options }: Options = {}): Promise<Chain> {
  const stops: (() => unknown)[] = [];
  const stop = async () => {
    for (const undo of stops.splice(0).reverse()) await undo();
  };
  const stopped = <T extends Container>(container: T) => {
    stops.push(container.remove);
    return container;
  };
  try {
    const webhook = await startWebhook();
    stops.push(webhook.stop);
    // Before the services: what they do at their start is traced, too.
    const zipkin = stopped(await startZipkin());
    const system = await startSystem({ ...options, env: { ...telemetry(zipkin.address), ...env } });
    stops.push(system.stop);
    const ports = { prometheus: await freePort(), alertmanager: await freePort() };
    const config = writeConfig({
      services: managementOf(system),
      alertmanager: `127.0.0.1:${ports.alertmanager}`,
      webhook: webhook.url,
    });
    stops.push(config.remove);
    const [alertmanager, prometheus] = await allOf([
      startAlertmanager(config.alertmanager, ports.alertmanager)
        .then(stopped)
        .then(({ address }) => alertmanagerAt(address)),
      startPrometheus(config.prometheus, ports.prometheus)
        .then(stopped)
        .then(({ address }) => prometheusAt(address)),
    ]);
    // It looks for targets 5 s after its start, whatever it is told.
    await eventually(
      'Prometheus has read all services',
      async () => (await prometheus.value('sum(up)')) === serviceNames.length,
      60_000,
    );
    return {
      system,
      zipkin: zipkinAt(zipkin.address),
      prometheus,
      lines: async () =>
        parseLines(
          Object.values(system.services)
            .map(({ output }) => output)
            .join(''),
        ),
      alertmanager,
      webhook,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Like `Promise.all`, but waits for all also when one fails, so that what was started can be stopped. */
async function allOf<T extends unknown[]>(parts: { [K in keyof T]: Promise<T[K]> }): Promise<T> {
  await Promise.allSettled(parts);
  return Promise.all(parts) as Promise<T>;
}

export function managementOf({ services }: System): Record<string, string> {
  const hosts = Object.entries(services).map(([name, { management }]) => [name, new URL(management).host]);
  return Object.fromEntries(hosts);
}

/** It takes seconds on a quiet machine, and over a minute on a busy one: a Java server. */
async function startZipkin(): Promise<Container> {
  const port = await freePort();
  return startContainer({
    image: 'openzipkin/zipkin:3',
    options: ['--publish', `127.0.0.1:${port}:9411`],
    address: `http://127.0.0.1:${port}`,
    readyAt: '/health',
    within: 180_000,
  });
}

/** On the host's network, because the services that it asks listen on loopback only. */
export function startPrometheus(folder: string, port: number): Promise<Container> {
  return startContainer({
    image: 'prom/prometheus:v3.5.3',
    options: ['--network', 'host', '--volume', `${folder}:/etc/prometheus:ro`],
    args: [
      '--config.file=/etc/prometheus/prometheus.yml',
      '--storage.tsdb.path=/prometheus',
      '--enable-feature=exemplar-storage',
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    address: `http://127.0.0.1:${port}`,
    readyAt: '/-/ready',
  });
}

function startAlertmanager(folder: string, port: number): Promise<Container> {
  return startContainer({
    image: 'prom/alertmanager:v0.33.1',
    options: ['--network', 'host', '--volume', `${folder}:/etc/alertmanager:ro`],
    args: [
      '--config.file=/etc/alertmanager/alertmanager.yml',
      '--storage.path=/alertmanager',
      '--cluster.listen-address=',
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    address: `http://127.0.0.1:${port}`,
    readyAt: '/-/ready',
  });
}
