import { beforeAll, describe, expect, it } from 'vitest';
import { type ServiceName, serviceNames } from '../../scripts/topology.ts';
import { docker, whySkipped } from '../support/docker.ts';
import {
  baseImage,
  buildImage,
  bytesOf,
  type Component,
  configOf,
  contentOf,
  type ImageConfig,
} from './image.ts';

type Driver = 'mongodb' | '@google-cloud/datastore';

/** The folders of `libs` that each image has beside those that all have, and the database driver it has. */
const stores: Record<ServiceName, { libraries: string[]; drivers: Driver[] }> = {
  gateway: { libraries: [], drivers: [] },
  users: { libraries: ['store-mongodb', 'store-sqlite'], drivers: ['mongodb'] },
  billing: { libraries: ['store-mongodb', 'store-sqlite'], drivers: ['mongodb'] },
  reporting: { libraries: ['store-datastore', 'store-sqlite'], drivers: ['@google-cloud/datastore'] },
};

/** The maximum size that a service adds to the Node image; bytes. */
const budget = 60e6;

const why = whySkipped('REQUIRE_IMAGES');

describe.skipIf(why).each(serviceNames)(`the image of %s${why}`, (service) => {
  const libraries = ['contract-kit', 'contracts', 'platform', ...stores[service].libraries];
  let image: string;
  let config: ImageConfig;
  let paths: string[];
  let components: Component[];
  beforeAll(async () => {
    image = await buildImage(service, 'test', '.', {
      VERSION: '1.2.3',
      REVISION: 'abc',
      SOURCE: 'https://example.com/slipway',
    });
    config = await configOf(image);
    ({ paths, components } = await contentOf(image));
  }, 300_000);

  it('adds at most 60 MB to the image of Node', async () => {
    const added = (await bytesOf(image)) - (await bytesOf(baseImage));
    console.log(`${service}: ${(added / 1e6).toFixed(1)} MB over the base image`);
    expect(added).toBeGreaterThan(0);
    expect(added).toBeLessThanOrEqual(budget);
  });

  it('runs Node on the sources, not as root', () => {
    expect(config).toMatchObject({
      User: '65532:65532',
      Entrypoint: ['/nodejs/bin/node'],
      Cmd: ['src/main.ts'],
      WorkingDir: `/app/apps/${service}`,
    });
    expect(config.Healthcheck.Test.slice(0, 2)).toEqual(['CMD', '/nodejs/bin/node']);
  });

  it('says what it is and where it comes from', () => {
    expect(config.Labels).toEqual({
      'org.opencontainers.image.title': `slipway/${service}`,
      'org.opencontainers.image.version': '1.2.3',
      'org.opencontainers.image.revision': 'abc',
      'org.opencontainers.image.source': 'https://example.com/slipway',
      'org.opencontainers.image.licenses': 'MIT',
    });
  });

  it('has no setting that is a secret', () => {
    expect(config.Env.filter((each) => /TOKEN|PASSWORD|SECRET|STORE_URL|ADMIN/.test(each))).toEqual([]);
  });

  it('has no shell and no package manager', () => {
    expect(paths).toContain('nodejs/bin/node');
    expect(paths.filter((each) => /(^|\/)bin\/(sh|bash|dash|busybox|apt|npm|npx)$/.test(each))).toEqual([]);
  });

  it('has of our own files this service and its libraries, without tests', () => {
    const own = paths.filter((each) => /^app\/(apps|libs)\/.*[^/]$/.test(each));
    expect(own).toContain(`app/apps/${service}/src/main.ts`);
    expect(own).toContain('app/libs/platform/src/service/run.ts');
    expect(own.filter((each) => /\.(test|fixture|contract)\.ts$|\/test-/.test(each))).toEqual([]);
    expect(new Set(own.map((each) => each.split('/')[2]))).toEqual(new Set([service, ...libraries]));
  });

  it('has the driver of its own database, and no other', () => {
    const drivers = ['mongodb', '@google-cloud/datastore'].filter((name) =>
      paths.includes(`app/node_modules/${name}/package.json`),
    );
    expect(drivers).toEqual(stores[service].drivers);
  });

  it('has nothing that belongs to a developer’s machine', () => {
    const files = paths.filter((each) => each.startsWith('app/') && !each.startsWith('app/.compile-cache/'));
    expect(
      files.filter((each) => /(^|\/)\.(env|git|npmrc|ssh|nx)|secrets|\.(pem|key|db|log)$/.test(each)),
    ).toEqual([]);
    expect(new Set(files.map((each) => each.split('/')[1]))).toEqual(
      new Set(['', 'apps', 'libs', 'node_modules', 'package.json', 'sbom.cdx.json']),
    );
  });

  it('has no tool of development and nothing that Node never loads', () => {
    const packages = paths.filter((each) => each.startsWith('app/node_modules/'));
    expect(
      packages.filter((each) => /node_modules\/(@biomejs|@swc|nx|vitest|typescript|knip)\//.test(each)),
    ).toEqual([]);
    expect(packages.filter((each) => /(?<!license)\.(map|[cm]?ts|md)$/i.test(each))).toEqual([]);
  });

  it('has nothing compiled for one processor beside Node and its cache, so it can be built for any', () => {
    expect(paths.filter((each) => each.startsWith('app/') && /\.(node|so|wasm32)$/.test(each))).toEqual([]);
  });

  it('lists each of its packages in its bill of materials, and no other', () => {
    const installed = paths.flatMap(
      (each) =>
        /^app\/node_modules\/(?:.*\/node_modules\/)?((?:@[^/]+\/)?[^/@.][^/]*)\/package\.json$/.exec(
          each,
        )?.[1] ?? [],
    );
    const own = [service, ...libraries].map((name) => `@slipway/${name}`);
    const listed = components.map(({ purl }) =>
      decodeURIComponent(/^pkg:npm\/(.+)@/.exec(purl)?.[1] ?? purl),
    );
    expect(installed.length).toBeGreaterThan(50);
    expect(new Set(listed)).toEqual(new Set([...installed, ...own]));
    expect(components.every(({ version }) => /^\d+\.\d+\.\d+/.test(version))).toBe(true);
  });
});

describe.skipIf(why)(`a build${why}`, () => {
  it.each([{}, { EMBEDDED: 'store-sqlite', DATABASE: 'store-datastore' }])(
    'of users fails with %o, and names what is missing',
    async (stores) => {
      const given = Object.entries({ SERVICE: 'users', ...stores }).flatMap((arg) => [
        '--build-arg',
        arg.join('='),
      ]);
      const failed = await docker(['build', ...given, '.']).catch(({ stderr }) => stderr);
      expect(failed).toContain('@slipway/store-mongodb');
      expect(failed).toContain('It fails if EMBEDDED and DATABASE are not the store libraries');
    },
    60_000,
  );
});
