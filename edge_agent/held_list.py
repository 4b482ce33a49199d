"""A device's access lists as this box holds them: verified against the pinned key, kept as the files that were signed.

The last two good lists of each device stay, so that a damaged file falls back to one that verifies. The newest ever taken is
remembered beside them: an older one, be it fallen back to or put back by somebody, lets residents in at doors where the edge
decides, and nobody else, and is written to no device.
"""

from __future__ import annotations

import base64
import logging
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from device_drivers.contract.access import (
    AccessList,
    Credential,
    Held,
    SignedAccessList,
    payload_digest,
)
from device_drivers.contract.words import HolderClass
from edge_agent.config import write_atomic
from edge_agent.decide import DecisionIndex, build_index, openings_of

log = logging.getLogger(__name__)
SHARED = 200_000  # credentials remembered to be shared between devices


class ListRefused(Exception):
    """A list that must not be taken; `what` is the note's word (`bad_signature`, `foreign_list`, `conflict`, `stale`)."""

    def __init__(self, what: str, text: str) -> None:
        super().__init__(f"{what}: {text}")
        self.what, self.text = what, text


class Mark(msgspec.Struct, frozen=True):
    """The newest list that was ever taken for a device."""

    generation: int
    issued_at: datetime

    def is_newer(self, than: AccessList) -> bool:
        """A hub restored from a backup counts from further down, but what it signs now it signs now."""
        return than.generation < self.generation and than.issued_at <= self.issued_at


class Marks(Protocol):
    """Where marks are kept (`edge_agent.state.State`)."""

    def kept(self, key: str) -> str | None: ...
    def keep(self, key: str, value: str) -> None: ...


class HeldList:
    """A verified list. The index for the edge's own decisions is built when it is first needed; `revoked` never open.

    `newer`: this box has taken a newer one before.
    """

    def __init__(self, access_list: AccessList, digest: str, index: DecisionIndex | None = None) -> None:
        self.access_list, self.digest = access_list, digest
        self.revoked: Collection[str] = {}
        self.built = index
        self.newer: Mark | None = None

    @property
    def behind(self) -> bool:
        return self.newer is not None

    @property
    def held(self) -> Held:
        return Held(self.access_list.generation, self.digest)

    @property
    def index(self) -> DecisionIndex:
        if self.built is None:
            self.built = build_index(self._of_residents() if self.behind else self.access_list)
        return replace(self.built, revoked=self.revoked) if self.revoked else self.built

    def _of_residents(self) -> AccessList:
        residents = (c for c in self.access_list.credentials if c.holder_class is HolderClass.RESIDENT)
        return msgspec.structs.replace(self.access_list, credentials=tuple(residents))


def verify(
    signed: SignedAccessList,
    key: Ed25519PublicKey,
    estate: str,
    device: str,
    before: HeldList | None = None,
    shared: dict[str, Credential] | None = None,
) -> HeldList:
    """Signature, estate, device and inner consistency. Raises ListRefused.

    What did not change since the list `before` is the very same object afterwards, and costs nothing further on. `shared`:
    credentials by token as other devices' lists have them, of which equal parts are taken: one estate, one set of people.
    """
    try:
        key.verify(signed.signature, signed.payload)
    except InvalidSignature as error:
        raise ListRefused("bad_signature", f"list of {device} is not signed by the pinned key") from error
    try:
        access_list = msgspec.json.decode(signed.payload, type=AccessList)
        openings_of(access_list)
    except ValueError as error:
        raise ListRefused("unreadable_list", f"list of {device}: {error}") from error
    if (access_list.estate_id, access_list.device_id) != (estate, device):
        text = f"wanted {estate}/{device}, got {access_list.estate_id}/{access_list.device_id}"
        raise ListRefused("foreign_list", text)
    access_list = _thrifty(access_list, before, {} if shared is None else shared)
    index = build_index(access_list, (before.access_list, before.built)) if before and before.built else None
    return HeldList(access_list, payload_digest(signed.payload), index)


def _thrifty(access_list: AccessList, before: HeldList | None, shared: dict[str, Credential]) -> AccessList:
    known = {c.token: c for c in before.access_list.credentials} if before else {}
    if len(shared) > SHARED:
        shared.clear()
    kept: list[Credential] = []
    profiles: dict[tuple[str, ...], tuple[str, ...]] = {}  # the same few for everybody: one object each
    for one in access_list.credentials:
        same = known.get(one.token)
        if same != one:
            like = shared.setdefault(one.token, one)
            same = like if like == one else _with_parts_of(like, one, profiles.setdefault(one.profiles, one.profiles))
        kept.append(same)
    return msgspec.structs.replace(access_list, credentials=tuple(kept))


def _with_parts_of(like: Credential, one: Credential, profiles: tuple[str, ...]) -> Credential:
    if like.identifiers != one.identifiers or like.label != one.label:
        return one
    validity = like.validity if like.validity == one.validity else one.validity
    return msgspec.structs.replace(
        one, token=like.token, label=like.label, identifiers=like.identifiers, validity=validity, profiles=profiles
    )


def public_key(text: str) -> Ed25519PublicKey:
    """From base64 of the raw 32 bytes. Raises ValueError."""
    return Ed25519PublicKey.from_public_bytes(base64.b64decode(text.strip(), validate=True))


class ListFiles:
    """Two files a device, the newest and the one before."""

    def __init__(self, folder: Path, key: Ed25519PublicKey, estate: str) -> None:
        self.folder, self.key, self.estate = folder, key, estate

    def _path(self, device: str, before: bool = False) -> Path:
        name = quote(device, safe="").replace(".", "%2E")
        return self.folder / f"{name}{'.before' if before else ''}.json"

    def load(self, device: str, shared: dict[str, Credential] | None = None) -> tuple[HeldList | None, frozenset[str]]:
        """The newest list that verifies, and every token of both: what we ever meant to be there is ours."""
        found: list[HeldList] = []
        for path in (self._path(device), self._path(device, before=True)):
            try:
                signed = msgspec.json.decode(path.read_bytes(), type=SignedAccessList)
                found.append(verify(signed, self.key, self.estate, device, found[0] if found else None, shared))
            except FileNotFoundError:
                continue
            except (OSError, ValueError, ListRefused) as error:
                log.error("list file %s is not usable: %s", path.name, error)
        tokens = frozenset(c.token for held in found for c in held.access_list.credentials)
        return (found[0] if found else None), tokens

    def save(self, device: str, signed: SignedAccessList) -> None:
        """Raises OSError. What lies here already stays, and the list before it too."""
        path, content = self._path(device), msgspec.json.encode(signed)
        if path.exists():
            if path.read_bytes() == content:
                return
            path.replace(self._path(device, before=True))
        write_atomic(path, content)
