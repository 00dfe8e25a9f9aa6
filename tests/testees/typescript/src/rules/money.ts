// Money: deposits from the queue, withdrawals and transfers.

import { DEPOSIT_ENTRY, FEES, FUND, Kind } from "../codes.ts";
import type { Operation } from "../operations.ts";
import { attempt, require } from "../reasons.ts";
import type { Transaction } from "../transaction.ts";
import { requireAccount, requireAmount, requireCollateral, requireLive } from "./shared/guards.ts";
import { payOut } from "./shared/exit.ts";
import { carry, emptied, flatAndNegative, inboxOf, withCollateral } from "./shared/ledger.ts";
import { useIntent } from "./shared/orders.ts";
import { consumeEntry } from "./shared/queue.ts";
import { settleWhole } from "./shared/settling.ts";

/** What a deposit adds to account and vault, if it can be credited. */
function credit(tx: Transaction, op: Operation<"deposit">, collateral: bigint): bigint {
  const account = tx.account(op.account);
  requireAmount(op.amount);
  require(account.kind !== Kind.ABSENT && account.owner === op.key, "NO_ACCOUNT");
  require(tx.ledger.vault + op.amount <= tx.parameters.vault_cap, "VAULT_CAP");
  requireCollateral(collateral + op.amount);
  return op.amount;
}

export function deposit(tx: Transaction, op: Operation<"deposit">): void {
  const { ledger } = tx;
  requireLive(tx.exchange);
  const consumed = consumeEntry(tx.queue, op, [DEPOSIT_ENTRY, op.account, op.amount]);
  const side = settleWhole(tx, inboxOf(op.account, ledger), tx.account(op.account), tx.held(op.account));
  const { result, value: credited } = attempt(() => credit(tx, op, side.collateral), 0n);
  require(op.result === result, "FORCED_RESULT");
  const collateral = side.collateral + credited;
  const booked = carry(ledger, {
    dust: side.terms.dust,
    fund: emptied(op.account, ledger, FUND),
    fees: emptied(op.account, ledger, FEES),
    vault: credited,
    bankrupt: flatAndNegative(side.terms.occupied, collateral) - side.bankrupt,
  });
  tx.storeLedger(booked);
  tx.storeQueue(consumed);
  tx.storeAccount(op.account, withCollateral(side.account, collateral));
  tx.storeHeld(op.account, side.held);
}

export function withdraw(tx: Transaction, op: Operation<"withdraw">): void {
  const { ledger, now } = tx;
  const account = tx.account(op.account);
  requireLive(tx.exchange);
  requireAmount(op.amount);
  require(op.account !== FUND, "RESERVED_ACCOUNT");
  requireAccount(account);
  const used = useIntent(op.intent, tx.orderSlot(op.account, op.intent.slot), now);
  require(op.amount <= ledger.bucket, "BUCKET");
  require(op.amount <= ledger.vault, "VAULT");
  const held = tx.held(op.account);
  const side = settleWhole(tx, inboxOf(op.account, ledger), account, held);
  const collateral = payOut(side, held, now, op.amount);
  const booked = carry(ledger, {
    dust: side.terms.dust,
    fees: emptied(op.account, ledger, FEES),
    vault: -op.amount,
    bankrupt: flatAndNegative(side.terms.occupied, collateral) - side.bankrupt,
    bucket: -op.amount,
  });
  tx.storeLedger(booked);
  tx.storeAccount(op.account, withCollateral(account, collateral));
  tx.storeHeld(op.account, side.held);
  tx.storeOrderSlot(op.account, op.intent.slot, used);
}

export function transfer(tx: Transaction, op: Operation<"transfer">): void {
  const { ledger, now } = tx;
  const [sender, recipient] = [tx.account(op.sender), tx.account(op.recipient)];
  requireLive(tx.exchange);
  requireAmount(op.amount);
  require(op.sender !== op.recipient, "SAME_ACCOUNT");
  require(op.sender !== FUND, "RESERVED_ACCOUNT");
  requireAccount(sender);
  requireAccount(recipient);
  const used = useIntent(op.intent, tx.orderSlot(op.sender, op.intent.slot), now);
  const senderHeld = tx.held(op.sender);
  const payer = settleWhole(tx, inboxOf(op.sender, ledger), sender, senderHeld);
  const left = payOut(payer, senderHeld, now, op.amount);
  const payee = settleWhole(tx, inboxOf(op.recipient, ledger), recipient, tx.held(op.recipient));
  const received = payee.collateral + op.amount;
  requireCollateral(received);
  const flat = flatAndNegative(payer.terms.occupied, left) + flatAndNegative(payee.terms.occupied, received);
  const booked = carry(ledger, {
    dust: payer.terms.dust + payee.terms.dust,
    fund: emptied(op.recipient, ledger, FUND),
    fees: emptied(op.sender, ledger, FEES) + emptied(op.recipient, ledger, FEES),
    bankrupt: flat - payer.bankrupt - payee.bankrupt,
  });
  tx.storeLedger(booked);
  tx.storeAccount(op.sender, withCollateral(sender, left));
  tx.storeHeld(op.sender, payer.held);
  tx.storeOrderSlot(op.sender, op.intent.slot, used);
  tx.storeAccount(op.recipient, withCollateral(recipient, received));
  tx.storeHeld(op.recipient, payee.held);
}
