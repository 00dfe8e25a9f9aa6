"""The pages that are made of the rules, and the figures that hand-written pages may name."""

from collections.abc import Callable, Iterator

from perp_reference.conformance.coverage import NOT_MET
from perp_reference.conformance.measured import Measured
from perp_reference.formats.batch import MOST_OPERATIONS
from perp_reference.pages.build import pages
from perp_reference.pages.markdown import table
from perp_reference.pages.theorems import theorems_page
from perp_reference.site import crash, escape, modes
from perp_reference.site.examples import Examples, examples_of
from perp_reference.site.facts import Facts
from perp_reference.site.faults import Fault
from perp_reference.site.reference import reference_pages
from perp_reference.site.rules import rule_faults, rule_pages, theorem_anchors
from perp_reference.site.sources import Sources
from perp_reference.site.trade import worked_trade
from perp_reference.site.vectors import vector_files, vectors_page
from perp_spec import words
from perp_spec.perpetual.catalogue import catalogue
from perp_spec.perpetual.defaults import default_config, default_parameters
from perp_spec.perpetual.reasons import SENTENCES, Reason
from perp_spec.words import DAY


def generated_pages(facts: Facts, told: Callable[[str], None]) -> Sources:
    """Every page that is made, with the files that belong to them."""
    told("computing every example again")
    examples = examples_of(facts.vectors)
    told("living through a crash")
    story = crash.told()
    others = crash.compared(story)
    told("letting the operator vanish")
    escapes = escape.lived(), escape.lived((escape.ALICE, escape.CAROL, escape.DAVE))
    told("making pages of the rules")
    theorems = theorems_page(dict(facts.ledger), dict(facts.times))
    made = {
        **pages(),
        **rule_pages(facts, examples),
        **reference_pages(),
        "theorems.md": theorem_anchors(theorems, facts.times),
        "vectors.md": vectors_page(facts.vectors),
        "crash.md": crash.crash_page(story, others),
        "escape.md": escape.escape_page(*escapes),
        "modes.md": modes.modes_page(facts, examples),
    }
    faults = [
        *examples.faults,
        *rule_faults(facts),
        *reason_faults(examples),
        *crash.faults(story, others),
        *escape.faults(*escapes),
    ]
    return Sources(made, vector_files(facts.vectors), [*faults, *modes.demand_faults()])


def reason_faults(examples: Examples) -> Iterator[Fault]:
    """A fault for each reason that is not explained, or that no example shows."""
    shown = {
        entry.reason for rule in catalogue() for entry in rule.guards if (rule.name, entry.number) in examples.refused
    }
    shown |= {reason for _, reason in examples.results}
    for reason in Reason:
        if not SENTENCES.get(reason, "").endswith("."):
            yield Fault(f"reason {reason.name}", SENTENCES.get(reason, "nothing") or "nothing", "a sentence")
        if reason not in shown and reason not in NOT_MET:
            yield Fault(f"reason {reason.name}", "none", "an example of it")


MADE = """Made for this site, by running the rules:

- [BTC falls by 15 % in 15 minutes](crash.md): what happens, step by step and in numbers
- [the operator vanishes](escape.md): how everybody gets their money, day by day and in numbers
- [modes and oracle levels](modes.md): what is still possible when prices are in doubt or money runs out, in diagrams
- [the playground](playground/index.md): operations applied by the rules' own code in your browser, and a proof verified
- [the vectors](vectors.md): every test case, to browse
- [schemas](schemas/index.md): every member of every file and message"""


def spliced(facts: Facts) -> dict[str, str]:
    """What stands in hand-written pages where they say `<!-- here: NAME -->`."""
    rounds = list(next(iter(facts.security.values())))
    rows = [(name, *(facts.security[profile].get(name, "") for profile in facts.security)) for name in rounds]
    return {
        "the pages that only the site has": MADE,
        "the worked trade": worked_trade(),
        "the rounds at these sizes": table(("bits", *(f'"{name}"' for name in facts.security)), rows),
    }


def figures(facts: Facts) -> dict[str, str]:
    """What a marked figure may be, by its name."""
    kinds = [case.source["kind"] for _, _, case in facts.vectors.cases()]
    verdicts = [goal["verdict"] for goal in facts.ledger["goals"]]
    market = default_config(1).markets[0].market
    return {
        "theorems": f"{len(verdicts):,}",
        "theorems proved": f"{verdicts.count('proved'):,}",
        "rules": str(len(catalogue())),
        "operations": str(len(catalogue()) - 1),
        "guards": str(sum(len(rule.guards) for rule in catalogue())),
        "reasons": str(len(Reason)),
        "cases": f"{len(kinds):,}",
        "decoys": f"{len(facts.vectors.decoys):,}",
        **score_figures(facts.score),
        **{f"cases {kind}": f"{kinds.count(kind):,}" for kind in sorted(set(kinds))},
        "program": facts.program,
        "tables": str(len(facts.costs)),
        "starkex cases": f"{facts.observed:,}",
        **{name: f"{value:,}" for name, value in facts.paths.items()},
        "default penalty": f"{default_parameters().penalty_ppm / 10_000:g}",
        "default claim days": f"{default_parameters().claim_seconds / DAY:g}",
        "default forced days": f"{default_parameters().forced_seconds / DAY:g}",
        "default lie minutes": f"{(market.blind_seconds + 2 * market.staleness_seconds) / 60:g}",
        "operations of a batch": f"{MOST_OPERATIONS:,}",
        **{name: f"{value:,}" for name, value in vars(words).items() if name.isupper() and type(value) is int},
        **{f"security {name} {own}": bits for name, found in facts.security.items() for own, bits in found.items()},
    }


def score_figures(score: Measured | None) -> dict[str, str]:
    """How many mutants the vectors notice; none where it is not known."""
    if score is None:
        return {}
    return {
        "mutants": f"{score.mutants:,}",
        "mutants noticed": f"{score.noticed:,}",
        "mutants explained": f"{score.explained:,}",
        "mutation score": f"{score.percent:.1f}",
    }
