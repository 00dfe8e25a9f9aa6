"""Tables as the site has them: columns of sentences are wide, columns of numbers stand to the right."""

import re
from collections.abc import Sequence

from perp_reference.site.sources import FENCED

CELLS = re.compile(r"(?<!\\)\|")
TABLE = re.compile(r"(?:^[ ]*\|.*\|[ ]*$\n?){2,}", re.MULTILINE)
RULE = re.compile(r"^[ ]*\|(?:\s*:?-+:?\s*\|)+[ ]*$")
MARKUP = re.compile(r"\[([^\]]*)\]\([^)]*\)|<[^>]*>|[`*]")
NUMBER = re.compile(r"[-+]?\d[\d,]*(?:\.\d+)?(?: ?%)?")

WIDE = ((48, "wide"), (20, "broad"))
"""From how many characters on a column has which class."""

LONG_TABLE = 50
"""From how many rows on a few long cells do not make a column wide."""

EMPTY_HEAD = "&nbsp;"


def with_widths(text: str) -> str:
    """A page with every table told how wide its columns are."""
    parts: list[str] = []
    start = 0
    for fence in [*FENCED.finditer(text), None]:
        stop = fence.start() if fence else len(text)
        parts.append(TABLE.sub(lambda match: table_with_widths(match.group()), text[start:stop]))
        if fence:
            parts.append(fence.group())
            start = fence.end()
    return "".join(parts)


def table_with_widths(text: str) -> str:
    """A table with the class of each column in its head."""
    lines = text.rstrip("\n").split("\n")
    if not RULE.match(lines[1]):
        return text
    indent = lines[0][: len(lines[0]) - len(lines[0].lstrip())]
    rows = [cells_of(line) for line in lines]
    heads, marks, body = rows[0], rows[1], rows[2:]
    columns = [[row[place] for row in body if place < len(row)] for place in range(len(heads))]
    for place, cells in enumerate(columns):
        plain = [MARKUP.sub(r"\1", cell).strip() for cell in cells]
        longest = usual_length(plain)
        kind = next((name for least, name in WIDE if longest >= least), "")
        if any(plain) and all(NUMBER.fullmatch(cell) for cell in plain if cell) and ":" not in marks[place]:
            marks[place] = " ---: "
        elif kind:
            heads[place] = f" {heads[place].strip() or EMPTY_HEAD} {{: .{kind} }} "
    made = [f"{indent}|{'|'.join(row)}|" for row in (heads, marks)]
    return "\n".join([*made, *lines[2:]]) + ("\n" if text.endswith("\n") else "")


def usual_length(cells: Sequence[str]) -> int:
    """The length that nine of ten cells of a column do not exceed; of a short column, the greatest."""
    lengths = sorted(len(cell) for cell in cells)
    return lengths[9 * (len(lengths) - 1) // 10 if len(lengths) >= LONG_TABLE else -1] if lengths else 0


def cells_of(line: str) -> list[str]:
    """The cells of a line of a table."""
    return CELLS.split(line.strip())[1:-1]
