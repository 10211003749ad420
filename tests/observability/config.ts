/**
 * The files of k8s/observability as a test mounts them. Changed is only where things are, and how long the servers
 * wait between two looks: rules, receivers and inhibition are what production has.
 */
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse, stringify } from 'yaml';

const source = fileURLToPath(new URL('../../k8s/observability/', import.meta.url));

/** `services` maps a name to the `host:port` of its management port. */
type Places = { services: Record<string, string>; alertmanager: string; webhook: string };

type Route = { routes?: Route[] } & Record<string, unknown>;

/** Writes the files into a folder of their own, which the servers' users can read. */
export function writeConfig({ services, alertmanager, webhook }: Places) {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-chain-'));
  cpSync(join(source, 'prometheus/rules'), join(folder, 'prometheus/rules'), { recursive: true });
  write(folder, 'prometheus/prometheus.yml', prometheusConfig(alertmanager));
  write(folder, 'prometheus/scrape/test.yml', stringify(scrapeConfig(services)));
  write(folder, 'alertmanager/alertmanager.yml', alertmanagerConfig());
  write(folder, 'alertmanager/secrets/webhook-url', webhook);
  chmodSync(folder, 0o755);
  return {
    prometheus: join(folder, 'prometheus'),
    alertmanager: join(folder, 'alertmanager'),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

function prometheusConfig(alertmanager: string): string {
  const config = parse(readFileSync(join(source, 'prometheus/prometheus.yml'), 'utf8'));
  config.global = { scrape_interval: '2s', scrape_timeout: '2s', evaluation_interval: '1s' };
  config.alerting.alertmanagers[0].static_configs[0].targets = [alertmanager];
  return stringify(config);
}

/** As in Compose, but that the addresses are known. */
function scrapeConfig(services: Record<string, string>) {
  const { scrape_configs } = parse(readFileSync(join(source, 'prometheus/scrape/compose.yml'), 'utf8'));
  const [{ job_name, honor_labels }] = scrape_configs;
  const targets = Object.entries(services).map(([service, target]) => ({
    targets: [target],
    labels: { service },
  }));
  return { scrape_configs: [{ job_name, honor_labels, static_configs: targets }] };
}

function alertmanagerConfig(): string {
  const config = parse(readFileSync(join(source, 'alertmanager/alertmanager.yml'), 'utf8'));
  const hasten = (route: Route) => {
    Object.assign(route, { group_wait: '1s', group_interval: '1s' });
    route.routes?.forEach(hasten);
  };
  hasten(config.route);
  return stringify(config);
}

function write(folder: string, path: string, text: string): void {
  const file = join(folder, path);
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, text);
}
