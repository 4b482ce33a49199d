"""A case of the small site with a red lead, its days, meters and log, and officials who write."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from hub import caselog
from hub.cases.service import follow
from hub.services import Hub
from hub.tables import Coverage, Estate, Finding, HouseholdMember, MeterDay, Person, PresenceDay, Tenancy

HOME = "E001.E001-B1-0101"
RARE = "张𫍯𠮷"


@pytest.fixture
def case(hub: Hub, small_site: Callable[[Hub], None]) -> str:
    """Its applicant has a name with rare characters, and an official wrote that name into the log."""
    small_site(hub)
    today = hub.now().date()
    with hub.db.unit_of_work("test", "a red lead", now=hub.now()) as uow:
        session = uow.session
        session.add(Estate(id="E002", code="E002", name="翠竹公租房小区", policy={}))
        tenancy = session.scalars(select(Tenancy).where(Tenancy.dwelling_id == HOME)).all()[0]
        person = session.scalars(
            select(Person)
            .join(HouseholdMember, HouseholdMember.person_id == Person.id)
            .where(HouseholdMember.tenancy_id == tenancy.id)
        ).all()[0]
        person.name = RARE
        session.add(_finding(hub))
        session.flush()
        opened = follow(uow, session.get_one(Finding, "finding-1"), tenancy.id)
        assert opened is not None
        caselog.append(uow, opened.id, "user-1", "note", "C_PHONE", f"电话联系{RARE}未接通")
        for i in range(60):
            day = today - timedelta(days=60 - i)
            state = ("present", "absent", "unknown", "other_use")[0 if i < 20 else i % 3 + 1]
            session.add(PresenceDay(dwelling_id=HOME, day=day, state=state, coverage=0.98, signals={"doors": 2}))
            row = MeterDay(meter_id="E001.W-0101", day=day, dwelling_id=HOME, quantity="water", ok_count=2, bad_count=0)
            row.first_value, row.last_value = 100 + 0.2 * i, 100.2 + 0.2 * i
            session.add(row)
        start = hub.now() - timedelta(days=30)
        down = Coverage(estate_id="E001", device_id="E001.face-g1", state="down", from_at=start)
        down.to_at = start + timedelta(hours=5)
        session.add(down)
        return opened.id


def _finding(hub: Hub) -> Finding:
    today = hub.now().date()
    evidence: list[dict[str, Any]] = [
        {"kind": "meter", "ref": "E001.W-0101", "text_zh": "近45日用水日均0.200立方米。", "day": None},
        {"kind": "credential", "ref": "tok-abcdef123456", "text_zh": "窗口内被使用而未核验到持有人。", "day": None},
    ]
    return Finding(
        id="finding-1", estate_id="E001", dwelling_id=HOME, kind="sublet", rule="S1", rule_version="2026.2",
        policy_version="national 1", stage="red", families=["F1", "F2"], window_from=today - timedelta(days=60),
        window_to=today, coverage=0.976, because=["近45日未识别到登记人员，而用水为平时的90%。"],
        against=["本户平时有亲属常来。"], refuted_by=["入户核查确认本户居住。"], evidence=evidence, observed="45日",
        threshold="30日", inputs_hash="ab" * 32, opened_at=hub.now(), updated_at=hub.now(),
    )  # fmt: skip


@pytest.fixture
def found() -> Callable[[Hub], Finding]:
    """A finding of the site's home, not stored yet."""
    return _finding
