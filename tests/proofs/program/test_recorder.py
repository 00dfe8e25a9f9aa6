"""The recorder: total on the rules, deterministic, and strict about what is outside of the language."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from attrs import frozen

from perp_hash.poseidon import DEFAULT_SUITE
from perp_proofs.program.interpreter import Run
from perp_proofs.program.listing import Program, Table, callees, show_table, write_program
from perp_proofs.program.recorder import record_program
from perp_proofs.program.terms import RecordingError
from perp_spec.language import (
    absolute,
    attempt,
    both,
    call_if,
    either,
    maximum,
    minimum,
    mul_div_ceil,
    mul_div_floor,
    mul_div_remainder,
    negate,
    require,
    select,
    sweep,
    table,
    total,
)
from perp_spec.operation import RuleSet, reads, reads_held, updates, updates_held
from perp_spec.perpetual.codes import OPERATION_CODES
from perp_spec.perpetual.common import PERPETUAL
from perp_spec.perpetual.reasons import Reason
from perp_spec.perpetual.records import Account, Exchange, Ledger, Market, MarketPrice, Position
from perp_spec.words import AMOUNT_MAX, Unit, natural, word


@frozen
class Say:
    """An operation that says a few numbers."""

    account: int = natural(Unit.ID, "an account", 1000)
    first: int = word(Unit.ATOMS, "a number", -AMOUNT_MAX, AMOUNT_MAX)
    second: int = word(Unit.ATOMS, "another number", -AMOUNT_MAX, AMOUNT_MAX)


def recorded(function: Callable[..., Any], *footprint: Any) -> Program:
    """The program of one rule."""
    toy = RuleSet("toy")
    toy.operation(Say, *footprint)(function)
    return record_program(toy)


def shown(program: Program, name: str = "rule") -> list[str]:
    """A table of a program as formulas, without its first and its last line."""
    return [line.strip() for line in show_table(program, program.tables[name])[1:-1]]


LEDGER = updates(Ledger)


def noted(op: Say, ledger: Ledger, value: Any) -> tuple[Ledger]:
    """A ledger that holds a value."""
    return (Ledger(vault=value),)


@pytest.fixture
def vault_after(records: Any) -> Callable[[Program, int, int], int]:
    """A function that runs a toy rule on two numbers, and says what it stores as the ledger's vault."""

    def run(program: Program, first: int, second: int) -> int:
        memory = records(program, {})
        Run(program, memory).operation("rule", [3, first, second])
        assert memory.stored == [("Ledger", ())]
        return memory.records["Ledger", ()][0]

    return run


VaultAfter = Callable[[Program, int, int], int]


# The rules


def test_every_operation_is_recorded(program: Program) -> None:
    assert {table.name for table in program.of_role("operation")} == set(PERPETUAL.rules)
    assert [table.name for table in program.of_role("batch")] == ["begin_batch"]
    numbers = {table.name: table.number for table in program.of_role("operation")}
    assert numbers == {rule.name: OPERATION_CODES[rule.operation] for rule in PERPETUAL.rules.values()}
    assert len(PERPETUAL.rules) == 25
    assert program.suite == DEFAULT_SUITE.identifier


def test_an_operation_takes_all_that_is_said(program: Program) -> None:
    names = [entry.name for entry in program.tables["withdraw"].inputs]
    assert names == ["account", "amount", "intent.slot", "intent.nonce", "intent.expiry", "intent.authorised"]
    assert len(program.tables["oracle_tick"].inputs) == 1 + 4 * (2 + 8 + 8) + 1


def test_recording_is_deterministic(program: Program, root: Path) -> None:
    """Twice in one process, and again in processes that hash strings differently."""
    assert write_program(record_program()) == write_program(program)
    code = "from perp_proofs.program.listing import write_program\nfrom perp_proofs.program.recorder import "
    code += "record_program\nprint(write_program(record_program()), end='')"
    path = ":".join(str(root / name) for name in ("spec", "reference", "proofs"))
    for seed in ("1", "2"):
        ran = subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONPATH": path, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        assert ran.stdout == write_program(program)


def test_every_table_is_called(program: Program) -> None:
    called = {name for each in program.tables.values() for name in callees(each)}
    assert called == {each.name for each in program.of_role("rule")}


def test_a_table_stands_after_those_that_it_calls(program: Program) -> None:
    names = list(program.tables)
    for each in program.tables.values():
        assert all(names.index(callee) < names.index(each.name) for callee in callees(each))


def live_values(each: Table) -> set[int]:
    """Values of a table that something uses."""
    return {value for instruction in each.instructions for value in instruction.operands} | set(each.results)


def test_nothing_is_recorded_that_nothing_uses(program: Program) -> None:
    """Results of calls and loads come together, so some of them may be unused; and what an operation says stays."""
    for each in program.tables.values():
        used = live_values(each)
        for number, instruction in each.numbered():
            whole = instruction.code in ("load", "call", "call_if", "sweep", "total", "fold", "floor", "ceil")
            said = instruction.code == "input" and each.role != "rule"
            made = range(number, number + len(instruction.types))
            assert whole or said or all(value in used for value in made), (each.name, instruction)


# Single primitives


def test_a_sum_is_one_form(vault_after: VaultAfter) -> None:
    def rule(op: Say, ledger: Ledger) -> tuple[Ledger]:
        return noted(op, ledger, 2 * op.first - op.second + 5)

    program = recorded(rule, LEDGER)
    assert shown(program)[0] == "linear = 2 * first - second + 5"
    assert vault_after(program, 10, 4) == 21


def test_a_sum_of_many_words_is_split() -> None:
    def rule(op: Say, ledger: Ledger) -> tuple[Ledger]:
        return noted(op, ledger, op.first + op.second + ledger.vault + ledger.bucket + ledger.claims + ledger.bankrupt)

    assert shown(recorded(rule, LEDGER))[1:3] == [
        "linear = first + second + Ledger.vault + Ledger.bucket",
        "linear'2 = Ledger.bankrupt + Ledger.claims + linear",
    ]


def test_floor_and_remainder_are_one_division(vault_after: VaultAfter) -> None:
    def rule(op: Say, ledger: Ledger) -> tuple[Ledger]:
        return noted(op, ledger, mul_div_floor(op.first, op.second, 7) + mul_div_remainder(op.second, op.first, 7))

    program = recorded(rule, LEDGER)
    assert shown(program)[:2] == ["q, q'2 = floor(first * second / 7)", "linear = q + q'2"]
    assert vault_after(program, -10, 4) == -6 + 2


@pytest.mark.parametrize(("first", "second"), [(10, 3), (-10, 3), (0, 3), (9, 3), (-9, 3)])
def test_a_quotient_toward_plus_infinity(vault_after: VaultAfter, first: int, second: int) -> None:
    def rule(op: Say, ledger: Ledger) -> tuple[Ledger]:
        return noted(op, ledger, mul_div_ceil(op.first, 1, maximum(op.second, 1)))

    assert vault_after(recorded(rule, LEDGER), first, second) == -(-first // second)


def test_a_comparison_and_its_negation_are_one() -> None:
    def rule(op: Say, ledger: Ledger) -> tuple[Ledger]:
        require(op.first <= op.second, Reason.AMOUNT)
        require(negate(op.second < op.first), Reason.AMOUNT)
        return noted(op, ledger, select(op.first > op.second, op.first, op.second))

    assert [line for line in shown(recorded(rule, LEDGER)) if "<=" in line] == ["at_most = first - second <= 0"]


def test_a_choice_of_constants_is_no_choice(vault_after: VaultAfter) -> None:
    def rule(op: Say, ledger: Ledger) -> tuple[Ledger]:
        sign = select(op.first >= 0, 1, -1)
        return noted(op, ledger, sign * op.second)

    program = recorded(rule, LEDGER)
    assert shown(program)[:3] == [
        "at_most = first + 1 <= 0",
        "linear = -second",
        "select = linear if at_most else second",
    ]
    assert [vault_after(program, first, 7) for first in (-2, 0, 2)] == [-7, 7, 7]


def test_a_guard_of_several_conditions_is_several_guards() -> None:
    def rule(op: Say, ledger: Ledger) -> tuple[Ledger]:
        require(both(op.first >= 1, negate(either(op.second < 0, op.second > 9))), Reason.AMOUNT)
        return noted(op, ledger, op.first)

    assert sorted(line for line in shown(recorded(rule, LEDGER)) if "require" in line) == [
        "require at_most'3 else 2",
        "require not else 2",
        "require not'2 else 2",
    ]


@pytest.mark.parametrize(("first", "expected"), [(-5, 5), (0, 0), (5, 5)])
def test_the_magnitude_of_a_number(vault_after: VaultAfter, first: int, expected: int) -> None:
    def rule(op: Say, ledger: Ledger) -> tuple[Ledger]:
        return noted(op, ledger, absolute(op.first))

    assert vault_after(recorded(rule, LEDGER), first, 0) == expected


# Attempts and conditional calls


def half(op: Say) -> int:
    """Half of a number that is even and positive."""
    require(op.first >= 1, Reason.AMOUNT)
    require(mul_div_remainder(op.first, 1, 2) == 0, Reason.LOTS)
    require(op.second >= op.first, Reason.BUCKET)
    return mul_div_floor(op.first, op.first, op.second)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [(4, 16, 1), (0, 16, 1000 * Reason.AMOUNT - 7), (3, 0, 1000 * Reason.LOTS - 7), (4, 0, 1000 * Reason.BUCKET - 7)],
)
def test_an_attempt_gives_the_code_of_the_first_false_guard(
    vault_after: VaultAfter, first: int, second: int, expected: int
) -> None:
    """Also where the divisor after that guard is 0."""

    def rule(op: Say, ledger: Ledger) -> tuple[Ledger]:
        code, got = attempt(half, op, otherwise=-7)
        return noted(op, ledger, 1000 * code + got)

    assert vault_after(recorded(rule, LEDGER), first, second) == expected


@table()
def checked_half(op: Say) -> int:
    """Half of a number, in a table of its own."""
    return half(op)


@pytest.mark.parametrize(("first", "expected"), [(4, 1), (3, 1000 * Reason.LOTS - 7)])
def test_guards_of_a_table_are_values_where_it_is_attempted(vault_after: VaultAfter, first: int, expected: int) -> None:
    def rule(op: Say, ledger: Ledger) -> tuple[Ledger]:
        code, got = attempt(checked_half, op, otherwise=-7)
        return noted(op, ledger, 1000 * code + got)

    program = recorded(rule, LEDGER)
    assert program.tables["checked_half"].coded
    assert vault_after(program, first, 16) == expected


def test_a_table_that_is_attempted_elsewhere_is_refused_by_its_code() -> None:
    def rule(op: Say, ledger: Ledger) -> tuple[Ledger]:
        code, _ = attempt(checked_half, op, otherwise=0)
        return noted(op, ledger, checked_half(Say(op.account, op.second, op.first)) + code)

    assert "require checked_half'3 == 0" in shown(recorded(rule, LEDGER))


def test_a_conditional_call_gives_the_other_value_where_it_is_not_made(vault_after: VaultAfter) -> None:
    def rule(op: Say, ledger: Ledger) -> tuple[Ledger]:
        return noted(op, ledger, call_if(op.first >= 1, checked_half, op, otherwise=op.second))

    program = recorded(rule, LEDGER)
    assert [vault_after(program, first, 16) for first in (4, -3)] == [1, 16]


class Pair(NamedTuple):
    """Two records through a call."""

    price: MarketPrice
    twice: int


@table()
def through(price: MarketPrice, market: Market, number: int) -> Pair:
    """A record that is not changed, a configuration by its key, and a number."""
    return Pair(price, 2 * number + market.max_price)


def test_a_call_moves_what_the_callee_uses() -> None:
    def rule(op: Say, market: Market, price: MarketPrice, ledger: Ledger) -> tuple[Ledger]:
        pair = through(price, market, op.first)
        return noted(op, ledger, pair.twice + pair.price.index)

    program = recorded(rule, reads(Market, "account"), reads(MarketPrice, "account"), LEDGER)
    assert show_table(program, program.tables["through"]) == [
        "rule through(market.id, number)",
        "  Market.max_price = config Market(market.id)",
        "  twice = 2 * number + Market.max_price",
        "  return twice",
    ]
    assert "through = call through(account, first)" in shown(program)


# What is outside of the language


@table(width=1)
def own_size(position: Position, price: MarketPrice, market: Market) -> tuple[int]:
    """The size of a position."""
    return (absolute(position.size),)


@table(width=1)
def settled_size(position: Position, price: MarketPrice, market: Market) -> tuple[Position, tuple[int]]:
    """A position with another size."""
    return Position(position.market, position.size + 1, position.snapshot), (position.size,)


def branches(op: Say, ledger: Ledger) -> tuple[Ledger]:
    """A branch on a value."""
    return noted(op, ledger, 1 if op.first > 0 else 2)


def asks(op: Say, ledger: Ledger) -> tuple[Ledger]:
    """An `and` on values."""
    return noted(op, ledger, select(op.first > 0 and op.second > 0, 1, 2))


def looks_up(op: Say, ledger: Ledger) -> tuple[Ledger]:
    """A dictionary looked up by a value."""
    return noted(op, ledger, {1: 2}.get(op.first, 3))


def calls_no_table(op: Say, ledger: Ledger) -> tuple[Ledger]:
    """A conditional call of a plain function."""
    return noted(op, ledger, call_if(op.first > 0, half, op, otherwise=0))


def stores_wide(op: Say, ledger: Ledger) -> tuple[Ledger]:
    """A word in a field for small numbers."""
    return (Ledger(dust=op.first),)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (branches, "a rule branches on a value"),
        (asks, "a rule branches on a value"),
        (looks_up, "a rule hashes a value"),
        (calls_no_table, "half is called on a condition but is no table"),
        (stores_wide, f"stores_wide: a number in {(-AMOUNT_MAX, AMOUNT_MAX)} where a small one is needed"),
    ],
)
def test_what_is_outside_of_the_language_is_refused(rule: Callable[..., Any], message: str) -> None:
    with pytest.raises(RecordingError) as error:
        recorded(rule, LEDGER)
    assert str(error.value) == message


HELD = (updates(Account, "account"), updates_held("account"))


def test_what_is_stored_must_be_what_was_swept() -> None:
    def rule(op: Say, account: Account, held: Any) -> tuple[Account, Any]:
        return account, held

    with pytest.raises(RecordingError) as error:
        recorded(rule, *HELD)
    assert str(error.value) == "rule: what is returned for its records is not what was swept"


def test_a_second_loop_reads_the_positions_as_they_were(records: Any) -> None:
    def rule(op: Say, account: Account, held: Any) -> tuple[Account, Any]:
        stored, _ = sweep(settled_size, held)
        (size,) = total(own_size, held)
        return Account(collateral=size), stored

    program = recorded(rule, *HELD)
    account = [0] * len(program.records["Account"].fields)
    account[[entry.name for entry in program.records["Account"].fields].index("slots")] = 2
    known = {("Account", (3,)): account, ("Position", (3, 0)): [1, 5, 0], ("Position", (3, 1)): [2, -7, 0]}
    memory = records(program, known)
    Run(program, memory).operation("rule", [3, 0, 0])
    assert memory.records["Account", (3,)] == [0, 0, 0, 0, 12, 0, 0, 0]
    assert memory.records["Position", (3, 0)] == [1, 6, 0]
    assert memory.records["Position", (3, 1)] == [2, -6, 0]


def test_positions_that_are_only_read_are_not_stored() -> None:
    def rule(op: Say, account: Account, held: Any, ledger: Ledger) -> tuple[Ledger]:
        _, (size,) = sweep(settled_size, held)
        return noted(op, ledger, minimum(size, 5))

    program = recorded(rule, reads(Account, "account"), reads_held("account"), LEDGER)
    assert any("sweep held:settled_size(account, Account.slots, 0)" in line for line in shown(program))


def test_the_exchange_is_loaded_without_a_key() -> None:
    def rule(op: Say, exchange: Exchange, ledger: Ledger) -> tuple[Ledger]:
        return noted(op, ledger, exchange.number)

    assert "load Exchange()" in shown(recorded(rule, reads(Exchange), LEDGER))[0]
