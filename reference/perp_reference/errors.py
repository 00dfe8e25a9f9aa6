"""Errors that the reference machine reports to its user, and texts from outside made fit for a message."""

LONGEST_QUOTE_CHARACTERS = 120
"""A quotation from an input is cut here, so that a message stays one readable line."""


class StoreError(Exception):
    """A store cannot be used as asked; the message is one line for the user."""


class MalformedInput(Exception):
    """An input breaks its format; nothing was changed.

    Attributes:
        file: Name of the input as its user gave it.
        line: Line in the file, counted from 1, or None where the format has no lines.
        field: Path of the field in the record, or None when the whole record is at fault.
        expected: What the format asks for, as a noun phrase.
        got: What the input holds instead, quoted from it or described.
    """

    def __init__(self, file: str, line: int | None, field: str | None, expected: str, got: str) -> None:
        super().__init__(file, line, field, expected, got)
        self.file = file
        self.line = line
        self.field = field
        self.expected = expected
        self.got = got

    def __str__(self) -> str:
        """Says place, expectation and finding in one line."""
        place = one_line(self.file) if self.line is None else f"{one_line(self.file)}:{self.line}"
        field = "" if self.field is None else f" field {one_line(self.field)}:"
        return f"{place}:{field} expected {self.expected}, got {one_line(self.got)}"


def printable(text: str) -> str:
    """Returns a text with all that would move a terminal's cursor or break the line escaped."""
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape", "surrogatepass").decode("ascii")
        for character in text
    )


def one_line(text: str, longest: int = LONGEST_QUOTE_CHARACTERS) -> str:
    """Returns a text from an input fit for a message: unprintable characters escaped, and not too long."""
    shown = printable(text[: longest + 1])
    cut = shown[:longest]
    return cut if cut == shown else f"{cut}..."
