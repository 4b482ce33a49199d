"""Does this open? Pure: the list, the access point, what was shown, the time. For devices that hold no list.

The way out is always free: at an access point that leads out nothing refuses, whatever the list, the mode or the clock says.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from device_drivers.contract.access import (
    AccessList,
    Credential,
    Identifier,
    Schedule,
    TimeRange,
    TimeSpan,
)
from device_drivers.contract.words import AccessOutcome, DenyReason, Direction, DoorMode, HolderClass, IdentifierType

BY_TOKEN = IdentifierType("token")
"""Never shown at a reader: a code that the hub signed names the credential itself (`edge_agent.qr`)."""
NOTHING_USED: Mapping[str, int] = {}
SHUT = {DoorMode.LOCKED_DOWN: DenyReason.LOCKED_DOWN, DoorMode.BLOCKED: DenyReason.BLOCKED}


@dataclass(frozen=True, slots=True)
class Decision:
    """`reason` is None when granted; `credential` is the token of the one that was shown, None when unknown.

    `overruled`: why the list would have refused, where the way is free all the same (an exit, a door held open).
    `uses`: the count of a pass, where this opening counts.
    """

    outcome: AccessOutcome
    credential: str | None = None
    reason: DenyReason | None = None
    holder_class: HolderClass | None = None
    overruled: DenyReason | None = None
    uses: int | None = None

    @property
    def granted(self) -> bool:
        return self.outcome is AccessOutcome.GRANTED

    @property
    def of_nobody(self) -> bool:
        """Whether nobody has what was shown."""
        return DenyReason.UNKNOWN_CREDENTIAL in (self.reason, self.overruled)


@dataclass(frozen=True, slots=True)
class LocalSchedule:
    zone: ZoneInfo
    ranges: tuple[TimeRange, ...]
    special: Mapping[date, tuple[TimeSpan, ...]] = field(default_factory=dict)

    def covers(self, at: datetime) -> bool:
        """A range that ends at or before its start runs over midnight into the next day."""
        local = at.astimezone(self.zone)
        today, clock = local.date(), local.time()
        if any(r.start <= clock and (clock < r.end or r.end <= r.start) for r in self._hours(today)):
            return True
        return any(clock < r.end <= r.start for r in self._hours(today - timedelta(days=1)))

    def _hours(self, day: date) -> Sequence[TimeRange | TimeSpan]:
        """A special day's own hours, else its weekday's."""
        if day in self.special:
            return self.special[day]
        return [r for r in self.ranges if day.isoweekday() in r.weekdays]


# Per access point: the schedules that open it; None among them means always.
Openings = Mapping[str, tuple[LocalSchedule | None, ...]]


Listed = Credential | tuple[Credential, ...]


@dataclass(frozen=True, slots=True)
class DecisionIndex:
    """Built once a list; a decision then is one look-up and a few comparisons, whatever the list's size.

    Thirty boards hold the same thousands of people: by type and value it leads to the list's own credentials, and keeps nothing
    of each besides. `revoked` never open, also those put there later.
    """

    by_identifier: Mapping[str, Mapping[str, Listed]]
    openings: Mapping[tuple[str, ...], Openings]
    revoked: Collection[str] = ()

    def holders(self, identifier: Identifier) -> tuple[Credential, ...]:
        """Who may show this; the value as it was shown."""
        value = normalise(identifier.type, identifier.value)
        listed = _all(self.by_identifier.get(identifier.type.value, {}).get(value, ()))
        return tuple([one for one in listed if one.token not in self.revoked]) if self.revoked else listed


def _all(listed: Listed) -> tuple[Credential, ...]:
    return listed if isinstance(listed, tuple) else (listed,)


def normalise(identifier_type: IdentifierType, value: str) -> str:
    """Card numbers as decimal text without leading zeros; all else as it stands."""
    text = value.strip()
    if identifier_type is IdentifierType.CARD and text.isascii() and text.isdecimal():
        return text.lstrip("0") or "0"
    return text


def openings_of(access_list: AccessList) -> dict[tuple[str, ...], Openings]:
    """What each set of profiles in the list opens.

    Raises ValueError for a list that names a schedule, profile or zone that is not there: it must not be taken.
    """
    schedules = {s.token: _local(s) for s in access_list.schedules}
    profiles: dict[str, list[tuple[str, LocalSchedule | None]]] = {}
    for profile in access_list.profiles:
        pairs = profiles.setdefault(profile.token, [])
        for policy in profile.policies:
            if policy.schedule is not None and policy.schedule not in schedules:
                raise ValueError(f"profile {profile.token} names schedule {policy.schedule}, which the list lacks")
            schedule = schedules[policy.schedule] if policy.schedule is not None else None
            pairs.extend((point, schedule) for point in policy.access_points)
    known: dict[tuple[str, ...], Openings] = {}
    for credential in access_list.credentials:
        if credential.profiles not in known:
            known[credential.profiles] = _openings(credential, profiles)
    return known


def build_index(access_list: AccessList, before: tuple[AccessList, DecisionIndex] | None = None) -> DecisionIndex:
    """Raises ValueError as `openings_of`. `before`: the list before and its index, of which what did not change is taken."""
    openings = openings_of(access_list)
    old: dict[str, Credential] = {}
    index: dict[str, dict[str, Listed]] = {}
    if before and (before[0].profiles, before[0].schedules) == (access_list.profiles, access_list.schedules):
        old = {c.token: c for c in before[0].credentials}
        index = {kind: dict(values) for kind, values in before[1].by_identifier.items()}
    for credential in access_list.credentials:
        known = old.pop(credential.token, None)
        if known is credential:
            continue
        if known:
            _leave(index, known)
        for kind, value in _keys(credential):
            values = index.setdefault(kind, {})
            others = values.get(value)
            values[value] = credential if others is None else (*_all(others), credential)
    for gone in old.values():
        _leave(index, gone)
    return DecisionIndex(index, openings)


def _keys(credential: Credential) -> list[tuple[str, str]]:
    shown = [(i.type.value, normalise(i.type, i.value)) for i in credential.identifiers if i.value]
    return [*shown, (BY_TOKEN.value, credential.token)]


def _leave(index: dict[str, dict[str, Listed]], credential: Credential) -> None:
    for kind, value in _keys(credential):
        values = index.get(kind, {})
        left = tuple([one for one in _all(values.pop(value, ())) if one.token != credential.token])
        if left:
            values[value] = left if len(left) > 1 else left[0]


def _local(schedule: Schedule) -> LocalSchedule:
    try:
        special = {d.day: d.spans for d in schedule.special_days}
        return LocalSchedule(ZoneInfo(schedule.time_zone), schedule.ranges, special)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(f"schedule {schedule.token}: unknown time zone {schedule.time_zone!r}") from error


def _openings(
    credential: Credential, profiles: Mapping[str, list[tuple[str, LocalSchedule | None]]]
) -> dict[str, tuple[LocalSchedule | None, ...]]:
    openings: dict[str, tuple[LocalSchedule | None, ...]] = {}
    for token in credential.profiles:
        if token not in profiles:
            raise ValueError(f"credential {credential.token} names profile {token}, which the list lacks")
        for point, schedule in profiles[token]:
            openings[point] = (*openings.get(point, ()), schedule)
    return openings


def decide(
    index: DecisionIndex | None,
    access_point: str,
    identifier: Identifier,
    at: datetime,
    *,
    clock_trusted: bool,
    direction: Direction = Direction.UNKNOWN,
    mode: DoorMode = DoorMode.LOCKED,
    used: Mapping[str, int] = NOTHING_USED,
) -> Decision:
    """Any holder of the identifier who may pass opens; otherwise the reason of the first.

    `mode` is what the door was told; `used`: how often each counted pass has opened each access point (`use_of`)
    so far. Without a trusted clock `at` is
    still a lower bound of the time: what has expired stays expired. Whether a resident's hours fit cannot be told, and a
    resident is never locked out for the box's sake; others wait (`CLOCK_UNSURE`).
    """
    listed = _by_list(index, access_point, identifier, at, clock_trusted, used)
    if direction is Direction.OUT or mode is DoorMode.LOCKED_OPEN:
        return replace(listed, outcome=AccessOutcome.GRANTED, reason=None, overruled=listed.reason, uses=None)
    if shut := SHUT.get(mode):
        return replace(listed, outcome=AccessOutcome.DENIED, reason=shut, uses=None)
    return listed


def _by_list(
    index: DecisionIndex | None,
    access_point: str,
    identifier: Identifier,
    at: datetime,
    clock_trusted: bool,
    used: Mapping[str, int],
) -> Decision:
    if index is None:
        return Decision(AccessOutcome.DENIED, reason=DenyReason.NO_LIST)
    holders = index.holders(identifier)
    if not holders:
        return Decision(AccessOutcome.DENIED, reason=DenyReason.UNKNOWN_CREDENTIAL)
    first: Decision | None = None
    for holder in holders:
        reason = _refusal(
            holder, index.openings[holder.profiles].get(access_point), access_point, at, clock_trusted, used
        )
        if reason is None:
            return Decision(AccessOutcome.GRANTED, holder.token, None, holder.holder_class, uses=holder.uses)
        first = first or Decision(AccessOutcome.DENIED, holder.token, reason, holder.holder_class)
    assert first is not None
    return first


def use_of(token: str, access_point: str) -> str:
    """What is counted: gate and entrance of one visit are one use, so each access point counts for itself."""
    return f"{token}@{access_point}"


def _refusal(
    holder: Credential,
    schedules: tuple[LocalSchedule | None, ...] | None,
    access_point: str,
    at: datetime,
    clock_trusted: bool,
    used: Mapping[str, int],
) -> DenyReason | None:
    if holder.blocked:
        return DenyReason.BLOCKED
    if holder.validity.not_after is not None and at >= holder.validity.not_after:
        return DenyReason.EXPIRED
    if schedules is None:
        return DenyReason.WRONG_ACCESS_POINT
    if holder.uses is not None and used.get(use_of(holder.token, access_point), 0) >= holder.uses:
        return DenyReason.USED_UP
    if not clock_trusted:
        return None if holder.holder_class is HolderClass.RESIDENT else DenyReason.CLOCK_UNSURE
    if holder.validity.not_before is not None and at < holder.validity.not_before:
        return DenyReason.NOT_YET_VALID
    if not any(s is None or s.covers(at) for s in schedules):
        return DenyReason.OUT_OF_SCHEDULE
    return None
