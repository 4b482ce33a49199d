"""Desired × actual × capabilities → operations, and what was skipped and why. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import msgspec

from device_drivers.contract.access import AccessList, Credential, Fingerprints, credential_fingerprint
from device_drivers.contract.device import Capabilities, DeviceInventory
from device_drivers.contract.words import IdentifierType
from device_drivers.driver import Remove, Rule, Upsert

FACELESS, CARDLESS = "~", "-"
"""How the fingerprint of an entry ends that was written without its refused photo, or without its refused cards."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Removals come first: a revocation jumps every queue. `skipped` is (token, reason).

    `partial`: skipped tokens that the device holds without their refused photo or card (the other opens). `outdated`: skipped
    tokens of which an older entry stands there, because the newer one was refused for no reason that says which part.
    `at_edge`: nothing of them is written; the device passes on what is shown, and the edge decides by the list it holds.
    """

    removals: tuple[Remove, ...]
    upserts: tuple[Upsert, ...]
    confirmed: tuple[str, ...]
    assumed: tuple[str, ...]
    skipped: tuple[tuple[str, str], ...]
    foreign: tuple[str, ...]
    partial: tuple[str, ...] = ()
    at_edge: tuple[str, ...] = ()
    outdated: tuple[str, ...] = ()

    @property
    def in_step(self) -> bool:
        return not self.removals and not self.upserts

    @property
    def wanted(self) -> frozenset[str]:
        """Every token that should be here, in whatever state it is."""
        written = (u.credential.token for u in self.upserts)
        return frozenset((*self.confirmed, *self.assumed, *written, *(t for t, _ in self.skipped), *self.at_edge))


@dataclass(frozen=True, slots=True)
class RefusedBefore:
    """What a device refused of a credential: the write of `fingerprint`; for ever the photo with SHA-256 `photo`, and the card of
    the write `number`; `card`: a card."""

    fingerprint: str = ""
    photo: str = ""
    card: bool = False
    number: str = ""


class Part(msgspec.Struct, frozen=True, gc=False):
    """What of a listed credential the device itself recognises (`credential`), with its fingerprint.

    `at_edge`: nothing of it, the edge decides; `why`: nobody can.
    """

    listed: Credential
    credential: Credential
    fingerprint: str = ""
    at_edge: bool = False
    why: str = ""


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of one list's credentials by token, and what they rest on: the policies of each set of profiles."""

    by_token: Mapping[str, Part]
    policies: Mapping[tuple[str, ...], bytes]


def parts_of(desired: AccessList, capabilities: Capabilities, before: Parts | None = None) -> Parts:
    """`before`: of the list before, for the same device; what did not change (the very same credential) is taken from it.

    A device that keeps no hours, or does not count, is not given a credential that has them: it would always open.
    """
    prints = Fingerprints(desired)
    hours = frozenset(p.token for p in desired.profiles if any(policy.schedule for policy in p.policies))
    policies = {profiles: prints.policies(profiles) for profiles in {c.profiles for c in desired.credentials}}
    old = before.by_token if before else {}
    same = {p for p, text in policies.items() if before and before.policies.get(p) == text}
    by_token: dict[str, Part] = {}
    for credential in desired.credentials:
        token = credential.token
        known = old.get(token)
        if known is not None and known.listed is credential and credential.profiles in same:
            by_token[token] = known
        else:
            by_token[token] = _part(credential, prints, hours, capabilities)
    return Parts(by_token, policies)


def plan(
    desired: AccessList,
    actual: DeviceInventory,
    applied: Mapping[str, str],
    capabilities: Capabilities,
    *,
    remove_foreign: bool = False,
    refused: Mapping[str, RefusedBefore] | None = None,
    parts: Parts | None = None,
    points: Mapping[str, str] | None = None,
) -> Plan:
    """`applied`: token → fingerprint last written with the device's yes; `refused`: token → what it refused.

    A token that we never wrote and do not want is foreign: it is left alone unless a person chose `remove_foreign`.
    A refused credential is tried again only when it changed; a refused photo only when the photo changed, and until
    then the credential is written without it: a face is never the only way in. So is a refused card. Where nothing is left
    without it, an older entry goes: it opens by what is not wanted any more. `parts`: of this list or of one that has more.
    `points`: the driver's name of each access point that hangs on the device.
    """
    refused = refused or {}
    rules = _Rules(desired, points or {})
    known = (parts or parts_of(desired, capabilities)).by_token
    tokens = sorted(c.token for c in desired.credentials if not c.blocked)
    wanted = {t: part for t in tokens if not (part := known[t]).at_edge}
    skipped = {t: part.why for t, part in wanted.items() if part.why}
    held = _spelled(actual, applied, wanted)
    removals: list[Remove] = []
    foreign: list[str] = []
    for token in sorted(held.keys() - wanted.keys() | held.keys() & skipped.keys()):
        ours = token in applied
        if ours or remove_foreign:
            removals.append(Remove(token, foreign=not ours))
        else:
            foreign.append(token)
    upserts: list[Upsert] = []
    confirmed: list[str] = []
    assumed: list[str] = []
    partial: list[str] = []
    outdated: list[str] = []
    for token, part in wanted.items():
        if part.why:
            continue
        before = refused.get(token)
        reduced = _reduced(part, before, desired, capabilities) if before else None
        fingerprint = reduced.fingerprint if reduced else part.fingerprint
        if token in held and fingerprint == (held[token] or applied.get(token)):
            if reduced:
                partial.append(token)
                skipped[token] = "held without what was refused of it"
            else:
                (confirmed if capabilities.reads_back else assumed).append(token)
        elif before and not reduced and before.photo and before.photo == photo_of(part.credential):
            skipped[token] = "its photo was refused before, and it has no card"
            if token in held and token in applied:  # the card of before, or another picture: nothing that is wanted
                removals.append(Remove(token, outdated=True))
        elif before and fingerprint in (before.fingerprint, before.number):
            skipped[token] = "refused before, unchanged"
            if token in held and token in applied:
                if before.card:  # nothing is left without it
                    removals.append(Remove(token, outdated=True))
                else:
                    outdated.append(token)
        else:
            written = reduced or Upsert(part.credential, fingerprint)
            upserts.append(replace(written, rules=rules.of(part.credential.profiles)) if points else written)
    return Plan(
        tuple(removals),
        tuple(upserts),
        tuple(confirmed),
        tuple(assumed),
        tuple(sorted(skipped.items())),
        tuple(foreign),
        tuple(partial),
        tuple(t for t in tokens if known[t].at_edge),
        tuple(outdated),
    )


class _Rules:
    """Where and when the profiles of a list let people pass at one device, put together once a set of profiles."""

    def __init__(self, desired: AccessList, points: Mapping[str, str]) -> None:
        self._profiles = {p.token: p.policies for p in desired.profiles}
        self._schedules = {s.token: s for s in desired.schedules}
        self._points = points
        self._known: dict[tuple[str, ...], tuple[Rule, ...]] = {}

    def of(self, profiles: tuple[str, ...]) -> tuple[Rule, ...]:
        if profiles not in self._known:
            policies = (policy for token in profiles for policy in self._profiles.get(token, ()))
            here = (
                Rule(points, self._schedules[p.schedule] if p.schedule is not None else None)
                for p in policies
                if (points := tuple(self._points[a] for a in p.access_points if a in self._points))
            )
            self._known[profiles] = tuple(here)
        return self._known[profiles]


def _spelled(
    actual: DeviceInventory, applied: Mapping[str, str], wanted: Mapping[str, object]
) -> dict[str, str | None]:
    """What is held, by token as we wrote it: terminals may change the case of the ids they keep."""
    spelled: dict[str, str] | None = None
    held: dict[str, str | None] = {}
    for one in actual.held:
        token = one.token
        if token not in wanted and token not in applied:
            if spelled is None:
                spelled = {t.casefold(): t for t in (*applied, *wanted)}
            token = spelled.get(token.casefold(), token)
        held[token] = one.fingerprint
    return held


def _part(credential: Credential, prints: Fingerprints, hours: frozenset[str], capabilities: Capabilities) -> Part:
    """`hours`: profiles with a schedule."""
    types = frozenset([i.type.value for i in credential.identifiers])
    scheduled, counted = not hours.isdisjoint(credential.profiles), credential.uses is not None
    here = capabilities.held_here(types, scheduled=scheduled, counted=counted)
    if here:
        kept = credential
        if here != types:
            identifiers = tuple(i for i in credential.identifiers if i.type.value in here)
            kept = msgspec.structs.replace(credential, identifiers=identifiers)
        return Part(credential, kept, prints.of(kept), why=_unsupported(kept, capabilities))
    if types & capabilities.passed_on or IdentifierType.QR.value in capabilities.passed_on:
        return Part(credential, credential, at_edge=True)
    limited = (scheduled and not capabilities.schedules) or (counted and not capabilities.counts)
    why = "this device keeps no hours and counts no uses" if limited else _unsupported(credential, capabilities)
    return Part(credential, credential, prints.of(credential), why=why)


def _reduced(part: Part, before: RefusedBefore, desired: AccessList, capabilities: Capabilities) -> Upsert | None:
    """What the device should hold after it has refused the photo or a card; None where it has not, or nothing is left."""
    if before.photo and before.photo == photo_of(part.credential):
        return without(IdentifierType.FACE, part.credential, desired, capabilities)
    rest = without(IdentifierType.CARD, part.credential, desired, capabilities) if before.card else None
    if rest is None:
        return None
    if before.number:
        return rest if before.number == part.fingerprint else None
    return rest if before.fingerprint in (part.fingerprint, rest.fingerprint) else None


def photo_of(credential: Credential) -> str:
    """SHA-256 of the enrolment photo; empty where there is none."""
    return next((i.photo.sha256 for i in credential.identifiers if i.type == IdentifierType.FACE and i.photo), "")


def without(
    what: IdentifierType, credential: Credential, desired: AccessList, capabilities: Capabilities
) -> Upsert | None:
    """The same credential without its face or its cards, for a device that refuses them; None where nothing usable is left."""
    rest = tuple(i for i in credential.identifiers if i.type != what)
    reduced = msgspec.structs.replace(credential, identifiers=rest)
    if len(rest) == len(credential.identifiers) or _unsupported(reduced, capabilities):
        return None
    # Marked: a credential that wants no face at all is another one, and is written anew (an older face must go then).
    mark = FACELESS if what is IdentifierType.FACE else CARDLESS
    return Upsert(reduced, credential_fingerprint(reduced, desired) + mark, partial=True)


def _unsupported(credential: Credential, capabilities: Capabilities) -> str:
    types = {i.type for i in credential.identifiers}
    usable = (capabilities.photos and IdentifierType.FACE in types) or (
        capabilities.cards and IdentifierType.CARD in types
    )
    return "" if usable else f"no identifier this device can hold (has {', '.join(sorted(types)) or 'none'})"
