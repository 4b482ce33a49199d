"""Nobody is asked by two cases who lives there; and what facts do to a case waits for the person who has it in hand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from meeting import meeting
from sqlalchemy import select

from hub import caselog
from hub.cases import service, taken
from hub.cases.forms import Refused
from hub.cases.known import context_of, latest_finding
from hub.cases.steps import ACTIONS_ZH, Action
from hub.db import UnitOfWork
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
            uow.session.add(self.row(uow, kind, stage))
            uow.session.flush()
            return self._follow(uow, kind)

    def row(self, uow: UnitOfWork, kind: str, stage: str, home: str = HOME) -> Finding:
        return Finding(
            id=f"f-{kind}", estate_id="E001", dwelling_id=home, kind=kind, rule="S1", rule_version="1",
            policy_version="national 1", stage=stage, families=["F1"], window_from=uow.now.date() - timedelta(days=29),
            window_to=uow.now.date(), coverage=1.0, because=[f"because of {kind}"], against=[], refuted_by=[], evidence=[],
            inputs_hash="", opened_at=uow.now, updated_at=uow.now,
        )  # fmt: skip

    def night(self, kind: str) -> str | None:
        with self.hub.db.unit_of_work("test", "a night", now=self.hub.now()) as uow:
            return self._follow(uow, kind)

    def _follow(self, uow: UnitOfWork, kind: str) -> str | None:
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


@pytest.mark.parametrize("change", ["its facts go", "its alert rises"])
def test_facts_wait_for_who_has_the_case_in_hand(leads: Leads, change: str) -> None:
    """Somebody takes the case up while a night is written: the night sees what was done, and the log stays one chain."""
    case = leads.open("sublet")
    assert case is not None
    hub = leads.hub

    def night() -> None:
        if change == "its facts go":
            leads.gone("sublet")
            return
        with hub.db.unit_of_work("test", "graver", now=hub.now()) as uow:
            row = uow.session.get_one(Finding, "f-sublet")
            row.stage = "red"
            service.follow(uow, row, leads.tenancy)

    met = meeting(hub, night)
    with hub.db.unit_of_work("test", "a step", now=hub.now()) as uow:
        held = uow.session.scalars(select(CaseFile).where(CaseFile.id == case).with_for_update()).one()
        caselog.append(uow, case, "赵一", Action.ASK.value)
        held.state = "asked"
        uow.session.flush()
        met()
    met.over()
    assert leads.cases() == [("sublet", "yellow" if change == "its facts go" else "red", "asked")], (
        "it is in people's hands"
    )
    with hub.db.reading() as session:
        assert caselog.first_broken(session, case) is None, "two entries follow the same one"


@pytest.mark.parametrize("home", [HOME, "E001.E001-B1-0102"])
def test_the_night_and_the_smaller_rules_open_cases_one_after_the_other(
    postgres_hub: Hub, small_site: Callable[[Hub], None], home: str
) -> None:
    """Of one home one case, of two homes two numbers."""
    small_site(postgres_hub)
    leads = Leads(postgres_hub)

    def opens(kind: str, at: str, then: Callable[[], object] = lambda: None) -> None:
        with leads.hub.db.unit_of_work("system", "a lead", now=leads.hub.now()) as uow:
            service.hold(uow.session, "E001", {at})
            uow.session.add(leads.row(uow, kind, "yellow", at))
            uow.session.flush()
            service.follow(uow, uow.session.get_one(Finding, f"f-{kind}"), leads.tenancy if at == HOME else None)
            then()

    met = meeting(leads.hub, lambda: opens("turnover", home))
    opens("sublet", HOME, met)
    met.over()
    assert len(leads.cases()) == (1 if home == HOME else 2)


def test_two_notices_that_are_signed_at_once_have_two_numbers(
    postgres_hub: Hub, small_site: Callable[[Hub], None]
) -> None:
    small_site(postgres_hub)
    leads = Leads(postgres_hub)
    cases = [leads.open("sublet"), leads.open("vacancy")]

    def sign(number: int, then: Callable[[], object] = lambda: None) -> None:
        with leads.hub.db.unit_of_work("赵一", "签发", now=leads.hub.now()) as uow:
            case = uow.session.get_one(CaseFile, cases[number], with_for_update=True)
            taken._number_is_new(uow, case, "青房退〔2026〕1号")
            caselog.append(uow, case.id, "赵一", Action.SIGN.value, data={"fields": {"number": "青房退〔2026〕1号"}})
            then()

    met = meeting(leads.hub, lambda: sign(1))
    sign(0, met)
    with pytest.raises(Refused, match="已用于另一份通知"):
        met.over()
