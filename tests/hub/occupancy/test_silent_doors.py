"""A reader that sleeps while it says that it observes: the night takes its days for not observed, says so, and judges them again
when what it saw comes late."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import delete, select, update

from device_drivers.contract.events import AccessEvent, Event
from device_drivers.contract.messages import EventBatch
from device_drivers.contract.words import AccessOutcome, IdentifierType
from hub.cases.nightly import analyse
from hub.events.ingest import Ingest
from hub.occupancy import silent_doors
from hub.occupancy.unheard import HOMES_BEHIND, silent_days, unheard
from hub.services import Hub
from hub.tables import AccessPoint, Coverage, Door, DoorDay, Dwelling, Finding, PassDay, PresenceDay, Tenancy

TOKEN, HOME, GATE, DOOR = "a1b2c3d4e5f6g7h8i9j0", "E001.E001-B1-0101", "E001.G1-IN", "E001.G1"
FIRST = date(2026, 10, 1)
SLEEPS = 25
"""The day (by number) on which the gate's reader falls asleep."""


class Estate:
    """Lives day by day at one gate; its device goes on saying that it observes."""

    def __init__(self, hub: Hub, clock: Any) -> None:
        self.hub, self.clock, self.seq = hub, clock, 0

    def passes(self, day: int, count: int) -> None:
        """`count` passes of day number `day`, told now."""
        noon = datetime(2026, 10, 1, 4, 0, tzinfo=UTC) + timedelta(days=day)
        events = [
            Event(
                seq=self.seq + n + 1,
                device="E001.face-g1",
                received_at=noon + timedelta(minutes=n),
                device_at=noon + timedelta(minutes=n),
                body=AccessEvent(
                    AccessOutcome.GRANTED if n == 0 else AccessOutcome.DENIED,
                    access_point=GATE,
                    credential=TOKEN if n == 0 else None,
                    identifier=IdentifierType.CARD,
                ),
            )
            for n in range(count)
        ]
        if events:
            outcome = Ingest(self.hub).take(
                "edge-aaaa", "epoch-1", [EventBatch("epoch-1", self.seq + 1, tuple(events))]
            )
            assert outcome is not None
            assert outcome.new == count
            self.seq += count

    def night(self, day: int) -> str:
        """The night after day number `day`."""
        self.clock.at = datetime(2026, 10, 1, 19, 0, tzinfo=UTC) + timedelta(days=day)
        return analyse(self.hub)

    def live(self, days: range, count: int) -> None:
        for day in days:
            self.passes(day, count)
            self.night(day)

    def seen(self) -> list[int]:
        """The days on which the home could be observed."""
        with self.hub.db.reading() as session:
            rows = session.scalars(select(PresenceDay).where(PresenceDay.dwelling_id == HOME))
            return sorted((row.day - FIRST).days for row in rows if row.coverage >= 0.95)


@pytest.fixture
def estate(sqlite_hub: Hub, small_site: Callable[[Hub], None], clock: Any) -> Estate:
    small_site(sqlite_hub)
    clock.at = datetime(2026, 10, 1, 4, 0, tzinfo=UTC)
    with sqlite_hub.db.unit_of_work("test", "a gate of many", audit=False) as uow:
        uow.session.execute(delete(PassDay))
        block = uow.session.get_one(Dwelling, HOME).block_id
        uow.session.add_all(
            Dwelling(id=f"E001.X{n}", estate_id="E001", block_id=block, code=f"X{n}", floor=2, number=f"02{n:02}")
            for n in range(HOMES_BEHIND - 4)
        )
        uow.session.flush()
        let = {"source": "test", "estate_id": "E001", "state": "active", "from_date": date(2026, 1, 1)}
        homes = [home for home in uow.session.scalars(select(Dwelling.id)) if home != HOME]
        uow.session.add_all(Tenancy(id=f"T-{h}", source_id=h, dwelling_id=h, **let) for h in homes)
        begin = datetime(2026, 9, 30, 16, 0, tzinfo=UTC)
        uow.session.add(Coverage(estate_id="E001", device_id="E001.face-g1", state="ok", from_at=begin, to_at=None))
    return Estate(sqlite_hub, clock)


def test_days_on_which_nobody_was_recorded_are_not_observed_until_what_was_seen_comes(
    estate: Estate, sign_in: Callable[..., TestClient]
) -> None:
    estate.live(range(SLEEPS), 15)
    assert estate.seen() == list(range(SLEEPS)), "the gate was taken for silent while people passed"
    estate.live(range(SLEEPS, SLEEPS + 5), 0)
    assert estate.seen() == list(range(SLEEPS)), "what a sleeping reader did not see was taken for absence"
    auditor = sign_in(estate.hub, "auditor").get("/api/v1/estates/E001/integrity").json()
    (said,) = [item for item in auditor["entrances"] if item["rule"] == "D6"]
    assert (said["about"], said["subject"], said["name"]) == ("door", DOOR, "北门人行门"), "one line for its two sides"
    assert "自2026-10-26起" in said["text_zh"]
    assert "since 2026-10-26" in said["text_en"]
    page = sign_in(estate.hub, "estate_manager", ["E001"]).get("/api/v1/devices/E001.face-g1").json()
    (span,) = [span for span in page["coverage"] if span["state"] == "silent"]
    assert (span["from_at"][:10], span["to_at"][:10]) == ("2026-10-26", "2026-10-31"), "midnights there"
    for day in range(SLEEPS, SLEEPS + 5):  # the journal of a box whose line was cut
        estate.passes(day, 15)
    assert estate.night(SLEEPS + 4).startswith("8 dwellings, 40 days"), (
        "those days are judged again for everybody behind the gate"
    )
    assert estate.seen() == list(range(SLEEPS + 5))
    auditor = sign_in(estate.hub, "auditor").get("/api/v1/estates/E001/integrity").json()
    assert not [item for item in auditor["entrances"] if item["rule"] == "D6"]


def test_a_door_whose_attempts_fall_against_its_own_same_weekdays(
    estate: Estate, sign_in: Callable[..., TestClient]
) -> None:
    """From the counts kept by day: five days of events of a big estate are millions of rows."""
    today = FIRST + timedelta(days=40)
    estate.clock.at = datetime(2026, 11, 11, 4, 0, tzinfo=UTC)

    def write(door: str, passes: int) -> None:
        with estate.hub.db.unit_of_work("test", "counts", audit=False) as uow:
            weeks = [today - timedelta(weeks=week) for week in range(5)]
            uow.session.execute(delete(DoorDay).where(DoorDay.door_id == door))
            uow.session.add_all(DoorDay(door_id=door, day=d, passes=passes if d == today else 100) for d in weeks)

    def said() -> list[tuple[str, str]]:
        page = sign_in(estate.hub, "auditor").get("/api/v1/estates/E001/integrity").json()
        return [(item["subject"], item["text_en"]) for item in page["entrances"] if item["rule"] == "D6"]

    other = "E001.G2"
    with estate.hub.db.unit_of_work("test", "another gate", audit=False) as uow:
        uow.session.add(Door(id=other, estate_id="E001", code="G2", name="南门", scope="estate"))
    write(DOOR, 20)
    write(other, 95)
    ((door, text),) = said()
    assert (door, text.startswith("passes fell to 20%")) == (DOOR, True)
    write(other, 20)
    assert said() == [], "a holiday empties all doors"


def test_before_passes_are_counted_by_door_nothing_is_said(estate: Estate) -> None:
    """A hub that was upgraded knows the passes of homes, not those of doors, of the time before."""
    estate.live(range(10), 15)
    with estate.hub.db.unit_of_work("test", "as before the upgrade", audit=False) as uow:
        uow.session.execute(delete(DoorDay))
    estate.live(range(10, 12), 0)
    assert estate.seen() == list(range(12)), "days of which no count of doors was kept were taken for silent"
    estate.live(range(12, 14), 15)
    assert estate.seen() == list(range(14))


def test_a_door_of_few_homes_may_be_silent(estate: Estate) -> None:
    with estate.hub.db.unit_of_work("test", "few homes", audit=False) as uow:
        uow.session.execute(delete(Tenancy).where(Tenancy.dwelling_id == "E001.X0"))
        uow.session.execute(delete(Dwelling).where(Dwelling.id == "E001.X0"))
        assert len(uow.session.scalars(select(Dwelling.id)).all()) == HOMES_BEHIND - 1
    estate.live(range(20), 15)
    estate.live(range(20, 25), 0)
    assert estate.seen() == list(range(25)), "its people may have left"


def test_where_hardly_anybody_lives_yet_no_repair_is_asked_for(
    estate: Estate, sign_in: Callable[..., TestClient]
) -> None:
    estate.live(range(20), 15)
    with estate.hub.db.unit_of_work("test", "most have moved out", audit=False) as uow:
        uow.session.execute(update(Tenancy).where(Tenancy.dwelling_id != HOME).values(state="ended"))
    estate.live(range(20, 22), 0)
    auditor = sign_in(estate.hub, "auditor").get("/api/v1/estates/E001/integrity").json()
    assert not [item for item in auditor["entrances"] if item["rule"] == "D6"]
    assert estate.seen() == list(range(20)), "that nobody was recorded says nothing all the same"


def test_a_door_that_is_out_of_service_is_not_called_silent(estate: Estate, sign_in: Callable[..., TestClient]) -> None:
    estate.live(range(20), 15)
    estate.live(range(20, 22), 0)
    with estate.hub.db.unit_of_work("test", "walled up", audit=False) as uow:
        uow.session.execute(delete(Coverage))
        begin, end = (datetime(2026, 9, 30, 16, 0, tzinfo=UTC) + timedelta(days=n) for n in (0, 20))
        row = Coverage(estate_id="E001", device_id="E001.face-g1", state="ok", from_at=begin, to_at=end)
        uow.session.add(row)
        uow.session.get_one(AccessPoint, GATE).in_service_until = FIRST + timedelta(days=19)
    estate.night(22)
    auditor = sign_in(estate.hub, "auditor").get("/api/v1/estates/E001/integrity").json()
    assert not [item for item in auditor["entrances"] if item["rule"] == "D6"]


def test_no_lead_comes_of_a_gate_that_sleeps(estate: Estate) -> None:
    estate.live(range(SLEEPS), 15)
    estate.live(range(SLEEPS, SLEEPS + 70), 0)
    with estate.hub.db.reading() as session:
        stages = set(session.scalars(select(Finding.stage).where(Finding.closed_at.is_(None))))
    assert stages <= {"insufficient_data"}, "a sleeping reader made a lead"


@pytest.mark.parametrize("seed", range(4))
def test_night_by_night_is_said_what_is_said_of_all_days_at_once(seed: int) -> None:
    """However long the door is known: what was settled goes on standing for what it said of itself."""
    chance = random.Random(seed)
    passes, observing = list[int](), list[bool]()
    while len(passes) < 400:  # spells of usual days, of silence, of next to nothing
        usual, length = chance.choice([(40, 30), (6, 40), (0, 3), (0, 25), (2, 9), (40, 9)])
        passes += [chance.randint(usual // 2, usual) for _ in range(length)]
        observing += [chance.random() > 0.1 for _ in range(length)]
    days = [FIRST + timedelta(days=n) for n in range(400)]
    kept: dict[date, tuple[int, bool]] = {}
    whole = silent_doors.SETTLED_DAYS + silent_doors.WARM_UP_DAYS
    for last in range(400):
        kept[days[last]] = (passes[last], False)
        since = max(0, last - whole + 1)
        found = silent_days(kept, days[0], days[since], observing[since : last + 1])
        settled = days[max(0, last - silent_doors.SETTLED_DAYS + 1)]
        for day in days[: last + 1]:
            if day >= settled:
                kept[day] = (kept[day][0], day in found)
    at_once = {n for n in unheard(passes[:400], [0] * 400, observing[:400]) if observing[n]}
    assert {n for n in range(400) if kept[days[n]][1]} == at_once
    assert at_once, "no day was silent: nothing was tried"
