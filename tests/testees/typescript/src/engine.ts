// The exchange: a configuration, a state, and the rules by their names.

import { type Config, readConfig } from "./config.ts";
import { configDigest } from "./hash/config_digest.ts";
import { stateRoot } from "./hash/root.ts";
import { type Json, type JsonObject, Malformed } from "./json.ts";
import { type Operation, type OperationName, OPERATIONS } from "./operations.ts";
import { type Reason, Rejection } from "./reasons.ts";
import * as accounts from "./rules/accounts.ts";
import { backstop } from "./rules/backstop.ts";
import * as batch from "./rules/batch.ts";
import { deleverage } from "./rules/deleverage.ts";
import * as escape from "./rules/escape.ts";
import * as forced from "./rules/forced.ts";
import { forcedReduce } from "./rules/forced_reduce.ts";
import { liquidate } from "./rules/liquidate.ts";
import * as money from "./rules/money.ts";
import { oracleTick } from "./rules/oracle_tick.ts";
import { socialise } from "./rules/socialise.ts";
import * as ticks from "./rules/ticks.ts";
import { trade } from "./rules/trade.ts";
import { type Digest, readRecord } from "./schema.ts";
import { type Change, State } from "./state.ts";
import { Transaction } from "./transaction.ts";

type Rules = {
  readonly [N in OperationName]: (tx: Transaction, op: Operation<N>, expected: () => batch.Expected) => void;
};

const RULES: Rules = {
  begin_batch: (tx, header, expected) => batch.beginBatch(tx, header, expected()),
  deposit: money.deposit,
  withdraw: money.withdraw,
  transfer: money.transfer,
  open_account: accounts.openAccount,
  set_kind: accounts.setKind,
  cancel: accounts.cancel,
  compact: accounts.compact,
  trade,
  liquidate,
  backstop,
  deleverage,
  socialise,
  oracle_tick: oracleTick,
  mark: ticks.mark,
  premium_sample: ticks.premiumSample,
  funding_tick: ticks.fundingTick,
  record_proof: batch.recordProof,
  set_kill_switch: batch.setKillSwitch,
  request_forced: forced.requestForced,
  forced_withdraw: forced.forcedWithdraw,
  forced_reduce: forcedReduce,
  freeze: escape.freeze,
  escape_claim: escape.escapeClaim,
  escape_pay: escape.escapePay,
  end_batch: batch.endBatch,
};

export const OPERATION_NAMES = Object.keys(RULES) as OperationName[];

/** What became of an operation: its changes, or the reason for which nothing has changed. */
export type Outcome = { readonly reason?: Reason; readonly delta: Change[] };

export function isOperation(name: string): name is OperationName {
  return Object.hasOwn(RULES, name);
}

export class Engine {
  #config: Config | undefined;
  #configDigest: Digest | undefined;
  #state = new State();

  configure(document: Json | undefined): void {
    this.#config = readConfig(document);
    this.#configDigest = undefined;
  }

  load(document: Json | undefined): void {
    this.#state = State.from(document);
  }

  read(): JsonObject {
    return this.#state.write();
  }

  root(): Digest {
    return stateRoot(this.#state);
  }

  /** Applies an operation wholly or not at all. */
  apply<N extends OperationName>(name: N, args: Json | undefined): Outcome {
    if (this.#config === undefined) throw new Malformed("there is no configuration yet");
    const op = readRecord(OPERATIONS[name], args, name) as Operation<N>;
    const tx = new Transaction(this.#state, this.#config);
    try {
      RULES[name](tx, op, () => this.#expected());
    } catch (error) {
      if (error instanceof Rejection) return { reason: error.reason, delta: [] };
      throw error;
    }
    return { delta: tx.commit() };
  }

  #expected(): batch.Expected {
    this.#configDigest ??= configDigest(this.#config as Config);
    return { root: this.root(), configDigest: this.#configDigest };
  }
}
