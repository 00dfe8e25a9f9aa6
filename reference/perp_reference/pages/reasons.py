"""The page of the reasons."""

from perp_reference.pages.markdown import bullets, code, page
from perp_spec.perpetual.catalogue import CataloguedRule, catalogue
from perp_spec.perpetual.reasons import SENTENCES, Reason

ELSEWHERE: dict[Reason, str] = {
    Reason.OVERFLOW: "No rule raises it.",
    Reason.CONFIG: "Raised where a configuration is read, see [its bounds](state.md#bounds-of-a-configuration).",
    Reason.FAMILIES: "Raised where a configuration is read, see [its bounds](state.md#bounds-of-a-configuration).",
}
"""Where the reasons come from that no rule raises."""


def rule_link(rule: CataloguedRule) -> str:
    """A link to a rule from the page of the reasons."""
    return f"[{rule.name}](rules/{rule.name}.md)"


def uses_of(reason: Reason) -> list[str]:
    """Every guard that has the reason: which rule, which number, what must hold."""
    found: list[str] = []
    for rule in catalogue():
        found += [
            f"{rule_link(rule)}, guard {entry.number}: {entry.sentence}"
            for entry in rule.guards
            if entry.reason is reason
        ]
        found += [
            f"{rule_link(rule)}, as a result ({entry.number}): {entry.sentence}"
            for attempt in rule.attempts
            for entry in attempt.entries
            if entry.reason is reason
        ]
    return found


def reasons_page() -> str:
    """Each reason with its code, its sentence, and the guards that have it."""
    sections: list[str] = []
    for reason in Reason:
        sections += [
            f"## {reason.name}",
            f"Code {reason.value}. {SENTENCES[reason]}",
            ELSEWHERE.get(reason, ""),
            bullets(uses_of(reason)),
        ]
    return page(
        "# Reasons",
        "Why something is refused. Each has one name and one code, and neither ever changes. Code 0 means done. "
        f"The codes are what {code('result')} states in deposits and forced actions.",
        *sections,
    )
