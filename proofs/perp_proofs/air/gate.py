"""The no-wrap gate: that what a table says modulo p it says of integers.

Every column's range follows from a lookup, a small set, a definition, or a message whose other side promises it. With
these ranges, interval arithmetic over the whole tape shows that every constraint that is not marked modular is below p
in size, so that where it is 0 modulo p it is 0. What a table promises in its own messages is checked the same way.
Claims of gadgets are not believed: each is compared with the constraints and lookups of the table.

Ranges are those of a row that counts, with `active` = 1. A row with `active` = 0 reaches no bus but the range tables,
which is checked too: every other numerator is 0 there.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from perp_hash.field import MODULUS
from perp_hash.words import LIMBS
from perp_proofs.air.interfaces import RECEIVER, SENDER, Contract
from perp_proofs.air.sheet import LOOKED_UP, Choice, Claim, Conditional, Looked, Member
from perp_proofs.air.system import Fraction, Table
from perp_proofs.air.tape import ADD, COLUMN, CONSTANT, DEGREE_MAX, MULTIPLY, ROW, SUBTRACT, Node, Tape, Term
from perp_proofs.air.words import Interval, hull, plus, times, within

ELEMENT = (0, MODULUS - 1)
BIT = (0, 1)
ACTIVE = "active"
ROWS = (0, (1 << 22) - 1)


class Affine(NamedTuple):
    """A sum of atoms with coefficients, and a constant."""

    parts: dict[int, int]
    constant: int


class Gate:
    """The gate of one table.

    Attributes:
        columns: Ranges found so far.
        nodes: Ranges of nodes that are narrower than what they are made of says.
        signs: For limbs that are looked up with a bit, that bit: they are negative where it is 1 and else not.
        words: Limbs of one sign that messages bring.
        choices: Claims of choices that the table bears out, by the term.
        conditionals: Those of answers to conditional calls.
        faults: What is wrong.
    """

    def __init__(self, table: Table, claims: Sequence[Claim], contracts: Mapping[int, Contract]) -> None:
        self.table = replace(table, tape=copied(table.tape))
        self.claims = claims
        self.contracts = contracts
        self.columns: dict[int, Interval] = {}
        self.nodes: dict[int, Interval] = {}
        self.cache: dict[int, Interval] = {}
        self.signs: dict[int, int] = {}
        self.words: set[tuple[int, ...]] = set()
        self.choices: dict[int, Choice] = {}
        self.conditionals: dict[int, Conditional] = {}
        self.faults: list[str] = []
        self.demanded = {constraint.node for constraint in table.constraints}
        self.atoms = {claim.quotient for claim in claims if isinstance(claim, Member) and claim.factor != 1}

    # Intervals

    def of(self, node: int) -> Interval | None:
        """The range of a node, None where it is not known."""
        stack = [node]
        while stack:
            top = stack[-1]
            if top in self.cache:
                stack.pop()
                continue
            if top in self.nodes:
                self.cache[top] = self.nodes[top]
                continue
            code, left, right = self.table.tape.nodes[top]
            if code in (CONSTANT, COLUMN, ROW):
                interval = (left, left) if code == CONSTANT else ROWS if code == ROW else self.columns.get(left)
                if interval is None:
                    return None
                self.cache[top] = interval
                continue
            needs = [part for part in (left, right) if part not in self.cache]
            if needs:
                stack += needs
                continue
            self.cache[top] = combined(code, self.cache[left], self.cache[right])
        return self.cache[node]

    def learn(self, node: int, interval: Interval) -> bool:
        """Note the range of a node; tells whether that is new."""
        code, column, _ = self.table.tape.nodes[node]
        if code == COLUMN:
            known = self.columns.get(column)
            better = interval if known is None else (max(known[0], interval[0]), min(known[1], interval[1]))
            if better == known:
                return False
            self.columns[column] = better
        else:
            known = self.nodes.get(node)
            better = interval if known is None else (max(known[0], interval[0]), min(known[1], interval[1]))
            if better == known:
                return False
            self.nodes[node] = better
        self.cache.clear()
        return True

    def term(self, node: int) -> Term:
        """A node to write terms with."""
        return Term(self.table.tape, node)

    # Discovery

    def discover(self) -> None:
        """Find the ranges of all columns."""
        for number, column in enumerate(self.table.columns):
            if (column.low, column.high) == ELEMENT:
                self.columns[number] = ELEMENT
        self.received()
        if self.table.columns and self.table.columns[0].name == ACTIVE:
            active = self.table.tape.column(0)
            if (active * (active - 1)).number not in self.demanded:
                self.faults.append("active is no bit")
            self.columns[0] = (1, 1)
        self.bits()
        while self.round():
            self.cache.clear()

    def round(self) -> bool:
        """Learn what follows from what is known; tells whether that is anything."""
        found = [self.claim(claim) for claim in self.claims]
        found += [self.lookup(fraction) for fraction in self.table.fractions]
        found += [self.definition(constraint.node) for constraint in self.table.constraints if not constraint.modular]
        return any(found)

    def received(self) -> None:
        """Learn what messages bring."""
        for fraction in self.table.fractions:
            contract = self.contracts.get(fraction.tag)
            if contract is None:
                continue
            side = self.side(fraction)
            if not self.always(fraction):
                continue
            self.words |= {
                fraction.entries[start : start + LIMBS] for start in contract.words if contract.sides[start] != side
            }
            for place, node in enumerate(fraction.entries):
                bounds = contract.bounds[place]
                if side == contract.sides[place] or self.table.tape.nodes[node].code != COLUMN:
                    continue
                if bounds is None:
                    self.columns.setdefault(self.table.tape.nodes[node].left, ELEMENT)
                elif not counts(contract.steps[place]) or self.goes_on(fraction, place):
                    self.learn(node, bounds)

    def always(self, fraction: Fraction) -> bool:
        """Every row that counts has the message; else what it brings is believed only where a claim says so."""
        active = self.table.tape.column(0)
        return fraction.numerator in (active.number, (active * -1).number)

    def goes_on(self, fraction: Fraction, place: int) -> bool:
        """The table sends on what it receives at a place, and more: it is the table of the steps, not who asks."""
        node = fraction.entries[place]
        return any(
            other.tag == fraction.tag
            and self.side(other) == SENDER
            and self.affine(other.entries[place]).parts.get(node) == 1
            for other in self.table.fractions
        )

    def side(self, fraction: Fraction) -> int:
        """Whether a fraction sends or receives."""
        code, left, right = self.table.tape.nodes[fraction.numerator]
        negative = code == MULTIPLY and Node(CONSTANT, -1) in (
            self.table.tape.nodes[left],
            self.table.tape.nodes[right],
        )
        return RECEIVER if negative else SENDER

    def bits(self) -> None:
        """Learn which columns are 0 or 1."""
        for number in range(len(self.table.columns)):
            column = self.table.tape.column(number)
            forms = [column * (column - 1), column * (1 - column)]
            if any(form.number in self.demanded for form in forms):
                self.learn(column.number, BIT)

    def lookup(self, fraction: Fraction) -> bool:
        """Learn from a lookup of a sum with one unknown column."""
        size = LOOKED_UP.get(fraction.tag)
        if size is None or self.table.tape.nodes[fraction.numerator] != Node(CONSTANT, 1):
            return False
        form = self.affine(fraction.entries[0])
        self.note_sign(form, size)
        unknown = [atom for atom in form.parts if self.of(atom) is None]
        if not unknown:
            return self.narrowed(form, size)
        if len(unknown) != 1 or abs(form.parts[unknown[0]]) != 1:
            return False
        factor = form.parts.pop(unknown[0])
        rest = self.range_of(form)
        assert rest is not None
        return self.learn(unknown[0], times((factor, factor), (-rest[1], size - 1 - rest[0])))

    def note_sign(self, form: Affine, size: int) -> None:
        """Learn the sign of a column x from a lookup of x + (size - 1) * bit."""
        limbs = [atom for atom, factor in form.parts.items() if factor == 1]
        bits = [atom for atom, factor in form.parts.items() if factor == size - 1]
        if len(form.parts) == 2 and len(limbs) == len(bits) == 1 and not form.constant:
            bit = self.of(bits[0])
            if bit is not None and within(bit, BIT):
                self.signs[limbs[0]] = bits[0]

    def narrowed(self, form: Affine, size: int) -> bool:
        """Learn more of columns that are known from a sum that is looked up, if it cannot wrap."""
        whole = self.range_of(form)
        if whole is None or whole[0] <= size - 1 - MODULUS or whole[1] >= MODULUS:
            return False
        found = False
        for atom, factor in form.parts.items():
            if abs(factor) == 1 and self.table.tape.nodes[atom].code == COLUMN:
                others = {other: weight for other, weight in form.parts.items() if other != atom}
                rest = self.range_of(Affine(others, form.constant))
                assert rest is not None
                found |= self.learn(atom, times((factor, factor), (-rest[1], size - 1 - rest[0])))
        return found

    def definition(self, node: int) -> bool:
        """Learn from a constraint column - expression."""
        code, left, right = self.table.tape.nodes[node]
        if code != SUBTRACT or self.table.tape.nodes[left].code != COLUMN:
            return False
        known, interval = self.of(left), self.of(right)
        if interval is None or (known is not None and not self.below(known[0] - interval[1], known[1] - interval[0])):
            return False
        return self.learn(left, interval)

    def affine(self, node: int) -> Affine:
        """A node as a sum of columns, and of products."""
        parts: dict[int, int] = {}
        constant = 0
        stack = [(node, 1)]
        while stack:
            number, factor = stack.pop()
            code, left, right = self.table.tape.nodes[number]
            if code == CONSTANT:
                constant += factor * left
            elif number not in self.atoms and code in (ADD, SUBTRACT):
                stack += [(left, factor), (right, factor if code == ADD else -factor)]
            elif number not in self.atoms and code == MULTIPLY and self.constant_of(left, right) is not None:
                value, other = self.constant_of(left, right) or (0, 0)
                stack.append((other, factor * value))
            else:
                parts[number] = parts.get(number, 0) + factor
        return Affine({atom: factor for atom, factor in parts.items() if factor}, constant)

    def constant_of(self, left: int, right: int) -> tuple[int, int] | None:
        """The constant of a product of a constant and a node, and the node."""
        for one, other in ((left, right), (right, left)):
            code, value, _ = self.table.tape.nodes[one]
            if code == CONSTANT:
                return value, other
        return None

    def range_of(self, form: Affine) -> Interval | None:
        """The range of a sum."""
        total = (form.constant, form.constant)
        for atom, factor in form.parts.items():
            interval = self.of(atom)
            if interval is None:
                return None
            total = plus(total, times((factor, factor), interval))
        return total

    # Claims

    def claim(self, claim: Claim) -> bool:
        """Learn from a claim that the table bears out."""
        if isinstance(claim, Member):
            return self.member(claim)
        if isinstance(claim, Choice):
            return self.choice(claim)
        return self.looked(claim) if isinstance(claim, Looked) else self.conditional(claim)

    def member(self, claim: Member) -> bool:
        """The node is one of a few multiples: their product is demanded, and each difference is below p."""
        tape, node = self.table.tape, self.term(claim.node)
        helpers = list(claim.helpers)
        product: Term | None = None
        active = tape.column(0)
        for value in range(claim.low, claim.low + claim.size):
            difference = node - active * (value * claim.factor)
            if product is not None and product.degree + difference.degree > DEGREE_MAX:
                helper = tape.column(helpers.pop(0))
                if (product - helper).number not in self.demanded:
                    return False
                product = helper
            product = difference if product is None else product * difference
        quotient = claim.node if claim.factor == 1 else (node * pow(claim.factor, -1, MODULUS)).number
        if product is None or product.number not in self.demanded or quotient != claim.quotient or helpers:
            return False
        low, high = claim.low, claim.low + claim.size - 1
        if claim.factor == 1 and tape.nodes[claim.node].code == COLUMN:
            return self.learn(claim.node, (low, high))
        interval = self.of(claim.node)
        if interval is None or not self.below(interval[0] - high * claim.factor, interval[1] - low * claim.factor):
            return False
        return self.learn(quotient, (low, high))

    @staticmethod
    def below(low: int, high: int) -> bool:
        """All integers of a range are below p in size."""
        return low > -MODULUS and high < MODULUS

    def choice(self, claim: Choice) -> bool:
        """A column is one of two terms: its definition is demanded, or it is that term, and the condition is a bit."""
        column, condition = self.term(claim.node), self.term(claim.condition)
        yes, no = self.term(claim.yes), self.term(claim.no)
        value = condition * yes + (self.table.tape.column(0) - condition) * no
        intervals = [self.of(term.number) for term in (condition, yes, no)]
        if value.number != claim.node and (column - value).number not in self.demanded:
            return False
        if any(interval is None for interval in intervals):
            return False
        flag, one, other = intervals
        assert flag is not None
        assert one is not None
        assert other is not None
        if not within(flag, BIT):
            return False
        self.choices[claim.node] = claim
        return self.learn(claim.node, hull(one, other))

    def looked(self, claim: Looked) -> bool:
        """A term is looked up together with known ones."""
        fraction = self.table.fractions[claim.fraction]
        size = LOOKED_UP.get(fraction.tag)
        if size is None or self.table.tape.nodes[fraction.numerator] != Node(CONSTANT, 1):
            return False
        entry, own = self.affine(fraction.entries[0]), self.affine(claim.node)
        parts = {atom: entry.parts.get(atom, 0) - own.parts.get(atom, 0) for atom in {*entry.parts, *own.parts}}
        kept = {atom: one for atom, one in parts.items() if one}
        rest = self.range_of(Affine(kept, entry.constant - own.constant))
        if rest is None or not self.whole(claim.node, rest, size):
            return False
        if list(kept.values()) == [size - 1] and rest == (0, size - 1):
            self.signs[claim.node] = next(iter(kept))
        return self.learn(claim.node, (-rest[1], size - 1 - rest[0]))

    def whole(self, node: int, rest: Interval, size: int) -> bool:
        """A term that is looked up with known ones cannot wrap, by what it is made of. A column is its own integer."""
        code, left, right = self.table.tape.nodes[node]
        if code == COLUMN or node in self.atoms:
            return True
        if code not in (ADD, SUBTRACT, MULTIPLY):
            return False
        first, second = self.of(left), self.of(right)
        if first is None or second is None:
            return False
        low, high = plus(combined(code, first, second), rest)
        return self.below(low - size, high + size)

    def conditional(self, claim: Conditional) -> bool:
        """A column is what a message promises where it is sent, and else another term."""
        fraction = self.table.fractions[claim.fraction]
        contract = self.contracts.get(fraction.tag)
        active, flag = self.table.tape.column(0), self.term(claim.condition)
        column, other = self.term(claim.node), self.term(claim.other)
        made = (active - flag) * (column - other)
        intervals = self.of(claim.condition), self.of(claim.other)
        if contract is None or intervals[0] is None or intervals[1] is None:
            return False
        bounds = contract.bounds[claim.place]
        sent = (flag * active).number == fraction.numerator and fraction.entries[claim.place] == claim.node
        promised = contract.sides[claim.place] == RECEIVER and within(intervals[0], BIT)
        if not sent or not promised or bounds is None or made.number not in self.demanded:
            return False
        self.conditionals[claim.node] = claim
        return self.learn(claim.node, hull(bounds, intervals[1]))

    # Judgement

    def judge(self) -> list[str]:
        """What is wrong with the table."""
        self.discover()
        for number, column in enumerate(self.table.columns):
            known = self.columns.get(number)
            if known is None:
                self.faults.append(f"nothing bounds {column.name}")
            elif not within(known, (column.low, column.high)):
                self.faults.append(f"{column.name} is {known}, declared {(column.low, column.high)}")
        if not self.faults:
            self.judge_constraints()
            for fraction in self.table.fractions:
                self.judge_fraction(fraction)
        return [f"{self.table.name}: {fault}" for fault in self.faults]

    def judge_constraints(self) -> None:
        """Every constraint that is not modular is below p."""
        for constraint in self.table.constraints:
            interval = self.of(constraint.node)
            assert interval is not None
            if not constraint.modular and not self.below(*interval):
                self.faults.append(f"{constraint.name} is {interval}")

    def judge_fraction(self, fraction: Fraction) -> None:
        """Numerators are small, looked up terms do not wrap, and messages are as promised."""
        numerator = self.of(fraction.numerator)
        assert numerator is not None
        if fraction.weight and not within(numerator, (-1, 1)):
            self.faults.append(f"a numerator of tag {fraction.tag} is {numerator}")
        if fraction.tag not in LOOKED_UP and not self.idle(fraction.numerator):
            self.faults.append(f"a row that does not count may have a message of tag {fraction.tag}")
        if fraction.tag in LOOKED_UP and fraction.weight:
            interval = self.of(fraction.entries[0])
            assert interval is not None
            if not self.below(interval[0] - LOOKED_UP[fraction.tag], interval[1] + LOOKED_UP[fraction.tag]):
                self.faults.append(f"a lookup of {interval}")
        contract = self.contracts.get(fraction.tag)
        if contract is not None:
            self.judge_message(fraction, contract)

    def idle(self, node: int) -> bool:
        """The node is 0 wherever `active` is: a multiple of it, or of a column that is."""
        tape = self.table.tape
        code, left, right = tape.nodes[node]
        if code == COLUMN:
            only = self.term(node) * (1 - tape.column(0))
            return self.table.columns[0].name == ACTIVE and (left == 0 or only.number in self.demanded)
        if code == MULTIPLY:
            return self.idle(left) or self.idle(right)
        return (code, left) == (CONSTANT, 0) or (code in (ADD, SUBTRACT) and self.idle(left) and self.idle(right))

    def judge_message(self, fraction: Fraction, contract: Contract) -> None:
        """What this side of a message promises, it keeps."""
        side = self.side(fraction)
        for place, node in enumerate(fraction.entries):
            bounds, step = contract.bounds[place], contract.steps[place]
            self.judge_entry(f"entry {place} of tag {fraction.tag}", node, bounds)
            asked = counts(step) and side == RECEIVER and not self.goes_on(fraction, place)
            if bounds is None or (contract.sides[place] != side and not asked):
                continue
            if step is not None and self.grows(fraction, place, step):
                continue
            interval = self.of(node)
            assert interval is not None
            if not within(interval, bounds):
                self.faults.append(f"entry {place} of tag {fraction.tag} is {interval}, promised {bounds}")
        for place in contract.words:
            limbs = fraction.entries[place : place + LIMBS]
            if contract.sides[place] == side and not self.of_one_sign(limbs):
                self.faults.append(f"the limbs from entry {place} of tag {fraction.tag} may have two signs")

    def judge_entry(self, name: str, node: int, bounds: Interval | None) -> None:
        """Messages are equal modulo p: different integers that an entry can be must be different then too.

        What is promised is less than p apart. What nothing is promised of, a key, is nearer to 0 than p / 2, unless it
        is made of elements, and no integer.
        """
        if bounds is None and any(self.of(atom) == ELEMENT for atom in self.affine(node).parts):
            return
        low, high = bounds or self.of(node) or ELEMENT
        if (high - low if bounds else 2 * max(-low, high)) >= MODULUS:
            self.faults.append(f"{name} is {(low, high)}, which may be the same modulo p")

    def of_one_sign(self, limbs: Sequence[int]) -> bool:
        """No two of some limbs have different signs."""
        if tuple(limbs) in self.words:
            return True
        used = [limb for limb in limbs if self.of(limb) != (0, 0)]
        ranges = [self.of(limb) or (-1, 1) for limb in used]
        if all(low >= 0 for low, _ in ranges) or all(high <= 0 for _, high in ranges):
            return True
        if len({self.signs.get(limb, -1) for limb in used}) == 1 and used[0] in self.signs:
            return True
        return self.negated(limbs) or self.chosen(limbs) or self.answered(limbs)

    def negated(self, limbs: Sequence[int]) -> bool:
        """They are minus limbs of one sign."""
        nodes = self.table.tape.nodes
        turned: list[int] = []
        for limb in limbs:
            found = self.constant_of(*nodes[limb][1:]) if nodes[limb].code == MULTIPLY else None
            if found is None or found[0] != -1:
                if self.of(limb) != (0, 0):
                    return False
                found = (-1, limb)
            turned.append(found[1])
        return turned != list(limbs) and self.of_one_sign(turned)

    def chosen(self, limbs: Sequence[int]) -> bool:
        """One bit chooses them all from limbs of one sign; a limb that is none is the same in both."""
        found = [self.choices.get(limb) for limb in limbs]
        if len({claim.condition for claim in found if claim is not None}) != 1:
            return False
        yes = [limb if claim is None else claim.yes for limb, claim in zip(limbs, found, strict=True)]
        no = [limb if claim is None else claim.no for limb, claim in zip(limbs, found, strict=True)]
        return self.of_one_sign(yes) and self.of_one_sign(no)

    def answered(self, limbs: Sequence[int]) -> bool:
        """They are a word of an answer where a call is made, and else limbs of one sign."""
        found = [self.conditionals.get(limb) for limb in limbs]
        claims = [claim for claim in found if claim is not None]
        if len({(claim.fraction, claim.condition) for claim in claims}) != 1:
            return False
        fraction = self.table.fractions[claims[0].fraction]
        starts = {claim.place - at for at, claim in enumerate(found) if claim is not None}
        others = [limb if claim is None else claim.other for limb, claim in zip(limbs, found, strict=True)]
        (start,) = starts if len(starts) == 1 else (-1,)
        return start in self.contracts[fraction.tag].words and self.of_one_sign(others)

    def grows(self, fraction: Fraction, place: int, step: Interval) -> bool:
        """The entry is what the same table receives at the same place, and what a step may add."""
        for other in self.table.fractions:
            if other.tag == fraction.tag and self.side(other) == RECEIVER:
                form, before = self.affine(fraction.entries[place]), self.affine(other.entries[place])
                parts = {
                    atom: form.parts.get(atom, 0) - before.parts.get(atom, 0) for atom in {*form.parts, *before.parts}
                }
                kept = {atom: factor for atom, factor in parts.items() if factor}
                rest = self.range_of(Affine(kept, form.constant - before.constant))
                if rest is not None and within(rest, step):
                    return True
        return False


def counts(step: Interval | None) -> bool:
    """An entry is the number of a step of a loop: each step adds one at least."""
    return step is not None and step[0] >= 1


def combined(code: int, first: Interval, second: Interval) -> Interval:
    """The range of a sum, difference or product."""
    if code == ADD:
        return plus(first, second)
    return (first[0] - second[1], first[1] - second[0]) if code == SUBTRACT else times(first, second)


def copied(tape: Tape) -> Tape:
    """A tape with the same nodes, on which others can be looked for without a trace."""
    made = Tape()
    made.nodes, made.degrees, made.numbers = list(tape.nodes), list(tape.degrees), dict(tape.numbers)
    return made


def multiplicity_faults(tables: Sequence[Table], looked_up: Collection[int]) -> list[str]:
    """What is wrong with multiplicities that may be any element, over all tables of a system.

    Only what is looked up may be answered at will, and nobody else takes what is looked up: all others only ask. So
    with fewer questions than p / 2 what has no row to answer it cannot come to 0.
    """
    free = {fraction.tag for table in tables for fraction in table.fractions if not fraction.weight}
    faults = [f"messages of tag {tag} may be answered at will" for tag in sorted(free - set(looked_up))]
    for table in tables:
        for fraction in table.fractions:
            code, value, _ = table.tape.nodes[fraction.numerator]
            asks = value >= 0 if code == CONSTANT else code == COLUMN and table.columns[value].low >= 0
            if fraction.tag in free and fraction.weight and not asks:
                faults.append(f"{table.name}: a lookup of tag {fraction.tag} may be negative")
    return faults


def gate_faults(table: Table, claims: Sequence[Claim], contracts: Mapping[int, Contract]) -> list[str]:
    """What is wrong with a table."""
    return Gate(table, claims, contracts).judge()
