"""The machine: applies transactions to a state, each as the steps of its rules."""

from collections.abc import Iterable
from typing import Any

from attrs import frozen

from perp_reference.core.compiled import itself
from perp_reference.starkex.state import Pairs, State, Step, compiled_rule
from perp_spec.language import Rejected
from perp_spec.operation import RuleSet
from perp_spec.starkex import rules
from perp_spec.starkex.common import STARKEX
from perp_spec.starkex.transactions import FundingTick, OracleTick

__all__ = ["IndexTick", "Machine", "PriceTick", "Rejected"]

assert rules.__all__, "importing the rules registers them"


@frozen
class IndexTick(FundingTick):
    """A funding tick with the indices it gives."""

    rows: Pairs = ()


@frozen
class PriceTick(OracleTick):
    """An oracle tick with the prices it gives."""

    rows: Pairs = ()


class Machine:
    """Applies transactions by the rules of a rule set, compiled or as their text stands."""

    def __init__(self, rule_set: RuleSet = STARKEX, as_text: bool = False) -> None:
        self.steps: dict[type[Any], list[Step]] = {}
        for rule in rule_set.rules.values():
            self.steps.setdefault(rule.operation, []).append(Step(rule, itself if as_text else compiled_rule))
        for tick, kind in ((IndexTick, FundingTick), (PriceTick, OracleTick)):
            if kind in self.steps:
                self.steps[tick] = self.steps[kind]

    def apply(self, state: State, transaction: Any) -> None:
        """Apply one transaction. Where it fails, the state is left half changed.

        Raises:
            Rejected: A guard is false.
        """
        for step in self.steps[type(transaction)]:
            step.run(state, transaction)

    def apply_all(self, state: State, transactions: Iterable[Any]) -> None:
        """Apply transactions in order.

        Raises:
            Rejected: A guard is false.
        """
        for transaction in transactions:
            self.apply(state, transaction)
