import { pid } from 'node:process';
import { priorities } from '@slipway/contract-kit/operation';
import { Type } from '@slipway/contract-kit/type';
import type { Static } from 'typebox';
import type { Upstream } from '../calls/upstream.ts';
import type { Experiments } from '../experiments/experiments.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { Lifecycle } from './lifecycle.ts';

const Totals = Type.Object({
  count: Type.Integer(),
  failed: Type.Integer(),
  buckets: Type.Array(Type.Integer()),
});

/** The experiment that runs. Not that of the contract: a process of a newer version may know more kinds. */
const Experiment = Type.Object({
  fault: Type.Optional(
    Type.Object({
      on: Type.String(),
      kind: Type.String(),
      ms: Type.Optional(Type.Number()),
      share: Type.Optional(Type.Number()),
    }),
  ),
  guards: Type.Optional(Type.String()),
  endsAt: Type.Optional(Type.String()),
});

/** The facts about a process beyond its readiness. All counts are since its start. */
const Activity = Type.Object({
  /** Distinguishes this process from the one that had its address before. */
  instance: Type.String(),
  history: Type.Array(Type.Object({ state: Type.String(), at: Type.String() })),
  lastRequestAt: Type.Optional(Type.String()),
  requests: Totals,
  /** Requests that were rejected to protect the service. */
  rejected: Type.Integer(),
  /** Requests by the priority of their operation; absent in a process of an older version. */
  priorities: Type.Optional(
    Type.Array(Type.Object({ priority: Type.String(), served: Totals, rejected: Type.Integer() })),
  ),
  /** Calls to other services, to the store and to other dependencies. */
  calls: Type.Array(
    Type.Object({
      to: Type.String(),
      totals: Totals,
      breaker: Type.Optional(Type.String()),
      retriesLeft: Type.Optional(Type.Integer()),
    }),
  ),
  backlog: Type.Optional(Type.Object({ waiting: Type.Integer(), oldestAt: Type.Optional(Type.String()) })),
  experiment: Type.Optional(Experiment),
});

/** The response of a management port at /status, as far as other services read it. */
export const Status = Type.Object({
  version: Type.String(),
  state: Type.Enum(['starting', 'ready', 'draining', 'closing', 'stopped']),
  ready: Type.Boolean(),
  upSeconds: Type.Integer({ minimum: 0 }),
  notices: Type.Optional(Type.Array(Type.String())),
  dependencies: Type.Array(Type.Object({ name: Type.String(), up: Type.Boolean() })),
  /** Absent in a process of an older version. */
  activity: Type.Optional(Activity),
});
export type Status = Static<typeof Status>;

export type StatusParts = {
  service: string;
  version: string;
  lifecycle: Lifecycle;
  metrics: Pick<Metrics, 'totals' | 'rejected' | 'backlog'>;
  /** Services that this one calls. An unreachable one does not make this one unready, or failures would spread. */
  upstreams: Pick<Upstream, 'name' | 'breaker' | 'retriesLeft'>[];
  /** Returns how busy the service is. Load never makes it unready, because it would fall on the other replicas. */
  load: () => object;
  experiments: Pick<Experiments, 'current'>;
};

/** Makes the function that describes the process. */
export function createStatus(parts: StatusParts) {
  const { service, version, lifecycle, upstreams, load } = parts;
  const instance = crypto.randomUUID().slice(0, 8);
  return async () => {
    const { ready, dependencies } = await lifecycle.readiness();
    return {
      service,
      version,
      state: lifecycle.state,
      ready,
      pid,
      upSeconds: Math.round(performance.now() / 1000),
      notices: lifecycle.notices,
      dependencies,
      upstreams: upstreams.map(({ name, breaker }) => ({ name, breaker })),
      load: load(),
      activity: await describeActivity(instance, parts),
    };
  };
}

async function describeActivity(
  instance: string,
  { lifecycle, metrics, upstreams, experiments }: StatusParts,
): Promise<Static<typeof Activity>> {
  const { totals, backlog } = metrics;
  const called = new Map(upstreams.map((upstream) => [upstream.name, upstream]));
  return {
    instance,
    history: [...lifecycle.history],
    ...(totals.lastRequestAt > 0 && { lastRequestAt: new Date(totals.lastRequestAt).toISOString() }),
    requests: totals.requests.view(),
    rejected: await countRejected(metrics.rejected),
    priorities: priorities.map((priority) => {
      const { served, rejected } = totals.priorities[priority];
      return { priority, served: served.view(), rejected };
    }),
    calls: [...totals.dependencies].map(([to, each]) => {
      const { breaker, retriesLeft } = called.get(to) ?? {};
      return { to, totals: each.view(), breaker, retriesLeft };
    }),
    ...(backlog && { backlog: backlog() }),
    ...(experiments.current && { experiment: experiments.current }),
  };
}

/** Counts the requests that were rejected to protect the service, without those over the rate limit of one client. */
async function countRejected(rejected: Metrics['rejected']): Promise<number> {
  const { values } = await rejected.get();
  return values.reduce((sum, { labels, value }) => sum + (labels.reason === 'rate_limit' ? 0 : value), 0);
}
