// The answer to a forced reduction: lots are closed at the health price less a slip, or it is refused.

import { COLLATERAL_MAX, FEES, FIRST_USER, Forced, FUND, Path } from "../codes.ts";
import type { Operation } from "../operations.ts";
import { attempt, codeOf, require } from "../reasons.ts";
import type { Market, MarketPrice, OrderSlot, Request } from "../records.ts";
import type { Subject, Transaction } from "../transaction.ts";
import { absolute, maximum, minimum, mulDivFloor, PPM } from "../words.ts";
import { answered } from "./forced.ts";
import * as guards from "./shared/guards.ts";
import { carry, emptied, inboxOf, withOpenInterest } from "./shared/ledger.ts";
import { type Change, type Fill, holds, longChange, moveSide, signOf, slotFits, storeFill } from "./shared/moving.ts";
import { oracleState } from "./shared/oracle.ts";
import { fillOrder } from "./shared/orders.ts";
import { atBest, type Side, settleSide } from "./shared/settling.ts";
import { decides, fundAble, leftUnhealthy, sparedUntil } from "./shared/takeover.ts";
import { requireValidTransition, transitionKeptHealth } from "./shared/transition.ts";

type ForcedReduce = Operation<"forced_reduce">;

/** The price of a forced reduction: the health price less what is conceded, or the index where that is worse. */
function concededPrice(size: bigint, price: MarketPrice, market: Market): bigint {
  const slip = mulDivFloor(price.price, market.slip_ppm, PPM);
  const worse = size > 0n ? minimum(price.price, price.index) : maximum(price.price, price.index);
  return worse - signOf(size) * slip;
}

/** The requested lots, at most the position, if closing all of them at that price keeps the account's health. */
function reductionAllowed(tx: Transaction, side: Side, request: Request, subject: Subject, paidPrice: bigint): bigint {
  const { price, market } = subject;
  require(holds(side, request.market), "NO_POSITION");
  require(!oracleState(price, market, tx.now).blind, "ORACLE_LEVEL");
  const wanted = minimum(request.amount, absolute(side.size));
  const lots = signOf(side.size) * wanted;
  const change = { lots: -lots, cash: lots * paidPrice };
  const closed = moveSide(tx, side, { ...subject, id: request.market }, change, side.account.liquidated_at);
  guards.requireCollateral(closed.account.collateral);
  const before = atBest(side.health, side.doubt);
  const after = atBest(closed.health, side.doubt);
  const kept = transitionKeptHealth(side.account.kind, before, after);
  require(after.equity >= after.initial || kept, "HEALTH_RATIO_FELL");
  return wanted;
}

/** Checks that both named slots can be meant, and the requested market is looked for where it is. */
function requireSlots(tx: Transaction, op: ForcedReduce, side: Side, request: Request): void {
  const other = tx.position(op.counterparty, op.counterparty_slot);
  const fits = side.size === 0n || side.heldMarket === op.market;
  const otherFits = other.size === 0n || other.market === op.market;
  const named = holds(side, request.market) || side.rest.same === 0n;
  require(fits && otherFits && named, "SLOT");
}

/** Checks the order and books its fill, where there is one. */
function orderFill(tx: Transaction, op: ForcedReduce, byOrder: boolean, side: Side, paidPrice: bigint): OrderSlot {
  const stored = tx.orderSlot(op.counterparty, op.order.slot);
  if (!byOrder) return stored;
  return fillOrder(op.order, stored, {
    now: tx.now,
    market: op.market,
    buys: side.size > 0n,
    lots: op.lots,
    price: paidPrice,
    taker: true,
    feePpm: 0n,
  });
}

function requirePermitted(op: ForcedReduce): void {
  const permitted = {
    [`${Path.ORDER}`]: op.counterparty >= FIRST_USER,
    [`${Path.FUND}`]: op.counterparty === FUND,
    [`${Path.OPPOSITE}`]: op.counterparty !== FEES,
  };
  require(permitted[`${op.path}`] === true, "RESERVED_ACCOUNT");
}

/** What is asked of the other side of a reduction that is done: a willing order, the fund, or an opposite position. */
function requireCounterparty(tx: Transaction, op: ForcedReduce, subject: Subject, other: Fill, change: Change): void {
  const { side: taking, moved: took } = other;
  const { id, market } = subject;
  requirePermitted(op);
  guards.requireAccount(taking.account);
  if (op.path === Path.ORDER) {
    require(op.order.account === op.counterparty, "NO_ACCOUNT");
    require(tx.account(op.account).owner !== taking.account.owner, "SAME_OWNER");
  }
  require(slotFits(taking, id), "SLOT");
  if (op.path === Path.ORDER) requireTaker(op, other, subject);
  if (op.path === Path.FUND) require(fundAble(tx.parameters, taking, took, market, id), "FUND_MARGIN");
  if (op.path === Path.OPPOSITE) {
    require(holds(taking, id) && took.reduced, "NOT_OPPOSITE");
    require(!fundCouldReduce(tx, op, subject, change), "BACKSTOP_POSSIBLE");
  }
}

/** What is asked of whoever takes the other side by an order. */
function requireTaker(op: ForcedReduce, { side: taking, moved: took }: Fill, { id, market }: Subject): void {
  require(guards.marketAllowed(taking.account, id), "MARKET_NOT_ALLOWED");
  require(!op.order.reduce_only || took.reduced, "ORDER_REDUCE_ONLY");
  require(!taking.blind || took.reduced, "ORACLE_LEVEL");
  require(absolute(took.position.size) <= market.max_size, "SIZE_RANGE");
  require(absolute(took.account.collateral) <= COLLATERAL_MAX, "COLLATERAL_RANGE");
  requireValidTransition(taking.account.kind, taking.health, took.health, took.reduced);
}

/** The fund could take the other side. */
function fundCouldReduce(tx: Transaction, op: ForcedReduce, subject: Subject, change: Change): boolean {
  const fund = tx.loaded(FUND, op.fund_slot);
  const side = settleSide(tx, tx.ledger.fund_inbox, fund, subject);
  require(decides(side, fund.position, subject.id), "SLOT");
  const taken = moveSide(tx, side, subject, change, fund.account.liquidated_at);
  return fundAble(tx.parameters, side, taken, subject.market, subject.id);
}

/** The other side, spared where the loss of an opposite position has cost it its margin. */
function sparedFill(tx: Transaction, op: ForcedReduce, done: boolean, { side, moved }: Fill): Fill {
  const unhealthy = leftUnhealthy(op.counterparty, side, moved.health, tx.market(op.market));
  if (!done || op.path !== Path.OPPOSITE || !unhealthy) return { side, moved };
  return { side, moved: { ...moved, account: { ...moved.account, liquidated_at: sparedUntil(tx) } } };
}

export function forcedReduce(tx: Transaction, op: ForcedReduce): void {
  const subject = tx.subject(op.market);
  const request = tx.request(op.account);
  const { ledger } = tx;
  guards.requireLive(tx.exchange);
  guards.requireMarket(subject.market);
  require(op.account !== op.counterparty, "SAME_ACCOUNT");
  require(request.kind === Forced.REDUCE, "FORCED_UNKNOWN");
  const side = settleSide(tx, 0n, tx.loaded(op.account, op.slot), { ...subject, id: request.market });
  requireSlots(tx, op, side, request);
  const paidPrice = concededPrice(side.size, subject.price, subject.market);
  const { result, value: wanted } = attempt(() => reductionAllowed(tx, side, request, subject, paidPrice), 0n);
  require(op.result === result, "FORCED_RESULT");
  const done = result === 0n;
  require(done ? op.lots >= 1n && op.lots <= wanted : op.lots === 0n, "LOTS");

  const lots = signOf(side.size) * op.lots;
  const change = { lots, cash: -lots * paidPrice };
  const opposite = { lots: -lots, cash: lots * paidPrice };
  const closed = { side, moved: moveSide(tx, side, subject, opposite, side.account.liquidated_at) };
  const loaded = tx.loaded(op.counterparty, op.counterparty_slot);
  const taking = settleSide(tx, inboxOf(op.counterparty, ledger), loaded, subject);
  const other = { side: taking, moved: moveSide(tx, taking, subject, change, loaded.account.liquidated_at) };
  const used = orderFill(tx, op, done && op.path === Path.ORDER, side, paidPrice);
  if (done) requireCounterparty(tx, op, subject, other, change);
  const kept = result === codeOf("ORACLE_LEVEL") || (done && op.lots < wanted);
  storeAnswer(tx, op, closed, sparedFill(tx, op, done, other));
  tx.storeRequest(op.account, answered(request, kept, request.amount - op.lots));
  tx.storeOrderSlot(op.counterparty, op.order.slot, used);
}

/** Stores both accounts, and what their change means for ledger and book. */
function storeAnswer(tx: Transaction, op: ForcedReduce, closed: Fill, other: Fill): void {
  const { ledger } = tx;
  const before = closed.side.bankrupt + other.side.bankrupt;
  const booked = carry(ledger, {
    dust: closed.side.dust + other.side.dust,
    fund: emptied(op.counterparty, ledger, FUND),
    fees: emptied(op.counterparty, ledger, FEES),
    bankrupt: closed.moved.bankrupt + other.moved.bankrupt - before,
  });
  tx.storeLedger(booked);
  tx.storeBook(op.market, withOpenInterest(tx.book(op.market), longChange(closed) + longChange(other), 0n));
  storeFill(tx, op.account, closed);
  storeFill(tx, op.counterparty, other);
}
