"""Plain Markdown: tables, code, paragraphs."""

from collections.abc import Iterable, Sequence


def code(text: str) -> str:
    """Text as code inside a line."""
    return f"`{text}`"


def breakable(name: str) -> str:
    """A long name that may be broken behind its underscores, where a page is narrow."""
    return name.replace("_", "_<wbr>")


def cell(text: str) -> str:
    """Text that may stand in a table."""
    return text.replace("|", "\\|").replace("\n", " ")


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(cell(text) for text in line)} |" for line in lines)


def bullets(texts: Iterable[str]) -> str:
    """A list."""
    return "\n".join(f"- {text}" for text in texts)


def block(text: str) -> str:
    """Lines of the rules' own text."""
    return f"```python\n{text}\n```"


def page(*parts: str) -> str:
    """A page of paragraphs, tables and blocks; empty ones are left out."""
    return "\n\n".join(part for part in parts if part) + "\n"


def number(value: int) -> str:
    """A bound: powers of two as such."""
    size = abs(value)
    sign = "-" if value < 0 else ""
    for offset in (0, -1, 1):
        power = size - offset
        if power >= 2**16 and power & (power - 1) == 0:
            tail = "" if offset == 0 else (" - 1" if offset < 0 else " + 1")
            text = f"2^{power.bit_length() - 1}{tail}"
            return f"-({text})" if sign and tail else sign + text
    return str(value)
