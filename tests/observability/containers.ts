/** Containers of a test's own, on this machine's engine. */
import { execFile, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';
import { whySkipped } from '../support/docker.ts';
import { eventually } from '../support/people.ts';

const run = promisify(execFile);

export type Container = {
  address: string;
  /** All that it has printed. */
  logs(): Promise<string>;
  remove(): Promise<void>;
};

type Options = {
  /** The arguments of `docker run` before the image: ports, mounts, environment. */
  options: string[];
  image: string;
  args?: string[];
  address: string;
  /** Path that answers 200 when the server is ready. */
  readyAt: string;
  /** Milliseconds that its start may take. */
  within?: number;
};

/** Why the tests with containers are skipped, for their name; nothing if they run. */
export const skipped = whySkipped('REQUIRE_CHAIN');

/**
 * Starts a container and resolves when it is ready.
 *
 * @throws with what it printed, if it is not ready in time; it is removed then.
 */
export async function startContainer(start: Options): Promise<Container> {
  const { options, image, args = [], address, readyAt, within = 30_000 } = start;
  const { stdout } = await run('docker', ['run', '--detach', ...options, image, ...args]);
  const id = stdout.trim();
  const removeNow = () => void spawnSync('docker', ['rm', '--force', '--volumes', id], { stdio: 'ignore' });
  process.once('exit', removeNow);
  const logs = async () => {
    const printed = await run('docker', ['logs', id], { maxBuffer: 64 * 1_048_576 });
    return printed.stdout + printed.stderr;
  };
  const remove = async () => {
    process.off('exit', removeNow);
    await run('docker', ['rm', '--force', '--volumes', id]);
  };
  try {
    await eventually(`${image} is ready`, () => answers(address + readyAt), within);
  } catch (error) {
    const printed = await logs();
    await remove();
    throw new Error(`${(error as Error).message}\n${printed}`);
  }
  return { address, logs, remove };
}

async function answers(url: string): Promise<boolean> {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(2_000) });
    await answer.body?.cancel();
    return answer.status === 200;
  } catch {
    return false;
  }
}
