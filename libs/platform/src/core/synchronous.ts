const marked = new WeakSet<object>();

type AnyFunction = (...args: never[]) => unknown;

/**
 * Marks a function of a store that does not return a promise. All other functions of a store are operations, which are
 * measured.
 *
 * @example
 * return { onAdded: synchronous((listener) => void listeners.push(listener)), pending, delivered };
 */
export function synchronous<F extends AnyFunction>(work: F): F {
  marked.add(work);
  return work;
}

/** Returns whether a function was marked as synchronous. */
export function isSynchronous(work: AnyFunction): boolean {
  return marked.has(work);
}
