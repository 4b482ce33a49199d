"""Who may pass where, when, because of what, and on which devices since when: for people who must answer for it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from device_drivers.contract.words import HolderClass
from hub.access import bundle
from hub.access.entitle import Entitlement, entitle
from hub.access.explain_words import TYPE_ZH, Line, ended, mode_words, moment, when
from hub.access.pass_ends import uses_at
from hub.access.states import DeviceState, credential_states, device_lists, in_force
from hub.access.step import no_way_in
from hub.access.ways import DoorWay, door_ways
from hub.tables import AccessPoint, CredentialRow, Door, Dwelling, Estate

SHUT = ("locked_down", "blocked")


def explain_dwelling(session: Session, dwelling: Dwelling, at: datetime) -> list[Line]:
    """Everybody whose right comes from a tenancy of this dwelling, and ended credentials still on a device."""
    estate = session.get_one(Estate, dwelling.estate_id)
    rows = session.execute(
        select(CredentialRow.token, CredentialRow.state, CredentialRow.label, CredentialRow.ended_because)
        .where(CredentialRow.dwelling_id == dwelling.id)
        .order_by(CredentialRow.label, CredentialRow.token)
    ).all()
    lines = _lines(session, estate, at, {token for token, state, _, _ in rows if state == "active"}, None)
    gone = [(token, label, why) for token, state, label, why in rows if state != "active"]
    states = credential_states(session, [token for token, _, _ in gone])
    return lines + [_ended(token, label, why, states[token]) for token, label, why in gone if states[token]]


def explain_tokens(session: Session, tokens: Collection[str], at: datetime) -> list[Line]:
    """These credentials, ended ones too. Unknown tokens are passed over."""
    rows = session.scalars(select(CredentialRow).where(CredentialRow.token.in_(sorted(tokens)))).all()
    found: list[Line] = []
    for estate_id in sorted({row.estate_id for row in rows}):
        live = {r.token for r in rows if r.estate_id == estate_id and r.state == "active"}
        found += _lines(session, session.get_one(Estate, estate_id), at, live, None)
    states = credential_states(session, [r.token for r in rows if r.state != "active"])
    return found + [_ended(r.token, r.label, r.ended_because, states[r.token]) for r in rows if r.state != "active"]


@dataclass(frozen=True, slots=True)
class DoorAccess:
    """Who may pass one door. `shut`: why nobody passes now, or everybody does; `devices`: id, name and how far in step."""

    door: Door
    zone: str
    lines: list[Line]
    shut: tuple[str, ...]
    devices: tuple[tuple[str, str, str], ...]


def explain_door(session: Session, door: Door, at: datetime) -> DoorAccess:
    """Everybody who may pass this door, those who do not live here first."""
    points = session.scalars(select(AccessPoint).where(AccessPoint.door_id == door.id)).all()
    estate = session.get_one(Estate, door.estate_id)
    lines = _lines(session, estate, at, None, {p.id for p in points})
    lines.sort(key=lambda line: (line.holder_class == HolderClass.RESIDENT, line.who, line.token))
    mine = {p.device_id for p in points if p.device_id}
    lists = device_lists(session, devices=mine)
    modes = _modes(session, estate, {p.id: door.name for p in points}, at)
    return DoorAccess(
        door,
        estate.time_zone,
        lines,
        tuple(dict.fromkeys(text for _, text in modes.values())),
        tuple((one.device.id, one.device.name, one.state) for one in lists),
    )


def _ended(token: str, label: str, why: str, states: Sequence[DeviceState]) -> Line:
    return Line(label, "无", "已终止", ended(why), "", tuple(states), (ended(why),), token)


def _lines(
    session: Session, estate: Estate, at: datetime, tokens: set[str] | None, points: set[str] | None
) -> list[Line]:
    if tokens is not None and not tokens:
        return []
    loaded = bundle.load(session, estate)
    entitlements = [
        e
        for e in entitle(loaded.points, loaded.holders, at, estate.time_zone, loaded.passes)
        if (tokens is None or e.token in tokens) and (points is None or not points.isdisjoint(e.access_points))
    ]
    around = _Around(session, estate, at, loaded, credential_states(session, [e.token for e in entitlements]))
    around.used = uses_at(session, estate.id, [e.token for e in entitlements if e.uses is not None])
    return [around.line(one, points) for one in sorted(entitlements, key=lambda e: (e.label, e.token))]


class _Around:
    """What an estate's lines are told from, loaded once."""

    def __init__(
        self,
        session: Session,
        estate: Estate,
        at: datetime,
        loaded: bundle.Bundle,
        states: Mapping[str, Sequence[DeviceState]],
    ) -> None:
        self.at, self.zone, self.states = at, estate.time_zone, states
        self.targets = {t.device: t for t in loaded.targets}
        rows = session.execute(
            select(AccessPoint.id, Door.id, Door.name)
            .join(Door, Door.id == AccessPoint.door_id)
            .where(AccessPoint.estate_id == estate.id)
        ).all()
        self.door_of = {point: door for point, door, _ in rows}
        self.names = {point: name for point, _, name in rows}
        self.ways: dict[str, DoorWay] = {w.door: w for w in door_ways(session, estate.id, set(self.door_of.values()))}
        self.stuck = {n.token: n for n in no_way_in(session, estate, at)}
        self.modes = _modes(session, estate, self.names, at)
        self.used: Mapping[tuple[str, str], int] = {}

    def line(self, one: Entitlement, points: set[str] | None) -> Line:
        where = [p for p in one.access_points if points is None or p in points]
        doors = "、".join(dict.fromkeys(self.names[p] for p in where)) or "无"
        devices = [
            self._device(one, state)
            for state in self.states[one.token]
            if state.device_id not in self.targets or not self.targets[state.device_id].access_points.isdisjoint(where)
        ]
        return Line(
            one.label,
            doors,
            when(one, self.zone),
            one.because,
            self._ways(one),
            tuple(devices),
            tuple(dict.fromkeys(self._not_because(one, where))),
            one.token,
            one.holder_class.value,
        )

    def _device(self, one: Entitlement, state: DeviceState) -> DeviceState:
        """A terminal that only passes on what this holder shows proves nothing by its list: its edge decides."""
        target = self.targets.get(state.device_id)
        if target is None or state.proof != "read_back":
            return state
        scheduled = any(point in target.access_points for point, _ in one.schedules)
        types = {i.type for i in one.identifiers}
        here = target.capabilities.held_here(types, scheduled=scheduled, counted=one.uses is not None)
        return state if here else replace(state, proof="edge")

    def _ways(self, one: Entitlement) -> str:
        told = "、".join(dict.fromkeys(TYPE_ZH.get(i.type, i.type) for i in one.identifiers))
        return "尚无开门方式" if one.token in self.stuck and not told else told  # why, and what to do: `not_because`

    def _not_because(self, one: Entitlement, where: Sequence[str]) -> list[str]:
        told = []
        start = one.validity.not_before
        if start and start > self.at:
            told.append(f"尚未生效，{moment(start, self.zone)} 起可通行。")
        if stuck := self.stuck.get(one.token):
            told.append(stuck.why if stuck.face_only else f"本人还没有可用的开门方式：{stuck.why}")
        told += [text for point in where if point in self.modes for mode, text in (self.modes[point],) if mode in SHUT]
        if one.uses is not None:
            spent = [p for p in where if self.used.get((one.token, p), 0) >= one.uses]
            told += [f"{self.names[point]}：次数已用完（共{one.uses}次）。" for point in spent]
        types = {i.type for i in one.identifiers}
        if one.holder_class == HolderClass.RESIDENT:
            types |= {"qr"}  # every resident may show a phone's code
        hours = dict(one.schedules)
        for door in dict.fromkeys(self.door_of[p] for p in where):
            scheduled = any(p in hours for p in where if self.door_of[p] == door)
            way = self.ways[door]
            whys = [way.why_not(kind, scheduled=scheduled, counted=one.uses is not None) for kind in sorted(types)]
            if way.devices and types and all(whys):
                told.append(whys[0])
        return told


def _modes(session: Session, estate: Estate, names: Mapping[str, str], at: datetime) -> dict[str, tuple[str, str]]:
    """access point → (mode, in words), of those that are not in their normal mode."""
    found: dict[str, tuple[str, str]] = {}
    for lists in device_lists(session, {estate.id}):
        for mode in in_force(lists.reported.modes if lists.reported else None, at):
            point = str(mode.get("access_point", ""))
            if point in names:
                found[point] = str(mode.get("mode")), mode_words(names[point], mode, estate.time_zone)
    return found
