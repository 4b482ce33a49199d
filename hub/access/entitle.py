"""(P) Who may pass which access points, and because of which tenancy. The way home: around the clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from device_drivers.contract.access import Schedule, ValidityPeriod
from device_drivers.contract.words import HolderClass
from hub.access.lifecycle import WantedIdentifier
from hub.access.schedules import both

Hours = tuple[tuple[str, Schedule], ...]
"""Access points with the hours at which they open."""


@dataclass(frozen=True, slots=True)
class PointPlace:
    """An access point with the place its door leads to. `scope` estate, block, dwelling or amenity, with the id of that place.

    An amenity without a block is the whole estate's. `schedule`: its hours; what leads home has none, whatever stands here.
    """

    access_point: str
    device: str | None
    scope: str
    block: str | None = None
    dwelling: str | None = None
    schedule: Schedule | None = None


Home = tuple[str, str, date]
"""Block, dwelling, and the first day of belonging there."""


@dataclass(frozen=True, slots=True)
class Holder:
    """One credential with the household member it belongs to; only of a live tenancy. Identifiers sorted.

    `also`: the other homes of the same person in this estate (a move, a household in two tenancies): a card is one thing, and
    opens the way to each of them.
    """

    token: str
    label: str
    tenancy: str
    ordinal: int
    block: str
    dwelling: str
    from_date: date
    identifiers: tuple[WantedIdentifier, ...]
    also: tuple[Home, ...] = ()


@dataclass(frozen=True, slots=True)
class PassHolder:
    """One pass of a visitor or contractor, or somebody in a role: exactly these access points, from `not_before` until
    `not_after` (exclusive; None for a role without an end), on `schedule` (None: around the clock), `uses` times at most.
    """

    token: str
    label: str
    holder_class: HolderClass
    identifiers: tuple[WantedIdentifier, ...]
    access_points: tuple[str, ...]
    not_before: datetime
    not_after: datetime | None
    because: str
    schedule: Schedule | None = None
    uses: int | None = None


@dataclass(frozen=True, slots=True)
class Entitlement:
    """`because` for a person: which tenancy, which member. `access_points` sorted; shared by all with the same places.

    `schedules`: the access points among them that open at certain hours only, sorted; all others always.
    """

    token: str
    label: str
    holder_class: HolderClass
    identifiers: tuple[WantedIdentifier, ...]
    access_points: tuple[str, ...]
    validity: ValidityPeriod
    because: str
    schedules: Hours = ()
    uses: int | None = None


def entitle(
    points: Iterable[PointPlace],
    holders: Iterable[Holder],
    as_of: datetime,
    zone: str,
    passes: Iterable[PassHolder] = (),
) -> list[Entitlement]:
    """One estate, sorted by token.

    A tenancy opens the estate's gates, its own block's entrances, its own dwelling's door, and no other, always; and the
    amenities of its estate and block at their hours. No schedule can stand on the way home.

    A holder with no identifier is entitled all the same (`identifiers` empty): the right does not hang on the means.
    A holder whose day has not come is entitled from that local midnight on, unless he has a home already. A pass opens its own
    doors at its own times, which the device itself keeps (ValidityPeriod); a pass that is over entitles to nothing.
    """
    points = tuple(points)
    places = _by_place(points)
    local = ZoneInfo(zone)
    today = as_of.astimezone(local).date()
    hours = {p.access_point: p.schedule for p in points if p.scope == AMENITY and p.schedule}
    cache: dict[tuple[tuple[str, str], ...], tuple[tuple[str, ...], Hours]] = {}
    found = []
    for holder in sorted(holders, key=lambda h: h.token):
        key, first = _homes_at(holder, today)
        if key not in cache:
            mine = tuple(sorted({point for home in key for point in points_of(places, *home)}))
            cache[key] = mine, tuple((p, hours[p]) for p in mine if p in hours)
        starts = datetime.combine(first, time(), local) if first > today else None
        found.append(
            Entitlement(
                token=holder.token,
                label=holder.label,
                holder_class=HolderClass.RESIDENT,
                identifiers=holder.identifiers,
                access_points=cache[key][0],
                validity=ValidityPeriod(not_before=starts.astimezone(_UTC) if starts else None),
                because=because(holder.tenancy, holder.ordinal),
                schedules=cache[key][1],
            )
        )
    known = frozenset(p.access_point for p in points)
    found += [_of_pass(one, known, hours) for one in passes if one.not_after is None or as_of < one.not_after]
    return sorted(found, key=lambda e: e.token)


def _homes_at(holder: Holder, today: date) -> tuple[tuple[tuple[str, str], ...], date]:
    """Block and dwelling of the homes of that day, and since when they count: a home that begins later keeps nobody out of the
    present one. Where none has begun: the holder's own, from its first day on.
    """
    own: Home = (holder.block, holder.dwelling, holder.from_date)
    begun = [home for home in (own, *holder.also) if home[2] <= today] or [own]
    return tuple(sorted({(block, dwelling) for block, dwelling, _ in begun})), min(first for _, _, first in begun)


def _of_pass(one: PassHolder, known: frozenset[str], hours: Mapping[str, Schedule]) -> Entitlement:
    """A visitor's hours are also the amenity's own; who works there has the hours of his work."""
    mine = tuple(sorted(known.intersection(one.access_points)))
    visitor = one.holder_class == HolderClass.VISITOR
    kept = {p: both(one.schedule, hours.get(p) if visitor else None) for p in mine}
    return Entitlement(
        token=one.token,
        label=one.label,
        holder_class=one.holder_class,
        identifiers=one.identifiers,
        access_points=mine,
        validity=ValidityPeriod(one.not_before, one.not_after),
        because=one.because,
        schedules=tuple((p, s) for p, s in kept.items() if s),
        uses=one.uses,
    )


_UTC = ZoneInfo("UTC")
AMENITY = "amenity"
Places = Mapping[tuple[str, str], tuple[str, ...]]


def because(tenancy: str, ordinal: int) -> str:
    """The reason of a resident's entitlement, as `explain` shows it."""
    return f"租约 {tenancy}，家庭成员{ordinal}"


def points_of(places: Places, block: str, dwelling: str) -> tuple[str, ...]:
    return tuple(
        sorted(
            {
                *places.get(("estate", ""), ()),
                *places.get(("block", block), ()),
                *places.get(("dwelling", dwelling), ()),
                *places.get((AMENITY, ""), ()),
                *places.get((AMENITY, block), ()),
            }
        )
    )


def _by_place(points: Iterable[PointPlace]) -> Places:
    """(scope, place) → access points. A door of unknown scope, or without its place, opens for nobody."""
    found: dict[tuple[str, str], tuple[str, ...]] = {}
    for point in points:
        place = {"estate": "", "block": point.block, "dwelling": point.dwelling, AMENITY: point.block or ""}.get(
            point.scope
        )
        if place is not None:
            key = (point.scope, place)
            found[key] = (*found.get(key, ()), point.access_point)
    return found
