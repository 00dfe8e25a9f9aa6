"""Files that a command writes: opened before the work, so that what cannot be written is known before it is done."""

import contextlib
import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from perp_cli.errors import UsageError


class Pending:
    """A file that is opened, to be written when the work is done.

    Until then what it held stays; a file that was not there is taken away again where nothing came to be written.
    """

    def __init__(self, path: Path) -> None:
        """Opens the file.

        Raises:
            UsageError: It cannot be written.
        """
        self.path = path
        self._is_new = not os.path.lexists(path)
        try:
            # Not truncated, not replaced: a link, a device or a file shared with others stays what it is.
            self._file = path.open("ab", buffering=0)
        except (OSError, ValueError) as error:
            raise cannot_be_written(path, error) from None

    def write(self, data: bytes) -> None:
        """Makes the data the file's content. Where that fails the file is left empty, or taken away: no half is left.

        Raises:
            UsageError: It cannot be written.
        """
        try:
            self._empty()
            rest = memoryview(data)
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            with contextlib.suppress(OSError):
                self._empty()
            raise cannot_be_written(self.path, error) from None
        self._is_new = False

    def _empty(self) -> None:
        """Takes away what the file holds, where it is one that holds something."""
        if stat.S_ISREG(os.fstat(self._file.fileno()).st_mode):
            self._file.truncate(0)

    def is_file(self, path: Path) -> bool:
        """Whether a path leads to this very file."""
        try:
            return os.path.samestat(os.fstat(self._file.fileno()), path.stat())
        except OSError:
            return False

    def close(self) -> None:
        """Closes the file."""
        self._file.close()
        if self._is_new:
            with contextlib.suppress(OSError):
                self.path.unlink()


@contextlib.contextmanager
def pending(*paths: Path | None, apart_from: Sequence[Path] = ()) -> Iterator[tuple[Pending | None, ...]]:
    """Opens the files that are asked for, None for those that are not.

    Raises:
        UsageError: One cannot be written, two are the same, or one is a file they have to be apart from.
    """
    with contextlib.ExitStack() as stack:
        opened: list[Pending | None] = []
        for path in paths:
            file = None if path is None else stack.enter_context(contextlib.closing(Pending(path)))
            if file is not None:
                for other in (*apart_from, *(each.path for each in opened if each is not None)):
                    if is_regular(other) and file.is_file(other):
                        raise UsageError(f"{path} and {other} are the same file")
            opened.append(file)
        yield tuple(opened)


def is_regular(path: Path) -> bool:
    """Whether a path leads to a regular file: two may well go to one terminal."""
    try:
        return path.is_file()
    except OSError:
        return False


def cannot_be_written(path: Path, error: OSError | ValueError) -> UsageError:
    """The error for a file or directory that cannot be written."""
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return UsageError(f"{path} cannot be written: {reason}")
