// Computes rates from the counts of two readings. After a break of the stream, they are the mean over the break.

/**
 * Returns the services of a reading with the counts per second of each process since the reading before. A process that
 * was not in that reading has none.
 *
 * @param before the reading before, or undefined
 */
export function compare(before, after) {
  const seconds = before ? (after.at - before.at) / 1_000 : 0;
  const known = new Map(
    (before?.services ?? []).flatMap(({ replicas }) => replicas).map((each) => [each.instance, each]),
  );
  return after.services.map((service) => ({
    ...service,
    replicas: service.replicas.map((replica) => withRates(known.get(replica.instance), replica, seconds)),
  }));
}

function withRates(before, replica, seconds) {
  if (!before || seconds <= 0) return replica;
  const callsBefore = new Map(before.calls.map((call) => [call.to, call]));
  const calls = replica.calls.map((call) => ({
    ...call,
    perSecond: rates(callsBefore.get(call.to), call, seconds),
  }));
  // A gateway of an older version sends no priorities; a newer one leaves out those that had no request.
  const prioritiesBefore =
    before.priorities && new Map(before.priorities.map((each) => [each.priority, each]));
  const priorities = replica.priorities?.map((each) => ({
    ...each,
    perSecond: prioritiesBefore && rates(prioritiesBefore.get(each.priority) ?? {}, each, seconds),
  }));
  return { ...replica, calls, priorities, perSecond: rates(before.requests, replica.requests, seconds) };
}

function rates(before, after, seconds) {
  if (!before || !after) return undefined;
  const rate = (name) => Math.max(0, ((after[name] ?? 0) - (before[name] ?? 0)) / seconds);
  return { count: rate('count'), failed: rate('failed'), rejected: rate('rejected') };
}

/** Adds up the rates of several processes or calls. Returns undefined if none has any. */
export function total(parts) {
  const known = parts.flatMap(({ perSecond }) => perSecond ?? []);
  if (known.length === 0) return undefined;
  const sum = (name) => known.reduce((all, each) => all + each[name], 0);
  return { count: sum('count'), failed: sum('failed'), rejected: sum('rejected') };
}

/**
 * Returns all calls of the processes of a system, one for each pair of caller and called, with their rates added up: the
 * highest p99, the worst breaker, and the fewest retries left.
 */
export function callsOf(services) {
  return services.flatMap(({ name, replicas }) => {
    const calls = replicas.filter(isThere).flatMap((replica) => replica.calls);
    return [...Map.groupBy(calls, ({ to }) => to)].map(([to, each]) => ({
      from: name,
      to,
      perSecond: total(each),
      p99Ms: extreme(Math.max, each, 'p99Ms'),
      retriesLeft: extreme(Math.min, each, 'retriesLeft'),
      breaker: ['open', 'half-open', 'closed'].find((state) => each.some(({ breaker }) => breaker === state)),
    }));
  });
}

/** Returns the highest or lowest of the values that are known. */
export function extreme(choose, parts, name) {
  const values = parts.flatMap((part) => part[name] ?? []);
  return values.length > 0 ? choose(...values) : undefined;
}

/** Returns whether a process responds. */
export const isThere = ({ state }) => state !== 'gone' && state !== 'unreachable';

/** Formats a number for a table: `–` if it is unknown. */
export function figure(value, unit = '') {
  if (value === undefined) return '–';
  const digits = value > 0 && value < 9.95 ? 1 : 0;
  return `${value.toFixed(digits)}${unit}`;
}

const ageUnits = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'min'],
];

/** Formats a length of time in its largest whole unit, such as `3 min`. */
export function age(ms) {
  const [size, unit] = ageUnits.find(([each]) => ms >= each) ?? [1_000, 's'];
  return `${Math.max(0, Math.floor(ms / size))} ${unit}`;
}
