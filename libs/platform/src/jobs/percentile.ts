/**
 * Returns a percentile by the nearest-rank method: the smallest of the values that is not exceeded by p % of them. So the
 * result is always one of the values, and with fewer than 100 values the 99th percentile is the largest.
 *
 * @param values in any order
 * @param p above 0, and 100 at most
 * @throws {RangeError} if there are no values, or `p` is out of range
 * @example
 * percentile([15, 20, 35, 40, 50], 30); // 20
 */
export function percentile(values: readonly number[], p: number): number {
  if (!(p > 0 && p <= 100)) throw new RangeError(`${p} must be above 0, and 100 at most`);
  const sorted = values.toSorted((a, b) => a - b);
  // The product comes first: 0.07 × 100 is more than 7, and would be the next rank.
  const found = sorted[Math.ceil((p * sorted.length) / 100) - 1];
  if (found === undefined) throw new RangeError('There are no values');
  return found;
}
