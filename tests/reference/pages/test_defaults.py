"""The page of the default configuration shows every value of it."""

import attrs
import pytest

from perp_reference.pages.defaults import DERIVED, bracket_rates, defaults_page, money, own_fields, shared_fields, span
from perp_spec.perpetual.defaults import default_config
from perp_spec.perpetual.records import Market, Parameters

TEXT = defaults_page()


def test_every_field_is_shown_once() -> None:
    config = default_config()
    for field in attrs.fields(Parameters):
        assert TEXT.count(f"| `{field.name}` | ") == 1, field.name
    for name in shared_fields(config):
        assert TEXT.count(f"| `{name}` | ") == (name not in DERIVED), name
    brackets = {f"{kind}_{bracket}_ppm" for kind in ("initial", "maintenance") for bracket in (1, 2, 3)}
    assert {field.name for field in attrs.fields(Market)} == {
        *shared_fields(config),
        *own_fields(config),
        *DERIVED,
    }
    assert brackets <= set(own_fields(config))
    assert all(TEXT.count(f"| {entry.symbol} | {entry.lot} | ") == 1 for entry in config.markets)


def test_values_are_in_the_units_of_people() -> None:
    assert "| `bucket_refill` | 5000000000 | 5,000 |" in TEXT
    assert "| `forced_seconds` | 604800 | 7 days |" in TEXT
    assert "| 0 | BTC | 0.0001 | 2 / 4 / 8 % | 1.2 / 2.4 / 4.8 % |" in TEXT
    assert "6,000,000 of BTC need 140,000" in TEXT
    assert bracket_rates(default_config().markets[1].market, "maintenance") == "1.25 / 2.5 / 5 %"


@pytest.mark.parametrize(("seconds", "shown"), [(86_400, "1 day"), (7_200, "2 hours"), (60, "1 minute"), (59, "59 s")])
def test_a_span_has_the_largest_unit(seconds: int, shown: str) -> None:
    assert span(seconds) == shown


def test_money_is_in_units_of_the_quote_currency() -> None:
    assert money(10**6) == "1"
    assert money(2**60) == "1,152,921,504,607"
