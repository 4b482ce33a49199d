"""A history says the same without the faces that may not be looked at; who takes consent (b) back is not absent for it; and what
comes later changes nothing that was said before."""

from __future__ import annotations

import csv
import functools
import shutil
from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest

from hub.occupancy.backtest.run import Options, backtest
from simulators.city.generate import generate
from simulators.city.plan import Settings
from simulators.city.world import builtin_world

START, DAYS, BLOCK, HOME = date(2025, 7, 1), 240, "E01-B01", "E01-B01-0027"
Rows = list[dict[str, str]]
Leads = list[tuple[str, ...]]
SAID = ("dwelling_id", "kind", "stage", "opened_on", "closed_on", "probability", "families", "rule")


def read(file: Path) -> tuple[list[str], Rows]:
    with file.open(encoding="utf-8", newline="") as opened:
        reader = csv.DictReader(opened)
        return list(reader.fieldnames or ()), list(reader)


def write(file: Path, header: list[str], rows: Rows) -> None:
    with file.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.DictWriter(opened, header)
        writer.writeheader()
        writer.writerows(rows)


def changed(source: Path, target: Path, **tables: Callable[[Rows], Rows]) -> Path:
    shutil.copytree(source, target)
    for table, change in tables.items():
        header, rows = read(source / f"{table}.csv")
        write(target / f"{table}.csv", header, change(rows))
    return target


@functools.cache
def leads(source: Path, until: date | None = None) -> Leads:
    """No test changes a history that was judged: what was said of it once is not reckoned again."""
    out = source.with_name(f"{source.name}-{until}.csv")
    backtest(Options(source, out, until=until), lambda *_: None)
    return [tuple(row[name] for name in SAID) for row in read(out)[1]]


def up_to(found: Leads, day: date) -> Leads:
    """As they were said by the end of a day."""
    end = day.isoformat()
    return [(*one[:4], one[4] if one[4] <= end else "", *one[5:]) for one in found if one[3] <= end]


@pytest.fixture(scope="module")
def block(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One block of a city."""
    city = tmp_path_factory.mktemp("city")
    generate(Settings(builtin_world("dev"), seed=5, dwellings=220, days=DAYS, start=START), city, parquet=False)
    (city / "truth.csv").unlink()  # nothing is scored here
    small = city.with_name("small")
    shutil.copytree(city, small)
    homes = {row["dwelling_id"] for row in read(city / "dwellings.csv")[1] if row["block_id"] == BLOCK}
    people = {row["person_id"] for row in read(city / "members.csv")[1] if row["dwelling_id"] in homes}
    ways = read(city / "access_points.csv")[1]
    points = {row["access_point_id"] for row in ways if row["block_id"] in ("", BLOCK)}

    def keep(table: str, kept: Callable[[dict[str, str]], bool]) -> None:
        header, rows = read(city / f"{table}.csv")
        write(small / f"{table}.csv", header, [row for row in rows if kept(row)])

    for table in ("dwellings", "members", "meters", "absences", "cases"):
        keep(table, lambda row: row["dwelling_id"] in homes)
    for table in ("access_points", "coverage"):
        keep(table, lambda row: row["access_point_id"] in points)
    keep(
        "passes",
        lambda row: row["access_point_id"] in points and (row["dwelling_id"] in homes or row["person_id"] in people),
    )
    return small


def a_pass(kind: str, person: str, home: str, ts: str, point: str) -> dict[str, str]:
    return {
        "ts": ts, "access_point_id": point, "person_id": person, "credential_id": "" if kind == "face" else f"C-{person}",
        "credential_kind": kind, "dwelling_id": home, "granted": "1", "direction": "in",
    }  # fmt: skip


def in_order(rows: Rows) -> Rows:
    return sorted(rows, key=lambda row: row["ts"])


def without_consent(person: str, home: str) -> Callable[[Rows], Rows]:
    row = {"person_id": person, "dwelling_id": home, "from": "2023-01-01", "to": "", "face_consent_b": "0"}
    return lambda rows: [*rows, row]


def test_faces_without_consent_do_not_decide_whether_a_home_is_kept_out(block: Path, tmp_path: Path) -> None:
    """Passes that name another flat keep a home out where they are a fifth of its passes: of those that count."""
    members, passes = read(block / "members.csv")[1], read(block / "passes.csv")[1]
    other = next(row["person_id"] for row in members if row["dwelling_id"] != HOME and not row["to"])
    mine = {row["person_id"] for row in members if row["dwelling_id"] == HOME}
    own = sum(row["granted"] == "1" and (row["person_id"] in mine or row["dwelling_id"] == HOME) for row in passes)
    point = passes[0]["access_point_id"]

    def on(number: int, of: int) -> str:
        day = START + timedelta(days=number * DAYS // of)
        return f"{day.isoformat()}T12:{number % 60:02d}:{number // 60 % 60:02d}+08:00"

    wrong = [a_pass("card", other, HOME, on(n, own // 3), point) for n in range(own // 3)]
    unlawful = [a_pass("face", "P-NO", HOME, on(n, own * 2), point) for n in range(own * 2)]
    join = without_consent("P-NO", HOME)
    plain = changed(block, tmp_path / "plain", members=join, passes=lambda rows: in_order([*rows, *wrong]))
    faces = changed(block, tmp_path / "faces", members=join, passes=lambda rows: in_order([*rows, *wrong, *unlawful]))
    assert leads(plain) == leads(faces)


def test_faces_without_consent_do_not_say_that_a_door_observed(block: Path, tmp_path: Path) -> None:
    points = sorted(row["access_point_id"] for row in read(block / "access_points.csv")[1] if row["scope"] == "block")
    silent = [(date(2025, 8, 1) + timedelta(days=n)).isoformat() for n in range(28)]
    faces = [
        a_pass("face", "P-NO", HOME, f"{day}T{6 + n // 4:02d}:{n % 4 * 15:02d}:00+08:00", point)
        for day in silent
        for point in points
        for n in range(64)
    ]

    def quiet(rows: Rows) -> Rows:
        return [row for row in rows if not (row["access_point_id"] in points and row["ts"][:10] in silent)]

    join = without_consent("P-NO", HOME)
    plain = changed(block, tmp_path / "plain", members=join, passes=quiet)
    more = changed(block, tmp_path / "more", members=join, passes=lambda rows: in_order([*quiet(rows), *faces]))
    assert leads(plain) == leads(more)


def by_face_alone(block: Path, target: Path, homes: set[str], spans: tuple[tuple[str, str, str], ...]) -> Path:
    """These households come by face alone, and their consent (b) is as `spans` say: (from, to, 1 or 0)."""

    def consents(rows: Rows) -> Rows:
        mine = [row for row in rows if row["dwelling_id"] in homes]
        told = [{**row, "from": a or row["from"], "to": b, "face_consent_b": c} for row in mine for a, b, c in spans]
        return [*(row for row in rows if row["dwelling_id"] not in homes), *told]

    def faces(rows: Rows) -> Rows:
        return [row for row in rows if row["dwelling_id"] not in homes or row["credential_kind"] == "face"]

    return changed(block, target, members=consents, passes=faces)


def lived_in(block: Path) -> set[str]:
    """Homes of which nothing is found, where everybody has consented for long."""
    led = {one[0] for one in leads(block)}
    away = {row["dwelling_id"] for name in ("absences", "simulated_absences") for row in read(block / f"{name}.csv")[1]}
    members: dict[str, Rows] = {}
    for row in read(block / "members.csv")[1]:
        members.setdefault(row["dwelling_id"], []).append(row)
    return {
        home
        for home, rows in members.items()
        if home not in led | away
        and all(r["face_consent_b"] == "1" and not r["to"] and r["from"] < "2025-05-01" for r in rows)
    }


def comes_by_face(block: Path) -> Counter[str]:
    """Home → its passes by face."""
    return Counter(row["dwelling_id"] for row in read(block / "passes.csv")[1] if row["credential_kind"] == "face")


@pytest.fixture(scope="module")
def seen_by_face_alone(block: Path, tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Homes that come by face alone, and are lived in as long as everybody consents."""
    settled, faces = lived_in(block), comes_by_face(block)
    homes = set(sorted(settled, key=lambda home: -faces[home])[:8])
    assert len(homes) == 8
    before = by_face_alone(block, tmp_path_factory.mktemp("always") / "city", homes, (("", "", "1"),))
    assert not [one for one in leads(before) if one[0] in homes], "they live there"
    return homes


@pytest.mark.parametrize(
    "spans",
    [
        (("", "2025-08-31", "1"), ("2025-09-01", "", "0")),
        (("", "2025-08-31", "1"), ("2025-09-01", "2025-12-31", "0"), ("2026-01-01", "", "1")),
    ],
    ids=["taken back", "given again"],
)
def test_who_takes_consent_back_is_no_suspect(
    block: Path, seen_by_face_alone: set[str], tmp_path: Path, spans: tuple[tuple[str, str, str], ...]
) -> None:
    """Homes that are lived in and come by face alone: nobody may look at them any more, and that is all that is known. (Two of
    eight such homes were files, on others who would live there.)"""
    homes = seen_by_face_alone
    assert not [one for one in leads(by_face_alone(block, tmp_path / "then", homes, spans)) if one[0] in homes]


def test_who_never_consented_and_comes_by_face_alone_is_not_absent(block: Path, tmp_path: Path) -> None:
    """No door may look, no card was used, no meter is there: nothing is known. (Such homes were asked where they had been.)
    A meter may speak: a home that used no water for so long is asked, whoever consented."""
    faces = comes_by_face(block)
    homes = set(sorted(lived_in(block), key=lambda home: -faces[home])[:8])
    never = by_face_alone(block, tmp_path / "never", homes, (("", "", "0"),))

    def without(rows: Rows) -> Rows:
        return [row for row in rows if row["dwelling_id"] not in homes]

    def dry(rows: Rows) -> Rows:
        return [
            {**row, "value": "0"} if row["dwelling_id"] in homes and row["kind"] == "water" else row for row in rows
        ]

    unmetered = changed(never, tmp_path / "unmetered", meters=without)
    assert not [one for one in leads(unmetered) if one[0] in homes]
    asked = {one[0] for one in leads(changed(never, tmp_path / "dry", meters=dry)) if one[0] in homes}
    assert len(asked) > len(homes) // 2, "the meter speaks of who is gone"


def test_contradicting_passes_are_not_known_before_they_come(block: Path, tmp_path: Path) -> None:
    """A home is kept out from the day on which its records contradict each other, not from the beginning."""
    home, until = next(one[0] for one in leads(block) if one[3] < "2025-12-01"), date(2025, 12, 20)
    members, passes = read(block / "members.csv")[1], read(block / "passes.csv")[1]
    other = next(row["person_id"] for row in members if row["dwelling_id"] not in (home, HOME) and not row["to"])
    point = passes[0]["access_point_id"]
    wrong = [
        a_pass(
            "card",
            other,
            home,
            f"{until + timedelta(days=1 + n // 600)}T{n // 60 % 10 + 8:02d}:{n % 60:02d}:00+08:00",
            point,
        )
        for n in range(2400)
    ]
    whole = changed(block, tmp_path / "whole", passes=lambda rows: in_order([*rows, *wrong]))
    said = leads(whole)
    assert [one for one in up_to(said, until) if one[0] == home], "what was said before stays said"
    assert up_to(said, until) == leads(block, until)
    assert not [one for one in said if one[0] == home and one[3] > "2025-12-24"], "kept out from then on"
    assert all(one[4] for one in said if one[0] == home), "nothing stands any longer"


def test_what_a_meter_counts_is_not_known_before_it_shows(block: Path, tmp_path: Path) -> None:
    """A water meter that counts whole cubic metres later has told something until then."""
    home, until = next(one[0] for one in leads(block) if one[3] < "2025-12-01"), date(2025, 12, 20)

    def later_whole(rows: Rows) -> Rows:
        return [
            {**row, "value": "1"} if row["dwelling_id"] == home and row["kind"] == "water" and row["date"] > until.isoformat()
            else {**row, "value": "0"} if row["dwelling_id"] == home and row["kind"] == "water" else row
            for row in rows
        ]  # fmt: skip

    whole = changed(block, tmp_path / "whole", meters=later_whole)
    assert leads(whole, until) == up_to(leads(whole), until)


def test_who_is_registered_in_two_homes_has_gone_to_the_one_behind_the_door(block: Path, tmp_path: Path) -> None:
    """Passes that name nobody's home were the first one's alone: the other household was asked where it had been."""
    home = max(lived_in(block))
    person = next(row["person_id"] for row in read(block / "members.csv")[1] if row["dwelling_id"] == home)
    first = min(row["dwelling_id"] for row in read(block / "members.csv")[1])
    assert first < home

    def alone(rows: Rows) -> Rows:
        kept = [row for row in rows if row["dwelling_id"] != home]
        mine = next(row for row in rows if row["person_id"] == person)
        return [*kept, {**mine, "from": "2023-01-01"}, {**mine, "from": "2023-01-01", "dwelling_id": first}]

    def theirs(rows: Rows) -> Rows:
        mine = [{**row, "dwelling_id": "", "person_id": person} if row["dwelling_id"] == home else row for row in rows]
        return [row for row in mine if row["credential_kind"] != "visitor"]

    def unmetered(rows: Rows) -> Rows:
        return [row for row in rows if row["dwelling_id"] != home]

    both = changed(block, tmp_path / "both", members=alone, passes=theirs, meters=unmetered)
    assert not [one for one in leads(both) if one[0] == home]


def test_who_comes_back_later_is_not_known_when_others_move_in(block: Path, tmp_path: Path) -> None:
    members = [row for row in read(block / "members.csv")[1] if row["dwelling_id"] == HOME]
    first, until = members[0]["person_id"], date(2025, 10, 10)

    def swapped(rows: Rows) -> Rows:
        kept = [row for row in rows if row["dwelling_id"] != HOME]
        came = {"dwelling_id": HOME, "to": "", "face_consent_b": "1"}
        new = [{**came, "person_id": f"P-NEW{n}", "from": "2025-08-02"} for n in (1, 2)]
        back = [{**came, "person_id": first, "from": "2025-10-20"}]
        return [*kept, *({**row, "to": "2025-08-01"} for row in members), *new, *back]

    whole = changed(block, tmp_path / "whole", members=swapped)
    cut = changed(
        whole, tmp_path / "cut", members=lambda rows: [row for row in rows if row["from"] <= until.isoformat()]
    )
    assert leads(cut, until) == up_to(leads(whole), until)


def test_which_cases_are_heard_does_not_depend_on_later_ones(
    block: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = leads(block)[0][0]
    monkeypatch.setattr("hub.occupancy.backtest.inspected.MOST_CASES", 6)
    until = date(2025, 10, 10)
    early = [
        {"dwelling_id": home, "kind": "sublet_part", "closed_on": f"2025-08-{11 + n}", "outcome": "unfounded"}
        for n in range(5)
    ]
    later = [{**early[0], "closed_on": f"2025-10-{20 + n}"} for n in range(3)]
    whole = changed(block, tmp_path / "whole", cases=lambda _: [*early, *later])
    cut = changed(block, tmp_path / "cut", cases=lambda _: early)
    assert leads(cut, until) == up_to(leads(whole), until)


@pytest.mark.parametrize("kind", ["card", "qr", "pin"])
def test_who_moved_out_is_nobody_of_the_household(block: Path, tmp_path: Path, kind: str) -> None:
    """A card revoked late, or told late by a reader, opens daily: the home that stands empty is found as without."""
    said = leads(block)
    home = next(one[0] for one in said if one[1] == "vacancy" and one[2] != "yellow")
    point = read(block / "passes.csv")[1][0]["access_point_id"]
    until = (START - timedelta(days=1)).isoformat()
    row = {"person_id": "P-GONE", "dwelling_id": home, "from": "2023-01-01", "to": until, "face_consent_b": "0"}
    late = [
        a_pass(kind, "P-GONE", home, f"{START + timedelta(days=n)}T{hour:02d}:00:00+08:00", point)
        for n in range(DAYS)
        for hour in (8, 19)
    ]
    told = changed(
        block,
        tmp_path / "told",
        members=lambda rows: [*rows, row],
        passes=lambda rows: in_order([*rows, *late]),
    )
    assert leads(told) == said


def test_a_register_is_not_known_before_it_shows(block: Path, tmp_path: Path) -> None:
    """A meter that is given as it stands, and rises once in ten days: on the 120th day it has risen twelve times."""
    until = START + timedelta(days=100)
    homes = {one[0] for one in leads(block, until)}

    def register(rows: Rows) -> Rows:
        return [
            {**row, "value": f"{0.5 + (date.fromisoformat(row['date']) - START).days // 10 / 100:.2f}", "ok": "1"}
            if row["dwelling_id"] in homes and row["kind"] == "water"
            else row
            for row in rows
        ]

    told = changed(block, tmp_path / "told", meters=register)
    said = leads(told)
    then = leads(told, until)
    assert [one for one in then if one[0] in homes], "nothing is said of them: nothing was tried"
    assert up_to(said, until) == then
