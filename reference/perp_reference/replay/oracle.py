"""Oracle families: what their signers report of a price."""

from enum import StrEnum

from attrs import frozen

from perp_reference.replay.dice import Dice
from perp_spec.perpetual.operations import OracleTick, Report
from perp_spec.perpetual.records import Market, Parameters
from perp_spec.words import FAMILIES_MAX, PPM, SIGNERS_MAX

NOISE_PPM = 200
"""How far a signer's value is from the price at most."""

LIE_PPM = -100_000
"""By how much a lying family is off."""


class Fault(StrEnum):
    """How the oracle misbehaves."""

    SILENT = "silent"
    """The last family reports nothing."""
    LYING = "lying"
    """The last family agrees on a price that is 10 % too low."""
    FROZEN = "frozen"
    """The last family goes on reporting the price from before."""
    OUTAGE = "outage"
    """No family reports anything."""


@frozen
class Trouble:
    """A time in which the oracle misbehaves: from minute `first` of the replay, up to and without `last`."""

    first: int
    last: int
    fault: Fault

    def holds(self, minute: int) -> bool:
        """The trouble is on in that minute."""
        return self.first <= minute < self.last


class Oracle:
    """Makes the ticks of all markets."""

    def __init__(self, parameters: Parameters, dice: Dice, troubles: tuple[Trouble, ...] = ()) -> None:
        self._parameters = parameters
        self._dice = dice
        self._troubles = troubles
        self._before: dict[int, int] = {}

    def tick(self, number: int, market: Market, price: int, minute: int) -> OracleTick:
        """The reports on one market where its price is `price`."""
        faults = {trouble.fault for trouble in self._troubles if trouble.holds(minute)}
        if Fault.FROZEN not in faults:
            self._before[number] = price
        last = self._parameters.families - 1
        reports: list[Report] = []
        for family in range(FAMILIES_MAX):
            said = self._said(number, price, faults if family == last else faults & {Fault.OUTAGE})
            signers = self._parameters.signers[family]
            reports.append(self._report(said, signers, market.max_price) if said and signers else Report())
        return OracleTick(number, tuple(reports), True)

    def _said(self, number: int, price: int, faults: set[Fault]) -> int:
        """What a family with these faults says of a price, 0 where it is silent."""
        if faults & {Fault.SILENT, Fault.OUTAGE}:
            return 0
        if Fault.FROZEN in faults:
            return self._before.get(number, price)
        return price + price * LIE_PPM // PPM if Fault.LYING in faults else price

    def _report(self, price: int, signers: int, max_price: int) -> Report:
        """All signers of a family, each with its own small error."""
        errors = self._dice.bits()
        values: list[int] = []
        for place in range(signers):
            error_ppm = (errors >> 12 * place & 0xFFF) * (2 * NOISE_PPM + 1) // 0x1000 - NOISE_PPM
            values.append(min(max(price + price * error_ppm // PPM, 1), max_price))
        padding = (0,) * (SIGNERS_MAX - signers)
        return Report(
            count=signers,
            median=sorted(values)[(signers - 1) // 2],
            signers=(*range(signers), *padding),
            values=(*values, *padding),
        )
