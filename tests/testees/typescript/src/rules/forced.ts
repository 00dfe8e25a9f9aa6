// Forced requests, and the answer to a forced withdrawal.

import { FIRST_USER, Forced, FORCED_ENTRY, Kind } from "../codes.ts";
import type { Operation } from "../operations.ts";
import { attempt, codeOf, require } from "../reasons.ts";
import type { Request } from "../records.ts";
import type { Transaction } from "../transaction.ts";
import { minimum } from "../words.ts";
import { payOut } from "./shared/exit.ts";
import { requireAmount, requireLive } from "./shared/guards.ts";
import { carry, flatAndNegative, withCollateral } from "./shared/ledger.ts";
import { consumeEntry } from "./shared/queue.ts";
import { settleWhole } from "./shared/settling.ts";

/** The request to note, if it can be noted: its deadline runs from when it was posted. */
function noteRequest(tx: Transaction, op: Operation<"request_forced">): Request {
  const account = tx.account(op.account);
  const request = tx.request(op.account);
  requireAmount(op.amount);
  require(op.account >= FIRST_USER, "RESERVED_ACCOUNT");
  require(account.kind !== Kind.ABSENT && account.owner === op.key, "NO_ACCOUNT");
  require(op.kind === Forced.WITHDRAW || op.kind === Forced.REDUCE, "BAD_KIND");
  require(op.market < tx.parameters.markets, "NO_MARKET");
  require(request.kind === Forced.NONE, "FORCED_PENDING");
  const deadline = minimum(op.posted, tx.now) + tx.parameters.forced_seconds;
  return { ...request, kind: op.kind, market: op.market, amount: op.amount, deadline };
}

export function requestForced(tx: Transaction, op: Operation<"request_forced">): void {
  requireLive(tx.exchange);
  const words = [FORCED_ENTRY, op.account, op.amount, op.kind, op.market, op.posted];
  const consumed = consumeEntry(tx.queue, op, words);
  const { result, value: noted } = attempt(() => noteRequest(tx, op), tx.request(op.account));
  require(op.result === result, "FORCED_RESULT");
  tx.storeQueue(consumed);
  tx.storeRequest(op.account, noted);
}

/** The request after an answer: kept with that amount left, or gone; a claim is never touched. */
export function answered(request: Request, kept: boolean, amount: bigint): Request {
  if (kept) return { ...request, amount };
  return { ...request, kind: Forced.NONE, market: 0n, amount: 0n, deadline: 0n };
}

export function forcedWithdraw(tx: Transaction, op: Operation<"forced_withdraw">): void {
  const { ledger, now } = tx;
  const request = tx.request(op.account);
  const { amount } = request;
  requireLive(tx.exchange);
  require(request.kind === Forced.WITHDRAW, "FORCED_UNKNOWN");
  const held = tx.held(op.account);
  const side = settleWhole(tx, 0n, tx.account(op.account), held);
  const payment = (): bigint => {
    require(amount <= ledger.vault, "VAULT");
    payOut(side, held, now, amount);
    return amount;
  };
  const { result, value: paid } = attempt(payment, 0n);
  require(op.result === result, "FORCED_RESULT");
  const collateral = side.collateral - paid;
  const bankrupt = flatAndNegative(side.terms.occupied, collateral) - side.bankrupt;
  const kept = result === codeOf("ORACLE_LEVEL");
  tx.storeLedger(carry(ledger, { dust: side.terms.dust, vault: -paid, bankrupt }));
  tx.storeRequest(op.account, answered(request, kept, amount));
  tx.storeAccount(op.account, withCollateral(side.account, collateral));
  tx.storeHeld(op.account, side.held);
}
