"""What the playground of the documentation does: texts in, documents out.

It runs in a browser, where the standard library and attrs are all there is, on the very files that the rest of the
project runs on. Whatever a reader types, a document comes back: a text that breaks its format gives the error that
every command gives. Signatures that are there are taken for valid, as by `perp explain --trust`: what is signed may be
edited, and a browser has no Ed25519 that could be relied on.
"""

import base64
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from attrs import frozen

from perp_cli.present import (
    KINDS,
    account_name,
    describe,
    guard_document,
    mode_name,
    money,
    root_hex,
    symbol,
    units,
    wanted,
)
from perp_cli.proving import recorded_system, security_document, statement_texts
from perp_proofs.verifier.batch import read_proof, verify_batch
from perp_proofs.verifier.errors import ProofError
from perp_reference.core.audit import audit
from perp_reference.core.batch import Builder, InvalidBatchError, completed
from perp_reference.core.commitment import Commitment
from perp_reference.core.diff import Changes
from perp_reference.core.digests import operations_digest
from perp_reference.core.encoding import EncodingError
from perp_reference.core.explain import explain
from perp_reference.core.machine import rule_of
from perp_reference.core.state import OutOfRangeError, RecordKey, State
from perp_reference.core.views import AccountView, account_view
from perp_reference.errors import MalformedInput
from perp_reference.formats.batch import DRAFT, decoded_line
from perp_reference.formats.config import decode_config
from perp_reference.formats.signed import Signed
from perp_reference.formats.state import decode_state, encode_state, encoded_line, state_of
from perp_reference.formats.text import lines_of, parse_object
from perp_reference.signing.authorise import ExchangeKeys, authorise, key_violations, trust
from perp_spec.perpetual.config import Config, violations
from perp_spec.perpetual.operations import Header
from perp_spec.perpetual.reasons import SENTENCES
from perp_spec.perpetual.records import FIRST_USER, Account, Exchange, Ledger
from perp_spec.words import TIME_MAX, fields_of

MOST_OPERATIONS = 100
"""Operations a reader may give at once."""

Document = dict[str, Any]
"""What becomes a JSON object."""

Note = Callable[[str], None]
"""Told what is done next."""

CONFIG, STATE, OPERATIONS, TIME = "configuration", "state", "operations", "time"
"""What messages call the four texts."""


@frozen
class Scene:
    """The four texts, read.

    Attributes:
        claimed_root: What the state's header says of its root.
        time: Of the batch that the operations make up.
    """

    config: Config
    state: State
    claimed_root: int
    operations: tuple[Signed, ...]
    time: int


def whole_lines(text: str) -> bytes:
    """A text as the bytes of a file that ends with a line feed, as a reader leaves that out."""
    return f"{text.rstrip()}\n".encode(errors="surrogatepass") if text.strip() else b""


def read_config(text: str) -> Config:
    """The configuration in a text.

    Raises:
        MalformedInput: It breaks its format or a bound of the rules.
    """
    config = decode_config(whole_lines(text), CONFIG)
    broken = violations(config) or key_violations(config)
    if broken:
        first = broken[0]
        raise MalformedInput(CONFIG, None, first.place, f"{first.expected} ({first.reason.name})", first.got)
    return config


def read_operations(text: str) -> Iterator[Signed]:
    """The operations in a text, one a line as in a draft, without the draft's header.

    Raises:
        MalformedInput: A line breaks the format, or there are too many.
    """
    for number, line in lines_of(whole_lines(text), OPERATIONS):
        if number > MOST_OPERATIONS:
            raise MalformedInput(OPERATIONS, number, None, f"at most {MOST_OPERATIONS} operations", "a further line")
        yield decoded_line(DRAFT, line, OPERATIONS, number)


def read_time(text: str) -> int:
    """The time of the batch, in seconds since the epoch.

    Raises:
        MalformedInput: It is none.
    """
    given = text.strip()
    if not (given.isascii() and given.isdecimal()) or len(given) > len(str(TIME_MAX)) or int(given) > TIME_MAX:
        raise MalformedInput(TIME, None, None, f"a whole number of seconds from 0 to {TIME_MAX}", f'"{given}"')
    return int(given)


def read_scene(config: str, state: str, operations: str, time: str) -> Scene:
    """The four texts, read.

    Raises:
        MalformedInput: One breaks its format.
    """
    made = read_config(config)
    file = decode_state(whole_lines(state), STATE)
    read = state_of(file, made, STATE)
    return Scene(made, read, file.header.root, tuple(read_operations(operations)), read_time(time))


def malformed_document(error: MalformedInput) -> Document:
    """What breaks its format, where, and how."""
    return {"malformed": {"file": error.file, "line": error.line, "field": error.field, "message": str(error)}}


def apply(config: str, state: str, operations: str, time: str) -> Document:
    """Build a batch of operations on a state, leaving out what the rules reject, and say all that happens.

    Args:
        config: A configuration file.
        state: A state file. What it says of its root is compared, but not relied on.
        operations: Operations, one a line.
        time: Of the batch, in seconds since the epoch.
    """
    try:
        scene = read_scene(config, state, operations, time)
    except MalformedInput as error:
        return malformed_document(error)
    inconsistent = [str(finding) for finding in audit(scene.state)]
    try:
        return {**run(scene), "inconsistent": inconsistent}
    except (OutOfRangeError, EncodingError) as error:
        # No operation leads here from a state that operations made; from one that a reader made up it may.
        return {"impossible": f"{type(error).__name__}: {error}", "inconsistent": inconsistent}


def run(scene: Scene) -> Document:
    """What the rules make of a scene."""
    state, before = scene.state, scene.state.copy()
    commitment = Commitment(state)
    previous_root = commitment.root
    try:
        builder = Builder(state, commitment, Header(time=scene.time))
    except InvalidBatchError as error:
        return {"header": {"reason": error.reason.name, "guards": [guard_document(guard) for guard in error.guards]}}
    keys = ExchangeKeys.of(scene.config)
    outcomes = [offer(builder, state, signed, keys, scene.time) for signed in scene.operations]
    batch, changed = builder.finish()
    number = batch.header.number
    return {
        "outcomes": outcomes,
        "end": describe(scene.config, batch.operations[-1], state.get(Exchange, 0)),
        "changed": [change_document(place, before, changed) for place in changed],
        "accounts": account_documents(before, state),
        "mode": mode_name(state.get(Exchange, 0).mode, state.get(Exchange, 0)),
        "vault": money(state.get(Ledger, 0).vault),
        "claimed_root_differs": previous_root != scene.claimed_root,
        "state": encode_state(state, number, commitment.root, commitment.config_digest).decode(),
        "statement": {
            "config_digest": root_hex(commitment.config_digest),
            "previous_root": root_hex(previous_root),
            "new_root": root_hex(commitment.root),
            "operations_digest": root_hex(operations_digest(batch.operations)),
            "count": str(len(batch.operations)),
            "number": str(number),
            "time": str(scene.time),
        },
    }


def offer(builder: Builder, state: State, signed: Signed, keys: ExchangeKeys, time: int) -> Document:
    """Offer an operation to a batch, and say what it is, every guard with its numbers, and what becomes of it."""
    authorised = authorise(signed, keys, time, lambda account: state.get(Account, account).owner, trust)
    operation = completed(state, authorised)
    guards = explain(state, operation)
    refused = builder.offer(operation, complete=False)
    shown = wanted(state.config, operation) if refused else describe(state.config, operation, state.get(Exchange, 0))
    return {
        "rule": rule_of(operation).name,
        "what": shown,
        "accepted": refused is None,
        "reason": refused.reason.name if refused else None,
        "sentence": SENTENCES[refused.reason] if refused else None,
        "guards": [guard_document(guard) for guard in guards],
    }


def change_document(place: RecordKey, before: State, changed: Changes) -> Document:
    """A changed record: where it is, and each member of its line that differs, with what it means."""
    old = parse_object(encoded_line(place, before.get(place.record, place.key)), STATE, None)
    new = parse_object(encoded_line(place, changed[place]), STATE, None)
    return {
        "record": new["record"],
        "key": new["key"],
        "fields": [
            {"name": name, "before": old[name], "after": new[name], "unit": unit, "text": text}
            for name, unit, text in described_fields(place.record)
            if old[name] != new[name]
        ],
    }


def described_fields(record: type[Any]) -> list[tuple[str, str, str]]:
    """Name, unit and meaning of each field of a record of the state."""
    return [(name, own.unit.value, own.text) for name, own in fields_of(record).items()]


def account_documents(before: State, after: State) -> list[Document]:
    """Each user's account as it was and as it is."""
    numbers = sorted(number for number in {*before.tables[Account], *after.tables[Account]} if number >= FIRST_USER)
    return [
        {
            "name": account_name(number),
            "before": account_document(before.config, account_view(before, number)),
            "after": account_document(after.config, account_view(after, number)),
        }
        for number in numbers
    ]


def account_document(config: Config, view: AccountView) -> Document:
    """How an account stands."""
    return {
        "kind": KINDS[view.account.kind],
        "standing": view.state,
        "collateral": money(view.whole.account.collateral),
        "equity": money(view.health.equity),
        "maintenance": money(view.health.maintenance),
        "positions": [
            f"{units(config, own.position.market, own.position.size)} {symbol(config, own.position.market)}"
            for own in view.positions
        ],
    }


def proof_document(data: bytes) -> Document:
    """What a proof file says it proves, not verified."""
    try:
        proof = read_proof(data)
    except ProofError as error:
        return {"refused": str(error), "bytes": len(data)}
    return {"statement": statement_texts(proof.statement), "profile": proof.profile.name, "bytes": len(data)}


def verify(data: bytes, wanted: Mapping[str, str], note: Note) -> Document:
    """Verify a proof, and that it says what is wanted.

    Args:
        data: A proof file.
        wanted: Parts of the statement that are known, by name.
        note: Told what is done next.
    """
    note("recording the rules as a program, and making its tables")
    made = recorded_system()
    shown = proof_document(data)
    if "refused" in shown:
        return shown
    note("verifying")
    proof = read_proof(data)
    known = {"suite": made.program.suite, "program_digest": made.system.digest.hex(), **wanted}
    compared = {name: known[name] == text for name, text in shown["statement"].items() if name in known}
    try:
        verified = verify_batch(made, proof)
    except ProofError as error:
        return {**shown, "refused": str(error), "compared": compared}
    return {**shown, "verified": True, "compared": compared, "security": security_document(verified)}


def rehearse(given: Document) -> None:
    """Do all that the page does, on what it begins with, so that whoever ships it knows which modules it takes.

    Raises:
        ValueError: Something does not end as the page says it does.
    """
    scene = given["scene"]
    done = [apply(scene["config"], scene["state"], preset["operations"], scene["time"]) for preset in scene["presets"]]
    ends = [
        ["accepted" if outcome["accepted"] else outcome["reason"] for outcome in document["outcomes"]]
        if "outcomes" in document
        else list(document)
        for document in done
    ]
    if ends != [["accepted"], ["INITIAL_MARGIN"], ["accepted", "accepted"], ["malformed"]]:
        raise ValueError(f"the operations of the playground end as {ends}")
    proof = base64.b64decode(given["proof"])
    verified = verify(proof, done[0]["statement"], lambda _: None)
    if not verified.get("verified") or not all(verified["compared"].values()):
        raise ValueError(f"the proof of the playground is not verified: {verified}")
    if "refused" not in verify(tampered(proof), done[0]["statement"], lambda _: None):
        raise ValueError("a changed proof of the playground is verified")


def tampered(data: bytes) -> bytes:
    """A proof file with the lowest bit of its middle byte turned over."""
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]
