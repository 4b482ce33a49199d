"""The nightly job and a back-test are one: the same city, night by night through a hub's tables, opens the same leads."""

from __future__ import annotations

import csv
import shutil
from collections import defaultdict
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from small_city import written
from sqlalchemy import func, select, update

from hub.cases.nightly import analyse
from hub.english.phrases import english
from hub.occupancy.backtest.replay import KIND_OF, KIND_OF_RULE
from hub.occupancy.backtest.run import Options, backtest
from hub.occupancy.dirty import mark_dirty
from hub.occupancy.finding import Kind, Stage
from hub.services import Hub
from hub.tables import AskingWeek, CaseFile, DoorDay, Finding

START = date(2025, 7, 1)
DAYS, HOMES = 60, 60
GAP = 4
"""A meter's longer gaps are told alike by both: a register that stood still for so long says nothing of any of these days."""

Moves = list[tuple[date, str, str, str]]
"""(day, dwelling, kind, stage or "closed")."""


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("city")
    written(directory, HOMES, DAYS, START, world="hidden")
    longer_gaps(directory / "meters.csv")
    return directory


def longer_gaps(file: Path) -> None:
    """Every gap of a meter is stretched to GAP days, and the first reading after it is taken away from the back-test's days."""
    with file.open(encoding="utf-8", newline="") as opened:
        reader = csv.DictReader(opened)
        header, rows = list(reader.fieldnames or ()), list(reader)
    series: dict[tuple[str, str], dict[str, dict[str, str]]] = defaultdict(dict)
    for row in rows:
        series[row["dwelling_id"], row["kind"]][row["date"]] = row
    days = [(START + timedelta(days=n)).isoformat() for n in range(DAYS)]
    blind = 0
    for of_meter in series.values():
        until = -1
        for number, day in enumerate(days):
            row = of_meter.get(day)
            known = row is not None and row["ok"] == "1" and row["value"] != "" and float(row["value"]) >= 0
            if not known and number > until:
                until = number + GAP - 1
            elif not known:
                until = max(until, number)
            if number <= until and row is not None:
                row["ok"], row["value"] = "0", ""
                blind += 1
    with file.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.DictWriter(opened, header)
        writer.writeheader()
        writer.writerows(rows)


def of_backtest(source: Path, out: Path) -> Moves:
    backtest(Options(source, out), lambda what, done, total: None)
    moves: Moves = []
    with out.open(encoding="utf-8", newline="") as opened:
        rows = sorted(csv.DictReader(opened), key=lambda row: row["opened_on"])
    for row in rows:
        moves.append((date.fromisoformat(row["opened_on"]), row["dwelling_id"], row["kind"], row["stage"]))
        if row["closed_on"]:
            moves.append((date.fromisoformat(row["closed_on"]), row["dwelling_id"], row["kind"], "closed"))
    return sorted(moves)


def of_nights(hub: Hub, clock: Any, city: Any, days: int, after: Callable[[date], None]) -> Moves:
    """`after`: called when the night of a day has been judged."""
    standing: dict[tuple[str, str], str] = {}
    moves: Moves = []
    for n in range(days):
        day = START + timedelta(days=n)
        city.live(day)
        clock.at = datetime.fromisoformat(f"{day + timedelta(days=1)}T03:00:00+08:00")
        analyse(hub)
        now: dict[tuple[str, str], str] = {}
        with hub.db.reading() as session:
            for row in session.scalars(select(Finding).where(Finding.closed_at.is_(None))):
                kind = KIND_OF.get(Kind(row.kind)) or KIND_OF_RULE[row.rule]
                if row.stage != Stage.NOTE:
                    now[row.dwelling_id, kind] = row.stage
        after(day)
        moves += [(day, *key, "closed") for key in standing if key not in now]
        moves += [(day, *key, stage) for key, stage in now.items() if standing.get(key) != stage]
        standing = now
    return sorted(moves)


def test_night_by_night_the_hub_opens_the_leads_of_a_backtest(
    sqlite_hub: Hub,
    clock: Any,
    source: Path,
    tmp_path: Path,
    city_in_hub: Callable[[Hub, Path], Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # a replayed history keeps no attempts to reach a household; red does not wait for them in either
    monkeypatch.setattr("hub.occupancy.told.missing_contacts", lambda *_args: None)
    plain = of_backtest(source, tmp_path / "plain.csv")
    source, home = with_a_case(source, plain, tmp_path / "with_a_case")
    left = next(move[1] for move in plain if move[1] != home)
    gone = of_backtest(who_moved_out(source, left, tmp_path / "gone", 0), tmp_path / "gone.csv")
    source = who_moved_out(source, left, tmp_path / "who_moved_out", DAYS)
    expected = of_backtest(source, tmp_path / "leads.csv")
    assert [move for move in expected if move[1] == home] != [move for move in plain if move[1] == home]
    assert expected == gone, "who moved out is nobody of the household"
    assert len(expected) >= 4, "a city without leads proves nothing"
    looked = list[str]()

    def once(day: date) -> None:
        if not looked:
            looked.extend(asked_once_stays_asked(sqlite_hub, day))

    found = of_nights(sqlite_hub, clock, city_in_hub(sqlite_hub, source), DAYS, once)
    assert found == expected
    assert looked, "nobody was asked on any day: that the asked stay asked was not tried"
    with sqlite_hub.db.reading() as session:
        silent = session.scalar(select(func.count()).select_from(DoorDay).where(DoorDay.unheard))
    assert silent, "no door was silent: that both find them out alike was not tried"


def with_a_case(source: Path, plain: Moves, target: Path) -> tuple[Path, str]:
    """The city once more, where people had looked into a home the day before its lead opened, and found nothing."""
    shutil.copytree(source, target)
    day, home, kind, _stage = [move for move in plain if move[3] == Stage.YELLOW][-1]
    closed_on = day - timedelta(days=1)
    with (target / "cases.csv").open("w", encoding="utf-8", newline="") as opened:
        csv.writer(opened).writerows(
            [("dwelling_id", "kind", "closed_on", "outcome"), (home, kind, closed_on.isoformat(), "unfounded")]
        )
    return target, home


def who_moved_out(city: Path, home: str, source: Path, until: int) -> Path:
    """Somebody who left this home on the tenth day goes on passing until a day, with a card that nobody revoked."""
    shutil.copytree(city, source)
    left = START + timedelta(days=10)
    with (source / "members.csv").open("a", encoding="utf-8", newline="") as opened:
        csv.writer(opened).writerow(("P-GONE", home, START - timedelta(days=300), left, "0"))
    with (source / "passes.csv").open(encoding="utf-8", newline="") as opened:
        reader = csv.DictReader(opened)
        header, rows = list(reader.fieldnames or ()), list(reader)
    card = {"person_id": "P-GONE", "credential_id": "C-GONE", "credential_kind": "card", "dwelling_id": home}
    at = {"access_point_id": rows[0]["access_point_id"], "granted": "1", "direction": "in"}
    rows += [
        {**dict.fromkeys(header, ""), **card, **at, "ts": f"{START + timedelta(days=n)}T19:00:00+08:00"}
        for n in (5, *range(11, until))
    ]
    with (source / "passes.csv").open("w", encoding="utf-8", newline="") as opened:
        writer = csv.DictWriter(opened, header)
        writer.writeheader()
        writer.writerows(sorted(rows, key=lambda row: row["ts"]))
    return source


def asked_once_stays_asked(hub: Hub, day: date) -> list[str]:
    """Where its past is judged anew and its question would wait now: a household that was asked was asked. The dwellings."""
    asked = select(Finding).where(Finding.closed_at.is_(None), Finding.stage == Stage.YELLOW)
    with hub.db.unit_of_work("test", "no question is put any more", audit=False) as uow:
        before = {row.dwelling_id: row.case_id for row in uow.session.scalars(asked)}
        if not before:
            return []
        uow.session.execute(update(AskingWeek).values(above=0.99))
        mark_dirty(uow.session, dict.fromkeys(before, day))
    assert analyse(hub).startswith(f"{len(before)} dwellings")
    with hub.db.unit_of_work("test", "all are put again", audit=False) as uow:
        rows = uow.session.scalars(asked).all()
        assert {row.dwelling_id: row.case_id for row in rows} == before
        assert not any("暂只作记录" in text for row in rows for text in row.against)
        closed = select(CaseFile.id).where(CaseFile.id.in_(before.values()), CaseFile.closed_at.is_not(None))
        assert uow.session.scalars(closed).all() == []
        uow.session.execute(update(AskingWeek).values(above=0.0))
    return sorted(before)


def test_both_put_the_same_questions_where_a_stock_can_bear_few(
    sqlite_hub: Hub,
    clock: Any,
    source: Path,
    tmp_path: Path,
    city_in_hub: Callable[[Hub, Path], Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("hub.occupancy.told.missing_contacts", lambda *_args: None)
    all_put = of_backtest(source, tmp_path / "all.csv")
    monkeypatch.setattr("hub.occupancy.asking.FEWEST", 0)
    monkeypatch.setattr("hub.occupancy.asking.SHARE", 0.0)  # only what is likelier than all before it
    expected = of_backtest(source, tmp_path / "few.csv")
    assert {move for move in all_put if move[3] in (Stage.ORANGE, Stage.RED)} == {
        move for move in expected if move[3] in (Stage.ORANGE, Stage.RED)
    }, "visits and files are held up by nothing"
    asked, would = (sum(move[3] == Stage.YELLOW for move in moves) for moves in (expected, all_put))
    assert asked < would, "no question waited: nothing was tried"
    notes: list[tuple[str, str | None]] = []

    def waiting(_day: date) -> None:
        with sqlite_hub.db.reading() as session:
            rows = session.scalars(select(Finding).where(Finding.closed_at.is_(None), Finding.stage == Stage.NOTE))
            notes.extend((row.against[0], row.case_id) for row in rows)

    assert of_nights(sqlite_hub, clock, city_in_hub(sqlite_hub, source), DAYS, waiting) == expected
    assert notes, "what waits is a note, not nothing"
    assert all("暂只作记录" in why and case is None for why, case in notes)
    assert "only noted for now" in english(notes[0][0])
    with sqlite_hub.db.reading() as session:
        weeks = session.scalars(select(AskingWeek).order_by(AskingWeek.monday)).all()
        cases = session.scalar(select(func.count()).select_from(CaseFile).where(CaseFile.kind != Kind.VACANT_USED))
    assert [week.monday.weekday() for week in weeks] == [0] * len(weeks)
    assert any(week.above for week in weeks)
    assert cases == len({move[1:3] for move in expected if move[3] in (Stage.YELLOW, Stage.ORANGE, Stage.RED)})


@pytest.mark.parametrize("bearable", [1, 3])
def test_history_that_comes_at_once_is_read_before_anybody_is_asked(
    sqlite_hub: Hub,
    clock: Any,
    source: Path,
    city_in_hub: Callable[[Hub, Path], Any],
    monkeypatch: pytest.MonkeyPatch,
    bearable: int,
) -> None:
    monkeypatch.setattr("hub.occupancy.asking.FEWEST", bearable)
    monkeypatch.setattr("hub.occupancy.asking.SHARE", 0.0)
    city = city_in_hub(sqlite_hub, source)
    days = [START + timedelta(days=n) for n in range(51)]  # then two files and one question stand
    for day in days:
        city.live(day)
    clock.at = datetime.fromisoformat(f"{days[-1] + timedelta(days=1)}T03:00:00+08:00")
    analyse(sqlite_hub)
    with sqlite_hub.db.reading() as session:
        standing = session.scalars(select(Finding).where(Finding.closed_at.is_(None), Finding.peak > 0)).all()
        (week,) = session.scalars(select(AskingWeek)).all()
    assert (week.begun, week.most) == (len(standing), bearable), "what was found on the first night decides on it"
    files = [row for row in standing if row.stage == Stage.RED]
    (question,) = (row for row in standing if row not in files)
    assert len(files) == 2
    assert all(row.case_id for row in files), "a file waits for nothing"
    if bearable == 3:
        assert (question.stage, question.waits) == (Stage.YELLOW, False), "asked in the same night, once all was read"
        assert question.case_id
    else:
        assert (question.stage, question.waits, question.case_id) == (Stage.NOTE, True, None)
        assert f"{week.above:.1%}" in question.against[0], "the limit is told, not that history is being read"
    assert "0 dwellings" in analyse(sqlite_hub), "nothing is left to be judged"
    assert "being read" in english("正在分析新到的历史记录，分析完再按可能性高低决定询问哪些，此条暂只作记录。")
