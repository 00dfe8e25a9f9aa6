"""The recorded program on plain integers is the integer machine: outcomes, reasons and records."""

from collections import Counter
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import pytest

from perp_proofs.program.interpreter import OutOfType, Refused, Run
from perp_proofs.program.listing import Program, parse_program
from perp_proofs.program.shapes import flat
from perp_reference.core.machine import Machine, rule_of
from perp_spec.language import Rejected
from perp_spec.perpetual.common import PERPETUAL
from perp_spec.perpetual.defaults import default_parameters
from perp_spec.perpetual.operations import Header
from perp_spec.perpetual.records import Exchange, Ledger
from perp_spec.perpetual.rules.batch import begin_batch
from support.walk import Walk
from support.worlds import small_config

OPERATIONS = sorted(PERPETUAL.rules)
CORE_CASES = 40
MANY_CASES = 400
CORE_STEPS = 150
MANY_STEPS = 1_500

Compare = Callable[[str, range], Iterator[Any]]


def differences(
    comparisons: Iterator[Any],
) -> tuple[list[tuple[str, int]], list[tuple[str, int, OutOfType]], Counter[Any]]:
    """Cases on which the readings differ, values out of their type in cases of sound states, and outcomes."""
    differing: list[tuple[str, int]] = []
    out_of_type: list[tuple[str, int, OutOfType]] = []
    outcomes: Counter[Any] = Counter()
    for one in comparisons:
        case = one.case
        outcomes[one.ints.result] += 1
        if one.ints != one.recorded:
            differing.append((case.name, case.seed))
        assert one.run.stored_twice == []
        if not case.wild:
            out_of_type += [(case.name, case.seed, found) for found in one.run.out_of_type]
    return differing, out_of_type, outcomes


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_program_does_what_the_machine_does(compare: Compare, name: str) -> None:
    differing, out_of_type, outcomes = differences(compare(name, range(CORE_CASES)))
    assert differing == []
    assert out_of_type == []
    assert outcomes["accepted"] >= 1
    assert len(outcomes) >= 2


@pytest.mark.proofs
@pytest.mark.parametrize("name", OPERATIONS)
def test_the_program_does_what_the_machine_does_many_times(compare: Compare, name: str) -> None:
    differing, out_of_type, _ = differences(compare(name, range(CORE_CASES, CORE_CASES + MANY_CASES)))
    assert (differing, out_of_type) == ([], [])


# Histories


@pytest.fixture
def agreeing(program: Program, check: Callable[..., bool], monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Lets every operation of the machine run on the program too; counts by operation, and "differing"."""
    counted: Counter[str] = Counter()
    apply = Machine.apply

    def both(machine: Machine, operation: Any) -> None:
        counted[rule_of(operation).name] += 1
        counted["differing"] += not check(machine.state, operation)
        apply(machine, operation)

    monkeypatch.setattr(Machine, "apply", both)
    return counted


@pytest.mark.parametrize("seed", range(2))
def test_the_program_follows_a_history(agreeing: Counter[str], seed: int) -> None:
    """Given markets of leveraged accounts, when random things happen, then both readings go on together."""
    walk = Walk(Random(seed))
    walk.leverage()
    walk.run(CORE_STEPS, CORE_STEPS)
    assert agreeing["differing"] == 0
    assert agreeing.total() > CORE_STEPS


@pytest.mark.proofs
@pytest.mark.parametrize("seed", range(2, 10))
def test_the_program_follows_a_long_history(agreeing: Counter[str], seed: int) -> None:
    walk = Walk(Random(seed), small_config(families=2 + seed % 2))
    if seed % 4:
        walk.leverage()
    walk.run(MANY_STEPS, MANY_STEPS)
    assert agreeing["differing"] == 0


# What begins a batch


ROOT = 5
CONFIG_DIGEST = 6
BEGUN = Exchange(number=4, time=1_000, proven=2)
FILLED = Ledger(vault=10**9, bucket=7, bucket_at=900)


@pytest.mark.parametrize(
    "header",
    [
        Header(5, 1_000, ROOT, CONFIG_DIGEST),
        Header(5, 2**39, ROOT, CONFIG_DIGEST),
        Header(6, 1_000, ROOT, CONFIG_DIGEST),
        Header(5, 999, ROOT, CONFIG_DIGEST),
        Header(5, 1_000, 0, CONFIG_DIGEST),
        Header(5, 1_000, ROOT, 0),
    ],
)
def test_a_batch_begins_as_the_rules_say(program: Program, records: Any, header: Header) -> None:
    parameters = default_parameters()
    before = {("Exchange", ()): flat(BEGUN), ("Ledger", ()): flat(FILLED), ("Parameters", ()): flat(parameters)}
    memory = records(program, dict(before))
    reason = None
    expected: Any = (BEGUN, FILLED)
    try:
        expected = begin_batch(header, ROOT, CONFIG_DIGEST, parameters, BEGUN, FILLED)
    except Rejected as rejected:
        reason = rejected.reason
    refused = None
    try:
        Run(program, memory).operation("begin_batch", [*flat(header), ROOT, CONFIG_DIGEST])
    except Refused as refusal:
        refused = refusal.reason
    assert refused == reason
    assert [memory.records[name, ()] for name in ("Exchange", "Ledger")] == [flat(record) for record in expected]


# What it notes

LOOPING = """\
program toy suite
record Position state 2
  market small 0 3
  size word -9 9
record MarketPrice state 1
  price word 0 9
rule worth
  %0:word = input size | -9 9
  %1:word = input price | 0 9
  %2:word = multiply %0 %1
  %3:word = linear %0 | 1 1
  return %3 %2
operation grow 1
  %0:small = input account | 0 9
  %1:small = input slots | 0 3
  %2:small = input skip | 0 3
  %3:bit = input stores | 0 1
  %4:word = sweep held:worth %0 %1 %2 %3 | 1 0 2 1 2 1
  %5:word = constant | 9223372036854775807
  %6:word = linear %4 %5 | 1 1 0
  %7:bit = at_most %6 | 1 0
  require %7 | 9
  return
"""


@pytest.mark.parametrize("stores", [0, 1])
def test_a_loop_visits_all_slots_but_one(records: Any, stores: int) -> None:
    looping = parse_program(LOOPING)
    positions = {("Position", (3, slot)): [slot, 10 + slot] for slot in range(3)}
    prices = {("MarketPrice", (market,)): [100**market] for market in range(3)}
    memory = records(looping, positions | prices)
    run = Run(looping, memory)
    with pytest.raises(Refused) as error:
        run.operation("grow", [3, 3, 1, stores])
    assert error.value.reason == 9
    stored = {("Position", (3, 0)): [0, 11], ("Position", (3, 2)): [2, 13]}
    assert run.stores == (stored if stores else {})
    assert memory.stored == []
    assert run.rows == {"grow": 1, "worth": 2}
    assert run.out_of_type == [OutOfType("grow", 6, 2**63 - 1 + 10 + 12 * 100**2)]
