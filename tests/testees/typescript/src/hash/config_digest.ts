// The digest of a configuration: what the rules compute with, then the texts around it.

import type { Config } from "../config.ts";
import { marketSchema, parametersSchema } from "../records.ts";
import { type Digest, digestOf } from "../schema.ts";
import { bytesElements, hashElements, padded, Tag } from "./digests.ts";
import { recordElements } from "./elements.ts";
import { SUITE } from "./poseidon.ts";
import { HEIGHTS } from "./root.ts";

const LAYOUT = 1;
const RULES = "perpetual-1";

function number(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value, "utf8");
  return Buffer.concat([number(bytes.length), bytes]);
}

function texts(config: Config): Buffer {
  const named = [SUITE, RULES, config.name, config.governanceKey, config.feesKey];
  const markets = config.symbols.flatMap(({ symbol, lot }) => [symbol, lot]);
  const families = config.oracleKeys.flatMap((keys) => [number(keys.length), ...keys.map(text)]);
  return Buffer.concat([...[...named, ...markets].map(text), number(config.oracleKeys.length), ...families]);
}

export function configDigest(config: Config): Digest {
  const { accounts, orders, markets, requests } = HEIGHTS;
  const parts = [
    [LAYOUT, config.markets.length, accounts, orders, markets, requests],
    recordElements(parametersSchema, config.parameters),
    config.markets.flatMap((market) => recordElements(marketSchema, market)),
  ];
  const elements = parts.flatMap((part) => padded(part, 8));
  return digestOf(hashElements(Tag.CONFIG, [...elements, ...bytesElements(texts(config))]));
}
