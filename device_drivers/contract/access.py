"""Who may pass where and when, as one device should hold it. Names follow ONVIF Credential and AccessRules services."""

from __future__ import annotations

import hashlib
from datetime import date, datetime, time
from enum import Enum

import msgspec

from device_drivers.contract.words import HolderClass, IdentifierType


class ValidityPeriod(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """Aware UTC instants; `None` means unbounded on that side. `not_after` is exclusive."""

    not_before: datetime | None = None
    not_after: datetime | None = None


class PhotoRef(msgspec.Struct, frozen=True, gc=False):
    """Where the edge fetches an enrolment photo, and the SHA-256 (hex) it must have. The hub never holds the picture."""

    url: str
    sha256: str


class Identifier(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """One way to show a credential. `value` is the normalised number (decimal, no leading zeros) or empty for a face."""

    type: IdentifierType
    value: str = ""
    photo: PhotoRef | None = None


class TimeRange(msgspec.Struct, frozen=True):
    """Local time of the schedule's zone on `weekdays` (ISO: Monday 1 … Sunday 7); `end` exclusive, 00:00 = midnight."""

    weekdays: tuple[int, ...]
    start: time
    end: time


class TimeSpan(msgspec.Struct, frozen=True):
    """Local times of one day; `end` exclusive; an end not after the start runs over midnight (00:00: until midnight)."""

    start: time
    end: time


class SpecialDay(msgspec.Struct, frozen=True):
    """A local day with hours of its own instead of its weekday's (a holiday: none)."""

    day: date
    spans: tuple[TimeSpan, ...] = ()


class Schedule(msgspec.Struct, frozen=True, omit_defaults=True):
    """Weekly hours in `time_zone`. A range belongs to the day on which it starts. No ranges: never."""

    token: str
    time_zone: str
    ranges: tuple[TimeRange, ...]
    special_days: tuple[SpecialDay, ...] = ()


class AccessPolicy(msgspec.Struct, frozen=True, omit_defaults=True):
    """These access points on this schedule; no schedule means always."""

    access_points: tuple[str, ...]
    schedule: str | None = None


class AccessProfile(msgspec.Struct, frozen=True):
    token: str
    policies: tuple[AccessPolicy, ...]


class Credential(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """One holder's right, under a token that says nothing of the person.

    `label` is what a terminal may show (house number and ordinal, never a name). `because` is the entitlement's reason.
    `uses`: how often it opens each of its access points (a pass with a count: gate and entrance of one visit are one use);
    None is without limit.
    """

    token: str
    label: str
    holder_class: HolderClass
    identifiers: tuple[Identifier, ...]
    profiles: tuple[str, ...]
    validity: ValidityPeriod = ValidityPeriod()
    blocked: bool = False
    uses: int | None = None


class AccessList(msgspec.Struct, frozen=True):
    """Everything one device should hold. Whole, never a delta.

    `id_card_key`: of the hashes of identity cards and PINs (`contract.id_card`, `contract.pin`), where the list has any.
    """

    estate_id: str
    device_id: str
    generation: int
    issued_at: datetime
    credentials: tuple[Credential, ...]
    profiles: tuple[AccessProfile, ...] = ()
    schedules: tuple[Schedule, ...] = ()
    id_card_key: str | msgspec.UnsetType = msgspec.UNSET


class SignedAccessList(msgspec.Struct, frozen=True):
    """`payload` is the JSON of an `AccessList`; `signature` is Ed25519 over exactly these bytes (base64 on the wire)."""

    payload: bytes
    signature: bytes
    key_id: str


class Held(msgspec.Struct, frozen=True):
    """What a side holds of a device's list."""

    generation: int
    digest: str


class Acceptance(Enum):
    APPLY = "apply"
    SAME = "same"
    STALE = "stale"
    CONFLICT = "conflict"


def accept(current: Held | None, incoming: Held) -> Acceptance:
    """An older generation is stale; the same generation with another digest is a conflict (alarm); same and same no-op."""
    if current is None or incoming.generation > current.generation:
        return Acceptance.APPLY
    if incoming.generation < current.generation:
        return Acceptance.STALE
    return Acceptance.SAME if incoming.digest == current.digest else Acceptance.CONFLICT


def next_generation(saved: int, reported: int) -> int:
    """A hub restored from a backup must not be refused by its own edges."""
    return max(saved, reported) + 1


_canonical = msgspec.json.Encoder(order="sorted")


class _Parts(msgspec.Struct):
    """A list's payload with its long parts left as they stand."""

    estate_id: str
    device_id: str
    credentials: msgspec.Raw
    profiles: msgspec.Raw = msgspec.Raw(b"[]")
    schedules: msgspec.Raw = msgspec.Raw(b"[]")


def payload_digest(payload: bytes) -> str:
    """SHA-256 (hex) of an encoded list without generation and time of issue: it moves only when access moves.

    The bytes as they were signed count, so nobody decodes 50,000 credentials to compare two lists. Raises
    msgspec.MsgspecError.
    """
    parts = msgspec.json.decode(payload, type=_Parts)
    places = msgspec.json.encode((parts.estate_id, parts.device_id))
    digest = hashlib.sha256(places)
    for part in (parts.credentials, parts.profiles, parts.schedules):
        digest.update(b"\n")
        digest.update(part)
    return digest.hexdigest()


def list_digest(access_list: AccessList) -> str:
    """`payload_digest` of this list as a hub encodes it: everything sorted by token."""
    ordered = msgspec.structs.replace(
        access_list,
        credentials=tuple(sorted(access_list.credentials, key=lambda c: c.token)),
        profiles=tuple(sorted(access_list.profiles, key=lambda p: p.token)),
        schedules=tuple(sorted(access_list.schedules, key=lambda s: s.token)),
    )
    return payload_digest(msgspec.json.encode(ordered))


class Fingerprints:
    """Of one list's credentials, each with the policies it names: what must be rewritten when it differs.

    The policies of a set of profiles are put together once, whoever has it: 10,000 credentials share a few sets.
    """

    def __init__(self, access_list: AccessList) -> None:
        self._profiles = sorted(access_list.profiles, key=lambda p: p.token)
        self._schedules = sorted(access_list.schedules, key=lambda s: s.token)
        self._policies: dict[tuple[str, ...], bytes] = {}

    def policies(self, tokens: tuple[str, ...]) -> bytes:
        """The canonical text of what these profiles allow."""
        known = self._policies.get(tokens)
        if known is None:
            profiles = [p for p in self._profiles if p.token in tokens]
            named = {policy.schedule for profile in profiles for policy in profile.policies}
            used = [s for s in self._schedules if s.token in named]
            known = self._policies[tokens] = b",".join((_canonical.encode(profiles), _canonical.encode(used)))
        return known

    def of(self, credential: Credential) -> str:
        """SHA-256 (hex, 16 digits)."""
        text = b"[" + _canonical.encode(credential) + b"," + self.policies(credential.profiles) + b"]"
        return hashlib.sha256(text).hexdigest()[:16]


def credential_fingerprint(credential: Credential, access_list: AccessList) -> str:
    """Of one credential; for many of a list, `Fingerprints`."""
    return Fingerprints(access_list).of(credential)
