"""Lemmas: what holds of all words by arithmetic alone, however the words came about.

A goal that needs one uses it of its own words (`Stage.use`), so that the solver need not find a proof by products
inside a whole rule. `goals.lemmas` proves each of words that are not known.
"""

from perp_proofs.smt.contracts import implies
from perp_proofs.smt.terms import Flag, Word
from perp_spec.language import both, maximum, minimum, mul_div_ceil, mul_div_floor
from perp_spec.perpetual.rules.waterfall import released
from perp_spec.words import PPM


def released_keeps_the_ratio(equity: Word, before: Word, after: Word, paid: Word) -> Flag:
    """Who pays no more than `released` when a requirement falls stays solvent and keeps its ratio."""
    return implies(
        both(both(equity >= 0, after >= 0, after <= before), both(paid >= 0, paid <= released(equity, before, after))),
        both(paid <= equity, (equity - paid) * before >= equity * after),
    )


def products_keep_signs(factor: Word, positive: Word) -> Flag:
    """Times a word that is not negative, a word keeps its sign."""
    product = factor * positive
    return implies(positive >= 0, both(implies(factor >= 0, product >= 0), implies(factor <= 0, product <= 0)))


def quotients_keep_signs(first: Word, second: Word, divisor: Word) -> Flag:
    """A word that is not negative times another, divided: the quotient has the sign of the other, or is zero."""
    quotient = mul_div_floor(first, second, divisor)
    return implies(
        both(first >= 0, divisor >= 1), both(implies(second >= 0, quotient >= 0), implies(second <= 0, quotient <= 0))
    )


def parts_rounded_down_are_no_larger(part: Word, word: Word, whole: Word) -> Flag:
    """A part of a word is between zero and the word."""
    return between_zero(part, word, whole, mul_div_floor(part, word, whole))


def parts_rounded_up_are_no_larger(part: Word, word: Word, whole: Word) -> Flag:
    """A part of a word is between zero and the word."""
    return between_zero(part, word, whole, mul_div_ceil(part, word, whole))


def between_zero(part: Word, word: Word, whole: Word, quotient: Word) -> Flag:
    """The quotient is between zero and the word, where `part` is a part of the whole."""
    between = both(
        implies(word >= 0, both(quotient >= 0, quotient <= word)),
        implies(word <= 0, both(quotient <= 0, quotient >= word)),
    )
    return implies(both(part >= 0, part <= whole, whole >= 1), between)


def the_least_rise_is_enough(deficit: Word, lots: Word, limit: Word) -> Flag:
    """The least rise of an index that covers a deficit covers little more, and is within a limit that covers more."""
    rise = mul_div_ceil(deficit, PPM, lots)
    collected = mul_div_floor(lots, rise, PPM)
    enough = both(rise >= 0, collected >= deficit, PPM * collected <= PPM * deficit + lots)
    more = mul_div_floor(lots, limit, PPM) > deficit
    return implies(both(deficit >= 0, lots >= 1), both(enough, implies(more, rise <= limit)))


def shares_of_a_vault_suffice(whole: Word, vault: Word, claims: Word, paid: Word, claim: Word) -> Flag:
    """Where what left a vault is no more than the share of the claims that were paid, one more share is left."""
    covered = minimum(whole, claims)
    share = mul_div_floor(claim, covered, maximum(claims, 1))
    so_far = both(vault <= whole, (whole - vault) * claims <= paid * covered)
    added_up = both(whole >= 0, paid >= 0, claim >= 0, paid + claim <= claims)
    after = (whole - vault + share) * claims <= (paid + claim) * covered
    return implies(both(so_far, added_up, claims >= 1), both(share >= 0, share <= vault, after))


def margins_of_less_are_no_more(less: Word, more: Word, rate: Word) -> Flag:
    """A part of a smaller word, rounded up, is no more than that of a larger one."""
    parts = mul_div_ceil(less, rate, PPM), mul_div_ceil(more, rate, PPM)
    return implies(both(rate >= 0, less >= 0, less <= more), both(parts[0] >= 0, parts[0] <= parts[1]))


def ratios_grow_with_equity(less: Word, more: Word, before: Word, after: Word) -> Flag:
    """An equity that does not fall has no lower ratio to a requirement that does not grow."""
    known = both(less >= 0, less <= more, before >= 0, after <= before)
    return implies(known, more * before >= less * after)


def rates_bound_parts(part: Word, lowest: Word, rate: Word) -> Flag:
    """A part at a rate, rounded up, is at least the lowest rate of it."""
    return implies(both(part >= 0, lowest <= rate), PPM * mul_div_ceil(part, rate, PPM) >= lowest * part)


def moves_within_a_rate(size: Word, price: Word, moved: Word, rate: Word) -> Flag:
    """A price that moves by no more than a rate of itself moves a position's value by no more than that rate."""
    small = both(PPM * moved <= rate * price, -PPM * moved <= rate * price)
    value = PPM * size * moved
    return implies(both(size >= 0, small), both(value <= rate * size * price, -value <= rate * size * price))


def products_decide_signs(factor: Word, positive: Word) -> Flag:
    """What is not negative times a word above zero is not negative."""
    return implies(both(positive >= 1, factor * positive >= 0), factor >= 0)
