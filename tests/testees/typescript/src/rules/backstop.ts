// A backstop: the insurance fund takes over lots of an account below close-out.

import { FIRST_USER, FUND } from "../codes.ts";
import type { Operation } from "../operations.ts";
import { require } from "../reasons.ts";
import type { Transaction } from "../transaction.ts";
import { absolute } from "../words.ts";
import * as guards from "./shared/guards.ts";
import { carry, withOpenInterest } from "./shared/ledger.ts";
import { holds, longChange, storeFill } from "./shared/moving.ts";
import { settleSide } from "./shared/settling.ts";
import { takeOver } from "./shared/takeover.ts";

export function backstop(tx: Transaction, op: Operation<"backstop">): void {
  const subject = tx.subject(op.market);
  const { ledger } = tx;
  guards.requireLive(tx.exchange);
  guards.requireMarket(subject.market);
  guards.requireLots(op.lots, subject.market);
  require(op.account >= FIRST_USER, "RESERVED_ACCOUNT");
  guards.requireAccount(tx.account(op.account));
  guards.requireNotHalted(tx.exchange, subject.price);
  const side = settleSide(tx, 0n, tx.loaded(op.account, op.slot), subject);
  const fundSide = settleSide(tx, ledger.fund_inbox, tx.loaded(FUND, op.fund_slot), subject);
  require(holds(side, op.market), "NO_POSITION");
  require(op.lots <= absolute(side.size), "LOTS");
  const { moved, taken } = takeOver(tx, side, fundSide, subject, op.lots);
  const [left, fund] = [
    { side, moved },
    { side: fundSide, moved: taken },
  ];
  const bankrupt = moved.bankrupt + taken.bankrupt - side.bankrupt - fundSide.bankrupt;
  const dust = side.dust + fundSide.dust;
  tx.storeLedger(carry(ledger, { dust, fund: -ledger.fund_inbox, bankrupt }));
  tx.storeBook(op.market, withOpenInterest(tx.book(op.market), longChange(left) + longChange(fund), op.lots));
  storeFill(tx, op.account, left);
  storeFill(tx, FUND, fund);
}
