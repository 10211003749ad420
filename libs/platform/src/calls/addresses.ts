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

type Candidate = Address & { current: number; restsUntil: number };

export type Addresses = {
  /** Takes a new list over; an address that stays keeps its turn and its rest. */
  replace(list: readonly Address[]): void;
  /** The origin whose turn it is, other than those in `tried`; `undefined` when there is no other. */
  pick(tried?: ReadonlySet<string>): string | undefined;
  /** Leaves an origin out for a while, as long as there are others. */
  rest(origin: string): void;
};

/**
 * Keeps the addresses of a service and takes turns between them by smooth weighted round robin, as nginx
 * does: with weights 2 and 1 the order is a b a, not a a b.
 */
export function createAddresses(now: () => number = Date.now): Addresses {
  let all: Candidate[] = [];

  return {
    replace(list) {
      const known = new Map(all.map((each) => [each.origin, each]));
      all = list.map((each) => ({ current: 0, restsUntil: 0, ...known.get(each.origin), ...each }));
    },
    pick(tried) {
      const others = tried ? all.filter(({ origin }) => !tried.has(origin)) : all;
      const awake = others.filter(({ restsUntil }) => restsUntil <= now());
      return takeTurn(firstPriority(awake.length > 0 ? awake : others));
    },
    rest(origin) {
      for (const each of all) if (each.origin === origin) each.restsUntil = now() + restTime;
    },
  };
}

function firstPriority(candidates: Candidate[]): Candidate[] {
  const first = Math.min(...candidates.map(({ priority }) => priority));
  return candidates.filter(({ priority }) => priority === first);
}

/** Each gains its weight; who has most goes and pays the sum of the weights. */
function takeTurn(candidates: Candidate[]): string | undefined {
  let next: Candidate | undefined;
  let sum = 0;
  for (const each of candidates) {
    const weight = Math.max(each.weight, 1);
    sum += weight;
    each.current += weight;
    if (!next || each.current > next.current) next = each;
  }
  if (next) next.current -= sum;
  return next?.origin;
}
