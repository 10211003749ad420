import { createHash } from 'node:crypto';
import type { Priority } from '@slipway/contract-kit/operation';
import type { Replica, ReplicaState, SystemReading } from '@slipway/contracts/gateway';
import type { Status } from '@slipway/platform/service/status';
import { percentileBetween, type TotalsView } from '@slipway/platform/telemetry/totals';
import type { ReplicaReading, ServiceReading } from './replicas.ts';
import { downOf, noticesOf, shownState } from './system.ts';

type Activity = NonNullable<Status['activity']>;

/** A process that was seen, and what it said last. */
type Known = { service: string; origin: string; replica: Replica; activity?: Activity; lostAt?: number };

/** How long a process that has ended or does not respond is still shown; milliseconds. */
const showLostFor = 60_000;

/** The states after which a process that does not respond has ended. */
const leaving: ReplicaState[] = ['draining', 'closing', 'stopped'];

/**
 * Makes the function that turns readings of services into what viewers see. It knows each process by its instance, so
 * that it can say that one is gone, and compute percentiles from two readings.
 */
export function createReplicaLog(now: () => number = () => Date.now()) {
  const known = new Map<string, Known>();

  /** Records a process that responded. */
  function see(service: string, origin: string, status: Status): void {
    const { activity } = status;
    const instance = activity?.instance ?? nameOf(origin);
    const replica = describe(instance, status, known.get(instance)?.activity);
    known.set(instance, { service, origin, replica, activity });
  }

  /** Returns the processes of a service that are known, and the addresses at which none ever responded. */
  function replicasOf({ name, replicas }: ServiceReading): Replica[] {
    const living = new Set(replicas.filter(({ status }) => status).map(({ origin }) => origin));
    const ofService = [...known.values()].filter(({ service }) => service === name);
    const silent = replicas.filter(({ origin }) => !ofService.some((each) => each.origin === origin));
    return [...ofService.map((each) => shown(each, living)), ...silent.map(unreachable)];
  }

  /** Returns a process as it is, or as it was last seen with its end. */
  function shown({ replica, lostAt, origin }: Known, living: ReadonlySet<string>): Replica {
    if (lostAt === undefined) return replica;
    const isGone = leaving.includes(replica.state) || living.has(origin);
    const state = isGone ? 'gone' : 'unreachable';
    return { ...replica, state, history: [...replica.history, { state, at: timestamp(lostAt) }] };
  }

  return (readings: ServiceReading[]): SystemReading => {
    const at = now();
    const seen = new Set<string>();
    for (const { name, replicas } of readings) {
      for (const { origin, status } of replicas) {
        if (!status) continue;
        see(name, origin, status);
        seen.add(status.activity?.instance ?? nameOf(origin));
      }
    }
    for (const [instance, each] of known) {
      if (!seen.has(instance)) each.lostAt ??= at;
      if (each.lostAt !== undefined && at - each.lostAt > showLostFor) known.delete(instance);
    }
    return {
      at: timestamp(at),
      services: readings.map((reading) => ({
        name: reading.name,
        notices: noticesOf(reading.replicas.flatMap(({ status }) => status ?? [])),
        replicas: replicasOf(reading),
      })),
    };
  };
}

const timestamp = (ms: number) => new Date(ms).toISOString();

/** Names an address without showing it. */
const nameOf = (origin: string) => createHash('sha256').update(origin).digest('hex').slice(0, 8);

const unreachable = ({ origin }: ReplicaReading): Replica => ({
  ...{ instance: nameOf(origin), state: 'unreachable', history: [], down: [], priorities: [], calls: [] },
});

function describe(instance: string, status: Status, before?: Activity): Replica {
  const { version, activity } = status;
  const replica: Replica = {
    ...{ instance, state: shownState(status), version, down: downOf(status) },
    ...{ history: [], priorities: [], calls: [] },
  };
  return activity ? { ...replica, ...describeActivity(activity, before) } : replica;
}

function describeActivity(activity: Activity, before?: Activity) {
  const { history, lastRequestAt, requests, rejected, calls, backlog, experiment } = activity;
  const { count, failed } = requests;
  const callsBefore = new Map(before?.calls.map(({ to, totals }) => [to, totals]));
  return {
    history: history as Replica['history'],
    lastRequestAt,
    requests: { count, failed, rejected, p99Ms: percentile(99, before?.requests, requests) },
    priorities: describePriorities(activity, before),
    calls: calls.map(({ to, totals, breaker, retriesLeft }) => ({
      ...{
        to,
        count: totals.count,
        failed: totals.failed,
        p99Ms: percentile(99, callsBefore.get(to), totals),
      },
      ...{ breaker: breaker as Replica['calls'][number]['breaker'], retriesLeft },
    })),
    backlog,
    experiment: experiment as Replica['experiment'],
  };
}

/** Leaves out the priorities that had no request, because most processes have one or two. */
function describePriorities({ priorities = [] }: Activity, before?: Activity): Replica['priorities'] {
  const servedBefore = new Map(before?.priorities?.map(({ priority, served }) => [priority, served]));
  return priorities
    .filter(({ served, rejected }) => served.count + rejected > 0)
    .map(({ priority, served, rejected }) => ({
      priority: priority as Priority,
      ...{ count: served.count, failed: served.failed, rejected },
      p50Ms: percentile(50, servedBefore.get(priority), served),
      p99Ms: percentile(99, servedBefore.get(priority), served),
    }));
}

function percentile(percent: number, before: TotalsView | undefined, after: TotalsView): number | undefined {
  const ms = before && percentileBetween(before, after, percent / 100);
  return ms === undefined ? undefined : Math.ceil(ms);
}
