"""A night judged on from memory gives what judging the whole record anew gives: days, findings, facts."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, select, update

from hub.cases.nightly import analyse
from hub.occupancy import analyse as rooms
from hub.occupancy.columns import Columns, columns_of
from hub.occupancy.detect import detect
from hub.occupancy.dirty import mark_dirty
from hub.occupancy.fitted import model
from hub.occupancy.memory import HELD_DAYS, MOST_NAMES, Kept, NeedsHistory, RecentDays, kept_of, pack, unpack
from hub.occupancy.policy import calendar, pack_named
from hub.occupancy.presence import Memory, judge, presence
from hub.occupancy.values import CredentialUse, DwellingRecord, Household, Member, ObservedDay
from hub.occupancy.values import PresenceDay as Judged
from hub.services import Hub
from hub.tables import (
    Coverage,
    Dwelling,
    DwellingMemory,
    Finding,
    MeterDay,
    OutboxMessage,
    PassDay,
    PresenceDay,
    Tenancy,
)
from simulators.residents import Layout

START = date(2026, 1, 1)
POINTS = frozenset({"gate", "door"})
HOUSEHOLD = Household(
    "t",
    START,
    None,
    (Member("m1", True, True, frozenset({"a"}), START), Member("m2", True, False, frozenset({"b"}), START)),
)

USES = st.lists(
    st.builds(
        CredentialUse,
        st.sampled_from(["a", "b", "v"]),
        st.booleans(),
        st.integers(0, 2),
        st.integers(0, 2),
        st.integers(0, 1),
    ),
    max_size=2,
).map(tuple)
AMOUNTS = st.none() | st.integers(0, 4000).map(lambda n: n / 10_000)
STRETCHES = st.lists(
    st.tuples(st.integers(1, 40), USES, AMOUNTS, AMOUNTS, st.sampled_from([{}, {"gate": 0.02}, {"door": 1.0}])),
    min_size=1,
    max_size=6,
)


def _days(stretches: list[Any]) -> list[ObservedDay]:
    found: list[ObservedDay] = []
    for length, uses, water, power, gaps in stretches:
        found += [ObservedDay(START + timedelta(days=len(found) + n), gaps, uses, water, power) for n in range(length)]
    return found


@settings(max_examples=60, deadline=None)
@given(STRETCHES)
def test_a_memory_that_was_put_away_judges_the_next_day_alike(stretches: list[Any]) -> None:
    days = _days(stretches)
    whole = presence(days, POINTS)
    kept = Kept(Memory())
    for n, day in enumerate(days):
        again = unpack(pack(kept))
        assert again is not None
        kept = again
        judged = judge(day, POINTS, kept.memory)
        kept.add(judged)
        assert judged == whole[n]
        assert kept.days(len(kept) - 1, len(kept)) == [whole[n]], "a day must come back as it was put away"


@settings(max_examples=60, deadline=None)
@given(STRETCHES, st.sampled_from(["national", "beijing", "hangzhou_qiantang", "national_measured"]))
def test_rules_find_the_same_or_say_that_they_need_more(stretches: list[Any], name: str) -> None:
    memory = Memory()
    judged = presence(_days(stretches), POINTS, memory)
    record = DwellingRecord("d", HOUSEHOLD, tuple(judged), POINTS, {"water": "w", "electricity": "e"})
    kept, of_all = kept_of(memory, judged), detect(record, pack_named(name), calendar(), model())
    whole = replace(record, days=RecentDays.of(kept, len(judged)))
    assert detect(whole, pack_named(name), calendar(), model()) == of_all, (
        "days held as columns read as the days themselves"
    )
    kept.trim(HELD_DAYS)
    recent = replace(record, days=RecentDays.of(kept, len(judged)))
    try:
        found = detect(recent, pack_named(name), calendar(), model())
    except NeedsHistory:
        return
    assert found == of_all


def test_a_household_at_home_needs_no_history() -> None:
    at_home = (CredentialUse("a", True, identified=1), CredentialUse("b", True, other=1))
    memory = Memory()
    judged = presence([ObservedDay(START + timedelta(days=n), {}, at_home, 0.2) for n in range(300)], POINTS, memory)
    record = DwellingRecord("d", HOUSEHOLD, RecentDays.of(_trimmed(memory, judged), 300), POINTS, {"water": "w"})
    assert detect(record, pack_named("national"), calendar()) == ()
    assert (record.first_day, len(record.days)) == (START, 300)


def test_what_is_not_held_is_never_read_as_empty() -> None:
    memory = Memory()
    judged = presence([ObservedDay(START + timedelta(days=n)) for n in range(200)], POINTS, memory)
    days = RecentDays.of(_trimmed(memory, judged), 200)
    assert days[-60:] == tuple(judged[-60:])
    assert days[195].day == judged[195].day
    assert bool(days)
    assert days[-1] == judged[-1]
    for look in (
        lambda: days[0],
        lambda: days[:1][0],
        lambda: list(days[:-60][-1:]),
        lambda: list(days),
        lambda: [*days],
        lambda: tuple(days),
        lambda: sum(1 for _ in days),
        lambda: days + days,
        lambda: operator.add((judged[0],), days),
        lambda: days.columns(),
        lambda: days[50:].columns(),
        lambda: judged[0] in days,
        lambda: days == tuple(judged),
        lambda: list(reversed(days)),
        lambda: days.count(judged[0]),
    ):
        with pytest.raises(NeedsHistory):
            look()
    with pytest.raises(IndexError):
        days[200]


def _trimmed(memory: Memory, judged: Sequence[Judged]) -> Kept:
    kept = kept_of(memory, judged)
    kept.trim(HELD_DAYS)
    return kept


def test_columns_of_held_days_are_those_of_the_days() -> None:
    stretches = [
        (
            9,
            (CredentialUse("b", True, 1, 2, hours=3), CredentialUse("v", False, other=4, late=1, hours=8)),
            0.21,
            None,
            {},
        ),
        (30, (CredentialUse("a", True, other=1), CredentialUse("b", True, other=1)), None, 3.5, {"gate": 0.25}),
        (80, (), 0.0, 0.1, {"door": 1.0}),
    ]
    memory = Memory()
    judged = presence(_days(stretches), POINTS, memory)
    again = unpack(pack(kept_of(memory, judged)))
    assert again is not None
    held = RecentDays.of(again, len(judged))
    for part, plain in ((held, judged), (held[-70:], judged[-70:]), (held[5:40][-10:], judged[30:40])):
        ours, theirs = columns_of(part), columns_of(plain)
        for name in Columns.__dataclass_fields__:
            one, other = getattr(ours, name), getattr(theirs, name)
            assert (
                one.keys() == other.keys() if isinstance(one, dict) else np.array_equal(one, other, equal_nan=True)
            ), name
            if isinstance(one, dict):
                assert all(np.array_equal(one[token], other[token]) for token in one), name


def test_with_too_many_credentials_fewer_days_are_held_and_none_is_wrong() -> None:
    memory, kept = Memory(), Kept(Memory())
    judged: list[Judged] = []
    for n in range(150):
        token = CredentialUse(f"pin-{n:03}", True, other=1)
        judged.append(judge(ObservedDay(START + timedelta(days=n), {}, (token,)), POINTS, memory))
        kept.add(judged[-1])
        assert kept.days(0, len(kept)) == judged[-len(kept) :], "a day that is held must be as it was judged"
    assert 0 < len(kept) <= MOST_NAMES
    assert len(kept_of(memory, judged)) <= MOST_NAMES
    with pytest.raises(NeedsHistory):
        RecentDays.of(kept, 150)[0]


def test_another_releases_memory_is_not_guessed() -> None:
    for body in (b"", b"\xc1", b"\x94\x02\x90\x90\x90", b"\x93\x01\x90\x90", b"text"):
        assert unpack(body) is None


# --- through the database ---------------------------------------------------------------------------------------------

END = date(2026, 11, 21)


def _everything(hub: Hub) -> tuple[Any, ...]:
    """Days, open findings and messages, as they stand."""
    days = (PresenceDay.dwelling_id, PresenceDay.day, PresenceDay.state, PresenceDay.coverage, PresenceDay.signals)
    finds = (Finding.dwelling_id, Finding.kind, Finding.stage, Finding.inputs_hash, Finding.window_to)
    with hub.db.reading() as session:
        return (
            sorted(map(tuple, session.execute(select(*days)))),
            sorted(map(tuple, session.execute(select(*finds).where(Finding.closed_at.is_(None))))),
            sorted(session.scalars(select(OutboxMessage.id).where(OutboxMessage.kind.like("dwelling.%")))),
        )


@pytest.mark.parametrize("piece", [1_000, 5], ids=["in one piece", "in pieces, one of them broken off"])
def test_three_nights_give_what_one_analysis_of_it_all_gives(
    sqlite_hub: Hub, clock: Any, simulate: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, piece: int
) -> None:
    hub = sqlite_hub
    monkeypatch.setattr(rooms, "NIGHT_BATCH", piece)
    simulate(hub, end=END, days=70, layout=Layout(blocks=1, floors=6, per_floor=4))
    whole: list[int] = []
    batch = rooms.write_anew

    def counted(uow: Any, view: Any, judged: Any) -> Any:
        whole.append(len(judged))
        return batch(uow, view, judged)

    monkeypatch.setattr("hub.cases.nightly.write_anew", counted)
    clock.at = datetime(2026, 11, 18, 1, 0, tzinfo=UTC)
    analyse(hub)
    assert sum(whole) == 24, "the first time each record is judged whole"
    whole.clear()
    for night in range(3):
        clock.pass_(days=1)
        done = _broken_off(hub, monkeypatch) if night == 1 and piece < 24 else 0
        assert analyse(hub).startswith(f"{24 - done} dwellings"), "what was judged is kept, the rest is judged now"
    assert 0 < sum(whole) < 3 * 24 / 2, "most dwellings are judged from memory"
    night_by_night = _everything(hub)
    with hub.db.unit_of_work("test", "anew", audit=False) as uow:
        uow.session.execute(delete(DwellingMemory))
    assert " 0 findings" in analyse(hub), "judged anew, something else was found"
    assert _everything(hub) == night_by_night


def _broken_off(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> int:
    """A night whose process ends in the third piece. How many dwellings were judged before."""
    write, done = rooms.write_night, list[int]()

    def ends(uow: Any, view: Any, judged: Any) -> Any:
        if len(done) == 2:
            raise KeyboardInterrupt
        outcome = write(uow, view, judged)
        done.append(outcome[0].dwellings)
        return outcome

    with monkeypatch.context() as broken:
        broken.setattr("hub.cases.nightly.write_night", ends)
        with pytest.raises(KeyboardInterrupt):
            analyse(hub)
    return sum(done)


@pytest.fixture
def home(sqlite_hub: Hub, small_site: Callable[[Hub], None]) -> Hub:
    """Dwelling 101 lived in for 20 days, its meter read daily; one analysis done."""
    hub = sqlite_hub
    small_site(hub)
    today = hub.now().date()
    with hub.db.unit_of_work("test", "history", audit=False) as uow:
        start = hub.now() - timedelta(days=21)
        uow.session.add(Coverage(estate_id="E001", device_id="E001.face-g1", state="ok", from_at=start))
    for back in range(20, 0, -1):
        _read(hub, today - timedelta(days=back))
        _pass(hub, today - timedelta(days=back))
    analyse(hub)
    return hub


HOME = "E001.E001-B1-0101"


def _read(hub: Hub, day: date) -> None:
    value = 100 + 0.2 * (day - START).days
    with hub.db.unit_of_work("test", "reading", audit=False) as uow:
        row = {"meter_id": "E001.W-0101", "day": day, "dwelling_id": HOME, "quantity": "water", "last_value": value}
        uow.session.connection().execute(insert(MeterDay), [{**row, "ok_count": 1, "bad_count": 0}])
        mark_dirty(uow.session, {HOME: day})


def _pass(hub: Hub, day: date) -> None:
    with hub.db.unit_of_work("test", "pass", audit=False) as uow:
        uow.session.add(PassDay(dwelling_id=HOME, day=day, credential="tok", holder_class="resident", other=2))
        mark_dirty(uow.session, {HOME: day})


def _water(hub: Hub) -> list[float | None]:
    with hub.db.reading() as session:
        rows = session.scalars(select(PresenceDay).where(PresenceDay.dwelling_id == HOME).order_by(PresenceDay.day))
        return [row.signals.get("water") for row in rows]


def test_a_reading_after_a_gap_fills_the_days_before(home: Hub, clock: Any) -> None:
    today = home.now().date()
    _pass(home, today)
    clock.pass_(days=1)
    analyse(home)
    assert _water(home)[-1] is None, "not read yesterday"
    _read(home, today + timedelta(days=1))
    clock.pass_(days=1)
    analyse(home)
    assert _water(home)[-2:] == [0.2, 0.2]


def test_what_comes_late_changes_exactly_its_days(home: Hub, clock: Any) -> None:
    today = home.now().date()
    with home.db.unit_of_work("test", "mark the rows", audit=False) as uow:
        uow.session.execute(update(PresenceDay).where(PresenceDay.dwelling_id == HOME).values(coverage=0.123))
        late = today - timedelta(days=6)
        uow.session.execute(delete(PassDay).where(PassDay.day == late))
        uow.session.execute(
            update(PresenceDay).where(PresenceDay.day < late, PresenceDay.dwelling_id == HOME).values(coverage=0.5)
        )
        mark_dirty(uow.session, {HOME: late})
    assert analyse(home).startswith("1 dwellings, 6 days")
    with home.db.reading() as session:
        rows = session.execute(
            select(PresenceDay.day, PresenceDay.coverage)
            .where(PresenceDay.dwelling_id == HOME)
            .order_by(PresenceDay.day)
        ).all()
    assert {coverage for day, coverage in rows if day < late} == {0.5}, "days before it were rewritten"
    assert {coverage for day, coverage in rows if day >= late} == {1.0}


def test_another_household_starts_anew(home: Hub, clock: Any) -> None:
    with home.db.reading() as session:
        row = session.get_one(DwellingMemory, HOME)
        assert row.tenancy_id == "tenancy-1"
    with home.db.unit_of_work("test", "another tenancy", audit=False) as uow:
        uow.session.execute(update(Tenancy).values(state="ended", ended_at=home.now()))
        uow.session.add(
            Tenancy(
                id="tenancy-2", source="test", source_id="T-2", estate_id="E001", dwelling_id=HOME, state="active",
                from_date=home.now().date(),
            )
        )  # fmt: skip
    clock.pass_(days=1)
    analyse(home)
    with home.db.reading() as session:
        row = session.get_one(DwellingMemory, HOME)
        kept = unpack(row.body)
        assert (row.tenancy_id, row.day) == ("tenancy-2", home.now().date() - timedelta(days=1))
        assert kept is not None
        assert kept.memory.seen_days == 0, "the old household's habits are not the new one's"
        assert session.scalar(select(Dwelling.id).where(Dwelling.id == HOME)) == HOME
