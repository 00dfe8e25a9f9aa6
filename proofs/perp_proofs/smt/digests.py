"""What the proofs are about, in one number: a digest of the text of the rules, and one of the theorems.

Comments, docstrings and empty lines do not count, so that neither changes where only words did.
"""

import ast
import hashlib
import io
import tokenize
from pathlib import Path

import perp_proofs.smt
import perp_spec

SPEC = Path(perp_spec.__file__).parent
SMT = Path(perp_proofs.smt.__file__).parent

RULES = (
    *(SPEC / f"{name}.py" for name in ("language", "operation", "words")),
    *(SPEC / "perpetual" / f"{name}.py" for name in ("common", "health", "operations", "reasons", "records")),
    *sorted((SPEC / "perpetual" / "rules").glob("*.py")),
)
"""The files that say what an operation does."""

THEOREMS = (
    *(SMT / f"{name}.py" for name in ("catalogue", "contracts", "frame")),
    *sorted((SMT / "goals").rglob("*.py")),
)
"""The files that say what a theorem claims."""


def rules_digest() -> str:
    """The digest of the rules, 64 hexadecimal digits."""
    return digest_of(RULES)


def theorems_digest() -> str:
    """The digest of the theorems, 64 hexadecimal digits."""
    return digest_of(THEOREMS)


def digest_of(files: tuple[Path, ...]) -> str:
    """The digest of some modules' text."""
    whole = hashlib.sha256()
    for file in files:
        text = bare(file.read_text(encoding="utf-8"))
        whole.update(f"{file.parent.name}/{file.name} {len(text)}\n{text}".encode())
    return whole.hexdigest()


def bare(source: str) -> str:
    """A module's text without comments, docstrings and empty lines."""
    lines = source.splitlines()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            for row in range(node.lineno, (node.end_lineno or node.lineno) + 1):
                lines[row - 1] = ""
    return "".join(f"{line.rstrip()}\n" for line in lines if line.strip())
