"""What a command says, and where.

Results go to stdout, progress and errors to stderr. With `--json`, stdout holds exactly one JSON object and nothing
else, also when the command fails: then the object has the member `error`.

Whatever text comes from outside, a line stays one line and moves no cursor. A stream that its caller has closed is
taken for the null device. A stdout that cannot be written is an error, a stderr that cannot be written is not: nobody
is left to be told.
"""

import contextlib
import io
import json
import os
import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, TextIO

from perp_reference.errors import printable

if TYPE_CHECKING:
    from perp_cli.ticker import Ticker


class OutputLost(Exception):
    """The result could not be written to stdout; the message says why."""


def open_streams() -> None:
    """Gives each stream that the caller closed to the null device, before any file of a command takes its number."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            # The lowest free number is the closed stream's own.
            descriptor = os.open(os.devnull, os.O_RDWR)
            os.set_inheritable(descriptor, True)
            setattr(sys, name, os.fdopen(descriptor, mode, encoding="utf-8"))


def abandon(stream: TextIO) -> None:
    """Sends what a stream still holds to the null device: the interpreter empties it once more at exit."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, stream.fileno())
    os.close(null)


class Output:
    """Where a command writes.

    Attributes:
        as_json: Whether the user asked for JSON.
        done: What the command has done for good, as a sentence without a full stop; empty while that is nothing. An
            error says it, so that nobody takes the command for one that did nothing.
    """

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        self.done = ""
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")
        self._document: Mapping[str, object] | None = None
        self._ticker: Ticker | None = None

    def line(self, text: str = "") -> None:
        """Writes a line of the result for people; says nothing with `--json`.

        Raises:
            OutputLost: stdout cannot be written.
        """
        if self.as_json:
            return
        with self.handed_over():
            self._write(f"{printable(text)}\n")

    @contextlib.contextmanager
    def working(self, text: str) -> Iterator[None]:
        """Says on a terminal what the work inside is, once it takes more than two seconds.

        Every command runs inside one that has its name. One inside another replaces its words for that time.
        """
        if self._ticker is None and is_terminal(sys.stderr):
            from perp_cli.ticker import Ticker

            self._ticker = Ticker(self._tell)
        with self._ticker.doing(printable(text)) if self._ticker is not None else contextlib.nullcontext():
            yield

    def progress(self, text: str) -> None:
        """Says how far the work has come; shown as `working` is. May be called as often as one likes."""
        if self._ticker is not None:
            self._ticker.reached(text)

    def handed_over(self) -> contextlib.AbstractContextManager[None]:
        """Shows no progress while a child process has the terminal."""
        return self._ticker.away() if self._ticker is not None else contextlib.nullcontext()

    def note(self, text: str) -> None:
        """Writes a line that is neither result nor progress, to stderr."""
        with self.handed_over():
            self._tell(f"perp: {printable(text)}\n")

    def document(self, document: Mapping[str, object]) -> None:
        """Gives the result for programs, once in each command; it is written only with `--json`, when all is done.

        Integers that may leave 53 bits are given as decimal strings.
        """
        if self._document is not None:
            raise AssertionError("a command gives one document")
        self._document = document

    def error(self, exit_code: int, message: str, details: Mapping[str, object]) -> None:
        """Writes the one line that says why the command failed; the object of `--json` has the details too."""
        whole = f"{message}{self.all_the_same}"
        self.note(whole)
        done = {"done": self.done} if self.done else {}
        self._document = {"error": {"exit_code": exit_code, "message": whole, **details, **done}}

    @property
    def all_the_same(self) -> str:
        """The end of an error message: what is done in spite of it."""
        return f"; {self.done} all the same" if self.done else ""

    def close(self) -> None:
        """Writes the JSON object, if asked for, and empties the buffers.

        Raises:
            OutputLost: stdout cannot be written.
        """
        if self.as_json:
            if self._document is None:
                raise AssertionError("a command gives a document")
            # Whole and in ASCII: no terminal's encoding may cut the one object in two.
            self._write(f"{json.dumps(self._document)}\n")
        self.flush()

    def flush(self) -> None:
        """Empties the buffers.

        Raises:
            OutputLost: stdout cannot be written.
        """
        self._write("", flush=True)

    def _write(self, text: str, *, flush: bool = False) -> None:
        """Writes to stdout."""
        try:
            sys.stdout.write(text)
            if flush:
                sys.stdout.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise OutputLost(error.strerror or str(error)) from None

    def _tell(self, text: str) -> None:
        """Writes to stderr."""
        try:
            sys.stderr.write(text)
            sys.stderr.flush()
        except OSError:
            abandon(sys.stderr)


def is_terminal(stream: TextIO) -> bool:
    """Whether a person watches a stream."""
    try:
        return stream.isatty()
    except ValueError:
        return False
