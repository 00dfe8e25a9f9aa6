// Guards of many rules.

import { AMOUNT_MAX, COLLATERAL_MAX, Kind, Mode } from "../../codes.ts";
import { require } from "../../reasons.ts";
import type { Account, Exchange, Market, MarketPrice } from "../../records.ts";
import { maximum } from "../../words.ts";

export function requireLive(exchange: Exchange): void {
  require(exchange.frozen_at === 0n, "FROZEN");
}

export function requireMarket(market: Market): void {
  require(market.max_price >= 1n, "NO_MARKET");
}

export function requireAccount(account: Account): void {
  require(account.kind !== Kind.ABSENT, "NO_ACCOUNT");
}

export function requireAmount(amount: bigint): void {
  require(amount >= 1n && amount <= AMOUNT_MAX, "AMOUNT");
}

export function requireLots(lots: bigint, market: Market): void {
  require(lots >= 1n && lots <= market.max_size, "LOTS");
}

export function requirePrice(price: bigint, market: Market): void {
  require(price >= 1n && price <= market.max_price, "PRICE_RANGE");
}

export function requireCollateral(collateral: bigint): void {
  require(collateral >= -COLLATERAL_MAX && collateral <= COLLATERAL_MAX, "COLLATERAL_RANGE");
}

/** The mode that holds for a market now: the highest of modes and kill switches. */
export function modeOf(exchange: Exchange, price: MarketPrice): bigint {
  return maximum(maximum(exchange.mode, exchange.switch), maximum(price.mode, price.switch));
}

export function requireNotHalted(exchange: Exchange, price: MarketPrice): void {
  require(modeOf(exchange, price) < Mode.HALT, "MODE");
}

/** An isolated account holds its one market only. */
export function marketAllowed(account: Account, market: bigint): boolean {
  return account.kind !== Kind.ISOLATED || account.market === market;
}
