"""The page docs/replay.md states what the code does."""

from pathlib import Path

from perp_reference.replay import makers, population, simulation, waterfall


def test_the_parameters_of_the_page_are_those_of_the_code(root: Path) -> None:
    page = (root / "docs" / "replay.md").read_text(encoding="utf-8")
    start = page.index("| parameter | value |")
    rows = [line.strip("| ").split(" | ") for line in page[start : page.index("\n\n", start)].splitlines()[2:]]
    assert {name: int(value) for name, value in rows} == {
        "seconds a batch": simulation.BATCH_SECONDS,
        "insurance fund at the start, ppm of the traders' deposits": simulation.FUND_PPM,
        "open interest cap of a market, times the default fund": simulation.CAP_MULTIPLE,
        "money of all market makers, percent of the traders' deposits": population.MAKERS_PERCENT_OF_DEPOSITS,
        "exposure a maker accepts, times its equity": makers.LEVERAGE,
        "half spread at which a maker withdraws, ppm": makers.WITHDRAWN_PPM,
        "liquidation fee where the account can bear it, ppm": waterfall.FEE_PPM,
        "part of a position the fund sells in a batch, one in": waterfall.UNWIND_PARTS,
        "withdrawal bucket, percent of all deposits": simulation.BUCKET_PERCENT,
    }
    assert simulation.OPENING_BATCHES * simulation.BATCH_SECONDS == 5 * 60
