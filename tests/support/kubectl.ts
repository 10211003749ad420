import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Where the system runs. */
export const namespace = process.env.SLIPWAY_NAMESPACE ?? 'slipway';

/** No command waits longer; milliseconds. */
const timeout = 240_000;

/**
 * Runs kubectl in the system's namespace, with the context that is set, and resolves with what it prints.
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

/** A secret of the system, by its key in the cluster's Secret. */
export async function readSecret(key: string): Promise<string> {
  const value = await kubectl('get', 'secret', 'slipway-secrets', '-o', `jsonpath={.data.${key}}`);
  return Buffer.from(value, 'base64').toString();
}

/** The first administrator. */
export async function readAdmin(): Promise<{ email: string; password: string }> {
  return { email: await readSecret('admin-email'), password: await readSecret('admin-password') };
}

/** Contexts of clusters on one's own machine. */
const local = /^(docker-desktop|minikube|kind-.+|k3d-.+|rancher-desktop|orbstack)$/;

/**
 * Makes sure that what follows disturbs nobody: pods will be killed.
 *
 * @throws if the context is that of no local cluster and CHAOS_CONTEXT does not name it
 */
export async function refuseForeignCluster(allowed: string | undefined): Promise<void> {
  const context = await kubectl('config', 'current-context');
  if (local.test(context) || context === allowed) return;
  throw new Error(`These tests kill pods. If ${context} is meant for that, set CHAOS_CONTEXT=${context}.`);
}
