"""Runs observed cases of the deployed StarkEx program by the StarkEx rule set, and shows every difference.

    perp starkex check FILE.jsonl ...

Each line of a file is one case: a call of the program, a hash, or a whole batch, with what was observed. A case agrees
if the rules give the same outcome, code, state and output. The command fails if one does not.
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from perp_cli.exit_codes import ExitCode
from perp_cli.output import Output

if TYPE_CHECKING:
    from perp_reference.starkex.check import Checked, Difference

LONGEST_VALUE_CHARACTERS = 200
"""A value of a difference is cut here in the lines for people; the JSON object has it whole."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Takes what to do, and the files."""
    parser.add_argument("action", choices=("check",), help="what to do with the cases")
    parser.add_argument("files", metavar="FILE.jsonl", nargs="+", help="a file of observed cases")


def run(arguments: argparse.Namespace, output: Output) -> ExitCode:
    """Checks every case of every file.

    Raises:
        MalformedInput: A file breaks the format.
    """
    from perp_reference.starkex.check import check_file

    files: list[dict[str, object]] = []
    failed: list[dict[str, object]] = []
    for file in arguments.files:
        cases = differing = 0
        for checked in check_file(Path(file)):
            cases += 1
            if checked.differences:
                differing += 1
                failed.append(shown(file, checked, output))
        output.line(f"{file}: {cases - differing} of {cases} cases agree")
        files.append({"file": file, "cases": cases, "agree": cases - differing})
    output.document({"files": files, "differences": failed})
    return ExitCode.FALSE if failed else ExitCode.OK


def shown(file: str, checked: "Checked", output: Output) -> dict[str, object]:
    """Shows a case that differs, and returns it for the document."""
    from perp_reference.starkex.check import as_json

    for difference in checked.differences:
        output.line(f"{file}:{checked.line}: {checked.identifier}: {said(difference)}")
    return {
        "file": file,
        "line": checked.line,
        "case": checked.identifier,
        "kind": checked.kind,
        "differences": [as_json(difference) for difference in checked.differences],
    }


def said(difference: "Difference") -> str:
    """A difference in one line."""
    return f"{difference.path}: expected {cut(difference.expected)}, got {cut(difference.got)}"


def cut(value: object) -> str:
    """A value as a line for people shows it."""
    text = "nothing" if value is None else str(value)
    return text if len(text) <= LONGEST_VALUE_CHARACTERS else f"{text[:LONGEST_VALUE_CHARACTERS]}..."
