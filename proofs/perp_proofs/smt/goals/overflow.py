"""Nothing overflows: every word that a rule writes fits, and what it stores stays in range.

A word is looked at where it stands: it may rest on the guards before it, not on those behind.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import attrs

from perp_proofs.smt import invariants
from perp_proofs.smt.contracts import (
    bear_loss_contract,
    bearing_in_range,
    long_size,
    margins_assumed,
    market_assumed,
    median_contract,
    median_promise,
    short_size,
    small_margin_contract,
    small_payment_contract,
)
from perp_proofs.smt.frame import Fit, Stage
from perp_proofs.smt.goals.contracts import MARKET_VALID
from perp_proofs.smt.goals.ticks import PARAMETERS_VALID
from perp_proofs.smt.invariants import Largest
from perp_proofs.smt.lemmas import (
    parts_rounded_down_are_no_larger,
    parts_rounded_up_are_no_larger,
    products_keep_signs,
    the_least_rise_is_enough,
)
from perp_proofs.smt.prove import Claim, Goal
from perp_proofs.smt.rulebook import RULES
from perp_proofs.smt.terms import Flag, Word
from perp_spec.language import (
    absolute,
    both,
    call_if,
    either,
    indicator,
    maximum,
    minimum,
    mul_div_ceil,
    mul_div_floor,
    select,
    sweep,
)
from perp_spec.operation import Rule, Shape
from perp_spec.perpetual.bounds import parameters_valid
from perp_spec.perpetual.health import (
    NO_SUBJECT,
    Health,
    Side,
    Terms,
    cautious_terms,
    margin_at,
    position_terms,
    scenario_losses,
)
from perp_spec.perpetual.operations import Report
from perp_spec.perpetual.records import (
    FUND,
    Account,
    Exchange,
    Ledger,
    Market,
    MarketBook,
    MarketOracle,
    MarketPrice,
    Parameters,
    Position,
    Request,
)
from perp_spec.perpetual.rules.batch import market_window
from perp_spec.perpetual.rules.ticks import candidate_of, reported_median
from perp_spec.perpetual.rules.waterfall import Loss, backstop_lots, bear_loss, deleverage_payment
from perp_spec.words import NOTIONAL_MAX, POSITION_SLOTS, PPM, SIGNERS_MAX, TIME_MAX, WORD_MAX, Unit, fields_of

IN_RANGE = "stored words are in the ranges that operations keep"

ONE_OF_THEM = "an account's linear margin is at least that of one position"

IS_A_WORD = "every sum, difference, product and quotient is a word"


def largest_of(stage: Stage) -> Largest:
    """The largest size and price of any market."""
    largest = Largest(stage.word("largest_size", 1, NOTIONAL_MAX), stage.word("largest_price", 2, 2**32))
    stage.assume(invariants.largest_valid(largest), MARKET_VALID)
    return largest


class Loaded:
    """What a rule takes, in range."""

    def __init__(self, stage: Stage, rule: Rule) -> None:
        self.stage = stage
        self.rule = rule
        self.operation, self.names, self.records = stage.loads(rule)
        self.largest = largest_of(stage)
        for record in self.records:
            self.in_range(record, self.named(Market))
            for *parts, market in listed(record):
                for part in (*parts, market):
                    self.in_range(part, market)
        bankrupt: Word = 0
        for place, access in enumerate(rule.footprint):
            if access.record is Account:
                self.records[place] = self.settled(place)
                bankrupt = bankrupt + (self.bankrupt(place) if access.stores else 0)
        if (ledger := self.named(Ledger)) is not None:
            self.assume(ledger.bankrupt >= bankrupt, IN_RANGE)
        if (book := self.named(MarketBook)) is not None:
            for side in (long_size, short_size):
                self.assume(book.open_interest >= self.held_on(side), IN_RANGE)

    def in_range(self, record: Any, market: Market) -> None:
        """Assume of a record what is kept and assumed; of one of a market's with its configuration."""
        self.assume(self.valid(record), MARKET_VALID)
        self.assume(self.kept(record, market), IN_RANGE)
        self.assume(self.assumed(record), IN_RANGE)

    def assume(self, condition: Flag, sentence: str) -> None:
        """Assume what is not known."""
        if condition is not True:
            self.stage.assume(condition, sentence)

    def named(self, kind: type[Any]) -> Any:
        """The record of a class, where there is just one or the first counts."""
        return next((record for record in self.records if isinstance(record, kind)), None)

    def valid(self, record: Any) -> Flag:
        """The bounds of a configuration."""
        if isinstance(record, Market):
            configured = either(market_assumed(record), record.max_price == 0)
            return both(invariants.market_in_range(record, self.largest), configured)
        if isinstance(record, Parameters):
            return both(parameters_valid(record), invariants.parameters_in_range(record))
        return True

    def kept(self, record: Any, market: Market) -> Flag:
        """What every operation keeps."""
        ledger, exchange = self.named(Ledger), self.named(Exchange)
        if isinstance(record, Position):
            return invariants.position_in_range(record, self.largest)
        if isinstance(record, MarketPrice):
            return invariants.price_in_range(record, market, exchange.time)
        if isinstance(record, MarketOracle):
            return invariants.oracle_in_range(record, market, exchange.time)
        if isinstance(record, MarketBook):
            return invariants.book_in_range(record, market)
        if isinstance(record, Ledger):
            return both(invariants.ledger_in_range(record), invariants.bucket_in_range(record, exchange))
        if isinstance(record, Request) and ledger is not None:
            return invariants.request_in_range(record, ledger)
        return invariants.exchange_in_range(record) if isinstance(record, Exchange) else True

    def assumed(self, record: Any) -> Flag:
        """What is assumed."""
        if isinstance(record, Ledger):
            return invariants.ledger_assumed(record)
        return (
            invariants.account_assumed(record) if isinstance(record, Account) else invariants.counters_assumed(record)
        )

    def settled(self, place: int) -> Account:
        """An account whose collateral is what it settles to, less what settling adds."""
        account, access, name = self.records[place], self.rule.footprint[place], self.names[place]
        most = invariants.COLLATERAL_MAX if access.keys == (FUND,) else invariants.SETTLED_MAX
        settled = self.stage.word(f"{name}.settled", -most, most)
        collateral = settled - self.cash(place)
        self.assume(invariants.within(collateral, invariants.SETTLED_MAX), IN_RANGE)
        return attrs.evolve(account, collateral=collateral)

    def positions(self, place: int) -> tuple[Any, Any]:
        """The position of an account that a rule takes apart, and its others, None where there is none."""
        following = list(zip(self.rule.footprint, self.records, strict=True))[place + 1 : place + 3]
        apart = [record for access, record in following[:1] if access.record is Position]
        held = [record for access, record in following[: len(apart) + 1] if access.shape is Shape.HELD]
        return next(iter(apart), None) if held else None, next(iter(held), None)

    def cash(self, place: int) -> Word:
        """What settling an account adds to its collateral, and for the fund its inbox."""
        position, held = self.positions(place)
        cash: Word = self.named(Ledger).fund_inbox if self.rule.footprint[place].keys == (FUND,) else 0
        if position is not None:
            price, market = self.named(MarketPrice), self.named(Market)
            _, terms = self.stage.perform(position_terms, position, price, market, 0, 0)
            cash = cash + terms.cash
        return cash if held is None else cash + self.stage.perform(settled, held).cash

    def held_on(self, side: Callable[[Word], Word]) -> Word:
        """Lots of one side that the positions of the operation's market hold."""
        lots: Word = 0
        for access, record in zip(self.rule.footprint, self.records, strict=True):
            if access.record is Position and access.stores:
                lots = lots + select(record.market == self.operation.market, side(record.size), 0)
        return lots

    def bankrupt(self, place: int) -> Word:
        """1 where an account is flat and below zero."""
        position, held = self.positions(place)
        if held is None:
            return 0
        occupied = self.stage.perform(settled, held).occupied
        empty = occupied == 0 if position is None else both(occupied == 0, position.size == 0)
        return indicator(both(empty, self.records[place].collateral < 0))


def listed(records: Any) -> tuple[tuple[Any, ...], ...]:
    """The records of each position or market, its configuration last, where they are listed."""
    return records if isinstance(records, tuple) else ()


def settled(held: Any) -> Terms:
    """What settling some positions adds up to."""
    _, sums = sweep(position_terms, held, NO_SUBJECT, 0)
    return Terms(*sums)


SIGNS = {"backstop": ("position",), "deleverage": ("position", "counterparty_position")}
"""Positions by whose sign the proof goes on by cases."""


def words_fit(rule: Rule, stage: Stage) -> Iterator[Claim]:
    """Of one rule."""
    stage.ranges()
    loaded = Loaded(stage, rule)
    for name in SIGNS.get(rule.name, ()):
        stage.split(loaded.records[loaded.names.index(name)].size > 0)
        stage.split(loaded.records[loaded.names.index(name)].size < 0)
    if rule.name in SIGNS:
        pieces_are_parts(stage, loaded)
    if rule.name == "oracle_tick":
        averages_move_by_parts(stage, loaded)
    results, fits = stage.wide(rule.function, loaded.operation, *loaded.records)
    yield from fitting(fits)
    if rule.name == "oracle_tick" and results is not None:
        prices_are_parts(stage, loaded.named(Market), *results)
    if results is not None:
        yield from stored_in_range(loaded, results)


def pieces_are_parts(stage: Stage, loaded: Loaded) -> None:
    """Lots that are closed are a part of the position, in atoms too."""
    price, size = loaded.named(MarketPrice), absolute(loaded.records[loaded.names.index("position")].size)
    for lots in (loaded.operation.lots, backstop_lots(size, loaded.named(Parameters), price)):
        stage.use(products_keep_signs, lots, price.price)
        stage.use(products_keep_signs, size - lots, price.price)


def reported_index(loaded: Loaded) -> Word:
    """The price that the reports of a tick and what is known of the other families come to."""
    operation, oracle, own = loaded.operation, loaded.named(MarketOracle), loaded.named(Parameters)
    market, now = loaded.named(Market), loaded.named(Exchange).time
    values: tuple[Word, ...] = ()
    times: tuple[Word, ...] = ()
    for place, report in enumerate(operation.reports):
        asked = report, own.signers[place], own.quorums[place], market.max_price
        value = call_if(report.count >= 1, reported_median, *asked, otherwise=oracle.values[place])
        values = (*values, value)
        times = (*times, select(report.count >= 1, now, oracle.reported_at[place]))
    return candidate_of(own.families, values, times, oracle.average, market, now).price


def averages_move_by_parts(stage: Stage, loaded: Loaded) -> None:
    """An average moves by a part of the way to what is reported."""
    price, average, market = loaded.named(MarketPrice), loaded.named(MarketOracle).average, loaded.named(Market)
    elapsed = minimum(loaded.named(Exchange).time - price.ticked_at, market.average_seconds)
    way = absolute(stage.perform(reported_index, loaded) - average)
    stage.use(parts_rounded_up_are_no_larger, elapsed, way, market.average_seconds)


def prices_are_parts(stage: Stage, market: Market, price: MarketPrice, oracle: MarketOracle) -> None:
    """The mark's distance from the index is a part of that, and the price's from the average a part of that."""
    stage.use(parts_rounded_down_are_no_larger, market.mark_clamp_ppm, price.index, PPM)
    stage.use(parts_rounded_down_are_no_larger, market.band_ppm, oracle.average, PPM)


def stored_in_range(loaded: Loaded, results: tuple[Any, ...]) -> Iterator[Claim]:
    """What a rule stores is in its declared ranges, and in those that operations keep."""
    stored = iter(results)
    before, footprint = loaded.records, loaded.rule.footprint
    loaded.records = [
        next(stored) if access.stores else record for access, record in zip(footprint, before, strict=True)
    ]
    for name, access, record in zip(loaded.names, footprint, loaded.records, strict=True):
        if access.stores and access.record is not None:
            yield Claim(
                f"{name} is in its declared range", both(declared(record), loaded.kept(record, loaded.named(Market)))
            )
    loaded.records = before


def declared(record: Any) -> Flag:
    """Every field is in the range its record declares."""
    result: Flag = True
    for name, described in fields_of(type(record)).items():
        value = getattr(record, name)
        if described.unit not in (Unit.FLAG, Unit.DIGEST):
            for word in value if described.count > 1 else (value,):
                result = both(result, word >= described.low, word <= described.high)
    return result


OPAQUE = {
    "margin_at": small_margin_contract,
    "bear_loss": bear_loss_contract,
    "reported_median": median_contract,
    "deleverage_payment": small_payment_contract,
}


def item_of(stage: Stage) -> tuple[Position, MarketPrice, Market, Word]:
    """A position joined with its market's price and configuration, and a time."""
    stage.ranges()
    largest, market = largest_of(stage), stage.record(Market, "market")
    position, price = stage.record(Position, "position"), stage.record(MarketPrice, "price")
    now = stage.word("now", 0, TIME_MAX)
    stage.assume(both(market_assumed(market), invariants.market_in_range(market, largest)), MARKET_VALID)
    stage.assume(invariants.position_in_range(position, largest), IN_RANGE)
    stage.assume(invariants.price_in_range(price, market, now), IN_RANGE)
    stage.split(position.size > 0)
    stage.split(position.size < 0)
    return position, price, market, now


def fitting(fits: list[Fit]) -> Iterator[Claim]:
    """The claims that words fit."""
    for fit in fits or [Fit(True, None)]:
        yield Claim(IS_A_WORD, fit.condition, fit.guards)


def position_terms_fit(stage: Stage) -> Iterator[Claim]:
    """Of one position, and what the sums over several promise."""
    position, price, market, now = item_of(stage)
    subject = stage.word("subject", 0, NO_SUBJECT)
    (settled, terms), fits = stage.wide(position_terms, position, price, market, subject, now)
    yield from fitting(fits)
    yield Claim("its sums are in range", invariants.terms_in_range(terms, 1))
    bound = 2 * PPM * stage.word("largest_price", 2, 2**32)
    yield Claim("its snapshot stays in range", invariants.within(settled.snapshot, bound))


def cautious_terms_fit(stage: Stage) -> Iterator[Claim]:
    """Of one position."""
    position, price, market, now = item_of(stage)
    sums, fits = stage.wide(cautious_terms, position, price, market, now)
    yield from fitting(fits)
    held = indicator(position.size != 0)
    yield Claim("its cautious sums are in range", invariants.cautious_in_range(sums, held))


def scenario_losses_fit(stage: Stage) -> Iterator[Claim]:
    """Of one position."""
    position, price, market, _ = item_of(stage)
    losses, fits = stage.wide(scenario_losses, position, price, market)
    yield from fitting(fits)
    worth = position.size * price.price
    stage.tell(*(mul_div_ceil(value, market.shock_ppm, PPM) for value in (worth, -worth)))
    yield Claim("they are in range", invariants.losses_in_range(losses, 1))


def margins_fit(stage: Stage) -> Iterator[Claim]:
    """Of one notional."""
    stage.ranges()
    market = stage.record(Market, "market")
    stage.assume(both(margins_assumed(market), invariants.market_in_range(market, largest_of(stage))), MARKET_VALID)
    notional = stage.word("notional", 0, 2 * NOTIONAL_MAX)
    stage.split(notional > market.bracket_2)
    stage.split(notional > market.bracket_3)
    whole, middle = market.bracket_2, market.bracket_3 - market.bracket_2
    pairs = ((whole, market.initial_1_ppm), (middle, market.initial_2_ppm), (notional - whole, market.initial_2_ppm))
    for part, rate in (*pairs, (notional, market.initial_1_ppm), (notional - market.bracket_3, market.initial_3_ppm)):
        stage.use(parts_rounded_up_are_no_larger, rate, part, PPM)
    (maintenance, initial), fits = stage.wide(margin_at, notional, market)
    yield from fitting(fits)
    yield Claim("initial margin is no more than the notional", both(initial >= 0, initial <= notional))
    yield Claim("maintenance margin is not negative", both(maintenance >= 0, maintenance <= WORD_MAX))


def rise_limit(price: MarketPrice, book: MarketBook, market: Market, today: Word) -> Word:
    """By how much an index may rise today; as `bear_loss` computes it, for a hint only."""
    borne = select(book.loss_day == today, book.loss_today, 0)
    left = maximum(market.loss_cap_ppm * price.price - borne, 0)
    return minimum(left, maximum(market.max_price * PPM - price.loss_index, 0))


def bearing_fits(stage: Stage) -> Iterator[Claim]:
    """Of one market."""
    stage.ranges()
    market, largest = stage.record(Market, "market"), largest_of(stage)
    price, book = stage.record(MarketPrice, "price"), stage.record(MarketBook, "book")
    now = stage.word("now", 0, TIME_MAX)
    stage.assume(both(market_assumed(market), invariants.market_in_range(market, largest)), MARKET_VALID)
    stage.assume(invariants.price_in_range(price, market, now), IN_RANGE)
    stage.assume(invariants.book_in_range(book, market), IN_RANGE)
    carried = Loss(*(stage.word(f"loss.{name}", 0, 2**62) for name in Loss._fields))
    today = stage.word("today", 0, TIME_MAX)
    stage.split(book.open_interest >= 1)
    limit = rise_limit(price, book, market, today)
    stage.split(mul_div_floor(2 * book.open_interest, limit, PPM) <= carried.deficit)
    stage.use(the_least_rise_is_enough, carried.deficit, 2 * book.open_interest, limit)
    ((raised, bearing), grown), fits = stage.wide(bear_loss, carried, price, book, market, today)
    yield from fitting(fits)
    yield Claim("indices stay in range", bearing_in_range(carried, grown, raised, bearing, market))


def windows_fit(stage: Stage) -> Iterator[Claim]:
    """Of one market."""
    stage.ranges()
    market, largest = stage.record(Market, "market"), largest_of(stage)
    price, book = stage.record(MarketPrice, "price"), stage.record(MarketBook, "book")
    parameters = stage.record(Parameters, "parameters")
    stage.assume(both(market_assumed(market), invariants.market_in_range(market, largest)), MARKET_VALID)
    stage.assume(invariants.price_in_range(price, market, stage.word("now", 0, TIME_MAX)), IN_RANGE)
    stage.assume(invariants.book_in_range(book, market), IN_RANGE)
    (_, counts), fits = stage.wide(market_window, price, book, market, parameters, stage.flag("rolled"))
    yield from fitting(fits)
    within = both(counts.counted <= 1, counts.throttled <= counts.counted, counts.reduced <= counts.counted)
    yield Claim("a market counts once", within)


def sums_stay_in_range(stage: Stage) -> Iterator[Claim]:
    """Of none, and of two sums together."""
    sums = [Terms(*(stage.word(f"{which}.{name}", -WORD_MAX, WORD_MAX) for name in Terms._fields)) for which in "ab"]
    for terms in sums:
        stage.assume(invariants.terms_in_range(terms, POSITION_SLOTS), "the sums are in range")
    both_sums = Terms(*(one + other for one, other in zip(*sums, strict=True)))
    yield Claim("no position", invariants.terms_in_range(Terms(*(0,) * len(Terms._fields)), 0))
    yield Claim("two sums", invariants.terms_in_range(both_sums, 2 * POSITION_SLOTS))


def payments_fit(stage: Stage) -> Iterator[Claim]:
    """Of any two sides, one of which is to be closed."""
    stage.ranges()
    market, largest = stage.record(Market, "market"), largest_of(stage)
    price, most = stage.record(MarketPrice, "price"), invariants.SETTLED_MAX + 17 * NOTIONAL_MAX + invariants.INBOX_MAX
    stage.assume(both(market_assumed(market), invariants.market_in_range(market, largest)), MARKET_VALID)
    stage.assume(price.price <= market.max_price, IN_RANGE)
    health = [
        Health(stage.word(f"{name}.equity", -most, most), *(stage.word(f"{name}.{field}", 0, 2**62) for field in "MIL"))
        for name in ("side", "other", "unpaid")
    ]
    size, doubt = stage.word("size", -(2**56), 2**56), stage.word("doubt", 0, 2**60)
    stage.assume(invariants.within(size, largest.size), IN_RANGE)
    stage.split(size > 0)
    stage.split(size < 0)
    lots = stage.word("lots", 1, 2**56)
    stage.assume(lots <= absolute(size), "lots are no more than the position")
    own, _ = stage.perform(margin_at, absolute(size * price.price), market)
    stage.assume(own <= health[0].linear, ONE_OF_THEM)
    for part in (lots, absolute(size) - lots):
        stage.use(products_keep_signs, part, price.price)
    nothing = dict.fromkeys(Side._fields, 0)
    side = Side(**{**nothing, "size": size, "doubt": doubt, "health": health[0]})
    other = Side(**{**nothing, "health": health[1]})
    paid, fits = stage.wide(deleverage_payment, side, other, health[2], lots, price, market)
    yield from fitting(fits)
    yield Claim("it is no more than the equity", paid <= maximum(health[1].equity, 0))


def reports_fit(stage: Stage) -> Iterator[Claim]:
    """Of one report."""
    stage.ranges()
    report, max_price = stage.record(Report, "report"), stage.word("max_price", 2, 2**32)
    signers, quorum = stage.word("signers", 0, SIGNERS_MAX), stage.word("quorum", 0, SIGNERS_MAX)
    median, fits = stage.wide(reported_median, report, signers, quorum, max_price)
    yield from fitting(fits)
    yield Claim("the median is a price", median_promise(median, max_price))


TABLES: tuple[tuple[str, Callable[[Stage], Iterator[Claim]], str], ...] = (
    ("margin_at", margins_fit, "No word of a margin overflows, and no margin is more than its notional."),
    ("position_terms", position_terms_fit, "No word of settling a position overflows, and its sums are in range."),
    ("position_terms", sums_stay_in_range, "Sums over positions are in range where those of each position are."),
    ("cautious_terms", cautious_terms_fit, "No word of an exit's cautious sums overflows."),
    ("scenario_losses", scenario_losses_fit, "No word of a scenario's loss overflows."),
    ("bear_loss", bearing_fits, "No word of bearing a loss overflows, and indices stay in range."),
    ("reported_median", reports_fit, "No word of looking at a report overflows, and its median is a price."),
    ("deleverage_payment", payments_fit, "No word of what a counterparty pays overflows."),
    ("market_window", windows_fit, "No word of rolling a window overflows."),
)
"""Tables that stand for any number of records, and what is proved of one."""

GOALS = tuple(
    Goal(
        name=statement.__name__,
        sentence=sentence,
        statement=statement,
        subjects=(subject,),
        opaque={} if statement is margins_fit else {"margin_at": small_margin_contract},
        assumptions=(MARKET_VALID, IN_RANGE, *((ONE_OF_THEM,) if statement is payments_fit else ())),
    )
    for subject, statement, sentence in TABLES
)
GOALS += tuple(
    Goal(
        name=f"{name}_never_overflows",
        sentence=f"No word that {name} writes behind guards that hold leaves the range of words, and what an accepted "
        "one stores stays in range.",
        statement=partial(words_fit, rule),
        subjects=(name,),
        opaque=OPAQUE,
        assumptions=(MARKET_VALID, PARAMETERS_VALID, IN_RANGE, *invariants.ASSUMED),
    )
    for name, rule in RULES.items()
)
