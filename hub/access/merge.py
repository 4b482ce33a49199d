"""(P) A device's list with some of its entries made anew: the rest stays as the bytes that were signed.

A gate of 50,000 people is not composed again because one of them lost a card.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import msgspec

from device_drivers.contract.access import AccessList

_FACE, _HASHED = b'"type":"face"', (b'"type":"id_card"', b'"type":"pin"')


class _Parts(msgspec.Struct):
    credentials: list[msgspec.Raw]
    profiles: list[msgspec.Raw] = []
    schedules: list[msgspec.Raw] = []


class _Entry(msgspec.Struct, gc=False):
    token: str
    profiles: tuple[str, ...]
    label: str = ""


class _Entries(msgspec.Struct):
    credentials: list[_Entry]


class _Policy(msgspec.Struct):
    schedule: str | None = None


class _Profile(msgspec.Struct):
    token: str
    policies: list[_Policy] = []


class _Token(msgspec.Struct):
    token: str


_parts, _entries = msgspec.json.Decoder(_Parts), msgspec.json.Decoder(_Entries)
_profile, _token = msgspec.json.Decoder(_Profile), msgspec.json.Decoder(_Token)


@dataclass(frozen=True, slots=True)
class ListBody:
    """A list without its generation: encoded credentials, profiles and schedules, by token."""

    estate: str
    device: str
    credentials: Mapping[str, bytes]
    used: Mapping[str, tuple[str, ...]]
    labels: Mapping[str, str]
    profiles: Mapping[str, bytes]
    schedules: Mapping[str, bytes]

    def has_face(self, token: str) -> bool:
        return _FACE in self.credentials.get(token, b"")

    def _encoded(self) -> tuple[bytes, bytes, bytes]:
        return _joined(self.credentials), _joined(self.profiles), _joined(self.schedules)

    @property
    def digest(self) -> str:
        """As `device_drivers.contract.access.payload_digest` of the payload."""
        digest = hashlib.sha256(msgspec.json.encode((self.estate, self.device)))
        for part in self._encoded():
            digest.update(b"\n")
            digest.update(part)
        return digest.hexdigest()

    def payload(self, generation: int, issued_at: datetime, id_card_key: str = "") -> bytes:
        """The JSON of the `AccessList`, byte for byte as msgspec would encode it. The key goes only where a hash stands."""
        head = msgspec.json.encode(
            {"estate_id": self.estate, "device_id": self.device, "generation": generation, "issued_at": issued_at}
        )
        credentials, profiles, schedules = self._encoded()
        wanted = bool(id_card_key) and any(kind in credentials for kind in _HASHED)
        key = b',"id_card_key":' + msgspec.json.encode(id_card_key) if wanted else b""
        lists = (b',"credentials":', credentials, b',"profiles":', profiles, b',"schedules":', schedules)
        return b"".join((head[:-1], *lists, key, b"}"))


@dataclass(frozen=True, slots=True)
class Merged:
    """`touched`: tokens whose entry is new or other than before; `gone`: token → label; `faceless`: lost only the face.

    `stood`: those of them that stood on the list before.
    """

    body: ListBody
    touched: frozenset[str]
    stood: frozenset[str]
    gone: Mapping[str, str]
    faceless: Mapping[str, str]


def read(payload: bytes, estate: str, device: str) -> ListBody:
    """A stored list taken apart; entries stay encoded. Raises msgspec.MsgspecError."""
    parts, entries = _parts.decode(payload), _entries.decode(payload).credentials
    return ListBody(
        estate,
        device,
        {e.token: bytes(raw) for e, raw in zip(entries, parts.credentials, strict=True)},
        {e.token: e.profiles for e in entries},
        {e.token: e.label for e in entries},
        {_token.decode(raw).token: bytes(raw) for raw in parts.profiles},
        {_token.decode(raw).token: bytes(raw) for raw in parts.schedules},
    )


def merge(before: ListBody | None, fresh: AccessList, affected: frozenset[str] | None) -> Merged:
    """`fresh` holds the entries of the `affected` tokens (None: of everybody) as they should be; who is missing is gone."""
    new = _body(fresh)
    if before is None:
        return Merged(new, frozenset(new.credentials), frozenset(), {}, {})
    if affected is None:
        after = new
        candidates = before.credentials.keys() | new.credentials.keys()
    else:
        candidates = set(affected)
        kept = {t: raw for t, raw in before.credentials.items() if t not in candidates}
        used = {t: before.used[t] for t in kept} | dict(new.used)
        labels = {t: before.labels[t] for t in kept} | dict(new.labels)
        wanted = {p for tokens in used.values() for p in tokens}
        profiles = {t: raw for t, raw in {**before.profiles, **new.profiles}.items() if t in wanted}
        needed = {p.schedule for raw in profiles.values() for p in _profile.decode(raw).policies}
        schedules = {t: raw for t, raw in {**before.schedules, **new.schedules}.items() if t in needed}
        after = ListBody(before.estate, before.device, {**kept, **new.credentials}, used, labels, profiles, schedules)
    moved = {t for t, raw in after.profiles.items() if before.profiles.get(t) != raw}
    moved |= _of_schedules(before, after)
    touched = {t for t in candidates if t in after.credentials and before.credentials.get(t) != after.credentials[t]}
    if moved:
        touched |= {t for t, profiles_of in after.used.items() if not moved.isdisjoint(profiles_of)}
    gone = {t: before.labels[t] for t in candidates if t in before.credentials and t not in after.credentials}
    faceless = {t: before.labels[t] for t in touched if before.has_face(t) and not after.has_face(t)}
    return Merged(
        after, frozenset(touched), frozenset((touched | gone.keys()) & before.credentials.keys()), gone, faceless
    )


def _of_schedules(before: ListBody, after: ListBody) -> set[str]:
    """Profiles that name a schedule which changed."""
    changed = {t for t, raw in after.schedules.items() if before.schedules.get(t) != raw}
    if not changed:
        return set()
    return {t for t, raw in after.profiles.items() if any(p.schedule in changed for p in _profile.decode(raw).policies)}


def _body(fresh: AccessList) -> ListBody:
    encode = msgspec.json.encode
    return ListBody(
        fresh.estate_id,
        fresh.device_id,
        {c.token: encode(c) for c in fresh.credentials},
        {c.token: c.profiles for c in fresh.credentials},
        {c.token: c.label for c in fresh.credentials},
        {p.token: encode(p) for p in fresh.profiles},
        {s.token: encode(s) for s in fresh.schedules},
    )


def _joined(entries: Mapping[str, bytes]) -> bytes:
    return b"[" + b",".join(entries[token] for token in sorted(entries)) + b"]"
