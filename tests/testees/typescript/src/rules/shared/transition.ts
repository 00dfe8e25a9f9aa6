// What a user's own operation must leave: the initial margin; or, where it only reduced, health that is no worse.

import { Kind } from "../../codes.ts";
import { require } from "../../reasons.ts";
import type { Health } from "./margin.ts";

export function requireValidTransition(kind: bigint, before: Health, after: Health, reduced: boolean): void {
  const enough = after.equity >= after.initial;
  require(enough || reduced, "INITIAL_MARGIN");
  require(enough || transitionKeptHealth(kind, before, after), "HEALTH_RATIO_FELL");
}

/** The health condition for an account that only reduced: its ratio, or what a portfolio account has instead. */
export function transitionKeptHealth(kind: bigint, before: Health, after: Health): boolean {
  const portfolio = kind === Kind.PORTFOLIO;
  const hedged = portfolio && before.equity >= 0n && after.equity >= after.maintenance;
  return hedged || ratioKept(portfolio, before, after);
}

/** Equity over maintenance margin, or over the linear one, did not fall; below zero, or without margin, equity did not. */
export function ratioKept(onLinear: boolean, before: Health, after: Health): boolean {
  const required = onLinear ? before.linear : before.maintenance;
  const requiredAfter = onLinear ? after.linear : after.maintenance;
  if (before.equity < 0n || required === 0n) return after.equity >= before.equity;
  return before.equity * requiredAfter <= after.equity * required;
}
