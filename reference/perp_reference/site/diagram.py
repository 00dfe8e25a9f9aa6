"""Boxes and arrows as inline SVG, in the colours of the page: whoever draws computes what is drawn."""

import textwrap
from collections.abc import Sequence
from html import escape

from attrs import frozen

LINE = 15
"""Height of a line of text."""
LETTER = 6.4
"""About the width of a letter: a page cannot measure text before it is shown."""
PADDING = 10


@frozen
class Box:
    """A box with a title and a few words.

    Attributes:
        x: Left side.
        y: Upper side.
        width: Of the box.
        title: In bold.
        words: Below the title, wrapped.
        link: Where the title leads, "" for nowhere.
        shade: How severe it is, from 0 to 4.
    """

    x: float
    y: float
    width: float
    title: str
    words: str = ""
    link: str = ""
    shade: int = 0

    @property
    def lines(self) -> list[str]:
        """The words, line by line."""
        return textwrap.wrap(self.words, max(int((self.width - 2 * PADDING) / LETTER), 8))

    @property
    def height(self) -> float:
        """Of the box."""
        return 2 * PADDING + LINE * (1 + len(self.lines))

    @property
    def middle(self) -> float:
        """Vertical middle."""
        return self.y + self.height / 2

    def drawn(self) -> str:
        """The box."""
        rect = (
            f'<rect x="{self.x:g}" y="{self.y:g}" width="{self.width:g}" height="{self.height:g}" rx="5" '
            f'class="box s{self.shade}"/>'
        )
        title = text(self.x + PADDING, self.y + PADDING + 11, self.title, kind="head")
        if self.link:
            title = f'<a href="{escape(self.link)}">{title}</a>'
        words = [
            text(self.x + PADDING, self.y + PADDING + 11 + LINE * number, line)
            for number, line in enumerate(self.lines, 1)
        ]
        return "".join((rect, title, *words))


@frozen
class Arrow:
    """An arrow along some points, with words beside its middle.

    Attributes:
        points: From the first to the last.
        words: Lines beside it.
        place: Where the words begin.
        anchor: Which end of the words is there.
    """

    points: Sequence[tuple[float, float]]
    words: Sequence[str] = ()
    place: tuple[float, float] = (0, 0)
    anchor: str = "start"

    def drawn(self) -> str:
        """The arrow."""
        path = " ".join(f"{x:g},{y:g}" for x, y in self.points)
        words = [
            text(self.place[0], self.place[1] + LINE * number, line, self.anchor, "label")
            for number, line in enumerate(self.words)
        ]
        return f'<polyline points="{path}" class="arrow" marker-end="url(#head)"/>{"".join(words)}'


def text(x: float, y: float, words: str, anchor: str = "start", kind: str = "") -> str:
    """A line of text."""
    style = f' class="{kind}"' if kind else ""
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}"{style}>{escape(words)}</text>'


def diagram(title: str, width: float, height: float, parts: Sequence[Box | Arrow]) -> str:
    """A whole diagram; it scrolls in its box where the page is too narrow for it."""
    marker = (
        '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0 L8 4 L0 8 z" class="tip"/></marker></defs>'
    )
    drawn = "".join(part.drawn() for part in parts)
    return (
        f'<div class="perp-box"><svg class="perp" viewBox="0 0 {width:g} {height:g}" width="{width:g}" role="img" '
        f'aria-label="{escape(title)}">{marker}{drawn}</svg></div>'
    )
