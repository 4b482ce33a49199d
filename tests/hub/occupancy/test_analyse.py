"""A simulated estate's 200 days: exactly the stories it was made to tell, and nothing about honest households."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, insert, select, update

from hub.cases.nightly import analyse
from hub.occupancy.dirty import mark_dirty
from hub.occupancy.fitted import fixed_chances
from hub.occupancy.status import occupancy_of
from hub.services import Hub
from hub.tables import CaseFile, Coverage, DirtyDay, Dwelling, Finding, OutboxMessage, PassDay, PresenceDay
from simulators.residents import Layout

END = date(2026, 11, 21)
SMALL = Layout(blocks=2, floors=8, per_floor=4)
Row = tuple[str, str, str]


def _findings(hub: Hub) -> dict[str, list[Row]]:
    """Dwelling → (kind, rule, stage) of the open findings that are leads."""
    found: dict[str, list[Row]] = {}
    with hub.db.reading() as session:
        for row in session.scalars(select(Finding).where(Finding.closed_at.is_(None)).order_by(Finding.rule)):
            if row.stage in ("yellow", "orange", "red"):
                found.setdefault(row.dwelling_id, []).append((row.kind, row.rule, row.stage))
    return found


def _by_group(found: dict[str, list[Row]], households: Iterable[Any]) -> dict[str, list[Row]]:
    kinds = {f"E001.{h.dwelling}": h.kind.value for h in households}
    return {kinds.get(dwelling, "not_let"): rows for dwelling, rows in found.items()}


def _days(hub: Hub) -> list[tuple[Any, ...]]:
    columns = (PresenceDay.dwelling_id, PresenceDay.day, PresenceDay.state, PresenceDay.coverage, PresenceDay.signals)
    with hub.db.reading() as session:
        rows = session.execute(select(*columns).order_by(PresenceDay.dwelling_id, PresenceDay.day))
        return [tuple(row) for row in rows]


def _all_dirty(hub: Hub) -> None:
    with hub.db.unit_of_work("test", "all dirty", audit=False) as uow:
        dwellings = uow.session.scalars(select(Dwelling.id)).all()
        mark_dirty(uow.session, dict.fromkeys(dwellings, date(2020, 1, 1)))


def test_two_hundred_days_tell_their_stories(sqlite_hub: Hub, clock: Any, simulate: Callable[..., Any]) -> None:
    clock.at = datetime(2026, 11, 21, 1, 0, tzinfo=UTC)
    people = simulate(sqlite_hub, end=END, layout=SMALL).people
    assert analyse(sqlite_hub).startswith("64 dwellings, 12800 days")
    leads = _findings(sqlite_hub)
    stories = _by_group(leads, people.households)
    assert stories["sublet_cards"] == [("sublet", "S1", "red")], "cards of unseen people and the water of a household"
    assert stories["sublet_lent_card"] == [("sublet", "S1", "red")]
    assert stories["vacancy_new"] == [("vacancy", "V3", "orange")]
    assert stories["vacancy_old"] in ([("vacancy", "V4", "orange")], [("vacancy", "V5", "orange")]), (
        "half a year empty is not red while nobody has tried to reach the household"
    )
    assert stories["not_let"] == [("not_moved_in", "V6", "yellow")], "one dwelling was allotted, its keys never taken"
    assert "hospital_declared" not in stories, "a declared stay in hospital is no lead"
    assert stories["work_undeclared"][0][0] == "vacancy", "an undeclared absence of months must be asked about"
    expected = {"sublet_cards", "sublet_lent_card", "vacancy_new", "vacancy_old", "work_undeclared", "not_let"}
    assert set(stories) <= expected | {"seasonal_worker"}, "an honest household that lives at home was suspected"

    with sqlite_hub.db.reading() as session:
        cases = session.scalars(select(CaseFile).order_by(CaseFile.number)).all()
        assert [case.number for case in cases] == [f"E001-2026-{n:04d}" for n in range(1, len(cases) + 1)]
        assert {(case.dwelling_id, case.kind) for case in cases} == {
            (d, r[0]) for d, rows in leads.items() for r in rows
        }
        for row in session.scalars(select(Finding).where(Finding.case_id.is_not(None))):
            said = row.stated[-1]
            assert (said["rule"], said["stage"]) == (row.rule, row.stage), "what cases are compared with is kept"
            assert said["chance"] == fixed_chances()[f"{row.rule} {row.stage}"]
        told = session.scalars(select(OutboxMessage.kind)).all()
        assert told.count("case.opened") == len(cases)
        suspected = {d: o.suspected for d, o in occupancy_of(session, "E001").items() if o.suspected}
    assert set(suspected) == set(leads)

    before = _days(sqlite_hub)
    _without_unconsented_faces(sqlite_hub)
    _all_dirty(sqlite_hub)
    assert analyse(sqlite_hub) == "64 dwellings, 12800 days, 0 findings, 0 cases", (
        "face passes without consent (b) must not have any part in this"
    )
    assert _days(sqlite_hub) == before
    assert analyse(sqlite_hub) == "0 dwellings, 0 days, 0 findings, 0 cases", "nothing is due twice"


def _without_unconsented_faces(hub: Hub) -> None:
    with hub.db.unit_of_work("test", "take them out", audit=False) as uow:
        without = select(func.sum(PassDay.face - PassDay.face_consented))
        assert (uow.session.scalar(without) or 0) > 1000, "the history has such passes"
        uow.session.execute(delete(PassDay).where(PassDay.face_consented == 0, PassDay.other == 0))
        uow.session.execute(update(PassDay).values(face=PassDay.face_consented))


def _quiet_estate(hub: Hub, small_site: Callable[[Hub], None], days: int) -> None:
    """Dwelling 101 is lived in for `days`; the gate is observed throughout."""
    small_site(hub)
    today = hub.now().date()
    with hub.db.unit_of_work("test", "history", audit=False) as uow:
        uow.session.execute(delete(Coverage))
        start = hub.now() - timedelta(days=days)
        uow.session.add(Coverage(estate_id="E001", device_id="E001.face-g1", state="ok", from_at=start, to_at=None))
        token = uow.session.scalars(select(PassDay.credential)).first() or "tok-of-household-t1"
        rows = [
            {
                "dwelling_id": "E001.E001-B1-0101", "day": today - timedelta(days=back), "credential": token,
                "holder_class": "resident", "face": 0, "face_consented": 0, "other": 2,
            }
            for back in range(1, days)
        ]  # fmt: skip
        uow.session.connection().execute(insert(PassDay), rows)


def _states(hub: Hub, dwelling: str = "E001.E001-B1-0101") -> list[str]:
    with hub.db.reading() as session:
        query = select(PresenceDay.state).where(PresenceDay.dwelling_id == dwelling).order_by(PresenceDay.day)
        return list(session.scalars(query))


def test_each_night_adds_a_day_and_late_events_change_old_ones(
    hub: Hub, clock: Any, small_site: Callable[[Hub], None]
) -> None:
    _quiet_estate(hub, small_site, 20)
    analyse(hub)
    assert _states(hub)[1:] == ["present"] * 19, "the first day was observed only in part, but somebody was seen"
    with hub.db.unit_of_work("test", "an outage is learned of late", audit=False) as uow:
        day = hub.now().date() - timedelta(days=5)
        uow.session.execute(delete(PassDay).where(PassDay.day == day))
        mark_dirty(uow.session, {"E001.E001-B1-0101": day})
    assert analyse(hub) == "1 dwellings, 5 days, 0 findings, 0 cases"
    assert _states(hub)[-5] == "absent"
    assert analyse(hub).startswith("0 dwellings")
    clock.pass_(days=1)
    assert analyse(hub) == "4 dwellings, 4 days, 0 findings, 0 cases"
    assert _states(hub)[-1] == "absent"


def test_a_mark_of_today_waits_for_the_night(hub: Hub, small_site: Callable[[Hub], None]) -> None:
    _quiet_estate(hub, small_site, 5)
    analyse(hub)
    with hub.db.unit_of_work("test", "live passes", audit=False) as uow:
        mark_dirty(uow.session, {"E001.E001-B1-0101": hub.now().date()})
    assert analyse(hub).startswith("0 dwellings")
    with hub.db.reading() as session:
        assert session.scalar(select(DirtyDay.from_day)) == hub.now().date(), "the mark was lost"


def test_an_estate_that_was_never_observed_gets_no_days(hub: Hub, small_estate: Callable[[Hub], None]) -> None:
    small_estate(hub)
    assert analyse(hub) == "0 dwellings, 0 days, 0 findings, 0 cases"


def test_an_earlier_mark_stays(hub: Hub, small_estate: Callable[[Hub], None]) -> None:
    small_estate(hub)
    with hub.db.unit_of_work("test", "marks", audit=False) as uow:
        for day in (date(2026, 3, 5), date(2026, 3, 9), date(2026, 3, 2)):
            mark_dirty(uow.session, {"E001.E001-B1-0101": day})
    with hub.db.reading() as session:
        assert session.scalar(select(DirtyDay.from_day)) == date(2026, 3, 2)
