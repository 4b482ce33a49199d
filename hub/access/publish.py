"""Job `access.publish`: credentials in line → entitle → compose → where a digest moved, a new signed list and its doorbell.

Runs by signal and every minute; twice at once does no harm: who comes second sees that the list moved and leaves it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import func, select

from device_drivers.contract.access import AccessList, list_digest, next_generation
from device_drivers.contract.messages import ListDoorbell
from device_drivers.contract.words import IdentifierType
from hub.access import bundle, credentials, held
from hub.access.compose import changes, compose
from hub.access.entitle import Entitlement, entitle
from hub.access.states import device_lists, removal_open
from hub.access.step import step_item
from hub.db import UnitOfWork
from hub.jobs import Job
from hub.services import Hub
from hub.tables import DesiredList, Estate, ReportedList

NAME = "access.publish"
_decoder = msgspec.json.Decoder(AccessList)


@dataclass(frozen=True, slots=True)
class _Moved:
    """A list to publish. `seen`: the generation it replaces (0: none)."""

    edge_id: str
    access_list: AccessList
    digest: str
    seen: int


def publish(hub: Hub) -> str:
    """One line: how many credentials and lists moved."""
    with hub.db.unit_of_work("system", "credentials follow the tenancy records", now=hub.now()) as uow:
        estates = credentials.estates(uow)
        done = [credentials.reconcile(uow, estate) for estate in estates]
        held.expire(uow)
    lists = sum(_publish_estate(hub, estate) for estate in estates)
    rung = _ring_again(hub)
    created, changed, ended = (sum(getattr(d, name) for d in done) for name in ("created", "changed", "ended"))
    return f"credentials +{created} ~{changed} -{ended}; {lists} lists published, {rung} doorbells repeated"


def _publish_estate(hub: Hub, estate: Estate) -> int:
    moved = _composed(hub, estate)
    if not moved:
        return 0
    published: list[tuple[str, ListDoorbell]] = []
    with hub.db.unit_of_work("system", "access lists follow credentials", estate_id=estate.id, now=hub.now()) as uow:
        for one in moved:
            if doorbell := _store(hub, uow, one):
                published.append((one.edge_id, doorbell))
    for edge_id, doorbell in published:
        hub.send(edge_id, doorbell)  # lost when the link is down: `_ring_again` repeats it
    _tell(hub, estate.id, [doorbell.device for _, doorbell in published])
    return len(published)


def _composed(hub: Hub, estate: Estate) -> list[_Moved]:
    """The lists whose content is not what was published last, without a generation yet."""
    now = hub.now()
    with hub.db.reading() as session:
        loaded = bundle.load(session, estate)
        held = {
            device: (generation, digest)
            for device, generation, digest in session.execute(
                select(DesiredList.device_id, DesiredList.generation, DesiredList.digest)
            )
        }
    entitlements = entitle(loaded.points, loaded.holders, now, loaded.time_zone, loaded.passes)
    together: dict[tuple[str, ...], list[Entitlement]] = {}
    for one in entitlements:
        together.setdefault(one.access_points, []).append(one)
    moved = []
    for target in loaded.targets:  # an entrance is not asked about the people of a hundred other blocks
        mine = [one for points, some in together.items() if not target.access_points.isdisjoint(points) for one in some]
        access_list = compose(target, mine, issued_at=now)
        digest = list_digest(access_list)
        generation, before = held.get(target.device, (0, ""))
        if digest != before:
            moved.append(_Moved(loaded.edges[target.device], access_list, digest, generation))
    return moved


def _store(hub: Hub, uow: UnitOfWork, moved: _Moved) -> ListDoorbell | None:
    """None when somebody else published in between."""
    session, device_id = uow.session, moved.access_list.device_id
    row = session.scalar(select(DesiredList).where(DesiredList.device_id == device_id).with_for_update())
    if (row.generation if row else 0) != moved.seen:
        return None
    reported = session.get(ReportedList, device_id)
    generation = next_generation(moved.seen, reported.generation if reported else 0)
    access_list = msgspec.structs.replace(moved.access_list, generation=generation)
    payload = msgspec.json.encode(access_list)
    before = _decoder.decode(row.payload) if row else None
    touched, gone = changes(before, access_list)
    if row is None:
        row = DesiredList(device_id=device_id, changes={})
        session.add(row)
    row.changes = _history(row, reported, before, generation, touched, gone, access_list, uow.now)
    row.generation, row.digest = generation, moved.digest
    row.tokens = [c.token for c in access_list.credentials]
    row.payload, row.signature, row.key_id = payload, hub.keys.sign(payload), hub.keys.key_id
    row.issued_at = access_list.issued_at
    uow.record(
        "list.published",
        device_id,
        generation=generation,
        digest=moved.digest[:16],
        credentials=len(access_list.credentials),
        changed=len(touched),
        removed=sorted(gone) if len(gone) <= credentials.MANY else len(gone),
    )
    return ListDoorbell(device_id, generation, moved.digest, len(payload))


def _history(
    row: DesiredList,
    reported: ReportedList | None,
    before: AccessList | None,
    generation: int,
    touched: frozenset[str],
    gone: frozenset[str],
    after: AccessList,
    now: datetime,
) -> dict[str, Any]:
    """Since which generation each entry is as it is, and removals (of whole entries, of a face) not confirmed yet."""
    since = row.changes.get("since", {})
    tokens = {c.token for c in after.credentials}
    labels = {c.token: c.label for c in before.credentials} if before else {}
    faces = _faces(after)
    still_open = {
        key: removal
        for key, removal in row.changes.get("removed", {}).items()
        if not _came_back(key, tokens, faces) and removal_open(reported, key, removal)
    }
    lost = (_faces(before) - faces) & tokens if before else set()
    entry = {"generation": generation, "at": now.isoformat()}
    removed = {t: {**entry, "label": labels[t]} for t in sorted(gone)}
    removed |= {f"{t}#face": {**entry, "label": f"{labels[t]}（人脸）"} for t in sorted(lost)}
    return {
        "since": {t: generation if t in touched else since.get(t, generation) for t in sorted(tokens)},
        "removed": still_open | removed,
    }


def _faces(access_list: AccessList) -> set[str]:
    return {c.token for c in access_list.credentials if any(i.type == IdentifierType.FACE for i in c.identifiers)}


def _came_back(key: str, tokens: set[str], faces: set[str]) -> bool:
    token, _, part = key.partition("#")
    return token in faces if part else token in tokens


def _ring_again(hub: Hub) -> int:
    """Doorbells for devices whose edge is there and reports an older list: the doorbell may have been lost."""
    with hub.db.reading() as session:
        lengths = select(DesiredList.device_id, func.length(DesiredList.payload))
        sizes = {str(device): int(size) for device, size in session.execute(lengths)}
        waiting = [
            (lists.device.edge_id, ListDoorbell(lists.device.id, d.generation, d.digest, sizes[lists.device.id]))
            for lists in device_lists(session)
            for d in (lists.desired,)
            if lists.edge_online and (lists.reported is None or lists.state == "behind")
        ]
    return sum(hub.send(edge_id, doorbell) for edge_id, doorbell in waiting)


def _tell(hub: Hub, estate_id: str, devices: list[str]) -> None:
    with hub.db.reading() as session:
        items = [step_item(lists) for lists in device_lists(session, {estate_id}) if lists.device.id in devices]
    for item in items:
        hub.live.emit(estate_id, "sync", item)


JOBS = (Job(NAME, 60.0, publish),)
