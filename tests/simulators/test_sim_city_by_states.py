"""Cities whose people's days are drawn first: their tables, that they repeat themselves, that innocents stay away for long."""

from __future__ import annotations

import csv
import shutil
from collections import defaultdict
from datetime import date, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from simulators.city_by_states.calendar import make_calendar
from simulators.city_by_states.generate import write_city

Rows = list[dict[str, str]]
START, DAYS, DWELLINGS = date(2026, 1, 5), 120, 150
SMALL = {"dwellings": 40, "days": 40}
BREACHES = {
    "vacancy", "sublet_whole", "sublet_part", "lent", "visitor_abuse", "over_occupancy", "enrolment_fraud",
}  # fmt: skip
FORMAT = {
    "dwellings": "dwelling_id estate_id block_id let_from let_to expected_members",
    "members": "person_id dwelling_id from to face_consent_b",
    "access_points": "access_point_id estate_id scope block_id dwelling_id",
    "passes": "ts access_point_id person_id credential_id credential_kind dwelling_id granted direction",
    "coverage": "access_point_id from to state",
    "meters": "dwelling_id date kind value ok",
    "absences": "dwelling_id from to reason declared_on",
    "cases": "dwelling_id kind closed_on outcome",
    "subgroups": "dwelling_id group",
    "truth": "dwelling_id kind from to",
}
"""The columns of the history format."""


def _read(directory: Path) -> dict[str, Rows]:
    return {path.stem: list(csv.DictReader(path.open(encoding="utf-8"))) for path in directory.glob("*.csv")}


def _written(directory: Path, **changes: object) -> dict[str, Rows]:
    settings = {"seed": 4, **SMALL, "start": START, "parquet": False, **changes}
    write_city(directory, **settings)  # type: ignore[arg-type]
    return _read(directory)


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Rows]:
    return _written(tmp_path_factory.mktemp("city"), dwellings=DWELLINGS, days=DAYS, prevalence=0.1)


@pytest.mark.parametrize("parquet", [False, True])
def test_the_tables_are_those_of_the_format(tmp_path: Path, parquet: bool) -> None:
    _written(tmp_path, parquet=parquet)
    for name, columns in FORMAT.items():
        if parquet:
            assert pq.read_schema(tmp_path / f"{name}.parquet").names == columns.split(), name
        else:
            header = (tmp_path / f"{name}.csv").read_text(encoding="utf-8").splitlines()[0]
            assert header == columns.replace(" ", ","), name


def test_csv_and_parquet_say_the_same(tmp_path: Path) -> None:
    rows = _written(tmp_path / "csv")
    write_city(tmp_path / "parquet", seed=4, **SMALL, start=START)
    for name in FORMAT:
        table = pq.read_table(tmp_path / "parquet" / f"{name}.parquet")
        assert table.num_rows == len(rows[name]), name
    passes = pq.read_table(tmp_path / "parquet" / "passes.parquet").to_pylist()
    for as_parquet, as_csv in zip(passes[::50], rows["passes"][::50], strict=True):
        assert as_parquet["ts"] == datetime.fromisoformat(as_csv["ts"])
        assert (as_parquet["credential_id"] or "") == as_csv["credential_id"]
    meters = pq.read_table(tmp_path / "parquet" / "meters.parquet").to_pylist()
    kinds = [(row["kind"], row["date"].isoformat(), row["ok"]) for row in meters]
    assert kinds == [(row["kind"], row["date"], int(row["ok"])) for row in rows["meters"]]
    for as_parquet, as_csv in zip(meters, rows["meters"], strict=True):
        assert (as_parquet["value"] is None) == (as_csv["value"] == "") == (as_csv["ok"] == "0"), as_csv


def test_a_seed_is_a_city(tmp_path: Path) -> None:
    first = _written(tmp_path / "first")
    assert _written(tmp_path / "again") == first, "the same seed must give the same city"
    other = _written(tmp_path / "other", seed=5)
    same = [name for name in ("dwellings", "members", "passes", "coverage") if other[name] == first[name]]
    assert not same, f"another seed gave the same {same}"


def test_old_tables_are_replaced(tmp_path: Path) -> None:
    write_city(tmp_path, seed=4, **SMALL, start=START)
    shutil.copy(tmp_path / "passes.parquet", tmp_path / "truth.parquet")
    _written(tmp_path)
    assert not list(tmp_path.glob("*.parquet")), "a Parquet table left behind would win over the new one"


def test_everything_named_exists(city: dict[str, Rows]) -> None:
    dwellings = {row["dwelling_id"] for row in city["dwellings"]}
    points = {row["access_point_id"] for row in city["access_points"]}
    persons = {row["person_id"] for row in city["members"]}
    assert len(dwellings) == DWELLINGS
    assert city["truth"], "no violation: nothing is tested"
    assert city["subgroups"], "no subgroup: nothing is tested"
    for name, rows in city.items():
        strange = {row["dwelling_id"] for row in rows if row.get("dwelling_id")} - dwellings
        assert not strange, f"{name} names dwellings that do not exist: {sorted(strange)[:3]}"
    assert {row["access_point_id"] for row in city["passes"] + city["coverage"]} <= points
    assert {row["person_id"] for row in city["passes"]} - {""} <= persons
    assert {row["kind"] for row in city["truth"]} <= BREACHES | {"vacant_used"}
    groups = {"lone_elderly", "carer", "unenrolled_member", "seasonal_worker"}
    assert {row["group"] for row in city["subgroups"]} <= groups


def test_passes_are_in_order_where_the_household_lives(city: dict[str, Rows]) -> None:
    passes = city["passes"]
    times = [datetime.fromisoformat(row["ts"]) for row in passes]
    assert times == sorted(times)
    assert {time.date() for time in times} == {START + timedelta(days=day) for day in range(DAYS)}
    assert 2 < len(passes) / DWELLINGS / DAYS < 12, "passes a dwelling and day"
    home = {row["dwelling_id"]: row for row in city["dwellings"]}
    point = {row["access_point_id"]: row for row in city["access_points"]}
    for row in passes[::20]:
        if row["dwelling_id"]:
            at, lives = point[row["access_point_id"]], home[row["dwelling_id"]]
            assert at["estate_id"] == lives["estate_id"], row
            assert at["block_id"] in ("", lives["block_id"]), row
            assert at["dwelling_id"] in ("", row["dwelling_id"]), row


def test_innocent_households_are_away_for_long(city: dict[str, Rows]) -> None:
    guilty = {row["dwelling_id"] for row in city["truth"]}
    longest: defaultdict[str, int] = defaultdict(int)
    for row in city["simulated_absences"]:
        days = (date.fromisoformat(row["to"]) - date.fromisoformat(row["from"])).days + 1
        longest[row["dwelling_id"]] = max(longest[row["dwelling_id"]], days)
    innocent = [dwelling for dwelling, days in longest.items() if days >= 30 and dwelling not in guilty]
    assert len(innocent) >= 0.03 * DWELLINGS, (
        f"only {len(innocent)} honest homes empty for 30 days: vacancy would be easy"
    )


def test_the_empty_are_seen_less_than_those_at_home(city: dict[str, Rows]) -> None:
    points = {row["access_point_id"] for row in city["access_points"] if row["scope"] != "estate"}
    seen: defaultdict[str, set[str]] = defaultdict(set)
    for row in city["passes"]:
        if row["access_point_id"] in points and row["dwelling_id"] and row["credential_kind"] != "visitor":
            seen[row["dwelling_id"]].add(row["ts"][:10])
    away_days: defaultdict[str, set[str]] = defaultdict(set)
    for row in city["simulated_absences"]:
        first, last = date.fromisoformat(row["from"]), date.fromisoformat(row["to"])
        if row["cause"] != "sublet":
            days = range(1, (last - first).days)
            away_days[row["dwelling_id"]] |= {(first + timedelta(days=day)).isoformat() for day in days}
    history = {(START + timedelta(days=day)).isoformat() for day in range(DAYS)}
    let = [row["dwelling_id"] for row in city["dwellings"] if row["let_from"] and not row["let_to"]]
    away = sum(len(away_days[dwelling] & history) for dwelling in let)
    seen_away = sum(len(away_days[dwelling] & history & seen[dwelling]) for dwelling in let)
    at_home = len(let) * DAYS - away
    seen_home = sum(len((history - away_days[dwelling]) & seen[dwelling]) for dwelling in let)
    assert seen_home / at_home > 0.6
    assert seen_away / away < 0.25, "an empty home is seen now and then (token visits, carers), not as one lived in"


@pytest.mark.parametrize("prevalence", [0.0, 0.25])
def test_prevalence_is_obeyed(tmp_path: Path, prevalence: float) -> None:
    tables = _written(tmp_path, dwellings=80, prevalence=prevalence)
    let = sum(row["let_from"] != "" for row in tables["dwellings"])
    guilty = {row["dwelling_id"] for row in tables["truth"] if row["kind"] in BREACHES}
    assert len(guilty) == round(let * prevalence), f"{len(guilty)} of {let} homes in breach"


def test_a_city_too_small_to_draw_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="20 dwellings and 30 days"):
        write_city(tmp_path, seed=1, dwellings=10, days=120, start=START)
    with pytest.raises(ValueError, match="20 dwellings and 30 days"):
        write_city(tmp_path, seed=1, dwellings=100, days=7, start=START)
    assert not list(tmp_path.iterdir()), "nothing is written of a city that is refused"


def test_the_spring_festival_is_a_holiday_and_closes_schools() -> None:
    calendar = make_calendar(START, DAYS)
    (new_year,) = [day for day in calendar.spring_festivals if calendar.dates[day].year == 2026]
    assert calendar.dates[new_year] == date(2026, 2, 17)
    assert calendar.holiday[new_year : new_year + 6].all()
    assert not calendar.school[new_year]


def test_where_strangers_are_enrolled_as_family_somebody_lives(tmp_path: Path) -> None:
    """They stay when the tenants leave: an empty home is no enrolment fraud."""
    rows = _written(tmp_path, seed=7, dwellings=600, days=60, prevalence=0.5)
    fraud = {row["dwelling_id"]: row["from"] for row in rows["truth"] if row["kind"] == "enrolment_fraud"}
    whole = {row["dwelling_id"] for row in rows["truth"] if row["kind"] == "sublet_whole"}
    alone = {home: day for home, day in fraud.items() if home not in whole and day <= str(START + timedelta(days=40))}
    enrolled = {
        row["person_id"]: row["dwelling_id"]
        for row in rows["members"]
        if row["dwelling_id"] in alone
        and 0 <= (date.fromisoformat(alone[row["dwelling_id"]]) - date.fromisoformat(row["from"])).days <= 20
    }
    seen = defaultdict(set)
    for row in rows["passes"]:
        home = enrolled.get(row["person_id"])
        if home and row["ts"][:10] >= alone[home]:
            seen[home].add(row["ts"][:10])
    assert len(alone) >= 3
    unseen = {home for home in alone if not seen[home]}
    assert len(unseen) <= len(alone) // 3, (
        f"nobody who was enrolled is ever seen in {sorted(unseen)} of {sorted(alone)}"
    )
