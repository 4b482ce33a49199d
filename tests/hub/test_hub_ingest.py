"""Ingest on both databases: exactly once in effect, whatever comes in whatever order."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import func, select, update

from device_drivers.contract.events import (
    AccessEvent,
    DoorEvent,
    Event,
    MeterReading,
    ObservationChanged,
    Unreadable,
)
from device_drivers.contract.messages import EventAck, EventBatch, decode
from device_drivers.contract.words import (
    AccessOutcome,
    DoorAlarm,
    DoorState,
    IdentifierType,
    ObservationState,
    Quantity,
)
from device_drivers.mqtt import MemoryBroker
from hub.events.ingest import Ingest
from hub.services import Hub
from hub.tables import (
    AccessPoint,
    Consent,
    Coverage,
    CredentialRow,
    DeadLetter,
    Device,
    DirtyDay,
    Door,
    DoorDay,
    Edge,
    EventRow,
    IngestCursor,
    MeterDay,
    PassDay,
    Person,
)

AT = datetime(2026, 11, 21, 1, 0, tzinfo=UTC)
TOKEN = "a1b2c3d4e5f6g7h8i9j0"
EPOCH = "epoch-1"
Build = Callable[[Hub], None]


def event(seq: int, body: Any, *, device: str = "E001.face-g1", at: datetime | None = None, **more: Any) -> Event:
    when = at or AT + timedelta(seconds=seq)
    return Event(seq=seq, device=device, received_at=when, device_at=when, body=body, **more)


def passing(seq: int, by: IdentifierType = IdentifierType.CARD, at: datetime | None = None) -> Event:
    body = AccessEvent(AccessOutcome.GRANTED, access_point="E001.G1-IN", credential=TOKEN, identifier=by)
    return event(seq, body, at=at)


def batch(*events: Event, epoch: str = EPOCH) -> EventBatch:
    return EventBatch(epoch, events[0].seq, events)


@pytest.fixture
def site(hub: Hub, small_site: Build) -> Hub:
    small_site(hub)
    return hub


def rows(hub: Hub, column: Any) -> list[Any]:
    with hub.db.reading() as session:
        return list(session.scalars(select(column)))


def count(hub: Hub, table: Any) -> int:
    with hub.db.reading() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def last_ack(broker: MemoryBroker) -> EventAck:
    sent = [m for m in broker.log if m.topic == "v1/edge-aaaa/down/ack"]
    assert sent, "no EventAck was sent"
    return decode(EventAck, sent[-1].payload)


def test_a_pass_is_stored_counted_and_acknowledged(site: Hub, broker: MemoryBroker) -> None:
    outcome = Ingest(site).take("edge-aaaa", EPOCH, [batch(passing(1), passing(2, IdentifierType.FACE))])
    assert outcome is not None
    assert (outcome.new, outcome.dead) == (2, 0)
    assert last_ack(broker) == EventAck(EPOCH, 2)
    with site.db.reading() as session:
        row = session.get_one(EventRow, ("edge-aaaa", EPOCH, 1))
        assert (row.dwelling_id, row.kind, row.outcome) == ("E001.E001-B1-0101", "access", "granted")
        assert row.at == AT + timedelta(seconds=1), "the device's own time is kept, in UTC"
        day = session.get_one(PassDay, ("E001.E001-B1-0101", date(2026, 11, 21), TOKEN))
        assert (day.face, day.face_consented, day.other) == (1, 1, 1)
        assert session.get_one(DirtyDay, "E001.E001-B1-0101").from_day == date(2026, 11, 21)
    assert outcome.items[0]["holder"] == "1号楼-0101 · 成员1", "the live page shows the label, never a name"


def test_duplicates_and_overlaps_change_nothing(site: Hub, broker: MemoryBroker) -> None:
    ingest = Ingest(site)
    first = batch(*(passing(n) for n in range(1, 6)))
    overlap = batch(*(passing(n) for n in range(3, 9)))
    for sent in ([first], [first], [overlap], [overlap, first], [first, overlap]):
        ingest.take("edge-aaaa", EPOCH, sent)
    assert count(site, EventRow) == 8
    assert rows(site, PassDay.other) == [8], "each event counts once however often it comes"
    assert last_ack(broker) == EventAck(EPOCH, 8)


def test_hours_of_passes_are_kept_in_any_order_and_only_of_lawful_ones(site: Hub) -> None:
    """Hours join by bits: late, doubled and reordered events give the same row; a face without consent (b) gives none."""
    ingest = Ingest(site)
    night = datetime(2026, 11, 20, 16, 0, tzinfo=UTC)  # 00:00 on the 21st in Shanghai
    before = datetime(2025, 12, 30, 23, tzinfo=UTC)  # consent (b) was given on 1 January 2026
    evening, noon = passing(1, at=night + timedelta(hours=22)), passing(3, at=night + timedelta(hours=12, minutes=59))
    face = passing(2, IdentifierType.FACE, night + timedelta(hours=7))
    ingest.take("edge-aaaa", EPOCH, [batch(evening, face)])
    ingest.take("edge-aaaa", EPOCH, [batch(evening, face, noon, passing(4, IdentifierType.FACE, before))])
    ingest.take("edge-aaaa", EPOCH, [batch(passing(5, at=night + timedelta(hours=22, minutes=5)))])
    with site.db.reading() as session:
        kept = {row.day: row.hours for row in session.scalars(select(PassDay))}
    assert kept == {date(2026, 11, 21): 1 << 22 | 1 << 12 | 1 << 7, date(2025, 12, 31): 0}


def test_a_row_from_before_hours_were_kept_stays_unknown(site: Hub) -> None:
    """Half of a day's hours would look like other habits."""
    ingest = Ingest(site)
    ingest.take("edge-aaaa", EPOCH, [batch(passing(1))])
    with site.db.unit_of_work("test", "an older release's row", audit=False) as uow:
        uow.session.execute(update(PassDay).values(hours=None))
    ingest.take("edge-aaaa", EPOCH, [batch(passing(2))])
    assert (rows(site, PassDay.hours), rows(site, PassDay.other)) == ([None], [2])


def test_a_batch_beyond_a_hole_waits(site: Hub, broker: MemoryBroker) -> None:
    ingest = Ingest(site)
    ingest.take("edge-aaaa", EPOCH, [batch(passing(1))])
    outcome = ingest.take("edge-aaaa", EPOCH, [batch(passing(3))])
    assert outcome is not None
    assert outcome.hole
    assert last_ack(broker) == EventAck(EPOCH, 1), "the cursor is told again"
    ingest.take("edge-aaaa", EPOCH, [batch(passing(3)), batch(passing(2))])
    assert last_ack(broker) == EventAck(EPOCH, 3), "batches of one run are put in order"
    assert count(site, EventRow) == 3


def test_rows_an_edge_no_longer_has_become_a_hole_in_coverage_not_a_standstill(site: Hub, clock: Any) -> None:
    ingest = Ingest(site)
    seen = event(1, ObservationChanged(ObservationState.OK))
    ingest.take("edge-aaaa", EPOCH, [batch(seen)])
    for _ in range(4):
        clock.pass_(seconds=10)
        ingest.take("edge-aaaa", EPOCH, [batch(passing(5))])
    assert rows(site, IngestCursor.up_to_seq) == [5]
    assert any("never came" in error for error in rows(site, DeadLetter.error))
    with site.db.reading() as session:
        last = session.scalars(select(Coverage).order_by(Coverage.from_at.desc())).first()
    assert last is not None
    assert (last.state, last.reason) == ("down", "journal_gap")


def test_a_new_epoch_starts_at_one(site: Hub) -> None:
    ingest = Ingest(site)
    ingest.take("edge-aaaa", EPOCH, [batch(passing(1), passing(2))])
    ingest.take("edge-aaaa", "epoch-2", [batch(passing(1), epoch="epoch-2")])
    assert count(site, EventRow) == 3
    assert rows(site, PassDay.other) == [3]


@pytest.mark.parametrize(
    ("poison", "why"),
    [
        (event(2, Unreadable("x", "y"), device="E999.foreign"), "not one of this edge's"),
        (event(2, Unreadable("x", "y"), at=datetime(1, 1, 1, tzinfo=UTC)), "cannot be"),
        (event(2, MeterReading(Quantity.WATER, 1.0), at=datetime(1950, 1, 1, tzinfo=UTC)), "cannot be"),
    ],
)
def test_a_poison_row_goes_to_the_dead_letters_and_the_rest_goes_on(site: Hub, poison: Event, why: str) -> None:
    outcome = Ingest(site).take("edge-aaaa", EPOCH, [batch(passing(1), poison, passing(3))])
    assert outcome is not None
    assert (outcome.new, outcome.dead) == (2, 1)
    assert rows(site, IngestCursor.up_to_seq) == [3]
    assert why in rows(site, DeadLetter.error)[0]


def test_text_with_nul_is_stored(site: Hub) -> None:
    body = Unreadable("door\0one", "raw \0 bytes", "bad \0 text")
    outcome = Ingest(site).take("edge-aaaa", EPOCH, [batch(event(1, body), passing(2))])
    assert outcome is not None
    assert (outcome.new, outcome.dead) == (2, 0)
    assert "\\ufffd" in rows(site, EventRow.data)[0]
    assert rows(site, Device.unreadable_count)[1:] or max(rows(site, Device.unreadable_count)) == 1


def test_a_row_only_the_database_refuses_is_put_aside(site: Hub) -> None:
    with site.db.unit_of_work("test", "collision", audit=False) as uow:
        uow.session.add(
            EventRow(
                edge_id="edge-aaaa", epoch=EPOCH, seq=2, estate_id="E001", kind="edge", device_id="", at=AT,
                received_at=AT, ingested_at=AT, late=False, data="{}",
            )
        )  # fmt: skip
    outcome = Ingest(site).take("edge-aaaa", EPOCH, [batch(passing(1), passing(2), passing(3))])
    assert outcome is not None
    assert outcome.new == 2, "the row that was there is not counted again"
    assert rows(site, PassDay.other) == [2]
    assert rows(site, IngestCursor.up_to_seq) == [3]


def test_meter_days_keep_first_and_last_in_any_order(site: Hub) -> None:
    ingest = Ingest(site)
    night = datetime(2026, 11, 20, 16, 30, tzinfo=UTC)  # 00:30 on the 21st in Shanghai

    def reading(seq: int, hours: float, value: float | None, ok: bool = True) -> Event:
        body = MeterReading(Quantity.WATER, value, meter="E001.W-0101", ok=ok)
        return event(seq, body, device="E001.meters-b1", at=night + timedelta(hours=hours))

    ingest.take("edge-aaaa", EPOCH, [batch(reading(1, 5, 10.5), reading(2, 9, 11.0))])
    ingest.take("edge-aaaa", EPOCH, [batch(reading(3, 0, 10.0), reading(4, 7, None, ok=False), reading(5, 8, 10.9))])
    with site.db.reading() as session:
        day = session.get_one(MeterDay, ("E001.W-0101", date(2026, 11, 21)))
        assert (day.first_value, day.last_value, day.ok_count, day.bad_count) == (10.0, 11.0, 4, 1)


def test_an_old_door_state_never_replaces_a_newer_one(site: Hub) -> None:
    ingest = Ingest(site)
    newer = DoorEvent(DoorState.OPEN, DoorAlarm.FORCED_OPEN, access_point="E001.G1-IN")
    older = DoorEvent(DoorState.CLOSED, access_point="E001.G1-IN")
    outcome = ingest.take("edge-aaaa", EPOCH, [batch(event(1, newer, at=AT + timedelta(hours=1)))])
    assert outcome is not None
    assert outcome.doors[0]["alarm"] == "forced_open"
    outcome = ingest.take("edge-aaaa", EPOCH, [batch(event(2, older))])
    assert outcome is not None
    assert outcome.doors == [], "nothing moved, nothing is shown"
    assert rows(site, Door.state) == ["open"]


def test_observations_become_coverage_in_any_order(site: Hub) -> None:
    ingest = Ingest(site)
    hour = timedelta(hours=1)
    changes = [(3, "ok", 0), (1, "ok", -100), (2, "down", -50)]
    for seq, (_order, state, hours) in enumerate(changes, 1):
        body = ObservationChanged(ObservationState(state))
        ingest.take("edge-aaaa", EPOCH, [batch(event(seq, body, at=AT + hours * hour))])
    with site.db.reading() as session:
        held = [(c.state, c.from_at, c.to_at) for c in session.scalars(select(Coverage).order_by(Coverage.from_at))]
    assert held == [
        ("ok", AT - 100 * hour, AT - 50 * hour),
        ("down", AT - 50 * hour, AT),
        ("ok", AT, None),
    ]
    assert len(rows(site, DirtyDay.dwelling_id)) == 4, "every dwelling of the estate is looked at again"


def test_a_face_pass_counts_for_the_check_only_while_consent_b_lives(site: Hub) -> None:
    before = datetime(2025, 12, 31, tzinfo=UTC)  # consent (b) was given on 1 January 2026
    Ingest(site).take("edge-aaaa", EPOCH, [batch(passing(1, IdentifierType.FACE, before))])
    with site.db.reading() as session:
        day = session.scalars(select(PassDay)).one()
    assert (day.face, day.face_consented) == (1, 0)


def test_what_ingest_knows_moves_with_the_audit_trail(site: Hub) -> None:
    """Credentials, consents and devices are kept between runs; a change of any counts in the very next run."""
    ingest = Ingest(site)
    ingest.take("edge-aaaa", EPOCH, [batch(passing(1, IdentifierType.FACE))])
    with site.db.unit_of_work("counter", "consent withdrawn", now=site.now()) as uow:
        uow.session.get_one(Consent, "consent-1").withdrawn_at = AT
        common = {"estate_id": "E001", "edge_id": "edge-aaaa", "kind": "modbus_door"}
        uow.session.add(Device(id="E001.new", code="new", name="new", **common))
        uow.record("consent.withdrawn", "consent-1")
    note = event(3, Unreadable("x", "y"), device="E001.new")
    outcome = ingest.take("edge-aaaa", EPOCH, [batch(passing(2, IdentifierType.FACE), note)])
    assert outcome is not None
    assert (outcome.new, outcome.dead) == (2, 0), "the new device is known"
    with site.db.reading() as session:
        day = session.scalars(select(PassDay)).one()
    assert (day.face, day.face_consented) == (2, 1)


def test_a_credential_that_came_without_an_audit_row_is_found(site: Hub) -> None:
    ingest = Ingest(site)
    ingest.take("edge-aaaa", EPOCH, [batch(passing(1))])
    with site.db.unit_of_work("test", "credential", audit=False) as uow:
        uow.session.add(
            CredentialRow(
                token="b" * 20, estate_id="E001", holder_class="resident", person_id="person-1",
                tenancy_id="tenancy-1", dwelling_id="E001.E001-B1-0101", label="x", created_at=AT,
            )
        )  # fmt: skip
    body = AccessEvent(AccessOutcome.GRANTED, access_point="E001.G1-IN", credential="b" * 20)
    ingest.take("edge-aaaa", EPOCH, [batch(event(2, body))])
    assert sorted(rows(site, PassDay.credential)) == [TOKEN, "b" * 20], "what is not known is asked for every time"


def test_a_device_time_in_the_future_is_kept_but_not_believed(site: Hub) -> None:
    body = AccessEvent(AccessOutcome.GRANTED, access_point="E001.G1-IN", credential=TOKEN)
    wild = Event(1, "E001.face-g1", AT, body, device_at=AT + timedelta(days=400))
    Ingest(site).take("edge-aaaa", EPOCH, [batch(wild)])
    with site.db.reading() as session:
        row = session.scalars(select(EventRow)).one()
    assert row.at == AT
    assert row.device_at == AT + timedelta(days=400)


def test_rows_that_are_not_consecutive_are_refused(site: Hub) -> None:
    crooked = EventBatch(EPOCH, 1, (passing(1), passing(7)))
    Ingest(site).take("edge-aaaa", EPOCH, [crooked])
    assert count(site, EventRow) == 0
    assert "not consecutive" in rows(site, DeadLetter.error)[0]


def test_an_unknown_edge_is_told_apart(site: Hub) -> None:
    assert Ingest(site).take("edge-zzzz", EPOCH, [batch(passing(1))]) is None
    assert rows(site, Edge.id) == ["edge-aaaa"]


@pytest.mark.parametrize(
    ("hour", "side", "late"),
    [(6, "in", 0), (18, "in", 1), (18, "out", 0), (2, "in", 1), (6, "out", 1), (9, "out", 0), (12, "in", 0)],
)
def test_a_pass_as_of_somebody_who_sleeps_there_is_counted(site: Hub, hour: int, side: str, late: int) -> None:
    with site.db.unit_of_work("test", "side", audit=False) as uow:
        uow.session.get_one(AccessPoint, "E001.G1-IN").side = side
    local = datetime(2026, 11, 20, hour, 30, tzinfo=timezone(timedelta(hours=8)))
    Ingest(site).take("edge-aaaa", EPOCH, [batch(passing(1, at=local), passing(2, IdentifierType.FACE, at=local))])
    with site.db.reading() as session:
        day = session.scalars(select(PassDay)).one()
    assert (day.other, day.late) == (1, late), "faces are told apart without it"


def test_a_childs_face_counts_with_its_guardians_consent_alone(site: Hub) -> None:
    """PIPL 31: below fourteen a guardian consents; from the fourteenth birthday on the person does."""

    def counted(seq: int) -> list[int]:
        Ingest(site).take("edge-aaaa", EPOCH, [batch(passing(seq, IdentifierType.FACE))])
        return rows(site, PassDay.face_consented)

    with site.db.unit_of_work("test", "a child", audit=False) as uow:
        uow.session.execute(update(Person).values(birth_date=AT.date().replace(year=AT.year - 9)))
    assert counted(1) == [0]
    with site.db.unit_of_work("test", "its mother") as uow:
        uow.session.execute(update(Consent).values(guardian="母亲"))
        uow.record("person.changed", "person-1")
    assert Ingest(site).take("edge-aaaa", EPOCH, [batch(passing(2, IdentifierType.FACE))]) is not None
    assert rows(site, PassDay.face_consented) == [1]


def test_a_face_that_may_not_be_looked_at_does_not_say_that_a_door_observes(site: Hub) -> None:
    with site.db.unit_of_work("test", "(b) taken back", audit=False) as uow:
        uow.session.execute(update(Consent).values(withdrawn_at=AT - timedelta(days=30)))
    Ingest(site).take("edge-aaaa", EPOCH, [batch(passing(1, IdentifierType.FACE), passing(2))])
    assert rows(site, DoorDay.passes) == [1], "the card does"
