/** The address of one replica of a service. Priority and weight are those of DNS SRV (RFC 2782). */
export type Address = {
  /** For example `http://10.0.0.7:4001`. */
  origin: string;
  /** An address with a higher number is called only when none with a lower number can be. */
  priority: number;
  /** Share of the calls, relative to other addresses of the same priority. */
  weight: number;
};

/** Milliseconds for which an unreachable address is skipped. */
const unreachableFor = 2_000;
/** Milliseconds for which an address that is stopping or hangs is skipped; DNS may return it for that long. */
const leavingFor = 15_000;
/** Calls in flight that an address may have before it is compared with the others. */
const minSuspicious = 4;

type Candidate = Address & {
  /** State of the smooth weighted round robin. */
  current: number;
  skippedUntil: number;
  /** The last time it said that it is stopping; absent if it did not, or was unreachable or hanging since. */
  saidLeavingAt: number | undefined;
  inFlight: number;
};

const initial = { current: 0, skippedUntil: 0, saidLeavingAt: undefined, inFlight: 0 };

export type Addresses = {
  /** Returns the number of addresses. */
  count(): number;
  /** Returns the origins of all addresses. */
  origins(): string[];
  /** Replaces the list; an address that stays in it keeps its state. */
  replace(list: readonly Address[]): void;
  /** Returns the next origin that is not in `tried`; `undefined` if there is none. */
  pick(tried?: ReadonlySet<string>): string | undefined;
  /** Skips an unreachable origin for a while, if there are others. */
  skipUnreachable(origin: string): void;
  /** Skips an origin that says that it is stopping, in the same way but for longer. */
  skipLeaving(origin: string | undefined): void;
  /** Skips an origin that did not respond in time, for as long as one that is stopping. */
  skipHanging(origin: string | undefined): void;
  /** Counts a call to an origin as in flight until the returned function is called. */
  begin(origin: string | undefined): () => void;
};

/**
 * Balances calls over the addresses of a service by smooth weighted round robin, as nginx does: with weights 2 and 1 the
 * order is a b a, not a a b.
 */
export function createAddresses(now: () => number = () => performance.now()): Addresses {
  let all: Candidate[] = [];

  function skip(origin: string | undefined, ms: number, saidLeavingAt?: number): void {
    const skipped = all.find((each) => each.origin === origin);
    if (skipped) Object.assign(skipped, { skippedUntil: now() + ms, saidLeavingAt });
  }

  return {
    count: () => all.length,
    origins: () => all.map(({ origin }) => origin),
    replace(list) {
      const known = new Map(all.map((each) => [each.origin, each]));
      all = list.map((each) => Object.assign(known.get(each.origin) ?? { ...initial }, each));
    },
    pick(tried) {
      const others = tried ? all.filter(({ origin }) => !tried.has(origin)) : all;
      const available = others.filter(({ skippedUntil }) => skippedUntil <= now());
      return next(responsive(firstPriority(available.length > 0 ? available : leastBad(others))));
    },
    skipUnreachable: (origin) => skip(origin, unreachableFor),
    skipLeaving: (origin) => skip(origin, leavingFor, now()),
    skipHanging: (origin) => skip(origin, leavingFor),
    begin(origin) {
      const called = all.find((each) => each.origin === origin);
      if (!called) return () => undefined;
      called.inFlight += 1;
      let running = true;
      return () => {
        if (running) called.inFlight -= 1;
        running = false;
      };
    },
  };
}

/**
 * Returns the addresses to call when all are skipped: the one that has not said for the longest time that it is
 * stopping, as it may be back by now; if none is stopping, all.
 */
function leastBad(candidates: Candidate[]): Candidate[] {
  const [first] = candidates
    .filter(({ saidLeavingAt }) => saidLeavingAt !== undefined)
    .sort((a, b) => (a.saidLeavingAt ?? 0) - (b.saidLeavingAt ?? 0));
  return first ? [first] : candidates;
}

function firstPriority(candidates: Candidate[]): Candidate[] {
  const first = Math.min(...candidates.map(({ priority }) => priority));
  return candidates.filter(({ priority }) => priority === first);
}

/**
 * Returns the addresses that do not hang. One that has far more calls in flight than another gets no more until it
 * responds. Choosing the address with the fewest calls in flight would be wrong: one that fails every call immediately
 * would attract them all.
 */
function responsive(candidates: Candidate[]): Candidate[] {
  const least = Math.min(...candidates.map(inFlightPerWeight));
  return candidates.filter((each) => each.inFlight <= minSuspicious + 2 * least * weightOf(each));
}

const weightOf = ({ weight }: Candidate) => Math.max(weight, 1);
const inFlightPerWeight = (each: Candidate) => each.inFlight / weightOf(each);

/** Adds each candidate's weight to its `current`, picks the highest, and subtracts the sum of weights from that. */
function next(candidates: Candidate[]): string | undefined {
  let picked: Candidate | undefined;
  let sum = 0;
  for (const each of candidates) {
    const weight = weightOf(each);
    sum += weight;
    each.current += weight;
    if (!picked || each.current > picked.current) picked = each;
  }
  if (picked) picked.current -= sum;
  return picked?.origin;
}
