// The ledger: money outside accounts, and the totals that operations keep.

import { FEES, FUND } from "../../codes.ts";
import type { Account, Ledger, MarketBook } from "../../records.ts";
import { maximum, mulDivFloor, mulDivRemainder, PPM } from "../../words.ts";

/** What is added to the ledger; anything but dust may be negative. */
type Booking = {
  readonly dust: bigint;
  readonly fund?: bigint;
  readonly fees?: bigint;
  readonly vault?: bigint;
  readonly bankrupt?: bigint;
  readonly bucket?: bigint;
  readonly claims?: bigint;
};

/** Adds to the ledger. Whole atoms of dust go to the fund's inbox. */
export function carry(ledger: Ledger, booking: Booking): Ledger {
  const microAtoms = ledger.dust + booking.dust;
  return {
    vault: ledger.vault + (booking.vault ?? 0n),
    dust: mulDivRemainder(microAtoms, 1n, PPM),
    fund_inbox: ledger.fund_inbox + (booking.fund ?? 0n) + mulDivFloor(microAtoms, 1n, PPM),
    fees_inbox: ledger.fees_inbox + (booking.fees ?? 0n),
    bankrupt: ledger.bankrupt + (booking.bankrupt ?? 0n),
    bucket: ledger.bucket + (booking.bucket ?? 0n),
    bucket_at: ledger.bucket_at,
    claims: ledger.claims + (booking.claims ?? 0n),
  };
}

/** What waits for an account: something for the fund and the fee account only. */
export function inboxOf(account: bigint, ledger: Ledger): bigint {
  if (account === FUND) return ledger.fund_inbox;
  return account === FEES ? ledger.fees_inbox : 0n;
}

/** What leaves the inbox of the reserved account `other` when `account` is settled: zero or negative. */
export function emptied(account: bigint, ledger: Ledger, other: bigint): bigint {
  return account === other ? -inboxOf(other, ledger) : 0n;
}

export function withCollateral(account: Account, collateral: bigint): Account {
  return { ...account, collateral };
}

/** 1 where an account without positions has negative collateral. */
export function flatAndNegative(occupied: bigint, collateral: bigint): bigint {
  return occupied === 0n && collateral < 0n ? 1n : 0n;
}

/** What a position adds to open interest. */
export function longLots(size: bigint): bigint {
  return maximum(size, 0n);
}

export function withOpenInterest(book: MarketBook, change: bigint, liquidated: bigint): MarketBook {
  return {
    ...book,
    open_interest: book.open_interest + change,
    window_liquidated: book.window_liquidated + liquidated,
  };
}
