"""The report: complete, the same for the same replay, and without anything from outside."""

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable

import pytest

from perp_reference.replay import svg
from perp_reference.replay.document import document
from perp_reference.replay.oracle import Fault
from perp_reference.replay.page import page
from perp_reference.replay.simulation import Simulation
from perp_reference.replay.svg import Line
from perp_reference.replay.waterfall import SOCIALISE, STAGES


@pytest.fixture(scope="module")
def found(simulate: Callable[..., Simulation]) -> dict[str, object]:
    """What a short replay found."""
    return document(simulate(minutes=20))


def test_the_document_is_the_same_for_the_same_replay(
    found: dict[str, object], simulate: Callable[..., Simulation]
) -> None:
    text = json.dumps(found)
    assert json.dumps(document(simulate(minutes=20))) == text
    assert page(json.loads(text)) == page(found)


def test_the_page_loads_nothing_and_runs_nothing(found: dict[str, object]) -> None:
    shown = page(found)
    assert re.findall(r"https?:|//|<script|<link|<img|@import|url\(| src=| href=", shown) == []
    assert shown.startswith("<!doctype html>")
    assert "prefers-color-scheme: dark" in shown


def test_the_page_shows_what_a_risk_manager_asks_for(found: dict[str, object]) -> None:
    shown = page(found)
    for title in (
        "Vault, and equity of all users",
        "Equity of the insurance fund",
        "Mode of the exchange and of each market",
        "Oracle level of each market at the end of a minute",
        "Steps in each hour",
        "Open interest at the health price",
        "Funding rate, paid by longs to shorts each hour",
        "Withdrawals waiting",
        "Operations refused, by rule and reason",
        "LINK, health price, index and time-weighted price",
        "Worst minutes",
        "maintenance_1_ppm",
        *STAGES,
    ):
        assert title in shown
    assert shown.count("<svg") == shown.count("time, UTC") == 13


def test_every_plot_is_well_formed(found: dict[str, object]) -> None:
    plots = re.findall(r"<svg.*?</svg>", page(found), re.DOTALL)
    for plot in plots:
        ET.fromstring(plot)
        numbers = [float(number) for number in re.findall(r' (?:x|y)="(-?[\d.]+)"', plot)]
        assert all(0 <= number <= svg.WIDTH for number in numbers)


def test_thinning_keeps_the_extremes() -> None:
    times = list(range(10_000))
    values = [0.0] * 10_000
    values[1_234], values[8_765] = -5.0, 7.0
    points = svg.thinned(times, values, 100)
    assert len(points) <= 400
    assert {(1_234, -5.0), (8_765, 7.0), (0, 0.0), (9_999, 0.0)} <= set(points)


def test_a_constant_line_and_a_single_minute_can_be_drawn() -> None:
    assert "polyline" in svg.lines("t", "u", [60], [Line("a", [3])])
    assert "polyline" in svg.lines("t", "u", [60, 120], [Line("a", [0, 0])], zero=True)
    assert "<rect" in svg.bars("t", "u", [0], 3_600, [Line("a", [0]), Line("b", [2])])


@pytest.mark.parametrize(
    ("value", "shown"), [(0, "0"), (1_500, "1.5 k"), (2_000_000, "2 M"), (0.25, "0.25"), (-3_000_000_000, "-3 G")]
)
def test_numbers_on_axes_are_short(value: float, shown: str) -> None:
    assert svg.short(value) == shown


def test_runs_of_equal_values() -> None:
    assert svg.runs([1, 1, 2, 1]) == [(0, 2, 1), (2, 3, 2), (3, 4, 1)]


def test_a_stage_has_one_colour_in_every_plot(found: dict[str, object]) -> None:
    shown = page(found)
    for title in ("Steps in each hour", "Notional closed in each hour"):
        plot = shown[shown.index(f'aria-label="{title}"') :].partition("</svg>")[0]
        legend = re.findall(r'class="fill c(\d+)"/><text[^>]*>([^<]+)</text>', plot)
        drawn = [stage for stage in STAGES if stage != SOCIALISE or title.startswith("Steps")]
        assert legend == [(str(STAGES.index(stage)), stage) for stage in drawn]


def test_the_page_can_be_read_on_a_phone(found: dict[str, object]) -> None:
    shown = page(found)
    assert 'content="width=device-width, initial-scale=1"' in shown
    assert "min-width: 640px" in shown
    # What is wider than the screen is moved by itself, not the page.
    assert shown.count('<div class="wide"><svg') == shown.count("<svg")
    assert shown.count('<div class="wide"><table') == shown.count("<table>") - 1


def test_troubles_waits_and_quiet_times_are_explained(simulate: Callable[..., Simulation]) -> None:
    """Given a quiet replay with a silent family, when its page is read, then nothing in it needs a guess."""
    found = document(simulate(minutes=3))
    assert found["worst_minutes"] == []
    found["replay"]["troubles"] = [{"first": 1, "last": 2, "fault": fault} for fault in Fault]
    assert "BUCKET" not in page(found)
    found["withdrawals"] |= {"delayed": {"BUCKET": 4}}
    found["parameters"] |= {"bucket_size": 7_200 * 5_000_000, "bucket_refill": 5_000_000}
    shown = page(found)
    assert "The waterfall had nothing to do in any minute." in shown
    assert "<td>The last oracle family reported nothing</td><td>minute 1 to minute 2</td>" in shown
    assert "<td>No oracle family reported anything</td><td>minute 1 to minute 2</td>" in shown
    assert (
        "BUCKET: all users together can withdraw 36,000 at once. The bucket refills by 5 a second, an empty one in 2 "
        "hours." in shown
    )


def test_in_short_says_what_was_replayed_and_what_it_came_to(simulate: Callable[..., Simulation]) -> None:
    found = document(simulate(minutes=5), "1.2.3")
    replay = found["replay"]
    replay["files"] = [{"symbol": "BTC", "file": "a<b>.csv", "sha256": "ab" * 32}]
    replay["missing_minutes"] = {"BTC": 3}
    found["withdrawals"] |= {"delayed": {"BUCKET": 4, "VAULT": 1}, "still_waiting": 2}
    short = page(found).partition("<h2>In short</h2>")[2].partition("</section>")[0]
    rows = dict(re.findall(r"<tr><td>(.*?)</td><td[^>]*>(?:<code>)?(.*?)(?:</code>)?</td></tr>", short))
    assert rows["Withdrawals that had to wait"] == "5"
    assert rows["Withdrawals still waiting at the end"] == "2"
    assert rows["Insurance fund at the start, ppm of the traders&#x27; deposits"] == "10,000"
    assert rows["Minutes without a candle, BTC"] == "3"
    assert rows["Configuration"] == "the default exchange, its limits in proportion to the deposits"
    assert rows["BTC from a&lt;b&gt;.csv, SHA-256"] == "ab" * 32
    assert rows["perpspec"] == "1.2.3"
