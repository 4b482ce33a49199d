"""Who was looked into and found to be in order is not asked the same again and again: what closed cases leave behind."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from hub.cases.inspected import RESULTS
from hub.cases.service import follow
from hub.cases.steps import Action
from hub.cases.workflow import QUIET
from hub.occupancy.catalogue import HINT_KINDS_ZH
from hub.occupancy.cleared import FOUND_NOTHING, KINDS, LOOKED
from hub.occupancy.estate_view import load_day
from hub.occupancy.finding import Kind
from hub.occupancy.load import households_of
from hub.occupancy.values import Cleared
from hub.services import Hub
from hub.tables import CaseEntry, CaseFile, Estate, Finding, Tenancy

HOME = "E001.E001-B1-0101"
CLOSED = datetime(2026, 10, 1, 18, tzinfo=UTC)
IN_CHINA = date(2026, 10, 2)


def test_what_counts_for_a_household_is_what_teaches_that_a_lead_was_none() -> None:
    assert {
        outcome: result == "good_cause" for outcome, result in RESULTS.items() if result != "confirmed"
    } == FOUND_NOTHING
    assert set(LOOKED) <= set(Action)
    assert set(KINDS) <= {*Kind, *HINT_KINDS_ZH}


@pytest.fixture
def household(hub: Hub, small_site: Callable[[Hub], None]) -> Callable[[date], tuple[Cleared, ...]]:
    """What is known of the household of HOME on a day."""
    small_site(hub)

    def cleared(day: date) -> tuple[Cleared, ...]:
        with hub.db.reading() as session:
            view = load_day(session, session.get_one(Estate, "E001"), day, hub.now())
            return households_of(session, view, [HOME])[HOME].cleared

    return cleared


def closed(hub: Hub, number: int, outcome: str, *, kind: str = "sublet", by: str = "dismiss", **columns: Any) -> None:
    with hub.db.unit_of_work("test", "a closed case", now=hub.now()) as uow:
        if "tenancy_id" not in columns:
            tenancies = select(Tenancy.id).where(Tenancy.dwelling_id == HOME, Tenancy.state != "ended")
            columns["tenancy_id"] = uow.session.scalars(tenancies).one()
        uow.session.add(
            CaseFile(
                id=f"case-{number}", number=f"E001-2026-{number:04d}", estate_id="E001", dwelling_id=HOME, kind=kind,
                stage="red", state=outcome, outcome=outcome, opened_at=CLOSED - timedelta(days=40),
                closed_at=CLOSED + timedelta(minutes=number), **columns,
            )
        )  # fmt: skip
        uow.session.flush()
        uow.session.add(CaseEntry(case_id=f"case-{number}", at=CLOSED, actor="赵一", action=by))


def test_a_household_is_known_with_what_people_found_out(
    hub: Hub, household: Callable[[date], tuple[Cleared, ...]]
) -> None:
    closed(hub, 1, "dismissed")
    closed(hub, 2, "good_cause", kind="vacancy")
    closed(hub, 3, "closed_unproven", kind="not_moved_in", by="visited")
    closed(hub, 4, "withdrawn")
    closed(hub, 5, "dismissed", kind="turnover")
    closed(hub, 6, "dismissed", kind="over_occupancy")
    assert household(IN_CHINA) == (
        Cleared(IN_CHINA, "others", False, "E001-2026-0001"),
        Cleared(IN_CHINA, "vacancy", True, "E001-2026-0002"),
        Cleared(IN_CHINA, "vacancy", False, "E001-2026-0003"),
        Cleared(IN_CHINA, "others", False, "E001-2026-0004"),
        Cleared(IN_CHINA, "others", False, "E001-2026-0005"),
        Cleared(IN_CHINA, "others", False, "E001-2026-0006"),
    )
    assert household(IN_CHINA - timedelta(days=1)) == (), "what is found out tomorrow is not known today"


@pytest.mark.parametrize(
    ("case", "why"),
    [
        ({"outcome": "upheld"}, "what was confirmed clears nobody"),
        ({"outcome": "rectified"}, "what was put right was so before"),
        ({"outcome": "closed_unproven", "by": "closed_unproven"}, "nobody looked into what ended by itself"),
        ({"outcome": "dismissed", "kind": "lending"}, "a card that is shared says nothing about who lives there"),
        ({"outcome": "dismissed", "tenancy_id": None}, "nobody lived there"),
        ({"outcome": "dismissed", "tenancy_id": "tenancy-0"}, "who lived there before is somebody else"),
    ],
)
def test_other_cases_clear_nobody(
    hub: Hub, household: Callable[[date], tuple[Cleared, ...]], case: dict[str, Any], why: str
) -> None:
    with hub.db.unit_of_work("test", "who lived there before", now=hub.now()) as uow:
        before = Tenancy(
            id="tenancy-0", source="test", source_id="T-0", estate_id="E001", dwelling_id=HOME, state="ended"
        )
        before.from_date, before.to_date = date(2020, 3, 1), date(2025, 2, 1)
        uow.session.add(before)
    closed(hub, 1, **case)
    assert household(IN_CHINA) == (), why


# --- the quiet time -----------------------------------------------------------------------------------------------------


class Guests:
    """A lead whose window is always the last 30 days, night after night."""

    def __init__(self, hub: Hub, kind: str, clock: Any) -> None:
        self.hub, self.kind, self.clock = hub, kind, clock
        self.name = ""

    def opens(self) -> str | None:
        """The case that its first night opens, if it does."""
        self.name = f"f-{self.hub.now():%Y%m%d}"
        with self.hub.db.unit_of_work("test", "a lead", now=self.hub.now()) as uow:
            uow.session.add(
                Finding(
                    id=self.name, estate_id="E001", dwelling_id=HOME, kind=self.kind, rule="P1", rule_version="1",
                    policy_version="national 1", stage="yellow", families=["F3"], window_from=uow.now.date(),
                    window_to=uow.now.date(), coverage=1.0, because=[], against=[], refuted_by=[], evidence=[],
                    inputs_hash="", opened_at=uow.now, updated_at=uow.now,
                )
            )  # fmt: skip
        return self.night()

    def night(self) -> str | None:
        """The case that a night opens, if it does."""
        with self.hub.db.unit_of_work("test", "a night", now=self.hub.now()) as uow:
            row = uow.session.get_one(Finding, self.name)
            row.window_from, row.window_to = uow.now.date() - timedelta(days=29), uow.now.date()
            case = follow(uow, row, None)
            return case.id if case else None

    def closes(self) -> None:
        with self.hub.db.unit_of_work("test", "gone", now=self.hub.now()) as uow:
            uow.session.get_one(Finding, self.name).closed_at = uow.now

    def explained(self) -> None:
        """An official closes the case."""
        with self.hub.db.unit_of_work("test", "explained", now=self.hub.now()) as uow:
            case = uow.session.scalars(select(CaseFile).where(CaseFile.closed_at.is_(None))).one()
            case.state = case.outcome = "good_cause"
            case.closed_at, case.quiet_until = uow.now, uow.now + QUIET


@pytest.fixture(params=["sublet", "visitor_use"])
def guests(request: pytest.FixtureRequest, hub: Hub, small_site: Callable[[Hub], None], clock: Any) -> Guests:
    small_site(hub)
    found = Guests(hub, request.param, clock)
    assert found.opens() is not None
    clock.pass_(days=10)
    found.explained()
    return found


def test_a_window_that_slides_is_no_new_fact(guests: Guests) -> None:
    opened = []
    for _ in range(8):
        guests.clock.pass_(days=10)
        opened.append(guests.night())
    assert opened == [None] * 8, "the mother who stays was explained; she is still there"
    guests.clock.pass_(days=10)
    again = guests.night()
    assert again is not None, "after the quiet time it may be asked again"
    with guests.hub.db.reading() as session:
        entry = session.scalars(select(CaseEntry).where(CaseEntry.case_id == again)).one()
        window = session.get_one(Finding, guests.name).window_from
    assert entry.data["window_from"] == window.isoformat(), "the log keeps the window that was looked at"


def test_a_lead_that_comes_back_at_once_is_the_same(guests: Guests) -> None:
    guests.closes()
    guests.clock.pass_(days=5)
    assert guests.opens() is None
    guests.clock.pass_(days=40)
    assert guests.night() is None, "it rests on days before the decision"


def test_others_who_came_after_the_decision_are_new(guests: Guests) -> None:
    guests.closes()
    guests.clock.pass_(days=45)
    assert guests.opens() is not None
