"""Looks for inputs on which an implementation differs from the reference, and makes them small.

    perp fuzz [--seconds N] [--seed N] [--rules NAME] [--out DIR] -- COMMAND...
    perp fuzz --replay FILE -- COMMAND...

Scenarios near the vectors run on both. The first divergence is shrunk to few operations and small numbers and written
as a fixture; --replay runs such a fixture again. 0: none was found, or the replayed case passes. 1: a divergence, or
nothing could be compared. 5: the divergence is that it crashes or times out.
"""

import argparse
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perp_cli.arguments import path, seconds, whole
from perp_cli.commands.conform import (
    LEVEL,
    LOG_SHOWN,
    add_time_arguments,
    asked,
    open_vectors,
    report_no_start,
    start,
)
from perp_cli.exit_codes import ExitCode
from perp_cli.files import cannot_be_written, pending
from perp_cli.output import Output

if TYPE_CHECKING:
    from perp_reference.conformance.differ import Differ, Divergence
    from perp_reference.conformance.tester import Tester

LARGEST_SEED = 2**63 - 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Takes how long to look, where to begin, and the command."""
    parser.add_argument("--seconds", metavar="N", type=seconds, default=60.0, help="how long to look, 60 by default")
    begin = "where to begin; another seed finds other inputs"
    parser.add_argument("--seed", metavar="N", type=whole(0, LARGEST_SEED), default=0, help=begin)
    parser.add_argument("--rules", choices=("perpetual", "starkex"), default="", help="one rule set only")
    parser.add_argument("--level", metavar="N", type=whole(0, 2), default=LEVEL, help="as of perp conform")
    archive = "archive to start from, by default the one of this checkout"
    parser.add_argument("--vectors", metavar="FILE", type=path, help=archive)
    add_time_arguments(parser)
    written = "where a divergence is written, by default here"
    parser.add_argument("--out", metavar="DIR", type=path, default=Path(), help=written)
    parser.add_argument("--replay", metavar="FILE", type=path, help="run the cases of a fixture instead")
    parser.add_argument("command", metavar="-- COMMAND", nargs="+", help="the command that starts the implementation")


def run(arguments: argparse.Namespace, output: Output) -> ExitCode:
    """Looks for a divergence, or replays one.

    Raises:
        MalformedInput: The archive or the fixture is malformed.
        UsageError: The command cannot be started, or the divergence cannot be written.
    """
    from perp_reference.conformance.tester import Failure, Tester

    with Tester(arguments.command, arguments.level, arguments.timeout, arguments.start_timeout) as tester:
        try:
            start(tester)
            return replay(tester, arguments, output) if arguments.replay else look(tester, arguments, output)
        except Failure as failure:
            return report_no_start(failure, tester, output)


def look(tester: "Tester", arguments: argparse.Namespace, output: Output) -> ExitCode:
    """Looks for a divergence.

    Raises:
        MalformedInput: The archive is malformed.
        UsageError: The divergence cannot be written.
    """
    from perp_reference.conformance.fixtures import encode_fixture
    from perp_reference.conformance.fuzz import Hunt, as_fixture, hunt

    vectors = open_vectors(arguments.vectors)
    directory = writable(arguments.out)

    def told(differ: "Differ", spent: float) -> None:
        output.progress(f"{spent:.0f} s: {differ.statistics.examples} examples")

    order = Hunt(arguments.seconds, arguments.seed, arguments.rules)
    differ, divergence, taken = hunt(tester, vectors, order, told)
    shown = differ.statistics.document()
    for name, value in shown.items():
        output.line(f"{name}: {value}")
    if divergence is None:
        found_none = differ.statistics.compared > 0
        output.line(f"no divergence in {taken:.0f} s" if found_none else "nothing was compared: connect an operation")
        output.document({"divergence": None, "statistics": shown})
        return ExitCode.OK if found_none else ExitCode.FALSE
    assert tester.testee is not None
    fixture = as_fixture(divergence, arguments.seed, tester.testee)
    file = directory / f"{fixture.cases[0].id.replace('/', '-')}.json"
    again = asked(arguments).again("fuzz", "--replay", str(file))
    output.line(f"found after {taken:.1f} s, shrunk to {len(divergence.scenario.steps)} operations")
    for line in told_of(divergence):
        output.line(line)
    output.flush()
    with pending(file) as (written,):
        assert written is not None
        written.write(encode_fixture(fixture))
    output.line(again)
    found = {"file": str(file), "case": fixture.cases[0].id, "seconds": round(taken, 2), "reproduce": again}
    output.document({"divergence": found | described(divergence), "statistics": shown})
    return code_of([divergence.judgement.verdict])


def writable(directory: Path) -> Path:
    """A directory that a divergence can be written to: that is known before it is looked for.

    Raises:
        UsageError: It is none.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory):
            return directory
    except OSError as error:
        raise cannot_be_written(directory, error) from None


def code_of(verdicts: Iterable[str]) -> ExitCode:
    """The exit code for verdicts of failed cases."""
    from perp_reference.conformance.judge import CRASH, TIMEOUT

    found = set(verdicts)
    if not found:
        return ExitCode.OK
    return ExitCode.TESTEE_CRASHED if found & {CRASH, TIMEOUT} else ExitCode.FALSE


def described(divergence: "Divergence") -> dict[str, object]:
    """A divergence for programs."""
    judgement = divergence.judgement
    return {
        "verdict": judgement.verdict,
        "rule": divergence.case.steps[divergence.step].op,
        "message": judgement.message,
        "log": judgement.log,
        "operations": len(divergence.scenario.steps),
        "steps": [{"op": name, "args": arguments} for name, arguments in divergence.scenario.steps],
    }


def told_of(divergence: "Divergence") -> list[str]:
    """A divergence for people."""
    import json

    judgement = divergence.judgement
    lines = [json.dumps({"op": name, **arguments}) for name, arguments in divergence.scenario.steps]
    lines.append(f"{judgement.verdict} in {divergence.case.steps[divergence.step].op}: {judgement.message}")
    lines += [f"  {d.path}: expected {d.expected}, got {d.got}" for d in judgement.differences]
    return [*lines, *(f"  log: {line}" for line in judgement.log[-LOG_SHOWN:].splitlines())]


def replay(tester: "Tester", arguments: argparse.Namespace, output: Output) -> ExitCode:
    """Runs the cases of a fixture.

    Raises:
        MalformedInput: The fixture is malformed.
    """
    from perp_reference.conformance.conform import Tried
    from perp_reference.conformance.fixtures import decode_fixture
    from perp_reference.conformance.judge import PASS
    from perp_reference.conformance.report import case_document, text_of
    from perp_reference.formats.text import read_file

    tester.gives_up = False
    file: Path = arguments.replay
    fixture = decode_fixture(read_file(file), str(file))
    failed: list[dict[str, Any]] = []
    for case in fixture.cases:
        judgement = tester.run(fixture.rules, fixture.config, case)
        if judgement.verdict != PASS:
            item = Tried(str(file), fixture.rules, fixture.config, case, judgement)
            failed.append(case_document(item, asked(arguments)))
            for line in list(text_of(item, asked(arguments)))[:-1]:
                output.line(line)
    output.line(f"{len(fixture.cases) - len(failed)} of {len(fixture.cases)} cases pass")
    output.document({"cases": len(fixture.cases), "failures": failed})
    return code_of(item["verdict"] for item in failed)
