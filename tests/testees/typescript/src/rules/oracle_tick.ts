// An oracle tick: the families' reports move a market's index, its average, its oracle level and its health price.

import { FAMILIES_MAX, GOOD_TICKS, Level, TICK_SECONDS } from "../codes.ts";
import type { Operation, Report } from "../operations.ts";
import { require } from "../reasons.ts";
import type { Market, MarketOracle, MarketPrice } from "../records.ts";
import type { Transaction } from "../transaction.ts";
import { absolute, minimum, mulDivFloor, within } from "../words.ts";
import { requireLive, requireMarket } from "./shared/guards.ts";
import { approach, healthPrice, markOf, oracleState } from "./shared/oracle.ts";

/** The price a family reports: from its quorum at least, signers strictly rising, prices in range, and their median. */
function reportedMedian(report: Report, signers: bigint, quorum: bigint, maxPrice: bigint): bigint {
  require(report.count >= quorum && report.count <= signers, "QUORUM");
  const used = Number(report.count);
  const [ids, values] = [report.signers.slice(0, used), report.values.slice(0, used)];
  const rising = ids.every((id, place) => id > (ids[place - 1] ?? -1n) && id < signers);
  require(rising, "SIGNERS_NOT_RISING");
  require(values.every((value) => value >= 1n && value <= maxPrice), "PRICE_RANGE");
  const atMost = values.filter((value) => value <= report.median).length;
  const atLeast = values.filter((value) => value >= report.median).length;
  require(2 * atMost >= used && 2 * atLeast > used, "NOT_MEDIAN");
  return report.median;
}

type Reported = { readonly values: readonly bigint[]; readonly reportedAt: readonly bigint[] };

/** The last value of each family and when it was reported, the new ones included. */
function reported(tx: Transaction, op: Operation<"oracle_tick">, oracle: MarketOracle, market: Market): Reported {
  const { signers, quorums } = tx.parameters;
  const values: bigint[] = [];
  const reportedAt: bigint[] = [];
  for (let place = 0; place < FAMILIES_MAX; place += 1) {
    const report = op.reports[place] as Report;
    const said = report.count >= 1n;
    const [most, least] = [signers[place] as bigint, quorums[place] as bigint];
    values.push(said ? reportedMedian(report, most, least, market.max_price) : (oracle.values[place] as bigint));
    reportedAt.push(said ? tx.now : (oracle.reported_at[place] as bigint));
  }
  return { values, reportedAt };
}

/** What the fresh families say together. */
type Candidate = {
  /** The price they give; 0 where none is fresh. */
  readonly index: bigint;
  /** Families that are stale or deviate. */
  readonly bad: bigint;
  /** One alone is fresh. */
  readonly lone: boolean;
  /** Two at least agree. */
  readonly confirmed: boolean;
  /** Just two are fresh, and they disagree by more than the band. */
  readonly apart: boolean;
};

/** The prices of the fresh families, rising. */
function freshPrices(families: bigint, { values, reportedAt }: Reported, market: Market, now: bigint): bigint[] {
  const fresh = values.filter((value, place) => {
    const age = now - (reportedAt[place] as bigint);
    return BigInt(place) < families && value >= 1n && age <= market.staleness_seconds;
  });
  return fresh.sort((first, second) => (first < second ? -1 : Number(first > second)));
}

/** Two that agree give their mean; two that do not, the one nearest to the average, the smaller where both are. */
function candidateOfTwo(first: bigint, second: bigint, agree: boolean, average: bigint): bigint {
  if (agree) return mulDivFloor(first + second, 1n, 2n);
  return absolute(first - average) <= absolute(second - average) ? first : second;
}

function candidateOf(families: bigint, prices: readonly bigint[], average: bigint, market: Market): Candidate {
  const [first = 0n, second = first] = prices;
  const two = prices.length === 2;
  const agree = within(second - first, market.deviation_ppm, first);
  const median = prices.length >= 3 ? second : first;
  const index = two ? candidateOfTwo(first, second, agree, average) : median;
  const far = prices.filter((price) => !within(absolute(price - index), market.deviation_ppm, index));
  const deviating = two ? Number(!agree) : far.length;
  const bad = families - BigInt(prices.length - deviating);
  const apart = two && !within(second - first, market.band_ppm, first);
  return { index, bad, lone: prices.length === 1, confirmed: bad + 2n <= families, apart };
}

/** What a tick comes to. */
type Outcome = "good" | "gap" | "degraded" | "blind";

/** A market as a tick finds it; `begun` is since when it was blind before, else now. */
type Before = {
  readonly price: MarketPrice;
  readonly oracle: MarketOracle;
  readonly market: Market;
  readonly now: bigint;
  readonly begun: bigint;
};

/** Whether a price that no two families confirm is believed still: near the last confirmed average, and for a time. */
function isBelievable({ index, lone, apart }: Candidate, since: bigint, { oracle, market, now }: Before): boolean {
  const patience = lone ? market.blind_seconds : market.staleness_seconds;
  const nearBefore = within(absolute(index - oracle.average), market.band_ppm, oracle.average);
  return nearBefore && !apart && now - since <= patience;
}

/** The average that the price moves to, if it may. */
function movedAverage({ index }: Candidate, { price, oracle, market, now }: Before): bigint {
  if (index === 0n) return oracle.average;
  if (oracle.average === 0n) return index;
  return approach(oracle.average, index, now - price.ticked_at, market);
}

type Verdict = { readonly outcome: Outcome; readonly average: bigint; readonly disputedSince: bigint };

function verdictOf(candidate: Candidate, before: Before): Verdict {
  const { index, bad, confirmed } = candidate;
  const { oracle, market, begun } = before;
  const moved = movedAverage(candidate, before);
  const near = within(absolute(index - moved), market.band_ppm, moved);
  const since = oracle.disputed_since === 0n ? begun : oracle.disputed_since;
  const disputedSince = confirmed ? 0n : since;
  const average = confirmed ? moved : oracle.average;
  if (bad === 0n && near) return { outcome: "good", average, disputedSince };
  if (bad <= 1n && confirmed && !near) return { outcome: "gap", average, disputedSince };
  const trusted = confirmed || isBelievable(candidate, since, before);
  if (bad === 1n && index >= 1n && trusted) return { outcome: "degraded", average, disputedSince };
  return { outcome: "blind", average: oracle.average, disputedSince };
}

export function oracleTick(tx: Transaction, op: Operation<"oracle_tick">): void {
  const { now, parameters } = tx;
  const { price, market } = tx.subject(op.market);
  const oracle = tx.oracle(op.market);
  requireLive(tx.exchange);
  requireMarket(market);
  require(op.authorised, "BAD_SIGNATURE");
  require(now - price.ticked_at >= TICK_SECONDS, "TICK_TOO_SOON");
  const reports = reported(tx, op, oracle, market);
  const prices = freshPrices(parameters.families, reports, market, now);
  const candidate = candidateOf(parameters.families, prices, oracle.average, market);
  const before = oracleState(price, market, now);
  const begun = before.blind ? before.blindFrom : now;
  const { outcome, average, disputedSince } = verdictOf(candidate, { price, oracle, market, now, begun });

  const inARow = before.blind ? 0n : oracle.good_ticks;
  const goodTicks = outcome === "good" ? minimum(inARow + 1n, GOOD_TICKS) : 0n;
  const recovered = !before.degraded || goodTicks >= GOOD_TICKS || oracle.average === 0n;
  const levels = {
    good: recovered ? Level.GOOD : Level.DEGRADED,
    gap: Level.SUSPENDED,
    degraded: Level.DEGRADED,
    blind: Level.SUSPENDED,
  };
  const blind = outcome === "blind";
  const gap = outcome === "gap";
  const newIndex = blind ? price.index : candidate.index;
  const newMark = markOf(newIndex, oracle.premium, oracle.book, market);
  tx.storeMarketPrice(op.market, {
    ...price,
    price: blind ? price.price : healthPrice(newMark, gap, average, market),
    index: newIndex,
    level: levels[outcome],
    gap,
    ticked_at: now,
    blind_since: blind ? begun : 0n,
  });
  tx.storeOracle(op.market, {
    ...oracle,
    average,
    good_ticks: goodTicks,
    disputed_since: disputedSince,
    values: reports.values,
    reported_at: reports.reportedAt,
  });
}
