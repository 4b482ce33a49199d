"""The report of both sides: every record of each side in one class, the sums add up, nothing is changed by looking."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from openpyxl import load_workbook
from sqlalchemy import func, select
from tenancy_feed import DECISION, MANY, Feed, both_new, household, member, over, run
from typer.testing import CliRunner

from hub import cli
from hub.services import Hub
from hub.tables import AuditRow
from hub.tenancy import sync
from hub.tenancy.reconciliation import Report, reconcile_source, rows_of, said, said_zh

SignIn = Callable[..., TestClient]


def adds_up(report: Report, feed: Feed) -> None:
    found = report.found
    for side in (found.hub, found.source, found.hub_members, found.source_members):
        assert sum(side.counts.values()) == side.total, side
    different = {str(r.get("id")) if isinstance(r, dict) else f"#{i}" for i, r in enumerate(feed.records)}
    assert found.source.total == len(different)
    assert found.hub.counts["agree"] == found.source.counts["agree"]
    assert found.hub.counts["different"] == found.source.counts["different"]
    assert found.hub_members.counts["agree"] == found.source_members.counts["agree"]


def test_after_a_full_pull_with_nothing_open_both_sides_agree(ready: Hub, feed: Feed) -> None:
    report = reconcile_source(ready, "feed")
    assert report.agrees
    assert said(report) == "both sides agree: 40 tenancies, 80 members"
    assert said_zh(report) == "两边一致：40 份租约，80 名成员。"
    adds_up(report, feed)


def test_every_record_is_in_one_class_and_nothing_changes_by_looking(ready: Hub, feed: Feed) -> None:
    feed.records[0] = household(0, 2, members=[member(0)])  # one left: the hub does not know yet
    feed.records[1] = household(1, 2, members=[member(2, name="王五", cards=["42"]), member(3, relation="spouse")])
    feed.records[2] = household(2) | {"version": "two"}  # refused
    del feed.records[3]  # only here
    feed.records += [household(44), household(45) | {"dwelling_code": "E9-1"}, "no record", household(44)]
    feed.spoil = lambda _cursor, page: page | {"total": 42}  # it counts each record once
    with ready.db.reading() as session:
        audits = session.scalar(select(func.count()).select_from(AuditRow))
    report = reconcile_source(ready, "feed")
    found = report.found
    for side in (found.hub, found.source, found.hub_members, found.source_members):
        assert sum(side.counts.values()) == side.total
    assert found.hub.counts == {"agree": 36, "different": 2, "held": 0, "refused": 1, "only": 1}
    assert found.source.counts == {"agree": 36, "different": 2, "held": 0, "refused": 3, "only": 1}
    assert report.repeated == 1
    assert found.only_here[0] == ("T-000000", household(0)["dwelling_code"], "P-000001")
    told = {(d.tenancy, d.person, d.name): (d.here, d.there) for d in found.differences}
    assert told[("T-000001", "P-000002", "name")] == ("张*丰", "王*"), "masked"
    assert told[("T-000001", "P-000002", "cards")] == ("****002", "*2")
    assert told[("T-000000", "P-000001", "member")] == ("张*丰", "")
    assert report.dwellings_unknown == ["E9-1"]
    with ready.db.reading() as session:
        assert session.scalar(select(func.count()).select_from(AuditRow)) == audits
    run(ready)
    report = reconcile_source(ready, "feed")
    assert found.source.total == report.found.source.total
    assert report.found.source.counts == {"agree": 39, "different": 0, "held": 0, "refused": 3, "only": 0}
    assert report.found.hub.counts == {"agree": 39, "different": 0, "held": 0, "refused": 1, "only": 1}


@pytest.mark.parametrize("ready", ["sqlite_hub", "postgres_hub"], indirect=True)
def test_held_sets_and_other_identifiers_are_a_class_of_their_own(ready: Hub, feed: Feed) -> None:
    feed.records = [over(n) if n < 4 else household(n) for n in range(MANY)]
    run(ready)
    report = reconcile_source(ready, "feed")
    adds_up(report, feed)
    assert report.found.hub.counts["held"] == report.found.source.counts["held"] == 4
    assert not report.agrees
    feed.records = [both_new(household(n)) for n in range(MANY)]
    run(ready)
    report = reconcile_source(ready, "feed")
    adds_up(report, feed)
    assert report.found.hub.counts["held"] == report.found.source.counts["held"] == MANY


def test_persons_cards_and_dwellings_that_stand_twice(ready: Hub, feed: Feed) -> None:
    again = member(
        1000, id_number=member(0)["id_number"], cards=["3000004"]
    )  # another number, the same ID; another's card
    feed.records.append(household(44, members=[again]))
    feed.records.append(household(5, 1, id="T-900005", members=[member(700, name="另一户", id_number="")]))
    run(ready)
    report = reconcile_source(ready, "feed")
    assert report.agrees, "both sides say the same, and a person should look"
    assert "questions" in said(report)
    (pair,) = report.people_twice
    assert {one.number for one in pair.records} == {"P-000000", "P-001000"}
    assert [one.where for one in report.cards_twice] == [("T-000002/P-000004", "T-000044/P-001000")]
    assert [one.what for one in report.dwellings_twice] == [household(5)["dwelling_code"]]
    text = str(rows_of(report))
    for secret in ("张三丰", member(0)["id_number"], "3000004"):
        assert secret not in text, "no name, no number in the clear"


def test_the_page_the_files_and_the_command_line(
    ready: Hub, feed: Feed, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    official, stranger = sign_in(ready, "housing_official"), sign_in(ready, "estate_manager", ["E001"])
    url = "/api/v1/tenancy/sources/feed/reconciliation"
    page = official.get(url).json()
    assert (page["agrees"], page["said_zh"]) == (True, "两边一致：40 份租约，80 名成员。")
    assert official.get("/api/v1/sources/feed/reconciliation").json()["agrees"] is True
    assert stranger.get(url).status_code == 404, "it speaks of all estates"
    feed.records[0] = household(0, 2, members=[member(0, name="=1+1"), member(1, relation="spouse")])
    table = list(csv.reader(io.StringIO(official.get(f"{url}/file?format=csv").content.decode("utf-8-sig"))))
    assert ["内容不同", "T-000000", household(0)["dwelling_code"], "P-000000", "name", "张*丰", "'=**1", ""] in table
    book = load_workbook(io.BytesIO(official.get(f"{url}/file").content))
    assert book.worksheets[0].max_row == len(table)
    feed.spoil = lambda _c, _p: (500, "text/plain", b"")
    answer = official.get(url)
    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "server_error")
    feed.spoil = None
    monkeypatch.setattr(cli, "open_directory", lambda _directory: ready)
    run(ready)
    told = CliRunner().invoke(cli.app, ["reconciliation", "feed"])
    assert (told.exit_code, told.stdout.splitlines()[-1]) == (0, "both sides agree: 40 tenancies, 80 members")
    del feed.records[0]
    told = CliRunner().invoke(cli.app, ["reconciliation", "feed"])
    assert told.exit_code == 1
    assert "the sides differ" in told.stdout
    assert CliRunner().invoke(cli.app, ["reconciliation", "nothing"]).exit_code == 1


def test_an_ended_tenancy_and_a_decision_that_waits(ready: Hub, feed: Feed) -> None:
    feed.records[0] = over(0)
    later: dict[str, Any] = DECISION | {"move_out_completed_on": "2026-12-24"}
    feed.records[1] = household(1, 2, state="ended", end_decision=later)
    run(ready)
    report = reconcile_source(ready, "feed")
    adds_up(report, feed)
    assert report.found.hub.counts == {"agree": 39, "different": 0, "held": 1, "refused": 0, "only": 0}
    feed.records[1] = household(1, 3)
    sync.run(ready)
    run(ready)
    report = reconcile_source(ready, "feed")
    assert said(report) == "both sides agree: 40 tenancies, 78 members"
