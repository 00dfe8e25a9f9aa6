"""What is wrong with the site."""

from collections.abc import Sequence

from attrs import frozen


@frozen
class Fault:
    """One thing that is wrong.

    Attributes:
        place: The file, with its line where it has one.
        said: What is there.
        expected: What has to be there.
    """

    place: str
    said: str
    expected: str

    def __str__(self) -> str:
        """Place, expectation and what came instead, on one line."""
        return f"{self.place}: expected {self.expected}, got {self.said}"


class Faulty(Exception):
    """The site cannot be built as it is.

    Attributes:
        faults: Everything found, not just the first.
    """

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__(f"{len(faults)} faults, the first {faults[0]}")
        self.faults = tuple(faults)
