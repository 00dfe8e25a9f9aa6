"""Money is neither made nor lost, to the last micro-atom."""

from collections.abc import Iterator
from functools import partial

import attrs

from perp_proofs.smt.contracts import book_moved, pending_of
from perp_proofs.smt.frame import Scene, Stage, held_pending, joined
from perp_proofs.smt.prove import Claim, Goal
from perp_proofs.smt.rulebook import RULES
from perp_proofs.smt.terms import Word
from perp_spec.language import absolute
from perp_spec.operation import Rule, Shape
from perp_spec.perpetual.records import Account, Ledger, MarketBook, MarketPrice, Position
from perp_spec.words import PPM, WORD_MAX


def collateral_change(scene: Scene) -> Word:
    """Atoms that all accounts together gained."""
    return sum(entry.after.collateral - entry.before.collateral for entry in scene.stored(Account))


def pending_change(scene: Scene) -> Word:
    """Micro-atoms by which what all positions owe grew."""
    change: Word = 0
    for entry in scene.stored(Position):
        price = scene.after("price")
        change = change + pending_of(entry.after, price) - pending_of(entry.before, scene.before("price"))
    for entry in scene.visited(Shape.HELD):
        change = change + held_pending(joined(entry.before, entry.after)) - held_pending(entry.before)
    return change + index_change(scene)


def index_change(scene: Scene) -> Word:
    """Micro-atoms by which what all positions owe grew because indices moved."""
    change: Word = 0
    for entry in scene.visited(Shape.MARKETS):
        if isinstance(entry.before, tuple):
            change = change + sum(map(book_moved, entry.before, entry.after))
        else:
            change = change + entry.after.moved
    books = [entry.before for entry in scene.entries if entry.access.record is MarketBook]
    for entry in scene.stored(MarketPrice):
        if books:
            change = change + book_moved((entry.before, books[0]), (entry.after, books[0]))
    return change


def unexplained(scene: Scene) -> Word:
    """Micro-atoms the vault gained that no account, inbox, pending settlement or dust gained."""
    change: Word = -PPM * collateral_change(scene) + pending_change(scene)
    for entry in scene.stored(Ledger):
        before, after = entry.before, entry.after
        inboxes = after.fund_inbox - before.fund_inbox + after.fees_inbox - before.fees_inbox
        change = change + PPM * (after.vault - before.vault - inboxes) - (after.dust - before.dust)
    return change


def conserved(rule: Rule, stage: Stage) -> Iterator[Claim]:
    """Conservation for one rule."""
    scene = stage.scene(rule)
    yield Claim("every micro-atom is accounted for", unexplained(scene) == 0)
    for entry in scene.stored(Ledger):
        yield Claim("dust is at least 0", entry.after.dust >= 0)
        yield Claim("dust is below one atom", entry.after.dust < PPM)


def keeps_losses(rule: Rule, stage: Stage) -> Iterator[Claim]:
    """A rule that moves no money moves no loss index either."""
    scene = stage.scene(rule)
    for entry in scene.stored(MarketPrice):
        yield Claim("the loss index stays", entry.after.loss_index == entry.before.loss_index)
    for entry in scene.visited(Shape.MARKETS):
        yield Claim(f"the loss indices of {entry.name} stay", index_change(scene) == 0)


def index_moves_are_shared(stage: Stage) -> Iterator[Claim]:
    """One position, before and after the indices of its market moved."""
    position, before = stage.record(Position, "position"), stage.record(MarketPrice, "before")
    funding, loss = stage.word("funding", -WORD_MAX, WORD_MAX), stage.word("loss", 0, WORD_MAX)
    after = attrs.evolve(before, funding_index=before.funding_index + funding, loss_index=before.loss_index + loss)
    grown = pending_of(position, after) - pending_of(position, before)
    yield Claim("a position's part", grown == position.size * funding + absolute(position.size) * loss)


MOVES_MONEY = tuple(
    name for name, rule in RULES.items() if any(access.record is Ledger and access.stores for access in rule.footprint)
)

MOVES_INDICES = tuple(
    name
    for name, rule in RULES.items()
    if name not in MOVES_MONEY
    and any(
        access.stores and (access.record is MarketPrice or access.shape is Shape.MARKETS) for access in rule.footprint
    )
)

SIZES_SUM_TO_ZERO = "the sizes of a market sum to zero, and its open interest is the sum of the positive ones"

GOALS = tuple(
    Goal(
        name=f"{name}_conserves_money",
        sentence=f"An accepted {name} leaves vault = collateral + inboxes - pending + dust exact to the last "
        "micro-atom, with dust below one atom.",
        statement=partial(conserved, RULES[name]),
        subjects=(name,),
        assumptions=(SIZES_SUM_TO_ZERO,) if name == "socialise" else (),
    )
    for name in MOVES_MONEY
)
GOALS += tuple(
    Goal(
        name=f"{name}_moves_no_money",
        sentence=f"An accepted {name} moves no loss index, and what moving a funding index adds to the pending of some "
        "positions it takes from that of others.",
        statement=partial(keeps_losses, RULES[name]),
        subjects=(name,),
        assumptions=(SIZES_SUM_TO_ZERO,),
    )
    for name in MOVES_INDICES
)
GOALS += (
    Goal(
        name=index_moves_are_shared.__name__,
        sentence="When the indices of a market move, what a position owes grows by size * funding + |size| * loss, "
        "which over all positions is 2 * open interest * loss.",
        statement=index_moves_are_shared,
        subjects=("side_index",),
    ),
)
