"""The store: one SQLite file in a directory. A batch is in it wholly or not at all.

Every write is one transaction with full synchronisation, so a process that is killed at any moment reopens to its last
whole batch. Opening recomputes the root from the records and compares. A new store is made under a name of its own and
then linked to its place, which only one of several makers can do.
"""

import contextlib
import os
import secrets
import sqlite3
import stat
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from attrs import frozen

from perp_hash.digest import digest_from_hex, digest_to_hex, pack_digest, unpack_digest
from perp_reference.core.commitment import Commitment
from perp_reference.core.diff import RECORD_OF, Changes, diff_bytes, diff_from_bytes, state_changes
from perp_reference.core.encoding import EncodingError, record_bytes, record_from_bytes
from perp_reference.core.state import OutOfRangeError, State
from perp_reference.core.tree import PYTHON_HASHER, Hasher
from perp_reference.errors import MalformedInput, StoreError
from perp_reference.formats.config import decode_config, encode_config
from perp_spec.perpetual.codes import RECORD_CODES
from perp_spec.perpetual.config import Config
from perp_spec.perpetual.records import Exchange

FILE_NAME = "exchange.sqlite"

STORE_FORMAT = 1
"""Kept in the file's user_version."""

APPLICATION_ID = 0x70657270
"""Marks the file as one of ours: "perp"."""

APPLICATION_PLACE = 68
"""Where SQLite's file format keeps the mark, as four bytes, the highest first."""

SCHEMA = """
CREATE TABLE setup (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE record (code INTEGER, key INTEGER, value BLOB NOT NULL, PRIMARY KEY (code, key)) WITHOUT ROWID;
CREATE TABLE batch (number INTEGER PRIMARY KEY, root TEXT NOT NULL, operations BLOB NOT NULL, diff BLOB NOT NULL);
"""

BUSY_SECONDS = 20.0
"""How long one process waits for another that writes."""

PATIENT_SECONDS = 2.0
"""How long it does so without a word."""

SMALL_STATE_RECORDS = 2_000
"""Up to here hashing in plain Python takes less time than loading the compiled kernels."""


@frozen
class Entry:
    """One batch in the store."""

    number: int
    root: int
    """Packed root of the state after it."""
    operations: bytes
    """Text of the batch file; empty for the state the store began with."""
    changes: Changes
    """What it changed; for the beginning all its records."""


def hasher_for(records: int) -> Hasher:
    """The hasher that is quickest for a state of so many records."""
    if records <= SMALL_STATE_RECORDS:
        return PYTHON_HASHER
    from perp_reference.kernels.tree import KERNEL_HASHER  # noqa: PLC0415 - loads numba, for large states only

    return KERNEL_HASHER


def root_text(root: int) -> str:
    """A packed root as 64 hexadecimal digits."""
    return digest_to_hex(unpack_digest(root))


class Store:
    """An open store: the state as of the last whole batch, its root, and the batches so far.

    Attributes:
        config: The configuration.
        state: All records.
        commitment: Keeps the root.
        number: Number of the last batch.
    """

    def __init__(self, directory: Path, connection: sqlite3.Connection, config: Config, state: State) -> None:
        self.directory = directory
        self.config = config
        self.state = state
        self.commitment = Commitment(state, hasher_for(sum(len(table) for table in state.tables.values())))
        self._connection = connection
        self.number = state.get(Exchange, 0).number

    @classmethod
    def create(cls, directory: Path, state: State) -> "Store":
        """Make a store that begins with a state.

        Raises:
            StoreError: The directory holds a store already, or cannot be written.
        """
        path = directory / FILE_NAME
        partial = directory / f"{FILE_NAME}.{secrets.token_hex(8)}.partial"
        if os.path.lexists(path):
            raise StoreError(in_the_way(directory, path))
        try:
            directory.mkdir(parents=True, exist_ok=True)
            with removed_at_the_end(partial):
                write_beginning(partial, state)
                # Unlike a rename, this fails where another process has made the store meanwhile.
                os.link(partial, path)
            synchronise(directory)
        except FileExistsError:
            raise StoreError(in_the_way(directory, path)) from None
        except (OSError, sqlite3.Error) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            raise StoreError(f"{directory} cannot be written: {reason}") from None
        return cls.open(directory)

    @classmethod
    def open(cls, directory: Path, waits: Callable[[], None] | None = None) -> "Store":
        """Open a store and check it: the root of its records is the one of its last batch.

        `waits` is called where another process keeps the store locked for longer than a moment.

        Raises:
            StoreError: There is none.
            MalformedInput: The file is damaged or of another format.
        """
        path = directory / FILE_NAME
        if not is_there(path):
            raise StoreError(f"{directory} holds no exchange (perp init --state {directory} makes one)")
        try:
            if waits is not None and is_locked(path):
                waits()
            return cls._opened(directory, path)
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise StoreError(f"{directory} is in use by another process") from None
            raise MalformedInput(str(path), None, None, "a store of an exchange", str(error)) from None
        except (sqlite3.Error, EncodingError) as error:
            raise MalformedInput(str(path), None, None, "a store of an exchange", str(error)) from None

    @classmethod
    def _opened(cls, directory: Path, path: Path) -> "Store":
        """Open and check a file."""
        with contextlib.ExitStack() as on_failure:
            connection = on_failure.enter_context(contextlib.closing(connected(path)))
            # One transaction: records and batch are of the same moment, whoever writes meanwhile.
            connection.execute("BEGIN")
            check_format(connection, path)
            config = decode_config(setup_value(connection, "config", path), f"{path} (config)")
            rows = connection.execute("SELECT code, key, value FROM record").fetchall()
            last = connection.execute("SELECT number, root FROM batch ORDER BY number DESC LIMIT 1").fetchone()
            connection.execute("COMMIT")
            store = cls(directory, connection, config, records_of(rows, config, path))
            store._check_root(path, last)
            on_failure.pop_all()
        return store

    def _check_root(self, path: Path, last: tuple[object, object] | None) -> None:
        """Compare the root of the records with the number and root of the last batch.

        Raises:
            MalformedInput: They differ.
        """
        if last is None or last[0] != self.number:
            raise MalformedInput(str(path), None, "batch", f"batch {self.number} as the last", str(last))
        if last[1] != root_text(self.commitment.root):
            expected = f"the root of the records, {root_text(self.commitment.root)}"
            raise MalformedInput(str(path), None, f"batch {last[0]}: root", expected, str(last[1]))

    def append(self, operations: bytes, changed: Changes) -> None:
        """Write the batch that was just applied to the state.

        `operations` is the text of the batch file, `changed` each record it changed as it is now.

        Raises:
            StoreError: Somebody else has written to the store since it was opened, or it cannot be written. The state
                is then ahead of the file: the store must be opened again.
        """
        number = self.number + 1
        try:
            with self._connection:
                self._connection.execute("BEGIN IMMEDIATE")
                (last,) = self._connection.execute("SELECT max(number) FROM batch").fetchone()
                if last != self.number:
                    raise StoreError(f"{self.directory} has been written by another process: it is at batch {last}")
                write_records(self._connection, changed)
                row = (number, root_text(self.commitment.root), operations, diff_bytes(changed))
                self._connection.execute("INSERT INTO batch VALUES (?, ?, ?, ?)", row)
        except sqlite3.Error as error:
            raise StoreError(f"{self.directory} cannot be written: {error}") from None
        self.number = number

    def numbers(self) -> list[int]:
        """Numbers of the batches as of when the store was opened or last appended to, the beginning first.

        Raises:
            MalformedInput: The file is damaged.
        """
        command = "SELECT number FROM batch WHERE number <= ? ORDER BY number"
        with self._reading("batch"):
            return [number for (number,) in self._connection.execute(command, (self.number,))]

    def history(self) -> Iterator[Entry]:
        """The batches in order, the beginning first, as number 0 or the number of the state it began with.

        Each is read by itself, so that another process can write while this one works on them.

        Raises:
            MalformedInput: A batch in the file is damaged.
        """
        for number in self.numbers():
            yield self._entry(number)

    def _entry(self, number: int) -> Entry:
        """One batch.

        Raises:
            MalformedInput: It is damaged.
        """
        place = f"batch {number}"
        with self._reading(place):
            command = "SELECT root, operations, diff FROM batch WHERE number = ?"
            root, operations, diff = self._connection.execute(command, (number,)).fetchone() or (None, None, None)
        if not (isinstance(root, str) and isinstance(operations, bytes) and isinstance(diff, bytes)):
            expected = "a root as text, operations and difference as bytes"
            raise MalformedInput(str(self.path), None, place, expected, "others")
        try:
            return Entry(number, pack_digest(digest_from_hex(root)), operations, diff_from_bytes(diff))
        except (ValueError, TypeError) as error:
            raise MalformedInput(str(self.path), None, place, "root, operations and difference", str(error)) from None

    @contextlib.contextmanager
    def _reading(self, place: str) -> Iterator[None]:
        """Reports what SQLite finds wrong.

        Raises:
            MalformedInput: The file is damaged.
            StoreError: Another process keeps it locked.
        """
        try:
            yield
        except sqlite3.Error as error:
            if "locked" in str(error):
                raise StoreError(f"{self.directory} is in use by another process") from None
            raise MalformedInput(str(self.path), None, place, "a store of an exchange", str(error)) from None

    @property
    def path(self) -> Path:
        """The store's one file."""
        return self.directory / FILE_NAME

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def __enter__(self) -> "Store":
        """Closes the file at the end of a `with` block."""
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@contextlib.contextmanager
def removed_at_the_end(path: Path) -> Iterator[None]:
    """Takes a file away, and what SQLite keeps beside it, however the block ends."""
    try:
        yield
    finally:
        for name in (path.name, f"{path.name}-journal"):
            path.with_name(name).unlink(missing_ok=True)


def synchronise(directory: Path) -> None:
    """Have the names in a directory written to disk."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def is_there(path: Path) -> bool:
    """Whether a path leads to a regular file.

    Raises:
        StoreError: It cannot be looked at.
    """
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise StoreError(f"{path.parent} cannot be read: {error.strerror}") from None


def in_the_way(directory: Path, path: Path) -> str:
    """Says what stands where a store was to be made."""
    if path.is_file():
        return (
            f"{directory} holds an exchange already" if is_store(path) else f"{path} is in the way: it is no exchange"
        )
    return f"{path if directory.is_dir() else directory} is in the way"


def is_locked(path: Path) -> bool:
    """Whether another process keeps a file from being read for longer than a moment."""
    try:
        with contextlib.closing(connected(path, min(PATIENT_SECONDS, BUSY_SECONDS))) as connection:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.OperationalError as error:
        return "locked" in str(error)
    return False


def is_store(path: Path) -> bool:
    """Whether a file calls itself a store: SQLite keeps an application's mark in its header."""
    try:
        with path.open("rb") as file:
            header = file.read(APPLICATION_PLACE + 4)
    except OSError:
        return True
    return int.from_bytes(header[APPLICATION_PLACE:], "big") == APPLICATION_ID


def connected(path: Path, busy_seconds: float | None = None) -> sqlite3.Connection:
    """A connection that waits for its turn, and does not call written what the disk has not."""
    timeout = BUSY_SECONDS if busy_seconds is None else busy_seconds
    connection = sqlite3.connect(path, timeout=timeout, isolation_level=None)
    connection.execute("PRAGMA synchronous = FULL")
    return connection


def write_beginning(path: Path, state: State) -> None:
    """Write a new store's file."""
    with contextlib.closing(connected(path)) as connection:
        connection.executescript(SCHEMA)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {STORE_FORMAT}")
        changes = state_changes(state)
        root = Commitment(state, hasher_for(len(changes))).root
        connection.execute("BEGIN")
        connection.execute("INSERT INTO setup VALUES ('config', ?)", (encode_config(state.config),))
        write_records(connection, changes)
        number = state.get(Exchange, 0).number
        connection.execute("INSERT INTO batch VALUES (?, ?, ?, ?)", (number, root_text(root), b"", diff_bytes(changes)))
        connection.execute("COMMIT")


def write_records(connection: sqlite3.Connection, changed: Changes) -> None:
    """Write changed records; those of all zeros are taken out."""
    for place, record in changed.items():
        code = RECORD_CODES[place.record]
        if record == place.record():
            connection.execute("DELETE FROM record WHERE code = ? AND key = ?", (code, place.key))
        else:
            row = (code, place.key, record_bytes(record))
            connection.execute("INSERT OR REPLACE INTO record VALUES (?, ?, ?)", row)


def check_format(connection: sqlite3.Connection, path: Path) -> None:
    """Check that a file is a store of this format.

    Raises:
        MalformedInput: It is not.
    """
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if application != APPLICATION_ID:
        raise MalformedInput(str(path), None, None, "a store of an exchange", "another file")
    if version != STORE_FORMAT:
        expected = f"a store of format {STORE_FORMAT}"
        raise MalformedInput(str(path), None, None, expected, f"format {version}")


def setup_value(connection: sqlite3.Connection, name: str, path: Path) -> bytes:
    """What the store was set up with.

    Raises:
        MalformedInput: It is missing.
    """
    row = connection.execute("SELECT value FROM setup WHERE name = ?", (name,)).fetchone()
    if row is None or not isinstance(row[0], bytes):
        raise MalformedInput(str(path), None, f"setup: {name}", "bytes", repr(row))
    return row[0]


def records_of(rows: Iterable[tuple[Any, Any, Any]], config: Config, path: Path) -> State:
    """Rows of code, key and value as a state.

    Raises:
        MalformedInput: One is no record.
    """
    state = State(config)
    for code, key, value in rows:
        record = RECORD_OF.get(code)
        if record is None or not isinstance(key, int) or not isinstance(value, bytes):
            raise MalformedInput(str(path), None, f"record {code} {key}", "a record of the state", repr(value))
        try:
            state.put(record, key, record_from_bytes(record, value))
        except (EncodingError, OutOfRangeError) as error:
            raise MalformedInput(str(path), None, f"record {code} {key}", "a record's bytes", str(error)) from None
    state.commit()
    return state
