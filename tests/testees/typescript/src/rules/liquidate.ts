// A liquidation: lots of an account below its maintenance margin are closed against a willing order.

import { FEES, FIRST_USER, FUND, Kind } from "../codes.ts";
import type { Operation } from "../operations.ts";
import { require } from "../reasons.ts";
import type { MarketPrice, Market, OrderSlot } from "../records.ts";
import type { Subject, Transaction } from "../transaction.ts";
import { absolute, mulDivCeil, PPM, within } from "../words.ts";
import * as guards from "./shared/guards.ts";
import { carry, withOpenInterest } from "./shared/ledger.ts";
import { type Fill, fillSide, holds, longChange, moveSide, signOf, slotFits, storeFill } from "./shared/moving.ts";
import { oracleState } from "./shared/oracle.ts";
import { fillOrder } from "./shared/orders.ts";
import { atBest, type Side, settleSide } from "./shared/settling.ts";
import { belowCloseOut, isSpared } from "./shared/takeover.ts";
import { ratioKept, requireValidTransition } from "./shared/transition.ts";

type Liquidate = Operation<"liquidate">;

function requireParties(tx: Transaction, op: Liquidate): void {
  const [account, taker] = [tx.account(op.account), tx.account(op.taker.account)];
  require(op.account !== op.taker.account, "SAME_ACCOUNT");
  require(op.account !== FEES && op.taker.account >= FIRST_USER, "RESERVED_ACCOUNT");
  guards.requireAccount(account);
  guards.requireAccount(taker);
  require(account.owner !== taker.owner, "SAME_OWNER");
}

/** Checks the taker's order and books its fill: it buys what a long sells. */
function takerFill(tx: Transaction, op: Liquidate): OrderSlot {
  return fillOrder(op.taker, tx.orderSlot(op.taker.account, op.taker.slot), {
    now: tx.now,
    market: op.market,
    buys: tx.position(op.account, op.slot).size > 0n,
    lots: op.lots,
    price: op.price,
    taker: true,
    feePpm: op.taker_fee_ppm,
  });
}

function requireTerms(tx: Transaction, op: Liquidate, { price, market }: Subject): void {
  require(op.fee_ppm >= 0n && op.fee_ppm <= market.liquidation_fee_cap_ppm, "FEE");
  require(op.taker_fee_ppm >= 0n && op.taker_fee_ppm <= market.fee_cap_ppm, "FEE");
  guards.requireNotHalted(tx.exchange, price);
}

/** The most lots that one staged liquidation may close. */
function stepCap(size: bigint, degraded: boolean, price: MarketPrice, market: Market): bigint {
  const small = absolute(size) * price.price <= market.full_close_atoms;
  const cap = small ? absolute(size) : mulDivCeil(absolute(size), market.close_factor_ppm, PPM);
  return degraded ? mulDivCeil(cap, 1n, 2n) : cap;
}

/** Between maintenance and close-out a liquidation goes in steps: not too large, not too small, not too often. */
function requireStaged(tx: Transaction, op: Liquidate, side: Side, { price, market }: Subject): void {
  const closeOut = belowCloseOut(side, market);
  const staged = !closeOut && op.account !== FUND;
  const cap = stepCap(side.size, side.degraded, price, market);
  require(!staged || op.lots <= cap, "CLOSE_FACTOR");
  require(!staged || op.lots >= mulDivCeil(cap, 1n, 2n), "STEP_TOO_SMALL");
  const waited = tx.now - side.account.liquidated_at >= tx.parameters.cooldown_seconds;
  require((!staged || waited) && !isSpared(side, tx.now), "COOLDOWN");
  const slippagePpm = closeOut ? market.slippage_full_ppm : market.slippage_partial_ppm;
  const near = within(absolute(op.price - price.price), slippagePpm, price.price);
  const givenAway = side.size > 0n ? price.index - op.price : op.price - price.index;
  require(near && within(givenAway, slippagePpm, price.index), "SLIPPAGE");
}

function requireAllowed(tx: Transaction, op: Liquidate, side: Side, taker: Fill, subject: Subject): void {
  const { id, price, market } = subject;
  require(holds(side, id), "NO_POSITION");
  require(op.lots <= absolute(side.size), "LOTS");
  require(slotFits(taker.side, id), "SLOT");
  require(guards.marketAllowed(taker.side.account, id), "MARKET_NOT_ALLOWED");
  require(!op.taker.reduce_only || taker.moved.reduced, "ORDER_REDUCE_ONLY");
  require(!oracleState(price, market, tx.now).blind, "ORACLE_LEVEL");
  require(!taker.side.blind || taker.moved.reduced, "ORACLE_LEVEL");
  const unhealthy = atBest(side.health, side.doubt).equity < side.health.maintenance;
  require(unhealthy || op.account === FUND, "NOT_LIQUIDATABLE");
}

function requireOutcome(op: Liquidate, closed: Fill, taker: Fill, market: Market): void {
  require(absolute(taker.moved.position.size) <= market.max_size, "SIZE_RANGE");
  guards.requireCollateral(closed.moved.account.collateral);
  guards.requireCollateral(taker.moved.account.collateral);
  const { side, moved } = taker;
  requireValidTransition(side.account.kind, side.health, moved.health, moved.reduced);
  const onLinear = closed.side.account.kind === Kind.PORTFOLIO || op.account === FUND;
  require(ratioKept(onLinear, closed.side.health, closed.moved.health), "HEALTH_RATIO_FELL");
}

export function liquidate(tx: Transaction, op: Liquidate): void {
  const subject = tx.subject(op.market);
  const { ledger, now } = tx;
  guards.requireLive(tx.exchange);
  guards.requireMarket(subject.market);
  guards.requireLots(op.lots, subject.market);
  guards.requirePrice(op.price, subject.market);
  requireParties(tx, op);
  const takerUsed = takerFill(tx, op);
  requireTerms(tx, op, subject);

  const notional = op.lots * op.price;
  const fee = mulDivCeil(notional, op.fee_ppm, PPM);
  const takerFee = mulDivCeil(notional, op.taker_fee_ppm, PPM);
  const inbox = op.account === FUND ? ledger.fund_inbox : 0n;
  const side = settleSide(tx, inbox, tx.loaded(op.account, op.slot), subject);
  const direction = signOf(side.size);
  const given = { lots: -direction * op.lots, cash: direction * notional - fee };
  const taken = { lots: direction * op.lots, cash: -direction * notional - takerFee };
  const closed = { side, moved: moveSide(tx, side, subject, given, now) };
  const taker = fillSide(tx, tx.loaded(op.taker.account, op.taker_slot), subject, taken);
  requireAllowed(tx, op, side, taker, subject);
  requireStaged(tx, op, side, subject);
  requireOutcome(op, closed, taker, subject.market);

  const bankrupt = closed.moved.bankrupt + taker.moved.bankrupt - side.bankrupt - taker.side.bankrupt;
  const dust = side.dust + taker.side.dust;
  const change = longChange(closed) + longChange(taker);
  tx.storeLedger(carry(ledger, { dust, fund: fee - inbox, fees: takerFee, bankrupt }));
  tx.storeBook(op.market, withOpenInterest(tx.book(op.market), change, op.account === FUND ? 0n : op.lots));
  storeFill(tx, op.account, closed);
  storeFill(tx, op.taker.account, taker);
  tx.storeOrderSlot(op.taker.account, op.taker.slot, takerUsed);
}
