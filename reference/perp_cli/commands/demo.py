"""Runs a short life of an exchange: six batches that together hold every kind of operation.

Each batch goes the way a real one goes: the wishes are signed, the builder leaves out what the rules reject, the batch
is written to a store, and its root follows from the records. What the story says of it is compared with what the rules
did. Then it is proved that the recorded rules took the old root to the new one on exactly these operations, and the
proof is verified; the first proof on a machine compiles the prover, which takes a minute or two. At the end the whole
is checked from outside: every batch file is applied again to a fresh exchange, the books are audited, and an account's
exit is proved from the differences that the batches published.

The exchange is made in a temporary directory, or kept with --state DIR. The last two batches freeze it and pay
everybody out; --batches 4 leaves it in the middle of its life. Without proofs, by --no-proofs, it is quick.
"""

import argparse
import shlex
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from perp_cli.arguments import path, whole
from perp_cli.exchange import outcome_document, report_outcome, report_totals
from perp_cli.exit_codes import ExitCode
from perp_cli.output import Output
from perp_cli.present import account_name, root_hex
from perp_reference.core.audit import audit
from perp_reference.core.batch import Batch
from perp_reference.core.commitment import Commitment, verify_account_proof
from perp_reference.core.diff import apply_diff
from perp_reference.core.machine import rule_of
from perp_reference.core.state import State, genesis
from perp_reference.core.views import level_of
from perp_reference.demo import ACTS, BOB, BTC, NAMES, Act, Cast, Told, demo_ring, party
from perp_reference.formats.batch import decode_batch
from perp_reference.store.run import Outcome, draft_of, run_batch, run_draft
from perp_reference.store.store import Store
from perp_spec.perpetual.config import Config
from perp_spec.perpetual.defaults import default_config
from perp_spec.perpetual.health import oracle_state
from perp_spec.perpetual.reasons import Reason
from perp_spec.perpetual.records import Exchange, MarketPrice

if TYPE_CHECKING:
    from perp_cli.proving import Before

MARKETS = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Takes where to keep the exchange."""
    kept = "keep the exchange here, for perp show, explain, audit and log"
    parser.add_argument("--state", metavar="DIR", type=path, help=kept)
    whole_life = len(ACTS)
    parser.add_argument(
        "--batches",
        metavar="N",
        type=whole(1, whole_life),
        default=whole_life,
        help=f"stop after so many batches (default {whole_life}, all)",
    )
    parser.add_argument("--no-proofs", action="store_true", help="prove and verify nothing")


def run(arguments: argparse.Namespace, output: Output) -> ExitCode:
    """Plays the demo and checks it.

    Raises:
        StoreError: The directory holds an exchange already.
    """
    proving = not arguments.no_proofs
    if arguments.state:
        return play(arguments.state, arguments.batches, output, str(arguments.state), proving)
    with tempfile.TemporaryDirectory() as directory:
        return play(Path(directory) / "exchange", arguments.batches, output, None, proving)


def play(directory: Path, batches: int, output: Output, kept: str | None, proving: bool) -> ExitCode:
    """Plays so many batches of the demo in a directory; `kept` is what the user calls it where it stays."""
    ring = demo_ring()
    config = attrs.evolve(ring.configured(default_config(MARKETS)), name="demo")
    beginning = genesis(config, ring.fees.owner)
    cast = Cast.of(ring)
    outcomes: list[Outcome] = []
    proofs: list[dict[str, object]] = []
    differing: list[str] = []
    introduce(output, proving)
    with Store.create(directory, beginning) as store:
        for act in ACTS[:batches]:
            before = state_before(store) if proving else None
            signed = tuple(ring.sign(operation, act.time) for operation in act.operations(cast))
            outcome = run_draft(store, draft_of(store.state, act.time, signed))
            outcomes.append(outcome)
            output.line(f"batch {outcome.batch.header.number}. {act.story}")
            report_outcome(store, outcome, output)
            report_totals(store, output)
            differing += differences(act, outcome, store.state)
            if before is not None:
                proofs.append(prove_and_verify(before, outcome, output))
            output.line()
        checks = check(store, beginning)
    checks["what the story says of each batch is what the rules did"] = not differing
    for text in differing:
        output.line(f"told otherwise: {text}")
    if proving:
        roots = [(proof["previous_root"], proof["new_root"]) for proof in proofs]
        ended = [(root_hex(outcome.batch.header.previous_root), root_hex(outcome.root)) for outcome in outcomes]
        checks["every batch is proved, by a proof that is verified, between these roots"] = roots == ended
    return conclude(config, outcomes, checks, proofs, output, kept)


def introduce(output: Output, proving: bool) -> None:
    """Says who is who, and what takes time."""
    named = ", ".join(f"{name} is account {number}" for number, name in NAMES.items())
    output.line(f"The cast: {named}.")
    if proving:
        output.line("Each batch is proved; the first proof on a machine compiles the prover, a minute or two.")
    output.line()


def differences(act: Act, outcome: Outcome, state: State) -> list[str]:
    """What the story of a batch says that the rules did not do, and the refusals it does not tell."""
    happened = Counter(
        Told(rule_of(operation).name, party(operation), answer(getattr(operation, "result", 0)))
        for operation in outcome.operations
    )
    happened += Counter(
        Told(rejection.rule, party(rejection.operation), rejection.reason) for rejection in outcome.rejected
    )
    told = Counter(act.told)
    place = f"batch {outcome.batch.header.number}"
    found = [f"{place}: told, but not so: {said(item)}" for item in told - happened]
    found += [f"{place}: not told: {said(item)}" for item in happened - told if item.refused is not None]
    exchange = state.get(Exchange, 0)
    level = level_of(oracle_state(state.get(MarketPrice, BTC), state.market(BTC), exchange.time))
    if level != act.level:
        found.append(f"{place}: the oracle of BTC is told to be {act.level}, and is {level}")
    if bool(exchange.frozen_at) != act.is_frozen:
        found.append(f"{place}: the exchange is {'not ' if act.is_frozen else ''}frozen, and told otherwise")
    return found


def answer(code: int) -> Reason | None:
    """The reason of a stated result."""
    return Reason(code) if code else None


def said(told: Told) -> str:
    """What became of an operation, in words."""
    return f"{told.rule}, {account_name(told.account)}: {told.refused.name if told.refused else 'done'}"


def state_before(store: Store) -> "Before":
    """The state before a batch, for the prover."""
    from perp_cli.proving import Before

    return Before.of(store)


def prove_and_verify(before: "Before", outcome: Outcome, output: Output) -> dict[str, object]:
    """Proves a batch, writes the proof as a file and verifies it; what is said of it.

    Raises:
        ProofError: The proof is not accepted.
    """
    from perp_cli.proving import prove, recorded_system, statement_texts, timed
    from perp_proofs.verifier.batch import read_proof, verify_batch, write_proof

    output.flush()
    with timed() as proving:
        data = write_proof(prove(before, Batch(outcome.batch.header, outcome.operations), output))
    with timed() as verifying:
        proof = read_proof(data)
        verified = verify_batch(recorded_system(), proof)
    bits = verified.security.bits
    output.line(
        f"proved in {proving[0]:.1f} s: {len(data):,} bytes, {bits:.1f} proven bits; verified in {verifying[0]:.1f} s"
    )
    return {**statement_texts(proof.statement), "bytes": len(data), "bits": bits}


def check(store: Store, beginning: State) -> dict[str, bool]:
    """What anyone can check who has the batch files: each check, and whether it holds."""
    entries = list(store.history())
    rebuilt = State(store.config)
    for entry in entries:
        apply_diff(rebuilt, entry.changes)
        rebuilt.commit()
    proof = Commitment(rebuilt).prove_account(BOB)
    verify_account_proof(store.commitment.root, proof)
    with tempfile.TemporaryDirectory() as directory, Store.create(Path(directory) / "again", beginning) as again:
        roots = [run_batch(again, decode_batch(entry.operations, "the log")).root for entry in entries[1:]]
    return {
        "every batch file, applied again to a fresh exchange, leads to the same root": roots
        == [entry.root for entry in entries[1:]],
        "the audit finds nothing: money to the last micro-atom, sizes, totals": not audit(store.state),
        "the state rebuilt from the differences alone has the same root": Commitment(rebuilt).root
        == store.commitment.root,
        "an account's claim is proved against that root": proof.account == BOB,
    }


def conclude(
    config: Config,
    outcomes: list[Outcome],
    checks: dict[str, bool],
    proofs: list[dict[str, object]],
    output: Output,
    kept: str | None,
) -> ExitCode:
    """Says what the demo held and what was checked."""
    counts = Counter(rule_of(operation).name for outcome in outcomes for operation in outcome.operations)
    rejected = sum(len(outcome.rejected) for outcome in outcomes)
    total = sum(counts.values())
    output.line(f"{total} operations of {len(counts)} kinds in {len(outcomes)} batches, {rejected} left out; checked:")
    for name, holds in checks.items():
        output.line(f"  {'yes' if holds else 'NO '}  {name}")
    output.line(f"exchange {config.name}, last root {root_hex(outcomes[-1].root)}")
    if kept:
        output.line(f"look around: perp show --state {shlex.quote(kept)} account {BOB}")
    else:
        output.line("perp demo --state DIR keeps the exchange, to look around in it")
    output.document(
        {
            "batches": [outcome_document(outcome) for outcome in outcomes],
            "operations": dict(sorted(counts.items())),
            "checks": checks,
            "proofs": proofs,
        }
    )
    return ExitCode.OK if all(checks.values()) else ExitCode.FALSE
