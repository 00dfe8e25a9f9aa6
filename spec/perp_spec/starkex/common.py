"""What several rules share: the rule set itself, and guards on times, amounts and inequalities."""

from perp_spec.language import both, require
from perp_spec.operation import RuleSet
from perp_spec.starkex.bounds import AMOUNT_BOUND, RANGE_BOUND
from perp_spec.starkex.reasons import Reason
from perp_spec.starkex.records import Config, System

STARKEX = RuleSet("starkex-3-2")
"""The rules of this rule set. A transaction with several rules is them all, one after the other."""


def require_fresh_funding(system: System, config: Config) -> None:
    """The last funding tick is recent enough: all transactions but the ticks need it."""
    latest = system.funding_timestamp + config.funding_validity_period
    require(at_least(latest, system.system_time), Reason.INVALID_FUNDING_TICK_TIMESTAMP)


def amount_fits(amount: int) -> bool:
    """An amount is in [0, 2^64)."""
    return both(amount >= 0, amount < AMOUNT_BOUND)


def amounts_fit(first: int, second: int) -> bool:
    """Two amounts are in [0, 2^64)."""
    return both(amount_fits(first), amount_fits(second))


def at_least(larger: int, smaller: int) -> bool:
    """An inequality as the program proves it: it also fails where the two are 2^128 or more apart."""
    return both(larger >= smaller, larger - smaller < RANGE_BOUND)
