"""Job `access.publish`: credentials in line → entitle → compose → where a digest moved, a new signed list and its doorbell.

Runs by signal and every minute, on what `due` says. Twice at once does no harm: who comes second sees that the list moved,
leaves it, and keeps the note.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete, func, insert, or_, select, update
from sqlalchemy.orm import Session

from device_drivers.contract.access import next_generation
from device_drivers.contract.messages import ListDoorbell
from device_drivers.contract.words import HolderClass
from hub import clock, moved
from hub.access import bundle, credentials, due, held, revocations
from hub.access.compose import compose
from hub.access.entitle import Entitlement, entitle
from hub.access.holders import Scope, local_day
from hub.access.id_cards import id_card_key
from hub.access.merge import ListBody, Merged, merge, read
from hub.access.states import device_lists
from hub.access.step import step_item
from hub.db import UnitOfWork
from hub.jobs import Job, NotYet
from hub.services import Hub
from hub.tables import (
    AccessMoved,
    AccessSweep,
    CredentialRow,
    DesiredEntry,
    DesiredList,
    Device,
    Edge,
    Estate,
    ReportedList,
    Tenancy,
)

log = logging.getLogger(__name__)
NAME, REVOKE = moved.JOBS[1], moved.JOBS[0]
GO_FIRST = timedelta(seconds=3)  # so long the job of revocations may take to look
GATHER = timedelta(seconds=8)  # so long lists may still name who lost everything by an order
LOOK_AGAIN_S = 0.25
RECENT = 60  # lists of a device whose digests are remembered


@dataclass(frozen=True, slots=True)
class _Moved:
    """A list to publish. `seen`: the generation it replaces (0: none), `above`: the one the edge reports."""

    device: str
    edge_id: str
    merged: Merged
    digest: str
    seen: int


def job(hub: Hub) -> str:
    """`run`, letting revocations by. Raises NotYet: what somebody loses goes first, and where nothing else moved, the lists
    follow together a little later: the orders are in force meanwhile, and eighty lists cost hub and edge a second each."""
    with hub.db.reading() as session:
        now = hub.now()
        notes = session.execute(select(AccessMoved.at, AccessMoved.ends, AccessMoved.in_force)).all()
    if notes and all(note.ends or note.in_force for note in notes):
        age = abs(now - min(note.at for note in notes))  # a clock that was set must not put it off for ever
        longest = GO_FIRST if any(note.ends for note in notes) else GATHER
        if age < longest:
            again = LOOK_AGAIN_S if longest is GO_FIRST else (longest - age).total_seconds()
            raise NotYet(again, "revocations go first")
    return _publish(hub, due.tasks(hub), hub.right_of_way.give)


def run(hub: Hub) -> str:
    """What moved, and whole estates that are due. One line."""
    return _publish(hub, due.tasks(hub))


def publish(hub: Hub) -> str:
    """Every estate from everything, whatever was noted. One line: how many credentials and lists moved."""
    return _publish(hub, due.tasks(hub, everything=True))


def revoke(hub: Hub) -> str:
    """Job `access.revoke`: what may end somebody's access, ahead of every list that is being made; then the orders."""
    ended = 0
    for task in due.tasks(hub, only_ends=True):
        with hub.db.unit_of_work(
            "system", "credentials follow the tenancy records", estate_id=task.estate.id, now=hub.now()
        ) as uow:
            done, _ = credentials.reconcile(uow, task.estate, task.scope)
            values = {"ends": False, "in_force": _all_over(uow.session, task.scope)}
            uow.session.execute(update(AccessMoved).where(AccessMoved.id.in_(task.notes)).values(values))
        ended += done.ended
    sent = revocations.send(hub)
    if not sent:
        hub.right_of_way.free()
    return f"{ended} credentials ended, {sent} orders sent"


def _all_over(session: Session, scope: Scope) -> bool:
    """These tenancies ended and none of their credentials is left: the orders said all there is to say."""
    mine = sorted(scope.tenancies or ())
    alive = select(Tenancy.id).where(Tenancy.id.in_(mine), Tenancy.state != "ended")
    left = select(CredentialRow.token).where(CredentialRow.tenancy_id.in_(mine), CredentialRow.state != "ended")
    return session.scalars(alive.limit(1)).first() is None and session.scalars(left.limit(1)).first() is None


def _at_once() -> None:
    """Nobody is let by."""


def _publish(hub: Hub, tasks: list[due.Task], give_way: Callable[[], None] = _at_once) -> str:
    with hub.db.unit_of_work("system", "held actions expire", now=hub.now()) as uow:
        held.expire(uow)
    total = credentials.Reconciled()
    lists = 0
    for task in tasks:
        with hub.db.unit_of_work(
            "system", "credentials follow the tenancy records", estate_id=task.estate.id, now=hub.now()
        ) as uow:
            done, scope = credentials.reconcile(uow, task.estate, task.scope)
        if done.ended:
            revocations.send(hub)  # they do not wait until the lists are composed
        lists += _publish_estate(hub, task, scope, give_way)
        for name in ("created", "changed", "ended"):
            setattr(total, name, getattr(total, name) + getattr(done, name))
    revocations.send(hub)
    rung = _ring_again(hub)
    return (
        f"credentials +{total.created} ~{total.changed} -{total.ended}; "
        f"{lists} lists published, {rung} doorbells repeated"
    )


# --- one estate -------------------------------------------------------------------------------------------------------


def _publish_estate(hub: Hub, task: due.Task, scope: Scope, give_way: Callable[[], None]) -> int:
    lists = _composed(hub, task.estate, scope, give_way)
    published: list[tuple[str, ListDoorbell]] = []
    left = False
    for one in lists:  # each in a unit of work of its own: 50 lists of 10,000 must not hold up a revocation
        give_way()
        with hub.db.unit_of_work(
            "system", "access lists follow credentials", estate_id=task.estate.id, now=hub.now()
        ) as uow:
            doorbell = _store(hub, uow, task.estate.id, one)
        if doorbell is None:
            left = True  # somebody else published in between: what was noted stays noted
            continue
        hub.send(one.edge_id, doorbell)  # lost when the link is down: `_ring_again` repeats it
        published.append((one.edge_id, doorbell))
    if not left:
        _done(hub, task)
    _tell(hub, task.estate.id, {doorbell.device for _, doorbell in published})
    return len(published)


def _composed(hub: Hub, estate: Estate, scope: Scope, give_way: Callable[[], None] = _at_once) -> list[_Moved]:
    """The lists whose content is not what was published last, without a generation yet."""
    with hub.db.reading() as session:
        now = clock.believed(session, hub.now())
        # The lists first: who compares newer facts with an older list publishes once too often, the other way loses a change.
        before = _lists_before(session, estate.id)
        affected = None if scope.whole else _affected(session, estate.id, scope)
        loaded = bundle.load(session, estate, scope)
        entitlements = entitle(loaded.points, loaded.holders, now, loaded.time_zone, loaded.passes)
        together: dict[tuple[str, ...], list[Entitlement]] = {}
        for one in entitlements:
            together.setdefault(one.access_points, []).append(one)
        on_list = _standing(session, estate.id, affected)
        found = []
        for target in loaded.targets:  # an entrance is not asked about the people of a hundred other blocks
            mine = [
                one for points, some in together.items() if not target.access_points.isdisjoint(points) for one in some
            ]
            generation, digest, ahead = before.get(target.device, (0, "", False))
            if affected is not None and generation and not mine and target.device not in on_list and not ahead:
                continue
            give_way()
            fresh = compose(target, mine, issued_at=hub.now())
            body = _body(session, estate.id, target.device) if generation else None
            merged = merge(body, fresh, affected)
            after = merged.body.digest
            if after != digest or ahead:
                found.append(_Moved(target.device, loaded.edges[target.device], merged, after, generation))
    return found


def _lists_before(session: Session, estate_id: str) -> dict[str, tuple[int, str, bool]]:
    """device → (generation, digest, whether its edge reports a list that is not ours)."""
    rows = session.execute(
        select(DesiredList.device_id, DesiredList.generation, DesiredList.digest, due.of_another_hub())
        .join(Device, Device.id == DesiredList.device_id)
        .outerjoin(ReportedList, ReportedList.device_id == DesiredList.device_id)
        .where(Device.estate_id == estate_id)
    )
    return {device: (generation, digest, bool(ahead)) for device, generation, digest, ahead in rows}


def _affected(session: Session, estate_id: str, scope: Scope) -> frozenset[str]:
    """Tokens whose entries are made anew: of the tenancies' credentials, and of passes and roles, the ended ones too."""
    found = set(
        session.scalars(select(CredentialRow.token).where(CredentialRow.tenancy_id.in_(sorted(scope.tenancies or ()))))
    )
    if scope.passes:
        listed = select(DesiredEntry.token).where(DesiredEntry.token == CredentialRow.token).exists()
        found |= set(
            session.scalars(
                select(CredentialRow.token).where(
                    CredentialRow.estate_id == estate_id,
                    CredentialRow.holder_class != HolderClass.RESIDENT.value,
                    or_(CredentialRow.state == "active", listed),
                )
            )
        )
    return frozenset(found)


def _standing(session: Session, estate_id: str, affected: frozenset[str] | None) -> set[str]:
    """Devices whose list has one of these tokens."""
    found: set[str] = set()
    tokens = sorted(affected or ())
    for start in range(0, len(tokens), 500):
        found |= set(
            session.scalars(
                select(DesiredEntry.device_id)
                .join(Device, Device.id == DesiredEntry.device_id)
                .where(Device.estate_id == estate_id, DesiredEntry.token.in_(tokens[start : start + 500]))
                .distinct()
            )
        )
    return found


def _body(session: Session, estate_id: str, device_id: str) -> ListBody | None:
    payload = session.scalar(select(DesiredList.payload).where(DesiredList.device_id == device_id))
    return read(payload, estate_id, device_id) if payload else None


def _store(hub: Hub, uow: UnitOfWork, estate_id: str, one: _Moved) -> ListDoorbell | None:
    """None when somebody else published in between."""
    session = uow.session
    row = session.scalar(select(DesiredList).where(DesiredList.device_id == one.device).with_for_update())
    if (row.generation if row else 0) != one.seen:
        return None
    reported = session.get(ReportedList, one.device)
    generation = next_generation(one.seen, reported.generation if reported else 0)
    body, merged = one.merged.body, one.merged
    payload = body.payload(generation, uow.now, id_card_key(hub.keys, estate_id))
    if row is None:
        row = DesiredList(device_id=one.device, recent={})
        session.add(row)
    recent = {**row.recent, str(generation): one.digest}
    row.recent = dict(sorted(recent.items(), key=lambda entry: int(entry[0]))[-RECENT:])
    row.generation, row.digest, row.count = generation, one.digest, len(body.credentials)
    row.payload, row.signature, row.key_id = payload, hub.keys.sign(payload), hub.keys.key_id
    row.issued_at = uow.now
    session.flush()
    _entries(session, one.device, generation, merged)
    revocations.listed(uow, (one.device, estate_id), generation, merged)
    uow.record(
        "list.published",
        one.device,
        generation=generation,
        digest=one.digest[:16],
        credentials=len(body.credentials),
        changed=len(merged.touched),
        removed=sorted(merged.gone) if len(merged.gone) <= credentials.MANY else len(merged.gone),
    )
    return ListDoorbell(one.device, generation, one.digest, len(payload))


def _entries(session: Session, device_id: str, generation: int, merged: Merged) -> None:
    """Which tokens stand on the list, and since which generation as they are."""
    replaced = sorted(merged.stood)
    for start in range(0, len(replaced), 500):
        part = replaced[start : start + 500]
        session.execute(delete(DesiredEntry).where(DesiredEntry.device_id == device_id, DesiredEntry.token.in_(part)))
    rows = [{"device_id": device_id, "token": t, "generation": generation} for t in sorted(merged.touched)]
    if rows:
        session.execute(insert(DesiredEntry), rows)


def _done(hub: Hub, task: due.Task) -> None:
    """The notes are done with, and a whole estate is swept, until something moves again."""
    if not task.notes and not task.structure:
        return
    with hub.db.unit_of_work("system", "published", now=hub.now(), audit=False) as uow:
        for start in range(0, len(task.notes), 500):
            uow.session.execute(delete(AccessMoved).where(AccessMoved.id.in_(task.notes[start : start + 500])))
        if task.structure:
            now, estate = clock.believed(uow.session, uow.now), task.estate
            day = local_day(estate, now)
            uow.session.merge(AccessSweep(estate_id=estate.id, day=day, at=now, structure=task.structure))


def _ring_again(hub: Hub) -> int:
    """Doorbells for devices whose edge is there and reports an older list: the doorbell may have been lost."""
    with hub.db.reading() as session:
        behind = (
            select(
                Device.id, Device.edge_id, DesiredList.generation, DesiredList.digest, func.length(DesiredList.payload)
            )
            .join(Edge, Edge.id == Device.edge_id)
            .join(DesiredList, DesiredList.device_id == Device.id)
            .outerjoin(ReportedList, ReportedList.device_id == Device.id)
            .where(
                Edge.online,
                or_(
                    ReportedList.device_id.is_(None),
                    ReportedList.generation != DesiredList.generation,
                    ReportedList.digest != DesiredList.digest,
                ),
            )
        )
        waiting = session.execute(behind.order_by(Device.id)).all()
    return sum(
        hub.send(edge, ListDoorbell(id, generation, digest, size)) for id, edge, generation, digest, size in waiting
    )


def _tell(hub: Hub, estate_id: str, devices: set[str]) -> None:
    if not devices:
        return
    with hub.db.reading() as session:
        items = [step_item(lists) for lists in device_lists(session, {estate_id}, devices)]
    for item in items:
        hub.live.emit(estate_id, "sync", item)


JOBS = (Job(REVOKE, 5.0, revoke), Job(NAME, 60.0, job))
