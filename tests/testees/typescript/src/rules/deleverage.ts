// A deleverage: lots of an account below close-out are closed against an opposite position, at the health price.

import { FEES, FUND } from "../codes.ts";
import type { Operation } from "../operations.ts";
import { require } from "../reasons.ts";
import type { Subject, Transaction } from "../transaction.ts";
import { absolute, maximum, minimum, mulDivFloor } from "../words.ts";
import * as guards from "./shared/guards.ts";
import { carry, withOpenInterest } from "./shared/ledger.ts";
import type { Health } from "./shared/margin.ts";
import { type Fill, holds, moveSide, signOf, storeFill } from "./shared/moving.ts";
import { oracleState } from "./shared/oracle.ts";
import { type Side, settleSide } from "./shared/settling.ts";
import {
  backstopPossible,
  belowCloseOut,
  certainEquity,
  isSpared,
  leftUnhealthy,
  shareOf,
  sparedUntil,
} from "./shared/takeover.ts";

type Deleverage = Operation<"deleverage">;

function requireParties(tx: Transaction, op: Deleverage, { price, market }: Subject): void {
  guards.requireLive(tx.exchange);
  guards.requireMarket(market);
  guards.requireLots(op.lots, market);
  require(op.account !== op.counterparty, "SAME_ACCOUNT");
  require(op.account !== FEES && op.counterparty !== FEES, "RESERVED_ACCOUNT");
  guards.requireAccount(tx.account(op.account));
  guards.requireAccount(tx.account(op.counterparty));
  guards.requireNotHalted(tx.exchange, price);
}

function requireAllowed(tx: Transaction, op: Deleverage, side: Side, other: Side, subject: Subject): void {
  const { id, price, market } = subject;
  require(holds(side, id), "NO_POSITION");
  require(op.lots <= absolute(side.size), "LOTS");
  const opposite = side.size > 0n ? other.size <= -op.lots : other.size >= op.lots;
  require(holds(other, id) && opposite, "NOT_OPPOSITE");
  require(!oracleState(price, market, tx.now).blind, "ORACLE_LEVEL");
  require(belowCloseOut(side, market), "NOT_CLOSE_OUT");
  require(!isSpared(side, tx.now), "COOLDOWN");
  if (op.account === FUND) return;
  const fund = tx.loaded(FUND, op.fund_slot);
  require(!backstopPossible(tx, tx.ledger.fund_inbox, side, fund, subject), "BACKSTOP_POSSIBLE");
}

/** The part of an equity that goes with a requirement that falls: the ratio is kept. */
function released(equity: bigint, before: bigint, after: bigint): bigint {
  return mulDivFloor(maximum(before - after, 0n), equity, maximum(before, 1n));
}

/** What the counterparty pays beyond the health price: a deficit, but no more than lets it keep its ratios. */
function payment(side: Side, before: Health, unpaid: Health, lots: bigint, { price, market }: Subject): bigint {
  const share = shareOf(side.size, lots, price, market);
  const deficit = mulDivFloor(share, maximum(-certainEquity(side), 0n), maximum(side.health.linear, 1n));
  const bearable = minimum(
    released(before.equity, before.linear, unpaid.linear),
    released(before.equity, before.maintenance, unpaid.maintenance),
  );
  return minimum(deficit, maximum(bearable, 0n));
}

/** The counterparty after the payment; where it has lost its margin by all this, it is spared. */
function paidFill(tx: Transaction, op: Deleverage, { side, moved }: Fill, paid: bigint): Fill {
  const after = { ...moved.health, equity: moved.health.equity - paid };
  const spared = leftUnhealthy(op.counterparty, side, after, tx.market(op.market));
  const account = {
    ...moved.account,
    collateral: moved.account.collateral - paid,
    liquidated_at: spared ? sparedUntil(tx) : side.account.liquidated_at,
  };
  return { side, moved: { ...moved, account, health: after } };
}

export function deleverage(tx: Transaction, op: Deleverage): void {
  const subject = tx.subject(op.market);
  const { ledger, now } = tx;
  requireParties(tx, op, subject);
  const isFund = op.account === FUND;
  const inbox = isFund ? ledger.fund_inbox : 0n;
  const otherInbox = op.counterparty === FUND ? ledger.fund_inbox : 0n;
  const side = settleSide(tx, inbox, tx.loaded(op.account, op.slot), subject);
  const other = settleSide(tx, otherInbox, tx.loaded(op.counterparty, op.counterparty_slot), subject);
  requireAllowed(tx, op, side, other, subject);

  const lots = signOf(side.size) * op.lots;
  const value = lots * subject.price.price;
  const unpaid = moveSide(tx, other, subject, { lots, cash: -value }, other.account.liquidated_at);
  const paid = payment(side, other.health, unpaid.health, op.lots, subject);
  const moved = moveSide(tx, side, subject, { lots: -lots, cash: value + paid }, now);
  const bankrupt = moved.bankrupt + unpaid.bankrupt - side.bankrupt - other.bankrupt;
  const dust = side.dust + other.dust;
  tx.storeLedger(carry(ledger, { dust, fund: -inbox - otherInbox, bankrupt }));
  tx.storeBook(op.market, withOpenInterest(tx.book(op.market), -op.lots, isFund ? 0n : op.lots));
  storeFill(tx, op.account, { side, moved });
  storeFill(tx, op.counterparty, paidFill(tx, op, { side: other, moved: unpaid }, paid));
}
