import { type Labels, type Manifest, ofKind } from './render.ts';
import { containerOf, type Workload } from './workloads.ts';

type Selector = {
  matchLabels?: Labels;
  matchExpressions?: { key: string; operator: string; values: string[] }[];
};
type Peer = { podSelector?: Selector; namespaceSelector?: Selector; ipBlock?: { cidr: string } };
type Rule = { from?: Peer[]; to?: Peer[]; ports?: { port: number | string }[] };
type NetworkPolicy = Manifest & {
  spec: { podSelector: Selector; policyTypes: string[]; ingress?: Rule[]; egress?: Rule[] };
};

/** `from → to:port`, with the port that the pod listens on. */
export type Flow = string;

export const flow = (from: string, to: string, port: number): Flow => `${from} → ${to}:${port}`;

/**
 * All that the NetworkPolicies let workloads say to each other, by the rules of the API: a pod that a policy selects
 * may do only what some policy allows, and both sides must allow it.
 */
export function allowedFlows(manifests: Manifest[], workloads: Workload[]): Flow[] {
  const policies = ofKind<NetworkPolicy>(manifests, 'NetworkPolicy');
  const pairs = workloads.flatMap((from) => workloads.map((to) => ({ from, to })));
  return pairs.flatMap(({ from, to }) =>
    (containerOf(to).ports ?? [])
      .filter(({ name, containerPort }) => {
        const isPort = (port: number | string) => port === containerPort || port === name;
        return allows(policies, 'Egress', from, to, isPort) && allows(policies, 'Ingress', to, from, isPort);
      })
      .map(({ containerPort }) => flow(from.name, to.name, containerPort)),
  );
}

/** Workloads that something outside of the namespace may call. */
export function openToOutside(manifests: Manifest[], workloads: Workload[]): string[] {
  const policies = ofKind<NetworkPolicy>(manifests, 'NetworkPolicy');
  const opens = ({ from }: Rule) =>
    !from || from.some(({ podSelector, ...outside }) => Object.keys(outside).length > 0);
  return workloads
    .filter((workload) => rulesOf(policies, 'Ingress', workload)?.some(opens) ?? true)
    .map(({ name }) => name);
}

/** The namespaces that a policy names among those who may call. */
export function namespacesThatMayCall(manifests: Manifest[], policy: string): string[] {
  const found = ofKind<NetworkPolicy>(manifests, 'NetworkPolicy').find(
    ({ metadata }) => metadata.name === policy,
  );
  const peers = (found?.spec.ingress ?? []).flatMap(({ from = [] }) => from);
  return peers
    .flatMap(({ namespaceSelector }) => namespaceSelector?.matchExpressions ?? [])
    .flatMap(({ key, values }) => (key === 'kubernetes.io/metadata.name' ? values : []));
}

type Direction = 'Ingress' | 'Egress';

function allows(
  policies: NetworkPolicy[],
  direction: Direction,
  owner: Workload,
  other: Workload,
  isPort: (port: number | string) => boolean,
): boolean {
  const rules = rulesOf(policies, direction, owner);
  if (!rules) return true;
  return rules.some((rule) => {
    const peers = direction === 'Ingress' ? rule.from : rule.to;
    return (
      (rule.ports?.some(({ port }) => isPort(port)) ?? true) &&
      (peers?.some(
        (peer) => !peer.namespaceSelector && !peer.ipBlock && selects(peer.podSelector, other.labels),
      ) ??
        true)
    );
  });
}

/** The rules for a workload; `undefined` if no policy selects it, so that all is allowed. */
function rulesOf(policies: NetworkPolicy[], direction: Direction, { labels }: Workload): Rule[] | undefined {
  const applying = policies.filter(
    ({ spec }) => spec.policyTypes.includes(direction) && selects(spec.podSelector, labels),
  );
  if (applying.length === 0) return undefined;
  return applying.flatMap(({ spec }) => (direction === 'Ingress' ? spec.ingress : spec.egress) ?? []);
}

function selects(selector: Selector | undefined, labels: Labels): boolean {
  if (!selector) return false;
  const { matchLabels = {}, matchExpressions = [] } = selector;
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every(({ key, operator, values }) => {
      if (operator !== 'In') throw new Error(`The operator ${operator} is not understood here`);
      return values.includes(labels[key] ?? '');
    })
  );
}
