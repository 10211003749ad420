import { globSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { buildArgs } from '../../scripts/images/build-args.ts';
import { calledBy, type ServiceName, serviceNames, servicesOn, storesOf } from '../../scripts/system.ts';
import { declared, type Mount, type Service, services } from './file.ts';

/** The networks of each container: one for each arrow of docs/architecture.md, and no more. */
const networks: Record<string, string[]> = {
  ...Object.fromEntries(serviceNames.map((name) => [name, networksOf(name)])),
  readable: [],
  secrets: [],
  spark: [],
  'mongodb-users': ['users-store'],
  mongodb: servicesOn('mongodb').map((name) => `${name}-store`),
  datastore: servicesOn('datastore').map((name) => `${name}-store`),
  zipkin: ['public', 'telemetry'],
  prometheus: ['public', 'telemetry'],
  alertmanager: ['public', 'telemetry'],
  grafana: ['public', 'telemetry'],
};

function networksOf(name: ServiceName): string[] {
  const store = storesOf(name).length > 0 ? [`${name}-store`] : [];
  return [...(name === 'gateway' ? ['public'] : []), 'calls', 'telemetry', ...store];
}

const isOurs = (name: string) => serviceNames.some((service) => service === name);
/** Containers that end. */
const jobs = ['readable', 'secrets', 'spark', 'mongodb-users'];
/** All images that the manifests of the cluster name. */
const inCluster = globSync(`${import.meta.dirname}/../../k8s/**/*.yaml`).flatMap((path) =>
  [...readFileSync(path, 'utf8').matchAll(/\bimage: (\S+)$/gm)].map(([, image]) => image),
);

describe('docker-compose.yml', () => {
  it.each(
    Object.entries(services).filter(([, { image, profiles }]) => !image.startsWith('slipway/') && !profiles),
  )('runs %s in the version that the cluster has', (_, { image }) => {
    expect(inCluster).toContain(image);
  });

  it('starts with `docker compose up` all but Spark, in the version that `npm run analytics` runs', () => {
    const left = Object.entries(services).filter(([, { profiles }]) => profiles);
    expect(left.map(([name, { profiles }]) => [name, profiles])).toEqual([['spark', ['spark']]]);
    const command = new URL('../../apps/reporting/src/analytics/spark.ts', import.meta.url);
    expect(readFileSync(command, 'utf8')).toContain(`'${services.spark?.image}'`);
  });

  it('gives reporting and Spark one volume, where reporting exports its events to', () => {
    const mounts = Object.entries(services).flatMap(([name, { volumes = [] }]) =>
      volumes.flatMap((each) => (String(each).startsWith('analytics:') ? [[name, each]] : [])),
    );
    const folder = `/app/apps/reporting/${services.reporting?.environment?.ANALYTICS_FOLDER}`;
    expect(mounts).toEqual([
      ['reporting', `analytics:${folder}`],
      ['spark', 'analytics:/analytics'],
    ]);
  });

  it.each(Object.entries(services).filter(([, { build }]) => build))(
    'builds the image of %s with the stores of its service',
    (_, { image, build }) => {
      expect(build?.args).toEqual(buildArgs(image.replace(/^slipway\/|:.*$/g, '') as ServiceName));
    },
  );

  it('gives each container the networks that it needs, and no other', () => {
    const given = Object.entries(services).map(([name, service]) => [name, service.networks ?? []]);
    expect(Object.fromEntries(given)).toEqual(networks);
    // A container without a list would be on a network of Compose's own, which leads out of the machine.
    const unlisted = Object.entries(services).filter(([, service]) => !service.networks);
    expect(unlisted.map(([name, { network_mode }]) => [name, network_mode])).toEqual([
      ['readable', 'none'],
      ['secrets', 'none'],
      ['spark', 'none'],
    ]);
  });

  it('publishes five pages, on loopback', () => {
    const published = Object.entries(services).flatMap(([name, { ports = [] }]) =>
      ports.map((port) => [name, port]),
    );
    const pages = { gateway: 8080, zipkin: 9411, prometheus: 9090, alertmanager: 9093, grafana: 3000 };
    expect(published).toEqual(
      Object.entries(pages).map(([name, port]) => [
        name,
        `127.0.0.1:\${${name.toUpperCase()}_PORT:-${port}}:${port}`,
      ]),
    );
  });

  it('gives each container its own secrets, which it cannot change', () => {
    const mounted = Object.entries(services).map(([name, { volumes = [] }]) => {
      const secrets = volumes.filter((each): each is Mount => typeof each !== 'string');
      return [name, secrets.map(({ target, volume, read_only }) => [volume?.subpath, target, read_only])];
    });
    const place: Record<string, string> = {
      'mongodb-users': '/app/apps/users/data',
      alertmanager: '/etc/alertmanager/secrets',
    };
    const withSecrets = [...serviceNames, 'mongodb-users', 'mongodb', 'alertmanager', 'grafana'];
    expect(Object.fromEntries(mounted)).toEqual(
      Object.fromEntries(
        Object.keys(services).map((name) => [
          name,
          withSecrets.includes(name) ? [[name, place[name] ?? '/run/secrets', true]] : [],
        ]),
      ),
    );
  });

  it('makes in MongoDB an account for each service that stores its data there, and no other', () => {
    const accounts = servicesOn('mongodb').map((name) => `data/${name}-store-url`);
    expect(services['mongodb-users']?.command).toEqual([
      'dist/make-accounts.js',
      'data/root-url',
      ...accounts,
    ]);
  });

  it('gives the volume with all secrets to the container that makes them, and to no other', () => {
    const whole = Object.entries(services).filter(([, { volumes = [] }]) =>
      volumes.some((each) => String(each).startsWith('secrets:')),
    );
    expect(whole.map(([name]) => name)).toEqual(['secrets']);
  });

  it('starts each container when what it needs is there', () => {
    const waits = Object.entries(services).map(([name, { depends_on = {} }]) => [
      name,
      Object.entries(depends_on).map(([other, { condition }]) => `${other} ${condition}`),
    ]);
    const ended = (...names: string[]) => names.map((name) => `${name} service_completed_successfully`);
    const healthy = (...names: string[]) => names.map((name) => `${name} service_healthy`);
    const waitsOf = (name: ServiceName) => {
      // It starts when all that it forwards to are ready. The others do not wait for each other.
      if (name === 'gateway') return healthy(...calledBy('gateway'));
      if (storesOf(name).includes('mongodb')) return ended('mongodb-users');
      const database = storesOf(name).includes('datastore') ? ['datastore'] : [];
      return [...ended('secrets'), ...healthy(...database)];
    };
    expect(Object.fromEntries(waits)).toEqual({
      ...Object.fromEntries(serviceNames.map((name) => [name, waitsOf(name)])),
      readable: [],
      secrets: ended('readable'),
      spark: ended('readable'),
      'mongodb-users': healthy('mongodb'),
      mongodb: ended('secrets'),
      datastore: [],
      zipkin: [],
      prometheus: ended('readable'),
      alertmanager: ended('secrets'),
      grafana: ended('secrets'),
    });
  });

  it('checks the health of each container whose image does not, and restarts each that should run', () => {
    const others = Object.keys(services).filter((name) => !isOurs(name) && name !== 'zipkin');
    const checked = Object.entries(services).filter(([, { healthcheck }]) => healthcheck?.test);
    expect(checked.map(([name]) => name)).toEqual(others.filter((name) => !jobs.includes(name)));
    for (const [name, { restart, healthcheck }] of Object.entries(services)) {
      expect([name, restart]).toEqual([name, jobs.includes(name) ? 'no' : 'unless-stopped']);
      expect([name, healthcheck?.disable]).toEqual([name, jobs.includes(name) ? true : undefined]);
    }
  });

  it('makes every file that a container mounts readable for its user, before the container starts', () => {
    const sourcesOf = ({ volumes = [] }: Service) =>
      volumes.flatMap((each) => /^\.\/(?<source>[^:]+)/.exec(String(each))?.groups?.source ?? []);
    const { readable = { image: '' }, ...others } = services;
    const folders = sourcesOf(readable);
    expect(folders.length).toBeGreaterThan(0);
    const mounted = Object.values(others).flatMap(sourcesOf);
    expect(mounted.filter((file) => !folders.some((folder) => file.startsWith(`${folder}/`)))).toEqual([]);
    const waits = (name: string): boolean => {
      const before = Object.keys(services[name]?.depends_on ?? {});
      return before.includes('readable') || before.some(waits);
    };
    const mounting = Object.entries(others).filter(([, service]) => sourcesOf(service).length > 0);
    expect(mounting.filter(([name]) => !waits(name))).toEqual([]);
  });

  it.each(Object.keys(networks).filter((name) => networks[name]?.length))(
    'leads nothing of %s through a proxy that Docker is configured to use',
    (name) => {
      const proxies = ['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'https_proxy', 'ALL_PROXY', 'all_proxy'];
      const environment = services[name]?.environment ?? {};
      expect(proxies.filter((variable) => environment[variable] !== '')).toEqual([]);
    },
  );

  it('lets only the network of the published ports lead out of the machine', () => {
    const open = Object.entries(declared).filter(([, network]) => !network?.internal);
    expect(open.map(([name]) => name)).toEqual(['public']);
  });

  it.each(Object.entries(services))(
    'bounds the rights, the log, the memory and the CPU of %s',
    (name, service) => {
      const { read_only, cap_drop, cap_add } = service;
      // MongoDB's start script changes the user itself, which takes rights.
      const rights = name === 'mongodb' ? [undefined, undefined] : [true, ['ALL']];
      expect([read_only, cap_drop]).toEqual(rights);
      expect(cap_add).toEqual(name === 'readable' ? ['DAC_READ_SEARCH', 'FOWNER'] : undefined);
      expect(service.security_opt).toEqual(['no-new-privileges:true']);
      expect(service.logging).toEqual({
        driver: 'json-file',
        options: { 'max-size': '10m', 'max-file': '3' },
      });
      expect(Object.keys(service.deploy?.resources.limits ?? {}).sort()).toEqual(['cpus', 'memory']);
    },
  );
});
