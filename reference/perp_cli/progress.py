"""A line that says how far the work is, on a terminal only."""

import sys
import time

PAUSE_SECONDS = 0.1


class Progress:
    """One line on stderr that is written over and over, and wiped out at the end; nothing where stderr is no terminal.

    It first shows after `quiet_seconds`, so that short work stays silent.
    """

    def __init__(self, total: int, quiet_seconds: float = 2) -> None:
        self.total = total
        self.done = 0
        self._shown = sys.stderr.isatty()
        self._started = time.monotonic()
        self._next = self._started + quiet_seconds
        self._written = False

    def step(self, text: str) -> None:
        """One part more is done; `text` says which."""
        self.done += 1
        now = time.monotonic()
        if self._shown and now >= self._next:
            self._next = now + PAUSE_SECONDS
            self._written = True
            said = f"{self.done} of {self.total}, {now - self._started:.0f} s: {text}"
            sys.stderr.write(f"\r\033[K{said[:100]}")
            sys.stderr.flush()

    def close(self) -> None:
        """Wipe the line out."""
        if self._written:
            sys.stderr.write("\r\033[K")
            sys.stderr.flush()
