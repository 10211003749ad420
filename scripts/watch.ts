import { type FSWatcher, watch } from 'node:fs';
import { type ServiceName, serviceNames } from './topology.ts';

/** Delay after a change, because an editor writes a file in several steps; milliseconds. */
const settle = 100;

/** Matches sources of services, including pages, but no tests and no temporary files of editors. */
const source = /(?<!\.test)\.(ts|html|css|js)$/;

const folders: { path: string; services: readonly ServiceName[] }[] = [
  ...serviceNames.map((name) => ({ path: `apps/${name}/src`, services: [name] })),
  { path: 'libs/platform/src', services: serviceNames },
  { path: 'libs/contracts/src', services: serviceNames },
];

/** Calls `restart` with the services whose sources have changed, one batch at a time. */
export function watchSources(root: string, restart: (names: ServiceName[]) => Promise<void>): FSWatcher[] {
  const changed = new Set<ServiceName>();
  let running = false;

  async function work(): Promise<void> {
    if (running) return;
    running = true;
    while (changed.size > 0) {
      const names = [...changed];
      changed.clear();
      await restart(names);
    }
    running = false;
  }

  return folders.map(({ path, services }) =>
    watch(`${root}/${path}`, { recursive: true }, (_event, file) => {
      if (!source.test(file ?? '')) return;
      for (const name of services) changed.add(name);
      setTimeout(work, settle);
    }),
  );
}
