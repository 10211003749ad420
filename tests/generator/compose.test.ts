/** A service that the generator has made, in a Compose system of its own. Images of the other services are used again. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ComposeSystem, composeSystem, readJson } from '../compose/system.ts';
import { docker, whySkipped } from '../support/docker.ts';
import { eventually } from '../support/people.ts';
import { type Copy, copyWithPackages } from './copy.ts';

const why = whySkipped('REQUIRE_COMPOSE');
const minutes = 60_000;
const tag = 'generator-test';
const started = ['gateway', 'prometheus'];

describe.skipIf(why)(`a generated service in Compose${why}`, () => {
  let copy: Copy;
  let system: ComposeSystem;

  /** Uses the images that the tests of Compose have built from the same sources, or builds them. */
  async function useImages(...services: string[]): Promise<void> {
    for (const service of services) {
      const [from, to] = [`slipway/${service}:compose-test`, `slipway/${service}:${tag}`];
      await docker(['tag', from, to]).catch(() => system.compose('build', service));
    }
  }

  beforeAll(async () => {
    copy = await copyWithPackages();
    await copy.generate('parcels', '--store=datastore');
    system = await composeSystem({ folder: copy.folder, tag });
    await useImages('users', 'billing', 'reporting');
    await system.compose('build', 'gateway', 'parcels');
    await system.up(...started);
  }, 10 * minutes);

  afterAll(async () => {
    await system?.remove();
    await copy?.remove();
    const tagged = ['--filter', `reference=slipway/*:${tag}`, '--format', '{{.Repository}}:{{.Tag}}'];
    const images = await docker(['image', 'ls', ...tagged]);
    if (images) await docker(['image', 'rm', ...images.split('\n')]);
  }, 2 * minutes);

  it(
    'passes its journey through the gateway',
    async () => {
      const settings = { SLIPWAY_URL: system.urls.gateway };
      await copy.run('npx', ['vitest', 'run', 'tests/journeys/parcels.test.ts'], settings);
    },
    2 * minutes,
  );

  it(
    'is scraped',
    async () => {
      const query = encodeURIComponent('up{service="parcels"} == 1');
      await eventually(
        'Prometheus scrapes the service',
        async () =>
          (await readJson(`${system.urls.prometheus}/api/v1/query?query=${query}`))?.data.result.length > 0,
        minutes,
      );
    },
    2 * minutes,
  );

  it(
    'is removed, and the rest is ready without it',
    async () => {
      await copy.generate('parcels', '--remove');
      await useImages('gateway');
      await system.up('--remove-orphans', ...started);
      expect((await system.compose('ps', '--all', '--services')).split('\n')).not.toContain('parcels');
      const { services } = await readJson(`${system.urls.gateway}/api/v1/system`);
      expect(services.map(({ name }: { name: string }) => name)).not.toContain('parcels');
    },
    5 * minutes,
  );
});
