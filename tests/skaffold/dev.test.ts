/**
 * The inner loop: an edit is served by the running pod. Runs with REQUIRE_CLUSTER=1, for it replaces the gateway of
 * the namespace for a while. SKAFFOLD_EDITS says how many edits are measured.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { median } from '../bench/statistics.ts';
import { calm } from '../rollout/cluster.ts';
import { kubectl, refuseForeignCluster } from '../support/kubectl.ts';
import { type Copy, copyRepository } from './copy.ts';
import { type DevLoop, startDevLoop } from './dev-loop.ts';
import { skaffold, skaffoldMissing } from './skaffold.ts';

const { REQUIRE_CLUSTER, CHAOS_CONTEXT, SLIPWAY_URL = 'http://localhost:8088', SKAFFOLD_EDITS } = process.env;
const edits = Number(SKAFFOLD_EDITS ?? 5);
skaffoldMissing();

/** The start page is HTML only for those who ask for that. */
const asBrowser = { accept: 'text/html, */*', connection: 'close' };

/** Polls a page until it holds a text; the milliseconds that took. A failed answer is that of a restart. */
async function servedAfter(path: string, text: string): Promise<number> {
  const start = performance.now();
  while (performance.now() - start < 30_000) {
    const answer = await fetch(SLIPWAY_URL + path, { headers: asBrowser });
    if ((await answer.text()).includes(text)) return performance.now() - start;
    await wait(20);
  }
  throw new Error(`${path} does not show ${text}`);
}

/** Whether the namespace has the system, of which the loop replaces one service. The files of tests run in any order. */
const isDeployed = () =>
  kubectl('get', 'deployment', 'gateway').then(
    () => true,
    () => false,
  );

describe.skipIf(!REQUIRE_CLUSTER)('`skaffold dev` (needs REQUIRE_CLUSTER=1)', { timeout: 600_000 }, () => {
  let copy: Copy;
  let loop: DevLoop;
  beforeAll(async () => {
    await refuseForeignCluster(CHAOS_CONTEXT);
    copy = copyRepository();
    if (!(await isDeployed())) await skaffold(copy.folder, 'run');
    loop = await startDevLoop(copy.folder, 'gateway');
    await calm('gateway', 1);
  }, 600_000);

  afterAll(async () => {
    await loop?.stop();
    if (!copy) return;
    await skaffold(copy.folder, 'run', '--module', 'gateway');
    await calm('gateway');
    copy.remove();
  }, 600_000);

  it('serves an edited source, library and page from the same pod, without a build', async () => {
    const pods = await calm('gateway', 1);
    const builds = loop.builds();
    const times: number[] = [];
    for (let edit = 1; edit <= edits; edit += 1) {
      const title = `Slipway, edit ${edit}`;
      const undo = copy.edit('apps/gateway/src/routes/docs.ts', "title: 'Slipway'", `title: '${title}'`);
      times.push(await servedAfter('/api/v1/openapi.json', title));
      undo();
      times.push(await servedAfter('/api/v1/openapi.json', '"title":"Slipway"'));
    }
    const inLibrary = copy.edit('libs/contract-kit/src/problem.ts', 'Too many requests', 'Too many edits');
    times.push(await servedAfter('/docs/errors', 'Too many edits'));
    inLibrary();
    times.push(await servedAfter('/docs/errors', 'Too many requests'));
    const undo = copy.edit(
      'apps/gateway/src/pages/home.html',
      '<title>Slipway</title>',
      '<title>Edited</title>',
    );
    times.push(await servedAfter('/', '<title>Edited</title>'));
    undo();
    const said = times.map((time) => time.toFixed(0)).join(', ');
    process.stdout.write(`edit → served: median ${median(times).toFixed(0)} ms of ${said}\n`);
    expect(await calm('gateway', 1)).toEqual(pods);
    expect(loop.builds()).toBe(builds);
  });
});
