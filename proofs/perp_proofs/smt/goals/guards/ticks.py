"""When the ticks of a market are accepted."""

from typing import Any

from perp_proofs.smt.contracts import implies
from perp_proofs.smt.goals.guards.shared import Case, Guards, live, market_there
from perp_proofs.smt.terms import Flag, Word
from perp_spec.language import both, either, indicator, negate
from perp_spec.perpetual.reasons import Reason


def report_guards(report: Any, signers: Word, quorum: Word, max_price: Word) -> Guards:
    """Of one family's report: none at all, or a quorum of rising signers with the lower median of their values."""
    said = negate(report.count == 0)
    yield Reason.QUORUM, implies(said, both(negate(report.count < quorum), negate(report.count > signers)))
    rising: Flag = True
    priced: Flag = True
    above: Word = 0
    below: Word = 0
    for place, (signer, value) in enumerate(zip(report.signers, report.values, strict=True)):
        counts = report.count > place
        follows = negate(signer < 0) if place == 0 else signer > report.signers[place - 1]
        rising = both(rising, implies(counts, both(follows, signer < signers)))
        priced = both(priced, implies(counts, both(value > 0, negate(value > max_price))))
        above = above + indicator(both(counts, value > report.median))
        below = below + indicator(both(counts, value < report.median))
    yield Reason.SIGNERS_NOT_RISING, implies(said, rising)
    yield Reason.PRICE_RANGE, implies(said, priced)
    # At least half are no higher, and more than half no lower.
    median = both(2 * (report.count - above) >= report.count, 2 * (report.count - below) > report.count)
    yield Reason.NOT_MEDIAN, implies(said, median)


def oracle_tick(case: Case) -> Guards:
    """Of an oracle tick."""
    op, own = case.op, case.parameters
    yield from live(case)
    yield from market_there(case)
    yield Reason.BAD_SIGNATURE, op.authorised
    yield Reason.TICK_TOO_SOON, negate(case.exchange.time < case.price.ticked_at + 10)
    for report, signers, quorum in zip(op.reports, own.signers, own.quorums, strict=True):
        yield from report_guards(report, signers, quorum, case.market.max_price)


def book_guards(case: Case) -> Guards:
    """Bid and ask are prices, and not crossed."""
    bid, ask = case.op.bid, case.op.ask
    yield Reason.PRICE_RANGE, negate(either(bid < 1, ask < bid, ask > case.market.max_price))


def mark(case: Case) -> Guards:
    """Of a mark."""
    yield from live(case)
    yield from market_there(case)
    yield from book_guards(case)
    yield Reason.PRICE_RANGE, negate(either(case.op.last < 1, case.op.last > case.market.max_price))
    yield Reason.ORACLE_LEVEL, case.price.index > 0


def premium_sample(case: Case) -> Guards:
    """Of a premium sample."""
    yield from live(case)
    yield from market_there(case)
    yield from book_guards(case)
    yield Reason.ORACLE_LEVEL, case.price.index > 0
    yield Reason.SAMPLE_TOO_SOON, negate(case.exchange.time < case.oracle.sampled_at + 60)


def funding_tick(case: Case) -> Guards:
    """Of a funding tick."""
    yield from live(case)
    yield from market_there(case)
    yield Reason.TICK_TOO_SOON, negate(case.exchange.time < case.oracle.funded_at + 3600)
