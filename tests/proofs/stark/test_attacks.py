"""Provers that lie are refused, at the step that should refuse them; weakened verifiers show that the lies are good."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from perp_hash.field import MODULUS
from perp_proofs.air.system import Heights, PublicFraction, System, Table
from perp_proofs.stark.arithmetic import Elements
from perp_proofs.stark.folding import fold_once, last_coefficients, layer_tree
from perp_proofs.stark.interpreter import run
from perp_proofs.stark.prover import Committed, Prover, ProvingError
from perp_proofs.verifier import verify as verifier
from perp_proofs.verifier.constraints import Messages
from perp_proofs.verifier.errors import ProofError
from perp_proofs.verifier.field import (
    BASIS,
    DEGREE,
    GENERATOR,
    Element,
    add,
    embed,
    inverse,
    multiply,
    scale,
    subtract,
    unpack,
)
from perp_proofs.verifier.plan import FRACTIONS, PHASES, QUOTIENT, TRACE, Block, Plan, plan
from perp_proofs.verifier.queries import Batch, domain_point
from perp_proofs.verifier.transcript import Transcript
from perp_proofs.verifier.verify import verify
from support.forgers import DegreeForger, Forger, WordForger, points
from support.toys import FAST, PAIR, RANGE, RESULT, toy_system, toy_trace

SYSTEM = toy_system()

IDENTITY = "the constraints do not hold at the point"
SUM = "the buses do not balance"
FOLDING = "the last polynomial is not what the layers fold to"


def refuse(forger: Prover, message: str) -> None:
    proof = forger.prove()
    with pytest.raises(ProofError, match=message):
        verify(forger.system, forger.public, b"", proof, FAST)


def accept(forger: Prover) -> None:
    verify(forger.system, forger.public, b"", forger.prove(), FAST)


def true_trace() -> tuple[dict[str, Elements], list[PublicFraction]]:
    return toy_trace(16, 16, 8)


def false_trace() -> tuple[dict[str, Elements], list[PublicFraction]]:
    """One fifth power is wrong; both tables agree on it."""
    trace, public = true_trace()
    trace["power"][1, 3] += 1
    trace["taker"][1, np.flatnonzero(trace["taker"][1] == trace["power"][1, 3] - 1)[0]] += 1
    return trace, public


def unbalanced_trace() -> tuple[dict[str, Elements], list[PublicFraction]]:
    """Every row is right, but the statement takes another result than the rows tell."""
    trace, public = true_trace()
    return trace, [dataclasses.replace(public[0], entries=(12345,))]


@pytest.mark.parametrize(("bound", "rows"), [(512, 16), (512, 512), (512, 1024), (1024, 16)])
def test_a_forger_who_does_not_lie_is_accepted(bound: int, rows: int) -> None:
    """Else nothing below would show anything."""
    accept(Forger(SYSTEM, *toy_trace(rows, 16, 8), bound))


def test_a_false_trace_breaks_the_identity() -> None:
    refuse(Forger(SYSTEM, *false_trace()), IDENTITY)


def test_a_false_trace_with_an_adjusted_quotient_does_not_fold() -> None:
    forger = Forger(SYSTEM, *false_trace())
    forger.adjusted = True
    refuse(forger, FOLDING)


@pytest.mark.parametrize("phase", [TRACE, FRACTIONS, QUOTIENT])
@pytest.mark.parametrize("adjusted", [False, True])
def test_a_wrong_opening(phase: int, adjusted: bool) -> None:
    class WrongOpening(Forger):
        def openings(self) -> None:
            block = self.blocks(phase)[-1]
            self.opened[block.first_slot + 1] = add(self.opened[block.first_slot + 1], embed(1))

    forger = WrongOpening(SYSTEM, *true_trace())
    forger.adjusted = adjusted
    refuse(forger, FOLDING if adjusted else IDENTITY)


def test_a_table_that_does_not_balance_breaks_the_sum() -> None:
    refuse(Forger(SYSTEM, *unbalanced_trace()), SUM)
    trace, public = true_trace()
    trace["range"][0, 5] += 1
    refuse(Forger(SYSTEM, trace, public), SUM)


def test_a_number_out_of_range_breaks_the_sum() -> None:
    trace, public = true_trace()
    trace["power"][:2, 12] = (40, pow(40, 5, MODULUS))
    trace["range"][0, 0] -= 1
    refuse(Forger(SYSTEM, trace, public), SUM)


def test_forged_openings_at_zero_do_not_fold() -> None:
    class WrongSums(DegreeForger):
        """Lies about the values at 0 and leaves the words alone."""

        def fill_words(self, committed: Committed, block: Block, coefficients: Elements, words: Elements) -> None:
            super(DegreeForger, self).fill_words(committed, block, coefficients, words)

        def openings(self) -> None:
            block, place = self.changed_block()
            first = min(own.first_slot for own in self.blocks(FRACTIONS))
            for j, c in enumerate(self.added):
                slot = block.first_slot + (place + j) * block.pieces - first
                self.zeros[slot] = (self.zeros[slot] - c) % MODULUS

    refuse(WrongSums(SYSTEM, *unbalanced_trace()), FOLDING)


class QuotientsOnly(Batch):
    """A weak batch: the words themselves are not in it, only their quotients."""

    def at_row(self, point: int, row: tuple[int, ...], inverted: Any) -> Element:
        words = unpack(sum(value * weight for value, weight in zip(row, self.packed, strict=True)))
        return subtract(super().at_row(point, row, inverted), words)


class WeakDegreeForger(DegreeForger):
    def batch_of(self) -> Batch:
        return QuotientsOnly(self.plan, self.point, self.opened, self.zeros, self.challenge)


def unbalanced_shape(rows: int) -> tuple[dict[str, Elements], list[PublicFraction]]:
    trace, public = toy_trace(rows, 16, 8)
    return trace, [dataclasses.replace(public[0], entries=(12345,))]


DEGREE_SHAPES = [(16, 512), (256, 512), (512, 512), (1024, 512), (2048, 512)]
"""Rows and bound: columns in stacks of many, of two, alone, and cut into two and four pieces."""


@pytest.mark.parametrize(("rows", "bound"), DEGREE_SHAPES)
def test_a_degree_too_many_does_not_fold(rows: int, bound: int) -> None:
    """A column phi + c (X^n - 1) has the same rows and any value at 0. Of a cut column, the last piece is too long."""
    refuse(DegreeForger(SYSTEM, *unbalanced_shape(rows), bound), FOLDING)


@pytest.mark.parametrize(("rows", "bound"), DEGREE_SHAPES)
def test_without_the_words_in_the_batch_a_degree_too_many_is_accepted(
    rows: int, bound: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verifier, "Batch", QuotientsOnly)
    accept(WeakDegreeForger(SYSTEM, *unbalanced_shape(rows), bound))


class EarlyPointForger(Forger):
    """Knows the point before it commits to the quotient, and takes a constant that is right there."""

    def commit_quotient(self, coefficients: Elements) -> None:
        self.early = verifier.draw_point(self.transcript)
        self.point = self.early
        values, zeros = self.values_at_point()
        self.opened, self.zeros = values, zeros
        chosen = np.zeros_like(coefficients)
        chosen[:, 0] = self.demanded()
        super().commit_quotient(chosen)

    def values_at_point(self) -> tuple[list[Element], list[int]]:
        """Honest openings of what is committed; the quotient counts as 0."""
        kept: list[list[Any]] = []
        self.committed[QUOTIENT].coefficients = {
            block: np.zeros((len(block.columns), block.height), np.uint32) for block in self.blocks(QUOTIENT)
        }
        send, self.send_openings = self.send_openings, lambda values, zeros: kept.append([values, zeros])
        Prover.open(self)
        self.send_openings = send
        values = [element for block in kept[0][0] for element in map(tuple, block.tolist())]
        return values, []


def test_a_stale_point_breaks_the_identity() -> None:
    refuse(EarlyPointForger(SYSTEM, *false_trace()), IDENTITY)


def test_a_point_drawn_before_the_quotient_is_committed_accepts_a_false_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[Element] = []
    read_root, draw_point = verifier.read_root, verifier.draw_point

    def read_late(transcript: Transcript, reader: Any, shape: Plan, phase: int, roots: dict[int, bytes]) -> None:
        if phase == QUOTIENT:
            drawn.append(draw_point(transcript))
        read_root(transcript, reader, shape, phase, roots)

    class Weak(EarlyPointForger):
        def open(self) -> None:
            self.point = self.early
            super().open()

    forger = Weak(SYSTEM, *false_trace())
    monkeypatch.setattr("perp_proofs.stark.prover.draw_point", lambda _: forger.early)
    proof = forger.prove()
    monkeypatch.setattr(verifier, "read_root", read_late)
    monkeypatch.setattr(verifier, "draw_point", lambda _: drawn[-1])
    verify(SYSTEM, forger.public, b"", proof, FAST)


class EarlyMessagesForger(Forger):
    """Knows alpha and beta before it commits to the trace, and counts lookups so that any sum comes to 0."""

    def early_messages(self) -> Messages:
        """What would be drawn if the trace were not taken in before."""
        drawn = Transcript(b"")
        drawn.state = self.transcript.state
        return Messages(drawn.draw_elements("message", 1 + self.plan.message_width))

    def commit(self, phase: int, columns: dict[Block, Elements]) -> None:
        if phase == TRACE:
            self.early = self.messages = self.early_messages()
            self.balance()
            columns = self.trace_columns()
        super().commit(phase, columns)

    def balance(self) -> None:
        """Five counts of the range table are free, and a sum has five coordinates."""
        total = self.messages.public(self.public)
        for block, phis in self.fraction_columns().items():
            for (_, column), phi in zip(block.columns, phis, strict=True):
                total = add(total, scale(BASIS[column % DEGREE], int(phi.astype(np.uint64).sum())))
        answers = [inverse(self.messages.denominator(RANGE, [embed(row)])) for row in range(DEGREE)]
        for row, more in enumerate(solved(answers, total)):
            self.trace["range"][0, row] = (int(self.trace["range"][0, row]) + more) % MODULUS


def solved(vectors: list[Element], total: Element) -> list[int]:
    """The coefficients with which five elements add up to another, by elimination modulo p."""
    rows = [[vector[at] for vector in vectors] + [total[at]] for at in range(DEGREE)]
    for at in range(DEGREE):
        pivot = next(row for row in rows[at:] if row[at])
        rows[rows.index(pivot)], rows[at] = rows[at], pivot
        factor = pow(pivot[at], -1, MODULUS)
        rows[at] = [value * factor % MODULUS for value in pivot]
        for other in range(DEGREE):
            if other != at:
                lost = rows[other][at]
                rows[other] = [(a - lost * b) % MODULUS for a, b in zip(rows[other], rows[at], strict=True)]
    return [row[-1] for row in rows]


def test_messages_guessed_before_the_trace_break_the_sum() -> None:
    refuse(EarlyMessagesForger(SYSTEM, *unbalanced_trace()), SUM)


def test_messages_drawn_before_the_trace_is_committed_let_any_sum_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[list[Element]] = []
    read_root = verifier.read_root

    def read_late(transcript: Transcript, reader: Any, shape: Plan, phase: int, roots: dict[int, bytes]) -> None:
        if phase == TRACE:
            drawn.append(transcript.draw_elements("message", 1 + shape.message_width))
        read_root(transcript, reader, shape, phase, roots)

    class Weak(EarlyMessagesForger):
        def early_messages(self) -> Messages:
            return Messages(self.transcript.draw_elements("message", 1 + self.plan.message_width))

        def fraction_columns(self) -> dict[Block, Elements]:
            self.messages = self.early
            return super().fraction_columns()

    forger = Weak(SYSTEM, *unbalanced_trace())
    proof = forger.prove()
    monkeypatch.setattr(verifier, "read_root", read_late)
    monkeypatch.setattr(verifier, "Messages", lambda _: Messages(drawn[-1]))
    verify(SYSTEM, forger.public, b"", proof, FAST)


def nested_system() -> System:
    """A table of one row and one of two, each with one column that must be 0."""
    tables: list[Table] = []
    for name, height in (("one", 1), ("two", 2)):
        table = Table(name, Heights(height, height))
        table.zero("it is 0", table.element("value"))
        tables.append(table)
    return System("nested", bytes(32), tuple(tables), {})


class CancellingForger(Forger):
    """1 / (X - 1) - (X + 1) / (X^2 - 1) = 0: the errors of the two tables cancel, and the quotient is 0."""

    def quotient(self) -> Elements:
        return np.zeros_like(super().quotient())


def cancelling() -> CancellingForger:
    trace = {"one": np.array([[1]], np.uint32), "two": np.array([[MODULUS - 2, 0]], np.uint32)}
    return CancellingForger(nested_system(), trace, [])


def test_errors_of_two_tables_do_not_cancel() -> None:
    refuse(cancelling(), IDENTITY)


def test_powers_of_xi_restarted_in_every_table_let_errors_cancel(monkeypatch: pytest.MonkeyPatch) -> None:
    def restarted(*arguments: Any) -> Plan:
        shape = plan(*arguments)
        return dataclasses.replace(shape, numbers=(0,) * len(shape.numbers))

    monkeypatch.setattr(verifier, "plan", restarted)
    accept(cancelling())


def test_constraints_are_numbered_once_over_the_present_tables() -> None:
    assert plan(SYSTEM, (32, 16, 16), 512, 4).numbers == (0, 1, 6)
    assert plan(SYSTEM, (32, 16, 16), 512, 4).constraints == 9
    assert plan(SYSTEM, (32, 16, None), 512, 4).constraints == 6


@pytest.mark.parametrize("phase", [TRACE, QUOTIENT])
def test_swapped_slots_do_not_fold(phase: int) -> None:
    class Swapped(WordForger):
        def change_block(self, block: Block, coefficients: Elements, words: Elements) -> None:
            if block.width == 1 or block.slots < 2 or block is not self.blocks(phase)[-1]:
                return
            other = coefficients.copy()
            other[[0, 1]] = other[[1, 0]]
            assert not np.array_equal(other, coefficients)
            super(WordForger, self).fill_words(Committed(), block, other, words)

    Swapped.phase = phase
    refuse(Swapped(SYSTEM, *toy_trace(16, 16, 8), bound=512), FOLDING)


def test_garbage_in_an_unused_slot_does_not_fold() -> None:
    class Garbage(WordForger):
        def change_block(self, block: Block, coefficients: Elements, words: Elements) -> None:
            if len(coefficients) % block.width == 0:
                return
            part = block.width - 1
            domain = points(self.plan.size, 3)
            words[-1] = [(int(v) + 5 * pow(x, part, MODULUS)) % MODULUS for v, x in zip(words[-1], domain, strict=True)]

    refuse(Garbage(SYSTEM, *true_trace()), FOLDING)


@pytest.mark.parametrize("phase", [TRACE, FRACTIONS, QUOTIENT])
def test_a_word_half_random_does_not_fold(phase: int) -> None:
    class HalfRandom(WordForger):
        def change(self, words: Elements) -> None:
            half = words.shape[1] // 2
            words[0, :half] = np.random.default_rng(1).integers(0, MODULUS, half)

    HalfRandom.phase = phase
    refuse(HalfRandom(SYSTEM, *true_trace()), FOLDING)


@pytest.mark.parametrize("excess", [0, 100, 511])
def test_a_word_of_twice_the_degree_does_not_fold(excess: int) -> None:
    class Long(WordForger):
        def change(self, words: Elements) -> None:
            domain = points(self.plan.size, 3)
            words[0] = [
                (int(v) + pow(x, self.plan.bound + excess, MODULUS)) % MODULUS
                for v, x in zip(words[0], domain, strict=True)
            ]

    refuse(Long(SYSTEM, *true_trace()), FOLDING)


def test_rows_that_belong_to_another_word_are_refused() -> None:
    """The tree is of the true words, the rows that are shown are others."""

    class OtherRows(Forger):
        def answer(self, indices: set[int], layers: list[Any]) -> None:
            for committed in self.committed:
                committed.words += 1
            super().answer(indices, layers)

    refuse(OtherRows(SYSTEM, *true_trace()), "rows do not belong to the committed root")


@pytest.mark.parametrize("coordinate", [0, DEGREE - 1])
def test_a_layer_that_is_not_the_fold_of_the_one_before_is_refused(coordinate: int) -> None:
    class OtherBatch(Forger):
        def batch_values(self) -> Elements:
            values = super().batch_values()
            values[coordinate] = 1
            return values

    refuse(OtherBatch(SYSTEM, *true_trace()), "a value is not the one that follows from the layer before")


@pytest.mark.parametrize("coordinate", [0, DEGREE - 1])
def test_the_last_polynomial_is_what_is_sent(coordinate: int) -> None:
    class OtherEnd(Forger):
        def send(self, label: str, data: bytes) -> None:
            if label == "final":
                coefficients = np.frombuffer(data, "<u4").copy()
                coefficients[coordinate::DEGREE] = 1
                data = coefficients.tobytes()
            super().send(label, data)

    refuse(OtherEnd(SYSTEM, *true_trace()), FOLDING)


ROOTS = ["trace", "fractions", "quotient", "layer 1", "layer 2"]
"""Of all trees of a proof with two layers."""


@pytest.mark.parametrize("place", range(len(ROOTS)), ids=ROOTS)
def test_rows_that_belong_to_no_root_are_refused(place: int) -> None:
    """Given one root that is of nothing, all rows true to each other, then the rows of that tree are not below it."""

    class OtherRoot(Forger):
        sent = 0

        def send(self, label: str, data: bytes) -> None:
            root = label == "layer" or label in PHASES
            super().send(label, bytes(32) if root and self.sent == place else data)
            self.sent += root

    refuse(OtherRoot(SYSTEM, *true_trace(), bound=1024), "rows do not belong to the committed root")


def test_a_later_layer_that_is_not_the_fold_of_the_one_before_is_refused() -> None:
    """Given a second layer, and a last polynomial, of another polynomial of low degree, then the first does not fit."""

    class OtherFold(Forger):
        def fold(self, values: Elements) -> list[Any]:
            first = layer_tree(values)
            self.send("layer", first.root)
            self.grind("fold grind", self.profile.fold_grinding)
            self.transcript.draw_elements("fold", 3)
            shift = pow(GENERATOR, 8, MODULUS)
            ones = np.ones((DEGREE, self.plan.size // 8), np.uint32)
            second = layer_tree(ones)
            self.send("layer", second.root)
            self.grind("fold grind", self.profile.fold_grinding)
            for challenge in self.transcript.draw_elements("fold", 3):
                ones = fold_once(ones, shift, challenge)
                shift = shift * shift % MODULUS
            last = last_coefficients(ones, shift, self.plan.final_length)
            self.send("final", np.ascontiguousarray(last.T).astype("<u4").tobytes())
            return [first, second]

    refuse(OtherFold(SYSTEM, *true_trace(), bound=1024), "layer 2: a value is not the one that follows")


@pytest.mark.parametrize("label", ["batch grind", "fold grind", "query grind"])
def test_a_prover_that_does_not_work_is_refused(label: str) -> None:
    """Given a nonce without work, whose draw all that follows is made for, then the grind itself is what is missing."""

    class Lazy(Forger):
        def grind(self, label: str, bits: int) -> None:
            if label != lazy:
                super().grind(label, bits)
                return
            nonces = (number.to_bytes(8, "little") for number in range(100))
            self.send(label, next(nonce for nonce in nonces if not self.transcript.passes(label, bits, nonce)))

    lazy = label
    refuse(Lazy(SYSTEM, *true_trace()), f"{label}: the nonce does not hold")


@pytest.mark.parametrize("phase", [TRACE, FRACTIONS, QUOTIENT])
def test_words_committed_in_another_form_are_refused(phase: int) -> None:
    """Given p + v for each value v of the words of a phase, then they are no elements, though right modulo p."""

    class Shifted(WordForger):
        def fill_words(self, committed: Committed, block: Block, coefficients: Elements, words: Elements) -> None:
            super(WordForger, self).fill_words(committed, block, coefficients, words)
            if block.phase == phase:
                words += np.uint32(MODULUS)

    refuse(Shifted(SYSTEM, *true_trace()), f"{PHASES[phase]} rows: a field element is not canonical")


def test_a_layer_committed_in_another_form_is_refused() -> None:
    class Shifted(Forger):
        def fold(self, values: Elements) -> list[Any]:
            tree = layer_tree(values + np.uint32(MODULUS))
            self.send("layer", tree.root)
            self.grind("fold grind", self.profile.fold_grinding)
            shift = GENERATOR
            for challenge in self.transcript.draw_elements("fold", 3):
                values = fold_once(values, shift, challenge)
                shift = shift * shift % MODULUS
            last = last_coefficients(values, shift, self.plan.final_length)
            self.send("final", np.ascontiguousarray(last.T).astype("<u4").tobytes())
            return [tree]

    refuse(Shifted(SYSTEM, *true_trace()), "layer 1: a field element is not canonical")


def pole_messages(drawn: list[Element]) -> Messages:
    """alpha such that padded rows are poles: the message of a pair is (0, 0, 7) there."""
    messages = Messages(drawn)
    messages.alpha = add(embed(PAIR), scale(messages.betas[2], 7))
    return messages


class PoleForger(Forger):
    """Gives phi the value that the sum lacks, in a padded row whose denominator is 0: its constraint is 0 = 0 there."""

    def fraction_columns(self) -> dict[Block, Elements]:
        self.messages = pole_messages([self.messages.alpha, *self.messages.betas])
        honest = super().fraction_columns()
        total = self.messages.public(self.public)
        for block, phis in honest.items():
            for (_, column), phi in zip(block.columns, phis, strict=True):
                total = add(total, scale(BASIS[column % DEGREE], int(phi.astype(np.uint64).sum())))
        block = self.block_of(FRACTIONS, 16)
        assert block is not None
        place = block.columns.index((2, 0))
        honest[block][place : place + DEGREE, -1] = scale(total, -1)
        return honest


def test_an_honest_prover_stops_at_a_pole() -> None:
    class Unlucky(Prover):
        def fraction_columns(self) -> dict[Block, Elements]:
            self.messages = pole_messages([self.messages.alpha, *self.messages.betas])
            return super().fraction_columns()

    with pytest.raises(ProvingError, match="table power: a message is a pole"):
        Unlucky(SYSTEM, *true_trace(), b"", FAST, 512).prove()


def test_a_pole_on_a_padded_row_lets_any_sum_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    """Why padded rows count among the fractions: where alpha hits one, phi is free there."""
    monkeypatch.setattr("perp_proofs.stark.interpreter.run", run_past_poles)
    monkeypatch.setattr(verifier, "Messages", pole_messages)
    accept(PoleForger(SYSTEM, *unbalanced_trace()))
    monkeypatch.setattr(verifier, "Messages", Messages)
    refuse(PoleForger(SYSTEM, *unbalanced_trace()), IDENTITY)


def run_past_poles(*arguments: Any) -> int:
    """The interpreter, which makes phi 0 in the row of a pole, and nothing said of it."""
    run(*arguments)
    return 0


def test_padded_rows_count_among_the_fractions() -> None:
    shape = plan(SYSTEM, (32, 1024, 64), 512, 4)
    assert shape.fractions([]) == 32 + 5 * 1024 + 64
    assert shape.fractions([PublicFraction(RESULT, -1, (1,))] * 3) == 32 + 5 * 1024 + 64 + 3


def test_a_table_of_padding_alone_is_accepted_and_gives_nothing() -> None:
    trace, public = toy_trace(16, 16, 0)
    assert not trace["taker"].any()
    accept(Forger(SYSTEM, trace, public))
    trace, public = true_trace()
    trace["taker"][:] = 0
    refuse(Forger(SYSTEM, trace, public), SUM)


def test_an_absent_table_takes_nothing() -> None:
    trace, public = true_trace()
    del trace["taker"]
    refuse(Forger(SYSTEM, trace, public), SUM)


def test_multiplicities_that_could_wrap_around_are_refused() -> None:
    table = Table("heavy", Heights(16, 16))
    column = table.element("value")
    table.add(1, 1, [column], weight=MODULUS // 32 - 2)
    system = System("heavy", bytes(32), (table,), {1: 1})
    trace = {"heavy": np.zeros((1, 16), np.uint32)}
    accept(Forger(system, trace, [PublicFraction(1, -16, (0,))]))
    table.add(1, 0, [column], weight=2)
    refuse(Forger(system, trace, [PublicFraction(1, -16, (0,))]), "could wrap around the field")
    light = Table("heavy", Heights(16, 16))
    light.add(1, 1, [light.element("value")])
    system = System("light", bytes(32), (light,), {1: 1})
    refuse(Forger(system, trace, [PublicFraction(1, MODULUS - 16, (0,))]), "could wrap around the field")


def test_a_message_of_the_statement_at_a_pole_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    trace, public = true_trace()
    proof = Forger(SYSTEM, trace, public).prove()
    (result,) = public[0].entries

    def at_pole(drawn: list[Element]) -> Messages:
        messages = Messages(drawn)
        messages.alpha = add(embed(RESULT), multiply(messages.betas[0], embed(result)))
        return messages

    monkeypatch.setattr(verifier, "Messages", at_pole)
    monkeypatch.setattr(verifier, "check_identity", lambda *_: None)
    with pytest.raises(ProofError, match="a message of the statement is a pole"):
        verify(SYSTEM, public, b"", proof, FAST)


HEADERS: list[tuple[int, int, str]] = [
    (0, 4, "table range cannot have 16 rows"),
    (0, 6, "table range cannot have 64 rows"),
    (0, 255, "table range is absent"),
    (1, 255, "table power is absent"),
    (1, 17, "table power cannot have 131072 rows"),
    (2, 1, "table taker cannot have 2 rows"),
    (1, 32, "out of range"),
    (1, 254, "out of range"),
    (3, 8, "a degree bound of 256 is no power of two from 512 on"),
    (3, 23, "a domain of 33554432 points has more than 16777216"),
    (3, 255, "out of range"),
]


@pytest.mark.parametrize(("place", "value", "message"), HEADERS)
def test_heights_in_the_header_are_checked(place: int, value: int, message: str) -> None:
    proof = bytearray(Forger(SYSTEM, *true_trace()).prove())
    proof[8 + place] = value
    with pytest.raises(ProofError, match=message):
        verify(SYSTEM, true_trace()[1], b"", bytes(proof), FAST)


@pytest.mark.parametrize(("place", "value"), [(1, 3), (1, 5), (2, 255), (2, 3), (3, 10)])
def test_other_allowed_heights_in_the_header_are_refused(place: int, value: int) -> None:
    proof = bytearray(Forger(SYSTEM, *true_trace()).prove())
    proof[8 + place] = value
    with pytest.raises(ProofError):
        verify(SYSTEM, true_trace()[1], b"", bytes(proof), FAST)


def recorded(monkeypatch: pytest.MonkeyPatch, action: Callable[[], object]) -> list[str]:
    """The labels that a transcript takes in and draws under, draws marked."""
    log: list[str] = []
    absorb, stream = Transcript.absorb, Transcript.stream

    def absorbing(self: Transcript, label: str, data: bytes) -> None:
        log.append(label)
        absorb(self, label, data)

    def streaming(self: Transcript, label: str, count: int) -> Any:
        log.append(f"draw {label} {count}")
        return stream(self, label, count)

    with monkeypatch.context() as patch:
        patch.setattr(Transcript, "absorb", absorbing)
        patch.setattr(Transcript, "stream", streaming)
        action()
    return log


def test_every_message_is_absorbed_before_the_challenges_that_depend_on_it(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile = dataclasses.replace(FAST, batch_grinding=1)
    trace, public = toy_trace(1024, 16, 8)
    proofs: list[bytes] = []
    proving = recorded(monkeypatch, lambda: proofs.append(Prover(SYSTEM, trace, public, b"", profile, 1024).prove()))
    verifying = recorded(monkeypatch, lambda: verify(SYSTEM, public, b"", proofs[0], profile))
    expected = ["profile", "system", "heights", "statement", "public"]
    expected += ["trace", "draw message 4", "fractions", "draw constraint 1", "quotient", "draw point 1"]
    expected += ["openings", "sums", "batch grind", "draw batch 1"]
    expected += ["layer", "fold grind", "draw fold 3"] * 2
    expected += ["final", "query grind", "draw query 24"]
    assert verifying == expected
    assert proving == expected
    page = (root / "docs" / "proof-system" / "transcript.md").read_text(encoding="utf-8")
    described = [line.split("`")[1] for line in page.splitlines() if line.startswith("| `")]
    assert described == list(dict.fromkeys(label for label in expected if not label.startswith("draw")))
    assert list(PHASES) == ["trace", "fractions", "quotient"]


def test_a_point_in_the_base_field_is_drawn_again() -> None:
    class Drawing(Transcript):
        values = iter([embed(5), embed(0), (0, 0, 0, 0, 1)])

        def draw_elements(self, label: str, count: int) -> list[Element]:
            assert (label, count) == ("point", 1)
            return [next(self.values)]

    assert verifier.draw_point(Drawing(b"")) == (0, 0, 0, 0, 1)


def test_the_domain_meets_no_trace_domain_and_no_zero() -> None:
    """3^N is not 1 for any N up to 2^24: the domain is disjoint from every subgroup of a power of two."""
    for bits in range(9, 25):
        assert pow(domain_point(1 << bits, 7), 1 << 24, MODULUS) not in (0, 1)
