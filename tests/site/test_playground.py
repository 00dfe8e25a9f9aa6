"""The playground in a real browser: the rules and the verifier run in the page, and nothing leaves it."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.chromium import DESKTOP, PHONE, Browser, Page

pytestmark = pytest.mark.browser

PATIENCE_SECONDS = 300.0
"""For Python to start and for a proof to be verified, on a machine that is busy with something else."""

TRADE, REJECTED, LIQUIDATION, MALFORMED = range(4)


class Playground:
    """The page as its reader uses it."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def click(self, selector: str) -> None:
        """Press something that can be pressed."""
        self.page.evaluate(f"document.querySelector({selector!r}).click()")

    def write(self, place: str, text: str) -> None:
        """Fill a field."""
        self.page.evaluate(f"document.querySelector('#play-{place}').value = {text!r}")

    def read(self, place: str) -> str:
        """What a field holds."""
        return self.page.evaluate(f"document.querySelector('#play-{place}').value")

    def shown(self, place: str) -> str:
        """What a reader sees in a place."""
        return self.page.evaluate(f"document.querySelector('#play-{place}').innerText")

    def rest(self) -> None:
        """Wait until nothing goes on."""
        self.page.wait_for("!document.querySelector('#play-run').disabled", PATIENCE_SECONDS)

    def run(self, preset: int | None = None) -> str:
        """Run what is in the fields, or a preset; what is shown then."""
        if preset is not None:
            self.click(f"#play-presets button:nth-child({preset + 1})")
        self.click("#play-run")
        self.rest()
        return self.shown("result")

    def rows(self, place: str, table: int) -> list[list[str]]:
        """The cells of a table."""
        cells = "[...row.cells].map(cell => cell.innerText)"
        rows = f"[...document.querySelectorAll('#play-{place} table')[{table}].rows].map(row => {cells})"
        return self.page.evaluate(rows)


@pytest.fixture(scope="module", params=[(PHONE, False), (DESKTOP, True)], ids=["phone-light", "desktop-dark"])
def ready(request: pytest.FixtureRequest, address: str, browser: Browser) -> Iterator[Page]:
    """The page with Python started."""
    (width, height), dark = request.param
    with Page(browser, width, height, dark=dark) as page:
        page.open(f"{address}playground/index.html")
        page.wait_for("document.querySelector('#play-status').dataset.state === 'ready'", PATIENCE_SECONDS)
        yield page


@pytest.fixture
def play(ready: Page, address: str) -> Iterator[Playground]:
    """The page for one test; afterwards it fits its screen, has shown no error and has asked nobody."""
    playground = Playground(ready)
    playground.page.evaluate("document.querySelector('#play-reset').click()")
    yield playground
    ready.hear()
    assert ready.errors == []
    assert ready.outside(address) == []
    assert ready.evaluate("document.documentElement.scrollWidth") <= ready.width


def test_a_trade_runs(play: Playground) -> None:
    assert play.run(TRADE).startswith("accepted: 1 of 1\n")
    accounts = {row[0]: row[1:] for row in play.rows("result", 1)}
    assert accounts["account 4"] == ["healthy", "20,040.00 → 20,034.9875", "246.615 → 369.9225", "0.5 BTC → 0.75 BTC"]
    assert ["position 4/0", "size", "5000", "7500", "lots"] in play.rows("result", 2)
    assert ["open_interest", "35,000", "37,500"] in [row[1:4] for row in play.rows("result", 2)]


def test_a_rejected_trade_shows_its_reason_and_the_numbers(play: Playground) -> None:
    shown = play.run(REJECTED)
    assert shown.startswith("rejected: 0 of 1\n")
    assert "Rejected with INITIAL_MARGIN: Equity would be below the initial margin." in shown
    _, (guard, verdict, numbers), *_ = play.rows("result", 0)
    assert (guard, verdict) == ("INITIAL_MARGIN", "FALSE")
    assert numbers.splitlines()[0] == "3,119,900,000 >= 3,256,120,000"


def test_a_liquidation_runs_after_its_tick(play: Playground) -> None:
    assert play.run(LIQUIDATION).startswith("accepted: 2 of 2\n")
    accounts = {row[0]: row[1:] for row in play.rows("result", 2)}
    assert accounts["account 2"][0] == "healthy → liquidatable"
    play.write("operations", play.read("operations").splitlines()[1])
    assert "Rejected with NOT_LIQUIDATABLE" in play.run()


def test_malformed_input_gives_the_documented_error(play: Playground) -> None:
    shown = play.run(MALFORMED)
    assert re.fullmatch(r"malformed\s+operations:1: field lots: expected .*, got the number 2500", shown)
    play.write("state", "{")
    assert re.fullmatch(r"malformed\s+state:1: expected one JSON object, got .*", play.run(TRADE))


def test_what_a_reader_edits_is_what_runs(play: Playground) -> None:
    play.click("#play-presets button:nth-child(1)")
    edited = play.read("operations").replace('"lots":"2500","price"', '"lots":"2501","price"', 1)
    play.write("operations", edited)
    assert "Rejected with ORDER_FILLED" in play.run()


def test_one_can_go_on_from_the_new_state(play: Playground) -> None:
    play.run(TRADE)
    play.click("#play-on")
    assert "Rejected with ORDER_FILLED" in play.run()
    play.click("#play-reset")
    assert play.run().startswith("accepted: 1 of 1\n")


def test_the_shipped_proof_is_verified_and_the_page_lives_on(play: Playground) -> None:
    play.click("#play-verify")
    # The answer to this comes while the worker verifies: the page is not held up.
    assert play.page.evaluate("document.querySelector('#play-proof progress') !== null") is True
    play.rest()
    shown = play.shown("proof")
    assert shown.startswith("verified\n")
    (bits,) = re.findall(r"The proof as it was shipped\. (\d+\.\d) proven bits\.", shown)
    assert float(bits) >= 100
    _, *statement = play.rows("proof", 0)
    assert {name: said for name, _, said in statement} == dict.fromkeys(
        [
            "suite",
            "program digest",
            "config digest",
            "previous root",
            "new root",
            "operations digest",
            "count",
            "number",
            "time",
        ],
        "the same here",
    )
    play.run(TRADE)
    new_root = next(row[1] for row in statement if row[0] == "new root")
    assert ["new root", new_root] in play.rows("result", 3)


@pytest.mark.parametrize("byte", ["0", "40", "", None], ids=["magic", "statement", "end", "middle"])
def test_a_proof_with_one_byte_changed_is_refused(play: Playground, byte: str | None) -> None:
    size = int(re.sub(r"\D", "", play.shown("size").partition(";")[0]))
    if byte is not None:
        play.write("byte", byte or str(size - 1))
    play.click("#play-tamper")
    play.rest()
    shown = play.shown("proof")
    assert shown.startswith("refused\n")
    assert re.search(r"Byte \d+ was [0-9a-f]{2} and is [0-9a-f]{2}\. Refused: .+", shown)


def test_a_byte_that_is_not_there_is_said_to_be_so(play: Playground) -> None:
    play.write("byte", "-1")
    play.click("#play-tamper")
    assert re.fullmatch(r"malformed\s+Byte to change: expected 0 to \d+\.", play.shown("proof"))


def test_opened_as_a_file_the_page_says_what_it_needs(site: Path, browser: Browser) -> None:
    with Page(browser, *DESKTOP, dark=False) as page:
        page.open((site / "playground" / "index.html").as_uri())
        shown = page.evaluate("document.querySelector('#play-status').innerText")
    assert "a web server that gives it its files: ./perp docs serve" in shown
