import { globSync, type Stats, statSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { type ServiceName, serviceNames } from './system.ts';

/** Poll interval; milliseconds. */
const pollInterval = 400;

/** Matches sources of services, including pages, but no tests and no temporary files of editors. */
const source = /(?<!\.test)\.(ts|html|css|js)$/;

/** The modification time of each source file. */
type Times = Map<string, number>;

/**
 * Calls `restart` with the services whose sources have changed, one batch at a time, until the signal aborts.
 *
 * It polls the modification times of all files instead of watching them: on Linux, Node's recursive watcher loses a
 * folder that is deleted and created again, as `git switch` does.
 */
export async function watchSources(
  root: string,
  restart: (names: ServiceName[]) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  let known = readTimes(root);
  while (!signal.aborted) {
    await wait(pollInterval, undefined, { signal }).catch(() => undefined);
    const now = readTimes(root);
    const names = servicesOf(changes(known, now));
    known = now;
    if (names.length > 0 && !signal.aborted) await restart(names);
  }
}

function readTimes(root: string): Times {
  const files = globSync('{apps,libs}/*/src/**/*.*', { cwd: root }).filter((file) => source.test(file));
  const stats = files.map((file) => [file, statSync(`${root}/${file}`, { throwIfNoEntry: false })] as const);
  const present = stats.filter((entry): entry is readonly [string, Stats] => entry[1] !== undefined);
  return new Map(present.map(([file, { mtimeMs }]) => [file, mtimeMs]));
}

/** Returns the files that are new or were modified. A deleted file alone causes no restart. */
function changes(before: Times, now: Times): string[] {
  return [...now].flatMap(([file, time]) => (before.get(file) === time ? [] : file));
}

/** Returns the services that the files belong to; all services if one is in a library. */
function servicesOf(files: string[]): ServiceName[] {
  const folders = new Set(files.map((file) => file.split(/[\\/]/, 2).join('/')));
  const isLibrary = [...folders].some((folder) => folder.startsWith('libs/'));
  return serviceNames.filter((name) => isLibrary || folders.has(`apps/${name}`));
}
