"""Who passes: tables, and exactness against the plainest possible reading of the list."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from types import SimpleNamespace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from edge_twins import DOOR, T0, access_list, credential, device_config
from hypothesis import example, given
from hypothesis import strategies as st

from device_drivers.contract.access import (
    AccessList,
    AccessPolicy,
    AccessProfile,
    Identifier,
    Schedule,
    TimeRange,
    ValidityPeriod,
)
from device_drivers.contract.device import AccessPointBinding
from device_drivers.contract.messages import PointMode
from device_drivers.contract.words import AccessOutcome, DenyReason, Direction, DoorMode, HolderClass, IdentifierType
from edge_agent.decide import DecisionIndex, build_index, decide, use_of
from edge_agent.doors import Doors
from edge_agent.fire import FireAlarms
from edge_agent.keypad import Tries
from edge_agent.qr import Codes

CARD = IdentifierType.CARD
WEEKDAYS = (1, 2, 3, 4, 5)
HOUR = timedelta(hours=1)


def shown(number: str, kind: IdentifierType = CARD) -> Identifier:
    return Identifier(kind, number)


def with_schedule(*ranges: TimeRange, zone: str = "Asia/Shanghai") -> AccessList:
    holder = credential("t", "7")
    profiles = (AccessProfile("p", (AccessPolicy(("ap1",), "s"),)),)
    return AccessList("e", "d", 1, T0, (holder,), profiles, (Schedule("s", zone, ranges),))


@pytest.mark.parametrize(
    ("fields", "trusted", "reason"),
    [
        ({}, True, None),
        ({"blocked": True}, True, DenyReason.BLOCKED),
        ({"validity": ValidityPeriod(not_before=T0 + HOUR)}, True, DenyReason.NOT_YET_VALID),
        ({"validity": ValidityPeriod(not_before=T0)}, True, None),
        ({"validity": ValidityPeriod(not_after=T0)}, True, DenyReason.EXPIRED),
        ({"validity": ValidityPeriod(not_after=T0 + HOUR)}, True, None),
        ({"validity": ValidityPeriod(not_before=T0 + HOUR)}, False, None),
        ({"validity": ValidityPeriod(not_after=T0)}, False, DenyReason.EXPIRED),
        ({"holder_class": HolderClass.VISITOR}, True, None),
        ({"holder_class": HolderClass.VISITOR}, False, DenyReason.CLOCK_UNSURE),
        ({"holder_class": HolderClass.CONTRACTOR}, False, DenyReason.CLOCK_UNSURE),
        ({"profiles": ()}, True, DenyReason.WRONG_ACCESS_POINT),
        ({"profiles": (), "blocked": True}, False, DenyReason.BLOCKED),
    ],
)
def test_reasons(fields: dict[str, object], trusted: bool, reason: DenyReason | None) -> None:
    index = build_index(access_list(1, credential("t", "7", **fields)))
    decision = decide(index, "ap1", shown("7"), T0, clock_trusted=trusted)
    assert (decision.reason, decision.credential) == (reason, "t")
    assert decision.granted == (reason is None)


def test_unknown_wrong_point_and_no_list() -> None:
    index = build_index(access_list(1, credential("t", "7")))
    assert decide(index, "ap1", shown("8"), T0, clock_trusted=True).reason is DenyReason.UNKNOWN_CREDENTIAL
    assert decide(index, "ap1", shown("7", IdentifierType.PIN), T0, clock_trusted=True).credential is None
    assert decide(index, "ap2", shown("7"), T0, clock_trusted=True).reason is DenyReason.WRONG_ACCESS_POINT
    assert decide(None, "ap1", shown("7"), T0, clock_trusted=True).reason is DenyReason.NO_LIST
    assert decide(index, "ap1", shown(""), T0, clock_trusted=True).outcome is AccessOutcome.DENIED


@pytest.mark.parametrize("number", ["3456789", "0003456789", " 0003456789 "])
def test_card_numbers_are_compared_as_numbers(number: str) -> None:
    index = build_index(access_list(1, credential("t", "0003456789")))
    assert decide(index, "ap1", shown(number), T0, clock_trusted=True).granted


def test_a_card_in_two_credentials_opens_when_one_of_them_may() -> None:
    ended = credential("old", "7", validity=ValidityPeriod(not_after=T0))
    index = build_index(access_list(1, ended, credential("new", "7")))
    decision = decide(index, "ap1", shown("7"), T0, clock_trusted=True)
    assert (decision.granted, decision.credential) == (True, "new")


@pytest.mark.parametrize(
    ("ranges", "local", "granted"),
    [
        ((TimeRange(WEEKDAYS, time(8), time(18)),), "2026-06-01T08:00", True),  # a Monday
        ((TimeRange(WEEKDAYS, time(8), time(18)),), "2026-06-01T07:59:59", False),
        ((TimeRange(WEEKDAYS, time(8), time(18)),), "2026-06-01T18:00", False),
        ((TimeRange(WEEKDAYS, time(8), time(18)),), "2026-06-06T12:00", False),  # a Saturday
        ((TimeRange((1,), time(8), time(0)),), "2026-06-01T23:59:59", True),
        ((TimeRange((1,), time(0), time(0)),), "2026-06-01T00:00", True),
        ((TimeRange((1,), time(0), time(0)),), "2026-06-02T00:00", False),
        ((TimeRange((1,), time(22), time(6)),), "2026-06-02T05:59", True),
        ((TimeRange((1,), time(22), time(6)),), "2026-06-02T06:00", False),
        ((TimeRange((1,), time(22), time(6)),), "2026-06-01T05:00", False),
        ((), "2026-06-01T12:00", False),
    ],
)
def test_schedules_run_in_their_zone(ranges: tuple[TimeRange, ...], local: str, granted: bool) -> None:
    at = datetime.fromisoformat(local + "+08:00").astimezone(UTC)
    decision = decide(build_index(with_schedule(*ranges)), "ap1", shown("7"), at, clock_trusted=True)
    assert decision.reason is (None if granted else DenyReason.OUT_OF_SCHEDULE)


def test_a_resident_is_not_kept_out_by_hours_nobody_can_tell() -> None:
    index = build_index(with_schedule())
    assert decide(index, "ap1", shown("7"), T0, clock_trusted=False).granted


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "../etc/passwd"])
def test_a_list_that_cannot_be_decided_on_is_refused_as_a_whole(zone: str) -> None:
    with pytest.raises(ValueError, match="zone"):
        build_index(with_schedule(zone=zone))


def test_a_missing_profile_refuses_the_list() -> None:
    with pytest.raises(ValueError, match="lacks"):
        build_index(access_list(1, credential("t", "7", profiles=("nowhere",))))


@given(
    st.lists(
        st.tuples(st.integers(1, 6), st.booleans(), st.integers(-2, 2), st.integers(-2, 2), st.booleans()), max_size=12
    ),
    st.integers(1, 6),
    st.integers(-2, 2),
)
def test_the_index_decides_as_a_plain_walk_over_the_list(
    rows: list[tuple[int, bool, int, int, bool]], number: int, offset: int
) -> None:
    holders = [
        credential(
            f"t{n}",
            str(card),
            blocked=blocked,
            validity=ValidityPeriod(T0 + start * HOUR, T0 + end * HOUR),
            profiles=("p",) if allowed else (),
        )
        for n, (card, blocked, start, end, allowed) in enumerate(rows)
    ]
    at = T0 + offset * HOUR
    expected = any(
        card == number and not blocked and allowed and start <= offset < end
        for card, blocked, start, end, allowed in rows
    )
    index = build_index(access_list(1, *holders))
    assert decide(index, "ap1", shown(str(number)), at, clock_trusted=True).granted == expected


@st.composite
def lists(draw: st.DrawFn) -> DecisionIndex | None:
    """Any list: none at all, blocked and expired holders, passes with a count, of any class, for this door or another."""
    if draw(st.booleans()) and draw(st.booleans()):
        return None
    holders = [
        credential(
            f"t{n}",
            str(draw(st.integers(1, 4))),
            holder_class=draw(st.sampled_from(list(HolderClass))),
            blocked=draw(st.booleans()),
            validity=ValidityPeriod(T0 + draw(st.integers(-2, 2)) * HOUR, T0 + draw(st.integers(-2, 2)) * HOUR),
            profiles=draw(st.sampled_from([(), ("p",)])),
            uses=draw(st.sampled_from([None, 0, 1, 3])),
        )
        for n in range(draw(st.integers(0, 5)))
    ]
    return build_index(access_list(1, *holders))


modes = st.sampled_from([*DoorMode, DoorMode("mode of 2030")])
identifiers = st.builds(
    Identifier, st.sampled_from([*IdentifierType, IdentifierType("palm")]), st.sampled_from(["", "1", "2", "9", "01"])
)
counts = st.dictionaries(
    st.sampled_from([use_of(t, p) for t in ("t0", "t1", "t2") for p in ("ap1", "ap2")]), st.integers(0, 5)
)


@given(lists(), modes, identifiers, st.booleans(), st.integers(-9, 9), counts, st.sampled_from(["ap1", "ap2", ""]))
def test_the_way_out_is_always_free(
    index: DecisionIndex | None,
    mode: DoorMode,
    identifier: Identifier,
    trusted: bool,
    offset: int,
    used: dict[str, int],
    point: str,
) -> None:
    at = T0 + offset * HOUR
    decision = decide(
        index, point, identifier, at, clock_trusted=trusted, direction=Direction.OUT, mode=mode, used=used
    )
    assert decision.granted, f"somebody was held in: {decision}"
    assert decision.reason is None
    assert decision.uses is None, "going out uses up nothing"
    listed = decide(index, point, identifier, at, clock_trusted=trusted, used=used)
    assert decision.overruled == listed.reason, "why it was not entitled is told"
    assert decision.credential == listed.credential


@given(lists(), modes, identifiers, st.booleans(), counts, st.sampled_from([Direction.IN, Direction.UNKNOWN]))
def test_a_mode_shuts_the_way_in_for_everybody_or_for_nobody(
    index: DecisionIndex | None,
    mode: DoorMode,
    identifier: Identifier,
    trusted: bool,
    used: dict[str, int],
    direction: Direction,
) -> None:
    listed = decide(index, "ap1", identifier, T0, clock_trusted=trusted, used=used)
    decision = decide(index, "ap1", identifier, T0, clock_trusted=trusted, direction=direction, mode=mode, used=used)
    match mode:
        case DoorMode.LOCKED_DOWN:
            assert (decision.granted, decision.reason) == (False, DenyReason.LOCKED_DOWN)
        case DoorMode.BLOCKED:
            assert (decision.granted, decision.reason) == (False, DenyReason.BLOCKED)
        case DoorMode.LOCKED_OPEN:
            assert decision.granted
        case _:
            assert decision == listed
    assert decision.credential == listed.credential


@given(lists(), identifiers, counts, st.integers(-9, 9))
def test_without_a_clock_a_resident_passes_and_a_visitor_does_not(
    index: DecisionIndex | None, identifier: Identifier, used: dict[str, int], offset: int
) -> None:
    at = T0 + offset * HOUR
    decision = decide(index, "ap1", identifier, at, clock_trusted=False, used=used)
    if decision.granted:
        assert decision.holder_class is HolderClass.RESIDENT
    with_clock = decide(index, "ap1", identifier, at, clock_trusted=True, used=used)
    if with_clock.granted and with_clock.holder_class is HolderClass.RESIDENT:
        assert decision.granted, "a resident who may pass now passes without a clock too"


@pytest.mark.parametrize(
    ("uses", "used", "granted"), [(1, 0, True), (1, 1, False), (0, 0, False), (3, 2, True), (None, 99, True)]
)
def test_a_pass_opens_as_often_as_it_says(uses: int | None, used: int, granted: bool) -> None:
    index = build_index(access_list(1, credential("t", "7", holder_class=HolderClass.VISITOR, uses=uses)))
    decision = decide(index, "ap1", shown("7"), T0, clock_trusted=True, used={use_of("t", "ap1"): used})
    assert decision.reason is (None if granted else DenyReason.USED_UP)
    assert decision.uses == (uses if granted else None)


class _Held:
    """What `Doors` needs of a box, and no more."""

    def __init__(self, index: DecisionIndex | None, mode: DoorMode, used: dict[str, int], trusted: bool) -> None:
        key = Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key()
        self.lists = SimpleNamespace(current=lambda _device: self._list(index), listen=None)
        self.clock = SimpleNamespace(now=lambda: T0, trusted=trusted)
        self.uses = SimpleNamespace(counts=used)
        self.codes = Codes(key, "estate-1", T0)
        self.fire = FireAlarms()
        self.tries = Tries()
        self.mode = mode

    @staticmethod
    def _list(index: DecisionIndex | None) -> object:
        return SimpleNamespace(index=index, access_list=SimpleNamespace(id_card_key="00" * 32)) if index else None


anything = st.one_of(
    st.text(st.characters(), max_size=40),
    st.text(st.characters(codec=None), max_size=12),
    st.sampled_from(["EH1.", "EH1.AAAA", "11010119900101123X", "\ud800", "\x00", "-1", "١٢٣"]),
)


@example(build_index(access_list(1)), DoorMode.LOCKED_DOWN, IdentifierType.ID_CARD, "\ud800", False, {})
@given(lists(), modes, st.sampled_from([*IdentifierType, IdentifierType("palm")]), anything, st.booleans(), counts)
def test_whatever_is_shown_on_the_way_out_opens(
    index: DecisionIndex | None,
    mode: DoorMode,
    kind: IdentifierType,
    value: str,
    trusted: bool,
    used: dict[str, int],
) -> None:
    box = _Held(index, mode, used, trusted)
    binding = AccessPointBinding("ap1", "door1", Direction.OUT)
    doors = Doors(device_config(access_points=(binding,)), DOOR, box)  # type: ignore[arg-type]
    doors._kept["ap1"] = PointMode("ap1", mode, T0)
    decision, _ = doors.decide(binding, Identifier(kind, value))
    assert decision.granted, f"{kind} {value!r} was held in: {decision}"


def test_gate_and_entrance_of_one_visit_are_one_use() -> None:
    once = credential("t", "7", holder_class=HolderClass.VISITOR, uses=1)
    index = build_index(access_list(1, once, points=("gate", "entrance")))
    used = {use_of("t", "gate"): 1}
    assert decide(index, "entrance", shown("7"), T0, clock_trusted=True, used=used).granted
    assert decide(index, "gate", shown("7"), T0, clock_trusted=True, used=used).reason is DenyReason.USED_UP
