import type { Target } from './target.ts';

/** Makes promises that look at the same observation of a target share it. */
export function oncePerTarget<T>(observe: (target: Target) => Promise<T>): (target: Target) => Promise<T> {
  const observed = new WeakMap<Target, Promise<T>>();
  return (target) => {
    const known = observed.get(target) ?? observe(target);
    observed.set(target, known);
    return known;
  };
}
