"""Nobody is asked by two cases who lives there; and what facts do to a case waits for the person who has it in hand."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from patience import PATIENCE_S
from sqlalchemy import select, text

from hub import caselog
from hub.cases import service
from hub.cases.known import context_of, latest_finding
from hub.cases.steps import ACTIONS_ZH, Action
from hub.services import Hub
from hub.tables import CaseEntry, CaseFile, Finding, Tenancy

HOME = "E001.E001-B1-0101"


class Leads:
    """Leads on one home, as a night and the smaller rules keep them."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        with hub.db.reading() as session:
            lives = select(Tenancy.id).where(Tenancy.dwelling_id == HOME, Tenancy.state != "ended")
            self.tenancy: str | None = session.scalars(lives).one()

    def open(self, kind: str, stage: str = "yellow") -> str | None:
        """The case that was opened or changed."""
        with self.hub.db.unit_of_work("test", "a lead", now=self.hub.now()) as uow:
            uow.session.add(
                Finding(
                    id=f"f-{kind}", estate_id="E001", dwelling_id=HOME, kind=kind, rule="S1", rule_version="1",
                    policy_version="national 1", stage=stage, families=["F1"], window_from=uow.now.date() - timedelta(days=29),
                    window_to=uow.now.date(), coverage=1.0, because=[f"because of {kind}"], against=[], refuted_by=[],
                    evidence=[], inputs_hash="", opened_at=uow.now, updated_at=uow.now,
                )
            )  # fmt: skip
            uow.session.flush()
            return self._follow(uow, kind)

    def night(self, kind: str) -> str | None:
        with self.hub.db.unit_of_work("test", "a night", now=self.hub.now()) as uow:
            return self._follow(uow, kind)

    def _follow(self, uow: Any, kind: str) -> str | None:
        case = service.follow(uow, uow.session.get_one(Finding, f"f-{kind}"), self.tenancy)
        return case.id if case else None

    def gone(self, kind: str) -> None:
        with self.hub.db.unit_of_work("test", "gone", now=self.hub.now()) as uow:
            row = uow.session.get_one(Finding, f"f-{kind}")
            row.closed_at = uow.now
            service.facts_gone(uow, row)

    def put(self, case: str, **columns: object) -> None:
        with self.hub.db.unit_of_work("test", "a step", now=self.hub.now()) as uow:
            for name, value in columns.items():
                setattr(uow.session.get_one(CaseFile, case), name, value)

    def cases(self) -> list[tuple[str, str, str]]:
        with self.hub.db.reading() as session:
            rows = session.scalars(select(CaseFile).order_by(CaseFile.number))
            return [(row.kind, row.stage, row.state) for row in rows]


@pytest.fixture
def leads(hub: Hub, small_site: Callable[[Hub], None]) -> Leads:
    small_site(hub)
    return Leads(hub)


def test_a_graver_lead_goes_on_in_the_case_that_asked(leads: Leads, clock: Any) -> None:
    case = leads.open("turnover")
    assert case is not None
    with leads.hub.db.unit_of_work("test", "asked", now=leads.hub.now()) as uow:
        for action in (Action.REVIEWED, Action.ASK):
            caselog.append(uow, case, "赵一", action.value)
        uow.session.get_one(CaseFile, case).state = "asked"
    clock.pass_(days=3)
    assert leads.open("sublet", "red") == case
    assert leads.cases() == [("sublet", "red", "asked")], "one case, of the graver kind, where people had brought it"
    with leads.hub.db.reading() as session:
        row = session.get_one(CaseFile, case)
        entries = session.scalars(select(CaseEntry).where(CaseEntry.case_id == case).order_by(CaseEntry.id)).all()
        assert [one.action for one in entries] == ["opened", "reviewed", "ask", "kind_changed"]
        assert (entries[-1].data["kind_from"], entries[-1].data["from"]) == ("turnover", "yellow")
        assert ACTIONS_ZH["kind_changed"]
        rests_on = latest_finding(session, case)
        assert rests_on is not None
        assert rests_on.kind == "sublet", "what the case shows is the graver lead"
        record = context_of(session, row, "赵一", leads.hub.now()).record
        assert len(record.asked_on) == 1, "that the household was asked stands"
        assert not record.reviewed, "the new lead's data nobody has reviewed yet"
        assert caselog.first_broken(session, case) is None
    assert leads.night("turnover") is None
    leads.gone("turnover")
    assert leads.cases() == [("sublet", "red", "asked")], "the smaller lead's end is not the case's"
    clock.pass_(days=1)
    assert leads.night("sublet") is None
    assert len(leads.cases()) == 1


@pytest.mark.parametrize("smaller", ["turnover", "stranger_household", "over_occupancy"])
def test_a_smaller_rule_opens_none_beside_it(leads: Leads, smaller: str) -> None:
    leads.open("sublet", "orange")
    assert leads.open(smaller) is None
    assert leads.cases() == [("sublet", "orange", "open")]


def test_of_two_smaller_rules_one_asks(leads: Leads) -> None:
    assert leads.open("stranger_household") is not None
    assert leads.open("over_occupancy") is None
    assert leads.open("vacancy") is not None, "whether anybody lives there is another question"


@pytest.mark.parametrize("state", ["deliberation", "concluded", "noticed", "referred"])
def test_what_is_being_decided_stays_what_it_is_about(leads: Leads, state: str) -> None:
    case = leads.open("over_occupancy")
    assert case is not None
    leads.put(case, state=state)
    assert leads.open("sublet", "red") not in (None, case)
    assert leads.cases()[0] == ("over_occupancy", "yellow", state)


def test_a_case_of_who_lived_there_before_is_not_theirs(leads: Leads) -> None:
    case = leads.open("turnover")
    assert case is not None
    leads.put(case, tenancy_id=None)
    assert leads.open("sublet") not in (None, case)


def test_in_its_quiet_time_a_lead_takes_over_no_other_case(leads: Leads, clock: Any) -> None:
    first = leads.open("sublet")
    assert first is not None
    clock.pass_(days=40)
    leads.put(first, state="dismissed", outcome="dismissed", closed_at=leads.hub.now(),
              quiet_until=leads.hub.now() + timedelta(days=90))  # fmt: skip
    assert leads.open("turnover") is not None
    clock.pass_(days=5)
    assert leads.night("sublet") is None
    assert [kind for kind, _, _ in leads.cases()] == ["sublet", "turnover"]


# --- two at once ---------------------------------------------------------------------------------------------------------


def waits(hub: Hub) -> bool:
    """Whether a writer stands in the queue, or for a row."""
    if hub.db._write_lock is not None:
        return hub.db._write_lock.waiting > 0
    with hub.db.reading() as session:
        return bool(session.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")))


@pytest.mark.parametrize("change", ["its facts go", "its alert rises"])
def test_facts_wait_for_who_has_the_case_in_hand(leads: Leads, change: str) -> None:
    """Somebody takes the case up while a night is written: the night sees what was done, and the log stays one chain."""
    case = leads.open("sublet")
    assert case is not None
    hub, failed = leads.hub, list[BaseException]()

    def night() -> None:
        try:
            if change == "its facts go":
                leads.gone("sublet")
            else:
                with hub.db.unit_of_work("test", "graver", now=hub.now()) as uow:
                    row = uow.session.get_one(Finding, "f-sublet")
                    row.stage = "red"
                    service.follow(uow, row, leads.tenancy)
        except BaseException as error:
            failed.append(error)
            raise

    second = threading.Thread(target=night)
    with hub.db.unit_of_work("test", "a step", now=hub.now()) as uow:
        held = uow.session.scalars(select(CaseFile).where(CaseFile.id == case).with_for_update()).one()
        caselog.append(uow, case, "赵一", Action.ASK.value)
        held.state = "asked"
        uow.session.flush()
        second.start()
        until = time.monotonic() + PATIENCE_S
        while second.is_alive() and not waits(hub) and time.monotonic() < until:
            threading.Event().wait(0.01)
    second.join(PATIENCE_S)
    assert not failed
    assert leads.cases() == [("sublet", "yellow" if change == "its facts go" else "red", "asked")], (
        "it is in people's hands"
    )
    with hub.db.reading() as session:
        assert caselog.first_broken(session, case) is None, "two entries follow the same one"
