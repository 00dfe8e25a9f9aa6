"""The catalogue says what the rules do: nothing is missing, nothing is left over, and the order is the real one."""

import re
from collections.abc import Callable
from typing import Any, NamedTuple

import attrs
import pytest

from perp_spec.language import PLAIN, Plain, reading_as
from perp_spec.operation import Access, Shape
from perp_spec.outline import When
from perp_spec.perpetual.catalogue import (
    HEADER_RULE,
    LIBRARY,
    READER,
    CataloguedRule,
    catalogue,
    rule_named,
    users_of,
    value_of,
)
from perp_spec.perpetual.common import PERPETUAL
from perp_spec.perpetual.operations import Header
from perp_spec.perpetual.reasons import SENTENCES, Reason
from perp_spec.perpetual.records import Market, MarketBook, MarketPrice, Position
from perp_spec.perpetual.sentences import EFFECTS, GUARDS, THINGS
from perp_spec.words import FAMILIES_MAX

RULES = catalogue()


class Met(NamedTuple):
    """A guard that a run met."""

    reason: str
    attempts: tuple[str, ...]


class Unknown:
    """A word or condition of which nothing is known."""

    def __init__(self, reading: "Outlining") -> None:
        self.reading = reading

    def __bool__(self) -> bool:
        raise AssertionError("a rule branches on a value")

    def answer(self, *_: object) -> "Unknown":
        return self

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __neg__ = answer
    __lt__ = __le__ = __gt__ = __ge__ = __eq__ = __ne__ = answer  # type: ignore[assignment]
    __and__ = __rand__ = __or__ = __ror__ = __xor__ = __rxor__ = answer
    __hash__ = None  # type: ignore[assignment]


class Outlining(Plain):
    """Runs a rule on unknown values and notes each guard it meets."""

    def __init__(self) -> None:
        self.met: list[Met] = []
        self.attempts: list[str] = []

    def require(self, condition: Any, reason: Reason) -> None:  # noqa: ARG002
        self.met.append(Met(reason.name, tuple(self.attempts)))

    def select(self, condition: Any, yes: Any, no: Any) -> Any:  # noqa: ARG002
        return Unknown(self) if isinstance(yes, int | Unknown) else yes

    def unknown(self, *_: Any) -> Any:
        return Unknown(self)

    mul_div_floor = mul_div_ceil = mul_div_remainder = product_le = digest = unknown

    def call_if(self, flag: Any, function: Callable[..., Any], arguments: tuple[Any, ...], otherwise: Any) -> Any:  # noqa: ARG002
        return function(*arguments)

    def attempt(self, rule: Callable[..., Any], arguments: tuple[Any, ...], otherwise: Any) -> tuple[Any, Any]:  # noqa: ARG002
        self.attempts.append(rule.__name__)
        returned = rule(*arguments)
        self.attempts.pop()
        return Unknown(self), returned

    def record(self, kind: type[Any]) -> Any:
        """A record of unknown values."""
        values: dict[str, Any] = {}
        for attribute in attrs.fields(kind):
            metadata = attribute.metadata
            if "field" in metadata:
                count = metadata["field"].count
                values[attribute.name] = Unknown(self) if count == 1 else (Unknown(self),) * count
            elif "nested" in metadata:
                values[attribute.name] = self.record(metadata["nested"])
            else:
                values[attribute.name] = (self.record(metadata["rows"]),) * metadata["count"]
        return kind(**values)

    def loaded(self, access: Access) -> Any:
        """What a footprint loads."""
        kinds = {Shape.HELD: (Position, MarketPrice, Market), Shape.MARKETS: (MarketPrice, MarketBook, Market)}
        if access.shape in kinds:
            return (tuple(self.record(kind) for kind in kinds[access.shape]),)
        return self.record(access.record or Position)


def met_by_running(rule: CataloguedRule) -> list[Met]:
    """The guards a run of the rule meets, in order."""
    reading: Any = Outlining()
    arguments = [reading.loaded(access) for _, access in rule.footprint]
    if rule.name == HEADER_RULE:
        arguments = [Unknown(reading), Unknown(reading), *arguments]
    with reading_as(reading):
        value_of(rule.name)(reading.record(rule.operation), *arguments)
    return reading.met


def met_by_outline(rule: CataloguedRule) -> list[Met]:
    """The guards the catalogue lists, those of a loop as often as it runs."""
    met: list[Met] = []
    looped: list[Met] = []
    for guard in READER.guards(rule.name):
        if any(around.when is When.EACH for around in guard.within):
            looped.append(Met(guard.reason, guard.attempts))
            continue
        met += looped * FAMILIES_MAX
        looped = []
        met.append(Met(guard.reason, guard.attempts))
    return met + looped * FAMILIES_MAX


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_the_guards_of_a_rule_are_those_a_run_meets_in_that_order(rule: CataloguedRule) -> None:
    assert met_by_outline(rule) == met_by_running(rule)


def test_every_operation_and_the_header_are_catalogued() -> None:
    assert {rule.name for rule in RULES} == {*PERPETUAL.rules, HEADER_RULE}
    assert rule_named(HEADER_RULE).operation is Header
    assert len(RULES) == len({rule.name for rule in RULES})


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_has_a_title_arguments_guards_and_effects(rule: CataloguedRule) -> None:
    assert re.fullmatch(r"[A-Z].*\.", rule.title)
    assert rule.arguments
    assert rule.guards
    assert rule.effects
    assert rule.words == EFFECTS[rule.name]
    assert [entry.number for entry in rule.guards] == [str(number + 1) for number in range(len(rule.guards))]


def own_guards() -> dict[str, list[str]]:
    """The reasons of each function's own guards, in order, as the rules meet them."""
    found: dict[str, dict[int, str]] = {}
    for rule in RULES:
        for entry in (*rule.guards, *(entry for attempt in rule.attempts for entry in attempt.entries)):
            found.setdefault(entry.guard.function, {})[entry.guard.ordinal] = entry.guard.reason
    return {name: [ordinals[number] for number in sorted(ordinals)] for name, ordinals in found.items()}


def test_every_guard_has_its_sentence_and_no_sentence_is_left_over() -> None:
    assert {name: [reason.name for reason, _ in lines] for name, lines in GUARDS.items()} == own_guards()


def test_every_rule_has_its_effects_in_words() -> None:
    assert set(EFFECTS) == {rule.name for rule in RULES}
    assert all(EFFECTS.values())


def test_the_words_for_arguments_are_all_used() -> None:
    given = {
        word
        for rule in RULES
        for entry in (*rule.guards, *(entry for attempt in rule.attempts for entry in attempt.entries))
        for word in entry.guard.words.values()
    }
    assert set(THINGS) <= given


def test_no_sentence_shows_an_expression() -> None:
    for rule in RULES:
        for entry in (*rule.guards, *(entry for attempt in rule.attempts for entry in attempt.entries)):
            assert set(re.findall(r"`(.*?)`", entry.sentence)) <= {"top", "hole", "count"}, entry.sentence
            assert not set("{}") & set(entry.sentence), entry.sentence


def test_every_reason_has_a_sentence() -> None:
    assert set(SENTENCES) == set(Reason)


def test_every_reason_comes_from_a_rule_or_from_the_configuration() -> None:
    raised = {reason for rule in RULES for reason in (*rule.reasons, *rule.results)}
    assert set(Reason) - raised == {Reason.OVERFLOW, Reason.CONFIG, Reason.FAMILIES}


def test_every_definition_of_the_rule_modules_is_used_by_a_rule() -> None:
    assert [name for name in LIBRARY if not users_of(name)] == []


def test_the_guards_of_a_deposit() -> None:
    """Given the rule of a deposit, when it is outlined, then what judges the credit is apart from what rejects."""
    rule = rule_named("deposit")
    assert [(entry.number, entry.reason.name, entry.guard.condition) for entry in rule.guards] == [
        ("1", "FROZEN", "exchange.frozen_at == 0"),
        ("2", "QUEUE_ORDER", "op.position == queue.position"),
        ("3", "HASH_CHAIN", "op.chain == digest(QUEUE, (queue.chain, op.key), (DEPOSIT_ENTRY, op.account, op.amount))"),
        ("4", "FORCED_RESULT", "op.result == result"),
    ]
    (credit,) = rule.attempts
    assert [(entry.number, entry.reason.name, entry.guard.condition) for entry in credit.entries] == [
        ("A1", "AMOUNT", "1 <= op.amount <= AMOUNT_MAX"),
        ("A2", "NO_ACCOUNT", "account.kind != ABSENT and account.owner == op.key"),
        ("A3", "VAULT_CAP", "ledger.vault + op.amount <= parameters.vault_cap"),
        ("A4", "COLLATERAL_RANGE", "-COLLATERAL_MAX <= side.collateral + op.amount <= COLLATERAL_MAX"),
    ]


def test_a_guard_inside_a_conditional_call_counts_only_there() -> None:
    """Given a deleverage, when it is outlined, then the fund's slot matters only where the fund is not the account."""
    conditions = {entry.reason.name: entry.conditions for entry in rule_named("deleverage").guards}
    assert conditions["SLOT"] == ("op.account != FUND",)
    assert conditions["BACKSTOP_POSSIBLE"] == ()


def test_a_name_of_a_called_function_is_not_taken_for_the_rules_own() -> None:
    """Given a forced reduction, when it is outlined, then the fund's side is not mistaken for the account's."""
    (slot,) = [entry for entry in rule_named("forced_reduce").guards if entry.guard.function == "fund_could_reduce"]
    assert slot.guard.condition == "decides(fund_could_reduce.side, fund_position, op.market, op.fund_slot)"


def test_what_a_rule_stores() -> None:
    """Given the rule that records a proof, when it is outlined, then one field changes."""
    (effect,) = rule_named("record_proof").effects
    assert [(change.field, change.value) for change in effect.stored.changes] == [("proven", "op.number")]
    assert not effect.stored.whole
    (opened,) = rule_named("open_account").effects
    assert [change.field for change in opened.stored.changes] == ["kind", "owner", "parent", "market"]
    assert opened.stored.whole


def test_the_plain_reading_is_untouched() -> None:
    assert type(PLAIN) is Plain
