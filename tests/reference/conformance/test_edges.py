"""Edges: each comes out as it says, and notices the mistakes it is there for."""

from pathlib import Path

import pytest

from perp_reference.conformance.mutants import (
    EXPLANATIONS,
    Mutant,
    Trial,
    labels,
    mutated,
    notices,
    observed,
    read_explained,
)
from perp_reference.conformance.perpetual import PerpetualSession
from support.vectors.build import moment_of
from support.vectors.edges.collected import EDGES
from support.vectors.edges.edge import Edge


def trial_of(edge: Edge) -> Trial:
    world, steps = edge.begin()
    operations = [operation for operation, _ in steps]
    records = moment_of(world, operations[0]).records
    session = PerpetualSession(world.state.config)
    session.trusts_headers = True
    session.take(records)
    return Trial(edge.name, session, records, *observed(session, operations))


@pytest.fixture(scope="module")
def mutants_by_label() -> dict[str, Mutant]:
    return {label: mutant for mutant, label in labels().items()}


@pytest.mark.parametrize("edge", EDGES, ids=lambda edge: edge.name)
def test_an_edge_comes_out_as_it_says(edge: Edge) -> None:
    _, steps = edge.begin()
    assert [step.reason for step in trial_of(edge).steps] == [reason for _, reason in steps]


@pytest.mark.parametrize("edge", EDGES, ids=lambda edge: edge.name)
def test_an_edge_notices_each_of_its_mistakes(edge: Edge, mutants_by_label: dict[str, Mutant]) -> None:
    trial = trial_of(edge)
    assert not notices(trial)
    assert edge.notices
    for label in edge.notices:
        with mutated(mutants_by_label[label]):
            assert notices(trial), label


def test_each_edge_says_given_and_then() -> None:
    unclear = [edge.name for edge in EDGES if not (edge.comment.startswith("Given: ") and " Then: " in edge.comment)]
    assert unclear == []
    assert len({edge.name for edge in EDGES}) == len(EDGES)


def test_no_mistake_that_an_edge_notices_is_said_to_change_nothing(
    archive: Path, mutants_by_label: dict[str, Mutant]
) -> None:
    explanations = read_explained(archive.parent / EXPLANATIONS)
    assert explanations
    assert explanations.keys() <= mutants_by_label.keys()
    assert [label for edge in EDGES for label in edge.notices if label in explanations] == []
    assert all(len(why) > 30 for why in explanations.values())
