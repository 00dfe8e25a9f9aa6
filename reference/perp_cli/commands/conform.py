"""Tests an implementation of the rules, in any language, against the reference's vectors.

    perp conform [--level N] [--only RULE] [--junit FILE] [--report DIR] -- COMMAND...

COMMAND starts the implementation; it talks the protocol of docs/protocol.md. What comes out: conforms (0), does not
conform or is disqualified by a canary (1), crashed or timed out (5). With --junit a file is written also where the
implementation does not get past hello.
"""

import argparse
import contextlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from perp_cli.arguments import path, seconds, whole
from perp_cli.errors import UsageError
from perp_cli.exit_codes import ExitCode
from perp_cli.files import Pending, cannot_be_written, pending
from perp_cli.output import Output

if TYPE_CHECKING:
    from perp_reference.conformance.conform import Run
    from perp_reference.conformance.known import Known
    from perp_reference.conformance.release import Vectors
    from perp_reference.conformance.report import Asked
    from perp_reference.conformance.tester import Tester

MOST_SHOWN = 5
"""Divergences that are shown in full."""

LOG_SHOWN = 1000
"""Characters of an implementation's log that are shown where it ended."""

LEVEL = 1
SECONDS = 10.0
START_SECONDS = 60.0

CALLED_AS = "PERP_CALLED_AS"
"""Where ./perp says how it was called, so that a line printed here can be run as it is."""

EXIT_CODES = {
    "conforms": ExitCode.OK,
    "does not conform": ExitCode.FALSE,
    "disqualified": ExitCode.FALSE,
    "crashed or timed out": ExitCode.TESTEE_CRASHED,
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Takes what to run, how strictly, and where to report."""
    parser.add_argument(
        "--level", metavar="N", type=whole(0, 2), default=LEVEL, help="0 rejects, 1 a true reason, 2 the first"
    )
    parser.add_argument(
        "--only", metavar="RULE", default="", help="a rule, RULE.REASON, a rule set, or the id of cases"
    )
    archive = "archive of vectors, by default the one of this checkout"
    parser.add_argument("--vectors", metavar="FILE", type=path, help=archive)
    parser.add_argument("--known", metavar="FILE", type=path, help="list of known failures")
    written = "write what failed as a list of known failures, with what --known lists and still fails or was not run"
    parser.add_argument("--write-known", metavar="FILE", type=path, help=written)
    add_time_arguments(parser)
    parser.add_argument("--junit", metavar="FILE", type=path, help="write JUnit XML")
    parser.add_argument("--report", metavar="DIR", type=path, help="write report.jsonl and report.html")
    parser.add_argument("command", metavar="-- COMMAND", nargs="+", help="the command that starts the implementation")


def add_time_arguments(parser: argparse.ArgumentParser) -> None:
    """Takes how long the implementation has for an answer."""
    case = "for a case, each step adds a tenth of one (default 10)"
    parser.add_argument("--timeout", metavar="SECONDS", type=seconds, default=SECONDS, help=case)
    start = "for hello, a configuration, a state, and the first case, which may compile (default 60)"
    parser.add_argument("--start-timeout", metavar="SECONDS", type=seconds, default=START_SECONDS, help=start)


def run(arguments: argparse.Namespace, output: Output) -> ExitCode:
    """Runs the vectors.

    Raises:
        MalformedInput: The archive or the list of known failures is malformed.
        UsageError: The command cannot be started, no case is asked for, or a file cannot be written.
    """
    from perp_reference.conformance.conform import chosen, conform
    from perp_reference.conformance.known import read_known
    from perp_reference.conformance.tester import Failure, Tester

    vectors = open_vectors(arguments.vectors)
    if not any(chosen(arguments.only, fixture, case) for _, fixture, case in vectors.cases()):
        raise UsageError(f"no case is about {arguments.only}")
    known = read_known(arguments.known) if arguments.known else {}
    with (
        report_files(arguments) as files,
        Tester(arguments.command, arguments.level, arguments.timeout, arguments.start_timeout) as tester,
    ):
        try:
            start(tester)
        except Failure as failure:
            code = report_no_start(failure, tester, output)
            write_no_start(failure, tester, asked(arguments), files)
            return code

        def told(done: int, whole: int) -> None:
            output.progress(f"{done:,} of {whole:,} cases")

        came_out = conform(tester, vectors, arguments.level, arguments.only, known, told)
        report(tester, came_out, asked(arguments), output)
        output.flush()
        write(vectors, tester, came_out, asked(arguments), files, known)
    output.document(document(vectors, tester, came_out, asked(arguments)))
    return EXIT_CODES[came_out.verdict]


def asked(arguments: argparse.Namespace) -> "Asked":
    """How the run was asked for: the options that are not as by default, and the program as it was called."""
    from perp_reference.conformance.report import Asked

    options: list[str] = []
    for name, value, usual in (
        ("--level", arguments.level, LEVEL),
        ("--vectors", arguments.vectors, None),
        ("--timeout", arguments.timeout, SECONDS),
        ("--start-timeout", arguments.start_timeout, START_SECONDS),
    ):
        if value != usual:
            options += [name, f"{value:g}" if isinstance(value, float) else str(value)]
    return Asked(arguments.command, options, os.environ.get(CALLED_AS, "perp"))


def open_vectors(file: Path | None) -> "Vectors":
    """The vectors of an archive, or of this checkout.

    Raises:
        MalformedInput: The archive is malformed.
        UsageError: There is none.
    """
    from perp_reference.conformance.release import ARCHIVE, read_vectors

    own = Path(__file__).resolve().parents[3] / "tests" / "vectors" / "conformance" / ARCHIVE
    archive = own if file is None else file
    if not archive.is_file():
        raise UsageError(f"no vectors at {archive}; name an archive with --vectors")
    return read_vectors(archive)


def start(tester: "Tester") -> None:
    """Start the implementation.

    Raises:
        UsageError: There is no such program.
    """
    from perp_reference.conformance.process import NoCommandError

    try:
        tester.start()
    except NoCommandError as error:
        raise UsageError(str(error)) from None


def report_no_start(failure: Exception, tester: "Tester", output: Output) -> ExitCode:
    """Says why the implementation does not get past hello; whether it failed or broke the protocol is in the code."""
    from perp_reference.conformance.conform import BROKEN, NONCONFORMING
    from perp_reference.conformance.judge import PROTOCOL_ERROR
    from perp_reference.conformance.tester import verdict_of

    verdict = NONCONFORMING if verdict_of(failure) == PROTOCOL_ERROR else BROKEN
    output.line(f"the implementation does not get past hello: {failure}")
    log = tester.log[-LOG_SHOWN:]
    for line in log.splitlines():
        output.line(line)
    output.document({"verdict": verdict, "ended": str(failure), "log": log})
    return EXIT_CODES[verdict]


class Files(NamedTuple):
    """The files asked for, opened before anything is run."""

    junit: Pending | None
    lines: Pending | None
    page: Pending | None
    known: Pending | None


@contextlib.contextmanager
def report_files(arguments: argparse.Namespace) -> Iterator[Files]:
    """Opens the files asked for.

    Raises:
        UsageError: One cannot be written.
    """
    directory: Path | None = arguments.report
    pages: tuple[Path | None, Path | None] = (None, None)
    if directory is not None:
        try:
            directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise cannot_be_written(directory, error) from None
        pages = (directory / "report.jsonl", directory / "report.html")
    with pending(arguments.junit, *pages, arguments.write_known) as files:
        yield Files(*files)


def write_no_start(failure: Exception, tester: "Tester", asked: "Asked", files: Files) -> None:
    """Writes the files that can say that the implementation does not get past hello.

    Raises:
        UsageError: One cannot be written.
    """
    from perp_reference.conformance.report import junit_of_no_start

    if files.junit is not None:
        files.junit.write(junit_of_no_start(str(failure), tester.log, asked))


def write(
    vectors: "Vectors",
    tester: "Tester",
    came_out: "Run",
    asked: "Asked",
    files: Files,
    known: "Mapping[str, Known]",
) -> None:
    """Writes the files asked for.

    Raises:
        UsageError: One cannot be written.
    """
    from perp_reference.conformance.conform import known_after
    from perp_reference.conformance.known import encode_known
    from perp_reference.conformance.page import page
    from perp_reference.conformance.report import junit, lines

    testee = tester.testee
    assert testee is not None
    if files.junit is not None:
        files.junit.write(junit(testee, came_out, asked))
    if files.lines is not None:
        files.lines.write("".join(f"{line}\n" for line in lines(vectors, testee, came_out, asked)).encode())
    if files.page is not None:
        files.page.write(page(vectors, testee, came_out, asked).encode())
    if files.known is not None:
        files.known.write(encode_known(known_after(came_out, known)))


def report(tester: "Tester", came_out: "Run", asked: "Asked", output: Output) -> None:
    """Says what came out."""
    from perp_reference.conformance.report import text_of

    testee = tester.testee
    assert testee is not None
    for item in sorted(came_out.failures, key=lambda item: (len(item.case.steps), item.case.id))[:MOST_SHOWN]:
        for line in text_of(item, asked):
            output.line(line)
    if len(came_out.failures) > MOST_SHOWN:
        output.line(f"and {len(came_out.failures) - MOST_SHOWN} more; --report DIR shows all")
    for canary in came_out.canaries:
        if not canary.lives:
            output.line(f"canary {canary.kind} ({canary.case}): {canary.message}")
    for known in came_out.stale:
        output.line(f"known failure not as listed: {known.line}")
    if not came_out.canaries_sang and not came_out.ended:
        output.line("no canary was answered: connect withdraw, transfer or deposit, without which nothing conforms")
    if came_out.ended:
        output.line(f"ended: {came_out.ended}")
    for line in came_out.log[-LOG_SHOWN:].splitlines():
        output.line(line)
    by_rule = {rule: failed_of(found) for rule, found in came_out.by_rule.items()}
    bad = ", ".join(f"{rule} {count}" for rule, count in sorted(by_rule.items()) if count)
    if bad:
        output.line(f"failures by rule: {bad}")
    counts = ", ".join(f"{count} {verdict}" for verdict, count in sorted(came_out.counts.items()))
    observed = ", ".join(sorted(testee.observes)) or "nothing but outcomes"
    output.line(
        f"{testee.name} {testee.version} ({testee.language}) at level {came_out.level}: {counts or 'no case run'}"
    )
    output.line(f"observed: {observed}; {came_out.steps} steps in {came_out.seconds:.1f} s")
    output.line(came_out.verdict)


def failed_of(counts: "dict[str, int]") -> int:
    """How many of some verdicts are failures."""
    return sum(count for verdict, count in counts.items() if verdict.startswith(("fail.", "error.")))


def document(vectors: "Vectors", tester: "Tester", came_out: "Run", asked: "Asked") -> dict[str, object]:
    """What came out, for programs."""
    from perp_reference.conformance.report import case_document, footer, header

    assert tester.testee is not None
    canaries = [{"kind": c.kind, "case": c.case, "lives": c.lives, "message": c.message} for c in came_out.canaries]
    failures = [case_document(item, asked) for item in came_out.failures]
    head = header(vectors, tester.testee, came_out, asked)
    return {**head, **footer(came_out), "canaries": canaries, "failures": failures}
