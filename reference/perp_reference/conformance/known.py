"""Lists of known failures: each line a case, its verdict, its step and why, apart by spaces. They cannot go stale.

A case on the list must fail in just the listed way: one that passes, or fails otherwise, fails the run, and so does one
that is not among the vectors.
"""

from collections.abc import Iterable
from pathlib import Path

from attrs import frozen

from perp_reference.conformance.judge import (
    CRASH,
    NOT_ATOMIC,
    OUTCOME,
    OUTPUTS,
    PROTOCOL_ERROR,
    REASON,
    ROOT,
    STATE,
    TIMEOUT,
)
from perp_reference.errors import MalformedInput
from perp_reference.formats.text import lines_of, read_file

FAILURES = (OUTCOME, REASON, STATE, ROOT, OUTPUTS, NOT_ATOMIC, CRASH, TIMEOUT, PROTOCOL_ERROR)

NO_STEP = "-"


@frozen
class Known:
    """A case that is known to fail."""

    case: str
    verdict: str
    step: int | None
    why: str

    @property
    def line(self) -> str:
        """Its line in a list."""
        step = NO_STEP if self.step is None else str(self.step)
        return f"{self.case} {self.verdict} {step} {self.why}".rstrip()


def read_known(path: Path) -> dict[str, Known]:
    """The list in a file, by case.

    Raises:
        MalformedInput: It cannot be read, or a line breaks the format.
    """
    file = str(path)
    found: dict[str, Known] = {}
    for number, text in lines_of(read_file(path), file):
        if not text.strip() or text.startswith("#"):
            continue
        known = parse(text, file, number)
        if known.case in found:
            raise MalformedInput(file, number, None, "each case once", f"{known.case} twice")
        found[known.case] = known
    return found


def parse(text: str, file: str, number: int) -> Known:
    """A line of a list.

    Raises:
        MalformedInput: It breaks the format.
    """
    parts = text.split(maxsplit=3)
    if len(parts) < 3:
        raise MalformedInput(file, number, None, "a case, a verdict, a step, and why", text)
    case, verdict, step = parts[:3]
    if verdict not in FAILURES:
        raise MalformedInput(file, number, "verdict", f"one of {', '.join(FAILURES)}", verdict)
    if step != NO_STEP and not (step.isascii() and step.isdigit() and len(step) < 7):
        raise MalformedInput(file, number, "step", f"a number or {NO_STEP}", step)
    return Known(case, verdict, None if step == NO_STEP else int(step), parts[3] if len(parts) > 3 else "")


def encode_known(failures: Iterable[Known]) -> bytes:
    """The text of a list."""
    head = "# Known failures: case, verdict, step, why.\n"
    return (head + "".join(f"{known.line}\n" for known in failures)).encode()
