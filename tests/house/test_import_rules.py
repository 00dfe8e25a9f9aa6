"""Imports point one way.

The rules keep the specification readable on its own, the reference core able to run in a browser, and the verifier
free of the prover. A new module that no rule speaks of is a violation too.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

SOURCES = ("spec", "reference", "proofs")
FIRST_PARTY = ("perp_hash", "perp_spec", "perp_reference", "perp_cli", "perp_proofs")
ATTRS = frozenset({"attr", "attrs"})
NONE: frozenset[str] = frozenset()
ANY: frozenset[str] | None = None


class Rule(NamedTuple):
    """What the modules under a name may import besides the standard library.

    Attributes:
        name: A package or module; the longest name that fits a module has the say.
        own: The project's packages and modules that are allowed.
        others: The third-party packages that are allowed, or `ANY`.
        exact: Whether the rule speaks of the named module alone, such as a package's `__init__`, which every import
            of a part of the package runs.
        without: Modules of the standard library that are not allowed.
    """

    name: str
    own: tuple[str, ...]
    others: frozenset[str] | None
    exact: bool = False
    without: frozenset[str] = NONE


LISTING = "perp_proofs.program.listing"

RULES = (
    Rule("perp_hash", ("perp_hash",), NONE),
    Rule("perp_spec", ("perp_spec", "perp_hash"), ATTRS),
    Rule("perp_reference", (), NONE, exact=True),
    Rule("perp_reference", ("perp_reference", "perp_spec", "perp_hash"), ANY),
    Rule("perp_reference.errors", (), NONE),
    Rule(
        "perp_reference.core",
        ("perp_reference.core", "perp_reference.errors", "perp_spec", "perp_hash"),
        ATTRS,
        without=frozenset({"sqlite3"}),
    ),
    Rule("perp_proofs", (), NONE, exact=True),
    Rule("perp_proofs.program", (), NONE, exact=True),
    Rule(LISTING, (LISTING, "perp_hash"), NONE),
    Rule("perp_proofs.program.interpreter", ("perp_proofs.program.interpreter", LISTING, "perp_hash"), NONE),
    Rule("perp_proofs.program.costs", ("perp_proofs.program.costs", LISTING), NONE),
    Rule("perp_proofs.program", ("perp_proofs.program", "perp_spec", "perp_hash"), ANY),
    Rule("perp_proofs.program.pruning", ("perp_proofs.program.pruning", LISTING), NONE),
    Rule("perp_proofs.certificates", ("perp_proofs.certificates",), NONE),
    Rule("perp_proofs.smt", ("perp_proofs.smt", "perp_proofs.certificates", "perp_spec", "perp_hash"), ANY),
    Rule("perp_proofs.crosshair", ("perp_proofs.crosshair", "perp_spec", "perp_hash"), ANY),
    Rule("perp_proofs.air", ("perp_proofs.air", LISTING, "perp_hash"), NONE),
    Rule("perp_proofs.verifier", ("perp_proofs.verifier", "perp_proofs.air", LISTING, "perp_hash"), NONE),
    Rule(
        "perp_proofs.stark",
        (
            "perp_proofs.stark",
            "perp_proofs.verifier",
            "perp_proofs.air",
            "perp_proofs.program",
            "perp_reference",
            "perp_spec",
            "perp_hash",
        ),
        ANY,
    ),
    Rule("perp_cli", FIRST_PARTY, ANY),
)


def within(module: str, name: str) -> bool:
    """Tells whether a module is the named one or a part of it."""
    return module == name or module.startswith(f"{name}.")


def rule_of(module: str) -> Rule | None:
    """Returns the rule that has the say over a module."""
    fitting = [rule for rule in RULES if (module == rule.name if rule.exact else within(module, rule.name))]
    return max(fitting, key=lambda rule: (len(rule.name), rule.exact), default=None)


def modules(root: Path) -> Iterator[tuple[str, Path]]:
    """Yields the name and file of each module of the project."""
    for source in SOURCES:
        for file in sorted((root / source).rglob("*.py")):
            parts = file.relative_to(root / source).with_suffix("").parts
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), file


def imports(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yields line and full name of everything a module imports; a name that cannot be told is "?"."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from ((node.lineno, name.name) for name in names)
            case ast.ImportFrom(level=0, module=str(module), names=names):
                yield from ((node.lineno, f"{module}.{name.name}") for name in names)
            case ast.ImportFrom():
                yield node.lineno, "?"
            case ast.Call(func=ast.Name(id="__import__") | ast.Attribute(attr="import_module"), args=arguments):
                match arguments:
                    case [ast.Constant(value=str(name)), *_]:
                        yield node.lineno, name
                    case _:
                        yield node.lineno, "?"
            case _:
                pass


def allowed(rule: Rule, target: str) -> bool:
    """Tells whether a rule allows an import."""
    top = target.partition(".")[0]
    if target.endswith(".*"):
        return False
    if target == "?":
        return rule.name == "perp_cli"
    if top in FIRST_PARTY:
        return any(within(target, name) for name in rule.own)
    if top in sys.stdlib_module_names:
        return top not in rule.without
    return rule.others is None or top in rule.others


def violations(root: Path) -> list[str]:
    """Returns each violation of the rules in a tree as `file:line: module imports target`."""
    found: list[str] = []
    for module, file in modules(root):
        place = file.relative_to(root).as_posix()
        rule = rule_of(module)
        if rule is None:
            found.append(f"{place}:1: no import rule speaks of {module}")
            continue
        tree = ast.parse(file.read_bytes(), filename=str(file))
        found += [
            f"{place}:{line}: {module} imports {target}" for line, target in imports(tree) if not allowed(rule, target)
        ]
    return found


def test_imports_point_one_way(root: Path) -> None:
    assert violations(root) == []


def test_the_tree_has_modules_to_check(root: Path) -> None:
    assert "perp_cli.main" in dict(modules(root))


@pytest.mark.parametrize(
    ("file", "line", "target"),
    [
        ("spec/perp_hash/suite.py", "import attrs", "attrs"),
        ("spec/perp_hash/suite.py", "import perp_spec.words", "perp_spec.words"),
        ("spec/perp_spec/rules.py", "import numpy as np", "numpy"),
        ("spec/perp_spec/rules.py", "from perp_reference import core", "perp_reference.core"),
        ("spec/perp_spec/rules.py", "from perp_hash.suite import *", "perp_hash.suite.*"),
        ("spec/perp_spec/rules.py", "from . import words", "?"),
        ("spec/perp_spec/rules.py", "def late():\n    import msgspec", "msgspec"),
        ("reference/perp_reference/__init__.py", "from perp_reference import core", "perp_reference.core"),
        ("reference/perp_reference/errors.py", "import attrs", "attrs"),
        ("reference/perp_reference/core/machine.py", "import numba", "numba"),
        ("reference/perp_reference/core/machine.py", "import sqlite3", "sqlite3"),
        ("reference/perp_reference/core/machine.py", "from perp_reference import store", "perp_reference.store"),
        ("reference/perp_reference/store/book.py", "import perp_cli.main", "perp_cli.main"),
        ("reference/perp_reference/store/book.py", "__import__('perp_proofs')", "perp_proofs"),
        ("reference/perp_reference/store/book.py", "import importlib\nimportlib.import_module(name)", "?"),
        ("proofs/perp_proofs/__init__.py", "from perp_proofs import stark", "perp_proofs.stark"),
        ("proofs/perp_proofs/program/__init__.py", "import perp_spec", "perp_spec"),
        ("proofs/perp_proofs/program/listing.py", "import perp_proofs.stark", "perp_proofs.stark"),
        ("proofs/perp_proofs/program/recorder.py", "import perp_reference.core", "perp_reference.core"),
        ("proofs/perp_proofs/smt/model.py", "from perp_reference.core import machine", "perp_reference.core.machine"),
        ("proofs/perp_proofs/air/tape.py", "from perp_proofs.stark import fri", "perp_proofs.stark.fri"),
        ("proofs/perp_proofs/air/tape.py", "import numpy", "numpy"),
        ("proofs/perp_proofs/verifier/verify.py", "from perp_proofs import stark", "perp_proofs.stark"),
        ("proofs/perp_proofs/verifier/verify.py", "import perp_spec", "perp_spec"),
        ("proofs/perp_proofs/stark/prove.py", "import perp_cli", "perp_cli"),
    ],
)
def test_a_forbidden_import_is_found(tmp_path: Path, file: str, line: str, target: str) -> None:
    place = tmp_path / file
    place.parent.mkdir(parents=True)
    place.write_text(f"{line}\n", encoding="utf-8")
    module = {path: name for name, path in modules(tmp_path)}[place]
    assert violations(tmp_path) == [f"{file}:{line.count(chr(10)) + 1}: {module} imports {target}"]


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("spec/perp_hash/suite.py", "import hashlib\nfrom perp_hash import constants"),
        ("spec/perp_spec/rules.py", "import enum\nimport attrs\nfrom perp_hash.suite import Suite"),
        ("reference/perp_reference/core/machine.py", "import attrs\nfrom perp_reference.errors import MalformedInput"),
        ("reference/perp_reference/kernels/health.py", "import numba\nimport perp_reference.core.machine"),
        ("reference/perp_reference/store/book.py", "import sqlite3\nimport msgspec"),
        ("proofs/perp_proofs/smt/model.py", "import z3\nimport perp_spec.rules"),
        ("proofs/perp_proofs/air/tape.py", "from perp_proofs.program import listing\nfrom perp_hash import suite"),
        ("proofs/perp_proofs/verifier/verify.py", "from perp_proofs.air import tape\nimport hashlib"),
        ("proofs/perp_proofs/stark/prove.py", "import numba\nfrom perp_proofs.program import recorder"),
        (
            "reference/perp_cli/commands/prove.py",
            "import importlib\nimportlib.import_module(name)\nimport perp_proofs.stark",
        ),
    ],
)
def test_an_allowed_import_passes(tmp_path: Path, file: str, line: str) -> None:
    place = tmp_path / file
    place.parent.mkdir(parents=True)
    place.write_text(f"{line}\n", encoding="utf-8")
    assert violations(tmp_path) == []


def test_a_module_without_a_rule_is_found(tmp_path: Path) -> None:
    place = tmp_path / "proofs" / "perp_proofs" / "elsewhere.py"
    place.parent.mkdir(parents=True)
    place.write_text("", encoding="utf-8")
    assert violations(tmp_path) == ["proofs/perp_proofs/elsewhere.py:1: no import rule speaks of perp_proofs.elsewhere"]
