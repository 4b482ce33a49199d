"""What holds of the tables of every simulated city, whoever draws it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

Tables = dict[str, list[dict[str, Any]]]
KINDS = {
    "vacancy", "sublet_whole", "sublet_part", "lent", "visitor_abuse", "vacant_used", "over_occupancy", "enrolment_fraud",
}  # fmt: skip
GROUPS = {"lone_elderly", "carer", "unenrolled_member", "seasonal_worker"}
WORDS = {
    ("access_points", "scope"): {"estate", "block", "dwelling"},
    ("passes", "credential_kind"): {"face", "card", "pin", "qr", "visitor", "staff"},
    ("passes", "direction"): {"in", "out", "unknown"},
    ("passes", "granted"): {0, 1},
    ("members", "face_consent_b"): {0, 1},
    ("coverage", "state"): {"ok", "down", "propped", "clock"},
    ("meters", "kind"): {"water", "electricity"},
    ("cases", "outcome"): {"confirmed", "unfounded", "good_cause"},
    ("truth", "kind"): KINDS,
    ("subgroups", "group"): GROUPS,
}
"""Of the history format."""


def read_tables(directory: Path, names: Sequence[str]) -> Tables:
    """The tables of a city that was written as Parquet."""
    return {name: pq.read_table(directory / f"{name}.parquet").to_pylist() for name in names}


def words(city: Tables, table: str, column: str) -> set[Any]:
    """All values of a column."""
    return {row[column] for row in city[table]}


def check_words(city: Tables) -> None:
    """All words are the format's."""
    for (table, column), known in WORDS.items():
        unknown = words(city, table, column) - known
        assert not unknown, f"{table}.{column} has words that the format does not know: {unknown}"


def check_names(city: Tables, dwellings: int) -> None:
    """Rows name dwellings, access points and members that exist."""
    homes, points = words(city, "dwellings", "dwelling_id"), words(city, "access_points", "access_point_id")
    assert len(homes) == len(city["dwellings"]) == dwellings, "two dwellings have one identifier"
    for name in ("members", "passes", "meters", "absences", "cases", "subgroups", "truth"):
        unknown = words(city, name, "dwelling_id") - homes - {None}
        assert not unknown, f"{name} names dwellings that do not exist: {sorted(unknown)[:3]}"
    for name in ("passes", "coverage"):
        unknown = words(city, name, "access_point_id") - points
        assert not unknown, f"{name} names access points that do not exist: {sorted(unknown)[:3]}"
    strangers = words(city, "passes", "person_id") - {None} - words(city, "members", "person_id")
    assert not strangers, f"passes name persons who are no members: {sorted(strangers)[:3]}"


def check_times(city: Tables, first: str, last: str) -> None:
    """Passes lie within the history, from its first day to its last, in order of time."""
    times = [row["ts"] for row in city["passes"]]
    assert times == sorted(times), "passes are not in order of time"
    assert (times[0][:10], times[-1][:10]) == (first, last)
    assert {time[-6:] for time in times} == {"+08:00"}


def check_coverage(city: Tables) -> None:
    """Coverage rows of an access point do not overlap."""
    ends: dict[str, str] = {}
    for row in city["coverage"]:
        point = row["access_point_id"]
        assert ends.get(point, "") <= row["from"] < row["to"], row
        ends[point] = row["to"]


def longest_dry(city: Tables) -> dict[str, int]:
    """Of each dwelling with a water meter the longest run of days under 10 litres."""
    longest: dict[str, int] = {}
    running: dict[str, int] = {}
    for row in city["meters"]:
        if row["kind"] != "water":
            continue
        home, dry = row["dwelling_id"], row["value"] is not None and row["value"] < 0.01
        running[home] = running.get(home, 0) + 1 if dry else 0
        longest[home] = max(longest.get(home, 0), running[home])
    return longest
