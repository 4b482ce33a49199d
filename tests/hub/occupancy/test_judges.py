"""A night judged by several processes writes what one process writes, and goes on when one of them dies."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from multiprocessing import active_children
from pathlib import Path
from typing import Any

import pytest
from empty_hub import open_sqlite
from sqlalchemy import insert, select

from hub.cases import nightly
from hub.cases.nightly import analyse
from hub.config import Config
from hub.keys import Keys
from hub.live import Live
from hub.occupancy import analyse as rooms
from hub.occupancy import judges
from hub.occupancy.estate_view import load_day
from hub.services import Hub
from hub.tables import Base, Estate
from simulators.residents import Layout

END = date(2026, 11, 21)
FIRST = datetime(2026, 11, 18, 1, 0, tzinfo=UTC)
HOMES, NIGHTS = 24, 2


Rows = dict[str, list[str]]
"""Table → its rows."""


def _everything(hub: Hub) -> Rows:
    """The rows of all tables; random ids, and hashes over them, are left out."""
    found: dict[str, list[str]] = {}
    with hub.db.reading() as session:
        for table in Base.metadata.sorted_tables:
            rows = (json.dumps(list(row), sort_keys=True, default=_text) for row in session.execute(select(table)))
            found[table.name] = sorted(re.sub(r"\b(fnd|case)-\w{12}\b|\b[0-9a-f]{64}\b", "-", row) for row in rows)
    return found


def _text(value: Any) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)


@dataclass
class At:
    """A clock that is set."""

    at: datetime

    def __call__(self) -> datetime:
        return self.at


def _nights(hub: Hub, clock: Any) -> None:
    """The first analysis, and the nights after it."""
    clock.at = FIRST
    analyse(hub)
    for _ in range(NIGHTS):
        clock.at += timedelta(days=1)
        assert analyse(hub).startswith(f"{HOMES} dwellings"), "each dwelling is judged once"


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory, simulate: Callable[..., Any]) -> tuple[Path, Rows]:
    """(the database of a hub of which nothing was judged yet, the rows of its tables once one process had judged its nights)."""
    folder, clock = tmp_path_factory.mktemp("by_one"), At(FIRST)
    hub = Hub(Config(dir=folder, night_jobs=1), open_sqlite(folder), Keys(folder / "keys"), Live(), clock)
    simulate(hub, end=END, days=70, layout=Layout(blocks=1, floors=6, per_floor=4))
    before = folder / "before.sqlite"
    with closing(sqlite3.connect(folder / "hub.sqlite")) as one, closing(sqlite3.connect(before)) as other:
        one.backup(other)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rooms, "NIGHT_BATCH", 5)
        _nights(hub, clock)
    rows = _everything(hub)
    hub.db.close()
    return before, rows


@pytest.fixture
def by_one(history: tuple[Path, Rows]) -> Rows:
    """What one process writes."""
    return history[1]


@pytest.fixture
def other(history: tuple[Path, Rows], tmp_path: Path, clock: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub with the same history. Pieces are of five dwellings, and further processes are started for a single one."""
    monkeypatch.setattr(rooms, "NIGHT_BATCH", 5)
    monkeypatch.setattr(judges, "POOL_FROM", 1)
    shutil.copyfile(history[0], tmp_path / "hub.sqlite")
    hub = Hub(Config(dir=tmp_path, night_jobs=2), open_sqlite(tmp_path), Keys(tmp_path / "keys"), Live(), clock)
    yield hub
    hub.db.close()


def _copy(hub: Hub, other: Hub) -> None:
    with hub.db.reading() as session, other.db.unit_of_work("test", "copy", audit=False) as uow:
        for table in Base.metadata.sorted_tables:
            if rows := [dict(row) for row in session.execute(select(table)).mappings()]:
                uow.session.connection().execute(insert(table), rows)


def test_two_processes_write_what_one_writes(
    by_one: Rows, other: Hub, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = list[int]()
    pool = judges._Pool.__init__

    def counted(self: Any, db: Any, jobs: int) -> None:
        started.append(jobs)
        pool(self, db, jobs)

    monkeypatch.setattr(judges._Pool, "__init__", counted)
    monkeypatch.setattr(judges, "_judge", _never)
    _nights(other, clock)
    assert started == [2] * (1 + NIGHTS), "the first analysis, and each night"
    assert _everything(other) == by_one
    assert not active_children(), "they end with the night"


def _never(_db: Any, _task: Any) -> None:
    pytest.fail("it was judged by the process that writes")


def test_the_night_goes_on_when_a_process_dies(
    by_one: Rows, other: Hub, clock: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    write = nightly.write_night

    def dies(uow: Any, view: Any, night: Any) -> Any:
        for child in active_children():
            os.kill(child.pid or 0, signal.SIGKILL)
        return write(uow, view, night)

    monkeypatch.setattr(nightly, "write_night", dies)
    monkeypatch.setattr(judges, "AHEAD", 1)  # after the first is written there are pieces nobody was given yet
    _nights(other, clock)
    assert _everything(other) == by_one
    told = [record for record in caplog.records if record.name == judges.log.name]
    assert len(told) == NIGHTS, "once a night, not once a piece"


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_hub_that_is_told_to_stop_leaves_the_rest_of_the_night_to_its_next_start(
    by_one: Rows, other: Hub, clock: Any, monkeypatch: pytest.MonkeyPatch, jobs: int
) -> None:
    other.config = replace(other.config, night_jobs=jobs)
    write = nightly.write_night

    def told(*what: Any) -> Any:
        other.ending.set()
        return write(*what)

    clock.at = FIRST
    analyse(other)
    for _ in range(NIGHTS):
        clock.pass_(days=1)
        monkeypatch.setattr(nightly, "write_night", told)
        said = analyse(other)
        assert said.startswith("5 dwellings, ")
        assert said.endswith("; told to stop: the rest in the next run")
        other.ending.clear()
        monkeypatch.setattr(nightly, "write_night", write)
        assert analyse(other).startswith(f"{HOMES - 5} dwellings, "), "each dwelling is judged once"
    assert _everything(other) == by_one


def test_on_postgresql_too(by_one: Rows, other: Hub, postgres_hub: Hub, clock: Any) -> None:
    _copy(other, postgres_hub)
    postgres_hub.config = replace(postgres_hub.config, night_jobs=2)
    _nights(postgres_hub, clock)
    ours, theirs = _everything(postgres_hub), by_one
    for name in ("presence_day", "dwelling_memory", "recognition_day", "finding", "case_file", "outbox"):
        assert ours[name] == theirs[name], name


def test_a_small_night_starts_no_process(sqlite_hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judges, "_Pool", None)
    monkeypatch.setattr(judges, "judge_night", lambda _session, _view, dwellings: list(dwellings))
    monkeypatch.setattr(judges, "judge_anew", lambda _session, _view, due: dict(due))
    view: Any = object()
    pieces = [judges.Piece(n, view, (str(n),)) for n in range(3)]
    with judges.Judges(sqlite_hub.db, 2) as two:
        assert list(two.nights([*pieces, judges.Piece(3)])) == [
            *((piece, [str(piece.of)]) for piece in pieces),
            (judges.Piece(3), None),
        ]
        assert list(two.anew(view, [{"a": None}, {"b": None}])) == [{"a": None}, {"b": None}]


def test_what_is_handed_to_a_process_is_of_its_dwellings_alone(sqlite_hub: Hub, simulate: Callable[..., Any]) -> None:
    simulate(sqlite_hub, end=END, days=31, layout=Layout(blocks=2, floors=6, per_floor=4))
    with sqlite_hub.db.reading() as session:
        estate = session.scalars(select(Estate)).one()
        view = load_day(session, estate, date(2026, 11, 20), sqlite_hub.now())
    homes = sorted(view.dwelling_block)
    view = replace(view, locks={home: ((f"lock of {home}", [0.25]),) for home in homes[1:]})
    some = homes[:2]
    part = view.part(some)
    assert list(part.locks) == [homes[1]]
    assert sorted(part.dwelling_block) == some
    assert part.points == view.points, "whom the doors recognise is counted for all blocks"
    assert [part.gaps(home) for home in some] == [view.gaps(home) for home in some]
    assert [part.way_home(home) for home in some] == [view.way_home(home) for home in some]
