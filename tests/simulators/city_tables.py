"""What holds of the tables of every simulated city, whoever draws it; and one city of each simulator, drawn once a session."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import msgspec
import pyarrow.parquet as pq

from simulators.apart import write_apart
from simulators.city.generate import generate
from simulators.city.plan import Settings
from simulators.city.world import builtin_world

Tables = dict[str, list[dict[str, Any]]]
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
"""Tables and columns of the history format."""

KINDS = {
    "vacancy", "sublet_whole", "sublet_part", "lent", "visitor_abuse", "vacant_used", "over_occupancy", "enrolment_fraud",
}  # fmt: skip
GROUPS = {"lone_elderly", "carer", "unenrolled_member", "seasonal_worker"}
GROUPS_OF_OURS = {"lone_elderly", "carers", "unenrolled_members", "seasonal_workers"}
"""As `simulators.city` calls them."""
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
    ("subgroups", "group"): GROUPS | GROUPS_OF_OURS,
}
"""Of the history format."""


@dataclass(frozen=True)
class Sample:
    """A city of one simulator: large enough to hold every table, and what is particular to the simulator."""

    seed: int
    dwellings: int = 150
    prevalence: float = 0.25
    start: date = date(2025, 11, 1)
    smallest: tuple[int, int] = (40, 60)  # dwellings and days
    seeds_of_smallest: tuple[int, ...] = (0, 2, 4, 6)
    prevalence_of_smallest: float | None = 0.5
    other: int = 1  # added to the seed it is that of another city (with identifiers of the same style)
    labels_missing: tuple[int, int] = (0, 0)  # fewest and most that the truth may lack of the prevalence
    refuses_prevalence: bool = True
    relets: bool = False  # a dwelling that is let anew has two rows
    in_order: bool = True  # columns are in the format's order
    times_members: int = 1  # so many rows a member may have
    all_kinds: bool = True  # of violations
    longest_dry: int = 14  # days that some honest home stands empty, at least
    median_dry: float = 14  # most days that the median honest home stands empty


DAYS = 120
SAMPLES = {
    "city": Sample(5, prevalence=0.03, smallest=(40, 30), times_members=2, all_kinds=False),
    "states": Sample(
        4,
        prevalence=0.1,
        start=date(2026, 1, 5),
        smallest=(20, 30),
        seeds_of_smallest=(0, 2),
        refuses_prevalence=False,
        all_kinds=False,
    ),
    "diaries": Sample(
        3,  # water and electricity, registers of a litre
        prevalence=0.2,
        smallest=(60, 70),
        seeds_of_smallest=(0, 3, 6, 9),
        prevalence_of_smallest=None,
        other=5,
        relets=True,
        in_order=False,
        all_kinds=False,
        longest_dry=25,
    ),
    "lookalikes": Sample(
        7,
        prevalence=0.2,
        smallest=(40, 70),
        seeds_of_smallest=(0, 2, 4, 6, 8, 10),
        prevalence_of_smallest=None,
        labels_missing=(-len(KINDS), len(KINDS)),  # each kind may be there once more, no home vacant
        longest_dry=25,
    ),
    "schedules": Sample(
        3,
        smallest=(40, 40),
        seeds_of_smallest=(0, 1, 2),
        labels_missing=(0, 5),  # only homes recorded vacant may be too few for what was drawn
        times_members=2,
    ),
    "nights": Sample(27),  # doors that check faces and doors that do not, electronic locks, both kinds of meters
    "estates": Sample(
        23,  # gates and doors of blocks, locks, both kinds of meters
        dwellings=200,
        seeds_of_smallest=(0, 2),
        all_kinds=False,
        median_dry=math.inf,
    ),
    "lives": Sample(6, median_dry=20),  # doors that check faces, electronic locks, both kinds of meters
}


def write_sample(
    name: str,
    directory: Path,
    *,
    parquet: bool = True,
    small: bool = False,
    prevalence: float | None = None,
    other: bool = False,
) -> None:
    """Writes the sample of a simulator, ours too; `small`: as few dwellings and days as it can draw, `other`: another seed."""
    sample = SAMPLES[name]
    dwellings, days = sample.smallest if small else (sample.dwellings, DAYS)
    seed = sample.seed + (sample.other if other else 0)
    prevalence = sample.prevalence if prevalence is None else prevalence
    if name != "city":
        size = {"dwellings": dwellings, "days": days, "start": sample.start}
        write_apart(name, directory, seed=seed, prevalence=prevalence, parquet=parquet, **size)  # type: ignore[arg-type]
        return
    world = builtin_world("dev")
    often = dict.fromkeys(
        ("vacancy", "sublet_whole", "sublet_part", "lent", "visitor_abuse", "over_occupancy"), prevalence
    )
    world = msgspec.structs.replace(
        world, violations=msgspec.structs.replace(world.violations, **often, vacant_used=0.3)
    )
    settings = Settings(world, seed, dwellings, days, sample.start, honest_only=prevalence == 0, inspections=20)
    generate(settings, directory, parquet=parquet)


class Cities:
    """Samples as they are asked for, each drawn once."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._tables: dict[str, Tables] = {}

    def sample(self, name: str) -> Tables:
        """The sample of a simulator."""
        if name not in self._tables:
            write_sample(name, self._directory / name)
            self._tables[name] = read_tables(self._directory / name)
        return self._tables[name]

    def small(self, name: str) -> Path:
        """Where a small one stands, as Parquet: not to be written to."""
        directory = self._directory / f"small {name}"
        if not directory.exists():
            write_sample(name, directory, small=True)
        return directory


def read_tables(directory: Path) -> Tables:
    """The tables of a city that was written as Parquet; dates and times as texts."""
    files = sorted(directory.glob("*.parquet"))
    return {file.stem: [_plain(row) for row in pq.read_table(file).to_pylist()] for file in files}


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {key: value.isoformat() if isinstance(value, date | datetime) else value for key, value in row.items()}


def empty(directory: Path, table: str) -> bool:
    """Whether a table that was written as Parquet has its columns and no row."""
    stands = pq.read_table(directory / f"{table}.parquet")
    assert set(stands.column_names) == set(FORMAT[table].split())
    return bool(stands.num_rows == 0)


def words(city: Tables, table: str, column: str) -> set[Any]:
    """All values of a column."""
    return {row[column] for row in city[table]}


def check_words(city: Tables) -> None:
    """All words are the format's."""
    for (table, column), known in WORDS.items():
        unknown = words(city, table, column) - known
        assert not unknown, f"{table}.{column} has words that the format does not know: {unknown}"


def check_names(city: Tables, dwellings: int, *, relets: bool = False) -> None:
    """Rows name dwellings, access points and members that exist; one that is `relet` may have two rows."""
    homes, points = words(city, "dwellings", "dwelling_id"), words(city, "access_points", "access_point_id")
    assert len(homes) == dwellings
    assert relets or len(city["dwellings"]) == dwellings, "two dwellings have one identifier"
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
    check_offset(city)


def check_offset(city: Tables) -> None:
    """Times are those of China, and there is one a day at least."""
    times = [row["ts"] for row in city["passes"]]
    assert {time[-6:] for time in times} == {"+08:00"}
    assert len({time[:10] for time in times}) == DAYS, "on some days nobody passed any door"


def check_coverage(city: Tables) -> None:
    """Coverage rows of an access point do not overlap."""
    ends: dict[str, str] = {}
    for row in sorted(city["coverage"], key=lambda one: (one["access_point_id"], one["from"])):
        point = row["access_point_id"]
        assert ends.get(point, "") <= row["from"] < row["to"], (
            f"{row} overlaps with the row before, or ends before it begins"
        )
        ends[point] = row["to"]


def longest_dry(city: Tables) -> dict[str, int]:
    """Of each dwelling with a water meter the longest run of days under 10 litres."""
    longest: dict[str, int] = {}
    running: dict[str, int] = {}
    for row in sorted((one for one in city["meters"] if one["kind"] == "water"), key=lambda one: one["date"]):
        home, dry = row["dwelling_id"], row["value"] is not None and row["value"] < 0.01
        running[home] = running.get(home, 0) + 1 if dry else 0
        longest[home] = max(longest.get(home, 0), running[home])
    return longest
