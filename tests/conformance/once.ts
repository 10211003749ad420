import type { Target } from './target.ts';

/** Makes an observation once for each target, so that several promises can check it. */
export function oncePerTarget<T>(observe: (target: Target) => Promise<T>): (target: Target) => Promise<T> {
  const observed = new WeakMap<Target, Promise<T>>();
  return (target) => {
    const known = observed.get(target) ?? observe(target);
    observed.set(target, known);
    return known;
  };
}
