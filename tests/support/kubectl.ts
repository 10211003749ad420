import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The namespace in which the system runs. */
export const namespace = process.env.SLIPWAY_NAMESPACE ?? 'slipway';

/** Time limit of a command; milliseconds. */
const timeout = 240_000;

/**
 * Runs kubectl in the system's namespace with the current context, and resolves with its output.
 *
 * @throws with kubectl's own message
 */
export async function kubectl(...args: string[]): Promise<string> {
  const { stdout } = await run('kubectl', ['--namespace', namespace, ...args], {
    timeout,
    maxBuffer: 2 ** 26,
  });
  return stdout.trim();
}

export async function readJson<T>(...args: string[]): Promise<T> {
  return JSON.parse(await kubectl(...args, '-o', 'json')) as T;
}

/** Reads a value of the cluster's Secret by its key. */
export async function readSecret(key: string): Promise<string> {
  const value = await kubectl('get', 'secret', 'slipway-secrets', '-o', `jsonpath={.data.${key}}`);
  return Buffer.from(value, 'base64').toString();
}

/** Reads the credentials of the first administrator. */
export async function readAdmin(): Promise<{ email: string; password: string }> {
  return { email: await readSecret('admin-email'), password: await readSecret('admin-password') };
}

/** Contexts of clusters on this machine. */
const local = /^(docker-desktop|minikube|kind-.+|k3d-.+|rancher-desktop|orbstack)$/;

/**
 * Makes sure that the tests run on a cluster in which they may kill pods.
 *
 * @throws unless the context is a local cluster or the one that CHAOS_CONTEXT names
 */
export async function refuseForeignCluster(allowed: string | undefined): Promise<void> {
  const context = await kubectl('config', 'current-context');
  if (local.test(context) || context === allowed) return;
  throw new Error(`These tests kill pods. If ${context} is meant for that, set CHAOS_CONTEXT=${context}.`);
}
