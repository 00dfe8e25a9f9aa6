"""Prove a trace. The steps are the verifier's, in the same order; docs/proof-system describes them."""

import time
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from perp_hash.field import MODULUS
from perp_proofs.air.system import PublicFraction, System, Table
from perp_proofs.air.tape import ROW
from perp_proofs.stark import interpreter
from perp_proofs.stark.arithmetic import Elements, extension_powers
from perp_proofs.stark.blake import Tree, grind
from perp_proofs.stark.folding import fold_once, last_coefficients, layer_tree
from perp_proofs.stark.interpreter import compiled
from perp_proofs.stark.openings import BatchSums, open_columns
from perp_proofs.stark.transform import interpolate, stack, transform
from perp_proofs.verifier.codec import MAGIC
from perp_proofs.verifier.constraints import Messages
from perp_proofs.verifier.field import DEGREE, GENERATOR, power, root_of_unity
from perp_proofs.verifier.merkle import PERSON_NODE, PERSON_ROW, missing
from perp_proofs.verifier.plan import (
    ARITY,
    BOUND_LEAST,
    FRACTIONS,
    PHASES,
    QUOTIENT,
    QUOTIENT_FACTOR,
    SIZE_MAX,
    TRACE,
    Block,
    plan,
)
from perp_proofs.verifier.queries import HALVES
from perp_proofs.verifier.security import PROFILE_100, Profile, Sizes, security
from perp_proofs.verifier.transcript import NONCE_BYTES, PERSON_GRIND, labelled
from perp_proofs.verifier.verify import begin, check_public, check_security, draw_point

Trace = Mapping[str, Elements]

Progress = Callable[[str, int, float], None]
"""Called after each stage with its name, the cells it worked on, and its seconds."""

CELLS_A_POINT = 140
"""Committed cells a coefficient of a word, at the most: the degree bound is a hundredth of them, to the nearest power
of two. docs/proof-system/stacking.md says why."""


class ProvingError(ValueError):
    """There is no proof of this: the trace has another shape, or the parameters are not secure enough."""


def trace_heights(system: System, trace: Trace) -> tuple[int | None, ...]:
    """The heights of the tables in a trace. Raises ProvingError for tables or shapes that the system does not have."""
    unknown = set(trace) - {table.name for table in system.tables}
    if unknown:
        raise ProvingError(f"the system has no table {min(unknown)}")
    heights: list[int | None] = []
    for table in system.tables:
        columns = trace.get(table.name)
        if columns is None:
            heights.append(None)
            continue
        if columns.dtype != np.uint32 or columns.ndim != 2 or len(columns) != len(table.columns):
            raise ProvingError(f"table {table.name}: expected {len(table.columns)} columns of uint32")
        if columns.size and columns.max() >= MODULUS:
            raise ProvingError(f"table {table.name}: a cell is not canonical")
        heights.append(columns.shape[1])
    return tuple(heights)


def choose_bound(
    system: System, heights: tuple[int | None, ...], profile: Profile, public: Sequence[PublicFraction]
) -> int:
    """The degree bound: the power of two next above the committed cells by CELLS_A_POINT, or less.

    It is halved until the profile reaches its target: folds of longer words are less secure.
    """
    cells = QUOTIENT_FACTOR * DEGREE * max(height or 1 for height in heights)
    for table, height in zip(system.tables, heights, strict=True):
        cells += (height or 0) * (len(table.columns) + DEGREE * len(table.groups))
    bound = BOUND_LEAST
    while bound < cells // CELLS_A_POINT and bound * profile.blowup < SIZE_MAX:
        bound *= 2
    while bound > BOUND_LEAST:
        shape = plan(system, heights, bound, profile.blowup)
        if security(profile, Sizes.of(shape, shape.fractions(list(public)))).bits >= profile.target:
            break
        bound //= 2
    return bound


class Committed:
    """The columns of a phase and their tree.

    Attributes:
        coefficients: Of each block, as [column][coefficient].
        values: Of each block on the domain of its quotient, every `stride`-th of them.
    """

    def __init__(self) -> None:
        self.coefficients: dict[Block, Elements] = {}
        self.values: dict[Block, Elements] = {}
        self.words = np.empty((0, 0), np.uint32)
        self.tree: Tree | None = None


class Prover:
    """One proof in the making: the steps of the protocol as methods, in their order."""

    def __init__(
        self,
        system: System,
        trace: Trace,
        public: Sequence[PublicFraction],
        statement: bytes,
        profile: Profile = PROFILE_100,
        bound: int | None = None,
        progress: Progress | None = None,
    ) -> None:
        self.system = system
        self.trace = trace
        self.public = list(public)
        self.statement = statement
        self.profile = profile
        self.progress = progress
        heights = trace_heights(system, trace)
        bound = bound or choose_bound(system, heights, profile, public)
        self.plan = plan(system, heights, bound, profile.blowup)
        self.committed = [Committed() for _ in PHASES]
        self.proof: list[bytes] = [MAGIC, self.plan.header()]
        self.cells = sum(len(block.columns) * block.height for block in self.plan.blocks)
        self.started = time.perf_counter()

    def report(self, stage: str, cells: int) -> None:
        """Tell the progress of a stage that ends here."""
        now = time.perf_counter()
        if self.progress is not None:
            self.progress(stage, cells, now - self.started)
        self.started = now

    def blocks(self, phase: int) -> list[Block]:
        """The blocks of a phase."""
        return [block for block in self.plan.blocks if block.phase == phase]

    def phase_cells(self, phase: int) -> int:
        """Committed cells of a phase."""
        return sum(len(block.columns) * block.height for block in self.blocks(phase))

    def send(self, label: str, data: bytes) -> None:
        """Put a message into the proof and the transcript."""
        self.proof.append(data)
        self.transcript.absorb(label, data)

    def prove(self) -> bytes:
        """The proof."""
        self.transcript = begin(self.plan, self.profile, self.public, self.statement)
        self.commit(TRACE, self.trace_columns())
        self.messages = Messages(self.transcript.draw_elements("message", 1 + self.plan.message_width))
        self.phis = self.fraction_columns()
        self.report("fractions", self.phase_cells(FRACTIONS))
        self.commit(FRACTIONS, self.phis)
        (self.xi,) = self.transcript.draw_elements("constraint", 1)
        coefficients = self.quotient()
        self.report("constraints", self.phase_cells(TRACE) + self.phase_cells(FRACTIONS))
        self.commit_quotient(coefficients)
        self.point = draw_point(self.transcript)
        self.open()
        self.grind("batch grind", self.profile.batch_grinding)
        (self.challenge,) = self.transcript.draw_elements("batch", 1)
        layers = self.fold(self.batch_values())
        self.grind("query grind", self.profile.query_grinding)
        self.report("grinding", self.cells)
        indices = set(self.transcript.draw_indices("query", self.profile.queries, self.plan.size))
        self.answer(indices, layers)
        self.report("queries", self.cells)
        return b"".join(self.proof)

    def trace_columns(self) -> dict[Block, Elements]:
        """The columns of the trace, by block."""
        result: dict[Block, Elements] = {}
        for block in self.blocks(TRACE):
            tables = dict.fromkeys(number for number, _ in block.columns)
            result[block] = np.concatenate([self.trace[self.system.tables[number].name] for number in tables])
        return result

    def commit(self, phase: int, columns: dict[Block, Elements]) -> None:
        """Commit to the columns of a phase."""
        self.commit_coefficients(phase, {block: interpolate(values) for block, values in columns.items()})

    def commit_coefficients(self, phase: int, coefficients: dict[Block, Elements]) -> None:
        """Commit to columns given by their coefficients."""
        if not self.plan.stacks[phase]:
            return
        committed = self.committed[phase]
        committed.coefficients = coefficients
        committed.words = np.empty((self.plan.stacks[phase], self.plan.size), np.uint32)
        first = min(block.first_stack for block in coefficients)
        for block, own in coefficients.items():
            start = block.first_stack - first
            self.fill_words(committed, block, own, committed.words[start : start + block.stacks])
        self.report(f"{PHASES[phase]} transform", self.phase_cells(phase))
        committed.tree = Tree(committed.words, PERSON_ROW, PERSON_NODE)
        self.report(f"{PHASES[phase]} tree", self.phase_cells(phase))
        self.send(PHASES[phase], committed.tree.root)

    def fill_words(self, committed: Committed, block: Block, coefficients: Elements, words: Elements) -> None:
        """The words of a block, and its values for the quotient."""
        size = self.plan.size
        if block.pieces > 1:
            words[:] = transform(coefficients.reshape(block.slots, -1), size, GENERATOR)
            if block.phase != QUOTIENT:
                committed.values[block] = transform(coefficients, QUOTIENT_FACTOR * block.height, GENERATOR)
            return
        shift = pow(GENERATOR, block.width, MODULUS)
        values = transform(coefficients, size // block.width, shift)
        if block.phase != QUOTIENT:
            committed.values[block] = values
        if block.width == 1:
            words[:] = values
        else:
            stack(values, block.width, size, GENERATOR, words)

    def block_of(self, phase: int, height: int) -> Block | None:
        """The block of a phase and height."""
        return next((block for block in self.blocks(phase) if block.height == height), None)

    def own_columns(self, arrays: dict[Block, Elements], phase: int, number: int, height: int) -> Elements:
        """The part of a block's array that is a table's, as a view."""
        block = self.block_of(phase, height)
        places = [] if block is None else [i for i, (table, _) in enumerate(block.columns) if table == number]
        if block is None or not places:
            return np.empty((0, 1), np.uint32)
        return arrays[block][places[0] : places[-1] + 1]

    def fraction_columns(self) -> dict[Block, Elements]:
        """The columns phi: each row's sum of the fractions of a group."""
        result = {block: np.empty((len(block.columns), block.height), np.uint32) for block in self.blocks(FRACTIONS)}
        for number, table, height in self.plan.present:
            if not table.fractions:
                continue
            code = compiled(table, with_constraints=False)
            phis = self.own_columns(result, FRACTIONS, number, height)
            weights = np.zeros((len(table.groups), DEGREE), np.uint64)
            rows = np.arange(height, dtype=np.uint32)
            columns = np.ascontiguousarray(self.trace[table.name])
            empty = np.empty((DEGREE, height), np.uint32)
            mode = interpreter.FRACTION_MODE
            if interpreter.run(mode, code, self.messages, weights, columns, rows, 1, phis, empty):
                raise ProvingError(f"table {table.name}: a message is a pole")
        return result

    def quotient(self) -> Elements:
        """The coefficients of Q, as [5][4 * height]: sum of xi^i C_i / (X^n - 1)."""
        total = np.zeros((DEGREE, QUOTIENT_FACTOR * self.plan.height), np.uint64)
        weights = extension_powers(self.xi, self.plan.constraints)
        for height in sorted({height for _, _, height in self.plan.present}, reverse=True):
            size = QUOTIENT_FACTOR * height
            shift = pow(GENERATOR, max(1, self.plan.bound // height), MODULUS)
            values = np.zeros((DEGREE, size), np.uint64)
            for number, table, own in self.plan.present:
                if own == height:
                    values += self.constraint_sum(number, table, height, shift, weights)
            coefficients = divide_by_vanishing(values, height, shift)
            total[:, :size] += coefficients
        return (total % np.uint64(MODULUS)).astype(np.uint32)

    def constraint_sum(
        self, number: int, table: Table, height: int, shift: int, weights: NDArray[np.uint64]
    ) -> Elements:
        """The sum of a table's weighted constraints on the quotient's domain."""
        code = compiled(table, with_constraints=True)
        columns = self.own_columns(self.committed[TRACE].values, TRACE, number, height)
        phis = self.own_columns(self.committed[FRACTIONS].values, FRACTIONS, number, height)
        size = QUOTIENT_FACTOR * height
        stride = (columns if len(columns) else phis).shape[1] // size
        rows = np.empty(0, np.uint32)
        if any(node.code == ROW for node in table.tape.nodes):
            numbers = interpolate(np.arange(height, dtype=np.uint32).reshape(1, -1))
            rows = np.repeat(transform(numbers, size, shift)[0], stride)
        result = np.empty((DEGREE, size), np.uint32)
        first = self.plan.numbers[number]
        own = np.ascontiguousarray(weights[first : first + len(table.constraints) + len(table.groups)])
        mode = interpreter.QUOTIENT_MODE
        interpreter.run(mode, code, self.messages, own, columns, rows, stride, phis, result)
        return result

    def commit_quotient(self, coefficients: Elements) -> None:
        """Commit to Q."""
        for phase in (TRACE, FRACTIONS):
            self.committed[phase].values.clear()
        (block,) = self.blocks(QUOTIENT)
        self.commit_coefficients(QUOTIENT, {block: coefficients})

    def open(self) -> None:
        """Send the values of all columns at z, and of the fractions' columns at 0."""
        values = [
            open_columns(self.committed[block.phase].coefficients[block], block.pieces, self.point)
            for block in self.plan.blocks
        ]
        zeros = [
            self.committed[FRACTIONS].coefficients[block].reshape(block.slots, -1)[:, 0]
            for block in self.blocks(FRACTIONS)
        ]
        self.send_openings(values, zeros)
        self.report("openings", self.cells)

    def send_openings(self, values: list[Elements], zeros: list[Elements]) -> None:
        """Send openings, by block."""
        self.send("openings", b"".join(value.astype("<u4").tobytes() for value in values))
        self.send("sums", b"".join(value.astype("<u4").tobytes() for value in zeros))

    def grind(self, label: str, bits: int) -> None:
        """Do the work that a draw is made to cost."""
        if bits:
            head = self.transcript.state + labelled(label)
            nonce = grind(head + bytes(NONCE_BYTES), len(head), PERSON_GRIND, bits)
            self.send(label, nonce.to_bytes(NONCE_BYTES, "little"))

    def batch(self) -> Elements:
        """The coefficients of the batch, as [5][bound]."""
        result = np.zeros((DEGREE, self.plan.bound), np.uint32)
        count = sum(self.plan.stacks)
        weights = extension_powers(self.challenge, count)
        at_point = power(self.challenge, count)
        at_zero = power(self.challenge, 2 * count - self.plan.stacks[TRACE])
        for width in sorted({block.width for block in self.plan.blocks}):
            blocks = [block for block in self.plan.blocks if block.width == width]
            parts = max(min(width, block.slots) for block in blocks)
            sums = BatchSums(width, self.plan.bound // width, parts)
            # The fractions come first: their sum alone has a quotient at 0.
            for block in sorted(blocks, key=lambda block: block.phase != FRACTIONS):
                sums.add(block, self.committed[block.phase].coefficients[block], weights)
                if block.phase == FRACTIONS and not any(
                    other.phase == FRACTIONS and other.first_stack > block.first_stack for other in blocks
                ):
                    sums.divide_at_zero(at_zero, result)
            sums.divide(self.point, at_point, result)
        return result

    def batch_values(self) -> Elements:
        """The batch on the domain, as [5][size]."""
        values = transform(self.batch(), self.plan.size, GENERATOR)
        self.report("batch", self.cells)
        return values

    def fold(self, values: Elements) -> list[Tree]:
        """Commit to the batch and its folds, and send the last polynomial. The trees of the layers."""
        shift = GENERATOR
        trees: list[Tree] = []
        for _ in range(self.plan.layers):
            tree = layer_tree(values)
            trees.append(tree)
            self.send("layer", tree.root)
            self.grind("fold grind", self.profile.fold_grinding)
            for challenge in self.transcript.draw_elements("fold", len(HALVES)):
                values = fold_once(values, shift, challenge)
                shift = shift * shift % MODULUS
        last = last_coefficients(values, shift, self.plan.final_length)
        self.send("final", np.ascontiguousarray(last.T).astype("<u4").tobytes())
        self.report("folding", self.cells)
        return trees

    def answer(self, indices: set[int], layers: list[Tree]) -> None:
        """Open the drawn rows in every tree."""
        for committed in self.committed:
            if committed.tree is not None:
                self.open_tree(committed.tree, indices)
        leaves = self.plan.size
        for tree in layers:
            leaves //= ARITY
            indices = {index % leaves for index in indices}
            self.open_tree(tree, indices)

    def open_tree(self, tree: Tree, indices: set[int]) -> None:
        """Rows, then the digests that lead to the root."""
        self.proof += [tree.row(index) for index in sorted(indices)]
        self.proof += [tree.node(height, index) for height, index in missing(len(tree.levels) - 1, indices)]


def divide_by_vanishing(values: NDArray[np.uint64], height: int, shift: int) -> Elements:
    """The coefficients of f / (X^height - 1), from the values of f at shift * <w>, four times as many."""
    size = QUOTIENT_FACTOR * height
    step = root_of_unity(QUOTIENT_FACTOR)
    vanishing = [
        (pow(shift, height, MODULUS) * pow(step, index, MODULUS) - 1) % MODULUS for index in range(QUOTIENT_FACTOR)
    ]
    inverse = np.tile(np.array([pow(value, -1, MODULUS) for value in vanishing], np.uint64), height)
    quotients = (values % np.uint64(MODULUS) * inverse % np.uint64(MODULUS)).astype(np.uint32)
    on_subgroup = transform(quotients, size, 1, backward=True, factor=pow(size, -1, MODULUS))
    return scale_powers(on_subgroup, pow(shift, -1, MODULUS))


def scale_powers(coefficients: Elements, base: int) -> Elements:
    """Coefficient i times base^i."""
    factors = np.ones(1, np.uint64)
    step = base
    while factors.size < coefficients.shape[1]:
        factors = np.concatenate((factors, factors * np.uint64(step) % np.uint64(MODULUS)))
        step = step * step % MODULUS
    return (coefficients * factors % np.uint64(MODULUS)).astype(np.uint32)


def prove(
    system: System,
    trace: Trace,
    public_fractions: Sequence[PublicFraction],
    statement_bytes: bytes,
    profile: Profile = PROFILE_100,
    bound: int | None = None,
    progress: Progress | None = None,
    target: float | None = None,
) -> bytes:
    """Prove that a trace satisfies a system and balances its buses with the statement.

    The trace is not checked: of a false one comes a proof that does not verify. `bound` overrides the degree bound.
    Raises ProvingError for a trace of another shape and ProofError for heights that the system does not allow and for
    less security than the target, which is the profile's unless given for a test.
    """
    prover = Prover(system, trace, public_fractions, statement_bytes, profile, bound, progress)
    check_public(system, public_fractions)
    check_security(prover.plan, profile, public_fractions, profile.target if target is None else target)
    return prover.prove()
