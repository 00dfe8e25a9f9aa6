// A trade: two orders are matched.

import { FIRST_USER, Mode } from "../codes.ts";
import type { Operation } from "../operations.ts";
import { require } from "../reasons.ts";
import type { MarketBook, OrderSlot } from "../records.ts";
import type { Subject, Transaction } from "../transaction.ts";
import { absolute, maximum, mulDivCeil, PPM, within } from "../words.ts";
import * as guards from "./shared/guards.ts";
import { carry, withOpenInterest } from "./shared/ledger.ts";
import { type Fill, fillSide, longChange, slotFits, storeFill } from "./shared/moving.ts";
import { oracleState } from "./shared/oracle.ts";
import { fillOrder } from "./shared/orders.ts";
import { requireValidTransition } from "./shared/transition.ts";

type Trade = Operation<"trade">;

function requireParties(tx: Transaction, op: Trade): void {
  const [buyer, seller] = [tx.account(op.buyer.account), tx.account(op.seller.account)];
  require(op.buyer.account !== op.seller.account, "SAME_ACCOUNT");
  require(op.buyer.account >= FIRST_USER && op.seller.account >= FIRST_USER, "RESERVED_ACCOUNT");
  guards.requireAccount(buyer);
  guards.requireAccount(seller);
  require(buyer.owner !== seller.owner, "SAME_OWNER");
}

/** Checks one of the orders and books its fill. */
function fillOf(tx: Transaction, op: Trade, buys: boolean): OrderSlot {
  const order = buys ? op.buyer : op.seller;
  return fillOrder(order, tx.orderSlot(order.account, order.slot), {
    now: tx.now,
    market: op.market,
    buys,
    lots: op.lots,
    price: op.price,
    taker: op.taker_buys === buys,
    feePpm: buys ? op.buyer_fee_ppm : op.seller_fee_ppm,
  });
}

function requireTerms(tx: Transaction, op: Trade, { price, market }: Subject): void {
  const highestPpm = maximum(absolute(op.buyer_fee_ppm), absolute(op.seller_fee_ppm));
  require(highestPpm <= market.fee_cap_ppm && op.buyer_fee_ppm + op.seller_fee_ppm >= 0n, "FEE");
  guards.requireNotHalted(tx.exchange, price);
  require(within(absolute(op.price - price.price), market.price_band_ppm, price.price), "PRICE_BAND");
}

/** Slots, reduce-only orders, mode and oracle levels. */
function requireAllowed(tx: Transaction, op: Trade, subject: Subject, buyer: Fill, seller: Fill): void {
  const { id, price, market } = subject;
  require(slotFits(buyer.side, id), "SLOT");
  require(slotFits(seller.side, id), "SLOT");
  const allowed = guards.marketAllowed(buyer.side.account, id) && guards.marketAllowed(seller.side.account, id);
  require(allowed, "MARKET_NOT_ALLOWED");
  require(!op.buyer.reduce_only || buyer.moved.reduced, "ORDER_REDUCE_ONLY");
  require(!op.seller.reduce_only || seller.moved.reduced, "ORDER_REDUCE_ONLY");
  const bothReduced = buyer.moved.reduced && seller.moved.reduced;
  require(guards.modeOf(tx.exchange, price) < Mode.REDUCE_ONLY || bothReduced, "REDUCE_ONLY");
  const state = oracleState(price, market, tx.now);
  require(!state.exitsOnly, "ORACLE_LEVEL");
  for (const { side, moved } of [buyer, seller]) {
    require(moved.reduced || !(side.degraded || state.degraded), "ORACLE_LEVEL");
  }
}

/** Sizes, open interest, collateral and margins afterwards. Returns by how much open interest changes. */
function requireOutcome(tx: Transaction, book: MarketBook, subject: Subject, buyer: Fill, seller: Fill): bigint {
  const { price, market } = subject;
  const fits = buyer.moved.position.size <= market.max_size && seller.moved.position.size >= -market.max_size;
  require(fits, "SIZE_RANGE");
  const change = longChange(buyer) + longChange(seller);
  const within_ = book.open_interest + change <= market.open_interest_cap;
  const mayRise = within_ && guards.modeOf(tx.exchange, price) < Mode.THROTTLE;
  require(change <= 0n || mayRise, "OPEN_INTEREST");
  guards.requireCollateral(buyer.moved.account.collateral);
  guards.requireCollateral(seller.moved.account.collateral);
  for (const { side, moved } of [buyer, seller]) {
    requireValidTransition(side.account.kind, side.health, moved.health, moved.reduced);
  }
  return change;
}

export function trade(tx: Transaction, op: Trade): void {
  const subject = tx.subject(op.market);
  guards.requireLive(tx.exchange);
  guards.requireMarket(subject.market);
  guards.requireLots(op.lots, subject.market);
  guards.requirePrice(op.price, subject.market);
  requireParties(tx, op);
  const buyerUsed = fillOf(tx, op, true);
  const sellerUsed = fillOf(tx, op, false);
  requireTerms(tx, op, subject);

  const notional = op.lots * op.price;
  const buyerFee = mulDivCeil(notional, op.buyer_fee_ppm, PPM);
  const sellerFee = mulDivCeil(notional, op.seller_fee_ppm, PPM);
  const bought = { lots: op.lots, cash: -notional - buyerFee };
  const sold = { lots: -op.lots, cash: notional - sellerFee };
  const buyer = fillSide(tx, tx.loaded(op.buyer.account, op.buyer_slot), subject, bought);
  const seller = fillSide(tx, tx.loaded(op.seller.account, op.seller_slot), subject, sold);
  requireAllowed(tx, op, subject, buyer, seller);
  const change = requireOutcome(tx, tx.book(op.market), subject, buyer, seller);

  const bankrupt = buyer.moved.bankrupt + seller.moved.bankrupt - buyer.side.bankrupt - seller.side.bankrupt;
  const dust = buyer.side.dust + seller.side.dust;
  tx.storeLedger(carry(tx.ledger, { dust, fees: buyerFee + sellerFee, bankrupt }));
  tx.storeBook(op.market, withOpenInterest(tx.book(op.market), change, 0n));
  storeFill(tx, op.buyer.account, buyer);
  tx.storeOrderSlot(op.buyer.account, op.buyer.slot, buyerUsed);
  storeFill(tx, op.seller.account, seller);
  tx.storeOrderSlot(op.seller.account, op.seller.slot, sellerUsed);
}
