"""Plots as inline SVG: lines, stacked bars and strips over time. Colours come from the page's style sheet.

Every plot has a title, labelled axes with units, and a legend where it shows more than one thing.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from html import escape
from typing import NamedTuple

WIDTH = 880
LEFT, RIGHT, TOP, BOTTOM = 86, 38, 60, 40
"""Margins of a plot."""

HEIGHT = 280
STRIP_HEIGHT = 16

COLUMNS = 380
"""Columns of pixels for which a line keeps its extremes."""

WIDE, NARROW = 8.2, 6.1
"""About the width of a capital and of any other letter in a legend: a page cannot measure text before it is shown."""

PALETTE = 12
"""Colours of the style sheet, classes c0 to c11."""


class Line(NamedTuple):
    """A named line: a value for each time, None where there is none."""

    label: str
    values: Sequence[float]
    colour: int | None = None
    """Of the palette; None for the one of its place among the lines of its plot."""

    def shade(self, place: int) -> int:
        """Its colour where it has this place."""
        return (place if self.colour is None else self.colour) % PALETTE


class Frame(NamedTuple):
    """Where data is drawn."""

    first: int
    last: int
    low: float
    high: float
    height: int
    width: int = WIDTH

    def x(self, time: float) -> float:
        """Horizontal place of a time."""
        span = max(self.last - self.first, 1)
        return LEFT + (self.width - LEFT - RIGHT) * (time - self.first) / span

    def y(self, value: float) -> float:
        """Vertical place of a value."""
        span = self.high - self.low or 1
        return TOP + (self.height - TOP - BOTTOM) * (1 - (value - self.low) / span)


def nice_step(span: float, parts: int) -> float:
    """A round step that cuts a span into about so many parts."""
    rough = max(span, 1e-9) / parts
    power = 1.0
    while power * 10 <= rough:
        power *= 10
    while power > rough:
        power /= 10
    return next((power * times for times in (1, 2, 5) if power * times >= rough), power * 10)


def short(value: float) -> str:
    """A number for an axis: 1.5 M, 20 k, 0.25."""
    for scale, suffix in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if abs(value) >= scale:
            return f"{value / scale:.4g}{suffix}"
    return f"{value:.4g}"


def clock(time: int, span: int) -> str:
    """A time for an axis."""
    at = datetime.fromtimestamp(time, UTC)
    return at.strftime("%H:%M") if span <= 36 * 3_600 else at.strftime("%d %b %H:%M")


def text(x: float, y: float, words: str, anchor: str = "start", kind: str = "") -> str:
    """A piece of text."""
    style = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{style}>{escape(words)}</text>'


def drawing(title: str, height: int, parts: Sequence[str], width: int = WIDTH) -> str:
    """A whole plot, which is moved sideways where the page is too narrow to read it."""
    head = f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(title)}" class="plot">'
    return "".join(('<div class="wide">', head, text(LEFT, 16, title, kind="title"), *parts, "</svg></div>"))


def time_axis(frame: Frame, name: str = "time, UTC") -> list[str]:
    """Ticks and labels of the time axis."""
    span = frame.last - frame.first
    step = next((step for step in (60, 300, 600, 1_800, 3_600, 7_200, 21_600, 43_200) if span <= 9 * step), 86_400)
    base = frame.height - BOTTOM
    parts: list[str] = []
    for time in range(-(-frame.first // step) * step, frame.last + 1, step):
        x = frame.x(time)
        parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{base}" class="grid"/>')
        parts.append(text(x, base + 15, clock(time, span), "middle"))
    parts.append(text((LEFT + frame.width - RIGHT) / 2, base + 31, name, "middle", "axis"))
    return parts


def value_axis(frame: Frame, unit: str) -> list[str]:
    """Ticks and labels of the value axis."""
    step = nice_step(frame.high - frame.low, 5)
    parts = [text(6, TOP - 9, unit, kind="axis")]
    value = -(-frame.low // step) * step
    while value <= frame.high + step * 1e-6:
        y = frame.y(value)
        parts.append(f'<line x1="{LEFT}" x2="{frame.width - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" class="grid"/>')
        parts.append(text(LEFT - 6, y + 4, short(0 if abs(value) < step * 1e-6 else value), "end"))
        value += step
    return parts


def legend(labels: Sequence[str], kinds: Sequence[str]) -> list[str]:
    """Names and colours, in one row under the title."""
    parts: list[str] = []
    x = float(LEFT)
    for label, kind in zip(labels, kinds, strict=True):
        parts.append(f'<rect x="{x:.1f}" y="25" width="10" height="10" class="{kind}"/>')
        parts.append(text(x + 14, 34, label))
        x += 28 + sum(WIDE if letter.isupper() else NARROW for letter in label)
    return parts


def thinned(times: Sequence[int], values: Sequence[float], columns: int) -> list[tuple[int, float]]:
    """Points of a line, at most its first, lowest, highest and last value for each column of pixels."""
    if len(times) <= 2 * columns:
        return list(zip(times, values, strict=True))
    points: list[tuple[int, float]] = []
    size = -(-len(times) // columns)
    for start in range(0, len(times), size):
        group = range(start, min(start + size, len(times)))
        low, high = min(group, key=values.__getitem__), max(group, key=values.__getitem__)
        points += [(times[place], values[place]) for place in sorted({group[0], low, high, group[-1]})]
    return points


def lines(
    title: str,
    unit: str,
    times: Sequence[int],
    drawn: Sequence[Line],
    zero: bool = False,
    axis: str = "time, UTC",
    width: int = WIDTH,
) -> str:
    """A plot of lines; `zero` makes the value axis begin at zero or below, `axis` is what the time axis is called."""
    everything = [value for line in drawn for value in line.values]
    low, high = min(everything), max(everything)
    low = min(low, 0) if zero else low
    margin = (high - low or abs(high) or 1) * 0.04
    frame = Frame(times[0], times[-1], low - (0 if zero and low == 0 else margin), high + margin, HEIGHT, width)
    parts = [*time_axis(frame, axis), *value_axis(frame, unit)]
    for number, line in enumerate(drawn):
        points = " ".join(
            f"{frame.x(time):.1f},{frame.y(value):.1f}" for time, value in thinned(times, line.values, COLUMNS)
        )
        parts.append(f'<polyline points="{points}" class="line c{line.shade(number)}"/>')
    if len(drawn) > 1:
        kinds = [f"fill c{line.shade(number)}" for number, line in enumerate(drawn)]
        parts += legend([line.label for line in drawn], kinds)
    return drawing(title, HEIGHT, parts, width)


def bars(title: str, unit: str, times: Sequence[int], width: int, drawn: Sequence[Line]) -> str:
    """A plot of stacked bars, each `width` seconds wide."""
    totals = [sum(line.values[place] for line in drawn) for place in range(len(times))]
    frame = Frame(times[0], times[-1] + width, 0, max(*totals, 1) * 1.04, HEIGHT)
    parts = [*time_axis(frame), *value_axis(frame, unit)]
    for place, time in enumerate(times):
        base = 0.0
        left, right = frame.x(time) + 0.5, frame.x(time + width) - 0.5
        for number, line in enumerate(drawn):
            value = line.values[place]
            if value > 0:
                top, bottom = frame.y(base + value), frame.y(base)
                parts.append(
                    f'<rect x="{left:.1f}" y="{top:.1f}" width="{max(right - left, 0.5):.1f}" '
                    f'height="{max(bottom - top, 0.4):.1f}" class="fill c{line.shade(number)}">'
                    f"<title>{escape(line.label)}: {value:,.0f}</title></rect>"
                )
                base += value
    kinds = [f"fill c{line.shade(number)}" for number, line in enumerate(drawn)]
    parts += legend([line.label for line in drawn], kinds)
    return drawing(title, HEIGHT, parts)


def runs(values: Sequence[int]) -> list[tuple[int, int, int]]:
    """Equal values in a row: first place, place after the last, value."""
    found: list[tuple[int, int, int]] = []
    start = 0
    for place in range(1, len(values) + 1):
        if place == len(values) or values[place] != values[start]:
            found.append((start, place, values[start]))
            start = place
    return found


def strips(
    title: str, times: Sequence[int], rows: Sequence[tuple[str, Sequence[int]]], names: Callable[[int], str], codes: int
) -> str:
    """One strip for each row, coloured by a code from 0 to codes - 1; classes v0, v1 and so on."""
    height = TOP + BOTTOM + STRIP_HEIGHT * len(rows)
    frame = Frame(times[0], times[-1], 0, 1, height)
    step = (times[-1] - times[0]) / max(len(times) - 1, 1)
    parts = time_axis(frame)
    for number, (label, values) in enumerate(rows):
        y = TOP + STRIP_HEIGHT * number
        parts.append(text(LEFT - 6, y + 12, label, "end"))
        for start, stop, code in runs(values):
            left = frame.x(times[start])
            right = min(frame.x(times[stop - 1] + step), WIDTH - RIGHT)
            parts.append(
                f'<rect x="{left:.1f}" y="{y + 1}" width="{max(right - left, 0.7):.1f}" height="{STRIP_HEIGHT - 2}" '
                f'class="v{code}"><title>{escape(label)}: {escape(names(code))}</title></rect>'
            )
    parts += legend([names(code) for code in range(codes)], [f"v{code}" for code in range(codes)])
    return drawing(title, height, parts)
