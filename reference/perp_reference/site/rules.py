"""The pages of the rules as the site has them: with numbers, theorems, the recorded program and vectors."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from perp_hash.digest import digest_to_hex, unpack_digest
from perp_reference.core.explain import Comparison, Guard
from perp_reference.pages.markdown import breakable, cell, code, table
from perp_reference.pages.rules import reason_link, rule_page, shared_page
from perp_reference.pages.shared import SHARED_PAGES, own_names
from perp_reference.pages.theorems import seconds
from perp_reference.site.examples import Change, Examples, Refused, Worked, entry_of, unit_of
from perp_reference.site.facts import Facts
from perp_reference.site.faults import Fault
from perp_reference.site.mathml import formulas
from perp_spec.perpetual.catalogue import LIBRARY, CataloguedRule, Entry, catalogue

MOST_CHANGES = 4
MOST_COMPARED = 2
LONGEST_VALUE = 24

DIGEST_BITS = 130
"""What a rule computes has fewer bits, products included; a digest has more."""

CRASH = "[BTC falls by 15 % in 15 minutes](../crash.md)"
ESCAPE = "[the operator vanishes](../escape.md)"
LIVED = {
    **dict.fromkeys(("liquidate", "backstop", "deleverage", "socialise", "end_batch"), CRASH),
    **dict.fromkeys(("request_forced", "forced_withdraw", "forced_reduce", "freeze"), ESCAPE),
    **dict.fromkeys(("escape_claim", "escape_pay"), ESCAPE),
}
"""The page that lives through a rule."""

FIGURES = ("instructions", "columns", "constraints", "lookups", "permutations", "messages", "cells")


def rule_pages(facts: Facts, examples: Examples) -> dict[str, str]:
    """The page of every rule and of everything that rules share."""
    found: dict[str, str] = {}
    for rule in catalogue():
        numbers = [*worked_section(rule, examples), *guards_section(rule, examples)]
        names = [rule.name, *own_names(rule.name)]
        proofs = [*theorems_section(names, facts), *program_section(names, facts), *vectors_section(rule, facts)]
        found[f"rules/{rule.name}.md"] = rule_page(rule, numbers, proofs, as_formula)
    for shared in SHARED_PAGES:
        proofs = [*theorems_section(shared.names, facts), *program_section(shared.names, facts)]
        found[f"rules/{shared.slug}.md"] = shared_page(shared, proofs, as_formula)
    return found


def as_formula(name: str) -> list[str]:
    """A definition as formulas, where it has any."""
    return [text for text in (formulas(LIBRARY[name]),) if text]


def rule_faults(facts: Facts) -> Iterator[Fault]:
    """A fault for each rule without a theorem or a table of the program."""
    about = {name for goal in facts.ledger["goals"] for name in goal["about"]}
    for rule in catalogue():
        if rule.name not in about:
            yield Fault(f"rule {rule.name}", "none", "a theorem about it")
        if rule.name not in facts.costs:
            yield Fault(f"rule {rule.name}", "none", "a table of the recorded program")


def number(value: Any) -> str:
    """A value of a vector for people."""
    match value:
        case None:
            return "0"
        case bool():
            return "yes" if value else "no"
        case list():
            return ", ".join(number(item) for item in value)
        case str() if value.lstrip("-").isdecimal() and len(value) <= LONGEST_VALUE:
            return f"{int(value):,}"
        case str() if len(value) > LONGEST_VALUE:
            return f"{value[:8]}…"
        case _:
            return str(value)


def place(path: str) -> str:
    """A path for people."""
    return code(path.strip("/").replace("/", "."))


# Worked in numbers


def worked_section(rule: CataloguedRule, examples: Examples) -> list[str]:
    """Operations that are accepted, with all their numbers."""
    several = [own for own in examples.worked.get(rule.name, ()) if own.case.id.endswith("/accepted")]
    several = [own for own in several if "large" not in own.case.id] or examples.worked.get(rule.name, [])[:1]
    told = f" A story with it, in numbers: {LIVED[rule.name]}." if rule.name in LIVED else ""
    parts = [
        "## Worked in numbers",
        f"From the vectors, and computed again by the machine when this page was made.{told}",
    ]
    for own in several:
        parts += worked(rule, own, f"### {title_of(own)}" if len(several) > 1 else "")
    return parts


def title_of(worked: Worked) -> str:
    """What the scene of a worked operation is called."""
    return worked.case.id.split("/")[1].replace("-", " ").capitalize()


def worked(rule: CataloguedRule, own: Worked, heading: str) -> list[str]:
    """One operation with all its numbers."""
    given = own.case.comment.partition("When:")[0].strip()
    said = [(place(path), number(value), unit_of(rule.operation, path)) for path, value in own.arguments.items()]
    kept = [row for row, value in zip(said, own.arguments.values(), strict=True) if value not in ("0", False, "0" * 64)]
    return [
        heading,
        given,
        table(("the operation says", "", "unit"), kept) if kept else "The operation names nothing but zeros.",
        "What is not named is 0 or no. It is accepted, and changes this:" if kept else "It is accepted, and changes:",
        table(("in the state", "before", "after", "change"), change_rows(own.changes)),
        details(
            "Every guard with the numbers it compared; ✗ marks a comparison that does not hold, and need not",
            compared_table(rule, own.guards),
        ),
    ]


def change_rows(changes: Iterable[Change]) -> Iterator[tuple[str, str, str, str]]:
    """A row for each value that changes."""
    for change in changes:
        before, after = change.before or "0", change.after
        yield place(change.path), number(change.before), number(after), by_how_much(before, after)


def by_how_much(before: Any, after: Any) -> str:
    """The difference of two numbers; "" where they are none."""
    if type(before) is not str or type(after) is not str or max(len(before), len(after)) > LONGEST_VALUE:
        return ""
    if not (before.lstrip("-").isdecimal() and after.lstrip("-").isdecimal()):
        return ""
    return f"{int(after) - int(before):+,}"


def details(title: str, text: str) -> str:
    """A text that is folded away."""
    indented = "\n".join(f"    {line}".rstrip() for line in text.splitlines())
    return f'??? note "{title}"\n\n{indented}'


def compared_table(rule: CataloguedRule, guards: Sequence[Guard]) -> str:
    """Every guard that was met, with what it compared."""
    rows: list[tuple[str, str, str]] = []
    for at, guard in enumerate(guards):
        entry = entry_of(rule.guards, guards, at)
        compared = ", ".join(comparison(own) for own in guard.comparisons) or "a flag"
        rows.append((entry.number if entry else "", guard.reason.name, compared))
    return table(("guard", "reason", "compared"), rows)


def comparison(compared: Comparison) -> str:
    """Two numbers and what was asked of them."""
    left, relation, right = compared.left, compared.relation.partition(" (")[0], compared.right
    return f"{term(left)} {relation} {term(right)}{'' if compared.holds else ' ✗'}"


def term(value: int) -> str:
    """A side of a comparison; what is larger than any word is a digest, written as digests are."""
    if not isinstance(value, bool) and value.bit_length() > DIGEST_BITS:
        return number(digest_to_hex(unpack_digest(value)))
    return number(value if isinstance(value, bool) else str(value))


# Guards by examples


def guards_section(rule: CataloguedRule, examples: Examples) -> list[str]:
    """An example of each guard, and of each result."""
    rows = [guard_row(rule, entry, examples.refused.get((rule.name, entry.number))) for entry in rule.guards]
    parts = [
        "## Each guard by an example",
        (
            "What is changed in the worked operation, or in the state it meets, so that the guard is the first one "
            "that does not hold; and the comparisons that made it fail: ✗ marks one that does not hold, the others are "
            "ones that the guard forbids. Each is a vector."
        ),
        table(("", "reason", "changed", "compared", "vector"), rows),
    ]
    results = [
        (entry.number, reason_link(entry.reason), but(examples.results[rule.name, entry.reason].comment), vector)
        for attempt in rule.attempts
        for entry in attempt.entries
        if (rule.name, entry.reason) in examples.results
        for vector in [vector_link(rule.name, examples.results[rule.name, entry.reason].id)]
    ]
    if results:
        parts += ["Stated as a result:", table(("", "reason", "example", "vector"), results)]
    return parts


def but(comment: str) -> str:
    """What is different in a case, from its comment."""
    return comment.partition("But:")[2].partition("Then:")[0].strip() or comment


def guard_row(rule: CataloguedRule, entry: Entry, refused: Refused | None) -> tuple[str, str, str, str, str]:
    """A row for one guard."""
    if refused is None:
        return entry.number, reason_link(entry.reason), "no operation can make this the first false guard", "", ""
    compared = "; ".join(comparison(own) for own in refused.comparisons[:MOST_COMPARED]) or "a flag"
    link = vector_link(rule.name, refused.case.id)
    return entry.number, reason_link(entry.reason), changed(refused), compared, link


def changed(refused: Refused) -> str:
    """What an example changes."""
    if refused.changes is None:
        return but(refused.case.comment)
    shown = [f"{place(own.path)} {number(own.before)} → {number(own.after)}" for own in refused.changes[:MOST_CHANGES]]
    more = len(refused.changes) - MOST_CHANGES
    return ", ".join([*shown, f"and {more} more"] if more > 0 else shown)


def vector_link(rule: str, case_id: str) -> str:
    """A link to a case in the browser of the vectors."""
    return f"[{case_id.partition('/')[2]}](../vectors.html?rule={rule}&case={case_id})"


# Proofs


def theorems_section(names: Sequence[str], facts: Facts) -> list[str]:
    """The theorems about some definitions."""
    goals = [goal for goal in facts.ledger["goals"] if set(goal["about"]) & set(names)]
    if not goals:
        return []
    rows = [
        (
            f"[{breakable(goal['name'])}](../theorems.md#{goal['name']})",
            goal["sentence"],
            goal["verdict"],
            seconds(facts.times[goal["name"]]),
        )
        for goal in goals
    ]
    return [
        "## Theorems",
        (
            "Proved for all values. What each assumes is on [the page of the theorems](../theorems.md); the seconds "
            "are of processor time where the ledger was written."
        ),
        table(("theorem", "what it says", "verdict", "seconds"), rows),
    ]


def program_section(names: Sequence[str], facts: Facts) -> list[str]:
    """What the tables of some definitions cost in the recorded program."""
    tables = [name for name in facts.costs if set(name.split()) & set(names)]
    if not tables:
        return []
    rows = [(code(name), *(f"{facts.costs[name][figure]:,}" for figure in FIGURES)) for name in tables]
    return [
        "## In the proof",
        (
            "The tables of the recorded program that hold this, and what a row of each costs. A row is one use; its "
            "cells are its columns and those of its buses. `perp program NAME` shows a table as formulas."
        ),
        table(("a row of", *FIGURES), rows),
    ]


def vectors_section(rule: CataloguedRule, facts: Facts) -> list[str]:
    """How many cases there are of a rule, and where they are from."""
    counts = Counter(
        case.source["kind"]
        for _, fixture, case in facts.vectors.cases()
        if fixture.rules == "perpetual" and rule.name in {step.op for step in case.steps}
    )
    rows = [(kind, f"{count:,}") for kind, count in counts.most_common()]
    return [
        "## Vectors",
        (
            "Cases with this operation in the released vectors; "
            f"[browse them](../vectors.html?rule={rule.name}). "
            f"{code(f'perp conform --only {rule.name}')} runs them on your engine."
        ),
        table(("source", "cases"), rows),
    ]


def theorem_anchors(text: str, names: Iterable[str]) -> str:
    """The page of the theorems, with a place to link to on each line."""
    for name in names:
        shown = f'<a id="{name}"></a><code>{breakable(name)}</code>'
        text = text.replace(f"| {cell(code(name))} |", f"| {shown} |", 1)
    return text
