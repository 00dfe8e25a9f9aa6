"""A run as one HTML page: per failed case the rule, the first divergence, and how to see it again."""

import json
from collections.abc import Iterator
from html import escape
from typing import Any

from perp_reference.conformance.conform import CONFORMS, Run, Tried
from perp_reference.conformance.judge import EXPECTED, PASS, SKIPPED, UNSUPPORTED
from perp_reference.conformance.release import Vectors
from perp_reference.conformance.report import Asked, differences, reproduction
from perp_reference.conformance.rule_sets import rule_book
from perp_reference.conformance.tester import Testee

STYLE = """
:root { color-scheme: light dark; --line: #8886; --bad: #b3261e; --good: #1b7f4b; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; margin: .5rem 0 1rem; }
th, td { border-bottom: 1px solid var(--line); text-align: left; padding: .2rem .8rem .2rem 0; }
th, td { vertical-align: top; overflow-wrap: anywhere; }
td.n { text-align: right; }
code, pre { font: 13px/1.5 ui-monospace, monospace; }
pre { overflow-x: auto; padding: .5rem; border: 1px solid var(--line); }
.bad { color: var(--bad); }
.good { color: var(--good); }
details { border-top: 1px solid var(--line); padding: .4rem 0; }
summary { cursor: pointer; }
.words { opacity: .7; }
"""

MOST_SHOWN = 200
"""Failed cases that are shown whole; the report in JSON lines has all."""

LONGEST_VALUE = 400


def page(vectors: Vectors, testee: Testee, run: Run, asked: Asked) -> str:
    """The page."""
    title = f"{testee.name} {testee.version}: {run.verdict}"
    parts = [
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>',
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style>',
        f"<h1>{escape(testee.name)} {escape(testee.version)}</h1>",
        *summary(vectors, testee, run),
        *rule_table(run),
        *failed(run, asked),
    ]
    # A testee may say half a character, which is none in UTF-8.
    return "\n".join(parts).encode("utf-8", "replace").decode("utf-8") + "\n"


def summary(vectors: Vectors, testee: Testee, run: Run) -> Iterator[str]:
    """What came out."""
    kind = "good" if run.verdict == CONFORMS else "bad"
    counts = ", ".join(f"{count} {escape(verdict)}" for verdict, count in sorted(run.counts.items()))
    verdict = f'<strong class="{kind}">{escape(run.verdict)}</strong>'
    yield f"<p>{verdict} at level {run.level}: {counts or 'no case was run'}.</p>"
    if run.ended:
        yield f'<p class="bad">The run ended: {escape(run.ended)}</p>'
    if run.log:
        yield f"<pre>{escape(run.log)}</pre>"
    observed = ", ".join(sorted(testee.observes)) or "nothing but outcomes"
    yield f"<p>{escape(testee.language)}; observes {escape(observed)}; {run.steps} steps in {run.seconds:.1f} s.<br>"
    yield f"Rules {escape(vectors.spec_version)} <code>{vectors.spec_digest}</code><br>"
    yield f"Vectors <code>{vectors.digest}</code></p>"
    dead = [canary for canary in run.canaries if not canary.lives]
    yield f"<p>Canaries: {len(run.canaries) - len(dead)} of {len(run.canaries)} live.</p>"
    for canary in dead:
        yield f'<p class="bad">{escape(canary.kind)}, {escape(canary.case)}: {escape(canary.message)}</p>'
    for known in run.stale:
        yield f'<p class="bad">Known failure not as listed: <code>{escape(known.line)}</code></p>'


def rule_table(run: Run) -> Iterator[str]:
    """Verdicts by rule."""
    yield "<h2>By rule</h2><table><tr><th>rule</th><th>pass</th><th>fail</th><th>known</th><th>not tested</th></tr>"
    for rule, found in sorted(run.by_rule.items()):
        untested = found[UNSUPPORTED] + found[SKIPPED]
        bad = sum(found.values()) - found[PASS] - found[EXPECTED] - untested
        kind = ' class="n bad"' if bad else ' class="n"'
        cells = f'<td class="n">{found[PASS]}</td><td{kind}>{bad}</td><td class="n">{found[EXPECTED]}</td>'
        yield f'<tr><td>{escape(rule)}</td>{cells}<td class="n">{untested}</td></tr>'
    yield "</table>"


def failed(run: Run, asked: Asked) -> Iterator[str]:
    """The failed cases."""
    items = run.failures
    if not items:
        return
    yield f"<h2>First divergences</h2><p>{len(items)} cases, the shortest first.</p>"
    shortest = sorted(items, key=lambda item: (len(item.case.steps), item.judgement.step or 0, item.case.id))
    for item in shortest[:MOST_SHOWN]:
        yield from divergence(item, asked)
    if len(items) > MOST_SHOWN:
        yield f"<p>And {len(items) - MOST_SHOWN} more; report.jsonl has all.</p>"


def divergence(item: Tried, asked: Asked) -> Iterator[str]:
    """One failed case."""
    judgement, case = item.judgement, item.case
    book = rule_book(item.rules)
    yield f'<details><summary><code>{escape(case.id)}</code> <span class="bad">{judgement.verdict}</span> '
    yield f"{escape(judgement.message[:LONGEST_VALUE])}</summary>"
    yield f"<p>{escape(case.comment)}<br>Rule: <code>{escape(item.rule)}</code>, docs/{escape(book.page_of(item.rule))}"
    if judgement.step is not None and judgement.step < len(case.steps):
        expected = case.steps[judgement.step].expected
        if expected.reason is not None:
            yield f"<br>{escape(expected.reason)}: {escape(book.sentence(expected.reason))}"
        arguments = json.dumps(case.steps[judgement.step].args, indent=1)
        yield f"</p><p>Step {judgement.step}:</p><pre>{escape(arguments)}</pre>"
    else:
        yield "</p>"
    if judgement.differences:
        yield "<table><tr><th>path</th><th>expected</th><th>got</th></tr>"
        for found in differences(item):
            cells = [cell(found[name], found[f"{name}_in_words"]) for name in ("expected", "got")]
            yield f"<tr><td><code>{escape(found['path'])}</code></td>{''.join(cells)}</tr>"
        yield "</table>"
    if judgement.native:
        yield f"<p>It says: {escape(judgement.native)}</p>"
    if judgement.log:
        yield f"<pre>{escape(judgement.log)}</pre>"
    yield f"<pre>{escape(reproduction(item, asked))}</pre></details>"


def cell(value: Any, words: str) -> str:
    """A value, raw and in words."""
    text = "nothing" if value is None else value if type(value) is str else json.dumps(value)
    said = f'<br><span class="words">{escape(words)}</span>' if words else ""
    return f"<td><code>{escape(text[:LONGEST_VALUE])}</code>{said}</td>"
