"""Progress on a terminal: one line that says what is being done and for how long, once that takes a while."""

import contextlib
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator

QUIET_SECONDS = 2.0
"""Work that is done within this shows nothing."""

BEAT_SECONDS = 0.5
"""The line is written again this often."""

TAKE_BACK = "\r\x1b[K"
"""Moves to the beginning of the line and clears it."""


class Ticker:
    """Writes the line from a thread of its own, so that work which never looks up is shown too."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._lock = threading.Lock()
        self._doing: list[str] = []
        self._reached = ""
        self._since = 0.0
        self._shown = False
        self._thread: threading.Thread | None = None

    @contextlib.contextmanager
    def doing(self, text: str) -> Iterator[None]:
        """Shows this text while the block runs."""
        with self._lock:
            if not self._doing:
                self._since = time.monotonic()
            self._doing.append(text)
            before, self._reached = self._reached, ""
        if self._thread is None:
            self._thread = threading.Thread(target=self._beat, daemon=True)
            self._thread.start()
        try:
            yield
        finally:
            with self._lock:
                self._doing.pop()
                self._reached = before
                self._take_back()

    def reached(self, text: str) -> None:
        """How far the work has come."""
        self._reached = text

    @contextlib.contextmanager
    def away(self) -> Iterator[None]:
        """Keeps the line off the terminal while something else is written."""
        with self._lock:
            self._take_back()
            yield

    def line(self) -> str:
        """The line as it would be shown now, not longer than the terminal is wide."""
        seconds = int(time.monotonic() - self._since)
        reached = f": {self._reached}" if self._reached else ""
        text = f"{self._doing[-1]}{reached} ({seconds} s)"
        return text[: max(shutil.get_terminal_size().columns - 1, 20)]

    def _beat(self) -> None:
        # An interrupt is for the thread that works.
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        while True:
            time.sleep(BEAT_SECONDS)
            with self._lock:
                if self._doing and time.monotonic() - self._since >= QUIET_SECONDS:
                    self._write(f"{TAKE_BACK}{self.line()}")
                    self._shown = True

    def _take_back(self) -> None:
        if self._shown:
            self._write(TAKE_BACK)
            self._shown = False
