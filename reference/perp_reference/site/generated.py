"""The pages that are made of the rules, and the figures that hand-written pages may name."""

from collections.abc import Callable
from pathlib import Path

from perp_reference.pages.build import pages
from perp_reference.site.facts import Facts
from perp_reference.site.reference import reference_pages
from perp_reference.site.sources import Sources


def generated_pages(root: Path, facts: Facts, told: Callable[[str], None]) -> Sources:
    """Every page that is made, with the files that belong to them."""
    del root, facts, told
    return Sources({**pages(), **reference_pages()})


def figures(facts: Facts) -> dict[str, str]:
    """What a marked figure may be, by its name."""
    return {
        "theorems": f"{len(facts.ledger['goals']):,}",
        "cases": f"{sum(len(fixture.cases) for fixture in facts.vectors.fixtures.values()):,}",
        "program": facts.program,
    }
