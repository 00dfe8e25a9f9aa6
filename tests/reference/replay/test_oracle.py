"""The made-up oracle families report as the rules ask of them."""

import pytest

from perp_reference.formats.candles import Candle
from perp_reference.replay.candles import path
from perp_reference.replay.dice import Dice
from perp_reference.replay.oracle import LIE_PPM, NOISE_PPM, Fault, Oracle, Trouble
from perp_spec.perpetual.defaults import RISKS, default_market, default_parameters
from perp_spec.perpetual.operations import Report
from perp_spec.perpetual.rules.ticks import reported_median
from perp_spec.words import PPM

PRICE = 4_000_000
MARKET = default_market(0, RISKS[0])


def reports(minute: int, *troubles: Trouble, price: int = PRICE) -> tuple[Report, ...]:
    oracle = Oracle(default_parameters(), Dice(7), troubles)
    return oracle.tick(0, MARKET, price, minute).reports


@pytest.mark.parametrize("price", [1, 2, 1_000, PRICE, MARKET.max_price])
def test_reports_are_well_formed_and_near_the_price(price: int) -> None:
    first, second, *others = reports(0, price=price)
    assert others == [Report(), Report()]
    for report in (first, second):
        reported_median(report, 5, 3, MARKET.max_price)
        assert report.count == 5
        assert all(abs(value - price) * PPM <= NOISE_PPM * price + PPM for value in report.values[:5])


def test_a_silent_family_reports_nothing_in_its_time() -> None:
    trouble = Trouble(3, 5, Fault.SILENT)
    assert [reports(minute, trouble)[1] == Report() for minute in (2, 3, 4, 5)] == [False, True, True, False]


def test_a_lying_family_agrees_on_a_false_price() -> None:
    first, second, *_ = reports(3, Trouble(3, 5, Fault.LYING))
    lie = PRICE + PRICE * LIE_PPM // PPM
    assert abs(first.median - PRICE) * PPM <= NOISE_PPM * PRICE
    assert abs(second.median - lie) * PPM <= NOISE_PPM * lie


def test_a_frozen_family_repeats_the_price_from_before() -> None:
    oracle = Oracle(default_parameters(), Dice(7), (Trouble(1, 3, Fault.FROZEN),))
    medians = [
        [report.median // 100_000 for report in oracle.tick(0, MARKET, price, minute).reports[:2]]
        for minute, price in enumerate((4_050_000, 3_050_000, 2_050_000, 1_050_000))
    ]
    assert medians == [[40, 40], [30, 40], [20, 40], [10, 10]]


def test_in_an_outage_nobody_reports() -> None:
    assert reports(3, Trouble(3, 5, Fault.OUTAGE)) == (Report(),) * 4


@pytest.mark.parametrize(
    ("candle", "prices"),
    [
        (Candle(0, 10, 15, 8, 12, 0), (8, 15, 12)),
        (Candle(0, 12, 15, 8, 10, 0), (15, 8, 10)),
        (Candle(0, 10, 10, 10, 10, 0), (10, 10, 10)),
    ],
)
def test_a_rising_candle_goes_down_first_and_a_falling_one_up(candle: Candle, prices: tuple[int, int, int]) -> None:
    assert path(candle) == prices
