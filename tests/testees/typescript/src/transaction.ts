// One operation on a state: everything is read as it was before, and stored at once when all guards have held.

import { ORDER_SLOTS, POSITION_SLOTS } from "./codes.ts";
import type { Config } from "./config.ts";
import {
  type Account,
  type Exchange,
  type Ledger,
  type Market,
  type MarketBook,
  type MarketOracle,
  type MarketPrice,
  marketSchema,
  type OrderSlot,
  type Parameters,
  type Position,
  type Queue,
  type RecordName,
  type RecordNamed,
  type Request,
} from "./records.ts";
import { zeroRecord } from "./schema.ts";
import { type Change, ONLY, type State } from "./state.ts";

/** A position of an account, with what its market is and costs. */
export type Holding = {
  readonly slot: bigint;
  readonly position: Position;
  readonly price: MarketPrice;
  readonly market: Market;
};
export type Held = readonly Holding[];

/** The market an operation is about. */
export type Subject = { readonly id: bigint; readonly price: MarketPrice; readonly market: Market };

/** An account as it is loaded, with one of its positions apart: the touched one. */
export type Loaded = {
  readonly account: Account;
  readonly slot: bigint;
  readonly position: Position;
  readonly others: Held;
};

/** A market whose open interest can bear a loss, or whose window rolls. */
export type Listed = Subject & { readonly book: MarketBook };

const NO_MARKET: Market = zeroRecord(marketSchema);

export class Transaction {
  readonly #state: State;
  readonly #config: Config;
  readonly #stores: (() => Change[])[] = [];

  constructor(state: State, config: Config) {
    this.#state = state;
    this.#config = config;
  }

  get parameters(): Parameters {
    return this.#config.parameters;
  }

  get exchange(): Exchange {
    return this.#state.read("exchange", ONLY);
  }

  get ledger(): Ledger {
    return this.#state.read("ledger", ONLY);
  }

  get queue(): Queue {
    return this.#state.read("queue", ONLY);
  }

  /** The time of the batch. */
  get now(): bigint {
    return this.exchange.time;
  }

  /** The configuration of a market; all zeros where there is none. */
  market(id: bigint): Market {
    return this.#config.markets[Number(id)] ?? NO_MARKET;
  }

  price(market: bigint): MarketPrice {
    return this.#state.read("market_price", market);
  }

  oracle(market: bigint): MarketOracle {
    return this.#state.read("market_oracle", market);
  }

  book(market: bigint): MarketBook {
    return this.#state.read("market_book", market);
  }

  account(id: bigint): Account {
    return this.#state.read("account", id);
  }

  request(account: bigint): Request {
    return this.#state.read("request", account);
  }

  position(account: bigint, slot: bigint): Position {
    return this.#state.read("position", account * POSITION_SLOTS + slot);
  }

  orderSlot(account: bigint, slot: bigint): OrderSlot {
    return this.#state.read("order_slot", account * ORDER_SLOTS + slot);
  }

  /** The positions in an account's slots, empty ones too, in order; but for the one slot that may be named. */
  held(account: bigint, butSlot?: bigint): Held {
    const found: Holding[] = [];
    for (let slot = 0n; slot < this.account(account).slots; slot += 1n) {
      if (slot === butSlot) continue;
      const position = this.position(account, slot);
      found.push({ slot, position, price: this.price(position.market), market: this.market(position.market) });
    }
    return found;
  }

  subject(id: bigint): Subject {
    return { id, price: this.price(id), market: this.market(id) };
  }

  /** An account with the named position apart. */
  loaded(id: bigint, slot: bigint): Loaded {
    const others = this.held(id, slot);
    return { account: this.account(id), slot, position: this.position(id, slot), others };
  }

  /** Every configured market, in order; but for the one that may be named. */
  everyMarket(but?: bigint): Listed[] {
    const ids = Array.from({ length: Number(this.parameters.markets) }, (_, id) => BigInt(id));
    return ids.filter((id) => id !== but).map((id) => ({ ...this.subject(id), book: this.book(id) }));
  }

  #store<N extends RecordName>(name: N, key: bigint, record: RecordNamed<N>): void {
    this.#stores.push(() => this.#state.store(name, key, record));
  }

  storeExchange(exchange: Exchange): void {
    this.#store("exchange", ONLY, exchange);
  }

  storeLedger(ledger: Ledger): void {
    this.#store("ledger", ONLY, ledger);
  }

  storeQueue(queue: Queue): void {
    this.#store("queue", ONLY, queue);
  }

  storePosition(account: bigint, slot: bigint, position: Position): void {
    this.#store("position", account * POSITION_SLOTS + slot, position);
  }

  storeOrderSlot(account: bigint, slot: bigint, stored: OrderSlot): void {
    this.#store("order_slot", account * ORDER_SLOTS + slot, stored);
  }

  storeHeld(account: bigint, held: Held): void {
    for (const { slot, position } of held) this.storePosition(account, slot, position);
  }

  storeMarketPrice(market: bigint, price: MarketPrice): void {
    this.#store("market_price", market, price);
  }

  storeOracle(market: bigint, oracle: MarketOracle): void {
    this.#store("market_oracle", market, oracle);
  }

  storeBook(market: bigint, book: MarketBook): void {
    this.#store("market_book", market, book);
  }

  storeAccount(id: bigint, account: Account): void {
    this.#store("account", id, account);
  }

  storeRequest(account: bigint, request: Request): void {
    this.#store("request", account, request);
  }

  /** Makes it happen, and says what has changed. */
  commit(): Change[] {
    return this.#stores.flatMap((store) => store());
  }
}
