// A settled account gains or loses lots of one market, and cash.

import type { Account, Position } from "../../records.ts";
import type { Loaded, Subject, Transaction } from "../../transaction.ts";
import { maximum } from "../../words.ts";
import { flatAndNegative, longLots } from "./ledger.ts";
import { type Health, healthOf, marginOf, worstLoss } from "./margin.ts";
import { type Context, type Side, settleSide, sideIndex } from "./settling.ts";

/** A side after its touched position and its collateral changed. */
export type Moved = {
  readonly account: Account;
  readonly position: Position;
  readonly health: Health;
  /** The position kept its sign or closed, and did not grow. */
  readonly reduced: boolean;
  /** 1 where it is flat and its collateral is negative. */
  readonly bankrupt: bigint;
};

/** Lots of the subject market that a side gains, and atoms. */
export type Change = { readonly lots: bigint; readonly cash: bigint };

function onlyReduced(before: bigint, after: bigint): boolean {
  const long = before >= 0n && after >= 0n && after <= before;
  return long || (before <= 0n && after <= 0n && after >= before);
}

export function moveSide(
  { parameters }: Context,
  side: Side,
  { id, price, market }: Subject,
  change: Change,
  liquidatedAt: bigint,
): Moved {
  const { rest } = side;
  const size = side.size + change.lots;
  const collateral = side.collateral + change.cash;
  const touched = marginOf(size, price, market);
  const closed = size === 0n;
  const sums = {
    value: rest.value + touched.value,
    maintenance: rest.maintenance + touched.maintenance,
    initial: rest.initial + touched.initial,
    buffer: rest.buffer + touched.buffer,
  };
  const worst = (): bigint => worstLoss(side.loaded, { size, price, market });
  return {
    account: {
      ...side.account,
      collateral,
      slots: closed ? side.account.slots : maximum(side.account.slots, side.slot + 1n),
      liquidated_at: liquidatedAt,
      closed_market: closed && side.size !== 0n ? id + 1n : side.account.closed_market,
    },
    position: { market: closed ? 0n : id, size, snapshot: sideIndex(size, price) },
    health: healthOf(side.account.kind, collateral, sums, worst, parameters),
    reduced: onlyReduced(side.size, size),
    bankrupt: flatAndNegative(rest.occupied + (closed ? 0n : 1n), collateral),
  };
}

/** The slot holds the subject market, or it is free and no other slot holds it. */
export function slotFits(side: Side, subject: bigint): boolean {
  return holds(side, subject) || (side.size === 0n && side.rest.same === 0n && side.slot <= side.account.slots);
}

/** The touched slot holds a position in the subject market. */
export function holds(side: Side, subject: bigint): boolean {
  return side.size !== 0n && side.heldMarket === subject;
}

/** 1 for a long, -1 for a short or an empty slot. */
export function signOf(size: bigint): bigint {
  return size > 0n ? 1n : -1n;
}

/** One side of a trade: the account before and after. */
export type Fill = { readonly side: Side; readonly moved: Moved };

/** Settles a user's account and gives it lots and cash. */
export function fillSide(context: Context, loaded: Loaded, subject: Subject, change: Change): Fill {
  const side = settleSide(context, 0n, loaded, subject);
  return { side, moved: moveSide(context, side, subject, change, loaded.account.liquidated_at) };
}

/** What a fill adds to open interest. */
export function longChange({ side, moved }: Fill): bigint {
  return longLots(moved.position.size) - longLots(side.size);
}

/** Stores an account of which one position has changed. */
export function storeFill(tx: Transaction, account: bigint, { side, moved }: Fill): void {
  tx.storeAccount(account, moved.account);
  tx.storePosition(account, side.slot, moved.position);
  tx.storeHeld(account, side.others);
}
