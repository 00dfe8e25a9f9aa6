"""The testee in Go, written from the documents alone, conforms wholly."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from perp_cli.main import main
from perp_reference.conformance.release import Vectors

pytestmark = pytest.mark.polyglot

Go = Callable[..., str]
"""Runs the go tool on the sources and gives what it writes."""


@pytest.fixture(scope="module")
def go(testees: Path) -> Go:
    tool = shutil.which("go") or "/usr/local/go/bin/go"

    def run(*arguments: str) -> str:
        return subprocess.run([tool, *arguments], cwd=testees / "go", check=True, capture_output=True, text=True).stdout

    return run


@pytest.fixture(scope="module")
def engine(go: Go, tmp_path_factory: pytest.TempPathFactory) -> str:
    built = tmp_path_factory.mktemp("go") / "perptestee"
    go("build", "-o", str(built), ".")
    return str(built)


def conform(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    code = main(["conform", "--json", "--level", "2", *arguments])
    return code, json.loads(capsys.readouterr().out)


def test_its_sources_are_formatted_and_pass_their_own_tests(go: Go) -> None:
    formatter = Path(go("env", "GOROOT").strip()) / "bin" / "gofmt"
    listed = subprocess.run(
        [str(formatter), "-l", go("list", "-f", "{{.Dir}}").strip()], check=True, capture_output=True
    )
    assert listed.stdout == b""
    go("vet", "./...")
    go("test", "./...")


def test_it_conforms_at_level_2_and_shows_all_there_is(
    capsys: pytest.CaptureFixture[str], engine: str, vectors: Vectors
) -> None:
    code, found = conform(capsys, "--", engine)
    assert (code, found["verdict"], found["failures"], found["restarts"]) == (0, "conforms", [], 0)
    of_starkex = sum(fixture.rules == "starkex" for _, fixture, _ in vectors.cases())
    assert set(found["counts"]) == {"pass", "unsupported"}
    assert found["counts"]["unsupported"] == of_starkex


@pytest.mark.parametrize("shown", ["reason", "delta", "root"])
def test_it_conforms_one_operation_at_a_time_whatever_it_shows(
    capsys: pytest.CaptureFixture[str], engine: str, shown: str
) -> None:
    code, found = conform(capsys, "--only", "forced_reduce", "--", engine, "-stepwise", "-observes", shown)
    assert (code, found["verdict"], set(found["counts"])) == (0, "conforms", {"pass"})
