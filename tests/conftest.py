"""Settings for all tests: tiers, Hypothesis, and the table of the reasons that were reached."""

import json
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from support.reached import reached, table_lines

ROOT = Path(__file__).resolve().parent.parent
TIERS = ("data", "polyglot", "browser", "proofs", "mutation", "stark_long")
OUTCOMES = ("passed", "failed", "error", "skipped", "xfailed", "xpassed")

# What a command prints of how it was called is of the call in the test, not of the one that runs the tests.
os.environ.pop("PERP_CALLED_AS", None)

# Two workers on a busy machine make any time limit on a single example a coin toss.
hypothesis.settings.register_profile("perpspec", deadline=None, print_blob=True, derandomize=True)
hypothesis.settings.register_profile("long", deadline=None, print_blob=True, max_examples=4_000)
hypothesis.settings.load_profile("perpspec")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the option by which `perp test` learns which tiers ran."""
    parser.addoption("--tier-counts", metavar="FILE", help="write each tier's outcomes to FILE, as JSON")


def data_directory() -> Path:
    """Returns where the market data is: PERP_DATA, or a directory next to the checkout."""
    return Path(os.environ.get("PERP_DATA", ROOT.parent / "shared" / "data"))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tells each test its tiers, and deselects the data tier where the data is absent: there is nothing to skip."""
    for item in items:
        tiers = [tier for tier in TIERS if item.get_closest_marker(tier)]
        item.user_properties.extend(("tier", tier.replace("_", "-")) for tier in tiers or ["core"])
    absent = [item for item in items if item.get_closest_marker("data") and not data_directory().is_dir()]
    if absent:
        config.hook.pytest_deselected(items=absent)
        items[:] = [item for item in items if item not in absent]


def counted(terminalreporter: pytest.TerminalReporter) -> Iterator[tuple[str, str]]:
    """Yields tier and outcome of each test that ran."""
    for outcome in OUTCOMES:
        for report in terminalreporter.stats.get(outcome, []):
            if isinstance(report, pytest.TestReport):
                yield from ((str(tier), outcome) for name, tier in report.user_properties if name == "tier")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Sends the reasons that a worker reached to the process that reports."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["reached"] = [[place, reason, count] for (place, reason), count in reached.items()]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Adds up what a worker reached."""
    for place, reason, count in getattr(node, "workeroutput", {}).get("reached", []):
        reached[place, reason] += count


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Shows the reasons that were reached, and writes each tier's outcomes where `perp test` asks for them."""
    if reached:
        terminalreporter.section("reasons reached, by operation, header, configuration, answer or frozen scenario")
        for line in table_lines(reached):
            terminalreporter.line(line)
    file = config.getoption("--tier-counts")
    if not file:
        return
    counts: dict[str, Counter[str]] = {}
    for tier, outcome in counted(terminalreporter):
        counts.setdefault(tier, Counter())[outcome] += 1
    Path(file).write_text(json.dumps(counts), encoding="utf-8")


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT
