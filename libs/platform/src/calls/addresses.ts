/** Where one replica of a service listens. Priority and weight are those of DNS SRV (RFC 2782). */
export type Address = {
  /** Such as `http://10.0.0.7:4001`. */
  origin: string;
  /** A higher number is asked only when no address of a lower one can be. */
  priority: number;
  /** Share of the calls among addresses of the same priority. */
  weight: number;
};

/** How long an address that could not be connected is left out; milliseconds. */
const restTime = 2_000;
/** How long one is left out that is stopping or hangs: DNS tells of it until then; milliseconds. */
const avoidTime = 15_000;
/** Calls without an answer that an address may have before it is compared with the others. */
const unsuspicious = 4;

type Candidate = Address & { current: number; restsUntil: number; calls: number };

const fresh = { current: 0, restsUntil: 0, calls: 0 };

export type Addresses = {
  /** Takes a new list over; an address that stays keeps its turn and its rest. */
  replace(list: readonly Address[]): void;
  /** The origin whose turn it is, other than those in `tried`; `undefined` when there is no other. */
  pick(tried?: ReadonlySet<string>): string | undefined;
  /** Leaves an origin out for a while, as long as there are others: it took no connection. */
  rest(origin: string): void;
  /** The same for one that is stopping or did not answer in time, and longer. */
  avoid(origin: string | undefined): void;
  /** Notes that a call to an origin begins; the function notes its end. */
  begin(origin: string | undefined): () => void;
};

/**
 * Keeps the addresses of a service and takes turns between them by smooth weighted round robin, as nginx
 * does: with weights 2 and 1 the order is a b a, not a a b.
 */
export function createAddresses(now: () => number = () => performance.now()): Addresses {
  let all: Candidate[] = [];

  function leaveOut(origin: string | undefined, time: number): void {
    for (const each of all) if (each.origin === origin) each.restsUntil = now() + time;
  }

  return {
    replace(list) {
      const known = new Map(all.map((each) => [each.origin, each]));
      all = list.map((each) => Object.assign(known.get(each.origin) ?? { ...fresh }, each));
    },
    pick(tried) {
      const others = tried ? all.filter(({ origin }) => !tried.has(origin)) : all;
      const awake = others.filter(({ restsUntil }) => restsUntil <= now());
      return takeTurn(answering(firstPriority(awake.length > 0 ? awake : others)));
    },
    rest: (origin) => leaveOut(origin, restTime),
    avoid: (origin) => leaveOut(origin, avoidTime),
    begin(origin) {
      const called = all.find((each) => each.origin === origin);
      if (!called) return () => undefined;
      called.calls += 1;
      let running = true;
      return () => {
        if (running) called.calls -= 1;
        running = false;
      };
    },
  };
}

function firstPriority(candidates: Candidate[]): Candidate[] {
  const first = Math.min(...candidates.map(({ priority }) => priority));
  return candidates.filter(({ priority }) => priority === first);
}

/**
 * Those that do not hang: an address that has far more calls without an answer than another gets no more until it
 * answers. Not simply the one with the fewest: an address that fails every call at once would then attract them.
 */
function answering(candidates: Candidate[]): Candidate[] {
  const least = Math.min(...candidates.map(callsPerWeight));
  return candidates.filter((each) => each.calls <= unsuspicious + 2 * least * weightOf(each));
}

const weightOf = ({ weight }: Candidate) => Math.max(weight, 1);
const callsPerWeight = (each: Candidate) => each.calls / weightOf(each);

/** Each gains its weight; who has most goes and pays the sum of the weights. */
function takeTurn(candidates: Candidate[]): string | undefined {
  let next: Candidate | undefined;
  let sum = 0;
  for (const each of candidates) {
    const weight = weightOf(each);
    sum += weight;
    each.current += weight;
    if (!next || each.current > next.current) next = each;
  }
  if (next) next.current -= sum;
  return next?.origin;
}
