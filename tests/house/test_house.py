"""The house agrees with itself: commands, tiers, locks, wheel."""

import itertools
import re
import subprocess
import sys
import tomllib
import zipfile
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType

import pytest

from perp_cli import __version__
from perp_cli.commands import COMMANDS, TIERS
from perp_cli.commands.test import MARKERS, marker_expression

README_COMMANDS = ("demo", "test")
PACKAGES = {"perp_hash", "perp_spec", "perp_reference", "perp_cli", "perp_proofs"}
LOCKS = ("runtime", "test", "proofs", "docs")


@pytest.fixture(scope="session")
def bootstrap(root: Path) -> ModuleType:
    """The program `./perp` as a module."""
    loader = SourceFileLoader("bootstrap", str(root / "perp"))
    spec = spec_from_loader(loader.name, loader)
    assert spec is not None
    module = module_from_spec(spec)
    loader.exec_module(module)
    return module


def test_readme_names_both_commands(root: Path) -> None:
    first_screen = (root / "README.md").read_text(encoding="utf-8").splitlines()[:30]
    commands = tuple(line.split()[1] for line in first_screen if line.startswith("    ./perp "))
    assert commands[: len(README_COMMANDS)] == README_COMMANDS


@pytest.mark.parametrize("command", README_COMMANDS)
def test_ci_runs_each_command_of_the_readme(root: Path, command: str) -> None:
    if command in {known.name for known in COMMANDS}:
        assert f"./perp {command}" in (root / ".ci" / "run").read_text(encoding="utf-8")


def test_tiers_are_the_markers_that_core_leaves_out(root: Path) -> None:
    settings = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["pytest"]
    markers = [marker.partition(":")[0] for marker in settings["markers"]]
    assert markers == list(MARKERS)
    assert settings["addopts"][-1] == marker_expression(["core"])


@pytest.mark.parametrize(
    ("tiers", "expression"),
    [
        (["data"], "data"),
        (["data", "stark-long"], "data or stark_long"),
        (["core", "data", "stark-long"], "not polyglot and not browser and not proofs and not mutation"),
        (["core", *(marker.replace("_", "-") for marker in MARKERS)], ""),
    ],
)
def test_marker_expression(tiers: list[str], expression: str) -> None:
    assert marker_expression(tiers) == expression


def pins(root: Path, lock: str) -> dict[str, str]:
    """Returns each requirement line of a lock with the hashes that follow it."""
    text = (root / "requirements" / f"{lock}.txt").read_text(encoding="utf-8")
    statements = [line for line in text.replace("\\\n", " ").splitlines() if not line.startswith("#")]
    return {re.sub(r"\s+--hash=.*", "", statement): statement for statement in statements}


@pytest.mark.parametrize("lock", [*LOCKS, "tools"])
def test_every_locked_requirement_is_exact_and_hashed(root: Path, lock: str) -> None:
    for pin, statement in pins(root, lock).items():
        assert re.match(r"[a-z0-9.-]+==[\w.]+( ; .*)?$", pin)
        assert re.search(r" --hash=sha256:[0-9a-f]{64}", statement)
        assert "://" not in statement


@pytest.mark.parametrize(("smaller", "larger"), list(itertools.pairwise(LOCKS)))
def test_each_lock_is_a_part_of_the_next(root: Path, smaller: str, larger: str) -> None:
    assert pins(root, smaller).items() <= pins(root, larger).items()


def test_locks_hold_what_the_project_asks_for(root: Path) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = {"runtime": project["dependencies"], **project["optional-dependencies"]}
    for lock in LOCKS:
        locked = {pin.partition("==")[0] for pin in pins(root, lock)}
        assert {re.split(r"[\[<>=]", requirement)[0] for requirement in asked[lock]} <= locked


@pytest.mark.parametrize(
    ("arguments", "needed"),
    [
        (["demo"], "runtime"),
        (["version", "--json"], "runtime"),
        (["test"], "test"),
        (["test", "--tier", "core", "data"], "test"),
        (["test", "--tier", "proofs"], "proofs"),
        (["test", "--tier=proofs"], "proofs"),
        (["test", "--", "-k", "proofs"], "test"),
        (["show", "--tier", "proofs"], "runtime"),
        (["starkex", "check", "x"], "runtime"),
        (["starkex", "prove"], "proofs"),
        (["frob"], ""),
        (["--version"], ""),
    ],
)
def test_bootstrap_knows_what_a_command_needs(bootstrap: ModuleType, arguments: list[str], needed: str) -> None:
    assert bootstrap.needed_set(arguments) == needed


def test_bootstrap_knows_the_locks(bootstrap: ModuleType) -> None:
    assert bootstrap.REQUIREMENT_SETS == LOCKS
    needed = {entry.requirements for entry in (*COMMANDS, *TIERS)}
    assert needed.union(*(command.raised.values() for command in COMMANDS)) <= set(LOCKS)


def test_a_tier_is_listed_where_it_has_tests(root: Path) -> None:
    files = [path.read_text(encoding="utf-8") for path in (root / "tests").rglob("test_*.py")]
    marked = {marker for marker in MARKERS if any(re.search(rf"pytest\.mark\.{marker}\b", text) for text in files)}
    assert {tier.name.replace("-", "_") for tier in TIERS} == {"core", *marked}


def test_a_tier_installs_what_its_tests_are_collected_for(root: Path) -> None:
    """Given tests that are left out where no solver is installed, then their tiers install one."""
    needed = {tier.name.replace("-", "_"): LOCKS.index(tier.requirements) for tier in TIERS}
    found = set[str]()
    for settings in (root / "tests").rglob("conftest.py"):
        text = settings.read_text(encoding="utf-8")
        left_out = re.findall(r'"(test_\w+\.py)"', text) or ["**/test_*.py"] * ("collect_ignore" in text)
        for file in (file for pattern in left_out for file in settings.parent.glob(pattern)):
            tiers = set(re.findall(r"pytest\.mark\.(\w+)", file.read_text(encoding="utf-8"))) & set(MARKERS)
            found |= {tier for tier in tiers if needed[tier] < LOCKS.index("proofs")}
    assert found == set()


def test_wheel_holds_the_packages_and_nothing_else(root: Path, tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    subprocess.run(build, cwd=root, capture_output=True, check=True)
    wheel = tmp_path / f"perpspec-{__version__}-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as archive:
        tops = {name.partition("/")[0] for name in archive.namelist()}
        entry_points = archive.read(f"perpspec-{__version__}.dist-info/entry_points.txt").decode()
    present = {name for name in PACKAGES if any(root.glob(f"*/{name}/__init__.py"))}
    assert tops == {*present, f"perpspec-{__version__}.dist-info"}
    assert "perp = perp_cli.__main__:start" in entry_points
