// Records as data: from one table of fields come their types, their reading and writing, and their encoding.

import { asArray, asString, type Json, type JsonObject, Malformed, shown, withMembers } from "./json.ts";
import { WORD_MAX } from "./words.ts";

/** A digest as its 64 hexadecimal digits: a type of its own, since the rules only compare and hash digests. */
export type Digest = string & { readonly digest: unique symbol };

export type WordField = { readonly kind: "word"; readonly low: bigint; readonly high: bigint };
export type FlagField = { readonly kind: "flag" };
export type DigestField = { readonly kind: "digest" };
export type VectorField<F extends Field = Field> = {
  readonly kind: "vector";
  readonly of: F;
  readonly length: number;
};
export type RecordField<S extends Schema = Schema> = { readonly kind: "record"; readonly schema: S };
export type Field =
  | WordField
  | FlagField
  | DigestField
  | { readonly kind: "vector"; readonly of: Field; readonly length: number }
  | { readonly kind: "record"; readonly schema: Schema };
export type Schema = { readonly [name: string]: Field };

export type ValueOf<F extends Field> = F extends WordField
  ? bigint
  : F extends FlagField
    ? boolean
    : F extends DigestField
      ? Digest
      : F extends { readonly kind: "vector"; readonly of: infer E extends Field }
        ? readonly ValueOf<E>[]
        : F extends { readonly kind: "record"; readonly schema: infer S extends Schema }
          ? RecordOf<S>
          : never;
export type RecordOf<S extends Schema> = { readonly [N in keyof S]: ValueOf<S[N]> };

/** A value of any field, where its type does not matter. */
export type AnyValue = bigint | boolean | Digest | readonly AnyValue[] | AnyRecord;
export type AnyRecord = { readonly [name: string]: AnyValue };

export const flag: FlagField = { kind: "flag" };
export const digest: DigestField = { kind: "digest" };
export const ZERO_DIGEST = "0".repeat(64) as Digest;

export function word(low: bigint, high: bigint): WordField {
  return { kind: "word", low, high };
}

export function upTo(high: bigint): WordField {
  return word(0n, high);
}

export function vector<F extends Field>(of: F, length: number): VectorField<F> {
  return { kind: "vector", of, length };
}

export function nested<S extends Schema>(schema: S): RecordField<S> {
  return { kind: "record", schema };
}

export const count = upTo(WORD_MAX);
export const atoms = upTo(WORD_MAX);
export const signed = word(-WORD_MAX, WORD_MAX);
export const seconds = upTo(2n ** 40n);
export const accountId = upTo(2n ** 20n - 1n);
export const marketId = upTo(63n);
export const positionSlot = upTo(15n);
export const orderSlotId = upTo(4095n);
export const ratePpm = upTo(1_000_000n);
export const feePpm = word(-1_000_000n, 1_000_000n);
export const code = upTo(255n);

const INTEGER = /^(?:0|-?[1-9][0-9]*)$/;
const DIGITS = /^[0-9a-f]{64}$/;
const MODULUS = 2130706433;

/** An integer as the protocol writes it: decimal digits in the range of its field. */
export function readInteger(value: Json | undefined, low: bigint, high: bigint, place: string): bigint {
  const text = typeof value === "string" && value.length <= 20 && INTEGER.test(value) ? BigInt(value) : undefined;
  if (text === undefined || text < low || text > high) {
    throw new Malformed(`${place}: expected a decimal string from ${low} to ${high}, got ${shown(value)}`);
  }
  return text;
}

/** A digest of eight elements, each below the modulus. */
export function readDigest(value: Json | undefined, place: string): Digest {
  const text = asString(value, place);
  if (!DIGITS.test(text)) throw new Malformed(`${place}: expected 64 hexadecimal digits, got ${shown(value)}`);
  for (const element of digestElements(text as Digest)) {
    if (element >= MODULUS) throw new Malformed(`${place}: expected a digest, got ${shown(value)}`);
  }
  return text as Digest;
}

/** The eight elements, each of four bytes with the least significant one first. */
export function digestElements(value: Digest): number[] {
  const bytes = Buffer.from(value, "hex");
  return Array.from({ length: 8 }, (_, place) => bytes.readUInt32LE(4 * place));
}

export function digestOf(elements: readonly number[]): Digest {
  const bytes = Buffer.alloc(32);
  elements.forEach((element, place) => bytes.writeUInt32LE(element, 4 * place));
  return bytes.toString("hex") as Digest;
}

export function readValue<F extends Field>(field: F, value: Json | undefined, place: string): ValueOf<F>;
export function readValue(field: Field, value: Json | undefined, place: string): AnyValue {
  switch (field.kind) {
    case "word":
      return readInteger(value, field.low, field.high, place);
    case "flag":
      if (typeof value !== "boolean") throw new Malformed(`${place}: expected true or false, got ${shown(value)}`);
      return value;
    case "digest":
      return readDigest(value, place);
    case "vector": {
      const items = asArray(value, place);
      if (items.length !== field.length) {
        throw new Malformed(`${place}: expected ${field.length} items, got ${items.length}`);
      }
      return items.map((item, at) => readValue(field.of, item, `${place}.${at}`));
    }
    case "record":
      return readRecord(field.schema, value, place);
  }
}

/** A record with all its fields, in the order of its schema. */
export function readRecord<S extends Schema>(schema: S, value: Json | undefined, place: string): RecordOf<S> {
  const members = withMembers(value, Object.keys(schema), place);
  const found = Object.entries(schema).map(([name, field]) => [
    name,
    readValue(field, members[name], `${place}.${name}`),
  ]);
  return Object.fromEntries(found) as RecordOf<S>;
}

export function writeValue(value: AnyValue): Json {
  if (typeof value === "bigint") return value.toString();
  if (typeof value === "boolean" || typeof value === "string") return value;
  return isVector(value) ? value.map(writeValue) : writeRecord(value);
}

export function writeRecord(record: AnyRecord): JsonObject {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, writeValue(value)]));
}

export function isVector(value: AnyValue): value is readonly AnyValue[] {
  return Array.isArray(value);
}

function zeroValue(field: Field): AnyValue {
  switch (field.kind) {
    case "word":
      return 0n;
    case "flag":
      return false;
    case "digest":
      return ZERO_DIGEST;
    case "vector":
      return Array.from({ length: field.length }, () => zeroValue(field.of));
    case "record":
      return zeroRecord(field.schema);
  }
}

/** The record of all zeros, as which an absent one reads. */
export function zeroRecord<S extends Schema>(schema: S): RecordOf<S> {
  const zeros = Object.entries(schema).map(([name, field]) => [name, zeroValue(field)]);
  return Object.fromEntries(zeros) as RecordOf<S>;
}

export function sameValue(first: AnyValue, second: AnyValue): boolean {
  if (typeof first !== "object" || typeof second !== "object") return first === second;
  if (isVector(first)) return isVector(second) && first.every((value, at) => sameValue(value, second[at] ?? false));
  return !isVector(second) && Object.keys(first).every((name) => sameField(first, second, name));
}

export function sameField(first: AnyRecord, second: AnyRecord, name: string): boolean {
  return sameValue(first[name] as AnyValue, second[name] as AnyValue);
}
