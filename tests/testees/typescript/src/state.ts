// A state: records by kind and key. What is absent reads as zeros, and a record that becomes all zeros is absent again.

import { asObject, type Json, type JsonObject, Malformed } from "./json.ts";
import { KEY_SIZES, type RecordName, type RecordNamed, SCHEMAS } from "./records.ts";
import {
  type AnyRecord,
  readInteger,
  readRecord,
  sameField,
  sameValue,
  writeRecord,
  writeValue,
  zeroRecord,
} from "./schema.ts";

/** One change of a field, as the protocol tells it. */
export type Change = { path: string; value: Json };

type Tables = { readonly [N in RecordName]: Map<bigint, RecordNamed<N>> };

export const RECORD_NAMES = Object.keys(SCHEMAS) as RecordName[];

const ZEROS = Object.fromEntries(RECORD_NAMES.map((name) => [name, zeroRecord(SCHEMAS[name])])) as {
  readonly [N in RecordName]: RecordNamed<N>;
};

/** The key of a record's single instance, where its kind has just one. */
export const ONLY = 0n;

function emptyTables(): Tables {
  return Object.fromEntries(RECORD_NAMES.map((name) => [name, new Map()])) as unknown as Tables;
}

/** The numbers that lead to a record, outermost first. */
function keyPath(name: RecordName, key: bigint): bigint[] {
  const [, inner] = KEY_SIZES[name];
  if (KEY_SIZES[name].length === 0) return [];
  return inner === undefined ? [key] : [key / inner, key % inner];
}

export class State {
  readonly #tables = emptyTables();

  read<N extends RecordName>(name: N, key: bigint): RecordNamed<N> {
    return this.#tables[name].get(key) ?? ZEROS[name];
  }

  /** The records of a kind that are not all zeros. */
  present<N extends RecordName>(name: N): ReadonlyMap<bigint, RecordNamed<N>> {
    return this.#tables[name];
  }

  /** Puts a record in its place, and says which fields it changes. */
  store<N extends RecordName>(name: N, key: bigint, record: RecordNamed<N>): Change[] {
    const before: AnyRecord = this.read(name, key);
    const after: AnyRecord = record;
    if (sameValue(after, ZEROS[name])) this.#tables[name].delete(key);
    else this.#tables[name].set(key, record);
    const place = ["", name, ...keyPath(name, key)].join("/");
    return Object.keys(SCHEMAS[name])
      .filter((field) => !sameField(before, after, field))
      .map((field) => ({ path: `${place}/${field}`, value: writeValue(after[field] as AnyRecord[string]) }));
  }

  /** Reads a state as the protocol writes it. */
  static from(document: Json | undefined): State {
    const state = new State();
    for (const [name, value] of Object.entries(asObject(document, "state"))) {
      if (!Object.hasOwn(SCHEMAS, name)) throw new Malformed(`state: there is no record ${JSON.stringify(name)}`);
      state.#load(name as RecordName, KEY_SIZES[name as RecordName], ONLY, value, name);
    }
    return state;
  }

  #load(name: RecordName, sizes: readonly bigint[], key: bigint, value: Json, place: string): void {
    const [size, ...inner] = sizes;
    if (size === undefined) {
      const record = readRecord(SCHEMAS[name], value, place) as RecordNamed<typeof name>;
      if (this.store(name, key, record).length === 0) throw new Malformed(`${place}: a record of all zeros`);
      return;
    }
    const entries = Object.entries(asObject(value, place));
    if (entries.length === 0) throw new Malformed(`${place}: an object without records`);
    for (const [text, held] of entries) {
      const place_ = `${place}.${text}`;
      this.#load(name, inner, key * size + readInteger(text, 0n, size - 1n, place_), held, place_);
    }
  }

  /** The state as the protocol writes it. */
  write(): JsonObject {
    const document: JsonObject = {};
    for (const name of RECORD_NAMES) {
      for (const [key, record] of this.#tables[name]) {
        let level = document;
        const path = [name, ...keyPath(name, key)].map(String);
        for (const step of path.slice(0, -1)) level = (level[step] ??= {}) as JsonObject;
        level[path.at(-1) as string] = writeRecord(record);
      }
    }
    return document;
  }
}
