"""The history of a simulated city: its truth, and its negative controls."""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import msgspec
import numpy as np
import pytest

from simulators.city.faults import Injected
from simulators.city.generate import generate
from simulators.city.households import draw_household
from simulators.city.plan import Settings, plan_city
from simulators.city.world import builtin_world
from simulators.history_tables.columns import COLUMNS

Rows = list[dict[str, str]]
START, DAYS, DWELLINGS = date(2025, 11, 1), 100, 700


def _settings(**changes: object) -> Settings:
    world = builtin_world("dev")
    often = dict.fromkeys(("vacancy", "sublet_whole", "sublet_part", "lent", "visitor_abuse", "over_occupancy"), 0.03)
    violations = msgspec.structs.replace(world.violations, **often, vacant_used=0.3)
    world = msgspec.structs.replace(world, violations=violations)
    settings = Settings(world, seed=5, dwellings=DWELLINGS, days=DAYS, start=START, inspections=20)
    return replace(settings, **changes)  # type: ignore[arg-type]


def _written(settings: Settings, directory: Path) -> dict[str, Rows]:
    generate(settings, directory, parquet=False)
    tables = {}
    for name in COLUMNS:
        with (directory / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            tables[name] = list(csv.DictReader(file))
    return tables


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Rows]:
    return _written(_settings(), tmp_path_factory.mktemp("city"))


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Rows]:
    injected = Injected(outage_days=14, dead_meter_days=10)
    return _written(_settings(injected=injected), tmp_path_factory.mktemp("faulty"))


def _day(text: str) -> int:
    return (date.fromisoformat(text[:10]) - START).days


def test_passes_look_as_the_format_says(history: dict[str, Rows]) -> None:
    passes = history["passes"]
    assert {row["credential_kind"] for row in passes} == {"face", "card", "qr", "pin", "visitor", "staff"}
    assert {row["direction"] for row in passes} <= {"in", "out", "unknown"}
    assert {row["granted"] for row in passes} == {"0", "1"}
    for row in passes[:2000]:
        assert datetime.fromisoformat(row["ts"]).utcoffset() == timedelta(hours=8), row["ts"]
    refused = [row for row in passes if row["granted"] == "0"]
    assert all(not row["person_id"] and not row["dwelling_id"] for row in refused), "nobody is known of a refused face"
    days = np.array([_day(row["ts"]) for row in passes])
    assert set(range(DAYS)) <= set(days.tolist()), "a day without any pass"


def test_a_person_passes_only_where_that_person_could(history: dict[str, Rows]) -> None:
    place = {row["dwelling_id"]: (row["estate_id"], row["block_id"]) for row in history["dwellings"]}
    point = {row["access_point_id"]: row for row in history["access_points"]}
    for row in history["passes"]:
        if row["dwelling_id"]:
            at = point[row["access_point_id"]]
            assert at["estate_id"] == place[row["dwelling_id"]][0], row
            assert at["block_id"] in ("", place[row["dwelling_id"]][1]), row
            assert at["dwelling_id"] in ("", row["dwelling_id"]), row


def test_coverage_has_neither_gaps_nor_overlaps(history: dict[str, Rows]) -> None:
    spans = defaultdict(list)
    for row in history["coverage"]:
        spans[row["access_point_id"]].append((row["from"], row["to"]))
    assert set(spans) == {row["access_point_id"] for row in history["access_points"]}
    for code, parts in spans.items():
        ends = [START.isoformat() + "T00:00:00+08:00", *(to for _, to in parts)]
        assert [first for first, _ in parts] == ends[:-1], f"{code}: {parts}"
        assert ends[-1].startswith((START + timedelta(days=DAYS)).isoformat())
    assert {"ok", "down", "propped"} <= {row["state"] for row in history["coverage"]}


def test_nothing_passes_a_door_that_is_down(history: dict[str, Rows]) -> None:
    down = defaultdict(list)
    for row in history["coverage"]:
        if row["state"] == "down":
            down[row["access_point_id"]].append((row["from"], row["to"]))
    clocks = {row["access_point_id"] for row in history["coverage"] if row["state"] == "clock"}
    assert down
    for row in history["passes"]:
        code = row["access_point_id"]
        if code not in clocks:
            assert not any(first <= row["ts"] < to for first, to in down[code]), f"{code} was down at {row['ts']}"


def _use(history: dict[str, Rows], kind: str) -> tuple[dict[str, int], dict[str, set[int]], dict[str, float]]:
    """Of the dwellings of this truth: first day, days with a pass in it, mean water in it."""
    first = {row["dwelling_id"]: max(0, _day(row["from"])) for row in history["truth"] if row["kind"] == kind}
    first = {code: day for code, day in first.items() if day < DAYS - 20}
    seen: dict[str, set[int]] = {code: set() for code in first}
    for row in history["passes"]:
        counts = row["dwelling_id"] in first and (kind != "visitor_abuse" or row["credential_kind"] == "visitor")
        if counts and _day(row["ts"]) > first[row["dwelling_id"]] + 2:
            seen[row["dwelling_id"]].add(_day(row["ts"]))
    water = defaultdict(list)
    for row in history["meters"]:
        counts = row["dwelling_id"] in first and row["kind"] == "water" and row["ok"] == "1"
        if counts and _day(row["date"]) > first[row["dwelling_id"]] + 16:
            water[row["dwelling_id"]].append(float(row["value"]))
    return first, seen, {code: float(np.median(values)) for code, values in water.items()}


def test_the_label_shows_in_what_is_recorded(history: dict[str, Rows]) -> None:
    first, seen, water = _use(history, "vacancy")
    share = [len(seen[code]) / (DAYS - first[code]) for code in first]
    assert len(first) >= 8, "too few vacancies to look at"
    assert np.median(share) < 0.15, f"vacant homes have passes on {np.median(share):.0%} of days"
    assert np.median(list(water.values())) < 0.01, "vacant homes use water"
    first, seen, water = _use(history, "sublet_whole")
    assert len(first) >= 6
    assert np.median(list(water.values())) > 0.05, "sublet homes use no water"
    first, seen, _ = _use(history, "visitor_abuse")
    often = [len(seen[code]) / (DAYS - first[code]) for code in first]
    assert np.median(often) > 0.5, f"visitor passes on {np.median(often):.0%} of days only"


def test_inspections_say_what_was_true(history: dict[str, Rows]) -> None:
    truth = {row["dwelling_id"]: row for row in history["truth"]}
    outcomes = {row["outcome"] for row in history["cases"]}
    assert outcomes >= {"confirmed", "good_cause"}, outcomes
    for row in history["cases"]:
        if row["outcome"] == "confirmed":
            assert row["dwelling_id"] in truth, row
            assert truth[row["dwelling_id"]]["from"] <= row["closed_on"]


def test_an_outage_takes_away_passes_of_that_estate_and_nothing_else(
    history: dict[str, Rows], faulty: dict[str, Rows]
) -> None:
    middle, estate = DAYS // 2, {row["access_point_id"]: row["estate_id"] for row in history["access_points"]}
    hit = faulty["access_points"][0]["estate_id"]
    inside = [
        r for r in faulty["passes"] if estate[r["access_point_id"]] == hit and middle <= _day(r["ts"]) < middle + 14
    ]
    assert not inside, f"{len(inside)} passes in the outage"
    before = [row for row in history["passes"] if _day(row["ts"]) < middle - 2]
    assert before == [row for row in faulty["passes"] if _day(row["ts"]) < middle - 2], "the outage changed the past"
    for name in ("dwellings", "members", "truth", "absences", "simulated_absences"):
        assert history[name] == faulty[name], f"the outage changed {name}: it must change nobody's life"


def test_a_dead_gateway_leaves_no_reading_to_trust(history: dict[str, Rows], faulty: dict[str, Rows]) -> None:
    middle = DAYS // 2
    dead = [row for row in faulty["meters"] if middle <= _day(row["date"]) < middle + 10]
    alive = [row for row in history["meters"] if middle <= _day(row["date"]) < middle + 10 and row["ok"] == "1"]
    assert alive, "the control has readings on those days"
    assert dead, "half of the gap stands as rows without a value"
    assert all(row["ok"] == "0" and row["value"] == "" for row in dead)


def test_silent_doors_record_nobody_and_the_coverage_says_ok(tmp_path: Path) -> None:
    small = _settings(dwellings=120, days=40)
    control = _written(small, tmp_path / "a")
    silent = _written(replace(small, injected=Injected(silent_days=7)), tmp_path / "b")
    estate = Counter(row["estate_id"] for row in control["dwellings"]).most_common(1)[0][0]
    mine = {row["access_point_id"] for row in control["access_points"] if row["estate_id"] == estate}

    def passes(rows: Rows) -> int:
        return sum(row["access_point_id"] in mine and 20 <= _day(row["ts"]) < 27 for row in rows)

    assert passes(control["passes"]) > 200
    assert passes(silent["passes"]) == 0
    for row in silent["coverage"]:
        first, last = _day(row["from"]), _day(row["to"])
        assert row["access_point_id"] not in mine or row["state"] == "ok" or not (first < 27 and last > 20), (
            "coverage tells of it"
        )


def test_propped_doors_record_less_whether_or_not_the_coverage_tells(tmp_path: Path) -> None:
    small = _settings(dwellings=250, days=70)
    control = _written(small, tmp_path / "a")
    for seen in (0.0, 1.0):
        propped = _written(replace(small, injected=Injected(propped=99, propped_seen=seen)), tmp_path / "b")
        doors = {row["access_point_id"] for row in control["access_points"] if row["scope"] == "block"}
        assert doors, "this seed has block doors"

        def count(rows: Rows, doors: set[str] = doors) -> int:
            return sum(row["access_point_id"] in doors and 35 <= _day(row["ts"]) < 65 for row in rows)

        assert count(propped["passes"]) < 0.5 * count(control["passes"])
        told = {
            row["access_point_id"]
            for row in propped["coverage"]
            if row["state"] == "propped" and _day(row["from"]) == 35
        }
        assert told == (doors if seen else set()), f"coverage tells of {told}"


def test_honest_households_do_not_depend_on_the_violators() -> None:
    with_all, honest = plan_city(_settings()), plan_city(_settings(honest_only=True))
    assert not any(h.violation for h in honest.households)
    violators = [h.index for h in with_all.households if h.violation]
    assert len(violators) > 50
    for ours, theirs in zip(with_all.households, honest.households, strict=True):
        if ours.violation is None:
            assert ours == theirs, f"dwelling {ours.index} lives another life"
        assert ours.style == theirs.style, "how an empty home is looked after must not depend on why it is empty"


def test_spring_festival_empties_homes_and_can_be_left_out() -> None:
    day = (date(2026, 2, 17) - START).days

    def away(festival: bool | None) -> int:
        households = plan_city(_settings(days=140, honest_only=True, festival=festival)).households
        return sum(any(s.first <= day <= s.last for s in h.away) for h in households)

    assert away(None) > 2 * away(False), "the festival is the time when homes stand empty"


@pytest.mark.parametrize("name", ["dev", "hidden"])
def test_honest_absences_are_as_long_as_those_of_real_homes(name: str) -> None:
    """About 12 % of honest homes are away for 30 days or more in a year, 5 % for 60, 0.5–1 % for 180."""
    world = builtin_world(name)
    homes = [h for i in range(2500) if (h := draw_household(3, i, world, 365, 230)).kind != "not_let"]
    longest = np.array([max((min(s.last, 364) - s.first + 1 for s in h.away if s.last >= 0), default=0) for h in homes])
    for at_least, low, high in ((30, 0.08, 0.2), (60, 0.03, 0.09), (180, 0.002, 0.015)):
        share = float((longest >= at_least).mean())
        assert low <= share <= high, f"{share:.1%} of homes are away for {at_least} days or more"
