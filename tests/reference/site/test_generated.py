"""The pages that are made of the rules: what they show, and what they find missing."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from perp_reference.conformance.release import ARCHIVE, Vectors, read_vectors
from perp_reference.site import crash, escape, modes
from perp_reference.site.build import nav_faults, once_faults, splice_faults, with_splices
from perp_reference.site.claims import check_sources
from perp_reference.site.examples import Examples, entry_of, examples_of, first_false, session_of
from perp_reference.site.facts import Facts
from perp_reference.site.generated import reason_faults
from perp_reference.site.reference import reference_pages
from perp_reference.site.rules import rule_faults, rule_pages
from perp_reference.site.trade import worked_trade
from perp_reference.site.vectors import vector_files
from perp_spec.perpetual.catalogue import catalogue
from perp_spec.perpetual.reasons import Reason


@pytest.fixture(scope="module")
def vectors(root: Path) -> Vectors:
    return read_vectors(root / "tests" / "vectors" / "conformance" / ARCHIVE)


@pytest.fixture(scope="module")
def examples(vectors: Vectors) -> Examples:
    return examples_of(vectors)


def facts(vectors: Vectors, about: tuple[str, ...], costs: Mapping[str, Mapping[str, int]]) -> Facts:
    goals = [{"name": f"{name}_holds", "sentence": "It holds.", "about": [name], "verdict": "proved"} for name in about]
    ledger: dict[str, Any] = {"goals": goals}
    times = {goal["name"]: 1.5 for goal in goals}
    return Facts(ledger, times, costs, {}, "", vectors, 0, {}, lambda _: "")


ROW: dict[str, int] = dict.fromkeys(
    ("instructions", "columns", "constraints", "lookups", "permutations", "messages", "cells"), 1234
)


def test_every_rule_and_guard_has_an_example_that_the_machine_computes_as_the_vectors_say(examples: Examples) -> None:
    assert examples.faults == []
    assert set(examples.worked) == {rule.name for rule in catalogue()}
    assert list(reason_faults(examples)) == []


def test_a_guard_without_a_vector_is_found(vectors: Vectors) -> None:
    kept = {
        name: evolve(
            fixture,
            cases=tuple(
                case
                for case in fixture.cases
                if not any(step.op == "withdraw" and step.expected.reason == "BUCKET" for step in case.steps)
            ),
        )
        for name, fixture in vectors.fixtures.items()
        if name.startswith("perpetual/withdraw")
    }
    found = examples_of(evolve(vectors, fixtures=kept))
    said = [str(fault) for fault in found.faults if fault.place.startswith("rule withdraw")]
    assert said == ["rule withdraw, guard 8: expected a vector refused with BUCKET, got none"]
    assert "rule trade: expected a vector in which it is accepted, got none" in map(str, found.faults)
    unshown = [str(fault) for fault in reason_faults(found)]
    assert "reason BUCKET: expected an example of it, got none" in unshown


def test_a_case_that_the_machine_sees_otherwise_is_found(vectors: Vectors) -> None:
    fixture = vectors.fixtures["perpetual/withdraw"]
    first = next(case for case in fixture.cases if case.id == "withdraw/accepted")
    step = evolve(first.steps[0], expected=evolve(first.steps[0].expected, delta={"/ledger/vault": "1"}))
    wrong = evolve(fixture, cases=(evolve(first, steps=(step,)),))
    found = examples_of(evolve(vectors, fixtures={"perpetual/withdraw": wrong}))
    assert str(found.faults[0]) == "vectors, withdraw/accepted: expected None and its delta, got None"


def test_a_guard_is_on_the_line_of_the_page_that_has_its_number(vectors: Vectors) -> None:
    fixture = vectors.fixtures["perpetual/trade"]
    rule = next(rule for rule in catalogue() if rule.name == "trade")
    session = session_of(fixture.config)
    checked = 0
    for case in fixture.cases:
        if not case.id.startswith("trade/guard-") or case.id.count("/") != 1:
            continue
        session.load(case.pre)
        step = case.steps[0]
        guards = session.guards(session.completed(operation_of(step)))
        entry = entry_of(rule.guards, guards, first_false(guards))
        assert entry is not None
        assert case.id.startswith(f"trade/guard-{int(entry.number):02d}-")
        checked += 1
    assert checked == len(rule.guards)


def operation_of(step: Any) -> Any:
    from perp_reference.conformance.values import decode_operation  # noqa: PLC0415

    return decode_operation(step.op, dict(step.args))


def test_a_rule_page_shows_numbers_guards_theorems_program_and_vectors(vectors: Vectors, examples: Examples) -> None:
    text = rule_pages(facts(vectors, ("withdraw",), {"withdraw": ROW}), examples)["rules/withdraw.md"]
    assert text.count("def withdraw(") == 1
    assert "| `ledger.vault` | 100,000 | 95,000 | -5,000 |" in text
    assert "`account.4.collateral`" in text
    assert (
        "| 8 | [BUCKET](../reasons.md#bucket) | `ledger.bucket` 50,000 → 4,999 | 5,000 <= 4,999 ✗ "
        "| [guard-08-bucket](../vectors.html?rule=withdraw&case=withdraw/guard-08-bucket) |"
    ) in text
    assert "| [withdraw_<wbr>holds](../theorems.md#withdraw_holds) | It holds. | proved | 1.50 |" in text
    assert "| `withdraw` | 1,234 |" in text


def test_a_digest_that_a_guard_compared_is_written_as_digests_are(vectors: Vectors, examples: Examples) -> None:
    pages = rule_pages(facts(vectors, ("begin_batch",), {"begin_batch": ROW}), examples)
    text = pages["rules/begin_batch.md"]
    (worked,) = examples.worked["begin_batch"][:1]
    root = worked.arguments["/previous_root"][:8]
    assert f"| `previous_root` | {root}… | digest |" in text
    assert f"| 3 | PREVIOUS_ROOT | {root}… == {root}… |" in text
    assert "| `op.time` 1,000,000 → 0, " in text
    assert "| the operation says |" not in pages["rules/end_batch.md"]


def test_a_rule_without_theorem_or_program_is_found(vectors: Vectors) -> None:
    names = tuple(rule.name for rule in catalogue())
    whole = facts(vectors, names, dict.fromkeys(names, ROW))
    assert list(rule_faults(whole)) == []
    less = evolve(whole, ledger={"goals": whole.ledger["goals"][1:]}, costs={**whole.costs})
    lacking = whole.ledger["goals"][0]["about"][0]
    assert [str(fault) for fault in rule_faults(less)] == [f"rule {lacking}: expected a theorem about it, got none"]
    costless = evolve(whole, costs={name: ROW for name in names if name != "trade"})
    assert [str(fault) for fault in rule_faults(costless)] == [
        "rule trade: expected a table of the recorded program, got none"
    ]


def test_the_story_of_the_crash_holds_and_a_false_word_is_found() -> None:
    story = crash.told()
    others = crash.compared(story)
    assert list(crash.faults(story, others)) == []
    text = crash.crash_page(story, others)
    assert "### Minute 8: 35,900, 10.3 % down" in text
    assert "| 20x long | 10 | 19,800 | 4,800 | 38,481.78 | 38,493.46 |" in text
    assert "| 9 | THROTTLE | [OPEN_INTEREST](reasons.md#open_interest) | yes | yes | 50,000 | 81,033 | 27,700 |" in text
    assert "in minute 107, 00:00:20, a new day begins, and the mode is NORMAL" in text
    assert "| no fund | good | NORMAL | 20 | 0 | 40 | 0 | 1,200 | 0 | 0 |" in text
    calm = [evolve(minute, events=()) for minute in story.minutes]
    wrong = evolve(story, minutes=calm, loss=1)
    assert [fault.expected for fault in crash.faults(wrong, others)] == [
        "a staged liquidation",
        "a liquidation below close-out",
        "a takeover by the fund",
        "a deleverage",
        "no socialised loss",
        "a reduction through the chain below",
    ]
    swapped = {**others, crash.IN_A_MINUTE: story, crash.AT_THE_PRICE: story}
    assert [fault.expected for fault in crash.faults(story, swapped)] == [
        "a gap in which nothing is sold",
        "losses socialised after orders at the health price alone",
    ]


def test_the_story_of_the_escape_holds_and_a_false_word_is_found() -> None:
    story, without_bob = escape.lived(), escape.lived((escape.ALICE, escape.CAROL, escape.DAVE))
    assert list(escape.faults(story, without_bob)) == []
    text = escape.escape_page(story, without_bob)
    assert "| Carol, without a position | 50,000.00 | 50,000.00 | " in text
    assert "**day 7, 01:00:01.** Anyone may [freeze](rules/freeze.md)" in text
    assert "**From day 37, 01:00:02 on.**" in text
    wrong = evolve(story, early="", left=5)
    assert [fault.expected for fault in escape.faults(wrong, without_bob)] == [
        "a freeze refused at the deadline",
        "less than an atom a claim left",
    ]


def test_the_ladder_says_what_ticks_lead_to() -> None:
    assert modes.ladder_after("good", modes.disagree) == "degraded"
    assert modes.ladder_after("good", modes.silence) == "blind"
    assert modes.ladder_after("blind", modes.long_silence) == "exits only"
    assert list(modes.demand_faults()) == []


def test_the_worked_trade_is_the_machine_s() -> None:
    text = worked_trade()
    assert "| Alice, long | 2,000.00 | 0.05 % | 20.00 | 1,980.00 | 800.00 | 480.00 |" in text
    assert "At 38,481.78 or below" in text
    assert "P is below 38,020.00 / 0.988" in text
    assert "then at 38,493.46 or below" in text


def test_every_schema_has_a_page_and_every_case_is_in_the_browser(vectors: Vectors) -> None:
    made = reference_pages()
    assert all(text.count("| member |") for name, text in made.items() if name != "schemas/index.md")
    assert "## hello\n" in made["schemas/protocol-reply.md"]
    assert "### rejected\n" in made["schemas/protocol-reply.md"]
    assert " |  | [" not in made["schemas/index.md"]
    assert '| `request` | `"hello"` | yes |' in made["schemas/protocol-request.md"]
    files = vector_files(vectors)
    assert b'"id":"withdraw/guard-08-bucket"' in files["vectors/withdraw.js"]
    assert sum(data.count(b'"covers":') for data in files.values()) == sum(1 for _ in vectors.cases())


def test_a_definition_shown_twice_or_not_at_all_is_found(vectors: Vectors, examples: Examples) -> None:
    pages = rule_pages(facts(vectors, (), {}), examples)
    assert list(once_faults(pages)) == []
    text = pages.pop("rules/freeze.md")
    assert [str(fault) for fault in once_faults(pages)] == ["rule text freeze: expected once on the site, got 0 times"]
    twice = {**pages, "rules/freeze.md": text, "again.md": text}
    assert [str(fault) for fault in once_faults(twice)] == ["rule text freeze: expected once on the site, got 2 times"]


def test_a_page_that_the_navigation_leaves_out_or_invents_is_found() -> None:
    config = "site_name: x\nnav:\n  - Home: index.md\n  - a.md\n"
    assert list(nav_faults(config, ("index.md", "a.md"))) == []
    assert [str(fault) for fault in nav_faults(config, ("index.md", "b.md"))] == [
        "mkdocs.yml, nav: expected b.md once, got b.md 0 times",
        "mkdocs.yml, nav: expected a page that is there, got a.md",
    ]


def test_places_for_what_is_computed_are_filled_and_checked() -> None:
    here = {"the trade": "numbers"}
    pages = {"index.md": "a\n\n<!-- here: the trade -->\n"}
    assert with_splices(pages["index.md"], here) == "a\n\nnumbers\n"
    assert list(splice_faults(pages, here)) == []
    assert [str(fault) for fault in splice_faults({"a.md": "<!-- here: it -->"}, here)] == [
        "docs/a.md: expected one of the trade, got it",
        "docs: expected a page with the place for the trade, got none",
    ]


def test_a_cell_of_a_comparison_without_a_source_is_found() -> None:
    page = "| | A |\n| --- | --- |\n| x | {} |\n\n## Sources\n\n| | source |\n| --- | --- |\n| S1 | a book |\n"
    assert check_sources("page.md", page.format("yes [S1]")) == []
    assert check_sources("page.md", page.format("unknown")) == []
    for cell in ("yes", "yes [S2]"):
        assert [str(fault) for fault in check_sources("page.md", page.format(cell))] == [
            f"page.md:3: expected a cell with a source that the page gives, or unknown, got {cell}"
        ]


def test_every_reason_has_a_sentence() -> None:
    found = Examples(results={("x", reason): None for reason in Reason})  # pyright: ignore[reportArgumentType]
    assert list(reason_faults(found)) == []
