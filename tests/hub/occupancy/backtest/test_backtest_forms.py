"""The same life recorded by another city's system: the leads stay what they are, or about as many."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from small_city import written

from hub.occupancy.backtest.run import Options, backtest

Rows = list[dict[str, str]]
Lead = tuple[str, str, str, str]


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """110 days of 80 dwellings."""
    directory = written(tmp_path_factory.mktemp("city"), 80, 110, date(2025, 7, 1))
    (directory / "truth.csv").unlink()  # nothing is scored here
    return directory


def replay(source: Path) -> list[Lead]:
    out = source / "leads.csv"
    backtest(Options(source, out), lambda what, done, total: None)
    with out.open(encoding="utf-8", newline="") as opened:
        return [(r["dwelling_id"], r["kind"], r["stage"], r["opened_on"]) for r in csv.DictReader(opened)]


@pytest.fixture(scope="module")
def whole(city: Path) -> list[Lead]:
    found = replay(city)
    assert len(found) > 9, "this city raises leads, else these tests prove nothing"
    return found


def rewritten(source: Path, target: Path, table: str, change: Callable[[Rows], Rows]) -> Path:
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("leads.csv"))
    with (source / f"{table}.csv").open(encoding="utf-8", newline="") as opened:
        reader = csv.DictReader(opened)
        header, rows = list(reader.fieldnames or ()), list(reader)
    with (target / f"{table}.csv").open("w", encoding="utf-8", newline="") as opened:
        writer = csv.DictWriter(opened, header)
        writer.writeheader()
        writer.writerows(change(rows))
    return target


def in_days(rows: Rows) -> Rows:
    """Each row of coverage cut at every midnight."""
    found: Rows = []
    for row in rows:
        begin, end = datetime.fromisoformat(row["from"]), datetime.fromisoformat(row["to"])
        while begin < end:
            midnight = (begin + timedelta(days=1)).replace(hour=0, minute=0, second=0)
            until = min(midnight, end)
            found.append({**row, "from": begin.isoformat(), "to": until.isoformat()})
            begin = until
    return found


def home_from_the_register(rows: Rows) -> Rows:
    return [{**row, "dwelling_id": "" if row["person_id"] else row["dwelling_id"]} for row in rows]


def with_refused_faces(rows: Rows) -> Rows:
    refused = {"person_id": "", "credential_id": "", "credential_kind": "face", "granted": "0"}
    return [again for row in rows for again in (row, {**row, **refused})]


def refused_first(rows: Rows) -> Rows:
    """Refused and let in within the second, by the same reader and credential."""
    return [again for row in rows for again in ({**row, "granted": "0"}, row)]


def the_last_first(rows: Rows) -> Rows:
    return rows[::-1]


def members_since_long_ago(rows: Rows) -> Rows:
    first = date(2025, 7, 1) - timedelta(days=60)
    return [{**row, "from": "1999-01-01" if row["from"] < first.isoformat() else row["from"]} for row in rows]


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("coverage", in_days),
        ("passes", home_from_the_register),
        ("passes", with_refused_faces),
        ("passes", refused_first),
        ("passes", the_last_first),
        ("members", members_since_long_ago),
        ("dwellings", lambda rows: [{**row, "expected_members": ""} for row in rows]),
        ("dwellings", lambda rows: [{**row, "expected_members": ("-3", "1e300")[i % 2]} for i, row in enumerate(rows)]),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_another_form_of_the_same_record_gives_the_same_leads(
    city: Path, whole: list[Lead], tmp_path: Path, table: str, change: Callable[[Rows], Rows]
) -> None:
    assert replay(rewritten(city, tmp_path / "other", table, change)) == whole


def test_homes_let_to_more_than_are_registered_have_fewer_leads_on_others(
    city: Path, whole: list[Lead], tmp_path: Path
) -> None:
    def many(rows: Rows) -> Rows:
        return [{**row, "expected_members": "9"} for row in rows]

    others = [lead for lead in whole if lead[1] not in ("vacancy", "vacant_used")]
    found = replay(rewritten(city, tmp_path / "many", "dwellings", many))
    fewer = [lead for lead in found if lead[1] not in ("vacancy", "vacant_used")]
    assert len(fewer) < len(others)
    assert {lead[0] for lead in fewer} <= {lead[0] for lead in others}
    assert [lead for lead in found if lead not in fewer] == [lead for lead in whole if lead not in others]


def nobody_named(rows: Rows) -> Rows:
    return [{**row, "person_id": "" if row["credential_kind"] in ("card", "qr") else row["person_id"]} for row in rows]


def no_direction(rows: Rows) -> Rows:
    return [{**row, "direction": "unknown"} for row in rows]


def a_new_pass_each_day(rows: Rows) -> Rows:
    return [
        {**row, "credential_id": row["credential_id"] + row["ts"][:10]} if row["credential_kind"] == "visitor" else row
        for row in rows
    ]


@pytest.mark.parametrize("change", [nobody_named, no_direction, a_new_pass_each_day], ids=lambda c: c.__name__)
def test_a_record_that_says_less_raises_no_flood_and_is_not_mute(
    city: Path, whole: list[Lead], tmp_path: Path, change: Callable[[Rows], Rows]
) -> None:
    before, found = (
        {lead[0] for lead in leads} for leads in (whole, replay(rewritten(city, tmp_path / "other", "passes", change)))
    )
    assert len(before & found) >= len(before) / 2, "most of the homes with a lead have one still"
    assert len(found) <= len(before) * 1.5 + 1, "few others have one now"


def test_without_the_tables_that_need_not_be_there(city: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    shutil.copytree(
        city, bare, ignore=shutil.ignore_patterns("leads.csv", "meters.*", "absences.*", "cases.*", "subgroups.*")
    )
    found = replay(bare)
    assert all(
        stage in ("yellow", "orange", "insufficient_data") for _, kind, stage, _ in found if kind == "vacancy"
    ), "no meters: an empty home has one family of signals only"
