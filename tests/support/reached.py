"""Which reasons were reached, where, and how often: counted in every test process, added up for the test output."""

from collections import Counter

from perp_spec.perpetual.reasons import Reason

UNREACHABLE: dict[Reason, str] = {
    Reason.OVERFLOW: "Ranges of arguments and stored values are chosen so that no intermediate leaves a word; no rule "
    "names this reason, a store outside its range is an OutOfRangeError of the machine.",
}
"""Reasons that no operation, header or configuration can get, with the argument why."""

reached: Counter[tuple[str, str]] = Counter()
"""By place and name of the reason. A place is a rule, `header`, `configuration`, `<rule>, answered` for the results
that deposits and forced actions state, or `<rule>, frozen` where the exchange is frozen."""


def note(place: str, reason: Reason) -> None:
    """Count a reason."""
    reached[place, reason.name] += 1


def table_lines(counts: Counter[tuple[str, str]]) -> list[str]:
    """The table for the test output: a line a reason, and where it was reached how often."""
    width = max(len(reason.name) for reason in Reason)
    lines: list[str] = []
    for reason in Reason:
        places = sorted((place, count) for (place, name), count in counts.items() if name == reason.name)
        text = ", ".join(f"{place} {count}" for place, count in places)
        total = sum(count for _, count in places)
        if reason in UNREACHABLE:
            text = text or "unreachable"
        lines.append(f"{reason.name:<{width}} {total:>8}  {text or 'NOT REACHED'}")
    return lines
