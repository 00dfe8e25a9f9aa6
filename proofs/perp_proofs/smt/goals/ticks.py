"""Ticks and other system operations are always possible, and keep what they store in range."""

from collections.abc import Iterator
from functools import partial

from perp_proofs.smt.contracts import market_assumed
from perp_proofs.smt.frame import Stage
from perp_proofs.smt.goals.contracts import MARKET_VALID
from perp_proofs.smt.prove import Claim, Goal
from perp_proofs.smt.terms import Flag, Word
from perp_spec.language import both, either
from perp_spec.perpetual import rules
from perp_spec.perpetual.bounds import parameters_valid
from perp_spec.perpetual.common import PERPETUAL
from perp_spec.perpetual.reasons import Reason
from perp_spec.perpetual.records import Market, Parameters

assert rules.__all__, "importing the rules registers them"

PARAMETERS_VALID = "the exchange's configuration is valid"


def rejected_only_for(name: str, reasons: tuple[Reason, ...], stage: Stage) -> Iterator[Claim]:
    """Whatever the state and the operation, the first false guard is one of these."""
    rule = PERPETUAL.rules[name]
    operation, _, loaded = stage.loads(rule)
    for record in loaded:
        if isinstance(record, Market):
            stage.assume(either(market_assumed(record), record.max_price == 0), MARKET_VALID)
        if isinstance(record, Parameters):
            stage.assume(parameters_valid(record), PARAMETERS_VALID)
    result = stage.outcome(rule.function, operation, *loaded)
    known: Flag = result == 0
    for reason in reasons:
        known = either(known, result == int(reason))
    yield Claim("the reason", known)


TOTAL: dict[str, tuple[Reason, ...]] = {
    "oracle_tick": (
        Reason.FROZEN,
        Reason.NO_MARKET,
        Reason.BAD_SIGNATURE,
        Reason.TICK_TOO_SOON,
        Reason.QUORUM,
        Reason.SIGNERS_NOT_RISING,
        Reason.PRICE_RANGE,
        Reason.NOT_MEDIAN,
    ),
    "funding_tick": (Reason.FROZEN, Reason.NO_MARKET, Reason.TICK_TOO_SOON),
    "end_batch": (Reason.KILL_SWITCH, Reason.MODE_NOT_ESCALATED),
    "deposit": (Reason.FROZEN, Reason.QUEUE_ORDER, Reason.HASH_CHAIN, Reason.FORCED_RESULT),
    "request_forced": (Reason.FROZEN, Reason.QUEUE_ORDER, Reason.HASH_CHAIN, Reason.FORCED_RESULT),
    "forced_withdraw": (Reason.FROZEN, Reason.FORCED_UNKNOWN, Reason.FORCED_RESULT),
    "freeze": (Reason.FROZEN, Reason.FORCED_UNKNOWN, Reason.NOT_DUE),
}
"""What a system operation may be rejected for: its own form, its time, and stating the wrong result."""


def divisors_are_positive(name: str, stage: Stage) -> Iterator[Claim]:
    """Nothing is divided by less than one."""
    rule = PERPETUAL.rules[name]
    operation, _, loaded = stage.loads(rule)
    for record in loaded:
        if isinstance(record, Market):
            stage.assume(either(market_assumed(record), record.max_price == 0), MARKET_VALID)
        if isinstance(record, Parameters):
            stage.assume(parameters_valid(record), PARAMETERS_VALID)
    positive: Flag = True
    for divisor in stage.divided_by(rule.function, operation, *loaded):
        positive = both(positive, divisor >= 1)
    yield Claim("every divisor is at least 1", positive)


def funding_is_capped(stage: Stage) -> Iterator[Claim]:
    """An hour charges an eighth of the cap at most."""
    scene = stage.scene(PERPETUAL.rules["funding_tick"])
    market = scene.before("market")
    stage.assume(market_assumed(market), MARKET_VALID)
    rate: Word = scene.after("oracle").funding_rate_ppm
    yield Claim("the rate is capped", both(8 * rate <= market.funding_cap_ppm, 8 * rate >= -market.funding_cap_ppm))


GOALS = tuple(
    Goal(
        name=f"{name}_is_total",
        sentence=f"{name} is rejected for nothing but " + ", ".join(reason.name for reason in reasons) + ".",
        statement=partial(rejected_only_for, name, reasons),
        subjects=(name,),
        assumptions=(MARKET_VALID, PARAMETERS_VALID),
    )
    for name, reasons in TOTAL.items()
)
GOALS += tuple(
    Goal(
        name=f"{name}_divides_by_positive_words",
        sentence=f"No accepted {name} divides by less than one.",
        statement=partial(divisors_are_positive, name),
        subjects=(name,),
        assumptions=(MARKET_VALID, PARAMETERS_VALID),
    )
    for name in PERPETUAL.rules
)
GOALS += (
    Goal(
        name=funding_is_capped.__name__,
        sentence="An hour of funding never charges more than an eighth of the market's eight-hour cap.",
        statement=funding_is_capped,
        subjects=("funding_tick",),
        assumptions=(MARKET_VALID,),
    ),
)
