"""(P) Who may pass which access points, and because of which tenancy. Residents: around the clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from device_drivers.contract.access import ValidityPeriod
from device_drivers.contract.words import HolderClass
from hub.access.lifecycle import WantedIdentifier


@dataclass(frozen=True, slots=True)
class PointPlace:
    """An access point with the place its door leads to. `scope` estate, block or dwelling, with the id of that place."""

    access_point: str
    device: str | None
    scope: str
    block: str | None = None
    dwelling: str | None = None


@dataclass(frozen=True, slots=True)
class Holder:
    """One credential with the household member it belongs to; only of a live tenancy. Identifiers sorted."""

    token: str
    label: str
    tenancy: str
    ordinal: int
    block: str
    dwelling: str
    from_date: date
    identifiers: tuple[WantedIdentifier, ...]


@dataclass(frozen=True, slots=True)
class PassHolder:
    """One pass of a visitor or contractor: exactly these access points, from `not_before` until `not_after` (exclusive)."""

    token: str
    label: str
    holder_class: HolderClass
    identifiers: tuple[WantedIdentifier, ...]
    access_points: tuple[str, ...]
    not_before: datetime
    not_after: datetime
    because: str


@dataclass(frozen=True, slots=True)
class Entitlement:
    """`because` for a person: which tenancy, which member. `access_points` sorted; shared by all with the same places."""

    token: str
    label: str
    holder_class: HolderClass
    identifiers: tuple[WantedIdentifier, ...]
    access_points: tuple[str, ...]
    validity: ValidityPeriod
    because: str


def entitle(
    points: Iterable[PointPlace],
    holders: Iterable[Holder],
    as_of: datetime,
    zone: str,
    passes: Iterable[PassHolder] = (),
) -> list[Entitlement]:
    """One estate, sorted by token.

    A tenancy opens the estate's gates, its own block's entrances, its own dwelling's door, and no other.

    A holder with no identifier is entitled all the same (`identifiers` empty): the right does not hang on the means.
    A holder whose day has not come is entitled from that local midnight on. A pass opens its own doors at its own times,
    which the device itself keeps (ValidityPeriod); a pass that is over entitles to nothing.
    """
    points = tuple(points)
    places = _by_place(points)
    local = ZoneInfo(zone)
    today = as_of.astimezone(local).date()
    cache: dict[tuple[str, str], tuple[str, ...]] = {}
    found = []
    for holder in sorted(holders, key=lambda h: h.token):
        key = (holder.block, holder.dwelling)
        if key not in cache:
            cache[key] = points_of(places, holder.block, holder.dwelling)
        starts = datetime.combine(holder.from_date, time(), local) if holder.from_date > today else None
        found.append(
            Entitlement(
                token=holder.token,
                label=holder.label,
                holder_class=HolderClass.RESIDENT,
                identifiers=holder.identifiers,
                access_points=cache[key],
                validity=ValidityPeriod(not_before=starts.astimezone(_UTC) if starts else None),
                because=because(holder.tenancy, holder.ordinal),
            )
        )
    known = frozenset(p.access_point for p in points)
    found += [_of_pass(one, known) for one in passes if as_of < one.not_after]
    return sorted(found, key=lambda e: e.token)


def _of_pass(one: PassHolder, known: frozenset[str]) -> Entitlement:
    return Entitlement(
        token=one.token,
        label=one.label,
        holder_class=one.holder_class,
        identifiers=one.identifiers,
        access_points=tuple(sorted(known.intersection(one.access_points))),
        validity=ValidityPeriod(one.not_before, one.not_after),
        because=one.because,
    )


_UTC = ZoneInfo("UTC")
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
            }
        )
    )


def _by_place(points: Iterable[PointPlace]) -> Places:
    """(scope, place) → access points. A door of unknown scope, or without its place, opens for nobody."""
    found: dict[tuple[str, str], tuple[str, ...]] = {}
    for point in points:
        place = {"estate": "", "block": point.block, "dwelling": point.dwelling}.get(point.scope)
        if place is not None:
            key = (point.scope, place)
            found[key] = (*found.get(key, ()), point.access_point)
    return found
