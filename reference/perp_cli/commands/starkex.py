"""Checks the StarkEx rule set against the deployed program's outcomes, and proves claims about it.

    perp starkex check FILE.jsonl ...
    perp starkex prove [--goal NAME]

check: each line of a file is one case: a call of the program, a hash, or a whole batch, with what was observed. A case
agrees if the rules give the same outcome, code, state and output. The command fails if one does not.

prove: each claim is proved for all states, or refuted by a state that plain integers replay. Claims that are known to
fail in the deployed program are its weak points. The command fails if a claim does not end as it is known to.
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from perp_cli.arguments import path
from perp_cli.errors import UsageError
from perp_cli.exit_codes import ExitCode
from perp_cli.output import Output

if TYPE_CHECKING:
    from perp_proofs.smt.prove import Result
    from perp_proofs.smt.starkex.goals import Question
    from perp_reference.starkex.check import Checked, Difference

LONGEST_VALUE_CHARACTERS = 200
"""A value of a difference is cut here in the lines for people; the JSON object has it whole."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Takes what to do, and the files or the claim."""
    parser.add_argument("action", choices=("check", "prove"), help="run observed cases, or prove claims")
    parser.add_argument("files", metavar="FILE.jsonl", nargs="*", type=path, help="check: files of observed cases")
    parser.add_argument("--goal", metavar="NAME", help="prove: only this claim")


def run(arguments: argparse.Namespace, output: Output) -> ExitCode:
    """Checks every case of every file, or proves every claim.

    Raises:
        MalformedInput: A file breaks the format.
        UsageError: The arguments do not fit the action, there is no such claim, or no solver.
    """
    if arguments.action == "prove":
        if arguments.files:
            raise UsageError("starkex prove takes no files")
        return prove_claims(arguments, output)
    if arguments.goal is not None:
        raise UsageError("--goal is for starkex prove")
    if not arguments.files:
        raise UsageError("starkex check needs at least one FILE.jsonl")
    return check_files(arguments, output)


def check_files(arguments: argparse.Namespace, output: Output) -> ExitCode:
    """Checks every case of every file.

    Raises:
        MalformedInput: A file breaks the format.
    """
    from perp_reference.starkex.check import check_file

    files: list[dict[str, object]] = []
    failed: list[dict[str, object]] = []
    for file in arguments.files:
        cases = differing = 0
        for checked in check_file(file):
            cases += 1
            output.progress(f"case {cases:,} of {file}")
            if checked.differences:
                differing += 1
                failed.append(shown(file, checked, output))
        output.line(f"{file}: {cases - differing} of {cases} cases agree")
        files.append({"file": str(file), "cases": cases, "agree": cases - differing})
    output.document({"files": files, "differences": failed})
    return ExitCode.FALSE if failed else ExitCode.OK


def shown(file: Path, checked: "Checked", output: Output) -> dict[str, object]:
    """Shows a case that differs, and returns it for the document."""
    from perp_reference.starkex.check import as_json

    for difference in checked.differences:
        output.line(f"{file}:{checked.line}: {checked.identifier}: {said(difference)}")
    return {
        "file": str(file),
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


def prove_claims(arguments: argparse.Namespace, output: Output) -> ExitCode:
    """Proves or refutes each claim.

    Raises:
        UsageError: There is no such claim, or no solver.
    """
    try:
        from perp_proofs.smt.starkex.goals import QUESTIONS
        from perp_proofs.smt.starkex.prove import prove
    except ModuleNotFoundError as error:
        raise UsageError(f"{error.name} is not installed; it is in the extra `proofs` of perpspec") from None

    asked = [one for one in QUESTIONS if arguments.goal in (None, one.goal.name)]
    if not asked:
        raise UsageError(f"no claim is named {arguments.goal}; without --goal all are listed")
    shown: list[dict[str, object]] = []
    wrong = unknown = 0
    for place, question in enumerate(asked, 1):
        output.progress(f"claim {place} of {len(asked)}, {question.goal.name}")
        result = prove(question.goal)
        wrong += result.verdict is not question.expected
        unknown += result.verdict.value == "unknown"
        show_claim(question, result, output)
        shown.append(claim_document(question, result))
    output.line(f"{len(asked)} claims, {len(asked) - wrong} as known, {unknown} unknown")
    output.document({"claims": shown, "as_known": len(asked) - wrong, "unknown": unknown})
    return ExitCode.UNDECIDED if unknown else ExitCode.FALSE if wrong else ExitCode.OK


def show_claim(question: "Question", result: "Result", output: Output) -> None:
    """One line for a claim, and the state that breaks one that fails."""
    surprise = "" if result.verdict is question.expected else f", but known to be {question.expected.value}"
    output.line(f"{result.verdict.value:9}{result.seconds:5.1f} s  {question.goal.name}{surprise}")
    if result.values:
        output.line(f"            {question.goal.sentence} It fails:")
        for name, value in result.values.items():
            if value:
                output.line(f"              {name} = {value}")
        output.line(f"            In plain integers: {result.replayed}")
        if question.weak_point:
            output.line(f"            {question.weak_point}")


def claim_document(question: "Question", result: "Result") -> dict[str, object]:
    """A claim for programs."""
    return {
        "goal": question.goal.name,
        "sentence": question.goal.sentence,
        "assumptions": list(question.goal.assumptions),
        "verdict": result.verdict.value,
        "known": question.expected.value,
        "weak_point": question.weak_point,
        "failed": result.failed,
        "values": {name: value if isinstance(value, bool) else str(value) for name, value in result.values.items()},
        "replayed": result.replayed,
    }
