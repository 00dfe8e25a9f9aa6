"""What hand-written pages claim of the project: figures, commands and snippets, held against the project itself.

A figure is marked where it stands, `308<!--= theorems -->`: the mark names what the figure is, readers of the text on
its own see nothing of it, and the site does not have it.
"""

import io
import json
import re
import shlex
from collections.abc import Callable, Iterator, Mapping
from contextlib import redirect_stdout
from typing import Any

from perp_reference.site.faults import Fault
from perp_reference.site.sources import prose_lines

MARK = re.compile(r"[ ]?<!--=\s*(?P<name>[^>]*?)\s*-->")
FIGURE = re.compile(r"(?:-?\d[\d,]*(?:\.\d+)?|[\w.-]+)$")
COMMAND = re.compile(r"^\s+(?:[$] )?(?:\./)?perp (?P<rest>\S.*)$")
FENCE = re.compile(r"^```(?P<language>\w+)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)

Check = Callable[[list[str]], str]
"""Says what is wrong with the words of a command line of `perp`; "" where nothing is."""


def check_figures(place: str, text: str, known: Mapping[str, str]) -> list[Fault]:
    """The marked figures of a page that are not what they are said to be."""
    return list(figure_faults(place, text, known))


def figure_faults(place: str, text: str, known: Mapping[str, str]) -> Iterator[Fault]:
    """A fault for each marked figure that does not hold."""
    for number, line in enumerate(text.splitlines(), 1):
        for mark in MARK.finditer(line):
            before = FIGURE.search(line[: mark.start()].rstrip("*`"))
            said = before.group() if before else "nothing"
            name = mark.group("name")
            if name not in known:
                yield Fault(f"{place}:{number}", name, f"the name of a figure, such as {', '.join(list(known)[:3])}")
            elif plain(known[name]) != plain(said):
                yield Fault(f"{place}:{number}", said, f"{known[name]}, which is {name}")


def plain(figure: str) -> str:
    """A figure without what only makes it easier to read."""
    return figure.replace(",", "").rstrip(".")


def check_sources(place: str, text: str) -> list[Fault]:
    """The cells of a comparison without a source, and the sources that no line of the page gives.

    A page is a comparison where it has the heading "Sources"; a cell names its sources as [S1]. The first column says
    what is compared.
    """
    head, found, tail = text.partition("\n## Sources\n")
    if not found:
        return []
    given = set(re.findall(r"^\| (\w+) \|", tail, re.MULTILINE))
    faults: list[Fault] = []
    for number, line in enumerate(head.splitlines(), 1):
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("|") or not cells[0] or set(cells[0]) == {"-"}:
            continue
        for cell in cells[1:]:
            named = re.findall(r"\[(\w+)\]", cell)
            if cell != "unknown" and (not named or set(named) - given):
                faults.append(Fault(f"{place}:{number}", cell, "a cell with a source that the page gives, or unknown"))
    return faults


def without_marks(text: str) -> str:
    """A page as the site has it."""
    return MARK.sub("", text)


def check_commands(place: str, text: str, check: Check) -> list[Fault]:
    """The command lines of a page that `perp` would not take."""
    found: list[Fault] = []
    for number, line in prose_lines(text):
        match = COMMAND.match(line)
        if match is None:
            continue
        try:
            words = shlex.split(match.group("rest"), comments=True)
        except ValueError as error:
            found.append(Fault(f"{place}:{number}", line.strip(), f"a command line: {error}"))
            continue
        wrong = check(words)
        if wrong:
            found.append(Fault(f"{place}:{number}", line.strip(), f"a command that perp takes: {wrong}"))
    return found


def check_snippets(place: str, text: str) -> list[Fault]:
    """The snippets of a hand-written page that do not hold: Python that does not run, JSON that is none.

    Python runs from top to bottom of the page with one set of names; a line `# prints: ...` after it says what it
    writes.
    """
    names: dict[str, Any] = {"__name__": "page"}
    found: list[Fault] = []
    for fence in FENCE.finditer(text):
        line = text.count("\n", 0, fence.start()) + 2
        body = fence.group("body")
        wrong = {"python": lambda body: python_fault(body, names), "json": json_fault}.get(
            fence.group("language"), lambda _: ""
        )(body)
        if wrong:
            found.append(Fault(f"{place}:{line}", wrong, f"{fence.group('language')} that holds"))
    return found


def python_fault(body: str, names: dict[str, Any]) -> str:
    """What is wrong with a snippet of Python; "" where it runs and writes what it says."""
    said = "\n".join(line.removeprefix("# prints: ") for line in body.splitlines() if line.startswith("# prints: "))
    written = io.StringIO()
    try:
        with redirect_stdout(written):
            exec(compile(body, "<page>", "exec"), names)  # noqa: S102 - the pages of this checkout
    except Exception as error:  # noqa: BLE001 - whatever a page does wrong is told of the page
        return f"{type(error).__name__}: {error}"
    return "" if written.getvalue().strip() == said else f"it prints {written.getvalue().strip()!r}"


def json_fault(body: str) -> str:
    """What is wrong with a snippet of JSON or of JSON lines; "" where nothing is."""
    try:
        json.loads(body)
    except json.JSONDecodeError as whole:
        try:
            for line in body.splitlines():
                json.loads(line)
        except json.JSONDecodeError:
            return str(whole)
    return ""
