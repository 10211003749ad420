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
};

const { services } = parse(readFileSync(file, 'utf8'), { merge: true }) as {
  services: Record<string, Service>;
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
