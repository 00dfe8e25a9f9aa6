// Settling: pay what funding and socialised losses have become due, and add up what health needs.

import { NO_SUBJECT } from "../../codes.ts";
import type { Account, MarketPrice, Parameters, Position } from "../../records.ts";
import type { Held, Holding, Loaded, Subject } from "../../transaction.ts";
import { absolute, mulDivCeil, mulDivFloor, mulDivRemainder, PPM } from "../../words.ts";
import { flatAndNegative } from "./ledger.ts";
import { type Health, healthOf, type Margin, marginOf, worstLoss } from "./margin.ts";
import { oracleState } from "./oracle.ts";

/** What positions of an account add up to. */
export type Terms = Margin & {
  /** Atoms that settling adds to collateral. */
  readonly cash: bigint;
  /** Micro-atoms that settling rounds away. */
  readonly dust: bigint;
  /** Positions in the subject market. */
  readonly same: bigint;
  /** Positions. */
  readonly occupied: bigint;
  /** Positions at oracle level 1 or above. */
  readonly degraded: bigint;
  /** Positions at a blind level. */
  readonly blind: bigint;
  /** Atoms by which the value of positions at a blind level may differ. */
  readonly doubt: bigint;
};

const NOTHING: Terms = {
  value: 0n,
  maintenance: 0n,
  initial: 0n,
  buffer: 0n,
  cash: 0n,
  dust: 0n,
  same: 0n,
  occupied: 0n,
  degraded: 0n,
  blind: 0n,
  doubt: 0n,
};

const TERMS = Object.keys(NOTHING) as (keyof Terms)[];

function added(first: Terms, second: Terms): Terms {
  return Object.fromEntries(TERMS.map((name) => [name, first[name] + second[name]])) as Terms;
}

function indicator(condition: boolean): bigint {
  return condition ? 1n : 0n;
}

/** The cumulative index of a position's side; 0 for an empty slot. */
export function sideIndex(size: bigint, price: MarketPrice): bigint {
  if (size === 0n) return 0n;
  return size < 0n ? price.funding_index - price.loss_index : price.funding_index + price.loss_index;
}

/** What one position adds to its account. */
function termsOf(holding: Holding, subject: bigint, now: bigint): Terms {
  const { position, price, market } = holding;
  const due = sideIndex(position.size, price) - position.snapshot;
  const margin = marginOf(position.size, price, market);
  const held = position.size !== 0n;
  const state = oracleState(price, market, now);
  return {
    ...margin,
    cash: mulDivFloor(-position.size, due, PPM),
    dust: mulDivRemainder(-position.size, due, PPM),
    same: indicator(held && position.market === subject),
    occupied: indicator(held),
    degraded: indicator(held && state.degraded),
    blind: indicator(held && state.blind),
    doubt: state.blind ? mulDivCeil(absolute(margin.value), market.band_ppm, PPM) : 0n,
  };
}

function settledPosition({ position, price }: Holding): Position {
  return { ...position, snapshot: sideIndex(position.size, price) };
}

function settledAll(held: Held): Held {
  return held.map((holding) => ({ ...holding, position: settledPosition(holding) }));
}

function totalTerms(held: Held, subject: bigint, now: bigint): Terms {
  return held.map((holding) => termsOf(holding, subject, now)).reduce(added, NOTHING);
}

/** What settling needs besides the account. */
export type Context = { readonly parameters: Parameters; readonly now: bigint };

/** An account settled, with no position apart. */
export type Whole = {
  readonly account: Account;
  /** Settled. */
  readonly collateral: bigint;
  /** All positions, settled, to be stored. */
  readonly held: Held;
  readonly terms: Terms;
  readonly health: Health;
  /** 1 where it was flat with negative collateral, before settling. */
  readonly bankrupt: bigint;
};

/** Settles an account of which no single position changes. */
export function settleWhole(context: Context, inbox: bigint, account: Account, held: Held): Whole {
  const { parameters, now } = context;
  const terms = totalTerms(held, NO_SUBJECT, now);
  const collateral = account.collateral + terms.cash + inbox;
  return {
    account,
    collateral,
    held: settledAll(held),
    terms,
    health: healthOf(account.kind, collateral, terms, () => worstLoss(held), parameters),
    bankrupt: flatAndNegative(terms.occupied, account.collateral),
  };
}

/** An account settled, with the touched position apart. */
export type Side = {
  readonly account: Account;
  /** The slot of the touched position. */
  readonly slot: bigint;
  /** Settled. */
  readonly collateral: bigint;
  /** Lots of the touched position. */
  readonly size: bigint;
  /** Market of the touched position. */
  readonly heldMarket: bigint;
  /** The other positions as loaded. */
  readonly loaded: Held;
  /** The other positions, settled, to be stored. */
  readonly others: Held;
  /** What the other positions add up to. */
  readonly rest: Terms;
  /** Over all positions: micro-atoms that settling rounds away, positions, whether one is degraded or blind, doubt. */
  readonly dust: bigint;
  readonly occupied: bigint;
  readonly degraded: boolean;
  readonly blind: boolean;
  readonly doubt: bigint;
  /** Before the operation. */
  readonly health: Health;
  /** 1 where it was flat with negative collateral, before settling. */
  readonly bankrupt: bigint;
};

/** Settles an account with one position apart; prices of that one are the subject's, whatever market it holds. */
export function settleSide(context: Context, inbox: bigint, loaded: Loaded, subject: Subject): Side {
  const { parameters, now } = context;
  const { account, position, others, slot } = loaded;
  const { price, market } = subject;
  const rest = totalTerms(others, subject.id, now);
  const all = added(rest, termsOf({ slot, position, price, market }, subject.id, now));
  const collateral = account.collateral + all.cash + inbox;
  const worst = (): bigint => worstLoss(others, { size: position.size, price, market });
  return {
    account,
    slot,
    collateral,
    size: position.size,
    heldMarket: position.market,
    loaded: others,
    others: settledAll(others),
    rest,
    dust: all.dust,
    occupied: all.occupied,
    degraded: all.degraded > 0n,
    blind: all.blind > 0n,
    doubt: all.doubt,
    health: healthOf(account.kind, collateral, all, worst, parameters),
    bankrupt: flatAndNegative(all.occupied, account.collateral),
  };
}

/** Health if every position at a blind level were worth as much more as its band allows. */
export function atBest(health: Health, doubt: bigint): Health {
  return { ...health, equity: health.equity + doubt };
}
