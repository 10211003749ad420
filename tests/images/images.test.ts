import { beforeAll, describe, expect, it } from 'vitest';
import { type ServiceName, serviceNames, storesOf } from '../../scripts/system.ts';
import { docker, whySkipped } from '../support/docker.ts';
import { drivers, driversOf } from '../support/stores.ts';
import {
  baseImage,
  buildImage,
  bytesOf,
  type Component,
  configOf,
  contentOf,
  type ImageConfig,
} from './image.ts';

/** Drivers and loggers ask for these, and go on without them. */
const optional = [
  '@aws-sdk/credential-providers',
  '@mongodb-js/zstd',
  'gcp-metadata',
  'kerberos',
  'mongodb-client-encryption',
  'snappy',
  'socks',
  'supports-color',
];

/** The maximum size that a service adds to the Node image; bytes. DuckDB's library has 70 MB. */
const budgetOf = (service: ServiceName) => (service === 'reporting' ? 97e6 : 25e6);

const why = whySkipped('REQUIRE_IMAGES');

describe.skipIf(why).each(serviceNames)(`the image of %s${why}`, (service) => {
  const libraries = [
    'contract-kit',
    'contracts',
    'platform',
    ...storesOf(service).map((name) => `store-${name}`),
  ];
  let image: string;
  let config: ImageConfig;
  let paths: string[];
  let bundled: string[];
  let required: string[];
  let components: Component[];
  beforeAll(async () => {
    image = await buildImage(service, 'test', '.', {
      VERSION: '1.2.3',
      REVISION: 'abc',
      SOURCE: 'https://example.com/slipway',
    });
    config = await configOf(image);
    ({ paths, bundled, required, components } = await contentOf(image));
  }, 300_000);

  it('adds at most 25 MB to the image of Node, and reporting 97 MB', async () => {
    const added = (await bytesOf(image)) - (await bytesOf(baseImage));
    console.log(`${service}: ${(added / 1e6).toFixed(1)} MB over the base image`);
    expect(added).toBeGreaterThan(0);
    expect(added).toBeLessThanOrEqual(budgetOf(service));
  });

  it('runs Node on the bundle, not as root', () => {
    expect(config).toMatchObject({
      User: '65532:65532',
      Entrypoint: ['/nodejs/bin/node', '--enable-source-maps'],
      Cmd: ['dist/main.js'],
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

  it('has of our own code this service and its libraries, bundled and without tests', () => {
    const own = bundled.filter((each) => /^(apps|libs)\//.test(each));
    expect(own).toContain(`apps/${service}/src/main.ts`);
    expect(own).toContain('libs/platform/src/service/run.ts');
    expect(own.filter((each) => /\.(test|fixture|contract)\.ts$|\/test-|\/testing\//.test(each))).toEqual([]);
    expect(new Set(own.map((each) => each.split('/')[1]))).toEqual(new Set([service, ...libraries]));
    expect(paths.filter((each) => each.startsWith('app/') && each.endsWith('.ts'))).toEqual([]);
  });

  it('has the driver of its own database, and no other', () => {
    const found = drivers.filter((name) => packages().has(name));
    expect(found).toEqual(driversOf(service));
  });

  it('has every package that its bundle asks for', () => {
    const missing = required.filter((name) => !paths.includes(`app/node_modules/${name}/package.json`));
    expect(required).toContain('@grpc/grpc-js');
    expect(missing.filter((name) => !optional.includes(name))).toEqual([]);
  });

  it('has nothing that belongs to a developer’s machine', () => {
    const files = paths.filter((each) => each.startsWith('app/') && !each.startsWith('app/.compile-cache/'));
    expect(
      files.filter((each) => /(^|\/)\.(env|git|npmrc|ssh|nx)|secrets|\.(pem|key|db|log)$/.test(each)),
    ).toEqual([]);
    expect(new Set(files.map((each) => each.split('/')[1]))).toEqual(
      new Set(['', 'apps', 'bundled.json', 'node_modules', 'sbom.cdx.json']),
    );
  });

  it('has no tool of development and nothing that Node never loads', () => {
    const installed = paths.filter((each) => each.startsWith('app/node_modules/'));
    expect(
      [...installed, ...bundled].filter((each) =>
        /node_modules\/(@biomejs|@swc|nx|vitest|typescript|knip|rolldown)\//.test(each),
      ),
    ).toEqual([]);
    expect(installed.filter((each) => /(?<!license)\.(map|[cm]?ts|md)$/i.test(each))).toEqual([]);
  });

  it('has nothing compiled for one processor beside Node, its cache, and DuckDB in reporting', () => {
    const compiled = paths.filter((each) => each.startsWith('app/') && /\.(node|so|wasm32)$/.test(each));
    const folders = compiled.map((each) => each.replace(/[^/]+$/, ''));
    const duckdb = /^app\/node_modules\/@duckdb\/node-bindings-linux-(x64|arm64)\/$/;
    expect(folders).toEqual(service === 'reporting' ? [expect.stringMatching(duckdb), folders[0]] : []);
  });

  it.runIf(service === 'reporting')('loads DuckDB, and has the questions that it answers', async () => {
    const code = "import('@duckdb/node-api').then(({ version }) => console.log(version()))";
    const run = ['run', '--rm', '--network', 'none', '--read-only', '--entrypoint', '/nodejs/bin/node'];
    expect(await docker([...run, image, '-e', code])).toMatch(/^v\d/);
    expect(paths).toContain('app/apps/reporting/analytics/churn.sql');
    expect(paths).toContain('app/apps/reporting/analytics/views/plans.sql');
  });

  it('lists each of its packages in its bill of materials, and no other', () => {
    const own = [service, ...libraries].map((name) => `@slipway/${name}`);
    const listed = components.map(({ purl }) =>
      decodeURIComponent(/^pkg:npm\/(.+)@/.exec(purl)?.[1] ?? purl),
    );
    expect(packages().size).toBeGreaterThan(50);
    expect(new Set(listed)).toEqual(new Set([...packages(), ...own]));
    expect(components.every(({ version }) => /^\d+\.\d+\.\d+/.test(version))).toBe(true);
  });

  /** The packages that are bundled or installed. */
  function packages(): Set<string> {
    const files = [...bundled, ...paths.filter((each) => each.endsWith('/package.json'))];
    return new Set(
      files.flatMap((each) => /.*node_modules\/((?:@[^/]+\/)?[^/@.][^/]*)\//.exec(each)?.[1] ?? []),
    );
  }
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
