/**
 * A MongoDB server of the test's own, in a container, so that it can be killed.
 *
 * @example
 * const server = await startMongoServer('mongo:8');
 * await server.kill();     // like a power failure: what was acknowledged must be on disk
 * await server.start();    // on the same port and data
 * await server.remove();
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { MongoClient } from 'mongodb';
import { eventually } from './people.ts';
import { freePort } from './ports.ts';

const run = promisify(execFile);
const docker = async (...args: string[]) => (await run('docker', args)).stdout.trim();

type MongoServer = {
  url: string;
  kill(): Promise<void>;
  /** Resolves when the server answers. */
  start(): Promise<void>;
  remove(): Promise<void>;
};

/**
 * Starts a server from an image and resolves when it answers.
 *
 * @param password of the account `root`; without it, the server asks nobody for a password
 */
export async function startMongoServer(image: string, password = ''): Promise<MongoServer> {
  const port = await freePort();
  const url = `mongodb://${password && `root:${password}@`}127.0.0.1:${port}`;
  const account = { MONGO_INITDB_ROOT_USERNAME: 'root', MONGO_INITDB_ROOT_PASSWORD: password };
  const variables = Object.entries(password ? account : {}).flatMap(([name, value]) => [
    '--env',
    `${name}=${value}`,
  ]);
  const publish = ['--publish', `127.0.0.1:${port}:27017`];
  const id = await docker('run', '--detach', ...publish, ...variables, image);
  // As a supervisor would: a lock file that a kill has left behind may name a process id that is taken again after the
  // restart, and then the server ends at once.
  const started = async () => {
    await docker('start', id);
    return isUp(url);
  };
  const answers = async () => void (await eventually(`${url} answers`, started, 30_000));
  await answers();
  return {
    url,
    kill: async () => void (await docker('kill', '--signal', 'KILL', id)),
    start: answers,
    remove: async () => void (await docker('rm', '--force', '--volumes', id)),
  };
}

async function isUp(url: string): Promise<boolean> {
  const client = new MongoClient(url, { serverSelectionTimeoutMS: 1_000 });
  try {
    await client.db('admin').command({ ping: 1 }, { signal: AbortSignal.timeout(1_000) });
    return true;
  } catch {
    return false;
  } finally {
    await client.close();
  }
}
