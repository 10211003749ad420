import { type Labels, type Manifest, ofKind } from './render.ts';
import { containerOf, type Workload } from './workloads.ts';

type Selector = {
  matchLabels?: Labels;
  matchExpressions?: { key: string; operator: string; values: string[] }[];
};
type Peer = {
  podSelector?: Selector;
  namespaceSelector?: Selector;
  ipBlock?: { cidr: string; except?: string[] };
};
type Rule = {
  from?: Peer[];
  to?: Peer[];
  ports?: { port: number | string; endPort?: number; protocol?: string }[];
};
type NetworkPolicy = Manifest & {
  spec: { podSelector: Selector; policyTypes: string[]; ingress?: Rule[]; egress?: Rule[] };
};

/** `from → to:port`, with the port that the pod listens on. */
export type Flow = string;

export const flow = (from: string, to: string, port: number): Flow => `${from} → ${to}:${port}`;

/**
 * All that the NetworkPolicies let workloads say to each other, by the rules of the API: a pod that a policy selects
 * may do only what some policy allows, and both sides must allow it.
 *
 * @param sides the sides that must allow it; one alone shows what its policies open although the other side is shut
 */
export function allowedFlows(
  manifests: Manifest[],
  workloads: Workload[],
  sides: readonly Direction[] = ['Egress', 'Ingress'],
): Flow[] {
  const policies = ofKind<NetworkPolicy>(manifests, 'NetworkPolicy');
  const pairs = workloads.flatMap((from) => workloads.map((to) => ({ from, to })));
  return pairs.flatMap(({ from, to }) =>
    (containerOf(to).ports ?? [])
      .filter(({ name, containerPort }) => {
        const isPort = (port: number | string) => port === containerPort || port === name;
        return sides.every((side) =>
          side === 'Egress'
            ? allows(policies, side, from, to, isPort)
            : allows(policies, side, to, from, isPort),
        );
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

/**
 * Lists the peers outside of its namespace that the NetworkPolicies let a workload call (Egress) or be called by
 * (Ingress), each with the ports.
 *
 * @example
 * outsideOf(manifests, 'Egress', alertmanager); // ['anything: TCP 443', 'kube-system/kube-dns: UDP 53, TCP 53']
 */
export function outsideOf(manifests: Manifest[], direction: Direction, workload: Workload): string[] {
  const policies = ofKind<NetworkPolicy>(manifests, 'NetworkPolicy');
  const rules = rulesOf(policies, direction, workload) ?? [{}];
  return rules
    .flatMap(({ from, to, ports }) => {
      const peers = (direction === 'Ingress' ? from : to)?.map(nameOf) ?? ['anything'];
      const named = ports?.map(({ port, endPort, protocol = 'TCP' }) =>
        [protocol, port, ...(endPort ? ['to', endPort] : [])].join(' '),
      );
      return peers.filter(Boolean).map((peer) => `${peer}: ${named?.join(', ') ?? 'every port'}`);
    })
    .sort();
}

/** Names a peer that is not a pod of the same namespace; returns an empty string for one that is. */
function nameOf({ namespaceSelector, podSelector, ipBlock }: Peer): string {
  if (ipBlock) return [ipBlock.cidr, ...(ipBlock.except ?? []).map((range) => `not ${range}`)].join(', ');
  if (!namespaceSelector) return '';
  const pods = podSelector ? `/${valuesOf(podSelector)}` : '';
  return `${valuesOf(namespaceSelector)}${pods}`;
}

function valuesOf({ matchLabels = {}, matchExpressions = [] }: Selector): string {
  const values = [...Object.values(matchLabels), ...matchExpressions.flatMap(({ values }) => values)];
  return values.join(', ') || 'any';
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

export type Direction = 'Ingress' | 'Egress';

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
