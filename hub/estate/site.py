"""Import of an installer's hand-over (`site.json`): estate, blocks, dwellings, doors, access points, devices, meters.

Idempotent: what stands already is brought up to the document, what is not in it stays (a hand-over never removes).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from datetime import date
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from sqlalchemy import select
from sqlalchemy.orm import Session

from hub import quota
from hub.access.lawful import DoorSetup, PointSetup, door_law
from hub.db import HELD, UnitOfWork
from hub.errors import ApiError, Conflict
from hub.estate import law
from hub.estate.adding import follow
from hub.estate.removing import on_lists
from hub.estate.service_days import say
from hub.held_rows import Kind, hold
from hub.ids import random_text
from hub.occupancy.served import take_over
from hub.services import Hub
from hub.tables import AccessPoint, Block, Device, Door, Dwelling, Edge, Estate, HubUser, Meter

DECLARED = frozenset({"escape_route", "egress", "fire_release"})
SERVICE_DAYS = frozenset({"in_service_since", "in_service_until"})
REASON = "import of a hand-over"
CODE = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,47}$"


class SiteProblem(ValueError):
    """What is wrong with the document, one line a field."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _EstateIn(_Strict):
    code: str = Field(pattern=CODE)
    name: str = Field(min_length=1)
    time_zone: str = "Asia/Shanghai"
    division: str = ""
    pia_id: str = ""

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"unknown time zone {name!r}") from error
        return name


class _BlockIn(_Strict):
    code: str = Field(pattern=CODE)
    name: str
    floors: int = Field(ge=1, le=200)
    dwellings_per_floor: int = Field(ge=1, le=200)


class _DwellingIn(_Strict):
    code: str = Field(pattern=CODE)
    block: str
    floor: int
    number: str
    rooms: int | None = None


class _DoorIn(_Strict):
    code: str = Field(pattern=CODE)
    name: str
    scope: Literal["estate", "block", "dwelling", "amenity"]
    block: str | None = None
    dwelling: str | None = None
    fail_mode: Literal["fail_safe", "fail_secure"] = "fail_safe"
    escape_route: bool | None = None
    egress: Literal["undeclared", "free", "button", "edge", "none"] = "undeclared"
    fire_release: Literal["undeclared", "input", "wired", "none"] = "undeclared"


class _AccessPointIn(_Strict):
    code: str = Field(pattern=CODE)
    name: str
    door: str
    side: Literal["in", "out"]
    device: str | None = None
    point: str = ""
    camera: str | None = None
    necessity: str = ""
    in_service_since: date | None = None
    in_service_until: date | None = None


class _DeviceIn(_Strict):
    code: str = Field(pattern=CODE)
    name: str
    kind: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    config: dict[str, Any] = {}


class _MeterIn(_Strict):
    code: str = Field(pattern=CODE)
    dwelling: str
    quantity: Literal["water", "electricity"]
    device: str
    point: str


class Site(_Strict):
    """The document. Codes are unique within their kind; every reference names a code of the document."""

    estate: _EstateIn
    blocks: list[_BlockIn]
    dwellings: list[_DwellingIn]
    doors: list[_DoorIn] = []
    access_points: list[_AccessPointIn] = []
    devices: list[_DeviceIn] = []
    meters: list[_MeterIn] = []


def read_site(text: str | bytes) -> Site:
    """Raises SiteProblem that names every field that is wrong, every dangling reference and every unlawful door."""
    try:
        site = Site.model_validate(json.loads(text))
    except ValidationError as error:
        lines = [f"{'.'.join(str(part) for part in e['loc'])}: {e['msg']}" for e in error.errors()]
        raise SiteProblem("\n".join(lines)) from error
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SiteProblem(f"not JSON: {error}") from error
    if problems := [*_duplicates(site), *_dangling(site), *_scopes(site), *_unlawful(site)]:
        raise SiteProblem("\n".join(problems))
    return site


def _duplicates(site: Site) -> Iterable[str]:
    for kind in ("blocks", "dwellings", "doors", "access_points", "devices", "meters"):
        counts = Counter(item.code for item in getattr(site, kind))
        yield from (f"{kind}: code {code} stands {n} times" for code, n in counts.items() if n > 1)


def _dangling(site: Site) -> Iterable[str]:
    references = (
        ("dwellings", "block", "blocks"),
        ("doors", "block", "blocks"),
        ("doors", "dwelling", "dwellings"),
        ("access_points", "door", "doors"),
        ("access_points", "device", "devices"),
        ("access_points", "camera", "devices"),
        ("meters", "dwelling", "dwellings"),
        ("meters", "device", "devices"),
    )
    for kind, field, target in references:
        known = {item.code for item in getattr(site, target)}
        for n, item in enumerate(getattr(site, kind)):
            value = getattr(item, field)
            if value is not None and value not in known:
                yield f"{kind}.{n}.{field}: there is no {value!r} in {target} ({item.code})"


def _scopes(site: Site) -> Iterable[str]:
    for n, door in enumerate(site.doors):
        if door.scope == "block" and door.block is None:
            yield f"doors.{n}.block: door {door.code} has scope block and names none"
        if door.scope == "dwelling" and door.dwelling is None:
            yield f"doors.{n}.dwelling: door {door.code} has scope dwelling and names none"


def _unlawful(site: Site) -> Iterable[str]:
    """By what the kinds we drive can do; the import asks again by what the estate's edge announced."""
    devices = {device.code: device for device in site.devices}
    for door in site.doors:
        points = [
            PointSetup(point.side, law.accepted_by(device.kind, [], device.config), law.at_edge(device.kind, []))
            for point in site.access_points
            if point.door == door.code and (device := devices.get(point.device or ""))
        ]
        setup = DoorSetup(
            door.code, door.scope, door.fail_mode, door.escape_route, door.egress, door.fire_release, tuple(points)
        )
        yield from (f"doors: door {door.code} ({p.code}): {p.text_zh}" for p in door_law(setup) if p.refused)


class HandOver(msgspec.Struct, frozen=True, tag="site.hand_over"):
    """A document that waits for a second person; `entries`: how many people × devices would lose a way in."""

    text: str
    edge_id: str | None
    entries: int


class SiteWaits(Exception):
    """Nothing of the document stands yet: a second person decides about it in the console."""

    def __init__(self, held: str, entries: int) -> None:
        super().__init__(
            f"doors move: {entries} entries of people would go, more than {quota.LIMIT} within the hour. "
            f"It waits as {held} for a second person, who confirms or refuses it in the console within 24 hours"
        )
        self.held = held


class _TooMany(Exception):
    def __init__(self, entries: int, devices: Collection[str]) -> None:
        self.entries, self.devices = entries, sorted(devices)


def import_site(
    hub: Hub, text: str | bytes, edge_id: str | None = None, actor: str = "command line", by: str = ""
) -> str:
    """The estate's id. Devices hang on `edge_id`, or on the estate's only edge. Raises SiteProblem, SiteWaits.

    `by`: the user who asks for it, where it takes a door from more people than one may decide about.
    """
    site = read_site(text)
    try:
        with hub.db.unit_of_work(actor, REASON, estate_id=site.estate.code, now=hub.now()) as uow:
            before = _doors(uow.session, site.estate.code)
            _write(uow, site, edge_id)
            _weigh(uow, site.estate.code, before, by or actor)
    except _TooMany as many:
        document = text.decode() if isinstance(text, bytes) else text
        held = _hold(hub, site, HandOver(document, edge_id, many.entries), many.devices, by)
        raise SiteWaits(held, many.entries) from many
    follow(hub)
    return site.estate.code


def _write(uow: UnitOfWork, site: Site, edge_id: str | None) -> None:
    estate_id = site.estate.code
    _write_places(uow.session, site, estate_id)
    if site.devices:
        _write_devices(uow, site, estate_id, edge_id)
    _still_lawful(uow.session, site, estate_id)
    counts = {kind: len(getattr(site, kind)) for kind in ("blocks", "dwellings", "doors", "devices", "meters")}
    uow.record("site.imported", estate_id, **counts)


def _hold(hub: Hub, site: Site, action: HandOver, devices: Collection[str], by: str) -> str:
    """The id of what waits. Raises SiteProblem where nobody is named who asks: then any single person could do both."""
    estate_id = site.estate.code
    with hub.db.unit_of_work(by, REASON, estate_id=estate_id, now=hub.now()) as uow:
        asker = select(HubUser).where(HubUser.name == by, HubUser.disabled.is_(False))
        user = uow.session.scalars(asker).first() if by else None
        if user is None:
            named = ", ".join(devices)
            raise SiteProblem(
                f"doors of {named} move: {action.entries} entries of people would go, more than {quota.LIMIT} within the "
                f"hour; a second person has to confirm it in the console. Say who asks: --by NAME"
                + (f" ({by!r} is no user)" if by else "")
            )
        names = uow.session.scalars(select(Device.name).where(Device.id.in_(devices)).order_by(Device.name)).all()
        label = f"导入交接文件，改变“{'”“'.join(names)}”所控制的门，影响{action.entries}人次"
        return hold(uow, user.id, estate_id, action, label, action.entries)


def _perform(uow: UnitOfWork, estate_id: str, action: HandOver) -> str:
    """As things stand now. Raises Conflict; then nothing of it stands."""
    try:
        site = read_site(action.text)
        if site.estate.code != estate_id:
            raise SiteProblem(f"estate.code: {site.estate.code!r} is not this estate")
        _write(uow, site, action.edge_id)
    except SiteProblem as error:
        raise Conflict(f"交接文件现在不能导入：{error}", "hand_over_refused") from error
    return estate_id


KIND = Kind(HandOver, lambda _session, action: int(action.entries), lambda *_: "", _perform, follow)


def _doors(session: Session, estate_id: str) -> dict[str, tuple[str, tuple[str | None, ...]]]:
    """Access point → (the serving device that controls it, by what of it and of its door people come in there)."""
    rows = session.execute(
        select(AccessPoint.id, Device.id, AccessPoint.point, Door.id, Door.scope, Door.block_id, Door.dwelling_id)
        .join(Device, Device.id == AccessPoint.device_id)
        .join(Door, Door.id == AccessPoint.door_id)
        .where(AccessPoint.estate_id == estate_id, Device.in_service.is_(True), Device.removed_at.is_(None))
    )
    return {point: (device, tuple(place)) for point, device, *place in rows}


def _weigh(uow: UnitOfWork, estate_id: str, before: Mapping[str, tuple[str, tuple[str | None, ...]]], who: str) -> None:
    """A hand-over that moves doors takes their people's way in, as a person's click would: the same limit. Raises _TooMany."""
    after = _doors(uow.session, estate_id)
    losing = {device for point, (device, place) in before.items() if after.get(point) != (device, place)}
    lost = on_lists(uow.session, losing)
    if lost and not quota.spend(uow, who, "site.imported", lost):
        raise _TooMany(lost, losing)


def _still_lawful(session: Session, site: Site, estate_id: str) -> None:
    """With what stands already and what the edge announced. Raises SiteProblem; then nothing is imported."""
    try:
        law.require_lawful(session, {f"{estate_id}.{door.code}" for door in site.doors})
    except ApiError as error:
        raise SiteProblem(f"doors: {error.message}") from error


def _put(session: Session, table: Any, id: str, values: dict[str, Any]) -> None:
    row = session.get(table, id)
    if row is None:
        session.add(table(id=id, **values))
        return
    for name, value in values.items():
        setattr(row, name, value)


def _silent(item: BaseModel, names: frozenset[str]) -> frozenset[str]:
    """Of these, what the document does not say: what people declared since stays as they said."""
    return names - item.model_fields_set


def _write_places(session: Session, site: Site, estate_id: str) -> None:
    estate = session.get(Estate, estate_id, with_for_update=HELD)
    if estate is None:
        session.add(estate := Estate(id=estate_id, code=site.estate.code, name=site.estate.name, policy={}))
    estate.name, estate.time_zone, estate.division = site.estate.name, site.estate.time_zone, site.estate.division
    if site.estate.pia_id:
        estate.policy = {**estate.policy, "pia_id": site.estate.pia_id}
    session.flush()

    def key(code: str | None) -> str | None:
        return None if code is None else f"{estate_id}.{code}"

    for block in site.blocks:
        _put(session, Block, f"{estate_id}.{block.code}", {"estate_id": estate_id, **block.model_dump()})
    session.flush()
    for home in site.dwellings:
        values = {"estate_id": estate_id, **home.model_dump(exclude={"block"}), "block_id": key(home.block)}
        _put(session, Dwelling, f"{estate_id}.{home.code}", values)
    session.flush()
    for door in site.doors:
        values = {"estate_id": estate_id, **door.model_dump(exclude={"block", "dwelling", *_silent(door, DECLARED)})}
        values |= {"block_id": key(door.block), "dwelling_id": key(door.dwelling)}
        _put(session, Door, f"{estate_id}.{door.code}", values)
    session.flush()


def _say(uow: UnitOfWork, point: AccessPoint, since: date | None, until: date | None) -> None:
    try:
        say(uow, point, since, until)
    except ApiError as error:
        raise SiteProblem(f"access_points: {point.code}: {error.message}") from error


def _write_devices(uow: UnitOfWork, site: Site, estate_id: str, edge_id: str | None) -> None:
    session = uow.session
    own = [edge.id for edge in session.query(Edge).filter(Edge.estate_id == estate_id)]
    if edge_id is None and len(own) > 1:
        raise SiteProblem(f"the estate has {len(own)} edges: say on which the devices hang (--edge {own[0]})")
    if edge_id is not None and edge_id not in own:
        raise SiteProblem(f"edge {edge_id} is not one of estate {estate_id}")
    edge = edge_id or (own[0] if own else "")
    if not edge:
        edge = f"edge-{random_text(8)}"
        session.add(Edge(id=edge, estate_id=estate_id, name=f"{site.estate.name} 边缘机"))
        session.flush()
        uow.record("edge.added", edge)
    for device in site.devices:
        values = {"estate_id": estate_id, "edge_id": edge, **device.model_dump()}
        _put(session, Device, f"{estate_id}.{device.code}", values)
    session.flush()
    for point in site.access_points:
        silent = _silent(point, frozenset({"necessity"}))
        left = {"door", "device", "camera", *SERVICE_DAYS, *silent}
        values = {"estate_id": estate_id, **point.model_dump(exclude=left)}
        values["door_id"] = f"{estate_id}.{point.door}"
        values["camera_id"] = f"{estate_id}.{point.camera}" if point.camera else None
        _put(session, AccessPoint, f"{estate_id}.{point.code}", values)
        session.flush()
        stands = session.get_one(AccessPoint, f"{estate_id}.{point.code}")
        take_over(session, stands, f"{estate_id}.{point.device}" if point.device else None, uow.now)
        if said := SERVICE_DAYS - _silent(point, SERVICE_DAYS):
            days = {name: getattr(point if name in said else stands, name) for name in SERVICE_DAYS}
            _say(uow, stands, days["in_service_since"], days["in_service_until"])
    for meter in site.meters:
        values = {"estate_id": estate_id, **meter.model_dump(include={"point", "quantity"})}
        values |= {"dwelling_id": f"{estate_id}.{meter.dwelling}", "device_id": f"{estate_id}.{meter.device}"}
        _put(session, Meter, f"{estate_id}.{meter.code}", values)
