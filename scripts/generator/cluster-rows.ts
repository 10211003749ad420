import type { Edit } from './edits.ts';
import type { Names } from './names.ts';
import type { Store } from './templates.ts';

/** The rows of a service in the manifests of others. Its own manifests are files of their own. */
export function clusterRows(names: Names, store: Store): Edit[] {
  const { name } = names;
  const pods = `        - podSelector:\n            matchLabels:\n              app.kubernetes.io/name: ${name}\n`;
  return [
    ...['base', 'overlays/local', 'overlays/gke'].map((folder) => ({
      file: `k8s/${folder}/kustomization.yaml`,
      before: '  - gateway\n',
      row: `  - ${name}\n`,
    })),
    ...gatewayRows(names),
    { file: 'k8s/base/gateway/network-policy.yaml', section: 'egress:', before: '      ports:\n', row: pods },
    {
      file: 'k8s/base/users/network-policy.yaml',
      section: 'app.kubernetes.io/name: billing\n',
      before: '      ports:\n',
      row: pods,
    },
    ...storeRows(name, pods, store),
  ];
}

function storeRows(name: string, pods: string, store: Store): Edit[] {
  if (store === 'none') return [];
  const server = store === 'sqlite+mongodb' ? 'mongodb' : 'datastore-emulator';
  const client = {
    file: `k8s/components/${server}/network-policy.yaml`,
    before: '      ports:\n',
    row: pods,
  };
  if (server !== 'mongodb') return [client];
  // The services whose accounts an init container makes, and those that may reach a database outside of the cluster.
  const named = ['dev', 'external-mongodb'].map((component) => ({
    file: `k8s/components/${component}/kustomization.yaml`,
    section: 'name: users|billing',
    before: '\n    patch:',
    row: `|${name}`,
  }));
  return [client, ...named];
}

function gatewayRows({ name, NAME }: Names): Edit[] {
  const file = 'k8s/base/gateway/deployment.yaml';
  const host = `${name}-headless.$(NAMESPACE).svc.$(CLUSTER_DOMAIN)`;
  const variable = (key: string, value: string) =>
    `            - name: ${NAME}_${key}\n              value: ${value}\n`;
  return [
    {
      file,
      before: '            - name: USERS_STATUS_URL\n',
      row: variable('URL', `srv+http://_http._tcp.${host}`),
    },
    { file, row: variable('STATUS_URL', `dns+http://${host}:9080/status`) },
  ];
}
