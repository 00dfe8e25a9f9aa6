"""The page of what the solver's states reach, from their files."""

from collections.abc import Mapping, Sequence

from perp_reference.conformance.solved import SolvedRule
from perp_reference.pages.markdown import code, page, table

COMMAND = "./perp check --write-witnesses"
"""What writes the states and the page again."""

VERDICTS = {
    "unreachable": "No state of any exchange gets there: proved as a theorem is, of any configuration and any number "
    "of positions, and assuming the same of stored words.",
    "impossible in the small exchange": "The solver says that no state of the small exchange does. That says nothing "
    "of other exchanges.",
    "given up": "The solver did not decide it. Nothing is known.",
    "not sought": "No question was asked.",
}
"""What it means that there is no state, by verdict, the strongest first."""

HEADS = (
    "rule",
    "states",
    "guards",
    "met on both sides",
    "by one unit",
    "ways",
    "gone",
    "unreachable",
    "impossible",
    "given up",
)


def reached_page(rules: Sequence[SolvedRule]) -> str:
    """Guards and ways of each rule, how many of them have a state, and those that have none, by name."""
    rows = [row(rule) for rule in rules]
    sums = ["all", *(str(sum(int(line[place]) for line in rows)) for place in range(1, len(HEADS)))]
    return page(
        "# What the solver's states reach",
        "For each rule: its guards, met by a state on either side, where those before them hold; and the ways of its "
        "decisions, as each `select`, each conditional call and each guard of an attempt, gone by an accepted "
        "operation. The states are committed, the machine runs them in a test, and what they meet is seen again by "
        "running the rules in plain integers. [How they are found](proofs.md#states-on-either-side-of-each-guard).",
        table(HEADS, [*([code(line[0]), *line[1:]] for line in rows), sums]),
        "A guard is met by one unit where its values are on the boundary in one state, and one unit beyond it in "
        "another. The last three columns count ways, and sides of guards as one of their comparisons decides them.",
        "## Guards that are not met on both sides",
        one_sided(rules),
        "## What has no state",
        *(part for verdict, meaning in VERDICTS.items() for part in without_state(rules, verdict, meaning)),
        f"The files and this page are written again by {code(COMMAND)}.",
    )


def row(rule: SolvedRule) -> list[str]:
    """The line of a rule."""
    sides = [(guard["holds"], guard["fails"]) for guard in rule.guards]
    met = [side for side in sides if "" not in side]
    near = [side for side in met if side == ("0", "0")]
    counts = rule.counts
    lengths = map(str, (len(rule.cases), len(sides), len(met), len(near)))
    given_up = str(int(counts["given_up"]) + int(counts["not_sought"]))
    return [
        rule.rule,
        *lengths,
        counts["ways"],
        counts["ways_met"],
        counts["unreachable"],
        counts["impossible"],
        given_up,
    ]


def one_sided(rules: Sequence[SolvedRule]) -> str:
    """The guards that no state meets on one side."""
    rows = [
        (code(rule.rule), guard["in"], code(guard["text"]), side)
        for rule in rules
        for guard in rule.guards
        for side in ("holds", "fails")
        if guard[side] == ""
    ]
    return table(("rule", "in", "guard", "no state where it"), rows) if rows else "None."


def without_state(rules: Sequence[SolvedRule], verdict: str, meaning: str) -> tuple[str, ...]:
    """What there is no state for, for one reason."""
    rows = [
        (code(rule.rule), item["in"], code(item["text"]), said(item))
        for rule in rules
        for item in rule.missed
        if item["verdict"] == verdict
    ]
    if not rows:
        return ()
    return f"### {verdict.capitalize()}", meaning, table(("rule", "in", "text", "no state where it"), rows)


def lines_without_state(rule: SolvedRule) -> list[str]:
    """What no state meets, a line each: guards on one side, then ways and sides as a comparison decides them."""
    guards = [
        f"{rule.rule}: guard: {guard['reason']} in {guard['in']}: {guard['text']} {side}"
        for guard in rule.guards
        for side in ("holds", "fails")
        if guard[side] == ""
    ]
    missed = [f"{rule.rule}: {item['verdict']}: {item['in']}: {item['text']} {said(item)}" for item in rule.missed]
    return [*guards, *(line.replace("`", "") for line in missed)]


def said(item: Mapping[str, str]) -> str:
    """The side that has no state, and what would decide it."""
    side = " ".join(part for part in (item["reason"], "holds" if item["holds"] == "yes" else "fails") if part)
    return f"{side}, by {code(item['decided by'])}" if item["decided by"] else side
