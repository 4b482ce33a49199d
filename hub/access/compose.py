"""(P) Entitlements as one device should hold them: an access list, always the same for the same input."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from device_drivers.contract.access import (
    AccessList,
    AccessPolicy,
    AccessProfile,
    Credential,
    Identifier,
    PhotoRef,
    Schedule,
)
from device_drivers.contract.device import Capabilities
from device_drivers.contract.words import IdentifierType
from hub.access.capabilities import UNTOLD
from hub.access.entitle import Entitlement, Hours
from hub.access.lifecycle import WantedIdentifier


@dataclass(frozen=True, slots=True)
class TargetDevice:
    """A device that controls `access_points`. What neither it nor its edge can use it is not told."""

    device: str
    estate: str
    access_points: frozenset[str]
    capabilities: Capabilities = UNTOLD

    @property
    def phone_codes(self) -> bool:
        """A signed code names the credential itself: who is on the list can show one, whatever else he has."""
        return IdentifierType.QR.value in self.capabilities.passed_on

    def usable(self, one: Entitlement) -> frozenset[str]:
        """The identifier types with which this holder can pass here, at his hours and as often as he may."""
        scheduled = any(point in self.access_points for point, _ in one.schedules)
        types = {i.type for i in one.identifiers}
        return self.capabilities.usable(types, scheduled=scheduled, counted=one.uses is not None)


def compose(
    target: TargetDevice, entitlements: Iterable[Entitlement], *, generation: int = 0, issued_at: datetime
) -> AccessList:
    """Credentials sorted by token; one profile for each distinct set of this device's access points and their hours.

    Left out: who may pass none of them, and who has no identifier this device can use.
    """
    profiles: dict[str, AccessProfile] = {}
    schedules: dict[str, Schedule] = {}
    credentials: list[Credential] = []
    known: dict[tuple[tuple[str, ...], Hours], AccessProfile | None] = {}
    for one in entitlements:
        places = (one.access_points, one.schedules)
        if places not in known:
            known[places] = profile = _profile(one, target)
            if profile:
                profiles[profile.token] = profile
                used = {policy.schedule for policy in profile.policies}
                schedules |= {s.token: s for _, s in one.schedules if s.token in used}
        profile = known[places]
        if profile is None:
            continue
        usable = target.usable(one)
        identifiers = tuple(_identifier(i) for i in one.identifiers if i.type in usable)
        if not (identifiers or target.phone_codes):
            continue
        credentials.append(
            Credential(
                one.token,
                one.label,
                one.holder_class,
                identifiers,
                (profile.token,),
                one.validity,
                uses=one.uses,
            )
        )
    return AccessList(
        estate_id=target.estate,
        device_id=target.device,
        generation=generation,
        issued_at=issued_at,
        credentials=tuple(sorted(credentials, key=lambda c: c.token)),
        profiles=tuple(sorted(profiles.values(), key=lambda p: p.token)),
        schedules=tuple(sorted(schedules.values(), key=lambda s: s.token)),
    )


def _profile(one: Entitlement, target: TargetDevice) -> AccessProfile | None:
    """Where this device lets such a holder pass: the doors that are always open to him first; None for nowhere."""
    here = tuple(p for p in one.access_points if p in target.access_points)
    if not here:
        return None
    hours = dict(one.schedules)
    by_schedule: dict[str, list[str]] = {}
    for point in here:
        if point in hours:
            by_schedule.setdefault(hours[point].token, []).append(point)
    always = tuple(p for p in here if p not in hours)
    policies = [AccessPolicy(always)] if always else []
    policies += [AccessPolicy(tuple(points), token) for token, points in sorted(by_schedule.items())]
    return AccessProfile(profile_token(here, tuple((p, hours[p].token) for p in here if p in hours)), tuple(policies))


def profile_token(access_points: tuple[str, ...], schedules: tuple[tuple[str, str], ...] = ()) -> str:
    """The same for the same access points and hours, on every device and in every generation."""
    text = "\n".join((*access_points, *(f"{point}@{schedule}" for point, schedule in schedules)))
    return "ap-" + hashlib.sha256(text.encode()).hexdigest()[:12]


def _identifier(wanted: WantedIdentifier) -> Identifier:
    photo = PhotoRef(wanted.photo_url, wanted.photo_sha256) if wanted.photo_sha256 else None
    return Identifier(IdentifierType(wanted.type), wanted.value, photo)
