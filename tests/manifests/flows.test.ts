import { describe, expect, it } from 'vitest';
import { clusterTools } from '../../scripts/cluster/tools.ts';
import { serviceNames } from '../../scripts/topology.ts';
import { allowedFlows, type Flow, flow, namespacesThatMayCall, openToOutside } from './network.ts';
import { type Manifest, ofKind, parse, renderText } from './render.ts';
import { missingTools } from './tools.ts';
import { containerOf, environmentOf, type Workload, workloadsOf } from './workloads.ts';

const missing = missingTools('kubectl');

/** Databases whose addresses are in the Secret, not in a setting. */
const secretAddresses = [flow('users', 'mongodb', 27017), flow('billing', 'mongodb', 27017)];

/** Found through the API server, not by an address. */
const scraped = serviceNames.map((name) => flow('prometheus', name, 9080));

/** `http://zipkin:9411`, `srv+http://_http._tcp.users-headless.slipway.svc…`, `datastore:8081`, `'alertmanager:9093'`. */
const address = /(_http\._tcp\.)?\b([a-z]+)(?:-headless\.[a-z.]+|:(\d+))/g;

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
      for (const each of workloads.filter(({ kind }) => kind !== 'CronJob')) {
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
