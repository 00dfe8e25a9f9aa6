// Records as elements: digests, then the wide parts of words, then what is small, two by two.

import {
  type AnyRecord,
  type AnyValue,
  digestElements,
  type Field,
  isVector,
  type Schema,
  type WordField,
} from "../schema.ts";
import { maximum } from "../words.ts";
import { element, limbsOf } from "./digests.ts";

type Parts = { digests: number[]; wide: number[]; small: number[]; tops: number[] };

type Shape = "s" | "p" | "q" | "w";

function shapeOf({ low, high }: WordField): Shape {
  const most = maximum(-low, high);
  if (low >= 0n && most < 2n ** 13n) return "s";
  if (most < 2n ** 26n) return "p";
  return most < 2n ** 52n ? "q" : "w";
}

function addWord(parts: Parts, field: WordField, word: bigint): void {
  const [low, high, top] = limbsOf(word);
  const shape = shapeOf(field);
  if (shape === "s") {
    parts.small.push(low);
    return;
  }
  parts.wide.push(low);
  if (shape !== "p") parts.wide.push(high);
  if (shape === "w") parts.tops.push(top);
}

function addValue(parts: Parts, field: Field, value: AnyValue): void {
  if (field.kind === "flag") parts.small.push(value === true ? 1 : 0);
  else if (field.kind === "word" && typeof value === "bigint") addWord(parts, field, value);
  else if (field.kind === "digest" && typeof value === "string") parts.digests.push(...digestElements(value));
  else if (field.kind === "vector" && typeof value === "object" && isVector(value)) {
    for (const item of value) addValue(parts, field.of, item);
  } else if (field.kind === "record") addRecord(parts, field.schema, value as AnyRecord);
}

function addRecord(parts: Parts, schema: Schema, record: AnyRecord): void {
  for (const [name, field] of Object.entries(schema)) addValue(parts, field, record[name] as AnyValue);
}

/** Limbs two by two, the second of each pair times `base`; a last one alone. */
function paired(limbs: readonly number[], base: number): number[] {
  const found: number[] = [];
  for (let place = 0; place < limbs.length; place += 2) {
    found.push((limbs[place] as number) + base * (limbs[place + 1] ?? 0));
  }
  return found;
}

export function recordElements(schema: Schema, record: AnyRecord): number[] {
  const parts: Parts = { digests: [], wide: [], small: [], tops: [] };
  addRecord(parts, schema, record);
  const limbs = [...parts.wide, ...paired(parts.small, 8192), ...paired(parts.tops, 4096)];
  return [...parts.digests, ...limbs.map(element)];
}
