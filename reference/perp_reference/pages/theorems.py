"""The page of the theorems, from the ledger of the proofs."""

import re
from typing import Any

from perp_reference.pages.markdown import bullets, cell, code, page, table

COMMAND = "./perp check --write-ledger"
"""What writes the ledger and the page again."""


def theorems_page(ledger: dict[str, Any], times: dict[str, float]) -> str:
    """Each theorem with its assumptions, its verdict, and the seconds its proof took where the ledger was written."""
    own = own_assumptions(ledger)
    proved = sum(line["verdict"] == "proved" for line in ledger["goals"])
    rows = [
        (
            code(line["name"]),
            line["sentence"],
            ", ".join(code(name) for name in line["about"]),
            " ".join(f"A{own.index(text) + 1}" for text in line["assumptions"]),
            line["verdict"],
            seconds(times[line["name"]]),
        )
        for line in ledger["goals"]
    ]
    return page(
        "# Theorems",
        f"What is proved about the rules: {proved} of {len(rows)} theorems, each for all values, any number of "
        f"accounts and any number of positions, by {ledger['solver']}. The solver reads the functions of the rules "
        f"themselves; {code('./perp check')} proves all of it again.",
        "A theorem speaks of one operation, of two in a row, or of one function of the rules. What follows for a whole "
        "history follows by induction over its operations, where a theorem's conclusion is what the next one assumes; "
        "the induction itself is not done by the solver.",
        "## What every theorem assumes",
        bullets(ledger["assumptions"]),
        "## What some theorems assume",
        bullets(f"A{place}: {text}" for place, text in enumerate(own, 1)),
        "## The theorems",
        "Seconds are of processor time, on the machine where the ledger was written.",
        table(("theorem", "what it says", "about", "assumes", "verdict", "seconds"), rows),
        "## For what text",
        f"The rules have the digest {code(ledger['rules'])}, the theorems {code(ledger['theorems'])}: SHA-256 of their "
        "text without comments, docstrings and empty lines. Where either has changed since, a test fails until "
        f"{code(COMMAND)} has proved everything again.",
    )


def own_assumptions(ledger: dict[str, Any]) -> list[str]:
    """What some theorem assumes, each once, in the order of the theorems."""
    return list(dict.fromkeys(text for line in ledger["goals"] for text in line["assumptions"]))


def seconds(value: float) -> str:
    """Seconds with two digits."""
    return f"{value:.2f}"


def times_in(text: str) -> dict[str, float]:
    """The seconds that a page states, by theorem: they are what it was made with."""
    rows = re.findall(rf"^\| {re.escape(cell('`'))}(\w+)` \|.* (\d+\.\d\d) \|$", text, re.MULTILINE)
    return {name: float(value) for name, value in rows}
