// A deficit of a flat account is covered by the fund, then by the open interest of the markets.

import { DAY, FEES, FUND } from "../codes.ts";
import type { Operation } from "../operations.ts";
import { require } from "../reasons.ts";
import type { MarketBook, MarketPrice } from "../records.ts";
import type { Listed, Transaction } from "../transaction.ts";
import { maximum, minimum, mulDivCeil, mulDivFloor, mulDivRemainder, PPM } from "../words.ts";
import { requireAccount, requireLive, requireMarket } from "./shared/guards.ts";
import { carry, flatAndNegative, withCollateral } from "./shared/ledger.ts";
import { settleWhole, type Whole } from "./shared/settling.ts";

/** A deficit on its way through the markets. */
type Loss = {
  /** Atoms not yet covered. */
  readonly deficit: bigint;
  /** Micro-atoms per lot added to loss indices so far, over all markets. */
  readonly raised: bigint;
  /** Micro-atoms collected beyond whole atoms. */
  readonly dust: bigint;
  /** Whole atoms collected beyond the deficit. */
  readonly excess: bigint;
};

type Borne = { readonly id: bigint; readonly price: MarketPrice; readonly book: MarketBook; readonly loss: Loss };

/** How far a market's loss index may rise today. */
function riseLimit({ price, book, market }: Listed, borne: bigint): bigint {
  if (book.open_interest === 0n) return 0n;
  const left = maximum(market.loss_cap_ppm * price.price - borne, 0n);
  return minimum(left, maximum(market.max_price * PPM - price.loss_index, 0n));
}

/** Lets the open interest of one market bear as much of a deficit as its cap for the day allows, both sides alike. */
function bearLoss(loss: Loss, listed: Listed, today: bigint): Borne {
  const { id, price, book } = listed;
  const lots = 2n * book.open_interest;
  const borne = book.loss_day === today ? book.loss_today : 0n;
  const limit = riseLimit(listed, borne);
  const whole = mulDivFloor(lots, limit, PPM) <= loss.deficit;
  const rise = whole ? limit : mulDivCeil(loss.deficit, PPM, maximum(lots, 1n));
  const collected = mulDivFloor(lots, rise, PPM);
  const covered = minimum(loss.deficit, collected);
  return {
    id,
    price: { ...price, loss_index: price.loss_index + rise },
    book: { ...book, loss_day: today, loss_today: borne + rise },
    loss: {
      deficit: loss.deficit - covered,
      raised: loss.raised + rise,
      dust: loss.dust + mulDivRemainder(lots, rise, PPM),
      excess: loss.excess + collected - covered,
    },
  };
}

/** What the fund can surely pay: its equity beyond its maintenance margin, and at most its collateral. */
function spareOf(fund: Whole): bigint {
  const beyond = fund.health.equity - fund.terms.doubt - fund.health.maintenance;
  return maximum(minimum(beyond, fund.collateral), 0n);
}

/** Each market with what it bears: the named one first, then the others by id. */
function bearInOrder(tx: Transaction, market: bigint, deficit: bigint): Borne[] {
  const today = mulDivFloor(tx.now, 1n, DAY);
  const borne: Borne[] = [];
  let loss: Loss = { deficit, raised: 0n, dust: 0n, excess: 0n };
  for (const listed of [{ ...tx.subject(market), book: tx.book(market) }, ...tx.everyMarket(market)]) {
    const next = bearLoss(loss, listed, today);
    borne.push(next);
    loss = next.loss;
  }
  return borne;
}

export function socialise(tx: Transaction, op: Operation<"socialise">): void {
  const { ledger } = tx;
  const isFund = op.account === FUND;
  // The fund is loaded in any case: where it is the debtor, the fee account stands in its place and is only settled.
  const otherId = isFund ? FEES : op.account;
  const [fund, other] = [tx.account(FUND), tx.account(otherId)];
  requireLive(tx.exchange);
  requireMarket(tx.market(op.market));
  requireAccount(other);
  const fundSide = settleWhole(tx, ledger.fund_inbox, fund, tx.held(FUND));
  const otherSide = settleWhole(tx, 0n, other, tx.held(otherId));
  const debtor = isFund ? fundSide : otherSide;
  const debt = -debtor.collateral;
  require(debtor.terms.occupied === 0n && debt >= 1n, "NOT_BANKRUPT_FLAT");
  require(op.market === maximum(debtor.account.closed_market - 1n, 0n), "MARKET_NOT_ALLOWED");
  const paid = isFund ? 0n : minimum(debt, spareOf(fundSide));
  const markets = bearInOrder(tx, op.market, debt - paid);
  const { loss } = markets.at(-1) as Borne;
  require(paid + loss.raised >= 1n, "NO_OPEN_INTEREST");

  const covered = debt - paid - loss.deficit;
  const fundCollateral = fundSide.collateral - paid + (isFund ? covered : 0n);
  const otherCollateral = otherSide.collateral + (isFund ? 0n : paid + covered);
  const fundFlat = flatAndNegative(fundSide.terms.occupied, fundCollateral);
  const otherFlat = flatAndNegative(otherSide.terms.occupied, otherCollateral);
  const booked = carry(ledger, {
    dust: fundSide.terms.dust + otherSide.terms.dust + loss.dust,
    fund: loss.excess - ledger.fund_inbox,
    bankrupt: fundFlat + otherFlat - fundSide.bankrupt - otherSide.bankrupt,
  });
  tx.storeLedger(booked);
  for (const { id, price, book } of markets) {
    tx.storeMarketPrice(id, price);
    tx.storeBook(id, book);
  }
  tx.storeAccount(FUND, withCollateral(fund, fundCollateral));
  tx.storeHeld(FUND, fundSide.held);
  tx.storeAccount(otherId, withCollateral(other, otherCollateral));
  tx.storeHeld(otherId, otherSide.held);
}
