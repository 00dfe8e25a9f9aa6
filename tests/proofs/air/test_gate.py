"""The no-wrap gate: all tables of the rules pass it, and each weakening of one is named."""

from dataclasses import replace
from typing import Any

import pytest

from perp_hash.field import MODULUS
from perp_proofs.air.batch import BatchSystem, gate
from perp_proofs.air.buses import FIXED_ARITIES, FREE, HASH, NODE, RANGE, looked_up_tags
from perp_proofs.air.gate import gate_faults, multiplicity_faults
from perp_proofs.air.interfaces import RECEIVER, SENDER, Contract, contract
from perp_proofs.air.rulebook import Rules
from perp_proofs.air.sheet import Choice, Conditional, Looked, Member, Sheet
from perp_proofs.air.system import Heights, Table
from perp_proofs.air.tape import Term


def faults(sheet: Sheet, contracts: Any = None) -> list[str]:
    return gate_faults(sheet.table, sheet.claims, contracts or {})


def test_all_tables_of_the_rules_pass(rules: Rules) -> None:
    found = {name: gate_faults(made.table, made.sheet.claims, rules.contracts) for name, made in rules.tables.items()}
    assert {name: complaints for name, complaints in found.items() if complaints} == {}
    assert len(found) > 40


def test_a_column_without_a_check_is_named() -> None:
    sheet = Sheet("toy")
    sheet.column("x", (0, 5))
    assert faults(sheet) == ["toy: nothing bounds x"]


def test_rows_that_count_in_part_are_named() -> None:
    sheet = Sheet("toy")
    sheet.table.constraints.clear()
    assert faults(sheet) == ["toy: active is no bit"]


def test_a_range_that_is_wider_than_declared_is_named() -> None:
    sheet = Sheet("toy")
    sheet.bound(sheet.column("x", (0, 5)))
    assert faults(sheet) == ["toy: x is (0, 8191), declared (0, 5)"]


def test_an_equation_that_wraps_is_named() -> None:
    sheet = Sheet("toy")
    limbs = [sheet.column(name, (0, 8191)) for name in "ab"]
    for limb in limbs:
        sheet.bound(limb)
    sheet.zero("fits", limbs[0] * limbs[1] * 31)
    sheet.zero("wraps", limbs[0] * limbs[1] * 32)
    assert faults(sheet) == ["toy: wraps is (0, 2146959392)"]


def test_a_lookup_of_a_multiple_bounds_nothing() -> None:
    """Given 4 x in the range table only, then x may be w / 4 modulo p."""
    sheet = Sheet("toy")
    sheet.table.add(RANGE, 1, [sheet.column("x", (0, 2047)) * 4])
    assert faults(sheet) == ["toy: nothing bounds x"]


def test_a_lookup_that_a_flag_can_switch_off_bounds_nothing() -> None:
    sheet = Sheet("toy")
    flag = sheet.bit("flag")
    sheet.table.add(RANGE, flag, [sheet.column("x", (0, 8191))])
    assert faults(sheet) == ["toy: nothing bounds x"]


def test_a_lookup_that_wraps_is_named() -> None:
    sheet = Sheet("toy")
    limbs = [sheet.column(name, (0, 8191)) for name in "ab"]
    for limb in limbs:
        sheet.bound(limb)
    sheet.table.add(RANGE, 1, [limbs[0] * 2**17 + limbs[1] * 2**17])
    assert faults(sheet) == ["toy: a lookup of (0, 2147221504)"]


def test_claims_are_not_believed() -> None:
    sheet = Sheet("toy")
    x, flag = sheet.column("x", (0, 1)), sheet.bit("flag")
    y = sheet.column("y", (0, 1))
    sheet.claims += [
        Member(x.number, 0, 2, 1, (), x.number),
        Choice(x.number, flag.number, flag.number, flag.number),
        Looked(y.number, 0),
    ]
    sheet.table.add(RANGE, flag, [y])
    assert faults(sheet) == ["toy: nothing bounds x", "toy: nothing bounds y"]


def test_a_set_of_a_sum_that_wraps_is_not_believed() -> None:
    sheet = Sheet("toy")
    x, y = sheet.column("x", (0, 8191)), sheet.column("y", (0, 3))
    sheet.bound(x)
    wide = x * 2**18
    quotient = sheet.member("carry", wide, (0, 3), 2**26)
    sheet.zero("y", y - quotient)
    (fault,) = faults(sheet)
    assert fault.startswith("toy: y is (0, ")


def test_a_promise_is_kept_by_who_makes_it() -> None:
    sheet = Sheet("toy")
    x = sheet.column("x", (0, 8191))
    sheet.bound(x)
    y = sheet.column("y", (0, 7))
    sheet.table.add(40, sheet.active, [x, y])
    assert faults(sheet, {40: contract([((0, 7), SENDER), ((0, 7), RECEIVER)])}) == [
        "toy: entry 0 of tag 40 is (0, 8191), promised (0, 7)"
    ]
    assert faults(sheet, {40: contract([((0, 8191), SENDER), ((0, 7), RECEIVER)])}) == []
    assert "toy: nothing bounds y" in faults(sheet, {40: contract([((0, 8191), SENDER), ((0, 7), SENDER)])})


@pytest.mark.parametrize("name", ["margin_at", "withdraw"])
def test_most_lookups_of_a_table_bound_a_column(rules: Rules, name: str) -> None:
    """Given a table of the rules, when one lookup can be switched off, then most often the gate misses a range.

    The others bound a sum that nothing else reads, as the last digit of a guard: it is in range or the row is false.
    """
    made = rules.tables[name]
    table = made.table
    fractions = list(table.fractions)
    lookups = [at for at, fraction in enumerate(fractions) if fraction.tag == RANGE]
    missed = 0
    for at in lookups:
        table.fractions = [*fractions]
        table.fractions[at] = replace(fractions[at], numerator=made.sheet.active.number)
        missed += bool(gate_faults(table, made.sheet.claims, rules.contracts))
    table.fractions = fractions
    assert gate_faults(table, made.sheet.claims, rules.contracts) == []
    assert missed > len(lookups) // 2


# Ranges that nothing bears out


def test_a_set_without_one_of_its_products_is_not_believed() -> None:
    """Given eight values told apart by two products, and the first of them free, then the column is any element."""
    sheet = Sheet("toy")
    sheet.member("x", sheet.column("x", (0, 7)), (0, 7))
    assert faults(sheet) == []
    helper = next(at for at, one in enumerate(sheet.table.constraints) if "helper" in one.name)
    del sheet.table.constraints[helper]
    assert faults(sheet) == ["toy: nothing bounds x"]


def three_valued(sheet: Sheet, name: str) -> Term:
    """A column that is 0, 1 or 2."""
    return sheet.member(name, sheet.column(name, (0, 2)), (0, 2))


def test_a_choice_by_no_bit_is_not_believed() -> None:
    sheet = Sheet("toy")
    chosen = sheet.choose("y", three_valued(sheet, "condition"), sheet.bit("one"), sheet.bit("other"))
    assert isinstance(chosen, Term)
    assert faults(sheet) == ["toy: y is (-1, 3), declared (0, 1)"]


def brought(sheet: Sheet, name: str, low: int, high: int) -> tuple[Term, Any]:
    """A column that a message brings, and the contracts that say so."""
    column = sheet.column(name, (low, high))
    sheet.table.add(41, sheet.active * -1, [column])
    return column, {41: contract([((low, high), SENDER)])}


def test_a_lookup_that_wraps_narrows_nothing() -> None:
    """Given x + p in the range table, then x is not below -p, and the lookup itself is named."""
    sheet = Sheet("toy")
    x, promises = brought(sheet, "x", -(2**29), 2**29)
    sheet.table.add(RANGE, 1, [x + MODULUS])
    assert faults(sheet, promises) == [f"toy: a lookup of {(MODULUS - 2**29, MODULUS + 2**29)}"]


def test_a_definition_that_wraps_narrows_nothing() -> None:
    """Given y = z + p for a bit z, then y is z, and the constraint itself is named."""
    sheet = Sheet("toy")
    y, promises = brought(sheet, "y", 0, 8191)
    sheet.zero("wraps", y - (sheet.bit("z") + MODULUS))
    assert faults(sheet, promises) == [f"toy: wraps is {(-MODULUS - 1, 8191 - MODULUS)}"]


def test_a_numerator_is_at_most_one() -> None:
    sheet = Sheet("toy")
    sheet.table.add(40, three_valued(sheet, "twice") * sheet.active, [sheet.active])
    assert faults(sheet) == ["toy: a numerator of tag 40 is (0, 2)"]


@pytest.mark.parametrize(("low", "high"), [(0, 8191), (-8191, 0)])
def test_a_key_of_either_sign_is_nearer_to_0_than_half_of_p(low: int, high: int) -> None:
    sheet = Sheet("toy")
    key, promises = brought(sheet, "key", low, high)
    sheet.table.add(40, sheet.active, [key * 2**17])
    promises[40] = contract([(None, SENDER)])
    assert faults(sheet, promises) == [
        f"toy: entry 0 of tag 40 is {(low * 2**17, high * 2**17)}, which may be the same modulo p"
    ]


def test_a_promise_that_is_as_wide_as_the_field_is_named() -> None:
    sheet = Sheet("toy")
    sheet.table.add(40, sheet.active, [sheet.active])
    assert faults(sheet, {40: contract([((0, MODULUS - 1), SENDER)])}) == []
    complaint = f"toy: entry 0 of tag 40 is {(0, MODULUS)}, which may be the same modulo p"
    assert faults(sheet, {40: contract([((0, MODULUS), SENDER)])}) == [complaint]


# Words of one sign

TWO_SIGNS = "toy: the limbs from entry 0 of tag 40 may have two signs"


def signed_limbs(sheet: Sheet, name: str, signs: list[Term]) -> list[Term]:
    """Five limbs, each negative where its bit is 1 and else not."""
    limbs = [sheet.column(f"{name}.{at}", (-8191, 8191)) for at in range(5)]
    for limb, sign in zip(limbs, signs, strict=True):
        sheet.bound(limb, sign * -8191)
    return limbs


def sent_word(limbs: list[Term], sheet: Sheet) -> list[str]:
    """What the gate says of limbs that are sent as a word."""
    sheet.table.add(40, sheet.active, limbs)
    found = faults(sheet, {40: contract([((-8191, 8191), SENDER)] * 5, [0])})
    sheet.table.fractions.pop()
    return found


def test_a_word_has_one_sign() -> None:
    sheet = Sheet("toy")
    one, other = sheet.bit("one"), sheet.bit("other")
    right = signed_limbs(sheet, "right", [one] * 5)
    wrong = signed_limbs(sheet, "wrong", [one] * 4 + [other])
    nothing = [sheet.table.tape.constant(0)] * 3
    complaint = [TWO_SIGNS]
    assert sent_word(right, sheet) == []
    assert sent_word([limb * -1 for limb in right], sheet) == []
    assert sent_word([*right[:2], *nothing], sheet) == []
    assert sent_word(wrong, sheet) == complaint
    assert sent_word([limb * -1 for limb in wrong], sheet) == complaint
    assert sent_word([right[0] * -1, *right[1:]], sheet) == complaint
    assert TWO_SIGNS in sent_word([right[0] * -1, right[1] * 2, *nothing], sheet)
    assert sent_word([*wrong[3:], *nothing], sheet) == complaint


@pytest.mark.parametrize("part", ["another part", "a constant", "no bit", "no bit, claimed"])
def test_a_sign_is_a_bit_and_nothing_else_beside_a_limb(part: str) -> None:
    """Given limbs that are looked up with 8191 times a sign and something else, then some of either sign are found."""
    sheet = Sheet("toy")
    sign = three_valued(sheet, "sign") if "no bit" in part else sheet.bit("sign")
    limbs = [sheet.column(f"x.{at}", (-16382, 8191)) for at in range(5)]
    more = {"another part": sheet.bit("other") * 2, "a constant": 1, "no bit": 0, "no bit, claimed": 0}[part]
    for limb in limbs:
        sheet.table.add(RANGE, 1, [limb + sign * 8191 + more])
        if "claimed" in part:
            sheet.claims.append(Looked(limb.number, len(sheet.table.fractions) - 1))
    assert TWO_SIGNS in sent_word(limbs, sheet)


def test_a_choice_of_words_has_one_sign() -> None:
    sheet = Sheet("toy")
    bits = [sheet.bit(name) for name in "abc"]
    one, other = (signed_limbs(sheet, name, [bit] * 5) for name, bit in zip("xy", bits[:2], strict=True))
    chosen = [sheet.choose(f"z.{at}", bits[2], *pair) for at, pair in enumerate(zip(one, other, strict=True))]
    mixed = [sheet.choose(f"w.{at}", bits[at % 2], *pair) for at, pair in enumerate(zip(one, other, strict=True))]
    wrong = signed_limbs(sheet, "v", bits[:2] * 2 + bits[:1])
    assert sent_word([sheet.lifted(term) for term in chosen], sheet) == []
    assert sent_word([sheet.lifted(term) for term in mixed], sheet) != []
    for number, words in enumerate(((one, wrong), (wrong, one))):
        made = [sheet.choose(f"u{number}.{at}", bits[2], *pair) for at, pair in enumerate(zip(*words, strict=True))]
        assert sent_word([sheet.lifted(term) for term in made], sheet) == [TWO_SIGNS]


def test_a_word_that_a_message_brings_may_be_sent_on() -> None:
    sheet = Sheet("toy")
    limbs = [sheet.column(f"x.{at}", (-8191, 8191)) for at in range(5)]
    sheet.table.add(41, sheet.active * -1, limbs)
    promises = {tag: contract([((-8191, 8191), SENDER)] * 5, [0]) for tag in (40, 41)}
    sheet.table.add(40, sheet.active, limbs)
    assert faults(sheet, promises) == []
    promises[41] = contract([((-8191, 8191), SENDER)] * 5)
    assert faults(sheet, promises) == [TWO_SIGNS]


def test_the_words_of_the_rules_are_promised(rules: Rules) -> None:
    """Given all contracts, then every kind of message but the blocks of operations promises words of one sign."""
    without = {tag for tag, promised in rules.contracts.items() if not promised.words}
    calls = {rules.call_tags[name] for name in rules.call_tags}
    assert calls & without == set()
    assert sum(len(promised.words) for promised in rules.contracts.values()) > 200


# What a reviewer's attacks showed


def test_a_term_that_wraps_is_not_bounded_by_its_own_lookup() -> None:
    """Given 2130707 a in the range table, then over the integers a = 0, and modulo p a may be 1000."""
    sheet = Sheet("toy")
    a = sheet.column("a", (0, 8191))
    sheet.bound(a)
    sheet.bound(a * 2_130_707)
    assert faults(sheet) == ["toy: a lookup of (0, 17452621037)"]


def conditional(sheet: Sheet, column: Term, flag: Term, other: Term) -> None:
    """An answer of tag 40 where a flag is 1, else another term."""
    sheet.zero("otherwise", (sheet.active - flag) * (column - other))
    sheet.table.add(40, flag * sheet.active, [column])
    sheet.claims.append(Conditional(column.number, flag.number, other.number, len(sheet.table.fractions) - 1, 0))


def test_an_answer_is_not_believed_where_nobody_asked() -> None:
    """Given an answer of 0 or 1, or else up to 2^26, then 40 times it wraps."""
    sheet = Sheet("toy")
    flag = sheet.bit("flag")
    low, high, y = (sheet.column(name, (0, 8191)) for name in ("low", "high", "y"))
    for limb in (low, high, y):
        sheet.bound(limb)
    answer = sheet.column("answer", (0, 2**26))
    conditional(sheet, answer, flag, low + high * 8192)
    sheet.zero("wraps", answer * 40 - y)
    assert faults(sheet, {40: contract([((0, 1), RECEIVER)])}) == ["toy: wraps is (-8191, 2684354520)"]


@pytest.mark.parametrize("lack", ["nothing", "the constraint", "the promise", "the bit", "the place"])
def test_an_answer_is_believed_for_all_its_reasons(lack: str) -> None:
    """Given a conditional answer of 0 or 1, else 0, and one reason to believe it taken away, then it is free."""
    sheet = Sheet("toy")
    flag = three_valued(sheet, "flag") if lack == "the bit" else sheet.bit("flag")
    answer = sheet.column("answer", (0, 1))
    conditional(sheet, answer, flag, sheet.table.tape.constant(0))
    if lack == "the constraint":
        sheet.table.constraints.pop()
    if lack == "the place":
        sheet.table.fractions[-1] = replace(sheet.table.fractions[-1], entries=(sheet.active.number,))
    found = faults(sheet, {40: contract([((0, 1), SENDER if lack == "the promise" else RECEIVER)])})
    assert found == ([] if lack == "nothing" else ["toy: nothing bounds answer"])


def test_claims_of_choices_say_nothing_of_signs() -> None:
    sheet = Sheet("toy")
    limbs = signed_limbs(sheet, "x", [sheet.bit(f"sign{at}") for at in range(5)])
    chooser, nothing = sheet.bit("chooser"), sheet.table.tape.constant(0)
    sheet.claims += [Choice(limb.number, chooser.number, nothing.number, nothing.number) for limb in limbs]
    assert sent_word(limbs, sheet) == [TWO_SIGNS]


def test_a_word_that_nobody_was_asked_for_has_the_signs_it_has() -> None:
    sheet = Sheet("toy")
    flag = sheet.bit("flag")
    others = signed_limbs(sheet, "other", [sheet.bit(f"sign{at}") for at in range(5)])
    limbs = [sheet.column(f"x.{at}", (-8191, 8191)) for at in range(5)]
    for at, (limb, other) in enumerate(zip(limbs, others, strict=True)):
        sheet.zero(f"otherwise{at}", (sheet.active - flag) * (limb - other))
        sheet.claims.append(Conditional(limb.number, flag.number, other.number, len(sheet.table.fractions), at))
    sheet.table.add(41, flag * sheet.active, limbs)
    sheet.table.add(40, sheet.active, limbs)
    promises = {
        40: contract([((-8191, 8191), SENDER)] * 5, [0]),
        41: contract([((-8191, 8191), RECEIVER)] * 5, [0]),
    }
    assert faults(sheet, promises) == [TWO_SIGNS]


@pytest.mark.parametrize("lack", ["nothing", "a word", "one place", "one message"])
def test_an_answer_has_one_sign_where_it_is_one_word(lack: str) -> None:
    """Given limbs of a conditional answer that are those of no word, of two words or of two answers: of any sign."""
    sheet = Sheet("toy")
    flag, nothing = sheet.bit("flag"), sheet.table.tape.constant(0)
    limbs = [sheet.column(f"x.{at}", (-8191, 8191)) for at in range(5)]
    rest = [nothing] * 5
    sent = {
        "one place": [[*limbs[:4], *rest, limbs[4]]],
        "one message": [[*limbs[:4], nothing, *rest], [*rest[1:], limbs[4], *rest]],
    }
    for entries in sent.get(lack, [[*limbs, *rest]]):
        for place, entry in enumerate(entries):
            if entry is not nothing:
                sheet.zero(f"otherwise{place}", (sheet.active - flag) * entry)
                claim = Conditional(entry.number, flag.number, nothing.number, len(sheet.table.fractions), place)
                sheet.claims.append(claim)
        sheet.table.add(41, flag * sheet.active, entries)
    sheet.table.add(40, sheet.active, limbs)
    promises = {
        40: contract([((-8191, 8191), SENDER)] * 5, [0]),
        41: contract([((-8191, 8191), RECEIVER)] * 10, [] if lack == "a word" else [0, 5]),
    }
    assert faults(sheet, promises) == ([] if lack == "nothing" else [TWO_SIGNS])


def test_a_sum_grows_from_what_was_received() -> None:
    sheet = Sheet("toy")
    total = sheet.column("total", (0, 8191))
    sheet.bound(total)
    sheet.table.add(40, sheet.active, [total])
    promises = {40: Contract(((0, 17),), (SENDER,), ((0, 2),))}
    assert faults(sheet, promises) == ["toy: entry 0 of tag 40 is (0, 8191), promised (0, 17)"]


def test_who_asks_for_a_loop_is_not_told_how_long_it_is() -> None:
    """Given a loop of at most 16 items, then a count of up to 8191 is named where the loop ends."""
    sheet = Sheet("toy")
    count = sheet.column("count", (0, 8191))
    sheet.bound(count)
    nothing = sheet.table.tape.constant(0)
    sheet.table.add(40, sheet.active, [nothing])
    sheet.table.add(40, sheet.active * -1, [count])
    promises = {40: Contract(((0, 17),), (SENDER,), ((1, 2),))}
    assert faults(sheet, promises) == ["toy: entry 0 of tag 40 is (0, 8191), promised (0, 17)"]


# Rows that do not count, and answers at will


def test_a_message_of_a_row_that_does_not_count_is_named() -> None:
    """Given a flag that padding may have too, then its message is named until the flag is 0 where the row is none."""
    sheet = Sheet("toy")
    flag = sheet.column("flag", (0, 1))
    sheet.zero("flag is a bit", flag * (flag - 1))
    complaint = "toy: a row that does not count may have a message of tag 40"
    for numerator in (flag, flag - sheet.active, flag * -1, sheet.constant(1) + 1):
        sheet.table.add(40, numerator, [flag])
        assert complaint in faults(sheet)
        sheet.table.fractions.pop()
    sheet.table.add(40, flag * sheet.active, [flag])
    assert faults(sheet) == []
    sheet.table.add(40, flag - sheet.active, [flag])
    sheet.zero("flag only where active", flag * (1 - sheet.active))
    assert faults(sheet) == []


def test_a_table_that_is_never_idle_sends_nothing() -> None:
    """Given a table whose first column is not whether the row counts, then a message of it is one of padding too."""
    table = Table("toy", Heights(1, 1))
    flag = table.column("flag", 0, 1)
    table.zero("flag is a bit", flag * (flag - 1))
    table.add(40, flag, [flag])
    assert gate_faults(table, (), {}) == ["toy: a row that does not count may have a message of tag 40"]


def test_only_what_is_looked_up_is_answered_at_will(made: BatchSystem) -> None:
    tags = looked_up_tags(made.program)
    assert multiplicity_faults(made.system.tables, tags) == []
    complaints = multiplicity_faults(made.system.tables, tags - {HASH})
    assert complaints == [f"messages of tag {HASH} may be answered at will"]


def test_the_gate_of_a_system_asks_who_answers_at_will(made: BatchSystem) -> None:
    sheet = Sheet("toy")
    answers = sheet.element("multiplicity") * sheet.active * -1
    sheet.table.add(NODE, answers, [sheet.active] * FIXED_ARITIES[NODE], FREE)
    alone = replace(made, system=replace(made.system, tables=(sheet.table,)))
    assert gate(alone) == [f"messages of tag {NODE} may be answered at will"]


def test_nobody_takes_what_is_looked_up(made: BatchSystem) -> None:
    """Given a row that takes a step of the hash suite back, then two false ones could come to nothing."""
    tags = looked_up_tags(made.program)
    sheet = Sheet("toy")
    entries = [sheet.active] * FIXED_ARITIES[HASH]
    taken, asked = sheet.column("taken", (-1, 1)), sheet.column("asked", (0, 1))
    for numerator, complaints in ((sheet.active * -1, 1), (taken, 1), (-1, 1), (asked, 0), (1, 0)):
        sheet.table.fractions.clear()
        sheet.table.add(HASH, numerator, entries)
        found = multiplicity_faults([*made.system.tables, sheet.table], tags)
        assert found == [f"toy: a lookup of tag {HASH} may be negative"] * complaints
