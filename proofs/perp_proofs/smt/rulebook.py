"""The rules that theorems speak of: those of all operations, and the one that a batch begins with.

That one has no operation of its own. It reads the batch's header, and two digests that are made of whole trees.
"""

import attrs

from perp_spec.operation import Rule, reads, updates
from perp_spec.perpetual import rules
from perp_spec.perpetual.common import PERPETUAL
from perp_spec.perpetual.operations import Header
from perp_spec.perpetual.records import Exchange, Ledger, Parameters
from perp_spec.perpetual.rules.batch import begin_batch
from perp_spec.words import digest_field

assert rules.__all__, "importing the rules registers them"


@attrs.frozen
class Applied:
    """What a batch is applied to, beside its records."""

    root: int = digest_field("root of the state")
    config_digest: int = digest_field("digest of the configuration")


def begin(
    op: Header, applied: Applied, parameters: Parameters, exchange: Exchange, ledger: Ledger
) -> tuple[Exchange, Ledger]:
    """`begin_batch` in the form of a rule."""
    return begin_batch(op, applied.root, applied.config_digest, parameters, exchange, ledger)


BEGIN_BATCH = Rule(
    begin_batch.__name__, Header, begin, (reads(Applied), reads(Parameters), updates(Exchange), updates(Ledger))
)

RULES: dict[str, Rule] = {BEGIN_BATCH.name: BEGIN_BATCH, **PERPETUAL.rules}
"""By name."""
