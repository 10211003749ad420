import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { type ServiceName, serviceNames } from '../../scripts/system.ts';
import { watchSources } from '../../scripts/watch.ts';

/** A busy machine may tell of an edit late. */
const patient = { timeout: 10_000 };

/** A copy of the folders that `npm run dev` watches, with more files, and what it restarts after an edit. */
function watched(...more: string[]) {
  const root = mkdtempSync(join(tmpdir(), 'slipway-watch-'));
  const write = (path: string) => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), `edited at ${performance.now()}`);
  };
  const files = [
    'libs/contracts/src/users.ts',
    'libs/platform/src/log.ts',
    'apps/gateway/src/pages/home.html',
    ...more,
  ];
  for (const path of [...files, ...serviceNames.map((name) => `apps/${name}/src/main.ts`)]) {
    write(path);
  }
  const restarted = new Set<ServiceName>();
  const stop = new AbortController();
  const restart = async (names: ServiceName[]) => {
    for (const name of names) restarted.add(name);
  };
  const watching = watchSources(root, restart, stop.signal);
  onTestFinished(async () => {
    stop.abort();
    await watching;
    rmSync(root, { recursive: true });
  });
  return {
    write,
    remove: (path: string) => rmSync(join(root, path), { recursive: true }),
    restarted: () => [...restarted].sort(),
    forget: () => restarted.clear(),
  };
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

it('an edit of any library restarts every service', async () => {
  const { write, restarted } = watched('libs/contract-kit/src/page.ts');
  write('libs/contract-kit/src/page.ts');
  await expect.poll(restarted, patient).toEqual([...serviceNames].sort());
});

it('a folder of sources may go and come, as when another branch is checked out', async () => {
  const { write, remove, restarted, forget } = watched('apps/users/src/routes/keys.ts');
  for (const folder of ['apps/users/src/routes', 'apps/users/src', 'apps/users']) {
    remove(folder);
    await wait(300);
    write('apps/users/src/routes/keys.ts');
    await expect.poll(restarted, patient).toEqual(['users']);
    await wait(300);
    forget();
    write('apps/users/src/routes/keys.ts');
    await expect.poll(restarted, patient).toEqual(['users']);
    await wait(300);
    forget();
  }
});
