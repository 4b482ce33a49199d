"""What the box remembers: on the disk when it says so, and one flush for many."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from edge_twins import T0

from edge_agent.sqlite_file import connect
from edge_agent.state import OURS_FOR, State
from edge_agent.state_rows import SCHEMA, take_over


class Disk:
    """What a power cut would leave: the files as they were at the last flush."""

    def __init__(self, path: Path, left: Path) -> None:
        self.path, self.left = path, left
        self.flushes = 0
        self.fails = False
        self._lock = threading.Lock()

    def fsync(self, _fd: int) -> None:
        if self.fails:
            raise OSError(5, "input/output error")
        with self._lock:
            self.flushes += 1
            for suffix in ("", "-wal"):
                shutil.copyfile(f"{self.path}{suffix}", f"{self.left}{suffix}.part")
            for suffix in ("", "-wal"):
                Path(f"{self.left}{suffix}.part").replace(f"{self.left}{suffix}")

    def after_a_power_cut(self, name: str) -> set[str]:
        with self._lock:
            for suffix in ("", "-wal"):
                shutil.copyfile(f"{self.left}{suffix}", f"{self.left}.{name}{suffix}")
        with closing(sqlite3.connect(f"{self.left}.{name}")) as db:
            return {key for (key,) in db.execute("SELECT key FROM kept")}


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Disk:
    found = Disk(tmp_path / "state.db", tmp_path / "left.db")
    monkeypatch.setattr("edge_agent.sqlite_file.fsync", found.fsync)
    return found


def test_what_is_said_to_be_kept_survives_a_power_cut_and_many_share_a_flush(disk: Disk) -> None:
    state = State(disk.path)
    state.open()

    def keep(number: int) -> bool:
        state.keep(f"k{number}", "v")
        return f"k{number}" in disk.after_a_power_cut(str(number))

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(keep, range(120))), "a write that returned was not on the disk"
    assert disk.flushes < 120, f"{disk.flushes} flushes of 120 writes: they are shared"
    before = disk.flushes
    state.end_apply("d1", {"a": "f"}, (), {}, T0)
    assert disk.flushes == before, "what a power cut may take back harmlessly does not wait for the disk"
    state.revoke([("d1", "a")], T0)
    assert disk.flushes == before + 1, "a revocation does"
    state.close()
    again = State(disk.path)
    again.open()
    again.keep("after", "v")
    assert "after" in disk.after_a_power_cut("again"), "also after the file was opened again"
    assert again.applied("d1") == {"a": "f"}
    again.close()


def test_a_disk_that_fails_is_an_error_of_the_write(disk: Disk) -> None:
    state = State(disk.path)
    state.open()
    disk.fails = True
    with pytest.raises(sqlite3.OperationalError, match="disk"):
        state.revoke([("d1", "a")], T0)
    disk.fails = False
    state.revoke([("d1", "a")], T0)
    assert state.revoked("d1") == {"a": (T0, True)}
    state.settle_revoked([("d1", "a")])
    assert state.revoked("d1") == {"a": (T0, False)}
    state.forget_revoked("d1", ["a"])
    assert state.revoked("d1") == {}
    state.close()


def test_what_was_taken_off_is_known_as_ours_for_a_while(tmp_path: Path) -> None:
    state = State(tmp_path / "state.db")
    state.open()
    state.end_apply("d1", {"a": "f", "b": "f"}, (), {}, T0)
    state.end_apply("d1", {}, ("a",), {}, T0)
    assert (state.applied("d1"), state.once("d1")) == ({"b": "f"}, {"a"}), "should it still stand there, it is ours"
    state.end_apply("d1", {}, ("b",), {}, T0 + OURS_FOR + timedelta(days=1))
    assert state.once("d1") == {"b"}, "and the file does not grow for ever"


def test_a_disk_that_is_full_again_in_the_midst_of_taking_over_takes_nothing(tmp_path: Path) -> None:
    """What was kept in memory goes to the disk whole or stays where it is."""
    state = State(tmp_path / "memory.db")
    state.open()
    state.revoke([("d1", f"t{n:05}") for n in range(3_000)], T0)
    small = connect(tmp_path / "small.db", SCHEMA)
    (pages,) = small.execute("PRAGMA page_count").fetchone()
    small.execute(f"PRAGMA max_page_count={pages + 4}")
    with pytest.raises(sqlite3.OperationalError, match="full"):
        take_over(small, state._db)
    assert small.execute("SELECT count(*) FROM revoked").fetchone() == (0,)
    assert len(state.revoked("d1")) == 3_000
    small.execute("PRAGMA max_page_count=100000")
    assert take_over(small, state._db) == 3_000
    small.close()
    state.close()
