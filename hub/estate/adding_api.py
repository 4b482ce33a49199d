"""Routes for adding a device: what an edge can drive, the device, its doors, its service, its removal."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from hub.access import held
from hub.access.desk import Done
from hub.access.foreign import ChooseForeign
from hub.auth import Principal, hub_of, in_scope, require
from hub.errors import NotFound
from hub.estate import adding
from hub.estate.models import Created
from hub.estate.removing import MapDoors, TakeOut
from hub.estate.service_days import ServiceDays
from hub.estate.site import CODE
from hub.estate.views import mask_secrets
from hub.services import Hub
from hub.tables import AccessPoint, Device, Door, Edge, ReportedList

router = APIRouter(prefix="/api/v1", tags=["adding"])
TheHub = Annotated[Hub, Depends(hub_of)]
Viewer = Annotated[Principal, Depends(require("estate.view"))]
Keeper = Annotated[Principal, Depends(require("device.manage"))]


Egress = Literal["undeclared", "free", "button", "edge", "none"]
FireRelease = Literal["undeclared", "input", "wired", "none"]


class DriverItem(BaseModel):
    """`config_schema`: JSON Schema of the settings, from which the form is drawn."""

    kind: str
    title: str
    config_schema: dict[str, Any]
    capabilities: dict[str, Any]


class Catalogue(BaseModel):
    edge_id: str
    edge_name: str
    online: bool
    drivers: list[DriverItem]


class FoundDeviceItem(BaseModel):
    """`config`: what is known of its settings; a password is typed by a person."""

    edge_id: str
    edge_name: str
    key: str
    kind: str
    title: str
    title_en: str
    config: dict[str, Any]
    detail: str
    detail_en: str
    first_seen_at: datetime
    last_seen_at: datetime


class FoundDevices(BaseModel):
    items: list[FoundDeviceItem]


class NewDevice(BaseModel):
    edge_id: str
    code: str = Field(pattern=CODE)
    name: str = Field(min_length=1, max_length=60)
    kind: str
    config: dict[str, Any] = {}


class DoorIn(BaseModel):
    name: str = Field(min_length=1, max_length=60)
    scope: Literal["estate", "block", "amenity"] = "estate"
    block_id: str | None = None
    fail_mode: Literal["fail_safe", "fail_secure"] = "fail_safe"
    escape_route: bool | None = None
    egress: Egress = "undeclared"
    fire_release: FireRelease = "undeclared"


class ServiceDaysIn(BaseModel):
    """Of an access point: first and last local day on which people passed here, both included; null: always, still. On other
    days it is no part of anybody's way home: neither seen nor unseen. Who may pass is another matter.
    """

    access_point_id: str
    since: date | None
    until: date | None


class DoorDeclared(BaseModel):
    """What is left out stays. `necessity`: why faces are read at this door. `days`: of service, of some of its access points."""

    name: str | None = Field(default=None, min_length=1, max_length=60)
    fail_mode: Literal["fail_safe", "fail_secure"] | None = None
    escape_route: bool | None = None
    egress: Egress | None = None
    fire_release: FireRelease | None = None
    necessity: str | None = Field(default=None, max_length=500)
    days: list[ServiceDaysIn] = Field(default=[], max_length=64)
    reason: str


class PointIn(BaseModel):
    """Exactly one of `access_point_id`, `door_id` (with `side`) and `door` (a new one, with `side`).

    `in_service_since`: the first local day on which people passed here; null: always. Left out: today where this is the first
    device here, else what stands. Of the days before it the access point says nothing of who was at home.
    """

    point: str = Field(default="door1", min_length=1, max_length=64)
    side: Literal["in", "out"] = "in"
    access_point_id: str | None = None
    door_id: str | None = None
    door: DoorIn | None = None
    camera_id: str | None = None
    necessity: str | None = Field(default=None, max_length=500)
    in_service_since: date | None = None


class PointsIn(BaseModel):
    points: list[PointIn] = Field(max_length=64)


class DeviceChange(BaseModel):
    """A masked secret in `config` ("******") stays as it is. `foreign`: what becomes of credentials found on the device."""

    name: str | None = Field(default=None, min_length=1, max_length=60)
    config: dict[str, Any] | None = None
    in_service: bool | None = None
    foreign: Literal["keep", "adopt", "remove"] | None = None
    reason: str


class ForeignHeld(BaseModel):
    """`held`: the id of what waits for a second person."""

    held: str


class Removal(BaseModel):
    reason: str


class FoundOnDevice(BaseModel):
    """What the edge read from the device. `foreign`: credentials there that are not ours."""

    foreign: int
    read_back_at: datetime | None
    reported_at: datetime | None


class SetupPoint(BaseModel):
    id: str
    name: str
    point: str
    side: str
    door_id: str
    camera_id: str | None
    in_service_since: date | None


class DeviceSetup(BaseModel):
    """`found` is null until the edge has looked at the device. `controls_doors`: it needs an access point before service."""

    device_id: str
    in_service: bool
    foreign_choice: str
    found: FoundOnDevice | None
    controls_doors: bool
    driver: DriverItem | None
    config: dict[str, Any]
    points: list[SetupPoint]


@router.get("/edges/{edge_id}/catalogue", response_model=Catalogue)
def edge_catalogue(edge_id: str, hub: TheHub, principal: Keeper) -> Any:
    """What the edge announced. Empty for one that was never online."""
    with hub.db.reading() as session:
        edge = session.get(Edge, edge_id)
        in_scope(principal, edge.estate_id if edge else None)
        if edge is None:
            raise NotFound
        drivers = [_driver_item(driver) for driver in edge.catalogue]
        return {"edge_id": edge.id, "edge_name": edge.name, "online": edge.online, "drivers": drivers}


def _driver_item(driver: dict[str, Any]) -> dict[str, Any]:
    return {
        "kind": driver["kind"],
        "title": driver["title"],
        "config_schema": driver["schema"],
        "capabilities": driver["capabilities"],
    }


@router.get("/estates/{estate_id}/found", response_model=FoundDevices)
def found_devices(estate_id: str, hub: TheHub, principal: Keeper) -> Any:
    """Devices that edges see and nobody added yet. Nothing is written to them before they are put into service."""
    in_scope(principal, estate_id)
    with hub.db.reading() as session:
        return {"items": adding.found_devices(session, estate_id)}


@router.post("/estates/{estate_id}/devices", status_code=201, response_model=Created)
def add_device(estate_id: str, body: NewDevice, hub: TheHub, principal: Keeper) -> Any:
    """Not in service: the edge connects and reports what it finds, and writes nothing."""
    in_scope(principal, estate_id)
    return {"id": adding.add(hub, principal.name, estate_id, **body.model_dump())}


def _in_scope(session: Session, principal: Principal, device_id: str) -> Device:
    device = session.get(Device, device_id)
    in_scope(principal, device.estate_id if device else None)
    if device is None or device.removed_at is not None:
        raise NotFound
    return device


@router.get("/devices/{device_id}/setup", response_model=DeviceSetup)
def device_setup(device_id: str, hub: TheHub, principal: Viewer) -> Any:
    with hub.db.reading() as session:
        device = _in_scope(session, principal, device_id)
        driver = adding.driver_of(session.get_one(Edge, device.edge_id), device.kind)
        reported = session.get(ReportedList, device_id)
        capabilities = driver["capabilities"] if driver else {}
        looked = reported is not None and (reported.read_back_at is not None or reported.decided_at_edge)
        points = session.scalars(
            select(AccessPoint).where(AccessPoint.device_id == device_id).order_by(AccessPoint.code)
        )
        return {
            "device_id": device.id,
            "in_service": device.in_service,
            "foreign_choice": device.foreign_choice,
            "found": {n: getattr(reported, n) for n in FoundOnDevice.model_fields} if looked else None,
            "controls_doors": bool(capabilities.get("cards") or capabilities.get("photos")),
            "driver": _driver_item(driver) if driver else None,
            "config": mask_secrets(device.config),
            "points": [{name: getattr(point, name) for name in SetupPoint.model_fields} for point in points],
        }


@router.put("/devices/{device_id}/points", status_code=204, responses={202: {"model": ForeignHeld}})
def map_device_points(device_id: str, body: PointsIn, hub: TheHub, principal: Keeper) -> Response:
    """The whole mapping of the device to access points; what is not named is let go. 202: that takes a way in from many."""
    with hub.db.reading() as session:
        device = _in_scope(session, principal, device_id)
    wishes = tuple(
        adding.PointWish(
            **point.model_dump(exclude={"door"}),
            door=adding.NewDoor(**point.door.model_dump()) if point.door else None,
            always="in_service_since" in point.model_fields_set and point.in_service_since is None,
        )
        for point in body.points
    )
    return _acted(held.act(hub, principal, device.estate_id, MapDoors(device_id, wishes), "登记设备控制的门"))


def _acted(answer: held.Answer) -> Response:
    """204 done; 202 with the id of what waits for a second person."""
    return Response(status_code=204) if answer.done else JSONResponse({"held": answer.held}, status_code=202)


@router.patch("/doors/{door_id}", status_code=204)
def declare_door(door_id: str, body: DoorDeclared, hub: TheHub, principal: Keeper) -> Response:
    """What the law asks of a door: fail mode, escape route, egress, fire release, why a face is read there."""
    with hub.db.reading() as session:
        door = session.get(Door, door_id)
    in_scope(principal, door.estate_id if door else None)
    days = tuple(ServiceDays(**one.model_dump()) for one in body.days)
    wanted = adding.DoorChange(**body.model_dump(exclude={"reason", "days"}), days=days)
    adding.change_door(hub, principal.name, door_id, wanted, body.reason)
    return Response(status_code=204)


@router.patch("/devices/{device_id}", status_code=204, responses={202: {"model": ForeignHeld}})
def change_device(device_id: str, body: DeviceChange, hub: TheHub, principal: Keeper) -> Response:
    """204 done; 202 when something of it waits for a second person: to remove what was found there, or to take the device from
    more than 20 people (all within the hour count together).
    """
    with hub.db.reading() as session:
        device = _in_scope(session, principal, device_id)
    reason = adding.needed_reason(body.reason)
    taken_out = body.in_service is False and device.in_service
    wanted = adding.Change(body.name, body.config, None if taken_out else body.in_service)
    if wanted != adding.Change():
        adding.change(hub, principal.name, device_id, wanted, reason)
    answers = []
    if taken_out:
        answers.append(held.act(hub, principal, device.estate_id, TakeOut(device_id), reason))
    if body.foreign is not None and body.foreign != device.foreign_choice:
        answers.append(held.act(hub, principal, device.estate_id, ChooseForeign(device_id, body.foreign), reason))
    return _acted(next((one for one in answers if one.done is None), held.Answer(Done(device_id))))


@router.delete("/devices/{device_id}", status_code=204)
def remove_device(device_id: str, body: Removal, hub: TheHub, principal: Keeper) -> Response:
    """Out of service first; what it told stays."""
    with hub.db.reading() as session:
        _in_scope(session, principal, device_id)
    adding.remove(hub, principal.name, device_id, body.reason)
    return Response(status_code=204)
