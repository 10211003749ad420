/** The error that simulates a crash of the process. */
export class Crash extends Error {}

/** When the process crashes: before or after the effect of its n-th call to a store or a provider. */
export type CrashPoint = { call: number; moment: 'before' | 'after' };

/**
 * Simulates a crash at one call to the stores and providers that `wrap` has wrapped.
 *
 * @returns `wrap`, and `happened`, which returns whether the call was reached
 */
export function crashAt({ call, moment }: CrashPoint) {
  let calls = 0;
  const crashIf = (now: CrashPoint['moment'], thisCall: number) => {
    if (thisCall === call && now === moment) throw new Crash(`${moment} call ${call}`);
  };
  const wrap = <T extends object>(part: T): T =>
    new Proxy(part, {
      get(target, key) {
        const method = Reflect.get(target, key, target);
        if (typeof method !== 'function') return method;
        return async (...args: unknown[]) => {
          const thisCall = ++calls;
          crashIf('before', thisCall);
          const result: unknown = await method.apply(target, args);
          crashIf('after', thisCall);
          return result;
        };
      },
    });
  return { wrap, happened: () => calls >= call };
}

/** Runs a scenario once per crash point that it reaches, and returns their number. */
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
