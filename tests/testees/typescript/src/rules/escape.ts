// Freeze and escape: an overdue request stops the exchange, and everybody claims a part of the vault.

import { Claim, CLAIMS_MAX, FIRST_USER, Forced } from "../codes.ts";
import type { Operation } from "../operations.ts";
import { require } from "../reasons.ts";
import type { Transaction } from "../transaction.ts";
import { clamp, maximum, minimum, mulDivFloor } from "../words.ts";
import { requireAccount, requireLive } from "./shared/guards.ts";
import { carry, flatAndNegative, withCollateral } from "./shared/ledger.ts";
import { settleWhole } from "./shared/settling.ts";

export function freeze(tx: Transaction, op: Operation<"freeze">): void {
  const { exchange, ledger, now } = tx;
  const request = tx.request(op.account);
  requireLive(exchange);
  require(request.kind !== Forced.NONE, "FORCED_UNKNOWN");
  require(now > request.deadline, "NOT_DUE");
  tx.storeExchange({ ...exchange, frozen_at: now, escape_vault: ledger.vault });
}

/** The last second at which equity can be claimed. */
function windowEnd({ exchange, parameters }: Transaction): bigint {
  return exchange.frozen_at + parameters.claim_seconds;
}

export function escapeClaim(tx: Transaction, op: Operation<"escape_claim">): void {
  const { ledger } = tx;
  const account = tx.account(op.account);
  const request = tx.request(op.account);
  require(tx.exchange.frozen_at !== 0n, "NOT_FROZEN");
  require(tx.now <= windowEnd(tx), "CLAIM_WINDOW");
  require(op.account >= FIRST_USER, "RESERVED_ACCOUNT");
  requireAccount(account);
  require(request.claimed === Claim.NONE, "CLAIMED");
  const side = settleWhole(tx, 0n, account, tx.held(op.account));
  const claim = clamp(side.health.equity, 0n, CLAIMS_MAX - ledger.claims);
  const bankrupt = flatAndNegative(side.terms.occupied, side.collateral) - side.bankrupt;
  tx.storeLedger(carry(ledger, { dust: side.terms.dust, bankrupt, claims: claim }));
  tx.storeRequest(op.account, { ...request, claim, claimed: Claim.CLAIMED });
  tx.storeAccount(op.account, withCollateral(account, side.collateral));
  tx.storeHeld(op.account, side.held);
}

export function escapePay(tx: Transaction, op: Operation<"escape_pay">): void {
  const { exchange, ledger } = tx;
  const account = tx.account(op.account);
  const request = tx.request(op.account);
  require(exchange.frozen_at !== 0n, "NOT_FROZEN");
  require(tx.now > windowEnd(tx), "CLAIM_WINDOW");
  require(request.claimed === Claim.CLAIMED, "CLAIMED");
  const covered = minimum(exchange.escape_vault, ledger.claims);
  const payout = mulDivFloor(request.claim, covered, maximum(ledger.claims, 1n));
  require(op.amount === payout, "AMOUNT");
  require(payout <= ledger.vault, "VAULT");
  tx.storeLedger(carry(ledger, { dust: 0n, vault: -payout }));
  tx.storeRequest(op.account, { ...request, claimed: Claim.PAID });
  tx.storeAccount(op.account, withCollateral(account, account.collateral - payout));
}
