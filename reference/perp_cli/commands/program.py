"""Shows the recorded program: the rules as a proof knows them, its digest, and what each rule costs.

    perp program                      the digest, and the cost of every table
    perp program trade                one table as formulas
    perp program -o FILE              the canonical text, for perp verify --program
    perp program --diff FILE          what changed since an older program

Cells of a row are its columns and those of its buses. A lookup asks a range; a permutation is a step of the hash.
"""

import argparse
from typing import TYPE_CHECKING, Any

from perp_cli.arguments import path
from perp_cli.errors import UsageError
from perp_cli.exit_codes import ExitCode
from perp_cli.files import pending
from perp_cli.output import Output

if TYPE_CHECKING:
    from perp_proofs.air.system import Table

FIGURES = ("instructions", "columns", "constraints", "lookups", "permutations", "messages", "cells")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Takes what to show."""
    parser.add_argument("table", metavar="TABLE", nargs="?", help="show one table as formulas")
    parser.add_argument("--diff", metavar="FILE", type=path, help="show what changed since the program in this file")
    parser.add_argument("-o", "--out", metavar="FILE", type=path, help="write the canonical text")


def run(arguments: argparse.Namespace, output: Output) -> ExitCode:
    """Shows the program.

    Raises:
        MalformedInput: The older program is none.
        UsageError: There is no such table, or the text cannot be written.
    """
    from perp_cli.proving import read_program, recorded_program
    from perp_proofs.program.listing import diff_programs, program_digest, show_table, without_labels, write_program

    program = recorded_program()
    document: dict[str, Any] = {"name": program.name, "suite": program.suite, "digest": program_digest(program)}
    with pending(arguments.out) as (out,):
        if out is not None:
            out.write(write_program(program).encode())
    if arguments.table:
        if arguments.table not in program.tables:
            raise UsageError(f"the program has no table {arguments.table}")
        document["lines"] = show_table(program, program.tables[arguments.table])
        say(output, document["lines"])
    elif arguments.diff:
        document["diff"] = diff_programs(read_program(arguments.diff), without_labels(program))
        say(output, document["diff"] or ["no table differs"])
    elif not arguments.out or output.as_json:
        document["tables"] = costs()
        say(output, overview(document))
    output.document(document)
    return ExitCode.OK


def say(output: Output, lines: list[str]) -> None:
    """Writes lines."""
    for line in lines:
        output.line(line)


def costs() -> dict[str, dict[str, int]]:
    """What a row of each table costs."""
    from perp_cli.proving import recorded_system

    made = recorded_system()
    listed = {name: len(own.listing.instructions) for name, own in made.rules.tables.items()}
    return {table.name: cost(table, listed.get(table.name, 0)) for table in made.system.tables}


def cost(table: "Table", instructions: int) -> dict[str, int]:
    """What a row of a table costs."""
    from perp_proofs.air.buses import FREE, HASH, RANGE, RANGE_TOP
    from perp_proofs.verifier.field import DEGREE

    asked = [fraction for fraction in table.fractions if fraction.weight != FREE]
    lookups = sum(fraction.tag in (RANGE, RANGE_TOP) for fraction in asked)
    permutations = sum(fraction.tag == HASH for fraction in asked)
    messages = len(table.fractions) - lookups - permutations
    cells = len(table.columns) + DEGREE * len(table.groups)
    figures = (instructions, len(table.columns), len(table.constraints), lookups, permutations, messages, cells)
    return dict(zip(FIGURES, figures, strict=True))


def overview(document: dict[str, Any]) -> list[str]:
    """The program and its costs, for people."""
    tables: dict[str, dict[str, int]] = document["tables"]
    lines = [f"program {document['name']}, hash suite {document['suite']}", f"digest {document['digest']}", ""]
    widths = [max(len(name), 7) for name in FIGURES]
    longest = max(map(len, tables))
    heads = " ".join(f"{name:>{width}}" for name, width in zip(FIGURES, widths, strict=True))
    lines.append(f"{'a row of':{longest}} {heads}")
    for name, figures in tables.items():
        shown = " ".join(f"{figures[own]:>{width},}" for own, width in zip(FIGURES, widths, strict=True))
        lines.append(f"{name:{longest}} {shown}")
    total = {own: sum(figures[own] for figures in tables.values()) for own in FIGURES}
    shown = " ".join(f"{total[own]:>{width},}" for own, width in zip(FIGURES, widths, strict=True))
    lines.append(f"{f'{len(tables)} tables':{longest}} {shown}")
    return lines
