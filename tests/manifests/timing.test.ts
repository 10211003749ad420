import { operations } from '@slipway/contracts/operations';
import { platformSettings, readSettings } from '@slipway/platform/service/settings';
import { describe, expect, it } from 'vitest';
import { serviceNames } from '../../scripts/system.ts';
import { type Manifest, ofKind, parse, renderText } from './render.ts';
import { missingTools } from './tools.ts';
import { containerOf, environmentOf, servicesOf, type Workload } from './workloads.ts';

/** Until kube-proxy and the ingress controller know of an endpoint that left; milliseconds. */
const propagation = 3_000;

/** Maximum age of a DNS SRV answer in use: callers query every 5 s, and CoreDNS caches for 5 s; milliseconds. */
const oldestAnswer = 10_000;

/** Time to close the store and to send the last spans; milliseconds. */
const flush = 2_000;

/** How long the load balancer in front of the gateway keeps an idle connection; Traefik's and Google's; milliseconds. */
const idleAtBalancer: Record<string, number> = { 'overlays/local': 90_000, 'overlays/gke': 600_000 };

/** Until all front ends of a load balancer outside of the cluster know; milliseconds. */
const frontEnds = 30_000;

const missing = missingTools('kubectl');
const overlays = missing ? [] : ['overlays/local', 'overlays/gke'];

type HealthCheckPolicy = Manifest & {
  spec: {
    default: {
      checkIntervalSec: number;
      unhealthyThreshold: number;
      config: { httpHealthCheck: { port: number; requestPath: string } };
    };
  };
};
type BackendPolicy = Manifest & {
  spec: { default: { timeoutSec: number; connectionDraining: { drainingTimeoutSec: number } } };
};

function timesOf(workload: Workload, manifests: Manifest[]) {
  const { readinessProbe, livenessProbe } = containerOf(workload);
  if (!readinessProbe) throw new Error(`${workload.name} has no readiness probe`);
  const environment = Object.entries(environmentOf(workload, manifests));
  const open = environment.filter(([name]) => !name.endsWith('_FILE'));
  const settings = readSettings(platformSettings, Object.fromEntries(open));
  return {
    drain: settings.DRAIN_DELAY_MS,
    longest: settings.REQUEST_TIMEOUT_MS,
    deadline: settings.STOP_DEADLINE_MS,
    idle: settings.KEEP_ALIVE_TIMEOUT_MS,
    grace: workload.pod.terminationGracePeriodSeconds * 1_000,
    graceOfHanging: (livenessProbe?.terminationGracePeriodSeconds ?? Number.NaN) * 1_000,
    unreadyAfter: readinessProbe.periodSeconds * readinessProbe.failureThreshold * 1_000,
  };
}

describe.skipIf(missing)(`the times of a stop${missing && `, skipped: no ${missing}`}`, () => {
  describe.each(overlays)('in %s', (overlay) => {
    const manifests = parse(renderText(overlay));
    const services = servicesOf(manifests).map((each) => ({ name: each.name, ...timesOf(each, manifests) }));

    it('are those of every service', () =>
      expect(services.map(({ name }) => name).sort()).toEqual([...serviceNames].sort()));

    it.each(services)(
      'let $name drain, answer its longest request and flush before it is killed',
      (times) => {
        expect(times.drain + times.longest + flush).toBeLessThan(times.deadline + 1);
        expect(times.deadline + flush).toBeLessThan(times.grace);
      },
    );

    it.each(services)(
      'kill $name sooner when it hangs, but not while it stops after it was only slow',
      (times) => {
        expect(times.graceOfHanging).toBeLessThan(times.grace);
        expect(times.graceOfHanging).toBeGreaterThanOrEqual(times.drain + times.longest + flush);
      },
    );

    it('keep an idle connection of the gateway for longer than the load balancer, which must close it first', () => {
      const gateway = services.find(({ name }) => name === 'gateway');
      expect(gateway?.idle).toBeGreaterThan(idleAtBalancer[overlay] ?? Number.NaN);
    });

    it.each(services)('keep $name serving until everybody knows that it leaves', (times) => {
      expect(times.drain).toBeGreaterThanOrEqual(times.unreadyAfter + propagation);
      expect(times.drain).toBeGreaterThanOrEqual(oldestAnswer + propagation);
    });
  });

  it('keep the gateway on GKE serving until the load balancer knows', () => {
    const manifests = parse(renderText('overlays/gke'));
    const gateway = servicesOf(manifests).find(({ name }) => name === 'gateway');
    const [health] = ofKind<HealthCheckPolicy>(manifests, 'HealthCheckPolicy');
    const [backend] = ofKind<BackendPolicy>(manifests, 'GCPBackendPolicy');
    if (!gateway || !health || !backend) throw new Error('The overlay has no way in');
    const { drain, deadline, grace } = timesOf(gateway, manifests);
    const { checkIntervalSec, unhealthyThreshold, config } = health.spec.default;
    const { path: requestPath } = containerOf(gateway).readinessProbe?.httpGet ?? {};
    expect(config.httpHealthCheck).toMatchObject({ port: 9080, requestPath });
    expect(drain).toBeGreaterThanOrEqual(checkIntervalSec * unhealthyThreshold * 1_000 + frontEnds);
    const draining = backend.spec.default.connectionDraining.drainingTimeoutSec * 1_000;
    expect(draining).toBeGreaterThanOrEqual(drain);
    expect(draining).toBeLessThanOrEqual(Math.min(deadline, grace));
    // The gateway's own time limit is the one that a client sees.
    const limits = Object.values(operations).flatMap((each) =>
      each.map(({ config }) => config.timeoutMs ?? 0),
    );
    expect(backend.spec.default.timeoutSec * 1_000).toBeGreaterThan(Math.max(...limits));
  });
});
