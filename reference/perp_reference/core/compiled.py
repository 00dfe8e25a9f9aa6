"""The rules written out as plain Python: a reading that makes one function of each rule, for speed.

A rule is run once on terms that stand for its arguments. Each primitive writes down what it means for integers, in
Python's own operators: a guard is an `if`, a selection a conditional expression, a sweep or a fold a loop, a
conditional call an `if`, an attempt a `try`. Calls between functions of the text are gone in the end, and so is what
nothing needs. What the functions give is what the text gives, guard by guard; tests run both.
"""

import inspect
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any, NoReturn

import attrs
from attrs import define, field, frozen

from perp_hash.digest import hash_words
from perp_spec.language import Rejected, reading_as

Function = Callable[..., Any]

INDENT = "    "


@define(eq=False)
class Block:
    """Lines that run together: of the function, of a loop's body or of a branch."""

    parent: "Block | None" = None
    loops: bool = False
    """It runs many times."""
    lines: "list[Term | Guard | Branch | Loop]" = field(factory=list)
    """In their order; terms where they were made."""
    first: "list[Term]" = field(factory=list)
    """Terms that were made outside, and are needed in here only."""

    def above(self) -> "Iterator[Block]":
        """This block and those around it, outwards."""
        block: Block | None = self
        while block is not None:
            yield block
            block = block.parent

    def loop(self) -> "Block | None":
        """The innermost loop around."""
        return next((block for block in self.above() if block.loops), None)


def common_block(one: Block, other: Block) -> Block:
    """The innermost block around two."""
    around = list(other.above())
    return next(block for block in one.above() if block in around)


class Term:
    """A word, a condition, or something opaque, as an expression of Python.

    Attributes:
        reading: Who writes it down.
        template: The expression, with a pair of braces for each operand.
        operands: Terms and constants.
        block: Where it was made.
        place: Where it is needed: the innermost block around all its uses, but no loop that it was not made in.
        uses: How often it is needed.
        name: The variable that holds it, if one does.
    """

    def __init__(self, reading: "Writer", template: str, operands: tuple[Any, ...], block: Block, name: str) -> None:
        self.reading = reading
        self.template = template
        self.operands = operands
        self.block = self.place = block
        self.uses = 0
        self.name = name

    def text(self) -> str:
        """The expression, or the variable that holds it."""
        return self.name or self.template.format(*map(text_of, self.operands))

    def __bool__(self) -> NoReturn:
        """A rule does not branch."""
        raise TypeError("a term is neither true nor false")

    def __add__(self, other: Any) -> Any:
        return self if type(other) is int and other == 0 else self.reading.term("({} + {})", self, other)

    def __radd__(self, other: Any) -> Any:
        return self if type(other) is int and other == 0 else self.reading.term("({} + {})", other, self)

    def __sub__(self, other: Any) -> Any:
        return self.reading.term("({} - {})", self, other)

    def __rsub__(self, other: Any) -> Any:
        return self.reading.term("({} - {})", other, self)

    def __mul__(self, other: Any) -> Any:
        return self.reading.term("({} * {})", self, other)

    def __rmul__(self, other: Any) -> Any:
        return self.reading.term("({} * {})", other, self)

    def __neg__(self) -> Any:
        return self.reading.term("(-{})", self)

    def __lt__(self, other: Any) -> Any:
        return self.reading.term("({} < {})", self, other)

    def __le__(self, other: Any) -> Any:
        return self.reading.term("({} <= {})", self, other)

    def __gt__(self, other: Any) -> Any:
        return self.reading.term("({} > {})", self, other)

    def __ge__(self, other: Any) -> Any:
        return self.reading.term("({} >= {})", self, other)

    def __eq__(self, other: Any) -> Any:
        return self.reading.term("({} == {})", self, other)

    def __ne__(self, other: Any) -> Any:
        return self.reading.term("({} != {})", self, other)

    __hash__ = object.__hash__

    def __and__(self, other: Any) -> Any:
        if type(other) is bool:
            return self if other else False
        return self.reading.term("({} and {})", self, other)

    def __rand__(self, other: bool) -> Any:
        return self if other else False

    def __or__(self, other: Any) -> Any:
        if type(other) is bool:
            return True if other else self
        return self.reading.term("({} or {})", self, other)

    def __ror__(self, other: bool) -> Any:
        return True if other else self

    def __xor__(self, other: Any) -> Any:
        return self.reading.term("(not {})", self) if other is True else self.reading.term("({} ^ {})", self, other)


def text_of(value: Any) -> str:
    """A term or a constant as Python writes it."""
    return value.text() if isinstance(value, Term) else repr(value)


def need(value: Any, block: Block) -> None:
    """Count a use of a term in a block."""
    if not isinstance(value, Term):
        return
    value.place = common_block(value.place, block) if value.uses else block
    value.uses += 1


@frozen(eq=False)
class Guard:
    """A guard."""

    block: Block
    condition: Any
    reason: Any

    def count(self) -> None:
        """Count what it needs."""
        need(self.condition, self.block)

    def written(self) -> Iterator[str]:
        """Its lines."""
        yield f"if not {text_of(self.condition)}:"
        yield f"{INDENT}raise Rejected({self.reason.name})"


Result = tuple[Term, Any, Any]
"""A variable, and two values for it."""


@define(eq=False)
class Branch:
    """A conditional call or an attempt: two blocks, each of which gives the results their values."""

    block: Block
    head: Any
    """The condition; None for an attempt."""
    body: Block
    other: Block
    results: list[Result] = field(factory=list)
    """After the one and after the other."""

    def count(self) -> None:
        """Count what it needs."""
        self.results = [result for result in self.results if result[0].uses]
        for _, one, another in self.results:
            need(one, self.body)
            need(another, self.other)
        if self.results or guards(self.body):
            need(self.head, self.block)

    def written(self) -> Iterator[str]:
        """Its lines."""
        body = [*written(self.body), *(f"{term.name} = {text_of(one)}" for term, one, _ in self.results)]
        other = [*written(self.other), *(f"{term.name} = {text_of(another)}" for term, _, another in self.results)]
        if body or other:
            yield "try:" if self.head is None else f"if {text_of(self.head)}:"
            yield from indented(body or ["pass"])
        if other or (body and self.head is None):
            yield "except Rejected as rejection:" if self.head is None else "else:"
            yield from indented(other or ["pass"])


@define(eq=False)
class Loop:
    """A visit of records."""

    block: Block
    items: Any
    names: list[str]
    """The records of an item."""
    body: Block
    stored: Term
    """The list of what is stored."""
    record: Any
    """What is stored for an item."""
    results: list[Result]
    """Before, and after an item."""
    carries: bool
    """An item can see the results before it."""

    def count(self) -> None:
        """Count what it needs."""
        if not self.carries:
            self.results = [result for result in self.results if result[0].uses]
        for _, before, after in self.results:
            need(before, self.block)
            need(after, self.body)
        if self.stored.uses:
            need(self.record, self.body)
        if self.stored.uses or self.results or guards(self.body):
            need(self.items, self.block)

    def written(self) -> Iterator[str]:
        """Its lines."""
        body = written(self.body)
        if self.stored.uses:
            yield f"{self.stored.name} = []"
            body.append(f"{self.stored.name}.append({text_of(self.record)})")
        for term, before, _ in self.results:
            yield f"{term.name} = {text_of(before)}"
        if self.carries and self.results:
            body.append(
                f"{', '.join(term.name for term, _, _ in self.results)} = "
                f"{', '.join(text_of(after) for _, _, after in self.results)}"
            )
        else:
            body += [f"{term.name} = {text_of(after)}" for term, _, after in self.results]
        if body:
            yield f"for {', '.join(self.names)}, in {text_of(self.items)}:"
            yield from indented(body)


def guards(block: Block) -> bool:
    """Whether there is a guard in a block, or in one inside."""
    return any(
        isinstance(line, Guard) or (isinstance(line, Branch | Loop) and guards(line.body)) for line in block.lines
    )


def indented(lines: list[str]) -> list[str]:
    """Lines further in."""
    return [INDENT + line for line in lines]


def written(block: Block) -> list[str]:
    """The lines of a block."""
    lines: list[str] = []
    for line in (*block.first, *block.lines):
        if not isinstance(line, Term):
            lines += line.written()
        elif line.name and line.place is block:
            lines.append(f"{line.name} = {line.template.format(*map(text_of, line.operands))}")
    return lines


class Writer:
    """The reading that writes a function down."""

    def __init__(self, called: tuple[Function, ...] = ()) -> None:
        self.block = self.top = Block()
        self.order: list[Term | Guard | Branch | Loop] = []
        """Everything, each thing after what it needs."""
        self.count = 0
        self.known: dict[tuple[Any, ...], Term] = {}
        self.loaded: dict[int, tuple[Any, Term]] = {}
        """Records and tuples as they were loaded, by identity."""
        self.called = {function.__name__: inspect.unwrap(function) for function in called}
        """Tables that stay calls, by name."""
        self.namespace: dict[str, Any] = {"Rejected": Rejected, "hash_words": hash_words, **self.called}

    # Terms

    def term(self, template: str, *operands: Any) -> Term:
        """A term; one that was made before, and can be seen from here, is used again."""
        key = (template, *((Term, id(one)) if isinstance(one, Term) else (type(one), one) for one in operands))
        known = self.known.get(key)
        if known is None or known.block not in list(self.block.above()):
            known = self.known[key] = Term(self, template, operands, self.block, "")
            self.add(known)
        return known

    def add(self, line: "Term | Guard | Branch | Loop") -> None:
        """Put something behind all that is there."""
        line.block.lines.append(line)
        self.order.append(line)

    def variable(self, name: str) -> Term:
        """A term that is the value of a variable, to which a statement or a caller gives it."""
        return Term(self, name, (), self.block, name)

    def fresh_name(self, stem: str) -> str:
        """The name of a variable."""
        self.count += 1
        return f"{stem}_{self.count}"

    def loaded_record(self, kind: Any, term: Term) -> Any:
        """What a term stands for, by its type: a record or a named tuple with a term in each field, or itself."""
        if attrs.has(kind):
            record = kind(*(self.loaded_field(one, self.term(f"{{}}.{one.name}", term)) for one in attrs.fields(kind)))
            self.loaded[id(record)] = (record, term)
            return record
        if hasattr(kind, "_fields"):
            return kind(*(self.term(f"{{}}.{name}", term) for name in kind._fields))
        return term

    def loaded_field(self, described: Any, term: Term) -> Any:
        """What the term of a record's field stands for: as its type says, or a tuple with a term for each place."""
        kind, count = described.type, 0
        if "rows" in described.metadata:
            kind, count = described.metadata["rows"], described.metadata["count"]
        elif "field" in described.metadata and described.metadata["field"].count > 1:
            kind, count = int, described.metadata["field"].count
        if not count:
            return self.loaded_record(kind, term)
        places = tuple(self.loaded_record(kind, self.term(f"{{}}[{place}]", term)) for place in range(count))
        self.loaded[id(places)] = (places, term)
        return places

    def expression(self, value: Any) -> Any:
        """A term or a constant for any value: records and tuples are made, or are what was loaded."""
        if attrs.has(type(value)):
            if id(value) in self.loaded:
                return self.loaded[id(value)][1]
            return self.made(type(value), [getattr(value, one.name) for one in attrs.fields(type(value))])
        if isinstance(value, tuple):
            parts: Sequence[Any] = value
            if id(parts) in self.loaded:
                return self.loaded[id(parts)][1]
            if hasattr(value, "_fields"):
                return self.made(type(value), parts)
            return self.term("(" + "{}, " * len(parts) + ")", *map(self.expression, parts))
        return value

    def made(self, kind: type[Any], parts: Sequence[Any]) -> Term:
        """A record or a named tuple of these fields."""
        self.namespace[kind.__name__] = kind
        places = ", ".join("{}" for _ in parts)
        return self.term(f"{kind.__name__}({places})", *map(self.expression, parts))

    # Primitives

    def require(self, condition: Any, reason: Any) -> None:
        """A guard."""
        self.namespace[reason.name] = reason
        self.add(Guard(self.block, condition, reason))

    def select(self, condition: Any, yes: Any, no: Any) -> Any:
        """One of two values, field by field."""
        if yes is no:
            return yes
        if attrs.has(type(yes)):
            names = [one.name for one in attrs.fields(type(yes))]
            return type(yes)(*(self.select(condition, getattr(yes, name), getattr(no, name)) for name in names))
        if isinstance(yes, tuple):
            places: list[Any] = [self.select(condition, one, other) for one, other in zip(yes, no, strict=True)]
            return type(yes)(*places) if hasattr(yes, "_fields") else tuple(places)
        return self.term("({1} if {0} else {2})", condition, yes, no)

    def mul_div_floor(self, a: Any, b: Any, c: Any) -> Any:
        """A quotient toward minus infinity."""
        product = a if type(b) is int and b == 1 else self.term("({} * {})", a, b)
        if type(c) is int and c & (c - 1) == 0:
            return self.term("({} >> {})", product, c.bit_length() - 1)
        return self.term("({} // {})", product, c)

    def mul_div_ceil(self, a: Any, b: Any, c: Any) -> Any:
        """A quotient toward plus infinity."""
        return -self.term("(-{} * {} // {})", a, b, c)

    def mul_div_remainder(self, a: Any, b: Any, c: Any) -> Any:
        """The remainder of mul_div_floor."""
        product = a if type(b) is int and b == 1 else self.term("({} * {})", a, b)
        return self.term("({} % {})", product, c)

    def product_le(self, a: Any, b: Any, c: Any, d: Any) -> Any:
        """A comparison of two products."""
        return self.term("({} * {} <= {} * {})", a, b, c, d)

    def digest(self, tag: int, digests: tuple[Any, ...], words: tuple[Any, ...]) -> Any:
        """A digest."""
        return self.term("hash_words({}, {}, {})", int(tag), self.expression(digests), self.expression(words))

    def call(self, function: Function, arguments: tuple[Any, ...]) -> Any:
        """A table: its own text, but for those that stay calls."""
        if function.__name__ not in self.called:
            return function(*arguments)
        places = ", ".join("{}" for _ in arguments)
        return self.term(f"{function.__name__}({places})", *map(self.expression, arguments))

    def inside(self, block: Block, function: Function, *arguments: Any) -> Any:
        """What a function returns, its lines written into a block."""
        outside, self.block = self.block, block
        try:
            return function(*arguments)
        finally:
            self.block = outside

    def visit(
        self, function: Function, items: Any, carry: tuple[Any, ...], extra: tuple[Any, ...], stores: bool = True
    ) -> tuple[Loop, list[Any]]:
        """A loop without results yet, and what each call of the function on an item adds or carries.

        The call takes the carry first, if there is one, and gives a record to store first, if it stores.
        """
        plain = inspect.unwrap(function)
        kinds = [one.annotation for one in inspect.signature(plain).parameters.values()]
        kinds = kinds[len(carry) : len(kinds) - len(extra)]
        names = [self.fresh_name("item") for _ in kinds]
        body = Block(self.block, loops=True)

        def once() -> tuple[Any, Any]:
            records = [self.loaded_record(kind, self.variable(name)) for kind, name in zip(kinds, names, strict=True)]
            returned = plain(*carry, *records, *extra)
            record, given = returned if stores else ((), returned)
            return self.expression(record), given

        record, given = self.inside(body, once)
        stored = self.variable(self.fresh_name("stored"))
        return Loop(self.block, items, names, body, stored, record, [], bool(carry)), leaves(given)

    def sweep(self, term: Function, items: Any, extra: tuple[Any, ...]) -> Any:
        """A visit of records, storing them and adding up."""
        loop, sums = self.summed(*self.visit(term, items, (), extra))
        return loop.stored, sums

    def total(self, term: Function, items: Any, extra: tuple[Any, ...]) -> tuple[Term, ...]:
        """A sum over records."""
        return self.summed(*self.visit(term, items, (), extra, stores=False))[1]

    def summed(self, loop: Loop, summands: list[Any]) -> tuple[Loop, tuple[Term, ...]]:
        """A loop that adds up, and its sums."""
        sums = [self.variable(self.fresh_name("sum")) for _ in summands]
        loop.results = [
            (total, 0, self.inside(loop.body, self.term, "({} + {})", total, one))
            for total, one in zip(sums, summands, strict=True)
        ]
        self.add(loop)
        return loop, tuple(sums)

    def fold(self, step: Function, items: Any, carry: Any, extra: tuple[Any, ...]) -> Any:
        """A visit of records in order."""
        variables = [self.variable(self.fresh_name("carry")) for _ in leaves(carry)]
        carried = rebuilt(carry, list(variables))
        loop, following = self.visit(step, items, (carried,), extra)
        loop.results = list(zip(variables, leaves(carry), following, strict=True))
        self.add(loop)
        return loop.stored, carried

    def branch(self, head: Any, function: Function, arguments: tuple[Any, ...], otherwise: Any) -> tuple[Branch, Any]:
        """A branch that calls a function, and what it returns or the otherwise."""
        branch = Branch(self.block, head, Block(self.block), Block(self.block))
        returned = self.inside(branch.body, function, *arguments)
        results = [
            one if one is another else self.result(branch, one, another)
            for one, another in zip(leaves(returned), leaves(otherwise), strict=True)
        ]
        self.add(branch)
        return branch, rebuilt(returned, results)

    def result(self, branch: Branch, one: Any, another: Any) -> Term:
        """A variable that a branch gives a value."""
        term = self.variable(self.fresh_name("result"))
        branch.results.append((term, one, another))
        return term

    def call_if(self, flag: Any, function: Function, arguments: tuple[Any, ...], otherwise: Any) -> Any:
        """A conditional call."""
        if type(flag) is bool:
            return function(*arguments) if flag else otherwise
        return self.branch(flag, function, arguments, otherwise)[1]

    def attempt(self, rule: Function, arguments: tuple[Any, ...], otherwise: Any) -> tuple[Any, Any]:
        """A rule whose rejection is a result."""
        branch, returned = self.branch(None, rule, arguments, otherwise)
        return self.result(branch, 0, self.variable("int(rejection.reason)")), returned

    # The function

    def finish(self, returned: Any) -> list[str]:
        """The lines of the function, which returns a term or a constant."""
        need(returned, self.top)
        for line in reversed(self.order):
            if not isinstance(line, Term):
                line.count()
            elif line.uses:
                needed_in, loop = line.place, line.block.loop()
                line.place = next(block for block in needed_in.above() if block.loop() is loop)
                if line.uses > 1 or line.place is not needed_in:
                    line.name = self.fresh_name("value")
                for operand in line.operands:
                    need(operand, line.place)
        for line in self.order:
            if isinstance(line, Term) and line.name and line.place is not line.block:
                line.place.first.append(line)
        return [*written(self.top), f"return {text_of(returned)}"]


def itself(function: Function) -> Function:
    """A rule as its text stands."""
    return function


@cache
def compiled(function: Function, called: tuple[Function, ...] = ()) -> Function:
    """A rule, or a function of the text, as one function of plain Python. A named tuple that it returns is a tuple.

    Tables of `called` stay calls.
    """
    return compiled_source(function, called)[1]


def compiled_source(function: Function, called: tuple[Function, ...] = ()) -> tuple[str, Function]:
    """A function of the text as one function of plain Python: its source, and itself."""
    plain = inspect.unwrap(function)
    writer = Writer(called)
    parameters = inspect.signature(plain).parameters
    with reading_as(writer):
        given = [writer.loaded_record(one.annotation, writer.variable(name)) for name, one in parameters.items()]
        found = plain(*given)
        returned = writer.expression(tuple(found) if isinstance(found, tuple) else found)
    lines = [f"def {plain.__name__}({', '.join(parameters)}):", *indented(writer.finish(returned))]
    source = "\n".join(lines) + "\n"
    exec(compile(source, f"<{plain.__name__} compiled>", "exec"), writer.namespace)  # noqa: S102 - our own source
    return source, writer.namespace[plain.__name__]


def leaves(value: Any) -> list[Any]:
    """The words, conditions and opaque parts of records and tuples, in order."""
    if attrs.has(type(value)):
        return [leaf for one in attrs.fields(type(value)) for leaf in leaves(getattr(value, one.name))]
    if isinstance(value, tuple):
        parts: Sequence[Any] = value
        return [leaf for part in parts for leaf in leaves(part)]
    return [value]


def rebuilt(like: Any, parts: list[Any]) -> Any:
    """Records and tuples of the shape of others, with these leaves; takes them from the list."""
    if attrs.has(type(like)):
        return type(like)(*(rebuilt(getattr(like, one.name), parts) for one in attrs.fields(type(like))))
    if isinstance(like, tuple):
        shape: Sequence[Any] = like
        places = [rebuilt(part, parts) for part in shape]
        return type(like)(*places) if hasattr(like, "_fields") else tuple(places)
    return parts.pop(0)
