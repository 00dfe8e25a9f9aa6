"""Random numbers that are the same on every platform and in every version: SplitMix64, whole numbers only."""

MASK = 2**64 - 1
GOLDEN = 0x9E3779B97F4A7C15


class Dice:
    """A stream of random numbers from a seed."""

    def __init__(self, seed: int) -> None:
        self._state = seed & MASK

    def bits(self) -> int:
        """The next 64 random bits."""
        self._state = (self._state + GOLDEN) & MASK
        mixed = self._state
        mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & MASK
        return mixed ^ (mixed >> 31)

    def below(self, limit: int) -> int:
        """A number from 0 to limit - 1; needs limit >= 1."""
        return self.bits() * limit >> 64

    def between(self, low: int, high: int) -> int:
        """A number from low to high, both included."""
        return low + self.below(high - low + 1)

    def chance(self, percent: int) -> bool:
        """True in so many of a hundred cases."""
        return self.below(100) < percent

    def heavy_tail(self, least: int, doublings: int) -> int:
        """A size with a heavy tail: each doubling of `least` is half as frequent, at most so many doublings."""
        scale = least
        for _ in range(doublings):
            if self.bits() & 1:
                break
            scale *= 2
        return scale + self.below(scale)

    def fork(self) -> "Dice":
        """An independent stream."""
        return Dice(self.bits())
