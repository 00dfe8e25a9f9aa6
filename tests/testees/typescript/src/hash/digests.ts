// Digests of elements, bytes and words, as the page of the hash suite defines them.

import { type Digest, digestElements, digestOf } from "../schema.ts";
import { MODULUS, permute } from "./poseidon.ts";

export const Tag = {
  NODE: 1,
  STATE_ROOT: 2,
  GLOBAL: 3,
  ACCOUNT_LEAF: 4,
  ORDER_LEAF: 6,
  MARKET_LEAF: 7,
  REQUEST_LEAF: 8,
  CONFIG: 9,
  QUEUE: 14,
} as const;
export type Tag = (typeof Tag)[keyof typeof Tag];

/** Eight elements. */
export type Elements = readonly number[];

export const ZERO: Elements = [0, 0, 0, 0, 0, 0, 0, 0];

const BLOCK = 8;
const KNOWN_MOST = 200_000;
const known = new Map<string, Elements>();

/** One permutation. From step to step most of a state stays, so the last results are kept. */
export function step(left: Elements, right: Elements): Elements {
  const name = `${left.join()}:${right.join()}`;
  const found = known.get(name);
  if (found !== undefined) return found;
  const lanes = permute([...left, ...right]);
  const digest = left.map((element, place) => (element + (lanes[place] as number)) % MODULUS);
  if (known.size >= KNOWN_MOST) known.clear();
  known.set(name, digest);
  return digest;
}

export function compress(tag: Tag, left: Elements, right: Elements): Elements {
  const [first, ...rest] = step(left, right);
  return [((first as number) + tag) % MODULUS, ...rest];
}

export function hashElements(tag: Tag, elements: readonly number[]): Elements {
  let digest: Elements = [tag, elements.length, 0, 0, 0, 0, 0, 0];
  for (const block of blocksOf(elements)) digest = step(digest, block);
  return digest;
}

/** The elements in blocks of eight, the last one filled with zeros; one block where there are none. */
function blocksOf(elements: readonly number[]): number[][] {
  const blocks: number[][] = [];
  for (let start = 0; start < Math.max(elements.length, 1); start += BLOCK) {
    blocks.push(padded(elements.slice(start, start + BLOCK), BLOCK));
  }
  return blocks;
}

/** The elements and zeros, to a multiple of `size`. */
export function padded(elements: readonly number[], size: number): number[] {
  const short = (size - (elements.length % size)) % size;
  const empty = elements.length === 0 ? size : 0;
  return [...elements, ...new Array<number>(short + empty).fill(0)];
}

/** The elements of a byte string: its length, and then three bytes in each. */
export function bytesElements(data: Buffer): number[] {
  const filled = Buffer.concat([data, Buffer.alloc((3 - (data.length % 3)) % 3)]);
  const elements = [data.length];
  for (let start = 0; start < filled.length; start += 3) elements.push(filled.readUIntLE(start, 3));
  return elements;
}

/** A word as two elements and its top limb, which all have its sign. */
export function limbsOf(word: bigint): readonly [low: number, high: number, top: number] {
  const sign = word < 0n ? -1 : 1;
  const size = word < 0n ? -word : word;
  const mask = 2n ** 26n - 1n;
  return [sign * Number(size & mask), sign * Number((size >> 26n) & mask), sign * Number(size >> 52n)];
}

/** A number modulo the prime, from zero on. */
export function element(value: number): number {
  return ((value % MODULUS) + MODULUS) % MODULUS;
}

/** The elements of a list of words: two words are five, a last one is three. */
function wordElements(words: readonly bigint[]): number[] {
  const elements: number[] = [];
  for (let place = 0; place < words.length; place += 2) {
    const [low, high, top] = limbsOf(words[place] as bigint);
    const next = words[place + 1];
    if (next === undefined) {
      elements.push(low, high, top);
    } else {
      const [nextLow, nextHigh, nextTop] = limbsOf(next);
      elements.push(low, high, nextLow, nextHigh, top + 4096 * nextTop);
    }
  }
  return elements.map(element);
}

export function hashWords(tag: Tag, digests: readonly Digest[], words: readonly bigint[]): Digest {
  return digestOf(hashElements(tag, [...digests.flatMap(digestElements), ...wordElements(words)]));
}
