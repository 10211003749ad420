import { command } from './command.ts';

export type Kubectl = ReturnType<typeof createKubectl>;

/**
 * Creates the functions that run kubectl for one cluster.
 *
 * @param context the context of the cluster in the kubeconfig; the current one by default
 * @example
 * createKubectl('kind-slipway').run(['get', 'pods']);
 */
export function createKubectl(context?: string) {
  const chosen = context ? ['--context', context] : [];
  const run = (args: string[], input?: string) => command('kubectl', [...chosen, ...args], { input });
  return {
    run,
    /** Returns the values of a Secret; none if it does not exist. */
    readSecret(namespace: string, name: string): Record<string, string> {
      const found = run(['-n', namespace, 'get', 'secret', name, '--ignore-not-found', '-o', 'json']);
      if (!found) return {};
      const { data = {} } = JSON.parse(found) as { data?: Record<string, string> };
      const decode = (value: string) => Buffer.from(value, 'base64').toString();
      return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, decode(value)]));
    },
    /** Creates or replaces a Secret. Does not use `apply`, which would store a copy of the values in an annotation. */
    writeSecret(namespace: string, name: string, type: string, values: Record<string, string>): void {
      const labels = { 'app.kubernetes.io/part-of': 'slipway' };
      const secret = {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name, labels },
        type,
        stringData: values,
      };
      const exists = run(['-n', namespace, 'get', 'secret', name, '--ignore-not-found', '-o', 'name']);
      run(['-n', namespace, exists ? 'replace' : 'create', '-f', '-'], JSON.stringify(secret));
    },
  };
}
