/** The middle value, or the mean of the two middle ones: what a single disturbed round cannot move. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? at(sorted, middle) : (at(sorted, middle - 1) + at(sorted, middle)) / 2;
}

/** The range that half of the values are in: how far the rounds agree. */
export function middleHalf(values: readonly number[]): [number, number] {
  const sorted = values.toSorted((a, b) => a - b);
  const quarter = Math.floor(sorted.length / 4);
  return [at(sorted, quarter), at(sorted, sorted.length - 1 - quarter)];
}

/** The median of ratios, with the range that half of them are in: `0.44 (0.39 – 0.47)`. */
export function withMiddleHalf(ratios: readonly number[]): string {
  const [low, high] = middleHalf(ratios);
  return `${median(ratios).toFixed(2)} (${low.toFixed(2)} – ${high.toFixed(2)})`;
}

function at(values: readonly number[], index: number): number {
  const value = values[index];
  if (value === undefined) throw new Error('There are no values');
  return value;
}
