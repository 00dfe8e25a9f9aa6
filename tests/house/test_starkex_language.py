"""The rules of the StarkEx rule set keep to the same language: the check of the other rule set, on these modules."""

import importlib
import importlib.util
import inspect
import re
import types
from pathlib import Path
from typing import Any, get_args, get_origin

import attrs
import pytest

from perp_spec.operation import Access, Rule, Shape
from perp_spec.starkex import (
    answers,
    common,
    corrected,
    oracle,
    orders,
    position,
    reasons,
    records,
    rules,
    transactions,
)
from perp_spec.starkex.common import STARKEX
from perp_spec.starkex.corrected import CORRECTED

RULE_MODULES: tuple[types.ModuleType, ...] = (
    common,
    position,
    orders,
    answers,
    oracle,
    corrected,
    *(importlib.import_module(f"{rules.__name__}.{name}") for name in rules.__all__),
)
"""The modules written in the language."""

ALLOWED_IMPORTS: dict[str, set[str] | None] = {
    "perp_spec.operation": {"RuleSet"},
    "perp_spec.language": None,
    "perp_spec.starkex.answers": None,
    "perp_spec.starkex.bounds": None,
    "perp_spec.starkex.common": None,
    "perp_spec.starkex.footprint": None,
    "perp_spec.starkex.orders": None,
    "perp_spec.starkex.position": None,
    "perp_spec.starkex.reasons": {"Reason"},
    "perp_spec.starkex.records": None,
    "perp_spec.starkex.rules": None,
    "perp_spec.starkex.transactions": None,
    "typing": {"Any", "NamedTuple"},
}


@pytest.fixture
def checker(monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    """The check of the language, for the modules of this rule set."""
    file = Path(__file__).with_name("test_language.py")
    spec = importlib.util.spec_from_file_location("language_check", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(importlib.import_module("sys").modules, spec.name, module)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "RULE_MODULES", RULE_MODULES)
    monkeypatch.setattr(module, "ALLOWED_IMPORTS", ALLOWED_IMPORTS)
    monkeypatch.setattr(module, "operations", transactions)
    return module


@pytest.mark.parametrize("module", RULE_MODULES, ids=lambda module: module.__name__.rpartition(".")[2])
def test_a_starkex_rule_module_keeps_to_the_language(checker: types.ModuleType, module: types.ModuleType) -> None:
    source = Path(str(module.__file__)).read_text(encoding="utf-8")
    own = re.sub(r"@(STARKEX|CORRECTED)\.operation\(", "@PERPETUAL.operation(", source)
    assert checker.violations(own) == []


def test_every_starkex_rule_module_is_checked() -> None:
    package = Path(str(rules.__file__)).parent
    assert {file.stem for file in package.glob("*.py")} - {"__init__"} == set(rules.__all__)


RULES = [*STARKEX.rules.values(), *CORRECTED.rules.values()]


def type_of_access(access: Access) -> Any:
    """The type of what an access loads or stores."""
    return position.Held if access.shape is Shape.HELD else access.record


def returned(rule: Rule) -> list[Any]:
    """The types of what a rule returns: of the entries of a tuple, or of the fields of a named one."""
    annotation = inspect.signature(rule.function).return_annotation
    if get_origin(annotation) is tuple:
        return list(get_args(annotation))
    return list(annotation.__annotations__.values())


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.function.__module__}.{rule.name}")
def test_a_starkex_footprint_is_what_the_rule_takes_and_returns(rule: Rule) -> None:
    taken = [parameter.annotation for parameter in inspect.signature(rule.function).parameters.values()]
    assert taken == [rule.operation, *(type_of_access(access) for access in rule.footprint)]
    assert returned(rule) == [type_of_access(access) for access in rule.footprint if access.stores]


def test_every_transaction_has_a_rule() -> None:
    parts = {transactions.LimitOrder, transactions.PriceProof}
    listed = {value for value in vars(transactions).values() if attrs.has(value)} - parts
    assert {rule.operation for rule in STARKEX.rules.values()} == listed


def test_every_code_has_a_sentence() -> None:
    assert list(reasons.SENTENCES) == list(reasons.Reason)
    assert [int(reason) for reason in reasons.Reason] == list(range(29))


def test_an_absent_record_is_all_zeros() -> None:
    for kind in (records.Position, records.Holding, records.Asset, records.OrderState, records.System):
        blank = kind()
        assert not any(attrs.astuple(blank))
