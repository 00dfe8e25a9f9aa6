// Orders and signed intents: what an order slot remembers, and what is checked of a signature's message.

import type { Intent, Order } from "../../operations.ts";
import { require } from "../../reasons.ts";
import type { OrderSlot } from "../../records.ts";

/** Checks an intent that is used once, and uses up its nonce. */
export function useIntent(intent: Intent, stored: OrderSlot, now: bigint): OrderSlot {
  require(intent.authorised, "BAD_SIGNATURE");
  require(now <= intent.expiry, "ORDER_EXPIRED");
  require(intent.nonce >= stored.nonce, "ORDER_STALE");
  return { nonce: intent.nonce + 1n, filled: 0n };
}

/** What an operation does with an order: the side it gives it, and the terms. */
export type OrderFill = {
  readonly now: bigint;
  readonly market: bigint;
  readonly buys: boolean;
  readonly lots: bigint;
  readonly price: bigint;
  readonly taker: boolean;
  readonly feePpm: bigint;
};

/** Checks that an order is live and allows this fill, and books the fill. */
export function fillOrder(order: Order, stored: OrderSlot, fill: OrderFill): OrderSlot {
  const filled = (order.nonce === stored.nonce ? stored.filled : 0n) + fill.lots;
  require(order.authorised, "BAD_SIGNATURE");
  require(fill.now <= order.expiry, "ORDER_EXPIRED");
  require(order.nonce >= stored.nonce, "ORDER_STALE");
  require(filled <= order.lots, "ORDER_FILLED");
  require(order.market === fill.market, "ORDER_MARKET");
  require(order.buys === fill.buys, "ORDER_SIDE");
  require(fill.buys ? fill.price <= order.price : fill.price >= order.price, "ORDER_PRICE");
  require(!(order.post_only && fill.taker), "ORDER_POST_ONLY");
  require(fill.feePpm <= order.max_fee_ppm, "ORDER_FEE");
  return { nonce: order.nonce, filled };
}
