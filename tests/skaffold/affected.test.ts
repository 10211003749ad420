/** A change must build and test the same services, or an untested one could be deployed. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ServiceName, serviceNames, servicesOn } from '../../scripts/system.ts';
import { type Copy, copyRepository } from './copy.ts';
import { imageTags, skaffoldMissing } from './skaffold.ts';

const run = promisify(execFile);
const why = skaffoldMissing();

const all = [...serviceNames];

/** The projects that `nx affected` tests after a change of a file. */
async function projectsAfter(folder: string, path: string): Promise<string[]> {
  const env = { ...process.env, NX_DAEMON: 'false', NX_TUI: 'false' };
  const args = ['show', 'projects', '--affected', `--files=${path}`, '--json'];
  const { stdout } = await run(join(folder, 'node_modules/.bin/nx'), args, { cwd: folder, env });
  return JSON.parse(stdout);
}

/** The services among them. */
async function testedAfter(folder: string, path: string): Promise<ServiceName[]> {
  const projects = await projectsAfter(folder, path);
  return serviceNames.filter((name) => projects.includes(`@slipway/${name}`));
}

describe.skipIf(why)(`a change${why}`, { timeout: 120_000 }, () => {
  let copy: Copy;
  let another: Copy;
  let before: Map<ServiceName, string>;
  beforeAll(async () => {
    copy = copyRepository();
    another = copyRepository();
    before = await imageTags(copy.folder);
  });
  afterAll(() => {
    copy?.remove();
    another?.remove();
  });

  /** The services whose image is another one after an empty line was put into a file. */
  async function builtAfter(path: string): Promise<ServiceName[]> {
    const undo = copy.edit(path, '\n', '\n\n');
    const after = await imageTags(copy.folder);
    undo();
    return serviceNames.filter((name) => after.get(name) !== before.get(name));
  }

  it.each<[string, string, ServiceName[]]>([
    ['in billing', 'apps/billing/src/money.ts', ['billing']],
    ['of a page of the gateway', 'apps/gateway/src/pages/home.html', ['gateway']],
    ['of the packages of reporting', 'apps/reporting/package.json', ['reporting']],
    ['in the platform', 'libs/platform/src/service/service.ts', all],
    ['in a contract', 'libs/contracts/src/users.ts', all],
    ['in what contracts are made of', 'libs/contract-kit/src/page.ts', all],
    ['in the embedded store', 'libs/store-sqlite/src/database.ts', servicesOn('sqlite')],
    ['in the MongoDB store', 'libs/store-mongodb/src/database.ts', servicesOn('mongodb')],
    ['in the Datastore store', 'libs/store-datastore/src/database.ts', servicesOn('datastore')],
    ['of the packages of the Datastore store', 'libs/store-datastore/package.json', servicesOn('datastore')],
    ['of the lock file', 'package-lock.json', all],
    ['of a document', 'docs/lifecycle.md', []],
    ['of a journey', 'tests/journeys/money.test.ts', []],
  ])('%s builds the images of the services that are tested again', async (_what, path, services) => {
    expect({ built: await builtAfter(path), tested: await testedAfter(copy.folder, path) }).toEqual({
      built: services,
      tested: services,
    });
  });

  it('of a test builds nothing, though its service is tested again', async () => {
    const path = 'apps/billing/src/money.test.ts';
    expect(await builtAfter(path)).toEqual([]);
    expect(await testedAfter(copy.folder, path)).toEqual(['billing']);
  });

  it('of the Dockerfile builds every image, and tests the images but none of the sources', async () => {
    expect(await builtAfter('Dockerfile')).toEqual(all);
    const projects = await projectsAfter(copy.folder, 'Dockerfile');
    expect(projects.sort()).toEqual(['@slipway/tests', 'slipway']);
  });

  it('of nothing builds nothing, wherever the repository is', async () => {
    expect(await imageTags(another.folder)).toEqual(before);
  });
});
