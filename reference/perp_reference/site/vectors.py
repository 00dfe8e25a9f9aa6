"""The browser of the vectors: a page, and a file of data for each rule that its script loads.

The data are scripts, not JSON, so that a page that is opened as a file can load them too. A case's state is written as
its difference from the first state of its fixture: most cases differ in a few words.
"""

import json
from collections import Counter
from typing import Any

from perp_reference.conformance.fixtures import Case, Fixture, encode_case
from perp_reference.conformance.release import Vectors
from perp_reference.conformance.rule_sets import flat, rule_book
from perp_reference.pages.markdown import code, page, table

WALKS = "walks"


def rule_of_fixture(name: str) -> tuple[str, str]:
    """Rule set and rule of a fixture; its number, where a rule has several, left out."""
    rules, _, rest = name.partition("/")
    head, _, tail = rest.rpartition("-")
    return rules, head if tail.isdecimal() else rest


def grouped(vectors: Vectors) -> dict[tuple[str, str], list[tuple[str, Fixture]]]:
    """The fixtures by rule set and rule."""
    found: dict[tuple[str, str], list[tuple[str, Fixture]]] = {}
    for name, fixture in vectors.fixtures.items():
        found.setdefault(rule_of_fixture(name), []).append((name, fixture))
    return found


def slug(rules: str, rule: str) -> str:
    """What a rule is called in an address: that of the perpetual rules is its name."""
    return rule if rules == "perpetual" else f"{rules}-{rule}"


def vector_files(vectors: Vectors) -> dict[str, bytes]:
    """A file of data for each rule."""
    found: dict[str, bytes] = {}
    for (rules, rule), fixtures in grouped(vectors).items():
        name = slug(rules, rule)
        data = {"rules": rules, "fixtures": [fixture_data(vectors, own, fixture) for own, fixture in fixtures]}
        text = json.dumps(data, separators=(",", ":"), ensure_ascii=False)
        found[f"vectors/{name}.js"] = f"perpVectors({json.dumps(name)}, {text});\n".encode()
    return found


def fixture_data(vectors: Vectors, name: str, fixture: Fixture) -> dict[str, Any]:
    """A fixture as the browser has it."""
    book = rule_book(fixture.rules)
    base = flat(book, fixture.cases[0].pre)
    cases = [case_data(base, flat(book, case.pre), case, case.id in vectors.decoys) for case in fixture.cases]
    return {"name": name, "base": base, "cases": cases}


def case_data(base: dict[str, Any], own: dict[str, Any], case: Case, decoy: bool) -> dict[str, Any]:
    """A case as the browser has it."""
    encoded = encode_case(case)
    encoded["pre"] = {path: own.get(path) for path in (*own, *base) if own.get(path) != base.get(path)}
    return {**encoded, **({"decoy": True} if decoy else {})}


def vectors_page(vectors: Vectors) -> str:
    """The page, with a table of what there is; the script puts the browser in its place."""
    rows: list[tuple[str, str, str, str, str]] = []
    for (rules, rule), fixtures in grouped(vectors).items():
        cases = [case for _, fixture in fixtures for case in fixture.cases]
        steps = sum(len(case.steps) for case in cases)
        kinds = ", ".join(kind for kind, _ in Counter(case.source["kind"] for case in cases).most_common())
        link = f'<a href="?rule={slug(rules, rule)}" data-rule="{slug(rules, rule)}">{rule}</a>'
        rows.append((rules, link, f"{len(cases):,}", f"{steps:,}", kinds))
    total = sum(len(fixture.cases) for fixture in vectors.fixtures.values())
    return page(
        "# The vectors",
        f"All {total:,} cases of the release, made from rules {vectors.spec_version} (`{vectors.spec_digest}`). The "
        f"hash of the release is `{vectors.digest}`. [How to run them on your engine](conformance.md).",
        '<div id="vectors" hidden></div>',
        table(("rule set", "rule", "cases", "steps", "from"), rows),
        f"{len(vectors.decoys)} cases are decoys: what they expect is wrong on purpose, so that a harness that echoes "
        f"is found; they are marked. {code('walks')} are random walks of a small exchange with real roots.",
        '<script src="assets/vectors.js"></script>',
    )
