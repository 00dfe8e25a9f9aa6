"""A testee as a child process: a line in, a line out, in time."""

import contextlib
import os
import select
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import IO

from perp_reference.conformance.protocol import LONGEST_REPLY_BYTES

CHUNK = 2**16
LOG_BYTES = 2**14
"""How much of a testee's log is kept."""

STOP_SECONDS = 5.0

LOOK_SECONDS = 0.25
"""How often the tester looks whether a silent testee still runs."""

DRAIN_SECONDS = 0.01
"""How often it looks whether one that is to end has ended."""


class CrashedError(Exception):
    """The testee ended, or closed its standard output."""


class TimedOutError(Exception):
    """The testee did not reply in time."""


class UnaskedError(Exception):
    """A reply is longer than the protocol allows, or there is one that nobody asked for."""


class NoCommandError(Exception):
    """The command of the testee cannot be started."""


class Process:
    """A running testee. Its log is read whenever the tester waits.

    It has a process group of its own, and what it starts in that group ends with it.
    """

    def __init__(self, command: Sequence[str]) -> None:
        """Start it.

        Raises:
            NoCommandError: There is no such program.
        """
        if shutil.which(command[0]) is None:
            why = ", it is not executable" if Path(command[0]).is_file() else ""
            raise NoCommandError(f"no program {command[0]} can be started{why}")
        pipe = subprocess.PIPE
        try:
            # A session, and with it a group of its own: a group can be killed as a whole.
            child = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, bufsize=0, start_new_session=True)
        except OSError as error:
            raise NoCommandError(f"{command[0]} cannot be started: {error.strerror}") from None
        self._child = child
        self._in, self._out, self._err = (unblocked(stream) for stream in (child.stdin, child.stdout, child.stderr))
        self._rest = b""
        self._log = b""
        self._is_killed = False

    def __enter__(self) -> "Process":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Kill it, if it still runs."""
        self.kill()

    @property
    def log(self) -> str:
        """The end of what it wrote to standard error."""
        return self._log.decode("utf-8", "replace")

    def ask(self, line: bytes, seconds: float) -> bytes:
        """Send a line and wait for the one that answers it, without its line feed.

        Raises:
            CrashedError: It ended.
            TimedOutError: It took longer.
            UnaskedError: The reply is too long, or was there before the request.
        """
        deadline = time.monotonic() + seconds
        waiting = memoryview(line)
        parts = [self._rest]
        length = len(self._rest)
        if b"\n" in self._rest:
            raise UnaskedError("it wrote a line that nobody asked for")
        while True:
            readable, writable = self._ready(deadline, bool(waiting))
            if writable:
                waiting = waiting[self._write(waiting) :]
            if self._err in readable:
                self._take_log()
            if self._out in readable:
                chunk = self._read()
                parts.append(chunk)
                length += len(chunk)
                if b"\n" in chunk:
                    reply, _, self._rest = b"".join(parts).partition(b"\n")
                    return reply
                if length > LONGEST_REPLY_BYTES:
                    raise UnaskedError(f"its reply has more than {LONGEST_REPLY_BYTES} bytes")

    def _ready(self, deadline: float, writes: bool) -> tuple[list[int], bool]:
        """Wait until something can be done.

        Raises:
            CrashedError: It ended, though what it started may still hold its standard output.
            TimedOutError: Nothing can, in time.
        """
        while True:
            streams = [self._out] if self._err < 0 else [self._out, self._err]
            left = deadline - time.monotonic()
            has_ended = self._child.poll() is not None
            patience = 0 if has_ended else min(max(left, 0), LOOK_SECONDS)
            readable, writable, _ = select.select(streams, [self._in] if writes else [], [], patience)
            if left < 0:
                raise TimedOutError("no reply in time")
            if readable or writable:
                return readable, bool(writable)
            if has_ended:
                raise CrashedError(self.ending())

    def _write(self, waiting: memoryview) -> int:
        """Write what goes in at once; returns how much that is.

        Raises:
            CrashedError: It does not read any more.
        """
        try:
            return os.write(self._in, waiting[:CHUNK])
        except BlockingIOError:
            return 0
        except OSError:
            raise CrashedError(self.ending()) from None

    def _read(self) -> bytes:
        """Read what is there.

        Raises:
            CrashedError: It has closed its standard output.
        """
        chunk = os.read(self._out, CHUNK)
        if not chunk:
            raise CrashedError(self.ending())
        return chunk

    def _take_log(self) -> None:
        """Read what it wrote to standard error."""
        chunk = os.read(self._err, CHUNK)
        if not chunk:
            self._err = -1
        self._log = (self._log + chunk)[-LOG_BYTES:]

    def ending(self) -> str:
        """How it ended, after its log was read."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._child.wait(1)
        while self._err >= 0 and select.select([self._err], [], [], 0)[0]:
            self._take_log()
        code = self._child.poll()
        if code is None:
            return "it closed its standard output"
        return f"it ended with {named_signal(-code)}" if code < 0 else f"it ended with exit code {code}"

    def stop(self, line: bytes) -> str:
        """Send the last line and wait for the end; returns what was wrong with it, or an empty string."""
        with contextlib.suppress(OSError):
            os.write(self._in, line)
        with contextlib.suppress(OSError):
            assert self._child.stdin is not None
            self._child.stdin.close()
        deadline = time.monotonic() + STOP_SECONDS
        while self._child.poll() is None:
            if time.monotonic() > deadline:
                return f"it did not end within {STOP_SECONDS:.0f} s after stop"
            self._drain()
        return "" if self._child.returncode == 0 else f"{self.ending()} after stop"

    def _drain(self) -> None:
        """Read what a testee that is to end still writes, so that no full pipe keeps it from ending."""
        streams = [stream for stream in (self._out, self._err) if stream >= 0]
        if not select.select(streams, [], [], DRAIN_SECONDS)[0]:
            return
        if self._err >= 0 and select.select([self._err], [], [], 0)[0]:
            self._take_log()
        if self._out >= 0 and select.select([self._out], [], [], 0)[0] and not os.read(self._out, CHUNK):
            self._out = -1

    def kill(self) -> None:
        """End it and what it started."""
        if self._is_killed:
            return
        self._is_killed = True
        # Its group, even where it has ended: what it started may be left. Right after the end nothing else has its id.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._child.pid, signal.SIGKILL)
        self._child.wait()
        for stream in (self._child.stdin, self._child.stdout, self._child.stderr):
            with contextlib.suppress(OSError):
                assert stream is not None
                stream.close()


def named_signal(number: int) -> str:
    """A signal by its name; most real-time signals have none."""
    known = {own.value: own.name for own in signal.Signals}
    return f"signal {known.get(number, number)}"


def unblocked(stream: IO[bytes] | None) -> int:
    """The descriptor of a pipe, made so that nothing waits on it."""
    assert stream is not None
    os.set_blocking(stream.fileno(), False)
    return stream.fileno()
