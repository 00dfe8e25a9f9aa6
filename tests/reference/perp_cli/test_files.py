"""Files that a command writes: known to be writable before the work, and left as they were where the work fails."""

import os
import resource
from pathlib import Path

import pytest

from perp_cli.errors import UsageError
from perp_cli.files import pending


def test_the_content_is_replaced_when_the_work_is_done(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.write_text("a longer text than the new one", encoding="utf-8")
    with pending(old, None, new) as (first, second, third):
        assert first is not None
        assert second is None
        assert third is not None
        assert old.read_text(encoding="utf-8") == "a longer text than the new one"
        first.write(b"one")
        third.write(b"two")
    assert (old.read_bytes(), new.read_bytes()) == (b"one", b"two")


def test_where_the_work_fails_nothing_is_changed(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.write_text("kept", encoding="utf-8")
    with pytest.raises(ValueError, match="the work"), pending(old, new):
        raise ValueError("the work")
    assert [path.name for path in tmp_path.iterdir()] == ["old"]
    assert old.read_text(encoding="utf-8") == "kept"


@pytest.mark.parametrize("name", ["no/such/directory", ".", "x" * 300])
def test_what_cannot_be_written_is_refused_before_the_work(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="cannot be written: "), pending(tmp_path / name):
        raise AssertionError("the work must not begin")


def test_a_full_disk_is_one_line(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with pending(tmp_path / "file") as (file,):
        assert file is not None
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
        try:
            with pytest.raises(UsageError) as caught:
                file.write(b"x")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert str(caught.value) == f"{tmp_path}/file cannot be written: File too large"


@pytest.mark.parametrize("was_there", [True, False])
def test_a_disk_that_fills_up_leaves_no_half_of_a_file(tmp_path: Path, was_there: bool) -> None:
    path = tmp_path / "file"
    if was_there:
        path.write_bytes(b"old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with pending(path) as (file,):
        assert file is not None
        resource.setrlimit(resource.RLIMIT_FSIZE, (10, hard))
        try:
            with pytest.raises(UsageError, match="cannot be written: File too large"):
                file.write(b"more than there is room for")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert [item.read_bytes() for item in tmp_path.iterdir()] == ([b""] if was_there else [])


def test_two_names_of_one_file_are_refused(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("precious", encoding="utf-8")
    (tmp_path / "link").symlink_to("store")
    with pytest.raises(UsageError, match="are the same file"), pending(tmp_path / "x", tmp_path / "x"):
        pass
    store = tmp_path / "store"
    with pytest.raises(UsageError, match="are the same file"), pending(tmp_path / "link", apart_from=(tmp_path, store)):
        pass
    assert (tmp_path / "store").read_text(encoding="utf-8") == "precious"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "store"]


def test_two_results_may_go_to_one_device() -> None:
    with pending(Path(os.devnull), Path(os.devnull)) as files:
        for file in files:
            assert file is not None
            file.write(b"x")


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("old", encoding="utf-8")
    (tmp_path / "link").symlink_to("file")
    with pending(tmp_path / "link") as (file,):
        assert file is not None
        file.write(b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_bytes() == b"new"
