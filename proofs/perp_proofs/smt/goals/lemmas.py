"""Each lemma holds of all words."""

import inspect
from collections.abc import Callable, Iterator
from functools import partial

from perp_proofs.smt import lemmas
from perp_proofs.smt.frame import Stage
from perp_proofs.smt.prove import Claim, Goal
from perp_proofs.smt.terms import Flag

LARGE = 2**200
"""Beyond the product of any three words."""

Lemma = Callable[..., Flag]


def holds_of_all_words(lemma: Lemma, splits: tuple[Callable[..., Flag], ...], stage: Stage) -> Iterator[Claim]:
    """By cases, where the solver needs them."""
    words = [stage.word(name, -LARGE, LARGE) for name in inspect.signature(lemma).parameters]
    for condition in splits:
        stage.split(condition(*words))
    yield Claim("it holds", lemma(*words))


SENTENCES: dict[Lemma, str] = {
    lemmas.released_keeps_the_ratio: "Who pays no more than the part of its equity that a falling requirement releases "
    "stays solvent and keeps its ratio.",
    lemmas.products_keep_signs: "Times a word that is not negative, a word keeps its sign.",
    lemmas.quotients_keep_signs: "Times a word that is not negative, and divided, a word keeps its sign or ends at 0.",
    lemmas.the_least_rise_is_enough: "The least rise of an index that covers a deficit covers no more than both sides' "
    "lots in micro-atoms beyond it, and is within any limit that covers more.",
    lemmas.shares_of_a_vault_suffice: "Where all that left a vault is at most the share of the claims paid so far, one "
    "more claim's share is in it, and then the same holds again.",
    lemmas.margins_of_less_are_no_more: "A part of a smaller word, rounded up, is no more than that of a larger one.",
    lemmas.ratios_grow_with_equity: "Equity that does not fall has no lower ratio to a requirement that does not grow.",
    lemmas.rates_bound_parts: "A part at a rate, rounded up, is at least any lower rate of it.",
    lemmas.moves_within_a_rate: "A price that moves by no more than a rate of itself moves a position's value by no "
    "more than that rate of it.",
    lemmas.products_decide_signs: "What is not negative times a word above zero is not negative.",
    lemmas.parts_rounded_down_are_no_larger: "A part of a word, rounded down, is between zero and the word.",
    lemmas.parts_rounded_up_are_no_larger: "A part of a word, rounded up, is between zero and the word.",
}

SPLITS: dict[Lemma, tuple[Callable[..., Flag], ...]] = {}

GOALS = tuple(
    Goal(
        name=lemma.__name__,
        sentence=sentence,
        statement=partial(holds_of_all_words, lemma, SPLITS.get(lemma, ())),
        subjects=("lemma",),
    )
    for lemma, sentence in SENTENCES.items()
)
