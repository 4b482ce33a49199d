"""(P) The life of a credential: `none` → `active` → `ended`, and the only causes that may end one.

law_and_practice.md 4.0: a resident's access ends by a signed decision with completed move-out, by the holder's own wish, by
replacement after an incident on the credential, or because the person left the household by the lease system's record.
Visitors' and contractors' passes also end by date, by count, and when the host takes them back; a role ends with the work. No
finding, case, arrears, lease date or missing record is a cause.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

import msgspec

from device_drivers.contract.words import HolderClass

FACE_ALONE_AGE = 14  # years; below it a guardian consents (PIPL art. 31)


class CredentialState(StrEnum):
    NONE = "none"
    ACTIVE = "active"
    ENDED = "ended"


class Cause(StrEnum):
    """Everything that may move a credential."""

    MEMBER_OF_LIVE_TENANCY = "member_of_live_tenancy"
    PASS_GRANTED = "pass_granted"
    END_DECISION = "end_decision"
    OWN_REQUEST = "own_request"
    REPLACED_AFTER_INCIDENT = "replaced_after_incident"
    LEFT_HOUSEHOLD = "left_household"
    PASS_EXPIRED = "pass_expired"
    PASS_WITHDRAWN = "pass_withdrawn"
    ROLE_ENDED = "role_ended"


_ANYBODY = frozenset({HolderClass.RESIDENT, HolderClass.VISITOR, HolderClass.STAFF, HolderClass.CONTRACTOR})
_WORKERS = frozenset({HolderClass.STAFF, HolderClass.CONTRACTOR})
_TIMED = frozenset({HolderClass.VISITOR, HolderClass.CONTRACTOR})
_NONE, _ACTIVE, _ENDED = CredentialState.NONE, CredentialState.ACTIVE, CredentialState.ENDED

TRANSITIONS: dict[tuple[CredentialState, Cause], tuple[CredentialState, frozenset[HolderClass]]] = {
    (_NONE, Cause.MEMBER_OF_LIVE_TENANCY): (_ACTIVE, frozenset({HolderClass.RESIDENT})),
    (_NONE, Cause.PASS_GRANTED): (_ACTIVE, _ANYBODY - {HolderClass.RESIDENT}),
    (_ACTIVE, Cause.END_DECISION): (_ENDED, frozenset({HolderClass.RESIDENT})),
    (_ACTIVE, Cause.OWN_REQUEST): (_ENDED, _ANYBODY),
    (_ACTIVE, Cause.REPLACED_AFTER_INCIDENT): (_ENDED, _ANYBODY),
    (_ACTIVE, Cause.LEFT_HOUSEHOLD): (_ENDED, frozenset({HolderClass.RESIDENT})),
    (_ACTIVE, Cause.PASS_EXPIRED): (_ENDED, _TIMED),
    (_ACTIVE, Cause.PASS_WITHDRAWN): (_ENDED, _TIMED),
    (_ACTIVE, Cause.ROLE_ENDED): (_ENDED, _WORKERS),
}
"""All edges there are: (from, cause) → (to, for which holders). `ended` has none: a returning person gets a new credential."""


class Ground(StrEnum):
    """The four lawful grounds on which access ends (law_and_practice.md 4.0). Every cause stands on one."""

    OWN_REQUEST = "own_request"
    PASS_OVER = "pass_over"
    INCIDENT = "incident"
    DECISION = "decision"


GROUNDS: dict[Cause, Ground] = {
    Cause.OWN_REQUEST: Ground.OWN_REQUEST,
    Cause.LEFT_HOUSEHOLD: Ground.OWN_REQUEST,
    Cause.REPLACED_AFTER_INCIDENT: Ground.INCIDENT,
    Cause.END_DECISION: Ground.DECISION,
    Cause.PASS_EXPIRED: Ground.PASS_OVER,
    Cause.PASS_WITHDRAWN: Ground.PASS_OVER,
    Cause.ROLE_ENDED: Ground.PASS_OVER,
}
"""Who left the household is who told it so: the household's own word, as the lease system's record carries it."""


class Unlawful(ValueError):
    """A change of a credential for which there is no lawful cause."""


def advance(state: CredentialState, cause: Cause, holder: HolderClass) -> CredentialState:
    """The next state. Raises Unlawful where there is no such edge for this holder."""
    edge = TRANSITIONS.get((state, cause))
    if edge is None or holder not in edge[1]:
        raise Unlawful(f"{cause.value} does not move a {state.value} credential of a {holder.value}")
    return edge[0]


class WantedIdentifier(msgspec.Struct, frozen=True, order=True):
    """`type` card, face, qr, pin or id_card (both as keyed hashes).

    A face has no value (the photo's place and digest say where the edge gets it), nor has a QR that a phone shows signed.
    """

    type: str
    value: str = ""
    photo_url: str = ""
    photo_sha256: str = ""


@dataclass(frozen=True, slots=True)
class MemberFacts:
    """What decides about one household member's credential.

    `cards` and `photo` (url, sha256) are what the record offers; `face_consent`: consent (a) is live; `guardian`: who gave it
    for a child. `decision` is the number of the completed end decision, or empty. `id_card`: the keyed hash of the person's
    identity card, and `pin` that of a PIN, where the person chose it as a way in.
    """

    tenancy_state: str
    from_date: date
    to_date: date | None
    birth_date: date | None
    cards: tuple[str, ...]
    photo: tuple[str, str] | None
    face_consent: bool
    guardian: str = ""
    decision: str = ""
    id_card: str = ""
    pin: str = ""


def wanted_identifiers(facts: MemberFacts, as_of: date) -> tuple[WantedIdentifier, ...]:
    """Cards, a chosen identity card and a PIN always.

    The face only with a live consent (a), from 14 years on or by a guardian, and where a photo was given.
    """
    found = [WantedIdentifier("card", number) for number in facts.cards]
    if facts.id_card:
        found.append(WantedIdentifier("id_card", facts.id_card))
    if facts.pin:
        found.append(WantedIdentifier("pin", facts.pin))
    if facts.photo and facts.face_consent and (_old_enough(facts.birth_date, as_of) or facts.guardian):
        found.append(WantedIdentifier("face", "", facts.photo[0], facts.photo[1]))
    return tuple(sorted(found))


def why_no_face(facts: MemberFacts, as_of: date) -> str:
    """For the clerk, empty where the face is in use."""
    if not facts.face_consent:
        return "未同意刷脸开门（可随时向住房保障部门签署同意，不影响其他方式）"
    if not facts.photo:
        return "尚未提供照片"
    if not _old_enough(facts.birth_date, as_of) and not facts.guardian:
        return "未满14周岁，需监护人同意"
    return ""


def lawful_end(facts: MemberFacts, as_of: date) -> Cause | None:
    """The cause for which this member's credential must end now, or None: it stays."""
    if facts.tenancy_state == "ended" and facts.decision:
        return Cause.END_DECISION
    if facts.to_date is not None and facts.to_date < as_of:
        return Cause.LEFT_HOUSEHOLD
    return None


def belongs(facts: MemberFacts, as_of: date) -> bool:
    """Whether this member is to have a credential: of a live tenancy, and not gone."""
    return facts.tenancy_state == "active" and (facts.to_date is None or facts.to_date >= as_of)


def _old_enough(birth: date | None, as_of: date) -> bool:
    """Unknown birth date: treated as a child, the careful side."""
    if birth is None:
        return False
    years = as_of.year - birth.year - ((as_of.month, as_of.day) < (birth.month, birth.day))
    return years >= FACE_ALONE_AGE
