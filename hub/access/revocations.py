"""Revocations, one by one: opened where a credential ends or leaves a list, sent ahead of all lists, closed by its device's word.

A `RevocationOrder` carries credentials that ended for good. What leaves a list otherwise (a move, a withdrawn face) goes with the
list and is tracked here just the same; it is ordered off by name where its box does not know it as its own (a new disk, another
terminal).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from device_drivers.contract.messages import (
    DeviceReported,
    RevocationOrder,
    RevocationResult,
    Revocations,
    Revoked,
    RevokedOn,
)
from hub.access.capabilities import UNTOLD, capabilities_of
from hub.access.merge import Merged
from hub.db import UnitOfWork
from hub.services import Hub
from hub.tables import CredentialRow, DesiredEntry, Device, Edge, Revocation

OPEN, GONE, ASSUMED, BACK, UNPROVED = "open", "gone", "assumed", "back", "unproved"
FACE = "face"
AGAIN = timedelta(seconds=20)  # an order nobody answered is sent again; the list says the same in any case
ANSWERED_WITHIN = timedelta(seconds=2)  # by a device that is there
STRAYS_TOLD = 200  # so many fit into a report: more are not told by name
BACK_ZH = "设备上又出现了这张已不该有的凭证（设备可能恢复了旧名单或换了机器）。"
STRAY_ZH = "设备上仍有这张凭证，而边缘机已不记得是自己写入的；已按凭证单独下令删除。"
AN_ORDER = 500  # tokens in one order: it must fit a packet


@dataclass(frozen=True, slots=True)
class UnconfirmedRemoval:
    """A credential (or only its face) to go from a device which has not confirmed it yet. `told`: what the edge says."""

    token: str
    label: str
    device_id: str
    device_name: str
    since: datetime
    part: str = ""
    because: str = ""
    told: str = ""
    edge_online: bool = True


class Ordered(NamedTuple):
    """To go from `device`: because it `ended`, or from this one only."""

    device: str
    token: str
    ended: bool = True


# --- opened -----------------------------------------------------------------------------------------------------------


def ended(uow: UnitOfWork, token: str, because: str) -> None:
    """A credential ended: it must go from every device whose list has it."""
    session = uow.session
    rows = session.execute(
        select(DesiredEntry.device_id, Device.estate_id, CredentialRow.label)
        .join(Device, Device.id == DesiredEntry.device_id)
        .join(CredentialRow, CredentialRow.token == DesiredEntry.token)
        .where(DesiredEntry.token == token)
    ).all()
    for device_id, estate_id, label in rows:
        open_one(uow, device_id, estate_id, token, label, because)


def open_one(
    uow: UnitOfWork,
    device_id: str,
    estate_id: str,
    token: str,
    label: str,
    because: str,
    part: str = "",
) -> None:
    """Once: an open one stays as it is, and so does one that was confirmed ahead of the list without it."""
    mine = (Revocation.device_id == device_id, Revocation.token == token, Revocation.part == part)
    ahead = (Revocation.generation == 0) & Revocation.state.in_((GONE, ASSUMED))
    if uow.session.scalars(select(Revocation.id).where(*mine, (Revocation.state == OPEN) | ahead)).first() is None:
        row = Revocation(
            estate_id=estate_id, device_id=device_id, token=token, part=part, label=label, because=because,
            asked_at=uow.now, generation=0, state=OPEN, proof="", told="",
        )  # fmt: skip
        uow.session.add(row)
        uow.session.flush()


def face_off(uow: UnitOfWork, token: str) -> None:
    """A face is to go, the credential stays. A device in service is told by its next list (`listed`); one that is out of
    service has none until it serves again, and may keep the face meanwhile: that is open from now on, and shown."""
    rows = uow.session.execute(
        select(Device.id, Device.estate_id, Device.kind, Device.config, Edge.catalogue, CredentialRow.label)
        .join(DesiredEntry, DesiredEntry.device_id == Device.id)
        .join(Edge, Edge.id == Device.edge_id)
        .join(CredentialRow, CredentialRow.token == DesiredEntry.token)
        .where(DesiredEntry.token == token, Device.in_service.is_(False), Device.removed_at.is_(None))
    ).all()
    for device_id, estate_id, kind, config, catalogue, label in rows:
        told = capabilities_of(kind, catalogue, config)
        if told is not UNTOLD and FACE in told.accepted:
            open_one(uow, device_id, estate_id, token, f"{label}（人脸）", "face_withdrawn", FACE)


def listed(uow: UnitOfWork, device: tuple[str, str], generation: int, merged: Merged) -> None:
    """A list of `device` (id, estate) was published. What it lost must be confirmed; what stands on it again need not."""
    session, (device_id, estate_id) = uow.session, device
    ahead = (Revocation.generation == 0) & Revocation.state.in_((GONE, ASSUMED))  # confirmed before this list was made
    rows = session.scalars(
        select(Revocation).where(Revocation.device_id == device_id, (Revocation.state == OPEN) | ahead)
    ).all()
    tokens = sorted({row.token for row in rows if row.state == OPEN})
    ended_ones = select(CredentialRow.token).where(CredentialRow.state == "ended")
    over = {
        token
        for start in range(0, len(tokens), AN_ORDER)
        for token in session.scalars(ended_ones.where(CredentialRow.token.in_(tokens[start : start + AN_ORDER])))
    }
    for row in rows:
        there = merged.body.has_face(row.token) if row.part == FACE else row.token in merged.body.credentials
        if row.state != OPEN:
            if not there:  # else this list was composed before the end: its loss is that of the next one, and known
                row.generation = generation
            continue
        if there and row.token in over:
            continue  # this list was composed before the credential ended: the next one is without it
        if there:
            row.state, row.confirmed_at = BACK, uow.now
        elif not row.generation:  # it ended before this list was made, so this is the first without it
            row.generation = generation
    known = {(row.token, row.part) for row in rows if row.state != BACK}
    fresh = [(t, "", label) for t, label in merged.gone.items()]
    fresh += [(t, FACE, label) for t, label in merged.faceless.items()]
    values = [
        {
            "estate_id": estate_id, "device_id": device_id, "token": token, "part": part, "label": label,
            "because": "", "asked_at": uow.now, "generation": generation, "state": OPEN, "proof": "", "told": "",
        }
        for token, part, label in fresh
        if (token, part) not in known
    ]  # fmt: skip
    if values:
        session.execute(insert(Revocation), values)


# --- sent -------------------------------------------------------------------------------------------------------------


def send(hub: Hub, *, edge_id: str | None = None) -> int:
    """Orders for what ended, or strays, and is not confirmed: not sent yet, or long ago. How many credentials × devices."""
    now = hub.now()
    over = CredentialRow.state == "ended"
    query = (
        select(Revocation.id, Revocation.device_id, Revocation.token, over, Device.edge_id, Edge.estate_id)
        .join(CredentialRow, CredentialRow.token == Revocation.token)
        .join(Device, Device.id == Revocation.device_id)
        .join(Edge, Edge.id == Device.edge_id)
        .where(Revocation.state == OPEN, Revocation.part == "", over | Revocation.stray, Edge.online)
        .order_by(Revocation.asked_at, Revocation.id)
    )
    if edge_id is None:
        query = query.where((Revocation.sent_at.is_(None)) | (Revocation.sent_at < now - AGAIN))
    else:
        query = query.where(Device.edge_id == edge_id)
    with hub.db.reading() as session:
        rows = session.execute(query).all()
    sent: list[int] = []
    by_edge: dict[tuple[str, str], list[tuple[int, Ordered]]] = {}
    for row_id, device_id, token, ended, edge, estate in rows:
        by_edge.setdefault((edge, estate), []).append((row_id, Ordered(device_id, token, bool(ended))))
    for (edge, estate), mine in by_edge.items():
        for start in range(0, len(mine), AN_ORDER):
            part = mine[start : start + AN_ORDER]
            if hub.send(edge, order(hub, edge, estate, [one for _, one in part], now)):
                sent += [row_id for row_id, _ in part]
    if sent:
        hub.right_of_way.take()
        with hub.db.unit_of_work("system", "revocations sent", now=now, audit=False) as uow:
            for start in range(0, len(sent), AN_ORDER):
                ids = sent[start : start + AN_ORDER]
                uow.session.execute(update(Revocation).where(Revocation.id.in_(ids)).values(sent_at=now))
    return len(sent)


def order(hub: Hub, edge: str, estate: str, items: Sequence[Ordered], now: datetime) -> RevocationOrder:
    """Signed, for one edge."""
    of_device: dict[str, tuple[list[str], list[str]]] = {}
    for one in items:
        over, here = of_device.setdefault(one.device, ([], []))
        (over if one.ended else here).append(one.token)
    said = tuple(RevokedOn(device, tuple(over), tuple(here)) for device, (over, here) in of_device.items())
    content = Revocations(edge, estate, now, said)
    payload = msgspec.json.encode(content)
    return RevocationOrder(payload, hub.keys.sign(payload), hub.keys.key_id)


# --- confirmed --------------------------------------------------------------------------------------------------------


def take_result(hub: Hub, edge_id: str, result: RevocationResult) -> bool:
    """What an edge says became of them. False when one of the devices does not hang on this edge."""
    devices = {item.device for item in result.items}
    with hub.db.unit_of_work(f"edge:{edge_id}", "revocations answered", now=hub.now(), audit=False) as uow:
        mine = dict(
            uow.session.execute(
                select(Device.id, Device.estate_id).where(Device.id.in_(sorted(devices)), Device.edge_id == edge_id)
            ).all()
        )
        if mine.keys() != devices:
            return False
        tokens = sorted({item.token for item in result.items})
        waiting: dict[tuple[str, str], list[Revocation]] = {}
        for start in range(0, len(tokens), AN_ORDER):
            part = Revocation.token.in_(tokens[start : start + AN_ORDER])
            for row in uow.session.scalars(select(Revocation).where(part, Revocation.state == OPEN)):
                waiting.setdefault((row.device_id, row.token), []).append(row)
        closed = [row for item in result.items for row in _answer(uow, item, waiting)]
        under_way = (Revocation.state == OPEN) & (Revocation.sent_at > uow.now - ANSWERED_WITHIN)
        others = uow.session.scalars(select(Revocation.id).where(under_way).limit(1)).first()
    if others is None:
        hub.right_of_way.free()
    show(hub, closed)
    return True


def _answer(uow: UnitOfWork, item: Revoked, waiting: dict[tuple[str, str], list[Revocation]]) -> list[Revocation]:
    rows = waiting.get((item.device, item.token), [])
    if item.state not in (GONE, ASSUMED):
        for row in rows:
            row.told = item.text[:300]
        return []
    for row in rows:  # the whole credential went, so its face did too
        row.state, row.proof, row.confirmed_at, row.told = item.state, "read_back", uow.now, item.text[:300]
    waiting.pop((item.device, item.token), None)
    return rows


def settle(uow: UnitOfWork, device_id: str, report: DeviceReported) -> list[Revocation]:
    """What the device's own report closes: a list at least as new was worked on and read back, nothing of it is pending."""
    rows = uow.session.scalars(
        select(Revocation).where(
            Revocation.device_id == device_id,
            Revocation.state == OPEN,
            Revocation.generation > 0,
            Revocation.generation <= report.generation,
        )
    ).all()
    if not rows or (report.read_back_at is None and not report.decided_at_edge):
        return []
    if report.pending > len(report.pending_tokens):
        return []  # which ones wait is not said in full
    waiting, strays = set(report.pending_tokens), set(report.strays)
    for row in rows:
        if row.token in strays:  # a box that lost its memory takes what it wrote for somebody else's
            row.told = STRAY_ZH
    closed = [row for row in rows if row.token not in waiting | strays and (row.part or len(strays) < STRAYS_TOLD)]
    for row in closed:
        row.state, row.proof, row.confirmed_at = GONE, "edge" if report.decided_at_edge else "report", uow.now
    return closed


def come_back(uow: UnitOfWork, device: Device, report: DeviceReported) -> list[str]:
    """Tokens of this estate that stand on a device again whose list has none of them: a terminal that was set back, or
    another one in its place. Their box takes them for somebody else's; here they are known, and ordered off."""
    strays = sorted(set(report.strays))
    if not strays or not device.in_service:
        return []
    session, of_device = uow.session, Revocation.device_id == device.id
    wanted = select(DesiredEntry.token).where(DesiredEntry.device_id == device.id, DesiredEntry.token.in_(strays))
    known = session.execute(
        select(CredentialRow.token, CredentialRow.label, CredentialRow.ended_because).where(
            CredentialRow.token.in_(strays),
            CredentialRow.estate_id == device.estate_id,
            CredentialRow.token.not_in(wanted),
        )
    ).all()
    rows = session.scalars(
        select(Revocation).where(of_device, Revocation.state == OPEN, Revocation.token.in_(strays))
    ).all()
    open_already = {row.token for row in rows}
    for row in rows:
        row.stray = True
    session.add_all(
        Revocation(
            estate_id=device.estate_id, device_id=device.id, token=token, part="", label=label, because=because,
            asked_at=uow.now, generation=report.generation, state=OPEN, proof="", told=BACK_ZH, stray=True,
        )
        for token, label, because in known
        if token not in open_already
    )  # fmt: skip
    return [token for token, _, _ in known]


def show(hub: Hub, closed: Iterable[Revocation]) -> None:
    for row in closed:
        hub.live.emit(row.estate_id, "revocations", item(row))


def item(row: Revocation) -> dict[str, Any]:
    """For the live stream."""
    columns = (
        "id",
        "device_id",
        "token",
        "part",
        "label",
        "because",
        "asked_at",
        "state",
        "proof",
        "confirmed_at",
        "told",
    )
    return {name: getattr(row, name) for name in columns}


# --- asked ------------------------------------------------------------------------------------------------------------


def unconfirmed(session: Session, estate_id: str) -> list[UnconfirmedRemoval]:
    """Oldest first."""
    rows = session.execute(
        select(Revocation, Device.name, Edge.online)
        .join(Device, Device.id == Revocation.device_id)
        .join(Edge, Edge.id == Device.edge_id)
        .where(Revocation.state == OPEN, Revocation.estate_id == estate_id)
        .order_by(Revocation.asked_at, Revocation.device_id, Revocation.token, Revocation.part)
    )
    return [
        UnconfirmedRemoval(
            row.token,
            f"{row.label}（人脸）" if row.part == FACE else row.label,
            row.device_id,
            name,
            row.asked_at,
            row.part,
            row.because,
            row.told,
            bool(online),
        )
        for row, name, online in rows
    ]


def oldest_open(session: Session, estate_id: str) -> datetime | None:
    return session.scalar(
        select(Revocation.asked_at)
        .where(Revocation.state == OPEN, Revocation.estate_id == estate_id)
        .order_by(Revocation.asked_at)
        .limit(1)
    )


def taken_down(uow: UnitOfWork, device_id: str) -> None:
    """A device that was removed cannot prove anything any more: that is said, not forgotten."""
    mine = update(Revocation).where(Revocation.device_id == device_id, Revocation.state == OPEN)
    uow.session.execute(mine.values(state=UNPROVED, confirmed_at=uow.now, told="device taken down"))
