"""What a command says, and where.

Results go to stdout and progress to stderr. With `--json`, stdout holds exactly one JSON object and nothing else,
also when the command fails: then the object has the member `error`.
"""

import io
import json
import sys
from collections.abc import Mapping


class Output:
    """Where a command writes.

    Attributes:
        as_json: Whether the user asked for JSON.
    """

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")
        self._document: Mapping[str, object] | None = None

    def line(self, text: str = "") -> None:
        """Writes a line of the result for people; says nothing with `--json`."""
        if not self.as_json:
            sys.stdout.write(f"{text}\n")

    def progress(self, text: str) -> None:
        """Writes a line about work under way."""
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()

    def document(self, document: Mapping[str, object]) -> None:
        """Gives the result for programs, once in each command; it is written only with `--json`, when all is done.

        Integers that may leave 53 bits are given as decimal strings.
        """
        if self._document is not None:
            raise AssertionError("a command gives one document")
        self._document = document

    def error(self, exit_code: int, message: str, details: Mapping[str, object]) -> None:
        """Writes the one line that says why the command failed; the object of `--json` has the details too."""
        sys.stderr.write(f"perp: {message}\n")
        self._document = {"error": {"exit_code": exit_code, "message": message, **details}}

    def close(self) -> None:
        """Writes the JSON object, if asked for, and empties the buffers."""
        if self.as_json:
            if self._document is None:
                raise AssertionError("a command gives a document")
            # Whole and in ASCII: no terminal's encoding may cut the one object in two.
            sys.stdout.write(f"{json.dumps(self._document)}\n")
        sys.stdout.flush()
