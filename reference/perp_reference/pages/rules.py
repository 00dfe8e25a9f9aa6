"""The pages of the rules: one for each rule, shared ones, and an index."""

import ast
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import attrs

from perp_reference.pages.markdown import block, bullets, code, number, page, table
from perp_reference.pages.prose import APPLYING, PROSE
from perp_reference.pages.shared import SHARED_PAGES, SharedPage, link, own_names, place_of
from perp_spec.formula import callee, formula
from perp_spec.outline import Definition, called_by
from perp_spec.perpetual.catalogue import (
    HEADER_RULE,
    LIBRARY,
    MODULES,
    Attempt,
    CataloguedRule,
    Effect,
    Entry,
    access_text,
    catalogue,
    users_of,
)
from perp_spec.perpetual.reasons import Reason
from perp_spec.words import Field, Unit

SOURCES = {
    module.__name__.rpartition(".")[2]: Path(str(module.__file__)).read_text(encoding="utf-8").splitlines()
    for module in MODULES
}
ROUNDINGS = {
    "mul_div_floor": "down",
    "mul_div_ceil": "up",
    "mul_div_truncate": "toward zero",
    "mul_div_remainder": "the remainder of rounding down",
}
GROUPS = (
    ("The batch", ("batch",)),
    ("Money", ("money",)),
    ("Accounts", ("accounts",)),
    ("Trading", ("trading",)),
    ("The waterfall", ("waterfall",)),
    ("Ticks", ("ticks",)),
    ("Forced actions and escape", ("forced",)),
)
"""Headings of the index, and the modules whose rules stand under them."""


def source_of(definition: Definition) -> str:
    """The text of a definition, without decorators and docstring."""
    lines = SOURCES[definition.module]
    node = definition.node
    assert node.end_lineno is not None
    if isinstance(node, ast.FunctionDef):
        doc = node.body[0]
        assert doc.end_lineno is not None
        kept = lines[node.lineno - 1 : doc.lineno - 1] + lines[doc.end_lineno : node.end_lineno]
    else:
        kept = lines[node.lineno - 1 : node.end_lineno]
    return "\n".join(kept).strip("\n")


def roundings(definition: Definition) -> list[str]:
    """Every quotient of a definition, and which way it is rounded."""
    found = [
        f"{code(formula(node))} rounds {ROUNDINGS[callee(node)]}."
        if callee(node) != "mul_div_remainder"
        else f"{code(formula(node))} is what rounding down leaves, zero or more."
        for node in ast.walk(definition.node)
        if isinstance(node, ast.Call) and callee(node) in ROUNDINGS
    ]
    return list(dict.fromkeys(found))


def uses(definition: Definition, here: str) -> str:
    """Links to what a definition uses and another page shows."""
    names = sorted(called_by(definition, LIBRARY), key=list(LIBRARY).index)
    elsewhere = [link(name) for name in names if name != "PERPETUAL" and place_of(name) != here]
    return f"Uses {', '.join(elsewhere)}." if elsewhere else ""


def paragraphs(definition: Definition) -> list[str]:
    """The docstring of a definition, and what is to be said beyond it."""
    own = [" ".join(part.split()) for part in definition.sentence.split("\n\n") if part.strip()]
    return [*own, *PROSE.get(definition.name, ())]


More = Callable[[str], Sequence[str]]
"""What else is to be said of a definition, by its name."""


def nothing_more(_: str) -> Sequence[str]:
    """Nothing."""
    return ()


def definition_section(name: str, here: str, more: More = nothing_more) -> list[str]:
    """A definition under its own heading."""
    definition = LIBRARY[name]
    rounding = roundings(definition)
    return [
        f"### {name}",
        *paragraphs(definition),
        block(source_of(definition)),
        bullets(rounding),
        *more(name),
        uses(definition, here),
    ]


def field_range(described: Field) -> str:
    """The values a field may have."""
    if described.unit is Unit.FLAG:
        return "yes or no"
    if described.unit is Unit.DIGEST:
        return "a digest"
    return f"{number(described.low)} to {number(described.high)}"


def field_rows(kind: type[object], up: str) -> Iterable[tuple[str, str, str, str]]:
    """A row for each field of a record or an operation."""
    for attribute in attrs.fields(kind):
        metadata = attribute.metadata
        if "field" in metadata:
            described: Field = metadata["field"]
            unit = described.unit + (f", {described.count} of them" if described.count > 1 else "")
            yield code(attribute.name), unit, field_range(described), described.text
        else:
            inner = metadata.get("nested") or metadata["rows"]
            name = f"[{inner.__name__}]({up}state.md#{inner.__name__.lower()})"
            count = f", {metadata['count']} of them" if "rows" in metadata else ""
            yield code(attribute.name), name + count, "", metadata["text"]


def where(entry: Entry) -> str:
    """What must hold, and under which circumstances it counts."""
    parts = [f"Where {code(text)}:" for text in entry.conditions]
    parts += ["For each family (`place` 0 to 3):"] if entry.each else []
    return " ".join([*parts, entry.sentence])


def reason_link(reason: Reason) -> str:
    """A link to a reason."""
    return f"[{reason.name}](../reasons.md#{reason.name.lower()})"


def guard_rows(entries: Iterable[Entry], rule: str) -> Iterable[tuple[str, ...]]:
    """A row for each guard."""
    for entry in entries:
        home = "" if entry.guard.function == rule else link(entry.guard.function)
        yield entry.number, reason_link(entry.reason), where(entry), code(entry.guard.condition), home


GUARD_HEADS = ("", "reason", "must hold", "formula", "in")


def guards_section(rule: CataloguedRule) -> list[str]:
    """The guards in order, then those of the attempts."""
    return [
        "## Guards, in order",
        "The operation is rejected with the reason of the first that does not hold.",
        table(GUARD_HEADS, guard_rows(rule.guards, rule.name)),
        each_note(rule.guards),
        *(part for attempt in rule.attempts for part in attempt_section(attempt, rule.name)),
    ]


def each_note(entries: Iterable[Entry]) -> str:
    """In which order guards are met that a loop repeats."""
    numbers = [entry.number for entry in entries if entry.each]
    if not numbers:
        return ""
    span = f"{numbers[0]} to {numbers[-1]}"
    return f"Guards {span} are met together: all of them for `place` 0, then all of them for `place` 1, and so on."


def attempt_section(attempt: Attempt, rule: str) -> list[str]:
    """The guards whose first false one is a result."""
    return [
        f"### Judged: {attempt.function}",
        (
            f"These reject nothing. The result of the attempt of {link(attempt.function)} is 0 where all of them "
            "hold, else the code of the first that does not."
        ),
        table(GUARD_HEADS, guard_rows(attempt.entries, rule)),
    ]


def footprint_rows(rule: CataloguedRule) -> Iterable[tuple[str, str, str]]:
    """A row for each entry of the footprint."""
    for name, access in rule.footprint:
        yield code(name), access_text(access), "and stored" if access.stores else "read only"


def effect_rows(effects: Iterable[Effect], rule: str) -> Iterable[tuple[str, str, str]]:
    """A row for each field that changes, or for each record that another function makes."""
    for effect in effects:
        place = f"{code(effect.parameter)}: {access_text(effect.access)}"
        stored = effect.stored
        for change in stored.changes:
            yield place, code(change.field), code(change.value)
            place = ""
        if stored.whole:
            yield place, "all others", "0" if stored.changes else "0: the record is absent from now on"
        elif not stored.changes:
            known = stored.source in LIBRARY and stored.source != rule
            yield place, "all", code(stored.value) + (f", from {link(stored.source)}" if known else "")


def effects_section(rule: CataloguedRule) -> list[str]:
    """What changes, in words and field by field."""
    return [
        "## Effects",
        bullets(rule.words),
        (
            "Field by field, in the order in which the rule returns them. Fields that are not named keep their "
            "value, and so do all other records."
        ),
        table(("record", "field", "becomes"), effect_rows(rule.effects, rule.name)),
    ]


def rule_page(
    rule: CataloguedRule, numbers: Sequence[str] = (), proofs: Sequence[str] = (), more: More = nothing_more
) -> str:
    """The page of one rule; `numbers` stands before the rule's own text, `proofs` at the end."""
    definition = LIBRARY[rule.name]
    own = own_names(rule.name)
    says = "What the header says" if rule.name == HEADER_RULE else "What the operation says"
    return page(
        f"# {rule.name}",
        rule.title,
        rule.text,
        *PROSE.get(rule.name, ()),
        "[All rules](index.md) · [How to read a rule](../language.md) · [Records and units](../state.md)",
        f"## {says}",
        table(("field", "unit", "range", ""), field_rows(rule.operation, "../")),
        "## What it loads",
        table(("name", "record", ""), footprint_rows(rule)),
        *guards_section(rule),
        *effects_section(rule),
        *numbers,
        "## The rule",
        block(source_of(definition)),
        bullets(roundings(definition)),
        *more(rule.name),
        uses(definition, rule.name),
        "## Parts of this rule alone" if own else "",
        *(part for name in own for part in definition_section(name, rule.name, more)),
        *proofs,
    )


def shared_page(shared: SharedPage, proofs: Sequence[str] = (), more: More = nothing_more) -> str:
    """A page of what several rules use; `proofs` stands at its end."""
    users = sorted({user for name in shared.names for user in users_of(name)})
    return page(
        f"# {shared.title}",
        shared.text,
        "[All rules](index.md) · [How to read a rule](../language.md) · [Records and units](../state.md)",
        "Used by " + ", ".join(f"[{user}]({user}.md)" for user in users) + ".",
        *(part for name in shared.names for part in definition_section(name, shared.slug, more)),
        *proofs,
    )


def index_page() -> str:
    """The index: how operations are applied, and a table of all rules."""
    rules = catalogue()
    parts: list[str] = []
    for title, modules in GROUPS:
        rows = [(f"[{rule.name}]({rule.name}.md)", rule.title) for rule in rules if rule.module in modules]
        parts += [f"## {title}", table(("rule", ""), rows)]
    return page(
        "# The rules",
        "Every operation of the exchange has one rule. These pages are made from the rules themselves; together "
        "with [how to read them](../language.md), [the records](../state.md), [the reasons](../reasons.md) and "
        "[the hash suite](../hash-suite.md) they are enough to implement the exchange in another language. How a state "
        "is hashed and how a batch is written is not a matter of rules: see [the encoding](../encoding.md).",
        *parts,
        "## Shared parts",
        table(
            ("page", ""), [(f"[{shared.title}]({shared.slug}.md)", ", ".join(shared.names)) for shared in SHARED_PAGES]
        ),
        *APPLYING,
    )
