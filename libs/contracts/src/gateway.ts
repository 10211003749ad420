import { Experiment, ExperimentRequest } from '@slipway/contract-kit/experiment';
import { type Operation, priorities } from '@slipway/contract-kit/operation';
import { NoContent, responses } from '@slipway/contract-kit/responses';
import { Type } from '@slipway/contract-kit/type';
import type { Static } from 'typebox';
import { Id, smallBody, Timestamp } from './schemas.ts';

const tags = ['gateway'];

export const ServiceState = Type.Object({
  name: Type.String(),
  state: Type.Enum(['starting', 'ready', 'unready', 'draining', 'closing', 'stopped', 'unreachable'], {
    description: 'unready: running, but a dependency is down; unreachable: did not respond',
  }),
  version: Type.Optional(Type.String()),
  upSeconds: Type.Optional(Type.Integer({ minimum: 0, description: 'Seconds since the service started' })),
  down: Type.Array(Type.String(), { description: 'Names of the dependencies that are down' }),
  notices: Type.Optional(
    Type.Array(Type.String(), {
      description: 'Warnings for everyone, such as a test setting that is on',
    }),
  ),
  experiment: Type.Optional(Experiment),
});
export type ServiceState = Static<typeof ServiceState>;

export const System = Type.Object({
  ready: Type.Boolean({ description: 'Whether every service is ready' }),
  checkedAt: Timestamp,
  services: Type.Array(ServiceState),
  allowsExperiments: Type.Boolean({ description: 'Whether administrators may start experiments' }),
});
export type System = Static<typeof System>;

export const getSystem = {
  method: 'GET',
  url: '/api/v1/system',
  schema: {
    operationId: 'getSystem',
    summary: 'Returns the state, version and uptime of each service',
    description: 'A service that does not respond within one second is unreachable.',
    tags,
    response: responses({ 200: System }),
  },
  config: { access: 'public', hasNoFaults: true },
} as const satisfies Operation;

const Count = (description: string) => Type.Integer({ minimum: 0, description });
const percentile = (percent: number) =>
  Type.Optional(
    Type.Integer({
      minimum: 0,
      description: `${percent} % took at most so many milliseconds since the previous reading`,
    }),
  );
const [p50Ms, p99Ms] = [percentile(50), percentile(99)];
const since = 'since the process started';

export const ReplicaState = Type.Enum(
  ['starting', 'ready', 'unready', 'draining', 'closing', 'stopped', 'gone', 'unreachable'],
  { description: 'gone: the process has ended; unreachable: it does not respond' },
);
export type ReplicaState = Static<typeof ReplicaState>;

export const Replica = Type.Object({
  instance: Type.String({ description: 'Identifies the process: a restart makes another instance' }),
  state: ReplicaState,
  version: Type.Optional(Type.String()),
  history: Type.Array(Type.Object({ state: ReplicaState, at: Timestamp }), {
    description: 'Its start and its last changes, oldest first, by its own clock',
  }),
  lastRequestAt: Type.Optional(Timestamp),
  down: Type.Array(Type.String(), { description: 'Names of the dependencies that are down' }),
  requests: Type.Optional(
    Type.Object({
      count: Count(`Requests that were served ${since}`),
      failed: Count('Those of them with a status of 5xx'),
      rejected: Count(`Requests that were rejected to protect the service ${since}`),
      p99Ms,
    }),
  ),
  priorities: Type.Array(
    Type.Object({
      priority: Type.Enum(priorities, { description: 'That of the operation' }),
      count: Count(`Requests that were served ${since}`),
      failed: Count('Those of them with a status of 5xx'),
      rejected: Count(`Requests that were rejected to protect the service ${since}`),
      p50Ms,
      p99Ms,
    }),
    { description: 'The requests by priority, without priorities that had none' },
  ),
  calls: Type.Array(
    Type.Object({
      to: Type.String({ description: 'A service, `store`, or another dependency' }),
      count: Count(`Calls ${since}`),
      failed: Count('Those of them that failed'),
      p99Ms,
      breaker: Type.Optional(Type.Enum(['closed', 'half-open', 'open'])),
      retriesLeft: Type.Optional(Count('Retries that the retry budget allows now')),
    }),
  ),
  backlog: Type.Optional(
    Type.Object({
      waiting: Count('Events that are not delivered yet'),
      oldestAt: Type.Optional(Timestamp),
    }),
  ),
  experiment: Type.Optional(Experiment),
});
export type Replica = Static<typeof Replica>;

const Outcome = (description: string) => Count(`Requests ${description}`);

/** Limits of a load. */
export const maxLoad = { requestsPerSecond: 2_000, seconds: 300 };

export const LoadOrder = Type.Object({
  service: Type.Enum(['users', 'billing', 'reporting'], { description: 'The service to send requests to' }),
  requestsPerSecond: Type.Integer({ minimum: 1, maximum: maxLoad.requestsPerSecond }),
  seconds: Type.Integer({ minimum: 1, maximum: maxLoad.seconds, description: 'Duration of the load' }),
});
export type LoadOrder = Static<typeof LoadOrder>;

export const Load = Type.Object({
  isRunning: Type.Boolean(),
  service: Type.String(),
  requestsPerSecond: Type.Integer(),
  startedAt: Timestamp,
  endsAt: Timestamp,
  sent: Outcome('that were sent. Those in flight are counted nowhere else'),
  answered: Outcome('with a response in time'),
  rejected: Outcome('that were rejected, with 503 or 429'),
  late: Outcome('without a response within a second; their client has disconnected'),
  failed: Outcome('with another response, or whose connection broke'),
  unsent: Outcome('that were due and not sent, because too many were in flight or the machine was too busy'),
});
export type Load = Static<typeof Load>;

export const LoadState = Type.Object({
  load: Type.Optional(Load),
});
export type LoadState = Static<typeof LoadState>;

const loadUrl = '/api/v1/system/load';

export const getLoad = {
  method: 'GET',
  url: loadUrl,
  schema: {
    operationId: 'getLoad',
    summary: 'Returns the load that this replica of the gateway sends, or the last one that it sent',
    tags,
    response: responses({ 200: LoadState }),
  },
  config: { access: 'public' },
} as const satisfies Operation;

export const startLoad = {
  method: 'PUT',
  url: loadUrl,
  schema: {
    operationId: 'startLoad',
    summary: 'Sends requests to a service at a constant rate for a while, where experiments are allowed',
    description:
      'Whatever the responses are, the rate stays the same. The requests use 4 ms of CPU each and change no data. A new load replaces the one that runs.',
    tags,
    body: LoadOrder,
    response: responses({ 200: Load }),
  },
  config: { access: 'admin', bodyLimit: smallBody, hasNoFaults: true },
} as const satisfies Operation;

export const stopLoad = {
  method: 'DELETE',
  url: loadUrl,
  schema: {
    operationId: 'stopLoad',
    summary: 'Ends the load',
    tags,
    response: responses({ 204: NoContent }),
  },
  config: { access: 'admin', hasNoFaults: true },
} as const satisfies Operation;

export const SystemReading = Type.Object({
  at: Timestamp,
  load: Type.Optional(Load),
  services: Type.Array(
    Type.Object({ name: Type.String(), notices: Type.Array(Type.String()), replicas: Type.Array(Replica) }),
  ),
});
export type SystemReading = Static<typeof SystemReading>;

export const streamSystem = {
  method: 'GET',
  url: '/api/v1/system/events',
  schema: {
    operationId: 'streamSystem',
    summary: 'Streams the state of every replica, and its counts, once a second',
    description:
      'Server-sent events. The data of each is a `SystemReading`. Who connects again with the id of the last event, as browsers do, gets those of the last five minutes that were missed.',
    tags,
    headers: Type.Object({ 'last-event-id': Type.Optional(Type.String({ maxLength: 32 })) }),
    querystring: Type.Object({
      after: Type.Optional(
        Type.Integer({
          minimum: 0,
          description: 'The id of the last event, for clients that cannot set the header',
        }),
      ),
    }),
    produces: ['text/event-stream'],
    response: responses({ 200: SystemReading }),
  },
  config: { access: 'public', isStream: true },
} as const satisfies Operation;

const ServicePath = Type.Object({ service: Id });

export const ExperimentResult = Type.Object({
  experiment: Type.Optional(Experiment),
  replicas: Count('Replicas in which the experiment was started or ended'),
  failures: Type.Array(Type.String(), { description: 'Why that failed in each other replica' }),
});
export type ExperimentResult = Static<typeof ExperimentResult>;

export const startExperiment = {
  method: 'PUT',
  url: '/api/v1/system/experiments/:service',
  schema: {
    operationId: 'startExperiment',
    summary: 'Starts an experiment, such as a fault, in every replica of a service',
    description:
      'It replaces the one that runs, ends by itself, and everybody sees it. Only where the setting EXPERIMENTS_TOKEN allows experiments. Of the gateway, it starts in the replica that serves this request.',
    tags,
    params: ServicePath,
    body: ExperimentRequest,
    response: responses({ 200: ExperimentResult }),
  },
  config: { access: 'admin', bodyLimit: smallBody, hasNoFaults: true },
} as const satisfies Operation;

export const endExperiment = {
  method: 'DELETE',
  url: '/api/v1/system/experiments/:service',
  schema: {
    operationId: 'endExperiment',
    summary: 'Ends the experiment in every replica of a service',
    tags,
    params: ServicePath,
    response: responses({ 200: ExperimentResult }),
  },
  config: { access: 'admin', hasNoFaults: true },
} as const satisfies Operation;

export const getOpenApi = {
  method: 'GET',
  url: '/api/v1/openapi.json',
  schema: {
    operationId: 'getOpenApi',
    summary: 'Returns this document: all operations in OpenAPI 3.1',
    tags,
    response: responses({ 200: Type.Object({ openapi: Type.String() }, { additionalProperties: true }) }),
  },
  config: { access: 'public' },
} as const satisfies Operation;

const TraceId = Type.String({
  pattern: '^[0-9a-f]{32}$',
  description: 'Trace id, as in log lines and in Zipkin',
});
const Milliseconds = (description: string) => Type.Number({ description: `${description}; milliseconds` });

const traceFields = {
  traceId: TraceId,
  reason: Type.Enum(['failed', 'slow', 'administrator'], {
    description: 'Why the trace is stored; administrator: an administrator sent the request',
  }),
  startedAt: Timestamp,
  name: Type.String({ description: 'Method and route of the first request' }),
  services: Type.Array(Type.String(), { description: 'The services that have stored a part of it' }),
  status: Type.Optional(Type.Integer({ description: 'Status of the first response' })),
  ms: Milliseconds('Duration of the first request'),
};

export const TraceSummary = Type.Object(traceFields);
export type TraceSummary = Static<typeof TraceSummary>;

export const TraceSpan = Type.Object({
  spanId: Type.String(),
  depth: Type.Integer({ minimum: 0, description: 'Number of spans above it' }),
  service: Type.String(),
  name: Type.String(),
  kind: Type.String({ description: '`server`, `client`, `consumer` or `internal`' }),
  offsetMs: Milliseconds('Start, from that of the first span'),
  ms: Milliseconds('Duration'),
  status: Type.Optional(Type.Integer({ description: 'Status of the response' })),
  error: Type.Optional(Type.String({ description: 'Error code or class; never a message' })),
  peer: Type.Optional(Type.String({ description: 'The service or database that is called' })),
  file: Type.Optional(
    Type.String({
      description: 'The source file that defines the handler, makes the call, or opens the store',
    }),
  ),
});
export type TraceSpan = Static<typeof TraceSpan>;

export const Trace = Type.Object({
  ...traceFields,
  spans: Type.Array(TraceSpan, { description: 'Each below its parent, in the order of their starts' }),
  zipkin: Type.Optional(Type.String({ description: 'Address of the trace in Zipkin, if it was exported' })),
});
export type Trace = Static<typeof Trace>;

export const listTraces = {
  method: 'GET',
  url: '/api/v1/system/traces',
  schema: {
    operationId: 'listTraces',
    summary: 'Lists the last traces of requests that failed, were slow, or came from administrators',
    description:
      'Newest first. Each process stores the last ones in memory, so a restart removes its part. A service that does not respond within one second is left out.',
    tags,
    response: responses({ 200: Type.Object({ items: Type.Array(TraceSummary) }) }),
  },
  config: { access: 'admin' },
} as const satisfies Operation;

export const getTrace = {
  method: 'GET',
  url: '/api/v1/system/traces/:traceId',
  schema: {
    operationId: 'getTrace',
    summary: 'Returns a trace with the spans that the services have stored',
    tags,
    params: Type.Object({ traceId: TraceId }),
    response: responses({ 200: Trace }),
  },
  config: { access: 'admin' },
} as const satisfies Operation;
