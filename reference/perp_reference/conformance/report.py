"""Reports of a run: JSON lines with header and footer, and JUnit XML. A report without its footer is invalid."""

import json
import shlex
from collections.abc import Iterator, Sequence
from typing import Any
from xml.etree import ElementTree as ET

from attrs import frozen

from perp_reference.conformance.conform import Run, Tried
from perp_reference.conformance.judge import EXPECTED, PASS, SKIPPED, UNSUPPORTED, VERDICTS
from perp_reference.conformance.release import Vectors
from perp_reference.conformance.rule_sets import rule_book
from perp_reference.conformance.tester import Testee

FORMAT = "perpspec-conformance-report-1"

SAID_SHOWN = 500
"""Characters of what a testee says that are shown with a case."""

NOT_IN_XML = (*range(9), 11, 12, *range(14, 32), *range(0xD800, 0xE000), 0xFFFE, 0xFFFF)
XML_SAFE = str.maketrans(dict.fromkeys(NOT_IN_XML, "\ufffd"))


@frozen
class Asked:
    """How a run was asked for, so that a part of it can be asked for again."""

    command: Sequence[str]
    """What starts the testee."""
    options: Sequence[str] = ()
    """Those that decide what comes out."""
    program: str = "perp"

    def again(self, *chosen: str) -> str:
        """The line for a shell that does a part of it again."""
        return shlex.join([self.program, *chosen, *self.options, "--", *self.command])


def differences(item: Tried) -> list[dict[str, Any]]:
    """What differs in the first divergence, in raw values and in words."""
    book = rule_book(item.rules)
    found: list[dict[str, Any]] = []
    for difference in item.judgement.differences:
        expected, got = difference.expected, difference.got
        found.append(
            {
                "path": difference.path,
                "expected": expected,
                "got": got,
                "expected_in_words": in_words(book.in_words, difference.path, expected, item),
                "got_in_words": in_words(book.in_words, difference.path, got, item),
            }
        )
    return found


def in_words(words: Any, path: str, value: Any, item: Tried) -> str:
    """A value in words; empty for one that is none of the exchange's, as a testee may say anything."""
    try:
        return words(path, value, item.config)
    except (ValueError, ArithmeticError):
        return ""


def reproduction(item: Tried, asked: Asked) -> str:
    """The line that runs the case again."""
    return asked.again("conform", "--only", item.case.id)


def case_document(item: Tried, asked: Asked) -> dict[str, Any]:
    """A case in a report."""
    judgement = item.judgement
    document: dict[str, Any] = {"case": item.case.id, "verdict": judgement.verdict, "rule": item.rule}
    if judgement.verdict in (PASS, UNSUPPORTED, SKIPPED):
        return document | ({"message": judgement.message} if judgement.message else {})
    return document | {
        "step": judgement.step,
        "covers": list(item.case.covers),
        "message": judgement.message,
        "native": judgement.native,
        "differences": differences(item),
        "log": judgement.log,
        "reproduce": reproduction(item, asked),
    }


def testee_document(testee: Testee) -> dict[str, Any]:
    """What a testee says of itself."""
    return {
        "name": testee.name,
        "version": testee.version,
        "language": testee.language,
        "source": testee.source,
        "rules": list(testee.rules),
        "operations": sorted(testee.operations),
        "features": sorted(testee.features),
        "observes": sorted(testee.observes),
    }


def header(vectors: Vectors, testee: Testee, run: Run, asked: Asked) -> dict[str, Any]:
    """The first line."""
    return {
        "format": FORMAT,
        "spec": {"version": vectors.spec_version, "digest": vectors.spec_digest},
        "vectors": vectors.digest,
        "implementation": testee_document(testee),
        "level": run.level,
        "command": list(asked.command),
    }


def footer(run: Run) -> dict[str, Any]:
    """The last line."""
    counts = run.counts
    return {
        "verdict": run.verdict,
        "counts": {verdict: counts[verdict] for verdict in VERDICTS if counts[verdict]},
        "failures_by_rule": {
            rule: sum(
                count for verdict, count in found.items() if verdict not in (PASS, EXPECTED, UNSUPPORTED, SKIPPED)
            )
            for rule, found in sorted(run.by_rule.items())
        },
        "stale": [known.line for known in run.stale],
        "ended": run.ended,
        "log": run.log,
        "restarts": run.restarts,
        "steps": run.steps,
        "seconds": round(run.seconds, 3),
    }


def lines(vectors: Vectors, testee: Testee, run: Run, asked: Asked) -> Iterator[str]:
    """The lines of a report."""
    yield json.dumps({"header": header(vectors, testee, run, asked)})
    for canary in run.canaries:
        shown = {"kind": canary.kind, "rules": canary.rules, "case": canary.case, "lives": canary.lives}
        yield json.dumps({"canary": shown | {"message": canary.message}})
    for item in run.tried:
        yield json.dumps(case_document(item, asked))
    yield json.dumps({"footer": footer(run)})


def junit(testee: Testee, run: Run, asked: Asked) -> bytes:
    """A run as JUnit XML: a suite for each fixture, a test for each case, and one suite for the canaries."""
    root = ET.Element("testsuites", name=clean(f"{testee.name} {testee.version}"), time=f"{run.seconds:.3f}")
    suites: dict[str, list[Tried]] = {}
    for item in run.tried:
        suites.setdefault(item.fixture, []).append(item)
    own = ET.SubElement(root, "testsuite", name="canaries", tests=str(len(run.canaries)))
    own.set("failures", str(sum(not canary.lives for canary in run.canaries)))
    for canary in run.canaries:
        case = ET.SubElement(own, "testcase", classname=f"canaries.{canary.rules}", name=f"{canary.kind} {canary.case}")
        if not canary.lives:
            ET.SubElement(case, "failure", message=clean(canary.message), type="disqualified")
    for name, items in suites.items():
        suite(root, name, items, asked)
    ET.indent(root)
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root) + b"\n"


def junit_of_no_start(why: str, log: str, asked: Asked) -> bytes:
    """JUnit XML of a testee that does not get past hello: one test, which is in error."""
    root = ET.Element("testsuites", name=clean(shlex.join(asked.command)))
    own = ET.SubElement(root, "testsuite", name="hello", tests="1", failures="0", errors="1", skipped="0")
    case = ET.SubElement(own, "testcase", classname="hello", name="hello")
    ET.SubElement(case, "error", message=clean(why), type="start").text = clean(log)
    ET.indent(root)
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root) + b"\n"


def suite(root: ET.Element, name: str, items: list[Tried], asked: Asked) -> None:
    """Add the suite of a fixture."""
    verdicts = [item.judgement.verdict for item in items]
    own = ET.SubElement(root, "testsuite", name=name, tests=str(len(items)))
    own.set("failures", str(sum(verdict.startswith("fail.") for verdict in verdicts)))
    own.set("errors", str(sum(verdict.startswith("error.") for verdict in verdicts)))
    own.set("skipped", str(sum(verdict in (UNSUPPORTED, SKIPPED, EXPECTED) for verdict in verdicts)))
    for item in items:
        judgement = item.judgement
        case = ET.SubElement(own, "testcase", classname=name.replace("/", "."), name=item.case.id)
        if judgement.verdict in (UNSUPPORTED, SKIPPED, EXPECTED):
            ET.SubElement(case, "skipped", message=clean(f"{judgement.verdict}: {judgement.message}"))
        elif judgement.verdict != PASS:
            kind = "error" if judgement.verdict.startswith("error.") else "failure"
            found = ET.SubElement(case, kind, message=clean(judgement.message), type=judgement.verdict)
            found.text = clean("\n".join(text_of(item, asked)))


def text_of(item: Tried, asked: Asked) -> Iterator[str]:
    """A failed case in lines."""
    judgement = item.judgement
    step = "" if judgement.step is None else f", step {judgement.step} ({item.rule})"
    yield f"{item.case.id}{step}: {judgement.verdict}: {judgement.message}"
    for found in differences(item):
        words = [f" ({found[name]})" if found[name] else "" for name in ("expected_in_words", "got_in_words")]
        expected, got = ("nothing" if found[name] is None else found[name] for name in ("expected", "got"))
        yield f"  {found['path']}: expected {expected}{words[0]}, got {got}{words[1]}"
    if judgement.native:
        yield f"  it says: {judgement.native[:SAID_SHOWN]}"
    for line in judgement.log[-SAID_SHOWN:].splitlines():
        yield f"  log: {line}"
    yield f"  {reproduction(item, asked)}"


def clean(text: str) -> str:
    """A text fit for XML."""
    return text.translate(XML_SAFE)
