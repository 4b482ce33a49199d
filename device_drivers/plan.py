"""Desired × actual × capabilities → operations, and what was skipped and why. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from device_drivers.contract.access import AccessList, Credential, credential_fingerprint
from device_drivers.contract.device import Capabilities, DeviceInventory
from device_drivers.contract.words import IdentifierType
from device_drivers.driver import Remove, Upsert


@dataclass(frozen=True, slots=True)
class Plan:
    """Removals come first: a revocation jumps every queue. `skipped` is (token, reason).

    `partial`: skipped tokens that the device holds without their refused photo (the card opens). `at_edge`: nothing of them
    is written; the device passes on what is shown, and the edge decides by the list it holds.
    """

    removals: tuple[Remove, ...]
    upserts: tuple[Upsert, ...]
    confirmed: tuple[str, ...]
    assumed: tuple[str, ...]
    skipped: tuple[tuple[str, str], ...]
    foreign: tuple[str, ...]
    partial: tuple[str, ...] = ()
    at_edge: tuple[str, ...] = ()

    @property
    def in_step(self) -> bool:
        return not self.removals and not self.upserts


@dataclass(frozen=True, slots=True)
class RefusedBefore:
    """What a device refused of a credential: the write of `fingerprint`, and for ever the photo with SHA-256 `photo`."""

    fingerprint: str = ""
    photo: str = ""


def plan(
    desired: AccessList,
    actual: DeviceInventory,
    applied: Mapping[str, str],
    capabilities: Capabilities,
    *,
    remove_foreign: bool = False,
    refused: Mapping[str, RefusedBefore] | None = None,
) -> Plan:
    """`applied`: token → fingerprint last written with the device's yes; `refused`: token → what it refused.

    A token that we never wrote and do not want is foreign: it is left alone unless a person chose `remove_foreign`.
    A refused credential is tried again only when it changed; a refused photo only when the photo changed, and until
    then the credential is written without it: a face is never the only way in.
    """
    refused = refused or {}
    hours = frozenset(p.token for p in desired.profiles if any(policy.schedule for policy in p.policies))
    parts = {c.token: _part(c, hours, capabilities) for c in desired.credentials if not c.blocked}
    wanted = {
        token: _target(part.credential, desired, capabilities, refused.get(token))
        for token, part in parts.items()
        if not part.at_edge
    }
    # Terminals may change the case of the ids they keep; the plan speaks of them as we wrote them.
    spelled = {token.casefold(): token for token in (*applied, *wanted)}
    held = {spelled.get(h.token.casefold(), h.token): h.fingerprint for h in actual.held}
    skipped = {
        token: why
        for token, u in wanted.items()
        if (why := parts[token].why or _unsupported(u.credential, capabilities))
    }
    removals: list[Remove] = []
    foreign: list[str] = []
    for token in sorted(held):
        if token in wanted and token not in skipped:
            continue
        ours = token in applied
        if ours or remove_foreign:
            removals.append(Remove(token, foreign=not ours))
        else:
            foreign.append(token)
    upserts: list[Upsert] = []
    confirmed: list[str] = []
    assumed: list[str] = []
    partial: list[str] = []
    for token, target in sorted(wanted.items()):
        if token in skipped:
            continue
        before = refused.get(token, RefusedBefore())
        if token in held and target.fingerprint == (held[token] or applied.get(token)):
            if target.partial:
                partial.append(token)
                skipped[token] = "held without its photo, which was refused"
            else:
                (confirmed if capabilities.reads_back else assumed).append(token)
        elif before.fingerprint == target.fingerprint:
            skipped[token] = "refused before, unchanged"
        elif not target.partial and before.photo and before.photo == photo_of(target.credential):
            skipped[token] = "its photo was refused before, and it has no card"
        else:
            upserts.append(target)
    return Plan(
        tuple(removals),
        tuple(upserts),
        tuple(confirmed),
        tuple(assumed),
        tuple(sorted(skipped.items())),
        tuple(foreign),
        tuple(partial),
        tuple(sorted(token for token, part in parts.items() if part.at_edge)),
    )


@dataclass(frozen=True, slots=True)
class _Part:
    """What of a credential the device itself recognises. `at_edge`: nothing, the edge decides; `why`: nobody can."""

    credential: Credential
    at_edge: bool = False
    why: str = ""


def _part(credential: Credential, hours: frozenset[str], capabilities: Capabilities) -> _Part:
    """`hours`: profiles with a schedule.

    A device that keeps no hours, or does not count, is not given a credential that has them: it would always open.
    """
    types = {i.type.value for i in credential.identifiers}
    scheduled, counted = not hours.isdisjoint(credential.profiles), credential.uses is not None
    here = capabilities.held_here(types, scheduled=scheduled, counted=counted)
    if here and here == types:
        return _Part(credential)
    if here:
        kept = tuple(i for i in credential.identifiers if i.type.value in here)
        return _Part(msgspec.structs.replace(credential, identifiers=kept))
    if types & capabilities.passed_on or IdentifierType.QR.value in capabilities.passed_on:
        return _Part(credential, at_edge=True)
    limited = (scheduled and not capabilities.schedules) or (counted and not capabilities.counts)
    why = "this device keeps no hours and counts no uses" if limited else _unsupported(credential, capabilities)
    return _Part(credential, why=why)


def photo_of(credential: Credential) -> str:
    """SHA-256 of the enrolment photo; empty where there is none."""
    return next((i.photo.sha256 for i in credential.identifiers if i.type == IdentifierType.FACE and i.photo), "")


def without_photo(credential: Credential, desired: AccessList, capabilities: Capabilities) -> Upsert | None:
    """The same credential without its face, for a device that refuses the photo; None where nothing usable is left."""
    rest = tuple(i for i in credential.identifiers if i.type != IdentifierType.FACE)
    reduced = msgspec.structs.replace(credential, identifiers=rest)
    if len(rest) == len(credential.identifiers) or _unsupported(reduced, capabilities):
        return None
    # Marked: a credential that wants no face at all is another one, and is written anew (an older face must go then).
    return Upsert(reduced, credential_fingerprint(reduced, desired) + "~", partial=True)


def _target(
    credential: Credential, desired: AccessList, capabilities: Capabilities, before: RefusedBefore | None
) -> Upsert:
    """What the device should hold of this credential after what it has refused."""
    if before and before.photo and before.photo == photo_of(credential):
        reduced = without_photo(credential, desired, capabilities)
        if reduced:
            return reduced
    return Upsert(credential, credential_fingerprint(credential, desired))


def _unsupported(credential: Credential, capabilities: Capabilities) -> str:
    types = {i.type for i in credential.identifiers}
    usable = (capabilities.photos and IdentifierType.FACE in types) or (
        capabilities.cards and IdentifierType.CARD in types
    )
    return "" if usable else f"no identifier this device can hold (has {', '.join(sorted(types)) or 'none'})"
