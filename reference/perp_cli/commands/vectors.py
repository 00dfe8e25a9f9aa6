"""Builds, verifies or measures the conformance vectors of this checkout.

    perp vectors build      build the archive again from the committed scenarios
    perp vectors verify     check every hash, run the reference on every case, and build again to compare byte by byte
    perp vectors coverage   which guard of which rule is covered on which side of its boundary; 1 if one is not
    perp vectors mutants    which small mistakes in the rules no case notices; --every N tries one mutant in N, --write
                            keeps the score of all of them beside the archive

The archive is tests/vectors/conformance/perpspec-vectors.tar.xz, or the one that --vectors names.
"""

import argparse
import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perp_cli.arguments import path, whole
from perp_cli.errors import UsageError
from perp_cli.exit_codes import ExitCode
from perp_cli.files import cannot_be_written, pending
from perp_cli.output import Output

if TYPE_CHECKING:
    from perp_reference.conformance.release import Vectors

MOST_APART = 10_000

ROOT = Path(__file__).resolve().parents[3]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Takes what to do, and the archive."""
    parser.add_argument("action", choices=("build", "verify", "coverage", "mutants"), help="what to do")
    parser.add_argument("--vectors", metavar="FILE", type=path, help="the archive, by default that of this checkout")
    every = "of the mutants, one in so many"
    parser.add_argument("--every", metavar="N", type=whole(1, MOST_APART), default=1, help=every)
    least = "fail below this share, 95 by default"
    parser.add_argument("--least", metavar="PERCENT", type=whole(0, 100), default=95, help=least)
    parser.add_argument("--write", action="store_true", help="write the score of all mutants beside the archive")


def run(arguments: argparse.Namespace, output: Output) -> ExitCode:
    """Does it.

    Raises:
        MalformedInput: The archive is malformed.
        UsageError: There are no sources here, or there is no archive.
    """
    from perp_reference.conformance.release import ARCHIVE

    default = ROOT / "tests" / "vectors" / "conformance" / ARCHIVE
    archive = default if arguments.vectors is None else arguments.vectors
    if arguments.action == "build":
        return build(archive, output)
    if not archive.is_file():
        raise UsageError(f"no vectors at {archive}")
    if arguments.action == "mutants":
        return mutants(archive, arguments, output)
    return verify(archive, output) if arguments.action == "verify" else coverage(archive, output)


def sources() -> Any:
    """The module that yields the committed scenarios.

    Raises:
        UsageError: This is no checkout.
    """
    tests = ROOT / "tests"
    if not (tests / "support" / "vectors").is_dir():
        raise UsageError("the sources of the vectors are in a checkout of perpspec, not in an installation")
    if str(tests) not in sys.path:
        sys.path.insert(0, str(tests))
    return importlib.import_module("support.vectors.sources")


def built(module: Any) -> bytes:
    """The tar file of the scenarios that a module yields."""
    from perp_reference.conformance.release import build as build_release

    return build_release(module.scenarios(), module.variants())


def build(path: Path, output: Output) -> ExitCode:
    """Builds the archive.

    Raises:
        MalformedInput: The score beside it is malformed.
        UsageError: It cannot be written.
    """
    from perp_reference.conformance.release import compressed, decode_vectors

    output.progress("building the vectors")
    module = sources()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_be_written(path.parent, error) from None
    with pending(path) as (file,):
        assert file is not None
        tar = built(module)
        vectors = decode_vectors(tar, str(path))
        file.write(compressed(tar))
    numbers = counted(vectors)
    output.line(f"{path}: {numbers['cases']} cases, {numbers['steps']} steps, {path.stat().st_size} bytes")
    output.line(vectors.digest)
    measured = is_measured(path, vectors.digest)
    if not measured:
        output.line("its score is not known: perp vectors mutants --write measures it")
    output.document({"file": str(path), "digest": vectors.digest, "measured": measured, **numbers})
    return ExitCode.OK


def is_measured(path: Path, digest: str) -> bool:
    """Whether the score beside an archive is of the vectors with this digest.

    Raises:
        MalformedInput: The file of the score is malformed.
    """
    from perp_reference.conformance.measured import FILE, read_measured, stale
    from perp_reference.conformance.mutants import EXPLANATIONS

    file = path.parent / FILE
    return file.exists() and not stale(read_measured(file), digest, path.parent / EXPLANATIONS)


def counted(vectors: "Vectors") -> dict[str, int]:
    """How much there is."""
    cases = list(vectors.cases())
    steps = sum(len(case.steps) for _, _, case in cases)
    return {"fixtures": len(vectors.fixtures), "cases": len(cases), "steps": steps, "decoys": len(vectors.decoys)}


def verify(path: Path, output: Output) -> ExitCode:
    """Checks the archive against the reference, and against its sources where it is of these rules."""
    from perp_reference.conformance.release import read_vectors
    from perp_reference.conformance.spec import spec_digest
    from perp_reference.conformance.verify import disagreements

    vectors = read_vectors(path)
    numbers = counted(vectors)
    output.line(f"{path}: {numbers['cases']} cases, {numbers['steps']} steps, every hash is right")
    found = list(disagreements(vectors))
    for line in found:
        output.line(line)
    of_these_rules = vectors.spec_digest == spec_digest()
    same: bool | None = None
    if of_these_rules and (ROOT / "tests" / "support" / "vectors").is_dir():
        from perp_reference.conformance.fixtures import sha256

        output.progress("building the vectors again")
        same = sha256(built(sources())) == vectors.digest
    output.line(f"the reference agrees with {numbers['cases'] - len(found)} cases")
    output.line(
        {
            None: "not built again: other rules or no sources",
            True: "built again, byte by byte the same",
            False: "built again, and other bytes came out",
        }[same]
    )
    output.document(
        {
            **numbers,
            "digest": vectors.digest,
            "of_these_rules": of_these_rules,
            "rebuilt_same": same,
            "disagreements": found,
        }
    )
    return ExitCode.FALSE if found or same is False else ExitCode.OK


def coverage(path: Path, output: Output) -> ExitCode:
    """Shows which guard is covered on which side; false where one is not, and nothing says why."""
    from perp_reference.conformance.coverage import covered, document, explained, missing, table_lines
    from perp_reference.conformance.release import read_vectors

    output.progress("running the vectors")
    sides = covered(read_vectors(path))
    for line in table_lines(sides):
        output.line(line)
    gaps, why = missing(sides), explained()
    output.line("explained:")
    for line in why:
        output.line(f"  {line}")
    for line in gaps:
        output.line(f"missing: {line}")
    turning = sum(found.turns > 0 for found in sides.values())
    ordered = sum(found.ordered for found in sides.values())
    output.line(f"{len(sides)} guards and results of rules, {ordered} of them about numbers; {len(gaps)} gaps")
    output.line(f"{turning} turn between two cases one unit apart")
    output.document({"guards": document(sides), "missing": gaps, "explained": why})
    return ExitCode.FALSE if gaps else ExitCode.OK


def mutants(path: Path, arguments: argparse.Namespace, output: Output) -> ExitCode:
    """Shows which mutants no case notices, but for those that change nothing a case could show.

    Raises:
        MalformedInput: The explanations break their format.
        UsageError: The score cannot be written, or is asked for of some mutants only.
    """
    from perp_reference.conformance.mutants import EXPLANATIONS, labels, read_explained, score
    from perp_reference.conformance.release import read_vectors

    if arguments.write and arguments.every > 1:
        raise UsageError("--write is for the score of all mutants, without --every")
    names = labels()
    explained = read_explained(path.parent / EXPLANATIONS)
    several = list(names)[:: arguments.every]

    def told(done: int, whole: int) -> None:
        output.progress(f"{done:,} of {whole:,} mutants")

    vectors = read_vectors(path)
    found = score(vectors, several, told)
    alive = {names[mutant]: mutant for mutant in found.survivors}
    survivors = [mutant.name for label, mutant in alive.items() if label not in explained]
    for name in survivors:
        output.line(name)
    tried = {names[mutant] for mutant in several}
    wrong = [label for label in explained if label not in alive and (label in tried or label not in names.values())]
    for label in wrong:
        output.line(f"{EXPLANATIONS} explains what is noticed, or is no mutant: {label}")
    idle = len(alive) - len(survivors)
    percent = 100 * found.killed / max(len(several) - idle, 1)
    output.line(f"{found.killed} of {len(several)} mutants are noticed: {100 * found.share:.1f} %")
    output.line(f"{idle} change nothing that a case could show ({EXPLANATIONS}); of the others {percent:.1f} %")
    numbers = {"mutants": len(several), "noticed": found.killed, "explained": idle, "percent": round(percent, 2)}
    output.document({**numbers, "survivors": survivors, "wrongly_explained": wrong})
    if arguments.write and not wrong:
        write_score(path, vectors.digest, found.killed, idle, output)
    return ExitCode.OK if percent >= arguments.least and not wrong else ExitCode.FALSE


def write_score(path: Path, digest: str, noticed: int, explained: int, output: Output) -> None:
    """Writes the score beside the archive.

    Raises:
        UsageError: It cannot be written.
    """
    from perp_reference.conformance.measured import FILE, encode_measured, measured
    from perp_reference.conformance.mutants import EXPLANATIONS

    file = path.parent / FILE
    result = measured(digest, path.parent / EXPLANATIONS, noticed, explained)
    with pending(file) as (written,):
        assert written is not None
        written.write(encode_measured(result).encode())
    output.line(f"{file} holds the score")
