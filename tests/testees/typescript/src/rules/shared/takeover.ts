// Close-out and takeover: below close-out the insurance fund may take a position over, at an amount and not a price.

import { COLLATERAL_MAX, FUND, POSITION_SLOTS, TIME_MAX } from "../../codes.ts";
import { attempt, require } from "../../reasons.ts";
import type { Market, MarketPrice, Parameters, Position } from "../../records.ts";
import type { Loaded, Subject } from "../../transaction.ts";
import { absolute, maximum, minimum, mulDivCeil, mulDivFloor, PPM } from "../../words.ts";
import { type Health, marginAt } from "./margin.ts";
import { type Moved, moveSide, signOf, slotFits } from "./moving.ts";
import { oracleState } from "./oracle.ts";
import { atBest, type Context, type Side, settleSide } from "./settling.ts";

/** Equity is below the close-out fraction of the maintenance margin. */
function isBelowCloseOut({ equity, maintenance }: Health, market: Market): boolean {
  return equity * PPM < market.close_out_ppm * maintenance;
}

/** An account is below close-out even at the best prices that the bands of blind markets allow. */
export function belowCloseOut(side: Side, market: Market): boolean {
  return isBelowCloseOut(atBest(side.health, side.doubt), market);
}

/** Equity for amounts that others pay: a deficit counts only as far as no blind position can make up for it. */
export function certainEquity({ health, doubt }: Side): bigint {
  return health.equity >= 0n ? health.equity : minimum(health.equity + doubt, 0n);
}

/** How much of the linear maintenance margin belongs to so many lots of a position, in atoms. */
export function shareOf(size: bigint, lots: bigint, price: MarketPrice, market: Market): bigint {
  const whole = marginAt(absolute(size * price.price), market).maintenance;
  return whole - marginAt((absolute(size) - lots) * price.price, market).maintenance;
}

/** The part of an account's equity that goes with the lots, at most the penalty where there is equity. */
function takeoverAmount(context: Context, side: Side, { price, market }: Subject, lots: bigint): bigint {
  const share = shareOf(side.size, lots, price, market);
  const amount = mulDivCeil(share, certainEquity(side), maximum(side.health.linear, 1n));
  if (side.health.equity < 0n) return amount;
  return minimum(amount, mulDivCeil(lots * price.price, context.parameters.penalty_ppm, PPM));
}

/** A backstop: the account and the fund after it. */
export type Takeover = { readonly moved: Moved; readonly taken: Moved };

/** The fund takes over lots of an account below close-out. */
export function takeOver(context: Context, side: Side, fund: Side, subject: Subject, lots: bigint): Takeover {
  const { price, market, id } = subject;
  const { now } = context;
  require(!oracleState(price, market, now).blind, "ORACLE_LEVEL");
  require(belowCloseOut(side, market), "NOT_CLOSE_OUT");
  require(!isSpared(side, now), "COOLDOWN");
  const direction = signOf(side.size);
  const cash = direction * lots * price.price - takeoverAmount(context, side, subject, lots);
  const moved = moveSide(context, side, subject, { lots: -direction * lots, cash }, now);
  const gained = { lots: direction * lots, cash: -cash };
  const taken = moveSide(context, fund, subject, gained, fund.account.liquidated_at);
  require(fundAble(context.parameters, fund, taken, market, id), "FUND_MARGIN");
  return { moved, taken };
}

/** The fund may take lots: it keeps margin, or only reduces and stays solvent; and it has room and range. */
export function fundAble(parameters: Parameters, fund: Side, taken: Moved, market: Market, subject: bigint): boolean {
  const sureEquity = taken.health.equity - fund.doubt;
  const marginLeft = parameters.fund_multiple * taken.health.initial <= sureEquity;
  return (
    (marginLeft || (taken.reduced && sureEquity >= 0n)) &&
    slotFits(fund, subject) &&
    absolute(taken.position.size) <= market.max_size &&
    absolute(taken.account.collateral) <= COLLATERAL_MAX
  );
}

/** The named slot of the fund is the one that decides: where it holds the market, else a free one, if there is one. */
export function decides(fund: Side, position: Position, subject: bigint): boolean {
  const full = fund.rest.occupied === POSITION_SLOTS - 1n && position.size !== 0n && fund.rest.same === 0n;
  return slotFits(fund, subject) || full;
}

/** A user's account lost its maintenance margin, or fell below close-out. */
export function leftUnhealthy(account: bigint, before: Side, after: Health, market: Market): boolean {
  const had = atBest(before.health, before.doubt);
  const has = atBest(after, before.doubt);
  const lost = had.equity >= had.maintenance && has.equity < has.maintenance;
  const fell = !isBelowCloseOut(had, market) && isBelowCloseOut(has, market);
  return account !== FUND && (lost || fell);
}

/** Until when an account is spared that has lost its margin to somebody else's need. */
export function sparedUntil({ now, parameters }: Context): bigint {
  return minimum(now + parameters.cooldown_seconds, TIME_MAX);
}

/** The account is spared, and not below zero. */
export function isSpared(side: Side, now: bigint): boolean {
  return now < side.account.liquidated_at && atBest(side.health, side.doubt).equity >= 0n;
}

/** The piece of a position that a backstop must be unable to take before a deleverage. */
function backstopLots(size: bigint, parameters: Parameters, price: MarketPrice): bigint {
  const unit = maximum(mulDivFloor(parameters.backstop_atoms, 1n, maximum(price.price, 1n)), 1n);
  return minimum(absolute(size), unit);
}

/** The fund could take over a piece of the position. That its slot decides is a guard of the operation. */
export function backstopPossible(context: Context, inbox: bigint, side: Side, fund: Loaded, subject: Subject): boolean {
  const fundSide = settleSide(context, inbox, fund, subject);
  require(decides(fundSide, fund.position, subject.id), "SLOT");
  const lots = backstopLots(side.size, context.parameters, subject.price);
  const { result } = attempt<Takeover | undefined>(() => takeOver(context, side, fundSide, subject, lots), undefined);
  return result === 0n;
}
