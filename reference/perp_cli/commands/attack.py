"""Looks for attacks: every sequence of a few operations in a small exchange, with what must hold checked after each.

    perp attack                     sequences of two operations in every scene, some seconds each
    perp attack --scene thin --depth 3

Two accounts act together; two others trade at the health price only; prices do not move. After every accepted operation
the audit must find nothing, no account with its initial margin may have been put through the waterfall, and the two
may not be worth more than at the start. It is a search and no proof: about moves that it does not try, other states and
longer sequences it says nothing. What holds of all states is what perp check proves.

Exit code 1 where an attack is found; it is shown operation by operation.
"""

import argparse
import time

from perp_cli.errors import UsageError
from perp_cli.exit_codes import ExitCode
from perp_cli.output import Output
from perp_cli.present import table

DEPTH_MAX = 6


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Takes the scene and how far to look."""
    parser.add_argument("--scene", metavar="NAME", help="one scene, by default all")
    parser.add_argument("--depth", metavar="N", type=int, default=2, help="most operations in a sequence (default 2)")


def run(arguments: argparse.Namespace, output: Output) -> ExitCode:
    """Searches.

    Raises:
        UsageError: There is no such scene, or the depth is out of range.
    """
    from perp_reference.attack.scenes import SCENES
    from perp_reference.attack.search import Searched, search
    from perp_reference.conformance.values import NAMES, encode_record

    if not 1 <= arguments.depth <= DEPTH_MAX:
        raise UsageError(f"--depth is from 1 to {DEPTH_MAX}, not {arguments.depth}")
    scenes = [scene for scene in SCENES if arguments.scene in (None, scene.name)]
    if not scenes:
        raise UsageError(f"no scene {arguments.scene}; there are {', '.join(scene.name for scene in SCENES)}")
    rows = [("scene", "states", "tried", "accepted", "attacks", "seconds")]
    results: list[tuple[str, Searched, float]] = []
    for scene in scenes:
        started = time.monotonic()

        def told(depth: int, states: int, name: str = scene.name) -> None:
            output.progress(f"{name}, {depth} operations: {states:,} states")

        found = search(scene, arguments.depth, told)
        seconds = time.monotonic() - started
        results.append((scene.name, found, seconds))
        states, tried, accepted = f"{found.states:,}", f"{found.tried:,}", f"{found.accepted:,}"
        rows.append((scene.name, states, tried, accepted, str(len(found.attacks)), f"{seconds:.1f}"))
    for line in table(rows, left=1):
        output.line(line)
    attacks = [attack for _, found, _ in results for attack in found.attacks]
    for attack in attacks:
        output.line(f"{attack.scene.name}: {attack.scene.sentence}")
        for operation in attack.operations:
            output.line(f"    {NAMES[type(operation)]} {operation}")
        output.line(f"  {attack.fault}")
    if not attacks:
        output.line(f"no attack of at most {arguments.depth} of the operations tried; that is no proof")
    output.document(
        {
            "depth": arguments.depth,
            "scenes": [
                {
                    "name": name,
                    "states": found.states,
                    "tried": found.tried,
                    "accepted": found.accepted,
                    "attacks": [
                        {
                            "operations": [
                                {"op": NAMES[type(one)], "args": encode_record(one)} for one in item.operations
                            ],
                            "fault": item.fault,
                        }
                        for item in found.attacks
                    ],
                }
                for name, found, _ in results
            ],
        }
    )
    return ExitCode.FALSE if attacks else ExitCode.OK
