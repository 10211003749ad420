/**
 * Arithmetic on amounts in minor units. It runs on BigInt, so that no intermediate result loses a cent, and
 * ends in a number, because JSON has no other; what a number cannot hold exactly is refused.
 */

/** @throws {RangeError} if the value lies beyond ±2^53, where numbers stop being exact. */
export function toSafeNumber(value: bigint): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw new RangeError(`${value} is too large to be counted exactly`);
  return number;
}

/** @throws {RangeError} if the sum lies beyond ±2^53. */
export function sum(amounts: number[]): number {
  return toSafeNumber(amounts.reduce((total, amount) => total + BigInt(amount), 0n));
}

/**
 * What a quantity costs at `price` per `per` units, rounded to the minor unit with a half going up.
 *
 * @param quantity not negative
 * @throws {RangeError} if the amount lies beyond 2^53.
 * @example
 * priceOf(1_250, { price: 40, per: 1_000 }); // 50
 */
export function priceOf(quantity: number, { price, per }: { price: number; per: number }): number {
  const exact = BigInt(quantity) * BigInt(price);
  return toSafeNumber((2n * exact + BigInt(per)) / (2n * BigInt(per)));
}
