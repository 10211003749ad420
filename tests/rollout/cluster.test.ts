/**
 * Measures what users notice of a change or a fault in the cluster, over the Ingress and at a constant request rate.
 * Runs with REQUIRE_CLUSTER=1, for it replaces and kills pods; see docs/rollouts.md.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serviceNames } from '../../scripts/system.ts';
import { table } from '../bench/report.ts';
import { kubectl, refuseForeignCluster } from '../support/kubectl.ts';
import { drainNode, evictBoth, growAndShrink, replacingAll, restarted } from './changes.ts';
import { allCalm, anyPodOf, calm, followLoad, pin, pinAll, restart, setEnv } from './cluster.ts';
import { balances } from './crowd.ts';
import { firstColumns, firstRequests } from './first-requests.ts';
import { signalPod } from './host.ts';
import { deployNewImages } from './images.ts';
import { watchLeaving } from './leaving.ts';
import { columns, openStage, rowOf, type Stage } from './stage.ts';

const { REQUIRE_CLUSTER, CHAOS_CONTEXT, SLIPWAY_URL = 'http://localhost:8088' } = process.env;

/** Short requests a second. */
const rate = Number(process.env.ROLLOUT_RATE ?? 50);

/** Requests through which changes of all six kinds must go without a failure. */
const requests = Number(process.env.ROLLOUT_REQUESTS ?? 20_000);
const share = requests / 6;

/** Two probes, 5 s apart, fail 2 s after they were sent; then the Ingress is told. Seconds, and one to spare. */
const noticed = 5 + 5 + 2 + 1;

describe.skipIf(!REQUIRE_CLUSTER)('in the cluster (needs REQUIRE_CLUSTER=1)', { timeout: 300_000 }, () => {
  let stage: Stage;
  let unpin: () => Promise<void>;
  let firsts: string[][] = [];

  beforeAll(async () => {
    await refuseForeignCluster(CHAOS_CONTEXT);
    unpin = await pinAll(2);
    await allCalm();
    stage = await openStage(SLIPWAY_URL, rate);
  }, 240_000);

  afterAll(async () => {
    await unpin?.();
    if (!stage) return;
    for (const [names, rows] of [[columns, stage.acts.map(rowOf)] as const, [firstColumns, firsts] as const])
      process.stdout.write(`\n${table(names, rows).join('\n')}\n\n`);
  });

  describe('no request fails', () => {
    /** Nothing failed. Where many pods start on too little CPU, one in a hundred may be told to come again. */
    async function unnoticed(name: string, action: () => Promise<unknown>, atLeast = share): Promise<void> {
      const { short, long, trouble } = await stage.act(name, action, { atLeast });
      expect(short.failed + long.failed, trouble.join()).toBe(0);
      expect(short.shed + long.shed, trouble.join()).toBeLessThan((short.sent + long.sent) / 100);
    }

    it('while nothing happens', () => unnoticed('nothing happens', async () => {}, 1_000));

    it('while every Deployment is restarted, one after another', async () => {
      await unnoticed('all are restarted', () =>
        replacingAll(async () => {
          for (const service of serviceNames) await restart(service);
        }),
      );
      firsts = (await Promise.all(serviceNames.map(firstRequests))).flat();
    });

    it('while Skaffold deploys new images', async () => {
      await unnoticed('new images are deployed', () => replacingAll(deployNewImages));
      await pinAll(2);
    });

    it('while one pod of every service is deleted', () =>
      unnoticed('pods are deleted', async () => {
        const pods = await Promise.all(serviceNames.map(anyPodOf));
        await kubectl('delete', 'pod', '--wait=false', ...pods.map(({ name }) => name));
      }));

    it('while services grow to four pods and shrink to two', () =>
      unnoticed('scaled 2 → 4 → 2', growAndShrink));

    it('while pods are evicted: the budget refuses the second until the first is replaced', () =>
      unnoticed('pods are evicted', async () => {
        expect(await evictBoth()).toEqual(serviceNames.map(() => [true, false]));
      }));

    it('while the node is drained', () => unnoticed('node is drained', () => replacingAll(drainNode)));

    it('and every record of usage that was acknowledged is there, once', async () => {
      const all = stage.acts.flatMap(({ short, long }) => [short, long]);
      expect(all.reduce((sum, { sent }) => sum + sent, 0)).toBeGreaterThan(requests);
      const shed = all.reduce((sum, figures) => sum + figures.shed, 0);
      for (const { acknowledged, recorded, sent } of await balances(stage.base, stage.crowd)) {
        expect(recorded).toBe(acknowledged);
        if (shed === 0) expect(acknowledged).toBe(sent);
      }
    });
  });

  describe('only what a pod had in flight fails', () => {
    const faults = [
      ...serviceNames.map((service) => ({ service, fault: 'is killed', signal: 'KILL' as const })),
      ...serviceNames.map((service) => ({ service, fault: 'hangs', signal: 'STOP' as const })),
    ];
    it.each(faults)('when a process of $service $fault', async ({ service, fault, signal }) => {
      const pod = await anyPodOf(service);
      const act = await stage.act(`${service} ${fault}`, () => signalPod(pod.name, signal), {
        settled: () => restarted(service, pod),
      });
      expect(act.failedUntil).toBeLessThan(noticed);
    });
  });

  describe('the autoscaler', () => {
    it('adds gateways when the load grows; until then some requests may be shed, but none fails', async () => {
      // A gateway needs some 2 ms of CPU a request: the load of two pods is twice this, that of the calm a third.
      await followLoad('gateway', `${Math.round(0.8 * rate)}m`);
      const grown = () => calm('gateway', 4);
      const act = await stage.act('load grows', async () => {}, { rate: 2 * rate, settled: grown });
      expect(act.short.failed + act.long.failed, act.trouble.join()).toBe(0);
    });

    it('takes them away when the load has gone, and no request fails', async () => {
      const act = await stage.act('load is gone', async () => {}, { rate: 10 });
      expect(act.trouble).toEqual([]);
    });
  });

  describe('a gateway that is deleted', () => {
    it('is known to be leaving before its port closes, and its last request is long over by then', async () => {
      let left: Awaited<ReturnType<typeof watchLeaving>> | undefined;
      await stage.act('a gateway leaves', async () => {
        const { name } = await anyPodOf('gateway');
        left = await watchLeaving(name, 'gateway');
      });
      process.stdout.write(`${JSON.stringify(left)}\n`);
      expect(left?.outOfEndpoints).toBeLessThan(left?.closing ?? 0);
      expect(left?.lastRequest).toBeLessThan(left?.closing ?? 0);
    });
  });

  describe('the instrument', () => {
    it('sees requests fail where a gateway closes at once when it is told to stop', async () => {
      // The autoscaler followed the load until now, and would keep more pods for a while.
      await pin('gateway', 2);
      const undo = await setEnv('gateway', 'DRAIN_DELAY_MS=0');
      await calm('gateway');
      try {
        const restarts = async () => {
          for (const _ of [1, 2]) await restart('gateway');
        };
        const act = await stage.act('without a drain delay', restarts, { rate: 2 * rate });
        expect(act.short.failed).toBeGreaterThan(0);
      } finally {
        await undo();
        await calm('gateway');
      }
    });
  });
});
