"""A small estate with a gate, an entrance and two households; what its devices should hold, and their reports."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import select

from device_drivers.contract.access import AccessList, list_digest
from device_drivers.contract.device import DeviceStatus
from device_drivers.contract.messages import CredentialRefusal, DeviceReported, ListDoorbell, decode
from device_drivers.contract.words import DeviceCondition
from device_drivers.mqtt import MemoryBroker
from hub.estate.devices import take_report
from hub.services import Hub
from hub.tables import (
    AccessPoint,
    Consent,
    CredentialRow,
    DesiredList,
    Device,
    Door,
    Edge,
    HouseholdMember,
    Person,
    Tenancy,
)

Setup = Callable[[Hub], None]
START = datetime(2026, 1, 5, tzinfo=UTC)
TERMINAL = {
    "holds_list": True, "reads_back": True, "validity_dates": True, "photos": True, "cards": True,
    "identifiers": ["card", "face"], "edge_identifiers": ["card", "id_card", "qr"],
}  # fmt: skip
GATE, BOARD, CAMERA = "E001.face-g1", "E001.door-b1", "E001.cam-g1"


@pytest.fixture
def estate(small_estate: Setup) -> Setup:
    """The small estate with a gate (face terminal), an entrance (board), a camera that only looks, and two households."""

    def build(hub: Hub) -> None:
        small_estate(hub)
        with hub.db.unit_of_work("test", "doors", audit=False) as uow:
            session = uow.session
            catalogue = [
                {"kind": "face_terminal", "title": "终端", "schema": {}, "capabilities": TERMINAL},
                {
                    "kind": "modbus_door",
                    "title": "板",
                    "schema": {},
                    "capabilities": {"cards": True, "edge_identifiers": ["card", "pin"]},
                },
            ]
            edge = session.get_one(Edge, "edge-aaaa")
            edge.catalogue, edge.online = catalogue, True
            for code, kind in (("face-g1", "face_terminal"), ("door-b1", "modbus_door"), ("cam-g1", "onvif_camera")):
                session.add(
                    Device(id=f"E001.{code}", estate_id="E001", edge_id=edge.id, code=code, name=code, kind=kind)
                )
            session.add(Door(id="E001.G1", estate_id="E001", code="G1", name="北门", scope="estate"))
            session.add(
                Door(id="E001.B1D", estate_id="E001", block_id="E001.B1", code="B1D", name="单元门", scope="block")
            )
            session.flush()
            for code, door, device in (("G1-IN", "G1", GATE), ("B1-IN", "B1D", BOARD)):
                session.add(
                    AccessPoint(
                        id=f"E001.{code}", estate_id="E001", door_id=f"E001.{door}", code=code, name=code, side="in",
                        device_id=device, point="1", camera_id=CAMERA,
                    )
                )  # fmt: skip
            household(session, "T-1", "E001.E001-B1-0101", [(1, True), (2, False)])
            household(session, "T-2", "E001.E001-B1-0202", [(3, False)])

    return build


def household(session: Any, key: str, dwelling: str, members: list[tuple[int, bool]]) -> None:
    """Members by number: card 1000 + number, and a face where True."""
    session.add(
        Tenancy(
            id=key, source="s", source_id=key, version=1, estate_id="E001", dwelling_id=dwelling, state="active",
            from_date=date(2026, 1, 5),
        )
    )  # fmt: skip
    for number, _ in members:
        person = Person(id=f"P{number}", source="s", source_id=f"P{number}", name="某某", birth_date=date(1980, 1, 1))
        session.add(person)
    session.flush()
    for ordinal, (number, face) in enumerate(members, start=1):
        photo = {"url": f"http://office/{number}.jpg", "sha256": f"{number:064x}"} if face else None
        session.add(
            HouseholdMember(
                id=f"M{number}", tenancy_id=key, person_id=f"P{number}", relation="applicant", ordinal=ordinal,
                from_date=date(2026, 1, 5), offered={"cards": [str(1000 + number)], "photo": photo},
            )
        )  # fmt: skip
        if face:
            session.add(Consent(id=f"C{number}", person_id=f"P{number}", purpose="a", granted_at=START))
    session.flush()


def desired(hub: Hub, device: str) -> AccessList:
    with hub.db.reading() as session:
        row = session.get_one(DesiredList, device)
        Ed25519PublicKey.from_public_bytes(hub.keys.public_key).verify(row.signature, row.payload)
        assert row.key_id == hub.keys.key_id
        access_list = msgspec.json.decode(row.payload, type=AccessList)
        assert row.digest == list_digest(access_list)
        assert row.count == len(access_list.credentials)
        return access_list


def doorbells(broker: MemoryBroker) -> list[ListDoorbell]:
    return [decode(ListDoorbell, m.payload) for m in broker.log if m.topic.endswith("/desired")]


def token_of(hub: Hub, person: str) -> str:
    with hub.db.reading() as session:
        query = select(CredentialRow.token).where(CredentialRow.person_id == person, CredentialRow.state == "active")
        return session.scalars(query).one()


def report(hub: Hub, device: str, **changed: Any) -> None:
    """The edge reports this device as holding its current list, or otherwise as said."""
    with hub.db.reading() as session:
        row = session.get_one(DesiredList, device)
        edge = session.get_one(Device, device).edge_id
    values = {"generation": row.generation, "digest": row.digest, "wanted": row.count, "confirmed": row.count}
    values |= {"reported_at": hub.now(), "read_back_at": hub.now(), **changed}
    for name, kind in (("refused", tuple[CredentialRefusal, ...]), ("pending_tokens", tuple[str, ...])):
        if name in values:
            values[name] = msgspec.convert(values[name], kind)
    status = DeviceStatus(DeviceCondition.ONLINE, hub.now())
    take_report(hub, edge, DeviceReported(device=device, status=status, **values))


def change(hub: Hub, what: Any) -> None:
    with hub.db.unit_of_work("test", "change", audit=False) as uow:
        what(uow.session)
