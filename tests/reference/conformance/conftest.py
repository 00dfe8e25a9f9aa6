"""The vectors, and testees to run on them."""

import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from perp_reference.conformance.fixtures import Case, Fixture, decode_fixture
from perp_reference.conformance.release import ARCHIVE, Vectors, read_vectors
from perp_reference.conformance.tester import Tester

Start = Callable[..., Tester]

DECODED = cache(decode_fixture)
"""The same bytes are decoded once: many runs begin with the whole archive."""


@pytest.fixture(autouse=True)
def _decoded_once(monkeypatch: pytest.MonkeyPatch) -> None:  # pyright: ignore[reportUnusedFunction]
    monkeypatch.setattr("perp_reference.conformance.release.decode_fixture", DECODED)


@pytest.fixture(scope="session")
def archive(root: Path) -> Path:
    """The archive of vectors."""
    return root / "tests" / "vectors" / "conformance" / ARCHIVE


@pytest.fixture(scope="session")
def vectors(archive: Path) -> Vectors:
    """The vectors."""
    return read_vectors(archive)


@pytest.fixture(scope="session")
def testees(root: Path) -> Path:
    """Where the testees are."""
    return root / "tests" / "testees"


def python(script: Path, *arguments: str) -> list[str]:
    """The command of a testee in Python."""
    return [sys.executable, str(script), *arguments]


def case_named(vectors: Vectors, name: str) -> tuple[Fixture, Case]:
    """A case and its fixture."""
    return next((fixture, case) for _, fixture, case in vectors.cases() if case.id == name)
