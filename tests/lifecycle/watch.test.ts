import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { type ServiceName, serviceNames } from '../../scripts/topology.ts';
import { watchSources } from '../../scripts/watch.ts';

/** A busy machine may tell of an edit late. */
const patient = { timeout: 10_000 };

/** A copy of the folders that `npm run dev` watches, and what it restarts after an edit. */
function watched() {
  const root = mkdtempSync(join(tmpdir(), 'slipway-watch-'));
  const write = (path: string) => writeFileSync(join(root, path), `edited at ${performance.now()}`);
  const files = [
    'libs/contracts/src/users.ts',
    'libs/platform/src/log.ts',
    'apps/gateway/src/pages/home.html',
  ];
  for (const path of [...files, ...serviceNames.map((name) => `apps/${name}/src/main.ts`)]) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    write(path);
  }
  const restarted = new Set<ServiceName>();
  const watchers = watchSources(root, async (names) => {
    for (const name of names) restarted.add(name);
  });
  onTestFinished(() => {
    for (const each of watchers) each.close();
    rmSync(root, { recursive: true });
  });
  return { write, restarted: () => [...restarted].sort() };
}

it.each(['html', 'css', 'js', 'ts'])('an edit of a .%s file restarts its service alone', async (ending) => {
  const { write, restarted } = watched();
  write(`apps/gateway/src/pages/home.${ending}`);
  await expect.poll(restarted, patient).toEqual(['gateway']);
});

it('an edit of a library restarts every service', async () => {
  const { write, restarted } = watched();
  write('libs/platform/src/log.ts');
  await expect.poll(restarted, patient).toEqual([...serviceNames].sort());
});

it('an edit of a test, or what an editor puts beside a file, restarts nothing', async () => {
  const { write, restarted } = watched();
  write('apps/users/src/main.test.ts');
  write('apps/billing/src/main.ts~');
  write('apps/billing/src/.main.ts.swp');
  write('apps/reporting/src/main.ts');
  await expect.poll(restarted, patient).toEqual(['reporting']);
});
