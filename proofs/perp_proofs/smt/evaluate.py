"""Words and flags evaluated where every free symbol has a value, by the definitions alone and without a solver.

The only functions known by name that can be evaluated are digests.
"""

from math import prod
from typing import Any

from perp_hash.digest import Tag, hash_words
from perp_proofs.smt.reading import SymbolicReading
from perp_proofs.smt.terms import Application, Choice, Condition, Division, Flag, Term, Word


class Evaluation:
    """The values of all words and flags at one point."""

    def __init__(self, reading: SymbolicReading, values: dict[str, Any]) -> None:
        self.table = reading.table
        self.values = values
        self._known: dict[int, int] = {}

    def word(self, word: Word) -> int:
        """The value of a word."""
        if not isinstance(word, Term):
            return word
        total = 0
        for monomial, factor in word.monomials.items():
            total += factor * prod(map(self.symbol, monomial))
        return total

    def symbol(self, number: int) -> int:
        """The value of a symbol."""
        if number not in self._known:
            self._known[number] = self._defined(number)
        return self._known[number]

    def _defined(self, number: int) -> int:
        symbol = self.table.symbols[number]
        definition = symbol.definition
        if isinstance(definition, Choice):
            return self.word(definition.yes if self.flag(definition.condition) else definition.no)
        if isinstance(definition, Division):
            quotient, remainder = divmod(self.word(definition.dividend), self.word(definition.divisor))
            return quotient if number == definition.quotient else remainder
        if isinstance(definition, Application):
            _, tag, digests, _ = definition.function.replace(".", "_").split("_")
            arguments = tuple(map(self.word, definition.arguments))
            return hash_words(Tag(int(tag)), arguments[: int(digests)], arguments[int(digests) :])
        return int(self.values.get(symbol.name, min(max(0, symbol.low or 0), symbol.high or 0)))

    def flag(self, flag: Flag) -> bool:
        """The value of a flag."""
        if not isinstance(flag, Condition):
            return flag
        if flag.kind == "not":
            return not self.flag(flag.parts)
        if flag.kind == "and":
            return all(map(self.flag, flag.parts))
        if flag.kind == "flag":
            return bool(self.values.get(self.table.symbols[flag.parts].name, False))
        value = self.word(flag.parts)
        return value >= 0 if flag.kind == "at_least_zero" else value == 0
