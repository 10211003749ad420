import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { readClientAddress } from '@slipway/platform/http/client-address';
import { describe, expect, it } from 'vitest';
import { type Manifest, ofKind, parse, renderText } from './render.ts';
import { missingTools } from './tools.ts';
import { containerOf, environmentOf, servicesOf } from './workloads.ts';

const missing = missingTools('kubectl');
const k8s = fileURLToPath(new URL('../../k8s', import.meta.url));

type Ingress = Manifest & {
  spec: { tls?: { hosts: string[]; secretName: string }[]; rules: { host: string }[] };
};
type Gateway = Manifest & { spec: { listeners: { name: string; protocol: string; port: number }[] } };
type Route = Manifest & { spec: { parentRefs: { sectionName: string }[]; rules: object[] } };
type NetworkPolicy = Manifest & {
  spec: { egress?: { to?: { ipBlock?: { cidr: string; except?: string[] } }[] }[] };
};

/** The private ranges that a cluster takes the addresses of its pods from: RFC 1918, and RFC 6598 (100.64.0.0/10). */
const podAddresses = ['10.8.0.7', '172.20.0.7', '192.168.0.7', '100.64.0.7', '100.127.255.254', 'fd00::7'];
const privateRanges = ['10.0.0.0/8', '100.64.0.0/10', '172.16.0.0/12', '192.168.0.0/16'];

it('the manifests name the domain of the cluster in one place', () => {
  const files = globSync('**/*.{yaml,yml,env}', { cwd: k8s });
  const lines = files.flatMap((file) => readFileSync(`${k8s}/${file}`, 'utf8').split('\n'));
  expect(lines.filter((line) => line.includes('cluster.local'))).toEqual([
    expect.stringContaining('value: cluster.local'),
  ]);
});

describe.skipIf(missing)(`the manifests${missing && `, skipped: no ${missing}`}`, () => {
  describe.each(missing ? [] : ['overlays/local', 'overlays/gke'])('of %s', (overlay) => {
    const text = renderText(overlay);
    const manifests = parse(text);
    const services = servicesOf(manifests);

    it('find the other services in a cluster with another domain', () => {
      const elsewhere = parse(text.replace('value: cluster.local', 'value: corp.example'));
      const [service] = servicesOf(elsewhere);
      if (!service) throw new Error('Nothing was rendered');
      const found = Object.values(environmentOf(service, elsewhere)).filter((value) =>
        value.includes('srv+'),
      );
      expect(found.length).toBeGreaterThan(0);
      for (const value of found) expect(value).toMatch(/^srv[+].*-headless\.slipway\.svc\.corp\.example$/);
    });

    it('refer in a value only to variables that are listed before it, as the kubelet demands', () => {
      for (const service of services) {
        const known: string[] = [];
        for (const { name, value = '' } of containerOf(service).env ?? []) {
          const used = [...value.matchAll(/\$\((\w+)\)/g)].map(([, variable]) => variable);
          expect(known, `${service.name}: ${name}`).toEqual(expect.arrayContaining(used));
          known.push(name);
        }
      }
    });

    it('trust the X-Forwarded-For of pods, whichever private range their addresses are from', () => {
      const trusted = services.flatMap((each) => environmentOf(each, manifests).TRUSTED_PROXIES ?? []);
      const ofPods = trusted.filter((each) => each.includes('uniquelocal'));
      expect(ofPods).toHaveLength(overlay === 'overlays/gke' ? 1 : 2);
      for (const each of ofPods) {
        const { isTrusted } = readClientAddress(each);
        expect(podAddresses.filter((address) => !isTrusted(address))).toEqual([]);
        expect(isTrusted('203.0.113.7')).toBe(false);
        expect(isTrusted('100.128.0.1')).toBe(false);
      }
    });

    it('open the way to public addresses without opening one to pods', () => {
      const blocks = ofKind<NetworkPolicy>(manifests, 'NetworkPolicy')
        .flatMap(({ spec }) => spec.egress ?? [])
        .flatMap(({ to = [] }) => to.flatMap(({ ipBlock }) => ipBlock ?? []));
      for (const { except } of blocks.filter(({ cidr }) => cidr === '0.0.0.0/0')) {
        expect(except?.toSorted()).toEqual(privateRanges);
      }
    });

    it('encrypt each name of an Ingress with the certificate that is made for it', () => {
      const ingresses = ofKind<Ingress>(manifests, 'Ingress');
      expect(ingresses).toHaveLength(overlay === 'overlays/local' ? 1 : 0);
      for (const { spec } of ingresses) {
        expect(spec.tls).toEqual([{ hosts: spec.rules.map(({ host }) => host), secretName: 'slipway-tls' }]);
      }
    });
  });

  it('of overlays/gke encrypt what they serve, and redirect what comes unencrypted', () => {
    const manifests = parse(renderText('overlays/gke'));
    const [gateway] = ofKind<Gateway>(manifests, 'Gateway');
    expect(gateway?.metadata.annotations).toHaveProperty(['networking.gke.io/certmap']);
    const listeners = gateway?.spec.listeners.map(({ name, protocol, port }) => [name, protocol, port]);
    expect(listeners).toEqual([
      ['http', 'HTTP', 80],
      ['https', 'HTTPS', 443],
    ]);
    const routes = ofKind<Route>(manifests, 'HTTPRoute').flatMap(({ spec }) =>
      spec.parentRefs.map(({ sectionName }) => [sectionName, spec.rules]),
    );
    const requestRedirect = { scheme: 'https', statusCode: 301 };
    expect(routes.toSorted()).toEqual([
      ['http', [{ filters: [{ type: 'RequestRedirect', requestRedirect }] }]],
      ['https', [{ backendRefs: [{ name: 'gateway', port: 8080 }] }]],
    ]);
  });
});
