// Accounts: opening, kinds, nonces and slots.

import { FIRST_USER, FUND, Kind } from "../codes.ts";
import type { Operation } from "../operations.ts";
import { require } from "../reasons.ts";
import { SCHEMAS } from "../records.ts";
import { ZERO_DIGEST, zeroRecord } from "../schema.ts";
import type { Transaction } from "../transaction.ts";
import { requireAccount, requireLive } from "./shared/guards.ts";
import { carry } from "./shared/ledger.ts";
import { healthOf, worstLoss } from "./shared/margin.ts";
import { useIntent } from "./shared/orders.ts";
import { settleWhole } from "./shared/settling.ts";

function hasOwnParent(tx: Transaction, op: Operation<"open_account">): boolean {
  const parent = tx.account(op.parent);
  const parental = parent.kind !== Kind.ABSENT && parent.kind !== Kind.ISOLATED;
  return op.parent >= FIRST_USER && parental && parent.owner === op.owner;
}

export function openAccount(tx: Transaction, op: Operation<"open_account">): void {
  const { owner, kind, parent, market } = op;
  requireLive(tx.exchange);
  require(op.account >= FIRST_USER, "RESERVED_ACCOUNT");
  require(tx.account(op.account).kind === Kind.ABSENT, "ACCOUNT_EXISTS");
  require(owner !== ZERO_DIGEST, "BAD_SIGNATURE");
  require(op.authorised, "BAD_SIGNATURE");
  require(tx.now <= op.expiry, "ORDER_EXPIRED");
  require(kind >= Kind.CROSS && kind <= Kind.PORTFOLIO, "BAD_KIND");
  const isolated = kind === Kind.ISOLATED;
  require(isolated ? hasOwnParent(tx, op) : parent === 0n && market === 0n, "BAD_PARENT");
  require(!isolated || tx.market(market).max_price >= 1n, "NO_MARKET");
  tx.storeAccount(op.account, { ...zeroRecord(SCHEMAS.account), kind, owner, parent, market });
}

export function setKind(tx: Transaction, op: Operation<"set_kind">): void {
  const account = tx.account(op.account);
  requireLive(tx.exchange);
  require(op.account >= FIRST_USER, "RESERVED_ACCOUNT");
  requireAccount(account);
  const used = useIntent(op.intent, tx.orderSlot(op.account, op.intent.slot), tx.now);
  const known = op.kind === Kind.CROSS || op.kind === Kind.PORTFOLIO;
  require(account.kind !== Kind.ISOLATED && known, "BAD_KIND");
  const held = tx.held(op.account);
  const side = settleWhole(tx, 0n, account, held);
  const after = healthOf(op.kind, side.collateral, side.terms, () => worstLoss(held), tx.parameters);
  const enough = side.health.equity >= side.health.initial && after.equity >= after.initial;
  require(enough, "INITIAL_MARGIN");
  tx.storeLedger(carry(tx.ledger, { dust: side.terms.dust }));
  tx.storeAccount(op.account, { ...account, kind: op.kind, collateral: side.collateral });
  tx.storeHeld(op.account, side.held);
  tx.storeOrderSlot(op.account, op.intent.slot, used);
}

export function cancel(tx: Transaction, op: Operation<"cancel">): void {
  requireLive(tx.exchange);
  require(op.account !== FUND, "RESERVED_ACCOUNT");
  requireAccount(tx.account(op.account));
  const used = useIntent(op.intent, tx.orderSlot(op.account, op.intent.slot), tx.now);
  tx.storeOrderSlot(op.account, op.intent.slot, used);
}

export function compact(tx: Transaction, op: Operation<"compact">): void {
  const account = tx.account(op.account);
  const [hole, top] = [tx.position(op.account, op.hole), tx.position(op.account, op.top)];
  requireLive(tx.exchange);
  requireAccount(account);
  require(op.top === account.slots - 1n && op.hole !== op.top, "SLOT");
  const vacant = top.size === 0n;
  require(vacant || (hole.size === 0n && op.hole < op.top), "NOTHING_TO_COMPACT");
  tx.storeAccount(op.account, { ...account, slots: account.slots - 1n });
  tx.storePosition(op.account, op.hole, vacant ? hole : top);
  tx.storePosition(op.account, op.top, zeroRecord(SCHEMAS.position));
}
