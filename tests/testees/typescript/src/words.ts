// Exact integers: a rule says of every division how it rounds, and a BigInt takes any product. Divisors are positive.

export const PPM = 1_000_000n;
export const WORD_MAX = 2n ** 63n - 1n;

export function minimum(first: bigint, second: bigint): bigint {
  return first < second ? first : second;
}

export function maximum(first: bigint, second: bigint): bigint {
  return first > second ? first : second;
}

export function absolute(value: bigint): bigint {
  return value < 0n ? -value : value;
}

export function clamp(value: bigint, low: bigint, high: bigint): bigint {
  return minimum(maximum(value, low), high);
}

/** The middle one by size. */
export function median(first: bigint, second: bigint, third: bigint): bigint {
  return maximum(minimum(first, second), minimum(maximum(first, second), third));
}

export function sum(values: Iterable<bigint>): bigint {
  let total = 0n;
  for (const value of values) total += value;
  return total;
}

/** a * b / c toward minus infinity. */
export function mulDivFloor(a: bigint, b: bigint, c: bigint): bigint {
  const product = a * b;
  const quotient = product / c;
  return product < 0n && quotient * c !== product ? quotient - 1n : quotient;
}

/** a * b / c toward plus infinity. */
export function mulDivCeil(a: bigint, b: bigint, c: bigint): bigint {
  return -mulDivFloor(-a, b, c);
}

/** What mulDivFloor leaves, from 0 to c - 1. */
export function mulDivRemainder(a: bigint, b: bigint, c: bigint): bigint {
  return a * b - c * mulDivFloor(a, b, c);
}

/** a * b / c toward zero. */
export function mulDivTruncate(a: bigint, b: bigint, c: bigint): bigint {
  return (a * b) / c;
}

/** Whether a distance is at most so many parts per million of a base. */
export function within(distance: bigint, limitPpm: bigint, base: bigint): boolean {
  return distance * PPM <= limitPpm * base;
}
