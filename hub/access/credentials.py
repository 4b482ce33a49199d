"""Keeps credential rows in line with household members. What may change, and why, is decided in `lifecycle` (P).

One credential a live member. A withdrawn consent takes the face off and nothing else. Runs before every publication, so that
days that pass (a child turns 14, a leaver's last day) take effect without a new record.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from sqlalchemy import delete, insert, select, update

from device_drivers.contract.words import HolderClass
from hub import clock, moved
from hub.access import pass_ends, revocations
from hub.access.faces import NewFaces
from hub.access.holders import (
    WHOLE,
    CredentialOnFile,
    MemberOnFile,
    Scope,
    active_by_member,
    claimants,
    claims,
    credentials_on_file,
    local_day,
    lost_elsewhere,
    members_on_file,
)
from hub.access.lawful import FACE
from hub.access.lifecycle import (
    Cause,
    CredentialState,
    WantedIdentifier,
    advance,
    belongs,
    lawful_end,
    wanted_identifiers,
)
from hub.db import UnitOfWork, one_at_a_time
from hub.ids import new_id, new_token
from hub.tables import CredentialIdentifierRow, CredentialRow, Estate, PassLink, Tenancy

CREDENTIALS = "credentials of"
"""With the estate's id what one writer does at a time: two at once would make two credentials of one member."""

LOST = Cause.REPLACED_AFTER_INCIDENT
MANY = 50  # of one kind in one run: beyond it the audit row says the number, not each


@dataclass(slots=True)
class Reconciled:
    """What one run changed, and members whose card another holder already has (member id → card's last four).

    `released`: values of identifiers that somebody had and has no more: another may have been waiting for them.
    """

    created: int = 0
    changed: int = 0
    ended: int = 0
    conflicts: dict[str, str] = field(default_factory=dict)
    released: set[str] = field(default_factory=set)

    @property
    def moved(self) -> bool:
        return bool(self.created or self.changed or self.ended)


def reconcile(uow: UnitOfWork, estate: Estate, scope: Scope = WHOLE) -> tuple[Reconciled, Scope]:
    """One estate, or what of it moved. Idempotent: without a change of records or day it writes nothing.

    Gives also the scope that was looked at in the end: with the households that waited for a released card.
    """
    one_at_a_time(uow.session, f"{CREDENTIALS} {estate.id}")
    done = Reconciled()
    if scope.passes:
        for token, why, proof in pass_ends.over(uow.session, estate.id, clock.believed(uow.session, uow.now)):
            _end_by_token(uow, token, why, proof)
            done.ended += 1
    _members(uow, estate, scope, done)
    if scope.tenancies is not None and done.released:
        waiting = claimants(uow.session, estate.id, done.released) - scope.tenancies
        if waiting:
            _members(uow, estate, Scope(frozenset(waiting), passes=False), done)
            moved.tenancies(
                uow, estate.id, sorted(waiting)
            )  # also where the lists are made by another run, or after a fall
            scope = Scope(scope.tenancies | waiting, scope.passes)
    return done, scope


def _members(uow: UnitOfWork, estate: Estate, scope: Scope, done: Reconciled) -> None:
    _moved_away(uow, estate, scope, done)
    now = clock.believed(uow.session, uow.now)
    members = members_on_file(uow.session, estate.id, scope, now)
    credentials = credentials_on_file(uow.session, estate.id, Scope(scope.tenancies, passes=False))
    active = active_by_member(credentials)
    today = local_day(estate, now)
    wishes = {m.member_id: wanted_identifiers(m.facts, today) for m in members}
    asked = None if scope.whole else {(i.type, i.value) for wish in wishes.values() for i in wish if i.value}
    claimed = claims(uow.session, estate.id, None if asked is None else {value for _type, value in asked})
    owner, blocked = claimed.owner, claimed.blocked
    lost = lost_elsewhere(uow.session, estate.id, asked)
    _let_go(members, active, wishes, owner, today)
    resigned = {(c.person_id, c.tenancy_id) for c in credentials if _ended_by(c, Cause.OWN_REQUEST)}
    lost_faces = [c for c in credentials if _ended_by(c, LOST) and _has_face(c)]
    goes_on = {(c.person_id, c.tenancy_id) for c in lost_faces}
    new_faces = NewFaces(uow.session, estate)
    created: list[tuple[MemberOnFile, tuple[WantedIdentifier, ...]]] = []
    for member in members:
        held = active.get((member.person_id, member.tenancy_id))
        cause = lawful_end(member.facts, today)
        if held and cause:
            end_credential(uow, held, cause, _proof(member, cause))
            done.ended += 1
            done.released |= {i.value for i in held.identifiers if i.value}
            continue
        if not held and (not belongs(member.facts, today) or (member.person_id, member.tenancy_id) in resigned):
            continue
        token = held.token if held else f"new:{member.member_id}"
        enrolled = _has_face(held) if held else (member.person_id, member.tenancy_id) in goes_on
        wanted = []
        for identifier in wishes[member.member_id]:
            shown = (identifier.type, identifier.value)
            if identifier.value and (shown in blocked or shown in lost.get(member.person_id, ())):
                continue
            if identifier.type == FACE and not enrolled and not new_faces.take():
                continue
            if identifier.value and owner.setdefault(shown, token) != token:
                done.conflicts[member.member_id] = identifier.value[-4:]
                continue
            wanted.append(identifier)
        if held is None:
            created.append((member, tuple(wanted)))
            continue
        moved_home = (held.dwelling_id, held.label) != (member.dwelling_id, member.label)
        if moved_home:
            _replace_home(uow, held, member)
        if tuple(wanted) != held.identifiers:
            _replace_identifiers(uow, held, tuple(wanted))
            done.released |= {i.value for i in held.identifiers if i.value} - {i.value for i in wanted}
        done.changed += moved_home or tuple(wanted) != held.identifiers
    _create(uow, estate, created)
    _links_follow(uow, [member for member, _ in created], credentials)
    _faces_went_on(uow, [member for member, _ in created], lost_faces)
    done.created += len(created)


def _let_go(
    members: Iterable[MemberOnFile],
    active: Mapping[tuple[str, str], CredentialOnFile],
    wishes: Mapping[str, tuple[WantedIdentifier, ...]],
    owner: dict[tuple[str, str], str],
    today: date,
) -> None:
    """Cards that their holders give up in this run are free from its beginning: who takes one over waits for nobody."""
    for member in members:
        held = active.get((member.person_id, member.tenancy_id))
        if held is None:
            continue
        keeps = set() if lawful_end(member.facts, today) else {(i.type, i.value) for i in wishes[member.member_id]}
        for identifier in held.identifiers:
            shown = (identifier.type, identifier.value)
            if shown not in keeps and owner.get(shown) == held.token:
                del owner[shown]


def _moved_away(uow: UnitOfWork, estate: Estate, scope: Scope, done: Reconciled) -> None:
    """Households that live in another estate now, by their record: there they have a new credential."""
    query = (
        select(CredentialRow.token, Tenancy.source_id, Tenancy.version)
        .join(Tenancy, Tenancy.id == CredentialRow.tenancy_id)
        .where(CredentialRow.estate_id == estate.id, CredentialRow.state == "active", Tenancy.estate_id != estate.id)
    )
    if scope.tenancies is not None:
        query = query.where(Tenancy.id.in_(sorted(scope.tenancies)))
    for token, tenancy, version in uow.session.execute(query).all():
        end_by_token(
            uow, token, Cause.LEFT_HOUSEHOLD, f"household moved to another estate by record {tenancy} v{version}"
        )
        done.ended += 1


def _replace_home(uow: UnitOfWork, held: CredentialOnFile, member: MemberOnFile) -> None:
    """The household moved within the estate, or was numbered anew: its passes count for the new dwelling from now on."""
    where = update(CredentialRow).where(CredentialRow.token == held.token)
    uow.session.execute(where.values(dwelling_id=member.dwelling_id, label=member.label))
    uow.record("credential.moved", held.token, dwelling=member.dwelling_id)


def end_credential(uow: UnitOfWork, held: CredentialOnFile, cause: Cause, proof: str) -> None:
    """Ends an active credential for a lawful cause; raises `Unlawful` for any other. `proof` says by which document.

    Its face reference goes at once (PIPL art. 47); the card number stays, so that a lost card is not given again. That a face
    was enrolled stays known after an incident until there is a new credential: it is enrolled already.
    """
    after = advance(CredentialState(held.state), cause, HolderClass(held.holder_class))
    uow.session.execute(
        update(CredentialRow)
        .where(CredentialRow.token == held.token, CredentialRow.state == "active")
        .values(state=after.value, ended_because=f"{cause.value}: {proof}", ended_at=uow.now)
    )
    of_face = (CredentialIdentifierRow.token == held.token, CredentialIdentifierRow.type == "face")
    if cause is LOST:
        uow.session.execute(update(CredentialIdentifierRow).where(*of_face).values(photo_url=None, photo_sha256=None))
    else:
        uow.session.execute(delete(CredentialIdentifierRow).where(*of_face))
    revocations.ended(uow, held.token, cause.value)
    uow.record("credential.ended", held.token, cause=cause.value, proof=proof)


def end_by_token(uow: UnitOfWork, token: str, cause: Cause, proof: str) -> None:
    """For a desk: own request, or replacement after an incident (the next run makes the new one, without the lost card)."""
    held = _end_by_token(uow, token, cause, proof)
    moved.note(uow, held.estate_id, f"tenancy:{held.tenancy_id}" if held.tenancy_id else moved.PASSES)


def _end_by_token(uow: UnitOfWork, token: str, cause: Cause, proof: str) -> CredentialOnFile:
    row = uow.session.get_one(CredentialRow, token)
    held = CredentialOnFile(
        row.token, row.estate_id, row.holder_class, row.person_id, row.tenancy_id, row.state, row.ended_because,
        row.valid_to, row.dwelling_id, row.label, (),
    )  # fmt: skip
    end_credential(uow, held, cause, proof)
    return held


def _has_face(held: CredentialOnFile) -> bool:
    return any(identifier.type == FACE for identifier in held.identifiers)


def _ended_by(credential: CredentialOnFile, cause: Cause) -> bool:
    return credential.state == "ended" and credential.ended_because.startswith(cause.value)


def _proof(member: MemberOnFile, cause: Cause) -> str:
    if cause is Cause.END_DECISION:
        return f"decision {member.facts.decision} on tenancy {member.tenancy}"
    return f"member left household by record {member.tenancy} v{member.version}"


def _replace_identifiers(uow: UnitOfWork, held: CredentialOnFile, wanted: tuple[WantedIdentifier, ...]) -> None:
    session = uow.session
    session.execute(delete(CredentialIdentifierRow).where(CredentialIdentifierRow.token == held.token))
    if rows := identifier_rows(held.token, wanted):
        session.execute(insert(CredentialIdentifierRow), rows)
    before, after = {i.type for i in held.identifiers}, {i.type for i in wanted}
    if FACE in before - after:
        revocations.face_off(uow, held.token)
    uow.record(
        "credential.identifiers",
        held.token,
        gone=sorted(before - after),
        new=sorted(after - before),
        ways=sorted(after),
    )


def _create(uow: UnitOfWork, estate: Estate, created: list[tuple[MemberOnFile, tuple[WantedIdentifier, ...]]]) -> None:
    if not created:
        return
    zone = ZoneInfo(estate.time_zone)
    rows, identifiers = [], []
    for member, wanted in created:
        advance(CredentialState.NONE, Cause.MEMBER_OF_LIVE_TENANCY, HolderClass.RESIDENT)
        token = new_token()
        rows.append(
            {
                "token": token,
                "estate_id": estate.id,
                "holder_class": HolderClass.RESIDENT.value,
                "person_id": member.person_id,
                "tenancy_id": member.tenancy_id,
                "dwelling_id": member.dwelling_id,
                "label": member.label,
                "valid_from": datetime.combine(member.facts.from_date, time(), zone).astimezone(UTC),
                "valid_to": None,
                "state": CredentialState.ACTIVE.value,
                "ended_because": "",
                "ended_at": None,
                "created_at": uow.now,
            }
        )
        identifiers += identifier_rows(token, wanted)
        if len(created) <= MANY:
            uow.record("credential.created", token, tenancy=member.tenancy, ways=sorted({i.type for i in wanted}))
    if len(created) > MANY:
        uow.record("credential.created", estate.id, count=len(created))
    uow.session.execute(insert(CredentialRow), rows)
    if identifiers:
        uow.session.execute(insert(CredentialIdentifierRow), identifiers)


def _links_follow(uow: UnitOfWork, fresh: Iterable[MemberOnFile], credentials: Iterable[CredentialOnFile]) -> None:
    """The phone of who lost a card goes on with the new credential."""
    again = {(m.person_id, m.tenancy_id) for m in fresh}
    mine = {(c.person_id, c.tenancy_id): c for c in credentials if _ended_by(c, LOST)}
    for (person, tenancy), lost in mine.items():
        if (person, tenancy) not in again:
            continue
        token = (
            select(CredentialRow.token)
            .where(CredentialRow.person_id == person, CredentialRow.tenancy_id == tenancy)
            .where(CredentialRow.state == "active")
        )
        moved_on = update(PassLink).where(PassLink.token == lost.token).values(token=token.scalar_subquery())
        if uow.session.execute(moved_on.returning(PassLink.token)).all():
            uow.record("pass.link_kept", lost.token)


def _faces_went_on(uow: UnitOfWork, fresh: Iterable[MemberOnFile], lost: Iterable[CredentialOnFile]) -> None:
    """The new credential says by itself from now on whether its holder is enrolled."""
    again = {(m.person_id, m.tenancy_id) for m in fresh}
    if tokens := [c.token for c in lost if (c.person_id, c.tenancy_id) in again]:
        of_face = (CredentialIdentifierRow.token.in_(tokens), CredentialIdentifierRow.type == FACE)
        uow.session.execute(delete(CredentialIdentifierRow).where(*of_face))


def identifier_rows(token: str, wanted: tuple[WantedIdentifier, ...]) -> list[dict[str, object]]:
    return [
        {
            "id": new_id("ci"),
            "token": token,
            "type": i.type,
            "value": i.value,
            "photo_url": i.photo_url or None,
            "photo_sha256": i.photo_sha256 or None,
        }
        for i in wanted
    ]


def estates(uow: UnitOfWork) -> list[Estate]:
    """All estates, by id."""
    return list(uow.session.scalars(select(Estate).order_by(Estate.id)))
