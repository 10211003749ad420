/**
 * Arithmetic on amounts in minor units. It uses BigInt, so that no intermediate result is rounded, and returns numbers,
 * because JSON has no larger type. A result that a number cannot represent exactly is an error.
 */

/** @throws {RangeError} if the value is beyond ±(2^53 − 1), where numbers are no longer exact. */
export function toSafeNumber(value: bigint): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw new RangeError(`${value} is too large to be counted exactly`);
  return number;
}

/** @throws {RangeError} if the sum is beyond ±(2^53 − 1). */
export function sum(amounts: number[]): number {
  return toSafeNumber(amounts.reduce((total, amount) => total + BigInt(amount), 0n));
}

/**
 * Returns the price of a quantity at `price` per `per` units, rounded to the minor unit; a half is rounded up.
 *
 * @param quantity not negative
 * @throws {RangeError} if the amount is beyond 2^53 − 1.
 * @example
 * priceOf(1_250, { price: 40, per: 1_000 }); // 50
 */
export function priceOf(quantity: number, { price, per }: { price: number; per: number }): number {
  const exact = BigInt(quantity) * BigInt(price);
  return toSafeNumber((2n * exact + BigInt(per)) / (2n * BigInt(per)));
}
