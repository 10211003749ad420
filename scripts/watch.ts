import { globSync, type Stats, statSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { type ServiceName, serviceNames } from './topology.ts';

/** Time between two readings of the sources; milliseconds. */
const pollInterval = 400;

/** What services are made of, pages included; not what an editor puts beside it for a moment. */
const source = /(?<!\.test)\.(ts|html|css|js)$/;

/** When each source file was last written. */
type Times = Map<string, number>;

/**
 * Calls `restart` with the services whose sources have changed, one batch after the other, until the signal aborts.
 *
 * It reads the times of all files instead of having the system report changes: on Linux, Node's recursive watcher loses
 * a folder that is removed and made again, as `git switch` does.
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

/** The files that are new or were written. A removed file is no reason to restart: what replaces it is one. */
function changes(before: Times, now: Times): string[] {
  return [...now].flatMap(([file, time]) => (before.get(file) === time ? [] : file));
}

/** The service that a file belongs to; all of them for a library. */
function servicesOf(files: string[]): ServiceName[] {
  const folders = new Set(files.map((file) => file.split(/[\\/]/, 2).join('/')));
  const isLibrary = [...folders].some((folder) => folder.startsWith('libs/'));
  return serviceNames.filter((name) => isLibrary || folders.has(`apps/${name}`));
}
