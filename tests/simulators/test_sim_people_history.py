"""The record export and the messy spreadsheet."""

from __future__ import annotations

import gzip
import json
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from simulators.history import write_history
from simulators.outages import outages, start_of
from simulators.people import HouseholdKind, id_number_is_valid
from simulators.plan import load_plan, write_plan
from simulators.residents import Layout, Population, population
from simulators.site import ZONE
from simulators.tenancies import tenancy_records
from simulators.xlsx import HEADERS, write_xlsx

UNTIL = datetime(2026, 11, 21, 17, 0, tzinfo=ZONE)


@pytest.fixture(scope="module")
def people() -> Population:
    return population(1, UNTIL.date(), 200)


@pytest.fixture(scope="module")
def lines(people: Population, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    path = tmp_path_factory.mktemp("history") / "history.ndjson"
    begun = time.perf_counter()
    count = write_history(path, people, UNTIL)
    print(f"history: {count} lines in {time.perf_counter() - begun:.2f} s")
    with path.open(encoding="utf-8") as file:
        read = [json.loads(line) for line in file]
    assert len(read) == count
    return read


def of(lines: list[dict[str, Any]], kind: str) -> Iterator[dict[str, Any]]:
    return (line for line in lines if line["t"] == kind)


def test_size_and_order(lines: list[dict[str, Any]]) -> None:
    assert 250_000 <= len(lines) <= 400_000, f"{len(lines)} lines"
    times = [line["at"] for line in lines]
    assert times == sorted(times), "lines must be ordered by time"
    assert times[-1] <= UNTIL.isoformat()
    assert datetime.fromisoformat(times[0]).utcoffset() == timedelta(hours=8)
    fields = {
        "access": {"t", "device", "point", "at", "holder", "card", "by", "granted", "reason", "direction"},
        "door": {"t", "device", "point", "at", "state", "alarm"},
        "meter": {"t", "device", "point", "at", "quantity", "value", "ok"},
        "observation": {"t", "device", "at", "state", "reason"},
    }
    for line in lines:
        assert set(line) == fields[line["t"]], f"wrong fields: {line}"


def test_same_seed_same_history(people: Population, tmp_path: Path) -> None:
    write_history(tmp_path / "a.ndjson.gz", people, UNTIL, days=20)
    write_history(tmp_path / "b.ndjson", population(1, UNTIL.date(), 200), UNTIL, days=20)
    with gzip.open(tmp_path / "a.ndjson.gz", "rt", encoding="utf-8") as file:
        assert file.read() == (tmp_path / "b.ndjson").read_text(encoding="utf-8")


def test_each_device_begins_observed_and_is_silent_while_down(people: Population, lines: list[dict[str, Any]]) -> None:
    first: dict[str, dict[str, Any]] = {}
    for line in lines:
        first.setdefault(line["device"], line)
    assert {(line["t"], line["state"]) for line in first.values()} == {("observation", "ok")}
    spans = [s for s in outages(people) if s.state == "down"]
    assert spans, "some device must have been down"
    start = start_of(people)
    for line in lines:
        if line["t"] in ("access", "meter"):
            second = int((datetime.fromisoformat(line["at"]) - start).total_seconds())
            inside = [s for s in spans if s.device == line["device"] and s.first_s <= second < s.last_s - 130]
            assert not inside, f"{line} while {inside}"


def test_meters_only_rise(lines: list[dict[str, Any]]) -> None:
    last: dict[tuple[str, str], float] = defaultdict(float)
    for line in of(lines, "meter"):
        if line["ok"]:
            key = (line["device"], line["point"])
            assert line["value"] >= last[key], f"{key} fell at {line['at']}"
            last[key] = line["value"]
    assert len(last) == 240, "electricity and water of 120 dwellings"
    assert any(not line["ok"] for line in of(lines, "meter")), "some readings must be bad"


def test_story_of_the_special_households(people: Population, lines: list[dict[str, Any]]) -> None:
    days: dict[str, set[tuple[date, str]]] = defaultdict(set)
    for line in of(lines, "access"):
        if line["holder"]:
            days[line["holder"]].add((date.fromisoformat(line["at"][:10]), line["by"]))
    by_kind = {h.kind: h for h in people.households}
    for kind in (HouseholdKind.VACANCY_OLD, HouseholdKind.VACANCY_NEW):
        household = by_kind[kind]
        assert household.violation is not None
        late = [d for p in household.members for d, _ in days[p.person_id] if d > household.violation.first]
        assert not late, f"{kind}: passes after everybody left"
    sublet = by_kind[HouseholdKind.SUBLET_CARDS]
    assert sublet.violation is not None
    used = {(d, by) for p in sublet.members for d, by in days[p.person_id]}
    before = {by for d, by in used if d < sublet.violation.first}
    after = Counter(by for d, by in used if d > sublet.violation.first)
    assert "face" in before, "before, the household was seen by face"
    assert set(after) == {"card"}, "afterwards only lent cards are used"
    left = (people.end - sublet.violation.first).days
    assert after["card"] > 0.6 * left, "and nearly daily"


def test_plan_directory_is_private_and_complete(tmp_path: Path) -> None:
    plan = write_plan(tmp_path, 3, anchor=UNTIL, days=40, layout=Layout(blocks=2, floors=4), edge_broker_port=18830)
    site = json.loads((tmp_path / "site.json").read_text(encoding="utf-8"))
    devices = {d["code"]: d for d in site["devices"]}
    for point in site["access_points"]:
        assert point["device"] in devices
        assert point["camera"] is None or devices[point["camera"]]["kind"] == "onvif_camera"
    for meter in site["meters"]:
        points = {m["point"] for m in devices[meter["device"]]["config"]["meters"]}
        assert meter["point"] in points, f"{meter['code']} hangs on no unit"
    assert {d["kind"] for d in devices.values()} == {"face_terminal", "modbus_door", "modbus_meter", "onvif_camera"}
    assert (tmp_path / "plan.json").stat().st_mode & 0o077 == 0, "the plan holds secrets"
    again = load_plan(tmp_path)
    assert again.devices == plan.devices
    ports = [d["config"]["port"] for d in again.devices if "port" in d["config"]]
    assert len(ports) == len(set(ports))
    assert again.population().households, "the people come back from the plan"
    records = json.loads((tmp_path / "tenancies.json").read_text(encoding="utf-8"))["tenancies"]
    photos = {m["face_photo"]["sha256"] for r in records for m in r["members"] if m["face_photo"]}
    assert photos
    assert all((tmp_path / "photos" / f"{sha}.jpg").is_file() for sha in photos)


def test_load_plan_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="estate-sim plan"):
        load_plan(tmp_path)


@pytest.mark.parametrize("messy", [False, True])
def test_spreadsheet(people: Population, tmp_path: Path, messy: bool) -> None:
    records = tenancy_records(people, {})
    mess = write_xlsx(tmp_path / "list.xlsx", records, messy=messy)
    sheet = load_workbook(tmp_path / "list.xlsx").active
    assert sheet is not None
    rows = [list(row) for row in sheet.iter_rows(values_only=True)]
    head = next(i for i, row in enumerate(rows) if row[0] == HEADERS[0])
    assert [str(c).strip() for c in rows[head]] == list(HEADERS)
    body = rows[head + 1 :]
    assert len(body) == mess.rows
    numbers = [str(row[2]) for row in body]
    good = sum(id_number_is_valid(n) for n in numbers)
    if not messy:
        assert good == len(body), "a clean list has no wrong number"
        assert not sheet.merged_cells.ranges
        return
    assert sheet.merged_cells.ranges, "messy lists have merged cells"
    assert good < len(body)
    assert any("１" in n for n in numbers), "full-width digits are missing"
    assert any(str(row[1]).endswith((" ", "　")) for row in body), "trailing spaces are missing"
    wanted = {"impossible_id", "duplicate_person", "two_heads", "date_shape", "unknown_house", "empty_row"}
    assert wanted <= {name for name, count in mess.counts.items() if count > 0}
