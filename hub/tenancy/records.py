"""(P) A tenancy record as the lease system gives it, checked and brought to one form.

The ID number goes no further than here: `blind` (a keyed hash) and its last four digits are what remains.
A bad member is refused alone, with its reason; the record then is `partial`, and nobody leaves a household by it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime

import msgspec

from hub.tenancy import fields
from hub.tenancy.body import Twice
from hub.tenancy.fields import Refused

Blind = Callable[[str], str]
Day = date  # a field below is called `date`
MAX_VERSION = 2**63 - 1  # what a database keeps; milliseconds since 1970 fit
STATES = ("allocated", "active", "ended")
ABSENCE_REASONS = ("hospital", "care", "work", "travel", "home_visit", "renovation", "other")
PURPOSES = ("a", "b", "c")
UNTOLD = (("cards", "cards"), ("photo", "face_photo"), ("consents", "consents"))


class EndDecision(msgspec.Struct, frozen=True, omit_defaults=True):
    """A decision that ends a tenancy, as received: what is missing is empty."""

    number: str = ""
    date: Day | None = None
    move_out_completed_on: Day | None = None
    kind: str = ""
    signed_by: str = ""

    @property
    def complete(self) -> bool:
        """Number, date, who signed it, and the day on which the move-out was completed. Blanks are no number and no name."""
        return bool(self.number.strip() and self.signed_by.strip() and self.date and self.move_out_completed_on)


class ConsentGiven(msgspec.Struct, frozen=True, omit_defaults=True):
    """`guardian`: who consented for somebody under 14, empty otherwise."""

    at: datetime
    notice: str = ""
    guardian: str = ""


class Photo(msgspec.Struct, frozen=True):
    url: str
    sha256: str


class Member(msgspec.Struct, frozen=True, omit_defaults=True):
    """`consents`: purpose (a, b, c) → given; a purpose that is absent is not consented to (or withdrawn).

    `lease_end`: the end of the lease the source repeated as this member's last day; after a renewal it is still no leaving.
    `untold`: fields of which the record says nothing at all: what is known of them stays. An empty list says "no cards", null
    in its place does not; of photo and consents null is a word, for it must be possible to take them back.
    """

    person_id: str
    name: str
    relation: str
    from_date: date
    to_date: date | None = None
    birth_date: date | None = None
    id_hash: str = ""
    id_last4: str = ""
    cards: tuple[str, ...] = ()
    photo: Photo | None = None
    consents: dict[str, ConsentGiven] = {}
    lease_end: date | None = None
    untold: tuple[str, ...] = ()


class TenancyRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """`version` 0: the source knows no versions (a spreadsheet), contents are compared. Members sorted as given.

    `partial`: some members could not be read, or the source tells only who is there: absence from it means nothing.
    `expected_members`: how many people the home was let to (核定人数); None: not told.
    """

    id: str
    version: int
    state: str
    dwelling_code: str
    from_date: date
    to_date: date | None = None
    handover_at: date | None = None
    expected_members: int | None = None
    end_decision: EndDecision | None = None
    members: tuple[Member, ...] = ()
    partial: bool = False


class AbsenceRecord(msgspec.Struct, frozen=True):
    id: str
    dwelling_code: str
    from_date: date
    to_date: date | None
    reason: str
    declared_on: date


class RefusedRow(msgspec.Struct, frozen=True, omit_defaults=True):
    """`key` finds the row again (tenancy id, `tenancy/person`, sheet row); `raw` is masked."""

    key: str
    reason: str
    detail: str = ""
    raw: dict[str, str] = {}


class Parsed(msgspec.Struct, frozen=True):
    record: TenancyRecord | None
    refused: tuple[RefusedRow, ...] = ()


def parse_tenancy(raw: object, blind: Blind, today: date, position: int = 0) -> Parsed:
    """One TenancyRecord of the back office. Never raises: what cannot be taken is in `refused`."""
    if not isinstance(raw, Mapping):
        return Parsed(None, (RefusedRow(f"#{position}", "not_an_object"),))
    key = fields.text(raw.get("id"))[: fields.MAX_TEXT] or f"#{position}"
    try:
        return _tenancy(raw, key, blind, today)
    except Refused as refused:
        return Parsed(None, (RefusedRow(key, refused.reason, refused.detail, masked(raw)),))


def _tenancy(raw: Mapping[str, object], key: str, blind: Blind, today: date) -> Parsed:
    fields.key(raw.get("id"), "id_missing")
    _once(raw)
    version, state, given = _version(raw.get("version")), raw.get("state"), raw.get("members")
    if state not in STATES:
        raise Refused("state_bad")
    if given is None and state == "ended":
        given = []
    if not isinstance(given, list) or (not given and state != "ended"):
        raise Refused("members_missing")
    if len(given) > fields.MAX_MEMBERS:
        raise Refused("members_many", str(len(given)))
    from_date = _needed_day(raw.get("from"))
    to_date = _later_day(raw.get("to"), from_date)
    members, refused = _members(given, key, blind, today)
    expected, unread = _expected(raw.get("expected_members"), key)
    record = TenancyRecord(
        id=key,
        version=version,
        state=str(state),
        dwelling_code=fields.code(raw.get("dwelling_code")),
        from_date=from_date,
        to_date=to_date,
        handover_at=_day_or_none(raw.get("handover_at")),
        expected_members=expected,
        end_decision=parse_decision(raw.get("end_decision")),
        members=tuple(_without_lease_end(m, to_date) for m in members),
        partial=bool(refused),
    )
    return Parsed(record, (*refused, *unread))


def _expected(given: object, key: str) -> tuple[int | None, tuple[RefusedRow, ...]]:
    """A number that cannot be is told and left out: it is no reason to refuse the household."""
    try:
        return fields.expected_members(given), ()
    except Refused as no:
        return None, (RefusedRow(key, no.reason, no.detail),)


def _once(raw: Mapping[str, object]) -> None:
    if isinstance(raw, Twice):
        raise Refused("key_twice")


def _version(given: object) -> int:
    """Also as text, or with a point and nothing behind it, as some exports write numbers."""
    if isinstance(given, float) and given.is_integer() and abs(given) < 2**53:
        given = int(given)
    if isinstance(given, str) and re.fullmatch(r"[0-9]{1,19}", given.strip()):
        given = int(given)
    if not isinstance(given, int) or isinstance(given, bool) or not 1 <= given <= MAX_VERSION:
        raise Refused("version_bad")
    return given


def _without_lease_end(member: Member, lease_end: date | None) -> Member:
    """The end of the lease by date ends nobody's access: repeated at a member, it is not that member's leaving."""
    if lease_end is None or member.to_date != lease_end:
        return member
    return msgspec.structs.replace(member, to_date=None, lease_end=lease_end)


def _members(
    given: list[object], key: str, blind: Blind, today: date
) -> tuple[tuple[Member, ...], tuple[RefusedRow, ...]]:
    members: list[Member] = []
    refused: list[RefusedRow] = []
    for position, raw in enumerate(given, start=1):
        if not isinstance(raw, Mapping):
            refused.append(RefusedRow(f"{key}/#{position}", "not_an_object"))
            continue
        member_key = f"{key}/{fields.text(raw.get('person_id')) or f'#{position}'}"
        try:
            member = parse_member(raw, blind, today)
            if any(m.person_id == member.person_id for m in members):
                raise Refused("duplicate_person")
            if member.relation == "applicant" and any(m.relation == "applicant" for m in members):
                raise Refused("two_heads")
        except Refused as no:
            refused.append(RefusedRow(member_key, no.reason, no.detail, masked(raw)))
        else:
            members.append(member)
    return tuple(members), tuple(refused)


def parse_member(raw: Mapping[str, object], blind: Blind, today: date) -> Member:
    """Raises Refused."""
    person_id = fields.key(raw.get("person_id"), "person_missing")
    _once(raw)
    number = fields.id_number(raw.get("id_number"), today)
    birth = fields.day(raw.get("birth_date"))
    if number and birth and fields.birth_of(number, today) != birth:
        raise Refused("birth_differs")
    if birth and birth > today:
        raise Refused("birth_future")
    from_date = _needed_day(raw.get("from"))
    consents = _consents(raw.get("consents"))
    return Member(
        person_id=person_id,
        name=fields.name(raw.get("name")),
        relation=fields.relation(raw.get("relation")),
        from_date=from_date,
        to_date=_later_day(raw.get("to"), from_date),
        birth_date=birth or (fields.birth_of(number, today) if number else None),
        id_hash=blind(number) if number else "",
        id_last4=number[-4:],
        cards=fields.cards(raw.get("cards") or ()),
        photo=_photo(raw.get("face_photo")) if "a" in consents or "consents" not in raw else None,
        consents=consents,
        untold=tuple(name for name, key in UNTOLD if key not in raw or (name == "cards" and raw[key] is None)),
    )


def parse_decision(raw: object) -> EndDecision | None:
    """What came, with bad fields left empty: a decision that is not whole is not complete, and ends nothing."""
    if not isinstance(raw, Mapping) or isinstance(raw, Twice):
        return None
    return EndDecision(
        number=fields.text(raw.get("number"))[: fields.MAX_TEXT],
        date=_day_or_none(raw.get("date")),
        move_out_completed_on=_day_or_none(raw.get("move_out_completed_on")),
        kind=fields.text(raw.get("kind"))[: fields.MAX_TEXT],
        signed_by=fields.text(raw.get("signed_by"))[: fields.MAX_TEXT],
    )


def parse_absence(raw: object, position: int = 0) -> AbsenceRecord | RefusedRow:
    """One declared absence (离家报备): a class of reason, never a document."""
    if not isinstance(raw, Mapping) or not fields.text(raw.get("id")):
        return RefusedRow(f"absence #{position}", "absence_bad")
    key = fields.text(raw.get("id"))[: fields.MAX_TEXT]
    try:
        from_date, declared = fields.day(raw.get("from")), fields.day(raw.get("declared_on"))
        dwelling = fields.code(raw.get("dwelling_code"))
        if from_date is None or declared is None:
            raise Refused("absence_bad")
        to_date = _later_day(raw.get("to"), from_date)
    except Refused as refused:
        return RefusedRow(key, refused.reason, refused.detail, masked(raw))
    reason = fields.text(raw.get("reason"))
    return AbsenceRecord(key, dwelling, from_date, to_date, reason if reason in ABSENCE_REASONS else "other", declared)


def _needed_day(value: object) -> date:
    found = fields.day(value)
    if found is None:
        raise Refused("dates_missing")
    return found


def _later_day(value: object, start: date) -> date | None:
    found = fields.last_day(value)
    if found is not None and found < start:
        raise Refused("dates_reversed")
    return found


def _day_or_none(value: object) -> date | None:
    try:
        return fields.day(value)
    except Refused:
        return None


def _consents(raw: object) -> dict[str, ConsentGiven]:
    if raw is None:
        return {}
    if not isinstance(raw, Mapping) or isinstance(raw, Twice):
        raise Refused("consent_bad")
    found: dict[str, ConsentGiven] = {}
    for purpose in PURPOSES:
        given = raw.get(purpose)
        if given is None:
            continue
        if not isinstance(given, Mapping):
            raise Refused("consent_bad", purpose)
        try:
            at = datetime.fromisoformat(fields.text(given.get("at")))
        except ValueError as error:
            raise Refused("consent_bad", purpose) from error
        if at.tzinfo is None:
            raise Refused("consent_bad", f"{purpose}: 时间缺时区")
        if not 1900 < at.year < 2200:  # beyond it no zone can be reckoned
            raise Refused("consent_bad", purpose)
        told = (fields.text(given.get(name))[: fields.MAX_TEXT] for name in ("notice", "guardian"))
        found[purpose] = ConsentGiven(at, *told)
    return found


def _photo(raw: object) -> Photo | None:
    if raw is None:
        return None
    if not isinstance(raw, Mapping) or isinstance(raw, Twice):
        raise Refused("photo_bad")
    url, digest = str(raw.get("url") or "").strip(), str(raw.get("sha256") or "").strip().lower()
    if not re.fullmatch(r"https?://\S{1,1000}", url) or not re.fullmatch(r"[0-9a-f]{64}", digest):
        raise Refused("photo_bad")
    return Photo(url, digest)


def masked(raw: Mapping[str, object]) -> dict[str, str]:
    """A refused row as it may be kept and shown: names, numbers and cards covered, nested things left out."""
    shown: dict[str, str] = {}
    for key, value in list(raw.items())[:30]:
        if value is None or isinstance(value, list | tuple | dict | Mapping):
            continue
        shown[fields.text(key)[:40]] = mask(fields.text(key), fields.text(value)[:120])
    return shown


def mask(key: str, value: str) -> str:
    """One cell: a name keeps its first character, a long number its last four."""
    if re.search(r"name|姓名|申请人|承租人姓名", key, re.IGNORECASE):
        return value[:1] + "*" * max(1, len(value) - 1) if value else ""
    return re.sub(r"[0-9Xx]{6,}", lambda m: "*" * (len(m[0]) - 4) + m[0][-4:], value)
