/** Stands for the death of the process. */
export class Crash extends Error {}

/** Where a process dies: at its n-th call of a store or a provider, before the call's effect or after it. */
export type CrashPoint = { call: number; moment: 'before' | 'after' };

/**
 * Makes what wraps stores and providers so that the process "dies" at one of their calls.
 *
 * @returns `wrap`, and `happened`: whether there were so many calls
 */
export function crashAt({ call, moment }: CrashPoint) {
  let calls = 0;
  const dies = (now: CrashPoint['moment'], thisCall: number) => {
    if (thisCall === call && now === moment) throw new Crash(`${moment} call ${call}`);
  };
  const wrap = <T extends object>(part: T): T =>
    new Proxy(part, {
      get(target, key) {
        const method = Reflect.get(target, key, target);
        if (typeof method !== 'function') return method;
        return async (...args: unknown[]) => {
          const thisCall = ++calls;
          dies('before', thisCall);
          const result: unknown = await method.apply(target, args);
          dies('after', thisCall);
          return result;
        };
      },
    });
  return { wrap, happened: () => calls >= call };
}

/** Runs a scenario for each crash point that it reaches, and answers how many there were. */
export async function atEachCrashPoint(
  scenario: (point: ReturnType<typeof crashAt>, name: string) => Promise<void>,
): Promise<number> {
  let points = 0;
  for (let call = 1; ; call++) {
    for (const moment of ['before', 'after'] as const) {
      const point = crashAt({ call, moment });
      await scenario(point, `a crash ${moment} call ${call}`);
      if (!point.happened()) return points;
      points += 1;
    }
  }
}
