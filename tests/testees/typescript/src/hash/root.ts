// The state root: trees of accounts with their order slots, of markets and of requests, and one leaf for the rest.

import { ORDER_SLOTS, POSITION_SLOTS } from "../codes.ts";
import { type RecordName, SCHEMAS } from "../records.ts";
import { type Digest, digestOf } from "../schema.ts";
import { ONLY, type State } from "../state.ts";
import { compress, type Elements, hashElements, padded, step, Tag, ZERO } from "./digests.ts";
import { recordElements } from "./elements.ts";

export const HEIGHTS = { accounts: 20, orders: 11, markets: 6, requests: 20 } as const;

type Leaves = ReadonlyMap<bigint, Elements>;

/** Digests of the empty subtrees over a leaf, by height. */
function emptySubtrees(leaf: Elements, height: number): Elements[] {
  const found = [leaf];
  for (let digest = leaf; found.length <= height; found.push(digest)) digest = compress(Tag.NODE, digest, digest);
  return found;
}

const EMPTY = emptySubtrees(ZERO, 20);
const EMPTY_ORDERS = emptySubtrees(compress(Tag.ORDER_LEAF, ZERO, ZERO), HEIGHTS.orders);

/** The root of a tree: its leaves by index, those that are not named being empty. */
function treeRoot(leaves: Leaves, height: number, empty: readonly Elements[]): Elements {
  let level = leaves;
  for (let below = 0; below < height; below += 1) {
    const absent = empty[below] as Elements;
    const above = new Map<bigint, Elements>();
    for (const index of level.keys()) {
      const parent = index >> 1n;
      if (above.has(parent)) continue;
      const left = level.get(2n * parent) ?? absent;
      const right = level.get(2n * parent + 1n) ?? absent;
      above.set(parent, compress(Tag.NODE, left, right));
    }
    level = above;
  }
  return level.get(0n) ?? (empty[height] as Elements);
}

function elementsOf(state: State, name: RecordName, key: bigint): number[] {
  return recordElements(SCHEMAS[name], state.read(name, key));
}

/** A tree whose leaves are the elements of the named records with one key. */
function simpleTree(state: State, names: readonly RecordName[], tag: Tag, height: number): Elements {
  const keys = new Set(names.flatMap((name) => [...state.present(name).keys()]));
  const leaves = new Map<bigint, Elements>();
  for (const key of keys) {
    const elements = names.flatMap((name) => elementsOf(state, name, key));
    leaves.set(key, hashElements(tag, elements));
  }
  return treeRoot(leaves, height, EMPTY);
}

/** The roots of the trees of order slots, by account. */
function orderRoots(state: State): Leaves {
  const trees = new Map<bigint, Map<bigint, Elements>>();
  for (const key of state.present("order_slot").keys()) {
    const account = key / ORDER_SLOTS;
    const leaf = (key % ORDER_SLOTS) / 2n;
    const first = account * ORDER_SLOTS + 2n * leaf;
    const halves = [first, first + 1n].map((slot) => padded(elementsOf(state, "order_slot", slot), 8));
    const tree = trees.get(account) ?? new Map<bigint, Elements>();
    tree.set(leaf, compress(Tag.ORDER_LEAF, halves[0] as Elements, halves[1] as Elements));
    trees.set(account, tree);
  }
  return new Map([...trees].map(([account, tree]) => [account, treeRoot(tree, HEIGHTS.orders, EMPTY_ORDERS)]));
}

/** A chain over the order slots' root, the owner, each position, and the rest of the account. */
function accountLeaf(state: State, account: bigint, orders: Elements): Elements {
  const elements = elementsOf(state, "account", account);
  let digest = step(orders, elements.slice(0, 8));
  for (let slot = 0n; slot < state.read("account", account).slots; slot += 1n) {
    digest = step(digest, padded(elementsOf(state, "position", account * POSITION_SLOTS + slot), 8));
  }
  return compress(Tag.ACCOUNT_LEAF, digest, elements.slice(8));
}

function accountTree(state: State): Elements {
  const orders = orderRoots(state);
  const leaves = new Map<bigint, Elements>();
  for (const account of state.present("account").keys()) {
    const slots = orders.get(account) ?? (EMPTY_ORDERS[HEIGHTS.orders] as Elements);
    leaves.set(account, accountLeaf(state, account, slots));
  }
  return treeRoot(leaves, HEIGHTS.accounts, EMPTY);
}

export function stateRoot(state: State): Digest {
  const global = (["exchange", "ledger", "queue"] as const).flatMap((name) => elementsOf(state, name, ONLY));
  const parts = [
    accountTree(state),
    simpleTree(state, ["market_price", "market_oracle", "market_book"], Tag.MARKET_LEAF, HEIGHTS.markets),
    simpleTree(state, ["request"], Tag.REQUEST_LEAF, HEIGHTS.requests),
    hashElements(Tag.GLOBAL, global),
  ];
  return digestOf(hashElements(Tag.STATE_ROOT, parts.flat()));
}
