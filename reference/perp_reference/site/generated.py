"""The pages that are made of the rules, and the figures that hand-written pages may name."""

from collections.abc import Callable
from pathlib import Path

from perp_reference.pages.build import pages
from perp_reference.pages.theorems import theorems_page
from perp_reference.site.examples import examples_of
from perp_reference.site.facts import Facts
from perp_reference.site.reference import reference_pages
from perp_reference.site.rules import rule_faults, rule_pages, theorem_anchors
from perp_reference.site.sources import Sources
from perp_reference.site.vectors import vector_files, vectors_page


def generated_pages(root: Path, facts: Facts, told: Callable[[str], None]) -> Sources:
    """Every page that is made, with the files that belong to them."""
    del root
    told("computing every example again")
    examples = examples_of(facts.vectors)
    told("making pages of the rules")
    theorems = theorems_page(dict(facts.ledger), dict(facts.times))
    made = {
        **pages(),
        **rule_pages(facts, examples),
        **reference_pages(),
        "theorems.md": theorem_anchors(theorems, facts.times),
        "vectors/index.md": vectors_page(facts.vectors),
    }
    return Sources(made, vector_files(facts.vectors), [*examples.faults, *rule_faults(facts)])


def figures(facts: Facts) -> dict[str, str]:
    """What a marked figure may be, by its name."""
    return {
        "theorems": f"{len(facts.ledger['goals']):,}",
        "cases": f"{sum(len(fixture.cases) for fixture in facts.vectors.fixtures.values()):,}",
        "program": facts.program,
    }
