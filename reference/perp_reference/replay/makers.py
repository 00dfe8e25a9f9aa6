"""Market makers: they quote both sides of every market, and take what is liquidated, as far as they dare."""

from collections.abc import Iterator

from attrs import define, frozen

from perp_reference.core.matching import Matching
from perp_reference.replay.dice import Dice
from perp_reference.replay.venue import Venue
from perp_reference.replay.watch import Watch, look_at
from perp_spec.perpetual.operations import Order
from perp_spec.perpetual.records import MarketPrice
from perp_spec.words import PPM, TIME_MAX

LEVERAGE = 3
"""Gross exposure a maker accepts, in multiples of its equity, shared out evenly over the markets."""

SKEW_PPM = 4_000
"""How far a maker at its limit moves its quotes to get rid of what it holds."""

WITHDRAWN_PPM = 20_000
"""A maker whose half spread would be wider than this quotes no price."""

CALM = 7
"""Weight of the past in the volatility a maker believes in, against 1 for the last move."""

REFRESH = 30
"""Batches after which a maker looks at its equity again."""

SLICE = 8
"""A maker shows one part in so many of its limit at a time."""

OFFER_SLOT = 1_000
"""First order slot of answers to liquidations; quotes use two slots for each market below it."""


@define
class Maker:
    """One market maker."""

    account: int
    half_spread_ppm: int
    """In a calm market."""
    equity: int = 0


@frozen
class Offer:
    """A maker's signed order for what is to be liquidated."""

    order: Order
    price: int


class Makers:
    """All market makers."""

    def __init__(self, venue: Venue, matching: Matching, watch: Watch, accounts: list[int], dice: Dice) -> None:
        self.makers = [Maker(account, dice.between(150, 900)) for account in accounts]
        markets = len(venue.state.markets)
        self.volatility_ppm = [0] * markets
        self._venue = venue
        self._matching = matching
        self._watch = watch
        self._dice = dice
        self._last = [0] * markets
        self._quoted: dict[tuple[int, int], tuple[int, int]] = {}
        self._batches = 0

    def observe(self) -> None:
        """Take notice of the prices of a new batch."""
        for market in range(len(self._last)):
            index = self._venue.state.get(MarketPrice, market).index
            last, self._last[market] = self._last[market], index
            move_ppm = abs(index - last) * PPM // last if last else 0
            self.volatility_ppm[market] = (self.volatility_ppm[market] * CALM + move_ppm) // (CALM + 1)
        if self._batches % REFRESH == 0:
            self.refresh()
        self._batches += 1

    def refresh(self) -> None:
        """Look at what each maker owns now."""
        for maker in self.makers:
            maker.equity = max(look_at(self._venue.state, maker.account).health.equity, 0)

    def quote(self) -> None:
        """Replace quotes that are out of date."""
        for market in range(len(self._last)):
            if self._last[market]:
                for maker in self.makers:
                    self._quote(maker, market)

    def _limit(self, maker: Maker, market: int) -> int:
        """Lots a maker holds of a market at most, either sign."""
        return maker.equity * LEVERAGE // (len(self._last) * max(self._last[market], 1))

    def _skew_ppm(self, maker: Maker, market: int, limit: int) -> int:
        held = int(self._watch.sizes[maker.account, market])
        return max(min(held * SKEW_PPM // max(limit, 1), 2 * SKEW_PPM), -2 * SKEW_PPM)

    def _quote(self, maker: Maker, market: int) -> None:
        limit = self._limit(maker, market)
        half_ppm = maker.half_spread_ppm + self.volatility_ppm[market] // 2
        fair = self._last[market] * (PPM - self._skew_ppm(maker, market, limit)) // PPM
        key = (maker.account, market)
        book = self._matching.books[market]
        bid, ask = book.find(maker.account, 2 * market), book.find(maker.account, 2 * market + 1)
        quoted_fair, quoted_half_ppm = self._quoted.get(key, (0, 0))
        near = abs(fair - quoted_fair) * PPM <= half_ppm * fair // 4 and quoted_half_ppm * 2 > half_ppm
        if near and bid is not None and ask is not None:
            return
        self._quoted[key] = (fair, half_ppm)
        held = int(self._watch.sizes[maker.account, market])
        withdrawn = half_ppm > WITHDRAWN_PPM
        lots = max(limit // SLICE, 1)
        for buys, room in ((True, limit - held), (False, limit + held)):
            slot = 2 * market + (not buys)
            self._matching.cancel(market, maker.account, slot)
            if withdrawn or room <= 0 or limit == 0:
                continue
            distance = fair * half_ppm // PPM + 1
            price = max(fair - distance if buys else fair + distance, 1)
            self._matching.submit(self._order(maker, slot, market, buys, min(lots, room), price, post_only=True))

    def _order(self, maker: Maker, slot: int, market: int, buys: bool, lots: int, price: int, post_only: bool) -> Order:
        return Order(
            account=maker.account,
            slot=slot,
            nonce=self._venue.nonce(maker.account, slot),
            expiry=min(self._venue.now + 3_600, TIME_MAX),
            market=market,
            buys=buys,
            lots=lots,
            price=price,
            max_fee_ppm=0,
            reduce_only=False,
            post_only=post_only,
            authorised=True,
        )

    def offers(self, market: int, buys: bool, most: int, least: int, worst_ppm: int) -> Iterator[Offer]:
        """Orders for `least` to `most` lots that are liquidated, from one maker after the other, the cheapest first.

        Each asks for a discount from the health price that grows with volatility and with what it holds, and declines
        where that is more than `worst_ppm`.
        """
        price = self._venue.state.get(MarketPrice, market).price
        asked: list[tuple[int, int, Maker, int]] = []
        for place, maker in enumerate(self.makers):
            limit = self._limit(maker, market)
            held = int(self._watch.sizes[maker.account, market])
            lots = min(limit - held if buys else limit + held, most)
            skew_ppm = self._skew_ppm(maker, market, limit)
            wanted_ppm = maker.half_spread_ppm + self.volatility_ppm[market] // 2 + (skew_ppm if buys else -skew_ppm)
            if lots >= least and wanted_ppm <= worst_ppm:
                asked.append((max(wanted_ppm, 0), place, maker, lots))
        for wanted_ppm, _, maker, lots in sorted(asked, key=lambda entry: entry[:2]):
            distance = price * wanted_ppm // PPM
            at = price - distance if buys else price + distance
            yield Offer(self._order(maker, OFFER_SLOT + market, market, buys, lots, at, post_only=False), at)
