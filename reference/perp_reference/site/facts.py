"""What the site is told by the parts of the project that this package may not import."""

from collections.abc import Mapping
from typing import Any

from attrs import frozen

from perp_reference.conformance.measured import Measured
from perp_reference.conformance.release import Vectors
from perp_reference.site.claims import Check


@frozen
class Facts:
    """What is known of proofs, programs and commands.

    Attributes:
        ledger: The ledger of the theorems, as it is committed.
        times: Seconds that the proof of each theorem took where the ledger was written.
        costs: What a row of each table of the recorded program costs, by table and figure.
        security: Bits of security, by profile and round.
        program: The digest of the recorded program.
        vectors: The released vectors.
        observed: How many outcomes of the deployed StarkEx program the checkout holds.
        paths: How many paths the proofs of the theorems take and have a state, by the name of the figure.
        check: Tells what is wrong with the words of a command line.
        score: How many mutants the vectors notice; None where what is committed is of other vectors or rules.
    """

    ledger: Mapping[str, Any]
    times: Mapping[str, float]
    costs: Mapping[str, Mapping[str, int]]
    security: Mapping[str, Mapping[str, str]]
    program: str
    vectors: Vectors
    observed: int
    paths: Mapping[str, int]
    check: Check
    score: Measured | None = None
