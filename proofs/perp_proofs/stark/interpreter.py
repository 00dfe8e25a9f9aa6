"""The tape of a table, run on blocks of 128 rows: constraints on the quotient's domain, fractions on the trace.

A tape is compiled to instructions over slots of 128 numbers in Montgomery form; slots are used again as soon as nothing
needs them, so that a table's slots stay in the cache. One kernel runs every table.
"""

from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
from numba import njit
from numpy.typing import NDArray

from perp_hash.field import MODULUS
from perp_proofs.air.system import Table
from perp_proofs.air.tape import ADD, COLUMN, CONSTANT, MULTIPLY, ROW, SUBTRACT, Tape
from perp_proofs.stark.arithmetic import (
    MONTGOMERY_ONE,
    SQUARED_RADIX,
    TWO_P_SQUARED,
    Elements,
    add,
    extension_product,
    five,
    montgomery,
    montgomery_element,
    product,
    reduce_product,
    subtract,
    wide,
)
from perp_proofs.stark.threads import in_parallel
from perp_proofs.verifier.constraints import Messages
from perp_proofs.verifier.field import DEGREE, FROBENIUS, Element, scale
from perp_proofs.verifier.field import subtract as subtract_elements

BLOCK = 128

LOAD, LOAD_ROW, LOAD_CONSTANT, SUM, DIFFERENCE, PRODUCT, SUM_CONSTANT, CONSTANT_LESS, PRODUCT_CONSTANT = range(9)
EMIT_CONSTRAINT, EMIT_GROUP = 9, 10

OPERATIONS = {ADD: SUM, SUBTRACT: DIFFERENCE, MULTIPLY: PRODUCT}
CONSTANT_OPERATIONS = {ADD: SUM_CONSTANT, SUBTRACT: CONSTANT_LESS, MULTIPLY: PRODUCT_CONSTANT}

FRACTION_MODE, QUOTIENT_MODE = 0, 1

FROBENIUS_MATRIX = np.array([[montgomery(value) for value in image] for image in FROBENIUS], np.uint64)
INVERSE_EXPONENT = MODULUS - 2


@dataclass(frozen=True)
class Code:
    """A compiled tape.

    Attributes:
        instructions: Rows of operation, target and two operands.
        constants: In Montgomery form.
        slots: How many slots it needs.
        groups: First fraction of each group, and the end.
        numerators: Slot of each fraction's numerator.
        entries: First entry of each fraction, and the end.
        betas: Number of the beta of each entry; entries that are constants are not among them.
        operands: Slot of each entry.
        fixed: Of each fraction the tag and its constant entries, as (beta or -1 for the tag, value).
    """

    instructions: NDArray[np.int64]
    constants: NDArray[np.uint64]
    slots: int
    groups: NDArray[np.int64]
    numerators: NDArray[np.int64]
    entries: NDArray[np.int64]
    betas: NDArray[np.int64]
    operands: NDArray[np.int64]
    fixed: tuple[tuple[tuple[int, int], ...], ...]


class Compiler:
    """Makes the code of a table."""

    def __init__(self, table: Table, with_constraints: bool) -> None:
        self.table = table
        self.nodes = table.tape.nodes
        self.groups = table.groups
        self.instructions: list[tuple[int, int, int, int]] = []
        self.constants: list[int] = []
        self.numbers: dict[int, int] = {}
        self.slot_of: dict[int, int] = {}
        self.free: list[int] = []
        self.slots = 0
        self.ready: dict[int, list[tuple[int, int]]] = {}
        self.uses: dict[int, int] = {}
        self.numerators: list[int] = []
        self.entries: list[int] = [0]
        self.betas: list[int] = []
        self.operands: list[int] = []
        if with_constraints:
            for number, constraint in enumerate(table.constraints):
                self.ready.setdefault(constraint.node, []).append((EMIT_CONSTRAINT, number))
        for number, group in enumerate(self.groups):
            self.ready.setdefault(max(self.needs(group)), []).append((EMIT_GROUP, number))
        self.emitted_groups: dict[int, list[tuple[int, list[tuple[int, int]]]]] = {}

    def needs(self, group: tuple) -> list[int]:
        """The nodes of a group that must be in slots."""
        entries = [node for fraction in group for node in fraction.entries if self.nodes[node].code != CONSTANT]
        return [*entries, *(fraction.numerator for fraction in group)]

    def outputs(self, node: int) -> list[tuple[int, int]]:
        """What can be emitted once a node is there."""
        return self.ready.get(node, [])

    def count_uses(self) -> list[int]:
        """The nodes that are needed, in order; how often each is used goes into `uses`."""
        for node, outputs in self.ready.items():
            for kind, number in outputs:
                needed = [node] if kind == EMIT_CONSTRAINT else self.needs(self.groups[number])
                for use in needed:
                    self.uses[use] = self.uses.get(use, 0) + 1
        for number in range(len(self.nodes) - 1, -1, -1):
            if number in self.uses:
                for operand in self.operands_of(number):
                    self.uses[operand] = self.uses.get(operand, 0) + 1
        return sorted(self.uses)

    def operands_of(self, number: int) -> list[int]:
        """The nodes whose slots an operation reads."""
        code, left, right = self.nodes[number]
        if code in (CONSTANT, COLUMN, ROW):
            return []
        return [node for node in (left, right) if self.nodes[node].code != CONSTANT]

    def constant(self, value: int) -> int:
        """The number of a constant."""
        value %= MODULUS
        if value not in self.numbers:
            self.numbers[value] = len(self.constants)
            self.constants.append(montgomery(value))
        return self.numbers[value]

    def slot(self, number: int) -> int:
        """The slot of a node; columns and constants are loaded when they are first asked for."""
        if number not in self.slot_of:
            code, left, _ = self.nodes[number]
            target = self.take(number)
            if code == COLUMN:
                self.instructions.append((LOAD, target, left, 0))
            elif code == ROW:
                self.instructions.append((LOAD_ROW, target, 0, 0))
            else:
                assert code == CONSTANT
                self.instructions.append((LOAD_CONSTANT, target, self.constant(left), 0))
        return self.slot_of[number]

    def take(self, number: int) -> int:
        """A slot for a node."""
        if self.free:
            self.slot_of[number] = self.free.pop()
        else:
            self.slot_of[number] = self.slots
            self.slots += 1
        return self.slot_of[number]

    def release(self, number: int) -> None:
        """One use of a node is over."""
        self.uses[number] -= 1
        if self.uses[number] == 0:
            self.free.append(self.slot_of.pop(number))

    def operate(self, number: int) -> None:
        """The instruction of an operation."""
        code, left, right = self.nodes[number]
        is_left, is_right = self.nodes[left].code == CONSTANT, self.nodes[right].code == CONSTANT
        if not is_left and not is_right:
            operation = OPERATIONS[code]
            operands = (self.slot(left), self.slot(right))
        else:
            value = self.nodes[right if is_right else left].left
            other = self.slot(left if is_right else right)
            operation = CONSTANT_OPERATIONS[code]
            if code == SUBTRACT and is_right:
                operation, value = SUM_CONSTANT, -value
            operands = (other, self.constant(value))
        # The target is another slot than the operands: loops over buffers that may overlap are not vectorised.
        self.instructions.append((operation, self.take(number), *operands))
        for operand in self.operands_of(number):
            self.release(operand)

    def emit(self, kind: int, number: int, node: int) -> None:
        """An output whose nodes are all there."""
        if kind == EMIT_CONSTRAINT:
            self.instructions.append((EMIT_CONSTRAINT, 0, self.slot(node), number))
            self.release(node)
            return
        group = self.groups[number]
        fractions: list[tuple[int, list[tuple[int, int]]]] = []
        for fraction in group:
            places = [
                (beta, self.slot(entry))
                for beta, entry in enumerate(fraction.entries)
                if self.nodes[entry].code != CONSTANT
            ]
            fractions.append((self.slot(fraction.numerator), places))
        self.emitted_groups[number] = fractions
        self.instructions.append((EMIT_GROUP, 0, number, 0))
        for use in self.needs(group):
            self.release(use)

    def compile(self) -> Code:
        """The code."""
        for number in self.count_uses():
            if self.nodes[number].code in (ADD, SUBTRACT, MULTIPLY):
                self.operate(number)
            for kind, output in self.outputs(number):
                self.emit(kind, output, number)
        starts = [0]
        for number in range(len(self.groups)):
            for numerator, places in self.emitted_groups[number]:
                self.numerators.append(numerator)
                self.betas += [beta for beta, _ in places]
                self.operands += [place for _, place in places]
                self.entries.append(len(self.betas))
            starts.append(len(self.numerators))
        return Code(
            instructions=np.array(self.instructions, np.int64).reshape(-1, 4),
            constants=np.array(self.constants or [0], np.uint64),
            slots=max(self.slots, 1),
            groups=np.array(starts, np.int64),
            numerators=np.array(self.numerators, np.int64),
            entries=np.array(self.entries, np.int64),
            betas=np.array(self.betas, np.int64),
            operands=np.array(self.operands, np.int64),
            fixed=self.fixed(),
        )

    def fixed(self) -> tuple[tuple[tuple[int, int], ...], ...]:
        """Tag and constant entries of each fraction."""
        return tuple(
            (
                (-1, fraction.tag),
                *(
                    (beta, self.nodes[entry].left)
                    for beta, entry in enumerate(fraction.entries)
                    if self.nodes[entry].code == CONSTANT
                ),
            )
            for fraction in self.table.fractions
        )


CODES: WeakKeyDictionary[Tape, dict[tuple[object, ...], Code]] = WeakKeyDictionary()
"""Codes of tables, as long as their tapes live: compiling takes longer than running on a few rows."""


def compiled(table: Table, with_constraints: bool) -> Code:
    """The code of a table, compiled once."""
    codes = CODES.setdefault(table.tape, {})
    key = (with_constraints, tuple(table.constraints) if with_constraints else (), tuple(table.fractions))
    if key not in codes:
        codes[key] = Compiler(table, with_constraints).compile()
    return codes[key]


def constant_parts(code: Code, messages: Messages) -> NDArray[np.uint64]:
    """alpha - tag - the constant entries' share of each fraction's denominator, in Montgomery form."""
    rows: list[NDArray[np.uint64]] = []
    for parts in code.fixed:
        total = messages.alpha
        for beta, value in parts:
            factor: Element = (1, 0, 0, 0, 0) if beta < 0 else messages.betas[beta]
            total = subtract_elements(total, scale(factor, value))
        rows.append(montgomery_element(total))
    return np.array(rows, np.uint64).reshape(-1, DEGREE)


@njit
def multiply_lanes(a, b, target, count):
    """target = a * b, three different buffers.

    A buffer is flat, coefficient after coefficient: so the compiler knows their distance and can use vectors.
    """
    for s in range(count):
        c0, c1, c2, c3, c4 = extension_product(
            a[s], a[s + BLOCK], a[s + 2 * BLOCK], a[s + 3 * BLOCK], a[s + 4 * BLOCK],
            b[s], b[s + BLOCK], b[s + 2 * BLOCK], b[s + 3 * BLOCK], b[s + 4 * BLOCK],
        )  # fmt: skip
        target[s], target[s + BLOCK], target[s + 2 * BLOCK] = c0, c1, c2
        target[s + 3 * BLOCK], target[s + 4 * BLOCK] = c3, c4


@njit
def multiply_by_lanes(a, b, count):
    """a = a * b, two different buffers."""
    for s in range(count):
        c0, c1, c2, c3, c4 = extension_product(
            a[s], a[s + BLOCK], a[s + 2 * BLOCK], a[s + 3 * BLOCK], a[s + 4 * BLOCK],
            b[s], b[s + BLOCK], b[s + 2 * BLOCK], b[s + 3 * BLOCK], b[s + 4 * BLOCK],
        )  # fmt: skip
        a[s], a[s + BLOCK], a[s + 2 * BLOCK], a[s + 3 * BLOCK], a[s + 4 * BLOCK] = c0, c1, c2, c3, c4


@njit
def frobenius_lanes(a, matrix, target, count):
    """target = a^p; target is not a."""
    for j in range(DEGREE):
        m0, m1, m2, m3, m4 = matrix[0, j], matrix[1, j], matrix[2, j], matrix[3, j], matrix[4, j]
        for s in range(count):
            target[j * BLOCK + s] = five(
                a[s], m0, a[s + BLOCK], m1, a[s + 2 * BLOCK], m2, a[s + 3 * BLOCK], m3, a[s + 4 * BLOCK], m4
            )


@njit
def invert_lanes(a, matrix, target, work, count, poles):
    """target = 1 / a by the norm; `work` holds three elements more. Counts the zeros in poles[0]."""
    first, second, third = work[0], work[1], work[2]
    frobenius_lanes(a, matrix, first, count)
    frobenius_lanes(first, matrix, second, count)
    multiply_by_lanes(first, second, count)
    frobenius_lanes(first, matrix, second, count)
    frobenius_lanes(second, matrix, third, count)
    multiply_by_lanes(first, third, count)
    multiply_lanes(a, first, second, count)
    for s in range(count):
        third[s] = MONTGOMERY_ONE
        if second[s] == 0:
            poles[0] += 1
    exponent = INVERSE_EXPONENT
    while exponent:
        if exponent & 1:
            for s in range(count):
                third[s] = product(third[s], second[s])
        for s in range(count):
            second[s] = product(second[s], second[s])
        exponent >>= 1
    for j in range(DEGREE):
        for s in range(count):
            target[j * BLOCK + s] = product(first[j * BLOCK + s], third[s])


@njit
def denominator(slots, begin, end, betas, operands, beta_values, constant, own, count):
    """own = constant - sum of beta * entry."""
    own[:] = 0
    for place in range(begin, end):
        entry = slots[operands[place]]
        beta = beta_values[betas[place]]
        b0, b1, b2, b3, b4 = beta[0], beta[1], beta[2], beta[3], beta[4]
        for s in range(count):
            value = np.uint64(entry[s])
            t0, t1, t2 = (
                own[s] + wide(b0, value),
                own[s + BLOCK] + wide(b1, value),
                own[s + 2 * BLOCK] + wide(b2, value),
            )
            t3, t4 = own[s + 3 * BLOCK] + wide(b3, value), own[s + 4 * BLOCK] + wide(b4, value)
            own[s] = min(t0, t0 - TWO_P_SQUARED)
            own[s + BLOCK] = min(t1, t1 - TWO_P_SQUARED)
            own[s + 2 * BLOCK] = min(t2, t2 - TWO_P_SQUARED)
            own[s + 3 * BLOCK] = min(t3, t3 - TWO_P_SQUARED)
            own[s + 4 * BLOCK] = min(t4, t4 - TWO_P_SQUARED)
    for j in range(DEGREE):
        c = constant[j]
        for s in range(count):
            own[j * BLOCK + s] = subtract(c, reduce_product(own[j * BLOCK + s]))


@njit
def add_fraction(top, below, own, numerator, first, count):
    """top / below + numerator / own."""
    if first:
        top[:] = 0
        for s in range(count):
            top[s] = numerator[s]
        below[:] = own
        return
    multiply_by_lanes(top, own, count)
    for j in range(DEGREE):
        for s in range(count):
            share = product(below[j * BLOCK + s], np.uint64(numerator[s]))
            top[j * BLOCK + s] = add(top[j * BLOCK + s], share)
    multiply_by_lanes(below, own, count)


@njit
def load(into, operation, a, constants, columns, rows, start, stride, count):
    """A column, the number of the row, or a constant."""
    if operation == LOAD_CONSTANT:
        for s in range(count):
            into[s] = constants[a]
        return
    source = columns[a] if operation == LOAD else rows
    if stride == 1:
        for s in range(count):
            into[s] = product(np.uint64(source[start + s]), SQUARED_RADIX)
    else:
        for s in range(count):
            into[s] = product(np.uint64(source[(start + s) * stride]), SQUARED_RADIX)


@njit
def operate(slots, operation, into, a, b, constants, count):
    """One operation on slots."""
    if operation == SUM:
        left, right = slots[a], slots[b]
        for s in range(count):
            into[s] = add(np.uint64(left[s]), np.uint64(right[s]))
    elif operation == DIFFERENCE:
        left, right = slots[a], slots[b]
        for s in range(count):
            into[s] = subtract(np.uint64(left[s]), np.uint64(right[s]))
    elif operation == PRODUCT:
        left, right = slots[a], slots[b]
        for s in range(count):
            into[s] = product(np.uint64(left[s]), np.uint64(right[s]))
    elif operation == SUM_CONSTANT:
        left, constant = slots[a], constants[b]
        for s in range(count):
            into[s] = add(np.uint64(left[s]), constant)
    elif operation == CONSTANT_LESS:
        left, constant = slots[a], constants[b]
        for s in range(count):
            into[s] = subtract(constant, np.uint64(left[s]))
    else:
        left, constant = slots[a], constants[b]
        for s in range(count):
            into[s] = product(np.uint64(left[s]), constant)


@njit
def add_constraint(total, value, weight, count):
    """total += weight * value, not yet reduced: below 2 p^2."""
    w0, w1, w2, w3, w4 = weight[0], weight[1], weight[2], weight[3], weight[4]
    for s in range(count):
        x = np.uint64(value[s])
        t0, t1, t2 = total[s] + wide(w0, x), total[s + BLOCK] + wide(w1, x), total[s + 2 * BLOCK] + wide(w2, x)
        t3, t4 = total[s + 3 * BLOCK] + wide(w3, x), total[s + 4 * BLOCK] + wide(w4, x)
        total[s] = min(t0, t0 - TWO_P_SQUARED)
        total[s + BLOCK] = min(t1, t1 - TWO_P_SQUARED)
        total[s + 2 * BLOCK] = min(t2, t2 - TWO_P_SQUARED)
        total[s + 3 * BLOCK] = min(t3, t3 - TWO_P_SQUARED)
        total[s + 4 * BLOCK] = min(t4, t4 - TWO_P_SQUARED)


@njit
def add_group(total, top, below, phis, group, weight, own, start, stride, count):
    """total += weight * (phi * below - top)."""
    for j in range(DEGREE):
        source = phis[DEGREE * group + j]
        for s in range(count):
            own[j * BLOCK + s] = product(np.uint64(source[(start + s) * stride]), SQUARED_RADIX)
    multiply_by_lanes(own, below, count)
    for j in range(DEGREE):
        w = weight[j]
        for s in range(count):
            own[j * BLOCK + s] = subtract(own[j * BLOCK + s], top[j * BLOCK + s])
            below[j * BLOCK + s] = w
    multiply_by_lanes(own, below, count)
    for place in range(DEGREE * BLOCK):
        # What was reduced is given its factor 2^32 back, as the sum is of unreduced products.
        into = total[place] + wide(own[place], MONTGOMERY_ONE)
        total[place] = min(into, into - TWO_P_SQUARED)


@njit
def divide_groups(tops, belows, matrix, work, phis, start, count, poles):
    """phi = top / below for all groups of a block, with one inversion a row."""
    groups = tops.shape[0]
    rest, one, before = work[0], work[1], work[2 : 2 + groups]
    before[0] = belows[0]
    for group in range(1, groups):
        multiply_lanes(before[group - 1], belows[group], before[group], count)
    invert_lanes(before[groups - 1], matrix, rest, work[groups + 2 :], count, poles)
    for group in range(groups - 1, -1, -1):
        if group:
            multiply_lanes(rest, before[group - 1], one, count)
            multiply_by_lanes(rest, belows[group], count)
        else:
            one[:] = rest
        multiply_by_lanes(one, tops[group], count)
        for j in range(DEGREE):
            into = phis[DEGREE * group + j]
            for s in range(count):
                into[start + s] = reduce_product(one[j * BLOCK + s])


@njit(cache=True, nogil=True)
def run_kernel(
    first_block, last_block, mode, instructions, constants, slot_count, groups, numerators, entries, betas, operands,
    parts, beta_values, weights, matrix, columns, rows, stride, phis, result, poles,
):  # fmt: skip
    """Run a table's code on blocks of rows.

    In `FRACTION_MODE` phis is written; in `QUOTIENT_MODE` it is read, and result[5][row] is the sum of weights[i] times
    constraint i, the table's own first, then its groups.
    """
    group_count = groups.size - 1
    own_count = weights.shape[0] - group_count
    size = result.shape[1]
    slots = np.empty((slot_count, BLOCK), np.uint32)
    total, own = np.zeros(DEGREE * BLOCK, np.uint64), np.zeros(DEGREE * BLOCK, np.uint64)
    kept = group_count if mode == FRACTION_MODE else 1
    tops, belows = np.empty((kept, DEGREE * BLOCK), np.uint64), np.empty((kept, DEGREE * BLOCK), np.uint64)
    work = np.empty((kept + 5, DEGREE * BLOCK), np.uint64)
    for block in range(first_block, last_block):
        start = block * BLOCK
        count = min(BLOCK, size - start)
        total[:] = 0
        for index in range(instructions.shape[0]):
            operation, target, a, b = instructions[index]
            if operation < SUM:
                load(slots[target], operation, a, constants, columns, rows, start, stride, count)
            elif operation < EMIT_CONSTRAINT:
                operate(slots, operation, slots[target], a, b, constants, count)
            elif operation == EMIT_CONSTRAINT:
                add_constraint(total, slots[a], weights[b], count)
            else:
                place = a if mode == FRACTION_MODE else 0
                top, below = tops[place], belows[place]
                for fraction in range(groups[a], groups[a + 1]):
                    begin, end = entries[fraction], entries[fraction + 1]
                    denominator(slots, begin, end, betas, operands, beta_values, parts[fraction], own, count)
                    first = fraction == groups[a]
                    add_fraction(top, below, own, slots[numerators[fraction]], first, count)
                if mode == QUOTIENT_MODE:
                    add_group(total, top, below, phis, a, weights[own_count + a], own, start, stride, count)
        if mode == FRACTION_MODE:
            divide_groups(tops, belows, matrix, work, phis, start, count, poles)
        else:
            for j in range(DEGREE):
                for s in range(count):
                    result[j, start + s] = reduce_product(reduce_product(total[j * BLOCK + s]))


def run(
    mode: int,
    code: Code,
    messages: Messages,
    weights: NDArray[np.uint64],
    columns: Elements,
    rows: Elements,
    stride: int,
    phis: Elements,
    result: Elements,
) -> int:
    """Run a table's code on all rows, see run_kernel. The number of poles that were met, in FRACTION_MODE."""
    poles = np.zeros(1, np.int64)
    size = result.shape[1]
    beta_values = np.array([montgomery_element(beta) for beta in messages.betas], np.uint64).reshape(-1, DEGREE)
    in_parallel(
        run_kernel, -(-size // BLOCK), mode, code.instructions, code.constants, code.slots, code.groups,
        code.numerators, code.entries, code.betas, code.operands, constant_parts(code, messages), beta_values, weights,
        FROBENIUS_MATRIX, columns, rows, stride, phis, result, poles,
    )  # fmt: skip
    return int(poles[0])
