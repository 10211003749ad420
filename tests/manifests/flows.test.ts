import { describe, expect, it } from 'vitest';
import { clusterTools } from '../../scripts/cluster/tools.ts';
import { addressesOf, type ServiceName, serviceNames, servicesOn, system } from '../../scripts/system.ts';
import {
  allowedFlows,
  type Direction,
  type Flow,
  flow,
  namespacesThatMayCall,
  openToOutside,
  outsideOf,
} from './network.ts';
import { type Manifest, ofKind, parse, renderText } from './render.ts';
import { missingTools } from './tools.ts';
import { containerOf, environmentOf, type Workload, workloadsOf } from './workloads.ts';

const missing = missingTools('kubectl');

/** Databases whose addresses are in the Secret, not in a setting. */
const secretAddresses = servicesOn('mongodb').map((name) => flow(name, 'mongodb', 27017));

/** Found through the API server, not by an address. */
const scraped = serviceNames.map((name) => flow('prometheus', name, 9080));

/** `http://zipkin:9411`, `srv+http://_http._tcp.users-headless.slipway.svc…`, `datastore:8081`, `'alertmanager:9093'`. */
const address = /(_http\._tcp\.)?\b([a-z]+)(?:-headless\.[a-z.]+)?(?::(\d+))?/g;

/** Everyone whom a text names, with the port: what a service's settings and the files of the others say. */
function namedIn(text: string, names: string[]): { to: string; port: number }[] {
  return [...text.matchAll(address)]
    .map(([, srv, to = '', port]) => ({ to, port: srv ? 8080 : Number(port) }))
    .filter(({ to, port }) => names.includes(to) && port > 0);
}

function wantedFlows(manifests: Manifest[], workloads: Workload[]): Flow[] {
  const names = workloads.map(({ name }) => name);
  return workloads.flatMap((workload) => {
    const mounted = (workload.pod.volumes ?? []).map(({ configMap }) => configMap?.name);
    const files = ofKind(manifests, 'ConfigMap').filter(({ metadata }) => mounted.includes(metadata.name));
    const texts = [environmentOf(workload, manifests), ...files.map(({ data }) => data ?? {})];
    return texts
      .flatMap((text) => Object.values(text))
      .flatMap((text) => namedIn(text, names))
      .filter(({ to }) => to !== workload.name)
      .map(({ to, port }) => flow(workload.name, to, port));
  });
}

/** The ways to a service, from those that call it, as the table of the system has them. */
function waysTo(name: ServiceName): Flow[] {
  const callers = serviceNames.filter((other) => addressesOf(other).includes(name));
  const watchers = callers.filter((other) => system[other].calls === 'all');
  return [
    ...callers.map((caller) => flow(caller, name, 8080)),
    ...watchers.map((watcher) => flow(watcher, name, 9080)),
  ];
}

const dns = 'kube-system/kube-dns: UDP 53, TCP 53';
/** The API server is no pod, and its address differs between clusters. A chat or a pager may be anywhere. */
const telemetry = { prometheus: ['anything: TCP 443, TCP 6443'], alertmanager: ['anything: TCP 443'] };
const privateRanges = ['10.0.0.0/8', '100.64.0.0/10', '172.16.0.0/12', '192.168.0.0/16'];
const metadataServer = ['169.254.169.252/32', '169.254.169.254/32'];

/** Datastore, and the metadata server that gives out its tokens. */
const googleApis = [
  `${['0.0.0.0/0', ...privateRanges.map((each) => `not ${each}`)].join(', ')}: TCP 443`,
  ...metadataServer.map((address) => `${address}: TCP 80, TCP 988, TCP 8080`),
];

/** All ways to and from what is not a pod of the namespace: those of every workload, and those of some. */
const outside: Record<string, Record<Direction, Record<string, string[]>>> = {
  'overlays/local': {
    Egress: { all: [dns], ...telemetry },
    Ingress: { gateway: ['kube-system, traefik, ingress-nginx, projectcontour: TCP http'] },
  },
  'overlays/gke': {
    Egress: {
      all: [
        dns,
        ...['169.254.20.10/32', 'kube-system/node-local-dns'].map((each) => `${each}: UDP 53, TCP 53`),
      ],
      ...telemetry,
      ...Object.fromEntries(servicesOn('datastore').map((name) => [name, googleApis])),
    },
    // Google's front ends and health checks.
    Ingress: {
      gateway: ['35.191.0.0/16', '130.211.0.0/22'].map((range) => `${range}: TCP http, TCP management`),
    },
  },
};

/** Where each tool of `npm run cluster` puts the Ingress controller. */
const ingressNamespaces = { k3d: 'kube-system', minikube: 'ingress-nginx', kind: 'projectcontour' };

const sorted = (flows: Flow[]) => [...new Set(flows)].sort();

describe.skipIf(missing)(`the network policies${missing && `, skipped: no ${missing}`}`, () => {
  describe.each(missing ? [] : ['overlays/local', 'overlays/gke'])('of %s', (overlay) => {
    const manifests = parse(renderText(overlay));
    const workloads = workloadsOf(manifests);

    it('open exactly the ways that the settings name', () => {
      const wanted = [...wantedFlows(manifests, workloads), ...secretAddresses, ...scraped];
      expect(sorted(allowedFlows(manifests, workloads))).toEqual(sorted(wanted));
    });

    it('name in the settings the services that each calls, and no other', () => {
      const isService = (each: Flow) => serviceNames.some((name) => each.includes(`→ ${name}:`));
      const wanted = wantedFlows(manifests, workloads).filter(isService);
      expect(sorted(wanted)).toEqual(sorted(serviceNames.flatMap(waysTo)));
    });

    it.each(['Egress', 'Ingress'] as const)(
      'open no way by %s alone, which the other side has shut',
      (side) => {
        const both = sorted(allowedFlows(manifests, workloads));
        expect(sorted(allowedFlows(manifests, workloads, [side]))).toEqual(both);
      },
    );

    it.each(['Egress', 'Ingress'] as const)('open only these ways outside of the namespace by %s', (side) => {
      const { all, ...named } = outside[overlay]?.[side] ?? {};
      const ways = workloads.map((each) => [each.name, outsideOf(manifests, side, each)]);
      const expected = workloads.map(({ name }) => [name, [...(all ?? []), ...(named[name] ?? [])].sort()]);
      expect(Object.fromEntries(ways)).toEqual(Object.fromEntries(expected));
    });

    it('say no for a pod that brings no policy', () => {
      const [service] = workloads;
      if (!service) throw new Error('Nothing was rendered');
      const stranger: Workload = { ...service, name: 'stranger', labels: {} };
      const flows = allowedFlows(manifests, [...workloads, stranger]);
      expect(flows.filter((each) => each.includes('stranger'))).toEqual([]);
      expect(openToOutside(manifests, [stranger])).toEqual([]);
    });

    it('let what is outside of the namespace reach the gateway alone', () => {
      expect(openToOutside(manifests, workloads)).toEqual(['gateway']);
    });

    it('never lead back: reporting calls nobody but for keys', () => {
      const fromReporting = allowedFlows(manifests, workloads).filter((each) =>
        each.startsWith('reporting →'),
      );
      const stores = ['datastore', 'zipkin'];
      const calls = fromReporting.filter((each) => !stores.some((store) => each.includes(store)));
      expect(calls).toEqual([flow('reporting', 'users', 8080)]);
    });

    it('know every port that a container listens on', () => {
      for (const each of workloads) {
        expect(containerOf(each).ports, each.name).not.toBeUndefined();
      }
    });
  });

  it('of overlays/local let in the Ingress controller of every cluster that `npm run cluster` makes', () => {
    expect(Object.keys(ingressNamespaces).sort()).toEqual(clusterTools.map(({ name }) => name).sort());
    const namespaces = namespacesThatMayCall(parse(renderText('overlays/local')), 'ingress-to-gateway');
    expect(namespaces).toEqual(expect.arrayContaining(Object.values(ingressNamespaces)));
  });
});
