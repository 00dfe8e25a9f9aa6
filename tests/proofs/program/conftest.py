"""Fixtures of the recorded program: it, and both readings run on random cases."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from perp_proofs.program.interpreter import Run
from perp_proofs.program.listing import Program
from perp_proofs.program.recorder import record_program
from perp_reference.core.machine import Machine, rule_of
from perp_reference.core.state import State
from support.cases import Case, Outcome, Records, make_case, run_ints, run_program


@pytest.fixture(scope="session")
def records() -> type[Records]:
    """The class of memories that hold a few records."""
    return Records


@pytest.fixture(scope="session")
def program() -> Program:
    """The recorded rules."""
    return record_program()


@dataclass
class Comparison:
    """What two readings make of a case."""

    case: Case
    ints: Outcome
    recorded: Outcome
    run: Run


Compare = Callable[[str, range], Iterator[Comparison]]


@pytest.fixture(scope="session")
def compare(program: Program) -> Compare:
    """A function that yields what both readings make of the cases of an operation with some seeds."""

    def of(name: str, seeds: range) -> Iterator[Comparison]:
        for seed in seeds:
            case = make_case(name, seed)
            recorded, run = run_program(program, case.state, case.operation)
            yield Comparison(case, run_ints(case.state, case.operation), recorded, run)

    return of


@pytest.fixture
def check(program: Program, monkeypatch: pytest.MonkeyPatch) -> Callable[[State, Any], bool]:
    """A function that tells whether both readings do the same with an operation.

    And whether, unless the operation is malformed, all values are in their types.
    """
    apply = Machine.apply

    def same(state: State, operation: Any) -> bool:
        recorded, run = run_program(program, state, operation)
        with monkeypatch.context() as patch:
            patch.setattr(Machine, "apply", apply)
            ints = run_ints(state, operation)
        name = rule_of(operation).name
        said = range(len(program.tables[name].inputs))
        malformed = any(found.table == name and found.number in said for found in run.out_of_type)
        return ints == recorded and (malformed or not run.out_of_type) and not run.stored_twice

    return same
