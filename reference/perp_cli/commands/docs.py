"""Builds the documentation site, or serves it on this machine.

    perp docs build     gather the pages, check what they claim, render them into site/, follow every link
    perp docs serve     serve site/ on 127.0.0.1 until interrupted; builds it first where there is none

The site is made of docs/ and of the rules themselves. What does not hold is listed and nothing is built: a broken link,
a figure, sum, command or snippet that is no longer right, a reason without a sentence, a guard without an example, a
rule without theorem or vector. No page loads anything from outside. `perp docs build --pages` stops before rendering,
so that another renderer can have the pages: `mkdocs build`.
"""

import argparse
import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perp_cli.arguments import whole
from perp_cli.errors import UsageError
from perp_cli.exit_codes import ExitCode
from perp_cli.output import Output

if TYPE_CHECKING:
    from perp_reference.site.facts import Facts

ROOT = Path(__file__).resolve().parents[3]

PORT = 8000

FOLDS = 5
"""Layers of folding at the sizes for which the page of the proof system states its figures."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Takes what to do."""
    parser.add_argument("action", choices=("build", "serve"), help="what to do")
    parser.add_argument("--pages", action="store_true", help="with build: write build/docs, and render nothing")
    parser.add_argument(
        "--port",
        metavar="N",
        type=whole(0, 65_535),
        default=PORT,
        help=f"with serve: the port, {PORT} by default, 0 for any that is free",
    )


def run(arguments: argparse.Namespace, output: Output) -> ExitCode:
    """Builds or serves.

    Raises:
        UsageError: There is no checkout here, the port is taken, or the site has no place.
    """
    if not (ROOT / "docs").is_dir() or not (ROOT / "mkdocs.yml").is_file():
        raise UsageError("the pages are in a checkout of perpspec, not in an installation")
    if arguments.action == "serve":
        return serve(arguments, output)
    return build(output, pages_only=arguments.pages)


def build(output: Output, *, pages_only: bool) -> ExitCode:
    """Builds the site.

    Raises:
        UsageError: A file cannot be written.
    """
    from perp_cli.proving import proof_maker
    from perp_reference.site.build import PAGES, gather
    from perp_reference.site.build import build as build_site
    from perp_reference.site.faults import Faulty
    from perp_reference.site.playground import assemble

    output.progress("reading proofs, programs and vectors")
    facts = facts_of(ROOT)
    try:
        if pages_only:
            gather(ROOT, facts, output.progress)
            count = len(list((ROOT / PAGES).rglob("*.md")))
            output.line(f"{ROOT / PAGES}: {count} pages")
            output.document({"pages": count, "sources": str(ROOT / PAGES)})
        else:
            prove = proof_maker(output)
            playground = partial(assemble, entry="perp_cli.playground", prove=prove)
            built = build_site(ROOT, facts, output.progress, playground)
            output.line(f"{built.site}: {built.pages} pages in {built.seconds:.0f} s, every link leads somewhere")
            output.document({"pages": built.pages, "site": str(built.site), "seconds": round(built.seconds, 1)})
    except Faulty as faulty:
        for fault in faulty.faults:
            output.line(str(fault))
        output.line(f"{len(faulty.faults)} faults: there is no site")
        listed = [{"place": fault.place, "expected": fault.expected, "got": fault.said} for fault in faulty.faults]
        output.document({"faults": listed})
        return ExitCode.FALSE
    except OSError as error:
        raise UsageError(f"{error.filename} cannot be written: {error.strerror}") from None
    return ExitCode.OK


def serve(arguments: argparse.Namespace, output: Output) -> ExitCode:
    """Serves the site until interrupted.

    Raises:
        UsageError: The port is taken.
    """
    from perp_reference.site.build import SITE
    from perp_reference.site.serve import HOST, server_of

    if not (ROOT / SITE / "index.html").is_file() and build(output, pages_only=False) is not ExitCode.OK:
        return ExitCode.FALSE
    try:
        server = server_of(ROOT / SITE, arguments.port)
    except OSError as error:
        raise UsageError(f"port {arguments.port} cannot be had: {error.strerror}; name another with --port") from None
    address = f"http://{HOST}:{server.server_address[1]}/"
    with server:
        output.line(f"{address}   (stop with Ctrl-C)")
        output.flush()
        try:
            with output.handed_over():
                server.serve_forever()
        except KeyboardInterrupt:
            output.line("stopped")
    output.document({"address": address})
    return ExitCode.OK


def facts_of(root: Path) -> "Facts":
    """What the site is told of proofs, programs, vectors and commands.

    Raises:
        MalformedInput: The vectors, or the file of their score, are malformed.
    """
    from perp_cli.commands.program import costs
    from perp_cli.proving import recorded_program
    from perp_proofs.program.listing import program_digest
    from perp_reference.conformance.measured import FILE, read_measured, stale
    from perp_reference.conformance.mutants import EXPLANATIONS
    from perp_reference.conformance.release import ARCHIVE, read_vectors
    from perp_reference.pages.theorems import times_in
    from perp_reference.site.facts import Facts

    conformance = root / "tests" / "vectors" / "conformance"
    vectors, score = read_vectors(conformance / ARCHIVE), read_measured(conformance / FILE)
    return Facts(
        ledger=json.loads((root / "proofs" / "ledger.json").read_bytes()),
        times=times_in((root / "docs" / "theorems.md").read_text(encoding="utf-8")),
        costs=costs(),
        security=security(),
        program=program_digest(recorded_program()),
        vectors=vectors,
        observed=sum(path.read_bytes().count(b"\n") for path in (root / "tests/vectors/starkex").glob("*.jsonl")),
        paths=path_figures(root / "tests" / "vectors" / "paths.jsonl"),
        check=wrong_command,
        score=None if stale(score, vectors.digest, conformance / EXPLANATIONS) else score,
    )


def path_figures(file: Path) -> dict[str, int]:
    """How many paths the proofs of the theorems take, as a file has them.

    Raises:
        MalformedInput: The file breaks its format.
    """
    from perp_cli.paths import read_paths

    found = read_paths(file)
    with_state = [state.values is not None for states in found.values() for state in states]
    return {
        "paths": len(with_state),
        "paths with a state": with_state.count(True),
        "paths impossible": with_state.count(False),
        "theorems with several paths": sum(len(states) > 1 for states in found.values()),
    }


def security() -> dict[str, dict[str, str]]:
    """Bits of security by profile and round, at the sizes that the page of the proof system names."""
    from perp_proofs.verifier.security import PROFILES, Sizes
    from perp_proofs.verifier.security import security as security_of

    sizes = Sizes(bound=2**17, words=110, constraints=6_000, fractions=2**22, height=2**16, layers=FOLDS)
    found: dict[str, dict[str, str]] = {}
    for name, profile in PROFILES.items():
        own = security_of(profile, sizes)
        bits = {entry.name: f"{entry.bits:.2f}" for entry in own.rounds}
        found[name] = {**bits, "minimum": f"{own.bits:.2f}", "sum": f"{own.total:.2f}"}
    return found


def wrong_command(words: list[str]) -> str:
    """What is wrong with the words of a command line of `perp`; "" where nothing is."""
    from perp_cli.main import command_named, parser_of

    if words and words[0].startswith("-"):
        return "" if words in (["--help"], ["--version"]) else "options come after the command"
    if words in (["COMMAND", "--help"], ["COMMAND", "[ARGUMENTS]"]):
        return ""
    parsed: Any = None
    try:
        parsed = parser_of(command_named(words[0])).parse_args(words[1:])
    except UsageError as error:
        return str(error)
    except SystemExit:
        # Help.
        return ""
    del parsed
    return ""
