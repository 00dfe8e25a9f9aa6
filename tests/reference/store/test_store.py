"""A store holds a whole number of batches, whatever happens to the process, and refuses a damaged file."""

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from perp_reference.core.commitment import Commitment
from perp_reference.core.diff import apply_diff
from perp_reference.core.state import State, genesis
from perp_reference.demo import ACTS, Cast, demo_ring
from perp_reference.errors import MalformedInput, StoreError
from perp_reference.formats.batch import decode_batch
from perp_reference.store.run import draft_of, run_batch, run_draft
from perp_reference.store.store import FILE_NAME, Store
from perp_spec.perpetual.config import Config
from perp_spec.perpetual.defaults import default_config
from perp_spec.perpetual.records import Exchange, MarketPrice

RING = demo_ring()
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)}


def configuration() -> Config:
    return RING.configured(default_config(3))


def beginning() -> State:
    return genesis(configuration(), RING.fees.owner)


def played(directory: Path, acts: int = len(ACTS)) -> Store:
    store = Store.create(directory, beginning())
    for act in ACTS[:acts]:
        signed = tuple(RING.sign(operation, act.time) for operation in act.operations(Cast.of(RING)))
        run_draft(store, draft_of(store.state, act.time, signed))
    return store


def test_reopening_gives_the_state_as_it_was(tmp_path: Path) -> None:
    with played(tmp_path) as store:
        tables, root = store.state.tables, store.commitment.root
    with Store.open(tmp_path) as again:
        assert (again.state.tables, again.commitment.root, again.config) == (tables, root, configuration())


def test_the_batch_files_lead_to_the_same_roots_elsewhere(tmp_path: Path) -> None:
    with played(tmp_path / "one") as store, Store.create(tmp_path / "two", beginning()) as other:
        first, *entries = store.history()
        assert first.number == 0
        for entry in entries:
            batch = decode_batch(entry.operations, "log")
            assert run_batch(other, batch).root == entry.root
        assert [entry.number for entry in entries] == [1, 2, 3, 4, 5, 6]


def test_the_differences_alone_rebuild_the_state(tmp_path: Path) -> None:
    with played(tmp_path) as store:
        rebuilt = State(store.config)
        for entry in store.history():
            apply_diff(rebuilt, entry.changes)
            rebuilt.commit()
            assert Commitment(rebuilt).root == entry.root


def test_a_store_is_not_made_over_another(tmp_path: Path) -> None:
    Store.create(tmp_path, beginning()).close()
    with pytest.raises(StoreError, match="holds an exchange already"):
        Store.create(tmp_path, beginning())


def test_of_two_makers_exactly_one_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a maker about to put its store into place, when another was quicker, then that one's store stays."""
    link = os.link

    def late(source: Path, target: Path) -> None:
        monkeypatch.setattr(os, "link", link)
        played(tmp_path, acts=1).close()
        link(source, target)

    monkeypatch.setattr(os, "link", late)
    with pytest.raises(StoreError, match="holds an exchange already"):
        Store.create(tmp_path, beginning())
    with Store.open(tmp_path) as store:
        assert store.number == 1
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]


MAKER = """
import sys
from pathlib import Path
from perp_reference.core.state import genesis
from perp_reference.demo import demo_ring
from perp_reference.errors import StoreError
from perp_reference.store.store import Store
from perp_spec.perpetual.defaults import default_config

ring = demo_ring()
state = genesis(ring.configured(default_config(3)), ring.fees.owner)
print("ready", flush=True)
sys.stdin.read()
try:
    Store.create(Path(sys.argv[1]), state).close()
    print("made")
except StoreError as error:
    print(error)
"""


def test_of_many_makers_at_once_exactly_one_wins(tmp_path: Path) -> None:
    directory = tmp_path / "exchange"
    command = [sys.executable, "-c", MAKER, str(directory)]
    pipe = subprocess.PIPE
    makers = [subprocess.Popen(command, stdin=pipe, stdout=pipe, env=ENVIRONMENT, text=True) for _ in range(4)]
    for maker in makers:
        assert maker.stdout is not None
        assert maker.stdout.readline() == "ready\n"
    for maker in makers:
        assert maker.stdin is not None
        maker.stdin.close()
    said = sorted(maker.stdout.read() for maker in makers if maker.stdout is not None)
    for maker in makers:
        assert maker.wait(timeout=60) == 0
        assert maker.stdout is not None
        maker.stdout.close()
    assert said == [*[f"{directory} holds an exchange already\n"] * 3, "made\n"]
    assert [path.name for path in directory.iterdir()] == [FILE_NAME]
    Store.open(directory).close()


def test_what_is_left_of_a_killed_maker_is_in_nobodys_way(tmp_path: Path) -> None:
    (tmp_path / f"{FILE_NAME}.partial").write_bytes(b"half")
    (tmp_path / f"{FILE_NAME}.0123456789abcdef.partial").write_bytes(b"half")
    Store.create(tmp_path, beginning()).close()
    Store.open(tmp_path).close()


@pytest.mark.parametrize("name", ["file", "file/below", "x" * 300])
def test_a_store_that_cannot_be_made_is_one_line(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_bytes(b"precious")
    with pytest.raises(StoreError, match=r"is in the way|cannot be written: "):
        Store.create(tmp_path / name, beginning())
    assert (tmp_path / "file").read_bytes() == b"precious"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nothing", "holds no exchange"),
        ("file", "holds no exchange"),
        ("x" * 300, "cannot be read: File name too long"),
        ("directory", "holds no exchange"),
        ("pipe", "holds no exchange"),
    ],
)
def test_a_store_that_is_not_there_is_not_opened(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "directory" / FILE_NAME).mkdir(parents=True)
    (tmp_path / "pipe").mkdir()
    os.mkfifo(tmp_path / "pipe" / FILE_NAME)
    with pytest.raises(StoreError, match=message):
        Store.open(tmp_path / name)


def test_a_reader_of_the_history_does_not_keep_a_writer_out(tmp_path: Path) -> None:
    """Given a reader in the middle of the log, when a batch is written, then both go on, the reader as it began."""
    played(tmp_path, acts=2).close()
    with Store.open(tmp_path) as reader, Store.open(tmp_path) as writer:
        entries = reader.history()
        assert next(entries).number == 0
        act = ACTS[2]
        signed = tuple(RING.sign(operation, act.time) for operation in act.operations(Cast.of(RING)))
        assert run_draft(writer, draft_of(writer.state, act.time, signed)).batch.header.number == 3
        assert [entry.number for entry in entries] == [1, 2]


def test_a_store_that_another_process_keeps_locked_is_in_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    played(tmp_path, acts=1).close()
    monkeypatch.setattr("perp_reference.store.store.BUSY_SECONDS", 0.1)
    other = sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)
    with Store.open(tmp_path) as opened:
        Store.open(tmp_path, lambda: pytest.fail("nobody keeps it locked")).close()
        other.execute("BEGIN EXCLUSIVE")
        waited: list[str] = []
        with pytest.raises(StoreError, match="is in use by another process"):
            Store.open(tmp_path, lambda: waited.append("waits"))
        assert waited == ["waits"]
        with pytest.raises(StoreError, match="is in use by another process"):
            list(opened.history())
        with pytest.raises(StoreError, match="cannot be written: database is locked"):
            opened.append(b"", {})
    other.close()


def test_of_two_writers_the_second_is_refused(tmp_path: Path) -> None:
    act = ACTS[0]
    signed = tuple(RING.sign(operation, act.time) for operation in act.operations(Cast.of(RING)))
    Store.create(tmp_path, beginning()).close()
    with Store.open(tmp_path) as one, Store.open(tmp_path) as two:
        root = run_draft(one, draft_of(one.state, act.time, signed)).root
        with pytest.raises(StoreError, match="written by another process: it is at batch 1"):
            run_draft(two, draft_of(two.state, act.time, signed))
    with Store.open(tmp_path) as again:
        assert (again.commitment.root, again.state.get(Exchange, 0).number) == (root, 1)


DAMAGES = {
    "a record changed": "UPDATE record SET value = (SELECT value FROM record WHERE code = 4 AND key = 1) "
    "WHERE code = 4 AND key = 0",
    "a record missing": "DELETE FROM record WHERE code = 7 AND key = 3",
    "a record cut": "UPDATE record SET value = substr(value, 2) WHERE code = 7 AND key = 3",
    "a record of no kind": "INSERT INTO record VALUES (99, 0, x'00')",
    "a record that is text": "UPDATE record SET value = 'text' WHERE code = 7 AND key = 3",
    "a root changed": "UPDATE batch SET root = replace(root, '4', '5') WHERE number = 6",
    "a batch missing": "DELETE FROM batch WHERE number = 6",
    "no batches": "DELETE FROM batch",
    "no configuration": "DELETE FROM setup",
    "another format": "PRAGMA user_version = 2",
    "another application": "PRAGMA application_id = 1",
    "a table missing": "DROP TABLE record",
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("whole")
    played(directory).close()
    return directory


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_a_damaged_file_is_refused_by_name(whole: Path, tmp_path: Path, damage: str) -> None:
    shutil.copy(whole / FILE_NAME, tmp_path)
    connection = sqlite3.connect(tmp_path / FILE_NAME)
    connection.execute(damage)
    connection.commit()
    connection.close()
    with pytest.raises(MalformedInput) as caught:
        Store.open(tmp_path)
    assert str(tmp_path / FILE_NAME) in str(caught.value)


def test_a_file_with_any_part_overwritten_is_refused_or_unharmed(whole: Path, tmp_path: Path) -> None:
    data = (whole / FILE_NAME).read_bytes()
    with Store.open(whole) as store:
        root = store.commitment.root
    chance = random.Random(1)
    for _ in range(80):
        start = chance.randrange(len(data))
        spoiled = data[:start] + chance.randbytes(chance.choice((1, 2, 40))) + data[start + 1 :]
        (tmp_path / FILE_NAME).write_bytes(spoiled[: chance.choice((len(data), len(data), start + 1))])
        try:
            with Store.open(tmp_path) as store:
                assert store.commitment.root == root
        except MalformedInput:
            pass


WRITER = """
import sys
from pathlib import Path
from perp_reference.demo import tick
from perp_reference.formats.signed import Signed
from perp_reference.signing.authorise import unsigned
from perp_reference.demo import demo_ring
from perp_reference.store.run import draft_of, run_draft
from perp_reference.store.store import Store
from perp_spec.perpetual.records import Exchange

ring = demo_ring()
with Store.open(Path(sys.argv[1])) as store:
    print("open", flush=True)
    while True:
        print("batch", flush=True)
        time = store.state.get(Exchange, 0).time + 10
        number = store.state.get(Exchange, 0).number
        ticks = tuple(ring.sign(tick(market, 1000 + number), time) for market in range(3))
        run_draft(store, draft_of(store.state, time, ticks))
"""


def test_killed_at_any_moment_it_reopens_to_a_whole_batch(tmp_path: Path) -> None:
    """Given a process that writes one batch after another, when it is killed, then the last whole batch is there."""
    with Store.create(tmp_path, beginning()):
        pass
    chance = random.Random(7)
    last = 0
    for _ in range(6):
        command = [sys.executable, "-c", WRITER, str(tmp_path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=ENVIRONMENT) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"open\n"
            for _ in range(chance.randrange(2, 8)):
                assert process.stdout.readline() == b"batch\n"
            time.sleep(chance.uniform(0, 0.02))
            process.send_signal(signal.SIGKILL)
        with Store.open(tmp_path) as store:
            number = store.state.get(Exchange, 0).number
            numbers = [entry.number for entry in store.history()]
            index = store.state.get(MarketPrice, 0).index
        assert numbers == list(range(number + 1))
        assert number >= last
        assert index == (0 if number == 0 else (1000 + number - 1) * 100)
        last = number
    assert last > 0
