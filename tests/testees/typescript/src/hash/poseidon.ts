// The permutation of the hash suite, on numbers: a product of two elements would not be exact, so one is split.

export const MODULUS = 2130706433;
export const SUITE = "poseidon-koalabear-16-r8-40.v1";

const LANES = 16;
const FULL_ROUNDS = 8;
const PARTIAL_ROUNDS = 40;
const ROW = [1, 1, 51, 1, 11, 17, 2, 1, 101, 63, 15, 2, 67, 22, 13, 3];
const ELEMENT_BITS = 31;

/** (value, bits) of the fields that the register of the constants starts as. */
const SEED: readonly (readonly [bigint, number])[] = [
  [1n, 2],
  [0n, 4],
  [BigInt(ELEMENT_BITS), 12],
  [BigInt(LANES), 12],
  [BigInt(FULL_ROUNDS), 10],
  [BigInt(PARTIAL_ROUNDS), 10],
  [2n ** 30n - 1n, 30],
];

/** The bits of the register, without the first that are thrown away. */
function* registerBits(): Generator<number, never> {
  const bits = SEED.flatMap(([value, width]) => [...value.toString(2).padStart(width, "0")].map(Number));
  const at = (place: number): number => bits[place] as number;
  for (let next = 80; ; next += 1) {
    const base = next - 80;
    bits.push(at(base + 62) ^ at(base + 51) ^ at(base + 38) ^ at(base + 23) ^ at(base + 13) ^ at(base));
    if (next >= 240) yield at(next);
  }
}

/** The bits that are output: the second of each pair whose first is 1. */
function* outputBits(): Generator<number, never> {
  const bits = registerBits();
  for (;;) {
    const chosen = bits.next().value;
    const bit = bits.next().value;
    if (chosen === 1) yield bit;
  }
}

function roundConstants(): Float64Array {
  const constants = new Float64Array(LANES * (FULL_ROUNDS + PARTIAL_ROUNDS));
  const bits = outputBits();
  for (let filled = 0; filled < constants.length;) {
    let candidate = 0;
    for (let bit = 0; bit < ELEMENT_BITS; bit += 1) candidate = 2 * candidate + bits.next().value;
    if (candidate < MODULUS) constants[filled++] = candidate;
  }
  return constants;
}

const CONSTANTS = roundConstants();

/** The circulant matrix, row after row. */
const MATRIX = Float64Array.from({ length: LANES * LANES }, (_, place) => {
  const row = Math.floor(place / LANES);
  return ROW[((place % LANES) - row + LANES) % LANES] as number;
});

/** A value from 0 to 2^52 modulo the prime. */
function reduce(value: number): number {
  const rest = value - Math.floor(value / MODULUS) * MODULUS;
  if (rest < 0) return rest + MODULUS;
  return rest >= MODULUS ? rest - MODULUS : rest;
}

function product(first: number, second: number): number {
  const high = Math.floor(first / 65536);
  return reduce(reduce(high * second) * 65536 + (first - high * 65536) * second);
}

function cube(value: number): number {
  return product(product(value, value), value);
}

/** Sixteen elements after the permutation. */
export function permute(state: readonly number[]): number[] {
  const lanes = Float64Array.from(state);
  const mixed = new Float64Array(LANES);
  const lastPartial = FULL_ROUNDS / 2 + PARTIAL_ROUNDS;
  for (let round = 0; round < FULL_ROUNDS + PARTIAL_ROUNDS; round += 1) {
    const cubed = round < FULL_ROUNDS / 2 || round >= lastPartial ? LANES : 1;
    for (let lane = 0; lane < LANES; lane += 1) {
      const value = reduce((lanes[lane] as number) + (CONSTANTS[round * LANES + lane] as number));
      lanes[lane] = lane < cubed ? cube(value) : value;
    }
    mix(lanes, mixed);
  }
  return [...lanes];
}

function mix(lanes: Float64Array, mixed: Float64Array): void {
  for (let row = 0; row < LANES; row += 1) {
    let total = 0;
    for (let column = 0; column < LANES; column += 1) {
      total += (MATRIX[row * LANES + column] as number) * (lanes[column] as number);
    }
    mixed[row] = reduce(total);
  }
  lanes.set(mixed);
}
