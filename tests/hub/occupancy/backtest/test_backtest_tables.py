"""A directory that is no history is refused with the table and column that are wrong."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow.csv import read_csv
from pyarrow.parquet import write_table
from typer.testing import CliRunner

from hub.cli import app
from hub.occupancy.backtest.chunk import BAD, HistoryInvalid, Problems, day_of
from hub.occupancy.backtest.command import _tier_line
from hub.occupancy.backtest.run import Options, Result
from hub.occupancy.backtest.tables import COLUMNS, REQUIRED, Tables


def write(directory: Path, name: str, *rows: str, header: str | None = None) -> None:
    text = "\n".join([header or ",".join(COLUMNS[name]), *rows]) + "\n"
    (directory / f"{name}.csv").write_text(text, encoding="utf-8")


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A history of headers only."""
    for name in REQUIRED:
        write(tmp_path, name)
    return tmp_path


@pytest.mark.parametrize("name", REQUIRED)
def test_a_missing_table_is_named(directory: Path, name: str) -> None:
    (directory / f"{name}.csv").unlink()
    with pytest.raises(HistoryInvalid, match=f"required table '{name}' is missing"):
        Tables(directory, Problems())


def test_a_missing_column_is_named(directory: Path) -> None:
    write(directory, "members", header="person_id,dwelling_id,from,to")
    with pytest.raises(HistoryInvalid, match=r"members\.csv: column 'face_consent_b' is missing"):
        list(Tables(directory, Problems()).chunks("members"))


def test_unknown_columns_give_one_warning(directory: Path) -> None:
    problems = Problems()
    write(
        directory, "members", "P1,D1,2025-01-01,,1,x", header="person_id,dwelling_id,from,to,face_consent_b,shoe_size"
    )
    tables = Tables(directory, problems)
    for _ in range(2):
        list(tables.chunks("members"))
    assert problems.counts == {"unknown column, ignored": 1}
    assert problems.examples["unknown column, ignored"] == ["members.shoe_size"]


def test_times_are_read_in_the_estates_zone(directory: Path) -> None:
    write(
        directory,
        "coverage",
        "A,2026-03-01T00:10:00+08:00,2026-02-28T16:20:00Z,ok",
        "A,2026-03-01T00:10:00,2026-03-01T25:00:00+08:00,ok",
    )
    problems = Problems()
    chunk = next(iter(Tables(directory, problems).chunks("coverage")))
    starts, ends = chunk.times("from"), chunk.times("to")
    assert day_of(int(starts[0]) // 86_400).isoformat() == "2026-03-01"
    assert (int(starts[0]) % 86_400, int(ends[0]) - int(starts[0])) == (600, 600)
    assert starts[1] == BAD, "a time without an offset may be any time"
    assert ends[1] == BAD
    assert problems.counts == {"unreadable value in coverage.from": 1, "unreadable value in coverage.to": 1}


def test_a_row_of_another_length_is_left_out_and_named(directory: Path) -> None:
    write(directory, "members", "P1,D1,2025-01-01,,1", "P2,D1", "P3,D1,2025-01-01,,1,", "P4,D1,someday,,1")
    problems = Problems()
    (chunk,) = Tables(directory, problems).chunks("members")
    assert chunk.coded("person_id").texts() == ["P1", "P3", "P4"], "a comma too many at the end says nothing"
    chunk.days("from")
    assert problems.examples == {
        "row of another length in members": ["members row 2: 2 fields, not 5"],
        "unreadable value in members.from": ["members row 4, column from: 'someday'"],
    }, "a row is found where the file has it"


def test_an_outage_that_may_stand_in_a_row_of_another_length_is_one_of_no_known_time(directory: Path) -> None:
    whole = "A,2026-03-01T00:10:00+08:00,2026-03-01T00:20:00+08:00,ok"
    write(directory, "coverage", whole, "A,2026-03-01,08:00,2026-03-02,down", "B,2026-03-01T00:10:00+08:00,ok", "C")
    problems = Problems()
    (chunk,) = Tables(directory, problems).chunks("coverage")
    assert chunk.coded("access_point_id").texts() == ["A", "A", "B", "C"]
    assert chunk.coded("state").texts() == ["ok", "down", "ok", "down"]
    assert (chunk.times("from") == BAD).tolist() == [False, True, True, True]
    assert problems.examples == {"row of another length in coverage": ["coverage row 2: 5 fields, not 4"]}


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("person_id;dwelling_id;from;to;face_consent_b", "separated by semicolons; write commas"),
        ("person_id\tdwelling_id\tfrom\tto\tface_consent_b", "separated by tabs; write commas"),
        ("person_id,dwelling_id,from,to,face_consent_b,to", "column 'to' stands there twice"),
    ],
)
def test_a_header_that_cannot_be_meant_says_what_to_do(directory: Path, header: str, words: str) -> None:
    write(directory, "members", header=header)
    with pytest.raises(HistoryInvalid, match=words):
        list(Tables(directory, Problems()).chunks("members"))


@pytest.mark.parametrize(("encoding", "words"), [("gb18030", "written in GBK"), ("utf-16", "written in UTF-16")])
def test_a_table_in_another_encoding_says_which(directory: Path, encoding: str, words: str) -> None:
    rows = [",".join(COLUMNS["absences"]), *["D1,2025-01-01,,外出务工,2025-01-01"] * 3]
    (directory / "absences.csv").write_bytes("\n".join(rows).encode(encoding))
    with pytest.raises(HistoryInvalid, match=words + ": save it as CSV UTF-8"):
        list(Tables(directory, Problems()).chunks("absences"))


def test_a_table_by_another_name_is_told(directory: Path) -> None:
    for name in ("absence.csv", "Meters.xlsx", "notes.txt", "simulated_absences.csv"):
        (directory / name).touch()
    write_table(read_csv(directory / "members.csv"), directory / "members.parquet")
    problems = Problems()
    Tables(directory, problems)
    assert problems.examples["file that is not read"] == [
        "Meters.xlsx: only meters.csv or meters.parquet is",
        "absence.csv: only absences.csv or absences.parquet is",
        "members.csv: members.parquet is",
    ]


@pytest.mark.parametrize(
    ("column", "words"),
    [
        (pa.array([["P1"]]), r"members\.person_id: a column of list<.*> cannot be read as text"),
        (pa.array([b"\xff\xfe"]), r"members\.person_id: a column of binary cannot be read as text"),
    ],
    ids=["lists", "no UTF-8"],
)
def test_a_parquet_column_that_is_no_text_is_named(directory: Path, column: pa.Array, words: str) -> None:
    others = {name: pa.array(["2025-01-01"]) for name in COLUMNS["members"][1:]}
    write_table(pa.table({"person_id": column, **others}), directory / "members.parquet")
    (chunk,) = Tables(directory, Problems()).chunks("members")
    with pytest.raises(HistoryInvalid, match=words):
        chunk.coded("person_id")


def test_a_parquet_column_that_stands_twice_is_named(directory: Path) -> None:
    names = [*COLUMNS["members"], "to"]
    write_table(pa.table([pa.array(["2025-01-01"])] * len(names), names=names), directory / "members.parquet")
    with pytest.raises(HistoryInvalid, match="column 'to' stands there twice"):
        list(Tables(directory, Problems()).chunks("members"))


def test_nothing_of_somebody_elses_is_deleted(directory: Path) -> None:
    work = directory / "leads.csv.work"
    work.mkdir()
    (work / "thesis.docx").write_text("five years")
    done = CliRunner().invoke(app, ["backtest", "--in", str(directory), "--out", str(directory / "leads.csv")])
    assert done.exit_code == 1
    assert "holds 'thesis.docx', which is no back-test's" in done.output.replace("\n", "")
    assert (work / "thesis.docx").exists()


def test_a_history_that_observed_nothing_is_refused_by_the_command(directory: Path) -> None:
    write(directory, "dwellings", "D1,E,B,2025-01-01,,2")
    done = CliRunner().invoke(app, ["backtest", "--in", str(directory), "--out", str(directory / "leads.csv")])
    assert done.exit_code == 1
    assert "coverage: no access point was ever observed" in done.output
    write(directory, "coverage", "Z,2026-03-01T00:10:00+08:00,2026-03-01T00:20:00+08:00,ok")
    done = CliRunner().invoke(app, ["backtest", "--in", str(directory), "--out", str(directory / "leads.csv")])
    assert "noted before: coverage of an unknown access point: 1 (first: coverage row 1: 'Z')" in done.output
    unknown = CliRunner().invoke(app, ["backtest", "--in", str(directory), "--out", "x", "--policy", "atlantis"])
    assert unknown.exit_code == 1
    assert "no policy pack 'atlantis'; installed: beijing" in unknown.output


def test_a_file_that_is_no_parquet_is_named(directory: Path) -> None:
    (directory / "passes.parquet").write_bytes(b"no parquet")
    with pytest.raises(HistoryInvalid, match=r"passes\.parquet: no readable Parquet file|install pyarrow"):
        list(Tables(directory, Problems()).chunks("passes"))


@pytest.mark.parametrize("option", ["--out", "--report"])
@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("", "is a directory"),
        ("members.csv/x.json", "cannot be written"),
        ("/proc/x.json", "cannot be written"),
        ("members.csv", "is a table of the history"),
    ],
)
def test_where_nothing_can_be_written_is_said_before_the_replay(
    directory: Path, monkeypatch: pytest.MonkeyPatch, option: str, place: str, words: str
) -> None:
    """Else a night's work would end in an error instead of its report."""
    monkeypatch.setattr("hub.occupancy.backtest.run.backtest", lambda *_given: pytest.fail("it was replayed"))
    given = {"--out": directory / "leads.csv", "--report": directory / "report.json", option: directory / place}
    options = [str(part) for pair in given.items() for part in pair]
    done = CliRunner().invoke(app, ["backtest", "--in", str(directory), *options])
    assert done.exit_code == 2, done.output
    assert words in " ".join(done.output.replace("│", " ").split())


def test_the_report_takes_not_the_place_of_the_leads(directory: Path) -> None:
    out = str(directory / "leads.csv")
    done = CliRunner().invoke(app, ["backtest", "--in", str(directory), "--out", out, "--report", out])
    assert done.exit_code == 2
    assert "holds the leads" in done.output
    assert not (directory / "leads.csv").exists(), "to try whether a file may be written leaves none behind"


def test_a_directory_for_what_is_written_is_made(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def look(options: Options, _progress: object) -> Result:
        assert options.report is not None
        assert options.out.parent.is_dir()
        assert options.report.parent.is_dir()
        raise HistoryInvalid("seen")

    monkeypatch.setattr("hub.occupancy.backtest.run.backtest", look)
    files = ["--out", str(directory / "a" / "leads.csv"), "--report", str(directory / "b" / "c" / "report.json")]
    done = CliRunner().invoke(app, ["backtest", "--in", str(directory), *files])
    assert "error: seen" in done.output


def test_a_back_test_that_is_stopped_says_how_to_go_on(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*_given: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("hub.occupancy.backtest.run.backtest", stopped)
    command = ["backtest", "--in", str(directory), "--out", str(directory / "leads.csv")]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 130
    assert "the same command begins anew" in done.output, "it was still reading: nothing is kept"
    kept = directory / "leads.csv.work" / "gathered.json"
    kept.parent.mkdir()
    kept.write_text("{}")
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 130
    assert "the same command goes on from there" in done.output


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_how_much_was_read_reaches_the_size_of_the_tables(
    directory: Path, ending: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.occupancy.backtest.tables.CHUNK_ROWS", 1)
    write(directory, "members", *(f"P{i},D1,2025-01-01,,1" for i in range(5)))
    if ending == "parquet":
        write_table(read_csv(directory / "members.csv"), directory / "members.parquet")
    tables = Tables(directory, Problems())
    seen = [tables.read["members"]]
    seen += [tables.read["members"] for _chunk in tables.chunks("members")]
    assert seen == sorted(seen)
    assert seen[0] == 0
    assert seen[-1] == tables.size("members") > 0


def test_a_share_of_nothing_is_a_dash() -> None:
    tier = {"leads": 0, "precision": None, "false_per_10000_dwelling_years": 0.0}
    assert "precision –, 0.0 false" in _tier_line("red", tier)
