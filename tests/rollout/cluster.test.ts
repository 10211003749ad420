/**
 * What users notice of a change or a fault in the cluster, over the Ingress and at a constant rate of requests.
 * Runs with REQUIRE_CLUSTER=1, for it replaces and kills pods; see docs/rollouts.md.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { table } from '../bench/report.ts';
import { eventually } from '../support/people.ts';
import {
  allCalm,
  anyPodOf,
  calm,
  evict,
  followLoad,
  pin,
  pinAll,
  podsOf,
  restart,
  services,
  setEnv,
  undo,
} from './cluster.ts';
import { balances } from './crowd.ts';
import { signalPod } from './host.ts';
import { deployNewImages } from './images.ts';
import { kubectl, refuseForeignCluster } from './kubectl.ts';
import { type Act, columns, openStage, rowsOf, type Stage } from './stage.ts';

const { REQUIRE_CLUSTER, CHAOS_CONTEXT, SLIPWAY_URL = 'http://localhost:8088', ROLLOUT_RATE } = process.env;

/** Short requests a second. */
const rate = Number(ROLLOUT_RATE ?? 100);

/** Readiness is asked every 5 s, and after the second failure a pod gets no more traffic; seconds. */
const probed = 10;

describe.skipIf(!REQUIRE_CLUSTER)('in the cluster (needs REQUIRE_CLUSTER=1)', { timeout: 300_000 }, () => {
  let stage: Stage;

  let unpin: () => Promise<void>;

  beforeAll(async () => {
    await refuseForeignCluster(CHAOS_CONTEXT);
    unpin = await pinAll(2);
    await allCalm();
    stage = await openStage(SLIPWAY_URL, rate);
  }, 240_000);

  afterAll(async () => {
    await unpin?.();
    if (stage) process.stdout.write(`\n${table(columns, rowsOf(stage.acts)).join('\n')}\n\n`);
  });

  /** Nothing failed, and nothing was turned away either. */
  const expectNothingNoticed = ({ trouble }: Act) => expect(trouble).toEqual([]);

  /** Fails unless every pod is another one than before. */
  async function replacingAll(action: () => Promise<void>): Promise<void> {
    const before = await allNames();
    await action();
    await allCalm();
    expect((await allNames()).filter((name) => before.includes(name))).toEqual([]);
  }

  describe('no request fails', () => {
    it('while nothing happens', async () => {
      expectNothingNoticed(await stage.act('nothing happens', async () => {}, { atLeast: 2_000 }));
    });

    it('while every Deployment is restarted, one after another', async () => {
      const act = await stage.act('all are restarted', () =>
        replacingAll(async () => {
          for (const service of services) await restart(service);
        }),
      );
      expectNothingNoticed(act);
    });

    it('while Skaffold rolls out new images', async () => {
      const act = await stage.act('new images are deployed', () => replacingAll(deployNewImages));
      await pinAll(2);
      expectNothingNoticed(act);
    });

    it('while one pod of every service is deleted', async () => {
      const act = await stage.act('pods are deleted', async () => {
        const names = await Promise.all(services.map(anyPodOf));
        await kubectl('delete', 'pod', '--wait=false', ...names);
      });
      expectNothingNoticed(act);
    });

    it('while services grow to four pods and shrink to two', async () => {
      const act = await stage.act('scaled 2 → 4 → 2', async () => {
        await Promise.all(scaled.map((service) => pin(service, 4)));
        await Promise.all(scaled.map((service) => calm(service, 4)));
        await Promise.all(scaled.map((service) => pin(service, 2)));
      });
      expectNothingNoticed(act);
    });

    it('while pods are evicted, for the budget refuses a second one until the first is replaced', async () => {
      const act = await stage.act('pods are evicted', async () => {
        for (const service of services) {
          const [one, other] = await podsOf(service);
          if (!one || !other) throw new Error(`${service} has no two pods`);
          expect([await evict(one.name), await evict(other.name)]).toEqual([true, false]);
        }
      });
      expectNothingNoticed(act);
    });

    it('while the node is drained, as far as the disruption budgets allow it', async () => {
      const act = await stage.act('node is drained', () => replacingAll(drainNode));
      expectNothingNoticed(act);
    });

    it('and no record of usage was lost or counted twice, of more than 20 000 requests', async () => {
      const sent = stage.acts.reduce((sum, { short, long }) => sum + short.sent + long.sent, 0);
      for (const { acknowledged, recorded, sent } of await balances(stage.base, stage.crowd)) {
        expect({ acknowledged, recorded }).toEqual({ acknowledged: sent, recorded: sent });
      }
      expect(sent).toBeGreaterThan(20_000);
    });
  });

  describe('only what a pod had in flight fails', () => {
    it.each(services)('when a process of %s is killed', async (service) => {
      const pod = await anyPodOf(service);
      const act = await stage.act(`kill -9 of ${service}`, () => signalPod(pod, 'KILL'), {
        atLeast: 1_500,
        settled: () => restarted(service, pod),
      });
      expect(act.failedUntil).toBeLessThan(probed);
    });

    it.each(['billing', 'gateway'] as const)('when a process of %s hangs', async (service) => {
      const pod = await anyPodOf(service);
      const act = await stage.act(`hanging ${service}`, () => signalPod(pod, 'STOP'), {
        atLeast: 1_500,
        settled: () => restarted(service, pod),
      });
      expect(act.failedUntil).toBeLessThan(probed);
    });
  });

  describe('the autoscaler', () => {
    it('adds gateways when the load grows, and until then some requests may be shed, but none fails', async () => {
      await followLoad('gateway', '80m');
      const grown = () => calm('gateway', 4);
      const act = await stage.act('load grows', async () => {}, { rate: 2 * rate, settled: grown });
      expect(act.short.failed + act.long.failed, act.trouble.join()).toBe(0);
    });

    it('takes them away when the load has gone, and no request fails', async () => {
      const act = await stage.act('load is gone', async () => {}, { rate: 10, atLeast: 0 });
      expectNothingNoticed(act);
    });
  });

  describe('the instrument', () => {
    it('sees requests fail where a gateway closes at once when it is told to stop', async () => {
      await setEnv('gateway', 'DRAIN_DELAY_MS=0');
      await calm('gateway');
      try {
        const act = await stage.act('without a drain delay', () => restart('gateway'), { atLeast: 1_000 });
        expect(act.short.failed).toBeGreaterThan(0);
      } finally {
        await undo('gateway');
      }
    });
  });
});

const allNames = async () => (await Promise.all(services.map(podsOf))).flat().map(({ name }) => name);

/** The services that are scaled: one that the Ingress balances, one that its callers do. */
const scaled = ['gateway', 'billing'] as const;

/**
 * Empties the node with `kubectl drain`. It is the only one, so its replacement is itself: it takes pods again as
 * soon as the drain has begun.
 */
async function drainNode(): Promise<void> {
  const node = await kubectl('get', 'nodes', '-o', 'jsonpath={.items[0].metadata.name}');
  const selector = '--pod-selector=app.kubernetes.io/component=service';
  const drain = kubectl(
    'drain',
    node,
    selector,
    '--delete-emptydir-data',
    '--ignore-daemonsets',
    '--timeout=200s',
  );
  await eventually('the node is cordoned', async () => {
    return (await kubectl('get', 'node', node, '-o', 'jsonpath={.spec.unschedulable}')) === 'true';
  });
  await kubectl('uncordon', node);
  await drain;
}

/** Waits until a pod's container was started again and the pod is ready. */
function restarted(service: (typeof services)[number], name: string): Promise<unknown> {
  const again = async () => {
    const pod = (await podsOf(service)).find((each) => each.name === name);
    return pod?.ready && pod.restarts > 0 && pod;
  };
  return eventually(`${name} was restarted`, again, 120_000);
}
