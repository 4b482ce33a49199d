"""A back-test as a whole, on small simulated cities written by `simulators.city`."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from small_city import written

from hub.occupancy.backtest import run as run_module
from hub.occupancy.backtest.chunk import Problems
from hub.occupancy.backtest.command import summary
from hub.occupancy.backtest.run import Options, Result, backtest
from hub.occupancy.backtest.tables import Tables
from tools.bench.draws import Draw
from tools.bench.without import resting

START, DAYS, HOMES = date(2025, 7, 1), 120, 120
Rows = list[dict[str, str]]


def quiet(what: str, done: int, total: int) -> None:
    """No progress bar."""


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """120 days of 120 dwellings, as CSV."""
    return written(tmp_path_factory.mktemp("city"), HOMES, DAYS, START)


def leads(file: Path) -> Rows:
    with file.open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))


def replay(source: Path, out: Path, until: date | None = None) -> tuple[Rows, Result]:
    result = backtest(Options(source, out, until=until), quiet)
    return leads(out), result


@pytest.fixture(scope="module")
def whole(city: Path, tmp_path_factory: pytest.TempPathFactory) -> Rows:
    """The leads of the whole history. Only this replay is scored: what is true plays no part in the others."""
    rows, result = replay(city, tmp_path_factory.mktemp("whole") / "leads.csv")
    assert len(rows) > 15, "a city of 120 raises leads, else these tests prove nothing"
    assert result.figures["score"]["yellow+"]["leads"] > 2
    assert len(result.figures["baselines"]) == 4, "three fixed practices and a forest stand beside it"
    (city / "truth.csv").unlink()
    return rows


def rewrite(source: Path, target: Path, table: str, change: Callable[[Rows], Rows]) -> None:
    """Copies a history with one table changed."""
    shutil.copytree(source, target)
    with (source / f"{table}.csv").open(encoding="utf-8", newline="") as opened:
        reader = csv.DictReader(opened)
        header, rows = list(reader.fieldnames or ()), list(reader)
    with (target / f"{table}.csv").open("w", encoding="utf-8", newline="") as opened:
        writer = csv.DictWriter(opened, header)
        writer.writeheader()
        writer.writerows(change(rows))


def test_nothing_is_seen_of_later_days(city: Path, whole: Rows, tmp_path: Path) -> None:
    """A history cut off after day d gives the rows that the whole one gives up to d: stage, text and all."""
    for back in (1, 50):
        until = START + timedelta(days=DAYS - 1 - back)
        cut, _ = replay(city, tmp_path / f"{back}.csv", until)
        upto = [
            {**row, "closed_on": row["closed_on"] if row["closed_on"] <= until.isoformat() else ""}
            for row in whole
            if row["opened_on"] <= until.isoformat()
        ]
        assert cut == upto, f"days after {until} changed what was said before"


def test_faces_without_consent_change_no_lead(city: Path, whole: Rows, tmp_path: Path) -> None:
    members: Rows = leads(city / "members.csv")

    def consented(row: dict[str, str]) -> bool:
        day = row["ts"][:10]
        return any(
            m["person_id"] == row["person_id"]
            and m["face_consent_b"] == "1"
            and m["from"] <= day <= (m["to"] or "9999")
            for m in by_person.get(row["person_id"], ())
        )

    by_person: dict[str, Rows] = {}
    for member in members:
        by_person.setdefault(member["person_id"], []).append(member)
    removed = 0

    def without(rows: Rows) -> Rows:
        nonlocal removed
        kept = [row for row in rows if row["credential_kind"] != "face" or consented(row)]
        removed = len(rows) - len(kept)
        return kept

    rewrite(city, tmp_path / "lawful", "passes", without)
    found, _ = replay(tmp_path / "lawful", tmp_path / "leads.csv")
    assert removed > 1000, "there were such passes to remove"
    assert found == whole, "a face pass without consent (b) changed a lead"


def test_a_killed_run_goes_on_where_it_was(
    city: Path, whole: Rows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.occupancy.backtest.gathered.BUCKET", 40)
    out = tmp_path / "leads.csv"

    class Killed(Exception):
        pass

    def kill(what: str, done: int, total: int) -> None:
        if what == "dwellings" and done == 1:
            raise Killed

    with pytest.raises(Killed):
        backtest(Options(city, out), kill)
    assert not out.exists()
    replayed: list[int] = []
    original = run_module.Replayer.bucket

    def spy(self: run_module.Replayer, directory: Path, number: int, only: frozenset[int] | None) -> object:
        if only is None:
            replayed.append(number)
        return original(self, directory, number, only)

    monkeypatch.setattr(run_module.Replayer, "bucket", spy)
    monkeypatch.setattr(run_module, "gather", None)
    backtest(Options(city, out), quiet)
    assert leads(out) == whole
    assert replayed == list(range(1, 1 + len(replayed))), "finished buckets were replayed again"
    assert replayed, "nothing was left to do: the run was not killed half-way"
    assert not (tmp_path / "leads.csv.work").exists()


def test_what_other_rules_or_another_model_judged_is_not_gone_on_with(
    city: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options, tables = Options(city, tmp_path / "leads.csv"), Tables(city, Problems())
    same = run_module._fingerprint(options, tables, "pack")
    monkeypatch.setattr(run_module, "RULES_VERSION", "of another release")
    other_rules = run_module._fingerprint(options, tables, "pack")
    monkeypatch.undo()
    other = replace(run_module.model(), version="of another fit")
    monkeypatch.setattr(run_module, "model", lambda: other)
    other_model = run_module._fingerprint(options, tables, "pack")
    assert len({same, other_rules, other_model}) == 3, "leads of two models would stand in one file"


def test_bad_rows_are_named_and_counted_and_raise_no_lead(city: Path, whole: Rows, tmp_path: Path) -> None:
    def spoilt(rows: Rows) -> Rows:
        first = rows[0]
        bad = [
            {**first, "ts": "yesterday"},
            {**first, "access_point_id": "NOWHERE"},
            {**first, "dwelling_id": "NO-HOME", "granted": "1", "credential_kind": "card", "person_id": ""},
            {**first, "ts": "2031-01-01T00:00:00+08:00"},
            {**first, "credential_kind": "telepathy"},
        ]
        return [*rows, *bad, *[dict(row) for row in rows[:50]]]

    rewrite(city, tmp_path / "spoilt", "passes", spoilt)
    found, result = replay(tmp_path / "spoilt", tmp_path / "leads.csv")
    counts = result.problems.counts
    assert counts["unreadable value in passes.ts"] == 1
    assert counts["pass at an unknown access point, kept out"] == 1
    assert counts["pass naming an unknown dwelling, kept out"] == 1
    assert counts["pass with an unknown kind of credential, kept out"] == 1
    assert counts["pass outside the days of the history, kept out"] >= 1
    for what, word in (
        ("pass at an unknown access point, kept out", "NOWHERE"),
        ("pass naming an unknown dwelling, kept out", "NO-HOME"),
        ("pass with an unknown kind of credential, kept out", "telepathy"),
    ):
        assert result.problems.examples[what][0].endswith(f": {word!r}"), "who mends it must know what to look for"
    assert "column ts: 'yesterday'" in result.problems.examples["unreadable value in passes.ts"][0]
    assert found == whole, "rows that cannot be used changed a lead"


def test_dwellings_that_cannot_be_judged_are_kept_out(city: Path, tmp_path: Path) -> None:
    target: list[str] = []

    def doubled(rows: Rows) -> Rows:
        let = next(row for row in rows if row["let_from"] and not row["let_to"])
        target.append(let["dwelling_id"])
        homeless = {**let, "dwelling_id": "X-1", "estate_id": "X", "block_id": "X"}
        return [*rows, {**let, "let_from": "2025-08-01"}, homeless]

    rewrite(city, tmp_path / "doubled", "dwellings", doubled)
    found, result = replay(tmp_path / "doubled", tmp_path / "leads.csv")
    kept_out = result.figures["kept_out"]
    assert kept_out[target[0]] == "overlapping leases"
    assert kept_out["X-1"] == "no access point on the way home"
    assert not [row for row in found if row["dwelling_id"] in kept_out], "a dwelling kept out got a lead"


def test_backwards_meter_is_no_evidence(city: Path, tmp_path: Path) -> None:
    def reversed_(rows: Rows) -> Rows:
        return [{**row, "value": f"-{row['value']}" if row["value"] not in ("", "0") else row["value"]} for row in rows]

    rewrite(city, tmp_path / "back", "meters", reversed_)
    found, result = replay(tmp_path / "back", tmp_path / "leads.csv")
    assert result.problems.counts["meter that runs backwards, reading kept out"] > 5_000
    assert all("用水日均" not in row["because"] for row in found if row["stage"] == "red")


def test_parquet_and_csv_give_the_same_leads(city: Path, whole: Rows, tmp_path: Path) -> None:
    target = tmp_path / "parquet"
    written(target, HOMES, DAYS, START, parquet=True)
    found, _ = replay(target, tmp_path / "leads.csv")
    assert [(r["dwelling_id"], r["kind"], r["stage"], r["opened_on"]) for r in found] == [
        (r["dwelling_id"], r["kind"], r["stage"], r["opened_on"]) for r in whole
    ]


def test_closed_cases_change_only_what_is_said_after_them(city: Path, whole: Rows, tmp_path: Path) -> None:
    """A lead is found to be unfounded: from then on less is claimed of its home, from the next Monday on of others whose leads
    are of its kind, nothing before."""
    again = {row["dwelling_id"] for row in whole if row["opened_on"] > "2025-08-22" and row["kind"] != "vacancy"}
    lead = next(row for row in whole if row["opened_on"] < "2025-08-22" and row["dwelling_id"] in again)
    closed = {lead["dwelling_id"]: lead}
    monday = "2025-08-25"

    def found(_rows: Rows) -> Rows:
        return [
            {"dwelling_id": d, "kind": row["kind"], "closed_on": "2025-08-22", "outcome": "unfounded"}
            for d, row in closed.items()
        ]

    rewrite(city, tmp_path / "inspected", "cases", found)
    rows, result = replay(tmp_path / "inspected", tmp_path / "leads.csv")
    assert result.figures["outcomes"]["heard"] == 1

    def before(rows: Rows) -> Rows:
        return [
            {**row, "closed_on": row["closed_on"] if row["closed_on"] < until(row) else ""}
            for row in rows
            if row["opened_on"] < until(row)
        ]

    def until(row: dict[str, str]) -> str:
        return "2025-08-22" if row["dwelling_id"] in closed else monday

    assert before(rows) == before(whole), "a case closed on 22 August changed what was said before"

    def stated(rows: Rows, *, of_closed: bool) -> float:
        return sum(
            float(row["probability"])
            for row in rows
            if (row["dwelling_id"] in closed) == of_closed
            and row["opened_on"] > until(row)
            and row["kind"] != "vacancy"
        )

    assert stated(rows, of_closed=True) < 0.8 * stated(whole, of_closed=True), "people found these homes to be in order"
    assert stated(rows, of_closed=False) < stated(whole, of_closed=False), (
        "and of others less is claimed after the cases"
    )


def test_a_lead_rests_on_the_evidence_it_names(city: Path) -> None:
    """What a lead names, taken out of the record, leaves less of a lead (the bench counts it over whole cities)."""
    draw = Draw(city)
    try:
        standing = [lead for lead in draw.replay() if lead.stage in ("yellow", "orange", "red")]
        judged = resting(draw, standing)
    finally:
        draw.close()
    assert len(judged) > 5
    left = [f"{one.lead.rule} {one.lead.stage} → {one.stage_without}" for one in judged if not one.rests]
    assert not left, f"leads that stand without their evidence: {left}"


def test_where_a_stock_can_bear_few_questions_the_likelier_are_put(
    city: Path, whole: Rows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.occupancy.asking.FEWEST", 1)
    monkeypatch.setattr("hub.occupancy.asking.SHARE", 0.0)
    few, result = replay(city, tmp_path / "few.csv")
    asking = result.figures["asking"]
    assert 0 < asking["limited_weeks"] <= asking["weeks"] == 17
    line = next(line for line in summary(result.figures) if "questions were put to the likeliest" in line)
    assert f"in {asking['limited_weeks']} of 17 weeks" in line

    def of(rows: Rows, *stages: str) -> list[tuple[str, ...]]:
        return [
            (row["dwelling_id"], row["kind"], row["stage"], row["opened_on"]) for row in rows if row["stage"] in stages
        ]

    assert len(of(few, "yellow")) < len(of(whole, "yellow")), "no question waited"
    assert of(few, "orange", "red") == of(whole, "orange", "red"), "visits and files are held up by nothing"
    middle = START + timedelta(days=80)
    earlier, _ = replay(city, tmp_path / "earlier.csv", until=middle)
    assert of(earlier, "yellow") == [row for row in of(few, "yellow") if row[3] <= middle.isoformat()], (
        "it knew the future"
    )
    two = tmp_path / "two.csv"
    backtest(Options(city, two, jobs=2), quiet)
    assert two.read_bytes() == (tmp_path / "few.csv").read_bytes()
