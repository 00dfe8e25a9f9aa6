"""The pages are enough: their text, with functions written from the page on the language, decides as the machine does.

Nothing of the rule modules and nothing of the language's own module is used for it: the text comes from the pages, the
functions from this file, the records and numbers from their classes.
"""

import re
from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

import attrs
import pytest

from perp_hash.digest import Tag, hash_words
from perp_reference.core import batch as machine_batch
from perp_reference.core.compiled import itself
from perp_reference.core.machine import RULES, RUNNERS, Rejected
from perp_reference.core.state import genesis
from perp_reference.demo import ACTS, Cast
from perp_reference.pages.build import pages
from perp_spec import words
from perp_spec.language import PLAIN, shaping
from perp_spec.perpetual import operations, records
from perp_spec.perpetual.defaults import default_config
from perp_spec.perpetual.reasons import Reason

CAST = Cast({0: 0, 2: 22, 3: 33, 4: 44, 5: 55, 6: 66, 7: 33})


class Refused(Exception):
    """A guard of the pages does not hold."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


class Unrooted:
    """Stands for a root and a digest of the configuration that always fit."""

    root = 0
    config_digest = 0

    def update(self, changed: object) -> None:
        """Nothing."""


def require(condition: bool, reason: Reason) -> None:
    if not condition:
        raise Refused(reason)


def floor(a: int, b: int, c: int) -> int:
    assert c > 0
    magnitude, rest = divmod(abs(a * b), c)
    quotient = magnitude if a * b >= 0 else -magnitude - (1 if rest else 0)
    assert abs(quotient) < 2**63
    return quotient


def total(term: Callable[..., Any], items: Any, *extra: Any) -> Any:
    return added([term(*item, *extra) for item in items])


def added(summands: list[Any]) -> Any:
    """The sums place by place."""
    return tuple(sum(places) for places in zip(*summands, strict=True)) if summands else Zeros()


class Zeros(tuple[int, ...]):
    """The sum of nothing, before it is known how many places it has."""

    __slots__ = ()


def sweep(term: Callable[..., Any], items: Any, *extra: Any) -> Any:
    visited = [term(*item, *extra) for item in items]
    return tuple(record for record, _ in visited), added([summands for _, summands in visited])


def fold(step: Callable[..., Any], items: Any, carry: Any, *extra: Any) -> Any:
    stored = []
    for item in items:
        record, carry = step(carry, *item, *extra)
        stored.append(record)
    return tuple(stored), carry


def call_if(flag: bool, function: Callable[..., Any], *given: Any, otherwise: Any) -> Any:
    return function(*given) if flag else otherwise


def attempt(rule: Callable[..., Any], *given: Any, otherwise: Any) -> Any:
    try:
        return 0, rule(*given)
    except Refused as refusal:
        return refusal.reason.value, otherwise


def width_of_terms(source: str, name: str) -> int:
    """Fields of a NamedTuple in the text of the pages."""
    body = re.search(rf"class {name}\(NamedTuple\):\n(.*?)(?:\n\S|\Z)", source, re.DOTALL)
    assert body
    return len(re.findall(r"^    \w+: ", body[1], re.MULTILINE))


FUNCTIONS: dict[str, Any] = {
    "require": require,
    "require_if": lambda active, condition, reason: require(condition or not active, reason),
    "select": lambda condition, yes, no: yes if condition else no,
    "both": lambda *conditions: all(conditions),
    "either": lambda *conditions: any(conditions),
    "negate": lambda condition: not condition,
    "indicator": lambda condition: 1 if condition else 0,
    "absolute": abs,
    "minimum": min,
    "maximum": max,
    "clamp": lambda value, low, high: min(max(value, low), high),
    "median": lambda *values: sorted(values)[1],
    "mul_div_floor": floor,
    "mul_div_ceil": lambda a, b, c: -floor(-a, b, c),
    "mul_div_remainder": lambda a, b, c: a * b - c * floor(a, b, c),
    "mul_div_truncate": lambda a, b, c: floor(abs(a), b, c) * (1 if a >= 0 else -1),
    "product_le": lambda a, b, c, d: a * b <= c * d,
    "digest": hash_words,
    "changed": attrs.evolve,
    "fold": fold,
    "call_if": call_if,
    "attempt": attempt,
}


def text_of_the_pages() -> str:
    """Every block of the rules' text, NamedTuples and constants before the functions."""
    blocks = [code for text in pages().values() for code in re.findall(r"^```python\n(.*?)^```$", text, re.M | re.S)]
    return "from __future__ import annotations\n" + "\n\n".join(
        sorted(blocks, key=lambda code: (code.startswith("def "), not code.startswith("class ")))
    )


def summing(function: Callable[..., Any], widths: dict[str, int]) -> Callable[..., Any]:
    """A function of sums; where there are no items, as many zeros as the term adds up."""

    def call(term: Callable[..., Any], items: Any, *extra: Any) -> Any:
        result = function(term, items, *extra)
        zeros = (0,) * widths[term.__name__]
        if isinstance(result, Zeros):
            return zeros
        return (result[0], zeros) if isinstance(result[1], Zeros) else result

    return call


def rules_of_the_pages() -> dict[str, Any]:
    """The functions of the pages, ready to run."""
    source = text_of_the_pages()
    widths = {
        "position_terms": width_of_terms(source, "Terms"),
        "cautious_terms": width_of_terms(source, "Cautious"),
        "market_window": width_of_terms(source, "WindowTerms"),
        "scenario_losses": words.SCENARIOS,
    }
    known: dict[str, Any] = {
        **{name: value for name, value in vars(words).items() if name.isupper()},
        **{name: value for name, value in vars(records).items() if not name.startswith("_")},
        **{name: value for name, value in vars(operations).items() if not name.startswith("_")},
        **FUNCTIONS,
        "total": summing(total, widths),
        "sweep": summing(sweep, widths),
        "Reason": Reason,
        "Tag": Tag,
        "NamedTuple": NamedTuple,
        "Any": Any,
    }
    exec(compile(source, "pages", "exec", dont_inherit=True), known)
    return known


def outcome(function: Callable[..., Any], given: tuple[Any, ...]) -> Any:
    """What a rule returns, or the reason for which it rejects."""
    try:
        return function(*given)
    except (Rejected, Refused) as refusal:
        return refusal.reason


def play_demo() -> None:
    """Every kind of operation, accepted and rejected."""
    state = genesis(default_config(3))
    for act in ACTS:
        machine_batch.build_batch(state, Unrooted(), act.time, act.operations(CAST))


def test_the_text_of_the_pages_decides_every_operation_of_the_demo_as_the_machine_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    written = rules_of_the_pages()
    compared: Counter[str] = Counter()

    def comparing(name: str, own: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any) -> Any:
            if shaping() is PLAIN:
                assert plain(outcome(written[name], given)) == plain(outcome(own, given)), name
                compared[name] += 1
            return own(*given)

        return call

    for kind, runner in RUNNERS.items():
        monkeypatch.setattr(runner, "function", comparing(RULES[kind].name, runner.function))
        monkeypatch.setattr(runner, "reading", itself)
    monkeypatch.setattr(machine_batch, "begin_batch", comparing("begin_batch", machine_batch.begin_batch))
    play_demo()
    assert compared.keys() == {"begin_batch", *(rule.name for rule in RULES.values())}


def plain(value: Any) -> Any:
    """A result without the difference between a tuple and a NamedTuple."""
    return tuple(plain(part) for part in value) if isinstance(value, tuple) else value
