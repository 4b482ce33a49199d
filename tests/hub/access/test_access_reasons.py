"""Properties of entitlement: nobody passes without a live reason, without the reason nobody passes, and residents get home."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from device_drivers.contract.access import Identifier, Schedule, SpecialDay, TimeRange, TimeSpan
from device_drivers.contract.device import Capabilities
from device_drivers.contract.words import HolderClass, IdentifierType
from edge_agent.decide import LocalSchedule, build_index, decide
from hub.access.compose import TargetDevice, compose
from hub.access.entitle import Entitlement, Holder, PassHolder, PointPlace, entitle
from hub.access.lifecycle import WantedIdentifier
from hub.access.schedules import both, from_json, in_words, problem, ranges_json, special_json

ZONE = "Asia/Shanghai"
AT = datetime(2026, 5, 1, 4, tzinfo=UTC)
BLOCKS, HOMES = ("B1", "B2"), ("D101", "D102", "D201")
READER = Capabilities(cards=True, edge_identifiers=("card",))

times = st.builds(time, st.integers(0, 23), st.sampled_from([0, 30]))
ranges = st.builds(TimeRange, st.sets(st.integers(1, 7), min_size=1).map(lambda s: tuple(sorted(s))), times, times)
days = st.dates(date(2026, 4, 20), date(2026, 5, 12))
special = st.builds(SpecialDay, days, st.lists(st.builds(TimeSpan, times, times), max_size=2).map(tuple))
schedules = st.builds(
    lambda hours, special_days: Schedule(f"s-{hash((hours, special_days))}", ZONE, hours, special_days),
    st.lists(ranges, max_size=3).map(tuple),
    st.lists(special, max_size=2, unique_by=lambda d: d.day).map(tuple),
)
points = st.lists(
    st.builds(
        PointPlace,
        st.integers(0, 30).map("ap{}".format),
        st.sampled_from(["reader-1", "reader-2", None]),
        st.sampled_from(["estate", "block", "dwelling", "amenity", "odd"]),
        st.sampled_from([*BLOCKS, None]),
        st.sampled_from([*HOMES, None]),
        st.none() | schedules,
    ),
    max_size=8,
    unique_by=lambda p: p.access_point,
)


def identifiers(n: int) -> tuple[WantedIdentifier, ...]:
    return (WantedIdentifier("card", str(1000 + n)),)


holders = st.lists(
    st.builds(
        lambda n, block, home, start: Holder(f"r{n}", f"r{n}", f"T-{n}", 1, block, home, start, identifiers(n)),
        st.integers(0, 20),
        st.sampled_from(BLOCKS),
        st.sampled_from(HOMES),
        st.dates(date(2026, 4, 1), date(2026, 6, 1)),
    ),
    max_size=4,
    unique_by=lambda h: h.token,
)
moments = st.integers(-100, 100).map(lambda h: AT + timedelta(hours=h))
passes = st.lists(
    st.builds(
        lambda n, cls, where, begin, end, schedule, uses: PassHolder(
            f"p{n}", f"p{n}", cls, identifiers(100 + n), tuple(where), begin, end, f"pass {n}", schedule, uses
        ),
        st.integers(0, 20),
        st.sampled_from([HolderClass.VISITOR, HolderClass.CONTRACTOR, HolderClass.STAFF]),
        st.sets(st.integers(0, 30).map("ap{}".format), max_size=4).map(sorted),
        moments,
        st.none() | moments,
        st.none() | schedules,
        st.none() | st.integers(1, 3),
    ),
    max_size=4,
    unique_by=lambda p: p.token,
)


def found(
    places: list[PointPlace], residents: list[Holder], others: list[PassHolder], at: datetime = AT
) -> dict[str, Entitlement]:
    return {e.token: e for e in entitle(places, residents, at, ZONE, others)}


def opens(entitlements: dict[str, Entitlement], places: list[PointPlace], at: datetime) -> set[tuple[str, str]]:
    """(token, access point) that really opens at this moment, by lists and the edge's decision."""
    told = set()
    for device in {p.device for p in places if p.device}:
        mine = frozenset(p.access_point for p in places if p.device == device)
        wanted = compose(TargetDevice(device, "E001", mine, READER), entitlements.values(), issued_at=AT)
        index = build_index(wanted)
        for one in entitlements.values():
            for point in mine:
                card = Identifier(IdentifierType.CARD, one.identifiers[0].value)
                if decide(index, point, card, at, clock_trusted=True).granted:
                    told.add((one.token, point))
    return told


@given(points, holders, passes, moments)
@settings(max_examples=150, deadline=None)
def test_nobody_passes_without_a_live_reason(places: Any, residents: Any, others: Any, at: datetime) -> None:
    whole = found(places, residents, others, at)
    reasons = {h.token: h.tenancy for h in residents} | {
        p.token: p.because for p in others if p.not_after is None or at < p.not_after
    }
    assert whole.keys() == reasons.keys(), (
        "one entitlement for each tenancy's member, live pass and role, and none besides"
    )
    for token, one in whole.items():
        assert reasons[token] in one.because
    for token, point in opens(whole, places, at):
        assert point in whole[token].access_points


@given(points, holders, passes, moments, st.data())
@settings(max_examples=150, deadline=None)
def test_without_the_reason_the_entitlement_is_gone_and_all_others_stay(
    places: Any, residents: Any, others: Any, at: datetime, data: Any
) -> None:
    whole = found(places, residents, others, at)
    if not whole:
        return
    gone = data.draw(st.sampled_from(sorted(whole)))
    left = found(places, [h for h in residents if h.token != gone], [p for p in others if p.token != gone], at)
    assert left == {t: e for t, e in whole.items() if t != gone}
    assert not any(token == gone for token, _ in opens(left, places, at))
    assert opens(left, places, at) == {(t, p) for t, p in opens(whole, places, at) if t != gone}


@given(points, holders, passes, moments)
@settings(max_examples=200, deadline=None)
def test_residents_always_have_their_way_home(places: Any, residents: Any, others: Any, at: datetime) -> None:
    """At every hour, whatever hours stand on doors, roles and passes: gates, their own entrance, their own door."""
    way = opens(found(places, residents, others, at), places, at)
    for holder in residents:
        if holder.from_date > at.astimezone(ZoneInfo(ZONE)).date():
            continue
        home = {
            p.access_point
            for p in places
            if p.device
            and (
                p.scope == "estate"
                or (p.scope == "block" and p.block == holder.block)
                or (p.scope == "dwelling" and p.dwelling == holder.dwelling)
            )
        }
        assert {(holder.token, point) for point in home} <= way


@given(points, holders, passes, moments)
@settings(max_examples=100, deadline=None)
def test_a_strangers_home_and_block_stay_shut(places: Any, residents: Any, others: Any, at: datetime) -> None:
    where = {p.access_point: p for p in places}
    for token, one in found(places, residents, [], at).items():
        holder = next(h for h in residents if h.token == token)
        for point in one.access_points:
            place = where[point]
            assert place.scope in ("estate", "block", "dwelling", "amenity")
            assert place.scope != "block" or place.block == holder.block
            assert place.scope != "dwelling" or place.dwelling == holder.dwelling
            assert place.scope != "amenity" or place.block in (None, holder.block)


@given(passes, points, moments)
@settings(max_examples=100, deadline=None)
def test_a_pass_opens_only_within_its_days_and_its_hours(others: Any, places: Any, at: datetime) -> None:
    for token, point in opens(found(places, [], others, at), places, at):
        one = next(p for p in others if p.token == token)
        assert point in one.access_points
        assert one.not_before <= at
        assert one.not_after is None or at < one.not_after
        assert one.schedule is None or covers(one.schedule, at)
        door = next(p for p in places if p.access_point == point)
        if one.holder_class == HolderClass.VISITOR and door.scope == "amenity" and door.schedule:
            assert covers(door.schedule, at), "a visitor is not let into a closed laundry"


def covers(schedule: Schedule, at: datetime) -> bool:
    zone = ZoneInfo(schedule.time_zone)
    return LocalSchedule(zone, schedule.ranges, {d.day: d.spans for d in schedule.special_days}).covers(at)


@given(schedules, schedules, st.integers(-12 * 48, 12 * 48))
@settings(max_examples=400, deadline=None)
def test_both_of_two_schedules_is_open_when_both_are(one: Schedule, other: Schedule, half_hours: int) -> None:
    other = replace_token(other)
    at = AT + timedelta(minutes=30 * half_hours + 7)
    together = both(one, other)
    assert together is not None
    assert covers(together, at) == (covers(one, at) and covers(other, at))
    assert both(one, None) is one
    assert both(None, None) is None


def replace_token(schedule: Schedule) -> Schedule:
    return Schedule(f"x{schedule.token}", schedule.time_zone, schedule.ranges, schedule.special_days)


@given(schedules)
def test_a_schedule_comes_back_from_the_table_as_it_was(schedule: Schedule) -> None:
    kept = from_json(schedule.token, ZONE, ranges_json(schedule.ranges), special_json(schedule.special_days))
    ordered = tuple(sorted(schedule.special_days, key=lambda d: d.day))
    assert kept == Schedule(schedule.token, ZONE, schedule.ranges, ordered)
    assert problem(kept.ranges, kept.special_days) in ("", "empty")


def test_hours_in_words() -> None:
    week = TimeRange((1, 2, 3, 4, 5), time(8), time(18))
    night = TimeRange((6, 7), time(22), time(6))
    late = TimeRange((1, 2, 3, 4, 5, 6, 7), time(20), time(0))
    schedule = Schedule("s", ZONE, (week, night, late), (SpecialDay(date(2026, 10, 1)),))
    assert in_words(schedule) == "周一至周五 08:00–18:00；周六、周日 22:00–次日06:00；每天 20:00–24:00；另有1个特殊日期"


def test_the_same_doors_at_other_hours_are_another_profile() -> None:
    """Two people with the same doors and other hours must not share a policy."""
    place = PointPlace("ap1", "reader-1", "estate")
    day = Schedule("day", ZONE, (TimeRange((1,), time(8), time(9)),))
    one = PassHolder("p1", "p1", HolderClass.STAFF, identifiers(1), ("ap1",), AT, None, "role", day)
    two = replace(one, token="p2", schedule=None, identifiers=identifiers(2))
    target = TargetDevice("reader-1", "E001", frozenset({"ap1"}), READER)
    wanted = compose(target, found([place], [], [one, two]).values(), issued_at=AT)
    assert len({c.profiles for c in wanted.credentials}) == 2
    assert [s.token for s in wanted.schedules] == ["day"]
