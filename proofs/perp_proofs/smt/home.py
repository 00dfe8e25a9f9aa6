"""One exchange at one time, known in all but its accounts: where counterexamples are sought first."""

from typing import Any

import attrs

from perp_spec.perpetual.defaults import default_config
from perp_spec.perpetual.records import Kind, Market, MarketPrice, Parameters
from perp_spec.words import PPM

NOW = 1_700_000_000

PRICE = 6_000_000
"""60,000 for a whole BTC, in atoms for a lot of 0.0001."""

HOME: dict[type[Any], Any] = {
    Parameters: default_config().parameters,
    Market: default_config().markets[0].market,
    MarketPrice: MarketPrice(
        price=PRICE,
        index=PRICE + 500,
        funding_index=3 * PPM + 123_457,
        loss_index=1_000_003,
        buffer_long_ppm=300,
        buffer_short_ppm=450,
        ticked_at=NOW - 15,
    ),
}
"""Records that are known, by class."""

LOOSE = ("level", "gap", "blind_since", "mode", "switch")
"""Fields of a known price that are not: nothing is multiplied by them."""

NEIGHBOUR = (
    MarketPrice(
        price=3_000_000,
        index=3_000_100,
        funding_index=-7 * PPM - 1,
        loss_index=17,
        buffer_long_ppm=300,
        buffer_short_ppm=300,
        ticked_at=NOW - 3,
    ),
    attrs.evolve(default_config().markets[1].market, rises=default_config().markets[0].market.rises),
)
"""Price and configuration of another market, where every account may hold one more position.

It rises and falls with the known market in every scenario, so that one position can hedge another.
"""

SIZES = {
    "position": 10,
    "buyer_position": 5,
    "seller_position": 3,
    "taker_position": 0,
    "counterparty_position": -12,
    "fund_position": 2,
    "others[0]": -20,
    "held[0]": -20,
    "buyer_others[0]": 30,
    "seller_others[0]": -25,
    "taker_others[0]": 15,
    "counterparty_others[0]": 0,
    "fund_others[0]": 8,
    "fund_held[0]": 8,
    "sender_held[0]": -6,
    "recipient_held[0]": 6,
}
"""Lots of each position that a rule may take."""


def known_words(sign: int, kind: int) -> dict[str, int]:
    """Words of one search: sizes of one sign, accounts of one kind."""
    sizes = {f"{name}.size": sign * size for name, size in SIZES.items()}
    kinds = {f"{name}.kind": kind for name in ("account", "buyer", "seller", "taker", "counterparty")}
    trade = {"op.lots": 7, "op.price": PRICE - sign * 20_000}
    fees = {"op.buyer_fee_ppm": 300, "op.seller_fee_ppm": -100, "op.fee_ppm": 700, "op.taker_fee_ppm": 500}
    claims = {"ledger.claims": 7_000_000, "exchange.escape_vault": 6_000_000}
    return {**sizes, **kinds, **trade, **fees, **claims, "exchange.time": NOW}


WORDS: tuple[dict[str, int], ...] = (
    known_words(1, Kind.CROSS),
    known_words(-1, Kind.PORTFOLIO),
    {**known_words(1, Kind.CROSS), "op.lots": 14},
    {**known_words(-1, Kind.PORTFOLIO), "counterparty_others[0].size": -24},
    {**known_words(-1, Kind.CROSS), "counterparty_position.size": -HOME[Market].max_size},
    {"exchange.time": NOW},
)
"""Words that are known too, by name, in one search after the other: products with them are linear."""
