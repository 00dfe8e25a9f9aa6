"""From a signed draft to a batch file that anyone can check."""

from collections.abc import Callable, Iterable
from typing import Any

import attrs

from perp_reference.core.batch import Batch, Builder, apply_batch
from perp_reference.core.state import RecordKey, State, genesis
from perp_reference.formats.batch import SignedBatch, decode_batch, decode_draft, encode_batch, encode_draft
from perp_reference.formats.signed import Signed
from perp_reference.signing.authorise import ExchangeKeys, authorise
from perp_reference.signing.key_ring import KeyRing
from perp_reference.signing.keys import verify
from perp_spec.perpetual.defaults import default_config
from perp_spec.perpetual.operations import Deposit, Header, Intent, OpenAccount, Withdraw
from perp_spec.perpetual.reasons import Reason
from perp_spec.perpetual.records import Account

TIME = 1_700_000_000
RING = KeyRing("draft", exchange_id=3)
CONFIG = RING.configured(default_config(1))
KEYS = ExchangeKeys.of(CONFIG)


class NoCommits:
    """A root that never changes, which is enough to build a batch."""

    root = 0
    config_digest = 0

    def update(self, changed: Iterable[RecordKey]) -> None:
        """Keeps nothing."""


def owners(state: State) -> Callable[[int], int]:
    return lambda account: state.get(Account, account).owner


def authorised(state: State, signed: Signed) -> Any:
    return authorise(signed, KEYS, TIME, owners(state), verify)


def test_a_signed_draft_becomes_a_batch_whose_file_gives_the_same_state() -> None:
    """Given a draft that opens an account and uses it, when the batch is written and read again, then it applies."""
    owner = RING.owner(2).owner
    wanted = [
        OpenAccount(account=2, owner=owner, kind=1, expiry=TIME),
        Deposit(account=2, key=owner, amount=1_000_000),
        Withdraw(2, 400_000, Intent(0, 0, TIME)),
    ]
    signed = [RING.sign(operation, TIME) for operation in wanted]
    forged = KeyRing("thief", exchange_id=3).sign(Withdraw(2, 600_000, Intent(0, 1, TIME)), TIME)
    draft = decode_draft(encode_draft(SignedBatch(Header(time=TIME), (*signed, forged))), "draft.jsonl")

    state = genesis(CONFIG)
    builder = Builder(state, NoCommits(), draft.header)
    offered = [(given, builder.offer(authorised(state, given))) for given in draft.operations]
    batch, _ = builder.finish()
    assert [(refused.place, refused.reason) for refused in builder.rejected] == [(3, Reason.BAD_SIGNATURE)]

    accepted = [given for given, refused in offered if refused is None]
    completed = [
        attrs.evolve(given, operation=operation)
        for given, operation in zip([*accepted, Signed(None)], batch.operations, strict=True)
    ]
    read = decode_batch(encode_batch(SignedBatch(batch.header, tuple(completed))), "batch.jsonl")
    again = genesis(CONFIG)
    given = Batch(read.header, read.operations)
    apply_batch(again, NoCommits(), given, prepare=lambda signed: authorised(again, signed))
    assert again.tables == state.tables
    assert again.get(Account, 2).collateral == 600_000
