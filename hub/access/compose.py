"""(P) Entitlements as one device should hold them: an access list, always the same for the same input."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from device_drivers.contract.access import AccessList, AccessPolicy, AccessProfile, Credential, Identifier, PhotoRef
from device_drivers.contract.words import IdentifierType
from hub.access.entitle import Entitlement
from hub.access.lifecycle import WantedIdentifier


@dataclass(frozen=True, slots=True)
class TargetDevice:
    """A device that controls `access_points`. What it cannot use it is not told: `cards`, `faces` from its edge's catalogue."""

    device: str
    estate: str
    access_points: frozenset[str]
    cards: bool = True
    faces: bool = True


def compose(
    target: TargetDevice, entitlements: Iterable[Entitlement], *, generation: int = 0, issued_at: datetime
) -> AccessList:
    """Credentials sorted by token; one profile for each distinct set of this device's access points.

    Left out: who may pass none of them, and who has no identifier this device can use.
    """
    profiles: dict[tuple[str, ...], AccessProfile] = {}
    credentials: list[Credential] = []
    reachable: dict[tuple[str, ...], tuple[str, ...]] = {}
    for one in entitlements:
        if one.access_points not in reachable:
            here = tuple(p for p in one.access_points if p in target.access_points)
            reachable[one.access_points] = here
        here = reachable[one.access_points]
        if not here:
            continue
        identifiers = tuple(_identifier(i) for i in one.identifiers if _usable(i, target))
        if not identifiers:
            continue
        if here not in profiles:
            profiles[here] = AccessProfile(profile_token(here), (AccessPolicy(here),))
        credentials.append(
            Credential(one.token, one.label, one.holder_class, identifiers, (profiles[here].token,), one.validity)
        )
    return AccessList(
        estate_id=target.estate,
        device_id=target.device,
        generation=generation,
        issued_at=issued_at,
        credentials=tuple(sorted(credentials, key=lambda c: c.token)),
        profiles=tuple(sorted(profiles.values(), key=lambda p: p.token)),
    )


def profile_token(access_points: tuple[str, ...]) -> str:
    """The same for the same access points, on every device and in every generation."""
    return "ap-" + hashlib.sha256("\n".join(access_points).encode()).hexdigest()[:12]


def changes(before: AccessList | None, after: AccessList) -> tuple[frozenset[str], frozenset[str]]:
    """(tokens whose entry is new or other than before, tokens that are gone)."""
    old = {c.token: c for c in before.credentials} if before else {}
    new = {c.token: c for c in after.credentials}
    profiles_before = {p.token: p for p in before.profiles} if before else {}
    profiles_after = {p.token: p for p in after.profiles}
    moved = {t for t in profiles_after if profiles_before.get(t) != profiles_after[t]}
    touched = frozenset(t for t, c in new.items() if old.get(t) != c or not moved.isdisjoint(c.profiles))
    return touched, frozenset(old.keys() - new.keys())


def _usable(identifier: WantedIdentifier, target: TargetDevice) -> bool:
    return target.faces if identifier.type == IdentifierType.FACE else target.cards


def _identifier(wanted: WantedIdentifier) -> Identifier:
    photo = PhotoRef(wanted.photo_url, wanted.photo_sha256) if wanted.photo_sha256 else None
    return Identifier(IdentifierType(wanted.type), wanted.value, photo)
