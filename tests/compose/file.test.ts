import { globSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { buildArgs } from '../../scripts/images/build-args.ts';

const file = new URL('../../docker-compose.yml', import.meta.url);

type Service = {
  image: string;
  build?: { args: Record<string, string> };
  security_opt?: string[];
  logging?: { driver: string; options: Record<string, string> };
  deploy?: { resources: { limits: Record<string, string> } };
  volumes?: (string | object)[];
  environment?: Record<string, string>;
  depends_on?: object;
  networks?: string[];
  network_mode?: string;
};

/** The networks of each container: one for each arrow of docs/architecture.md, and no more. */
const networks: Record<string, string[]> = {
  gateway: ['public', 'calls', 'telemetry'],
  users: ['calls', 'telemetry', 'users-store'],
  billing: ['calls', 'telemetry', 'billing-store'],
  reporting: ['calls', 'telemetry', 'reporting-store'],
  readable: [],
  secrets: [],
  'mongodb-users': ['users-store'],
  mongodb: ['users-store', 'billing-store'],
  datastore: ['reporting-store'],
  zipkin: ['public', 'telemetry'],
  prometheus: ['public', 'telemetry'],
  alertmanager: ['public', 'telemetry'],
  grafana: ['public', 'telemetry'],
};

const { services, networks: declared } = parse(readFileSync(file, 'utf8'), { merge: true }) as {
  services: Record<string, Service>;
  networks: Record<string, { internal?: boolean } | null>;
};

/** All images that the manifests of the cluster name. */
const inCluster = globSync(`${import.meta.dirname}/../../k8s/**/*.yaml`).flatMap((path) =>
  [...readFileSync(path, 'utf8').matchAll(/\bimage: (\S+)$/gm)].map(([, image]) => image),
);

describe('docker-compose.yml', () => {
  it.each(Object.entries(services).filter(([, { image }]) => !image.startsWith('slipway/')))(
    'runs %s in the version that the cluster has',
    (_, { image }) => {
      expect(inCluster).toContain(image);
    },
  );

  it.each(Object.entries(services).filter(([, { build }]) => build))(
    'builds the image of %s with the stores of its package.json',
    (_, { image, build }) => {
      expect(build?.args).toEqual(buildArgs(image.replace(/^slipway\/|:.*$/g, '')));
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
    ]);
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
    (_, service) => {
      expect(service.security_opt).toEqual(['no-new-privileges:true']);
      expect(service.logging).toEqual({
        driver: 'json-file',
        options: { 'max-size': '10m', 'max-file': '3' },
      });
      expect(Object.keys(service.deploy?.resources.limits ?? {}).sort()).toEqual(['cpus', 'memory']);
    },
  );
});
