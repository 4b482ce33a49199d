"""Care for who asked for it: a call only when doors and meter both saw nothing; apart from leads, cases and enforcement."""

from __future__ import annotations

import ast
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, select, update

from hub.auth import PERMISSIONS
from hub.privacy.purge import purge
from hub.services import Hub
from hub.tables import (
    Absence,
    CareCall,
    CareWatch,
    CaseFile,
    Consent,
    Coverage,
    Finding,
    OutboxMessage,
    RetentionRun,
)
from hub.welfare.rules import Care, Signs, look, used
from hub.welfare.watch import watch

HOME = "E001.E001-B1-0101"
TOKEN = "a1b2c3d4e5f6g7h8i9j0"
NOW = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({}, Care.ASK),
        ({"water": 0.009}, Care.ASK),
        ({"water": 0.01}, Care.FINE),
        ({"last_pass_at": NOW - timedelta(hours=23)}, Care.FINE),
        ({"last_pass_at": NOW - timedelta(hours=25)}, Care.ASK),
        ({"water": None}, Care.CANNOT_SEE),
        ({"doors_observed": False}, Care.CANNOT_SEE),
        ({"doors_observed": False, "water": 0.2}, Care.FINE),
        ({"away": True}, Care.AWAY),
    ],
)
def test_what_the_signs_say(changes: dict[str, Any], wanted: Care) -> None:
    plain: dict[str, Any] = {"last_pass_at": None, "water": 0.0, "doors_observed": True, "away": False}
    assert look(Signs(now=NOW, **{**plain, **changes}), 24) is wanted


def test_water_between_two_moments() -> None:
    begin, slack = NOW - timedelta(hours=24), timedelta(hours=3)
    readings = [(begin + timedelta(hours=h), 10 + h / 100) for h in (1, 12, 23)]
    assert used(readings, begin, NOW, slack) == pytest.approx(0.22)
    assert used(readings[:2], begin, NOW, slack) is None, "not read lately"
    assert used(readings[1:], begin, NOW, slack) is None, "not read at the beginning"
    assert used([(begin, 20.0), (NOW, 10.0)], begin, NOW, slack) is None, "a meter that runs backwards is no evidence"


def test_a_call_is_opened_once_answered_and_told_for_care_alone(
    alone: Hub, sign_in: Any, clock: Any, ask_for_care: Any
) -> None:
    carer = sign_in(alone, "care_worker", ["E001"])
    assert ask_for_care(carer).status_code == 201
    assert ask_for_care(carer).status_code == 409
    assert watch(alone) == "1 watches, 1 calls opened"
    assert watch(alone) == "1 watches, 0 calls opened", "one call at a time"
    listed = carer.get("/api/v1/estates/E001/care").json()
    assert [(c["block_name"], c["number"], c["contact"]) for c in listed["calls"]] == [("1号楼", "101", "女儿")], (
        "every block has a 101: who goes there must know which"
    )
    where = f"/api/v1/care-calls/{listed['calls'][0]['id']}/answer"
    assert carer.post(where, json={"outcome": "fine", "note": "在女儿家"}).status_code == 204
    assert carer.post(where, json={"outcome": "fine"}).status_code == 409
    assert watch(alone) == "1 watches, 0 calls opened", "somebody has just looked in"
    with alone.db.reading() as session:
        told = {row.kind: json.loads(row.body) for row in session.scalars(select(OutboxMessage))}
        assert session.scalars(select(Finding.id)).all() == []
        assert session.scalars(select(CaseFile.id)).all() == []
    assert set(told) == {"care.asked", "care.answered"}
    assert all(body["use"] == "care_only" and body["tenancy_id"] is None for body in told.values())
    clock.pass_(days=29)
    purge(alone)
    assert _kept(alone) == (1, 1, 2), "not before its thirty days are over"
    clock.pass_(days=3)
    with alone.db.unit_of_work("test", "delivered, and an open call", audit=False, now=alone.now()) as uow:
        of = uow.session.scalars(select(CareWatch)).one()
        uow.session.add(
            CareCall(
                id="open", watch_id=of.id, estate_id="E001", dwelling_id=HOME, opened_at=uow.now, quiet_since=uow.now
            )
        )
        uow.session.execute(update(OutboxMessage).values(delivered_at=uow.now - timedelta(days=32)))
    purge(alone)
    assert _kept(alone) == (1, 1, 0), "the answered call and what was told of it go; the watch and its open call go on"
    with alone.db.unit_of_work("test", "opted out", audit=False, now=alone.now()) as uow:
        uow.session.execute(update(CareWatch).values(ended_at=uow.now))
    clock.pass_(days=32)
    purge(alone)
    assert _kept(alone)[:2] == (0, 0), "with whom to call first, and the call nobody answered"
    with alone.db.reading() as session:
        runs = session.scalars(select(RetentionRun).where(RetentionRun.period == "care").order_by(RetentionRun.id))
        assert [run.deleted for run in runs if run.deleted] == [3, 2], "each run is proved"


def _calls(carer: Any) -> list[dict[str, Any]]:
    return list(carer.get("/api/v1/estates/E001/care").json()["calls"])


def test_who_was_not_reached_is_still_to_be_looked_in_on(alone: Hub, sign_in: Any, ask_for_care: Any) -> None:
    """ "Not reached, go on" is no answer that closes anything: the call stands again, quiet since the same moment."""
    carer = sign_in(alone, "care_worker", ["E001"])
    ask_for_care(carer)
    watch(alone)
    (first,) = _calls(carer)
    answer = carer.post(f"/api/v1/care-calls/{first['id']}/answer", json={"outcome": "not_reached", "note": "无人应门"})
    assert answer.status_code == 204
    (second,) = _calls(carer)
    assert second["id"] != first["id"], "what was tried is kept as it was"
    assert second["quiet_since"] == first["quiet_since"]
    assert watch(alone) == "1 watches, 0 calls opened", "one call at a time"


def test_a_call_ends_with_its_watch(alone: Hub, sign_in: Any, ask_for_care: Any) -> None:
    """By wish, or by a withdrawn consent: nobody looks in on who does not want it any more."""
    carer = sign_in(alone, "care_worker", ["E001"])
    watched = ask_for_care(carer).json()["id"]
    watch(alone)
    assert len(_calls(carer)) == 1
    assert carer.post(f"/api/v1/care-watches/{watched}/end", json={"said": "本人不再需要"}).status_code == 204
    assert _calls(carer) == []
    ask_for_care(carer)
    watch(alone)
    assert len(_calls(carer)) == 1, "asked for anew"
    with alone.db.unit_of_work("test", "withdrawn", audit=False) as uow:
        uow.session.execute(update(Consent).where(Consent.purpose == "c").values(withdrawn_at=alone.now()))
    watch(alone)
    assert _calls(carer) == []


def _kept(hub: Hub) -> tuple[int, int, int]:
    """Watches, calls, and messages with a body."""
    with hub.db.reading() as session:
        bodies = session.scalars(select(OutboxMessage.body).where(OutboxMessage.kind.startswith("care."))).all()
        return (
            len(session.scalars(select(CareWatch.id)).all()),
            len(session.scalars(select(CareCall.id)).all()),
            sum(1 for body in bodies if body),
        )


def test_a_pass_water_an_absence_or_blindness_open_none(
    alone: Hub, sign_in: Any, ask_for_care: Any, happens: Any
) -> None:
    ask_for_care(sign_in(alone, "care_worker", ["E001"]))
    with alone.db.unit_of_work("test", "blind", audit=False) as uow:
        uow.session.execute(update(Coverage).values(to_at=alone.now() - timedelta(hours=2)))
    assert watch(alone) == "1 watches, 0 calls opened"
    today = alone.now().date()
    with alone.db.unit_of_work("test", "sees again, away", audit=False) as uow:
        uow.session.execute(update(Coverage).values(to_at=None))
        uow.session.add(
            Absence(id="a", dwelling_id=HOME, from_date=today, to_date=None, reason="travel", declared_on=today)
        )
    assert watch(alone) == "1 watches, 0 calls opened"
    with alone.db.unit_of_work("test", "back", audit=False) as uow:
        uow.session.execute(delete(Absence))
    happens(alone, 9, 3, "access", {}, outcome="granted", credential=TOKEN)
    assert watch(alone) == "1 watches, 0 calls opened"
    with alone.db.reading() as session:
        assert session.scalars(select(CareWatch.state)).all() == ["fine"]


def test_without_consent_c_there_is_no_watch_and_its_end_ends_it(alone: Hub, sign_in: Any, ask_for_care: Any) -> None:
    carer = sign_in(alone, "care_worker", ["E001"])
    ask_for_care(carer)
    with alone.db.unit_of_work("test", "withdrawn", audit=False) as uow:
        uow.session.execute(update(Consent).where(Consent.purpose == "c").values(withdrawn_at=alone.now()))
    assert watch(alone) == "1 watches, 0 calls opened"
    with alone.db.reading() as session:
        assert session.scalars(select(CareWatch.ended_at)).one() is not None
    assert ask_for_care(carer).json()["error"]["code"] == "no_consent"
    assert ask_for_care(carer, member_id="nobody").status_code == 404


def test_consent_c_counts_from_its_date(alone: Hub, sign_in: Any, ask_for_care: Any) -> None:
    carer = sign_in(alone, "care_worker", ["E001"])
    later = alone.now() + timedelta(days=3)
    with alone.db.unit_of_work("test", "dated ahead", audit=False) as uow:
        uow.session.execute(update(Consent).where(Consent.purpose == "c").values(granted_at=later))
    assert carer.get("/api/v1/estates/E001/care/candidates").json()["items"] == []
    assert ask_for_care(carer).json()["error"]["code"] == "no_consent"


def test_who_decides_cases_has_no_part_in_it(alone: Hub, sign_in: Any) -> None:
    for role in ("housing_official", "auditor", "administrator"):
        assert sign_in(alone, role).get("/api/v1/estates/E001/care").status_code == 403
    deciders = {"case.view", "case.decide", "lease.decide"}
    both = {role for role, may in PERMISSIONS.items() if "care.manage" in may and may & deciders}
    assert not both, "whoever sees welfare must not decide on tenancies"


ROOT = Path(__file__).resolve().parents[3] / "hub"
MAY_NAME_IT = {
    "rooms.py",
    "tables/__init__.py",
    "tables/welfare.py",
    "privacy/people.py",
    "privacy/care.py",
}  # whose data are deleted must know that somebody is cared for
NEVER_READ = ("hub.cases", "hub.occupancy", "hub.access")
CASE_TABLES, CARE_TABLES = {"Finding", "CaseFile", "CaseEntry"}, {"CareWatch", "CareCall"}


def test_welfare_lives_apart() -> None:
    """Nothing of it can reach enforcement: no other room reads its tables or modules, and it reads no lead and no case."""
    wrong = []
    for file in sorted(ROOT.rglob("*.py")):
        path = file.relative_to(ROOT).as_posix()
        names = _names(ast.parse(file.read_text(encoding="utf-8")))
        if path.startswith("welfare/"):
            wrong += [f"{path} uses {n}" for n in names if n.startswith(NEVER_READ) or n in CASE_TABLES]
        elif path not in MAY_NAME_IT and not path.startswith("migrations/"):
            wrong += [f"{path} uses {n}" for n in names if n.startswith("hub.welfare") or n in CARE_TABLES]
    assert not wrong, f"welfare signals must never reach enforcement: {wrong}"


def _names(tree: ast.AST) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(alias.name for alias in node.names)}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.Name):
            found.add(node.id)
    return found


def test_only_who_asked_for_care_can_be_chosen(alone: Hub, sign_in: Any, ask_for_care: Any) -> None:
    carer = sign_in(alone, "care_worker", ["E001"])
    shown = carer.get("/api/v1/estates/E001/care/candidates").json()["items"]
    assert [(one["member_id"], one["dwelling_id"]) for one in shown] == [("member-1", HOME)]
    assert "*" in shown[0]["name"], "masked"
    ask_for_care(carer)
    assert carer.get("/api/v1/estates/E001/care/candidates").json()["items"] == [], (
        "who is watched is not offered again"
    )
    for role in ("housing_official", "estate_manager", "administrator"):
        assert sign_in(alone, role).get("/api/v1/estates/E001/care").status_code == 403, role


def test_a_care_worker_sees_nothing_else(alone: Hub, sign_in: Any) -> None:
    carer = sign_in(alone, "care_worker", ["E001"])
    for path in ("cases", "outbox", f"dwellings/{HOME}", "estates/E001/summary", f"dwellings/{HOME}/outside-signs"):
        assert carer.get(f"/api/v1/{path}").status_code == 403, path
