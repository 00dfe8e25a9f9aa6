// A configuration as its file has it: what the rules compute with, and the texts around it that its digest covers too.

import { asArray, asString, type Json, Malformed, withMembers } from "./json.ts";
import { type Market, marketSchema, type Parameters, parametersSchema } from "./records.ts";
import { readRecord } from "./schema.ts";

export type Config = {
  readonly name: string;
  readonly governanceKey: string;
  readonly feesKey: string;
  readonly oracleKeys: readonly (readonly string[])[];
  readonly parameters: Parameters;
  readonly symbols: readonly { readonly symbol: string; readonly lot: string }[];
  readonly markets: readonly Market[];
};

const FORMAT = "perpspec-config-1";
const MEMBERS = ["format", "name", "governance_key", "fees_key", "oracle_keys", "parameters", "markets"];

function text(value: Json | undefined, pattern: RegExp, place: string): string {
  const found = asString(value, place);
  if (!pattern.test(found)) throw new Malformed(`${place}: ${JSON.stringify(found)} is not of its form`);
  return found;
}

function list<T>(value: Json | undefined, most: number, place: string, read: (item: Json, place: string) => T): T[] {
  const items = asArray(value, place);
  if (items.length > most) throw new Malformed(`${place}: expected at most ${most} items, got ${items.length}`);
  return items.map((item, at) => read(item, `${place}.${at}`));
}

function key(value: Json | undefined, place: string): string {
  return text(value, /^[0-9a-f]{64}$/, place);
}

function keyOrNone(value: Json | undefined, place: string): string {
  return value === "" ? "" : key(value, place);
}

function readMarket(value: Json, place: string): { symbol: string; lot: string; market: Market } {
  const entry = withMembers(value, ["symbol", "lot", "market"], place);
  return {
    symbol: text(entry["symbol"], /^[A-Za-z0-9._-]{1,16}$/, `${place}.symbol`),
    lot: text(entry["lot"], /^(?:[1-9][0-9]{0,11}(?:\.[0-9]{0,11}[1-9])?|0\.[0-9]{0,11}[1-9])$/, `${place}.lot`),
    market: readRecord(marketSchema, entry["market"], `${place}.market`),
  };
}

export function readConfig(document: Json | undefined): Config {
  const members = withMembers(document, MEMBERS, "config");
  if (members["format"] !== FORMAT) throw new Malformed(`config.format: expected ${JSON.stringify(FORMAT)}`);
  const markets = list(members["markets"], 64, "config.markets", readMarket);
  const parameters = readRecord(parametersSchema, members["parameters"], "config.parameters");
  return {
    name: text(members["name"], /^[^\x00-\x1f\x7f]{1,64}$/u, "config.name"),
    governanceKey: keyOrNone(members["governance_key"], "config.governance_key"),
    feesKey: keyOrNone(members["fees_key"], "config.fees_key"),
    oracleKeys: list(members["oracle_keys"], 4, "config.oracle_keys", (family, place) => list(family, 8, place, key)),
    parameters,
    symbols: markets.map(({ symbol, lot }) => ({ symbol, lot })),
    markets: markets.map(({ market }) => market),
  };
}
