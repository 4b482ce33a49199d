"""Bad records: each kind is named and counted, none is believed, none is a crash, and none makes a lead."""

from __future__ import annotations

import csv
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from pathlib import Path

import pytest

from hub.occupancy.backtest.chunk import HistoryInvalid
from hub.occupancy.backtest.run import Options, Result, backtest
from simulators.city.generate import generate
from simulators.city.plan import Settings
from simulators.city.world import builtin_world

START, DAYS = date(2025, 7, 1), 90
Rows = list[dict[str, str]]
Found = set[tuple[str, ...]]
MET = ("kind", "stage", "opened_on")


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("city")
    generate(Settings(builtin_world("dev"), seed=5, dwellings=70, days=DAYS, start=START), directory, parquet=False)
    (directory / "truth.csv").unlink()  # nothing is scored here
    return directory


def replay(source: Path, out: Path, until: date | None = None) -> tuple[Found, Result]:
    """The leads as (dwelling, kind, stage, day), and the rest."""
    result = backtest(Options(source, out, until=until), lambda *_said: None)
    with out.open(encoding="utf-8", newline="") as opened:
        return {(row["dwelling_id"], *(row[name] for name in MET)) for row in csv.DictReader(opened)}, result


@pytest.fixture(scope="module")
def clean(city: Path, tmp_path_factory: pytest.TempPathFactory) -> Found:
    found, _ = replay(city, tmp_path_factory.mktemp("clean") / "leads.csv")
    assert found, "a city without leads proves nothing"
    return found


def spoilt(source: Path, target: Path, tables: dict[str, Callable[[Rows], Iterable[dict[str, str]]]]) -> Path:
    shutil.copytree(source, target)
    for table, change in tables.items():
        with (source / f"{table}.csv").open(encoding="utf-8", newline="") as opened:
            reader = csv.DictReader(opened)
            header, rows = list(reader.fieldnames or ()), list(reader)
        with (target / f"{table}.csv").open("w", encoding="utf-8", newline="") as opened:
            writer = csv.DictWriter(opened, header)
            writer.writeheader()
            writer.writerows(change(rows))
    return target


def test_clocks_of_other_decades_make_no_longer_history(city: Path, clean: Found, tmp_path: Path) -> None:
    def coverage(rows: Rows) -> Rows:
        jumped = {**rows[0], "from": "1970-01-01T08:00:03+08:00", "to": "1970-01-01T09:00:00+08:00"}
        endless = [{**row, "to": "9999-12-31T00:00:00+08:00"} if row is rows[-1] else row for row in rows]
        assert rows[-1]["state"] == "ok"
        return [*endless, jumped]

    def absences(rows: Rows) -> Rows:
        home = rows[0]["dwelling_id"] if rows else ""
        base = {"dwelling_id": home, "reason": "work", "declared_on": "2025-08-01"}
        return [*rows, {**base, "from": "9999-12-30", "to": ""}, {**base, "from": "2025-08-09", "to": "2025-08-01"}]

    source = spoilt(city, tmp_path / "clocks", {"coverage": coverage, "absences": absences})
    found, result = replay(source, tmp_path / "leads.csv", START + timedelta(days=DAYS - 1))
    counts = result.problems.counts
    assert counts["coverage that begins years before or after the rest, kept out"] == 1
    assert counts["coverage that ends years after the rest, cut off"] == 1
    assert counts["absence that cannot be used"] == 2
    assert result.figures["days"] == DAYS
    assert found == clean


def test_coverage_without_any_end_asks_for_the_last_day(city: Path, clean: Found, tmp_path: Path) -> None:
    def endless(rows: Rows) -> Rows:
        return [{**row, "to": "9999-12-31T00:00:00+08:00"} for row in rows]

    source = spoilt(city, tmp_path / "endless", {"coverage": endless})
    with pytest.raises(HistoryInvalid, match=r"coverage row 1: the coverage ends in 9999; say the last day with --to"):
        replay(source, tmp_path / "leads.csv")
    _, result = replay(source, tmp_path / "leads.csv", START + timedelta(days=DAYS - 1))
    assert result.figures["days"] == DAYS


def _between(day: str, first: int, last: int) -> bool:
    return (START + timedelta(days=first)).isoformat() <= day[:10] <= (START + timedelta(days=last)).isoformat()


def test_a_gap_of_the_record_is_no_absence(city: Path, clean: Found, tmp_path: Path) -> None:
    """Three weeks of which nothing is recorded, coverage neither: nobody is found to be away by them."""

    def cut(rows: Rows) -> Iterable[dict[str, str]]:
        edge = [(START + timedelta(days=n)).isoformat() + "T00:00:00+08:00" for n in (40, 62)]
        for row in rows:
            if row["from"] < edge[0]:
                yield {**row, "to": min(row["to"], edge[0])}
            if row["to"] > edge[1]:
                yield {**row, "from": max(row["from"], edge[1])}

    source = spoilt(
        city,
        tmp_path / "gap",
        {
            "coverage": cut,
            "passes": lambda rows: [row for row in rows if not _between(row["ts"], 40, 61)],
            "meters": lambda rows: [row for row in rows if not _between(row["date"], 40, 61)],
        },
    )
    found, _ = replay(source, tmp_path / "leads.csv")
    known = {lead[:2] for lead in clean}
    assert {lead for lead in found if lead[:2] not in known and lead[2] in ("orange", "red")} == set()


def test_passes_of_a_wrong_clock_count_for_nothing(city: Path, clean: Found, tmp_path: Path) -> None:
    def wrong(rows: Rows) -> Rows:
        edge = [(START + timedelta(days=n)).isoformat() + "T00:00:00+08:00" for n in (50, 60)]
        points = {row["access_point_id"] for row in rows}
        return [
            *rows,
            *({"access_point_id": p, "from": edge[0], "to": edge[1], "state": "clock"} for p in sorted(points)),
        ]

    found, result = replay(spoilt(city, tmp_path / "clock", {"coverage": wrong}), tmp_path / "leads.csv")
    assert result.problems.counts["pass while the device's clock was wrong, kept out"] > 500
    known = {lead[:2] for lead in clean}
    assert {lead for lead in found if lead[:2] not in known and lead[2] in ("orange", "red")} == set()


def test_what_is_told_twice_counts_once_and_what_contradicts_itself_not_at_all(
    city: Path, clean: Found, tmp_path: Path
) -> None:
    def meters(rows: Rows) -> Rows:
        good = [row for row in rows if row["ok"] == "1" and row["value"]]
        return [*rows, *good[:40], {**good[41], "date": "2031-01-01"}]

    source = spoilt(
        city,
        tmp_path / "twice",
        {
            "passes": lambda rows: [one for row in rows for one in (row, row)],
            "meters": meters,
            "members": lambda rows: [*rows, rows[0], {**rows[1], "to": "1999-01-01"}],
            "dwellings": lambda rows: [*rows, next(row for row in rows if row["let_from"])],
            "access_points": lambda rows: [*rows, rows[0], {**rows[0], "access_point_id": "AP-X", "scope": "moon"}],
        },
    )
    found, result = replay(source, tmp_path / "leads.csv")
    counts = result.problems.counts
    assert counts["duplicate pass, counted once"] > 1000
    assert counts["second reading of a day; where they differ none counts"] == 40
    assert counts["reading outside the days of the history, kept out"] == 1
    assert counts["duplicate member row"] == 1
    assert counts["member who leaves before joining, dwelling kept out"] == 1
    assert counts["duplicate dwelling row"] == 1
    assert counts["duplicate access point"] == 1
    assert counts["access point of no known place"] == 1
    assert found == clean


def test_a_month_that_was_added_once_more_counts_once(
    city: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody puts the months' files together and takes one twice, far apart in the table: chances changed, and stages with
    them."""
    monkeypatch.setattr("hub.occupancy.backtest.tables.CHUNK_ROWS", 5000)
    monkeypatch.setattr("hub.occupancy.backtest.repeats.FLUSH_KEYS", 7000)
    added = list[dict[str, str]]()

    def again(rows: Rows) -> Rows:
        added.extend(rows[: len(rows) // 3])
        return [*rows, *added]

    replay(city, tmp_path / "once.csv")
    _, result = replay(spoilt(city, tmp_path / "again", {"passes": again}), tmp_path / "again.csv")
    assert (tmp_path / "again.csv").read_text() == (tmp_path / "once.csv").read_text(), "chances and all"
    told_apart = [row for row in added if row["person_id"] or row["credential_id"]]
    assert result.problems.counts["duplicate pass, counted once"] >= len(told_apart) > 5000


def test_two_readings_that_differ_say_nothing(city: Path, tmp_path: Path) -> None:
    """A second series of readings near nothing for every home: no home is found empty by its meter."""
    source = spoilt(
        city,
        tmp_path / "differ",
        {
            "meters": lambda rows: [*rows, *({**row, "value": "0.0"} for row in rows if row["value"] not in ("", "0"))],
        },
    )
    _, result = replay(source, tmp_path / "leads.csv")
    assert result.problems.counts["second reading of a day; where they differ none counts"] > 1000
    with (tmp_path / "leads.csv").open(encoding="utf-8", newline="") as opened:
        assert [
            row for row in csv.DictReader(opened) if row["kind"] == "vacancy" and row["stage"] in ("orange", "red")
        ] == []


GONE = ("2025-08-01", "2025-08-31")


def of_these_days(rows: Rows) -> Rows:
    return [row for row in rows if not GONE[0] <= row["ts"] < GONE[1]]


def no_more(found: Found, clean: Found) -> set[str]:
    """Homes named that the clean city does not name."""
    return {lead[0] for lead in found} - {lead[0] for lead in clean}


def test_passes_that_an_export_lost_are_nobodys_absence(city: Path, clean: Found, tmp_path: Path) -> None:
    found, result = replay(spoilt(city, tmp_path / "lost", {"passes": of_these_days}), tmp_path / "leads.csv")
    said = "door that recorded nobody, or nothing readable, on days on which many pass: taken for not observing"
    assert result.problems.counts[said] > 25
    assert not no_more(found, clean), "doors said that they saw; they recorded nobody"


def test_passes_that_cannot_be_read_are_nobodys_absence(city: Path, clean: Found, tmp_path: Path) -> None:
    def illegible(rows: Rows) -> Rows:
        return [row if row in of_these_days([row]) else {**row, "granted": "?"} for row in rows]

    found, result = replay(spoilt(city, tmp_path / "odd", {"passes": illegible}), tmp_path / "leads.csv")
    assert result.problems.counts["pass of which nothing says whether it was granted, kept out"] > 5_000
    assert not no_more(found, clean)


def test_doors_that_are_down_for_a_month_accuse_nobody(city: Path, clean: Found, tmp_path: Path) -> None:
    """Meters go on: without doors that is no use by others."""

    def down(rows: Rows) -> Rows:
        points = {row["access_point_id"] for row in rows}
        spans = {"from": f"{GONE[0]}T00:00:00+08:00", "to": f"{GONE[1]}T00:00:00+08:00", "state": "down"}
        return [*rows, *({"access_point_id": point, **spans} for point in sorted(points))]

    source = spoilt(city, tmp_path / "down", {"coverage": down, "passes": of_these_days})
    assert not no_more(replay(source, tmp_path / "leads.csv")[0], clean)
    for name, change in {
        "a word of the maker": lambda row: {**row, "state": "offline"},
        "still down": lambda row: {**row, "to": ""},
        "nobody knows since when": lambda row: {**row, "from": "last month"},
    }.items():
        broken = spoilt(
            city,
            tmp_path / name,
            {
                "coverage": lambda rows, change=change: [
                    change(r) if r in down(rows)[len(rows) :] else r for r in down(rows)
                ],
                "passes": of_these_days,
            },
        )
        assert not no_more(replay(broken, tmp_path / f"{name}.csv")[0], clean), name


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"let_from": "2024/08/08"}, "unreadable value in dwellings.let_from"),
        ({"let_from": "2124-08-08"}, "lease that begins years after the history, dwelling kept out"),
        ({"let_from": "2025-07-20", "let_to": "2025-07-15"}, "lease that ends before it begins, dwelling kept out"),
    ],
    ids=["slashes", "a century on", "reversed"],
)
def test_a_lease_that_cannot_be_read_leaves_no_home_vacant(
    city: Path, clean: Found, tmp_path: Path, change: dict[str, str], said: str
) -> None:
    def leases(rows: Rows) -> Rows:
        return [{**row, **change} if place % 2 else row for place, row in enumerate(rows)]

    found, result = replay(spoilt(city, tmp_path / "leases", {"dwellings": leases}), tmp_path / "leads.csv")
    assert result.problems.counts[said] == 35
    assert len(result.figures["kept_out"]) >= 35
    assert not no_more(found, clean)


def test_other_ways_of_writing_say_the_same(city: Path, clean: Found, tmp_path: Path) -> None:
    def passes(rows: Rows) -> Rows:
        said = {"0": "False", "1": "TRUE"}
        return [
            {**row, "granted": said[row["granted"]], "access_point_id": f" {row['access_point_id']} "} for row in rows
        ]

    def dwellings(rows: Rows) -> Rows:
        return [{**row, "let_from": row["let_from"] and f"{row['let_from']} 00:00:00"} for row in rows]

    source = spoilt(city, tmp_path / "written", {"passes": passes, "dwellings": dwellings})
    assert replay(source, tmp_path / "leads.csv")[0] == clean


def test_passes_most_of_which_cannot_be_used_are_no_history(city: Path, tmp_path: Path) -> None:
    def no_zone(rows: Rows) -> Rows:
        return [{**row, "ts": row["ts"][:19]} for row in rows]

    source = spoilt(city, tmp_path / "zone", {"passes": no_zone})
    with pytest.raises(HistoryInvalid, match=r"nothing can be said of who is absent.*unreadable value in passes\.ts"):
        replay(source, tmp_path / "leads.csv")


def test_the_last_day_of_the_calendar_is_no_crash(city: Path, tmp_path: Path) -> None:
    def ends(rows: Rows) -> Rows:
        return [{**rows[0], "ts": "9999-12-31T23:59:59Z"}, {**rows[0], "ts": "0001-01-01T00:00:00+08:00"}, *rows]

    _found, result = replay(spoilt(city, tmp_path / "ends", {"passes": ends}), tmp_path / "leads.csv")
    assert result.problems.counts["unreadable value in passes.ts"] == 2


def test_a_truth_that_is_none_is_told_before_the_replay(city: Path, tmp_path: Path) -> None:
    source = spoilt(city, tmp_path / "truth", {})
    (source / "truth.csv").write_text("dwelling_id,from,to\n", encoding="utf-8")
    steps: list[str] = []
    with pytest.raises(HistoryInvalid, match=r"truth\.csv: column 'kind' is missing"):
        backtest(Options(source, tmp_path / "leads.csv"), lambda what, _done, _total: steps.append(what))
    assert not steps, "nothing was read or judged for it"


def test_coverage_without_an_end_needs_a_last_day_and_takes_the_one_it_is_told(
    city: Path, clean: Found, tmp_path: Path
) -> None:
    def endless(rows: Rows) -> Rows:
        """Each point works to this day; of one an hour long ago is told besides."""
        first = {row["access_point_id"]: row for row in reversed(rows)}
        kept = [
            {**row, "from": f"{START}T08:00:00+08:00", "to": "9999-12-31T00:00:00+08:00", "state": "ok"}
            for row in first.values()
        ]
        return [{**kept[0], "from": f"{START}T00:00:00+08:00", "to": f"{START}T01:00:00+08:00"}, *kept]

    source = spoilt(city, tmp_path / "endless", {"coverage": endless})
    with pytest.raises(HistoryInvalid, match="say the last day with --to"):
        replay(source, tmp_path / "leads.csv")
    found, result = replay(source, tmp_path / "leads.csv", START + timedelta(days=DAYS - 1))
    assert result.figures["days"] == DAYS
    assert {lead[0] for lead in found} & {lead[0] for lead in clean}


def test_an_absence_told_nobody_knows_when_counts_from_its_first_day(city: Path, tmp_path: Path) -> None:
    def told(on: Callable[[dict[str, str]], str]) -> tuple[Found, Result]:
        name = on({"from": "day"})

        def absences(rows: Rows) -> Rows:
            assert rows, "else this proves nothing"
            return [{**row, "declared_on": on(row)} for row in rows]

        return replay(spoilt(city, tmp_path / name, {"absences": absences}), tmp_path / f"{name}.csv")

    known, _ = told(lambda row: row["from"])
    unread, result = told(lambda _row: "soon")
    assert unread == known
    assert result.problems.counts["absence without a day on which it was told, taken for told on its first"] > 3


def test_passes_that_name_the_neighbours_flat_accuse_neither(city: Path, clean: Found, tmp_path: Path) -> None:
    """A part of the column is shifted by a row: cards of each home open "for" the next one."""
    with (city / "dwellings.csv").open(encoding="utf-8", newline="") as opened:
        mine = sorted({row["dwelling_id"] for row in csv.DictReader(opened)})[:20]
    following = dict(zip(mine, [*mine[1:], mine[0]], strict=True))

    def shifted(rows: Rows) -> Rows:
        return [{**row, "dwelling_id": following.get(row["dwelling_id"], row["dwelling_id"])} for row in rows]

    found, result = replay(spoilt(city, tmp_path / "shifted", {"passes": shifted}), tmp_path / "leads.csv")
    assert result.problems.counts["pass naming another dwelling than its holder's, kept out"] > 500
    assert not no_more(found, clean)
    why = "passes that name another dwelling than their holder's"
    assert [home for home, said in result.figures["kept_out"].items() if said.startswith(why)], (
        "nobody was told which homes"
    )


@pytest.mark.parametrize("kind", ["water", "electricity"])
def test_a_meter_that_shows_a_register_is_no_meter(city: Path, clean: Found, tmp_path: Path, kind: str) -> None:
    def register(rows: Rows) -> Rows:
        sums: dict[str, float] = defaultdict(float)
        told = []
        for row in sorted(rows, key=lambda row: row["date"]):
            if row["kind"] == kind and row["ok"] == "1" and row["value"] and float(row["value"]) >= 0:
                sums[row["dwelling_id"]] += min(float(row["value"]), 0.2 if kind == "water" else 4.0)
                row = {**row, "value": f"{sums[row['dwelling_id']]:.3f}"}
            told.append(row)
        return told

    def others(rows: Rows) -> Rows:
        return [row for row in rows if row["kind"] != kind]

    found, result = replay(spoilt(city, tmp_path / "sums", {"meters": register}), tmp_path / "sums.csv")
    without, _ = replay(spoilt(city, tmp_path / "without", {"meters": others}), tmp_path / "without.csv")
    said = "meter that only ever rises, kept out once that showed: a register's readings; give the use of each day"
    assert result.problems.counts[said] > 40
    assert no_more(found, without | clean) == set(), (
        "a register that stands at 0 all the time reads as a meter of zeros"
    )


def nameless(row: dict[str, str]) -> dict[str, str]:
    return {**row, "person_id": "", "dwelling_id": "", "credential_id": ""}


def test_passes_of_nobody_are_nobodys_absence(city: Path, clean: Found, tmp_path: Path) -> None:
    """From a day on the export names nobody; or people by other ids than the register does."""
    at = (START + timedelta(days=45)).isoformat()

    def later(change: Callable[[dict[str, str]], dict[str, str]]) -> Callable[[Rows], Rows]:
        return lambda rows: [change(row) if row["ts"] >= at else row for row in rows]

    def other_ids(row: dict[str, str]) -> dict[str, str]:
        return {**row, "dwelling_id": "", "person_id": row["person_id"] and f"X{row['person_id']}"}

    for name, change in {"nobody": nameless, "other ids": other_ids}.items():
        source = spoilt(city, tmp_path / name, {"passes": later(change)})
        found, result = replay(source, tmp_path / f"{name}.csv")
        assert result.problems.counts["pass of no known person and no dwelling, counted for no home"] > 5_000, name
        assert not no_more(found, clean), name
    with pytest.raises(HistoryInvalid, match="of no known person and no dwelling"):
        replay(spoilt(city, tmp_path / "all", {"passes": lambda rows: map(nameless, rows)}), tmp_path / "all.csv")


def test_a_home_is_vacant_only_where_the_register_says_so(city: Path, clean: Found, tmp_path: Path) -> None:
    """A register of one row a dwelling that keeps the last lease, or leases that ended on paper while people stay registered:
    those who live there use no vacant home."""

    def last_lease_alone(rows: Rows) -> Rows:
        later = (START + timedelta(days=DAYS - 10)).isoformat()
        return [{**row, "let_from": later} if row["let_from"] and place % 2 else row for place, row in enumerate(rows)]

    def ended_on_paper(rows: Rows) -> Rows:
        return [
            {**row, "let_to": START.isoformat()} if row["let_from"] and place % 2 else row
            for place, row in enumerate(rows)
        ]

    def of_later(rows: Rows) -> Rows:
        return [{**row, "from": max(row["from"], (START + timedelta(days=DAYS - 10)).isoformat())} for row in rows]

    for name, tables in {
        "the last lease": {"dwellings": last_lease_alone, "members": of_later},
        "on paper": {"dwellings": ended_on_paper},
    }.items():
        found, _ = replay(spoilt(city, tmp_path / name, tables), tmp_path / f"{name}.csv")
        assert {lead for lead in found if lead[1] == "vacant_used"} <= clean, name
