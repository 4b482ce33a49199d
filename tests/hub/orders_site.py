"""Two blocks with an entrance each, two gates, one edge: boards that can be told to lock, and a terminal that cannot."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from device_drivers.contract.device import DeviceStatus
from device_drivers.contract.messages import Command, DeviceReported, PointMode, decode, parse_topic
from device_drivers.contract.words import DeviceCondition, DoorMode
from device_drivers.mqtt import MemoryBroker
from hub.estate.devices import take_report
from hub.services import Hub
from hub.tables import AccessPoint, Block, CredentialRow, Device, Door, Dwelling, Edge

BOARD = {"cards": True, "commands": ["momentary_access", "lock_down", "lock_open", "block", "release"]}
TERMINAL = {"cards": True, "photos": True, "holds_list": True, "commands": ["momentary_access"]}
CATALOGUE = [
    {"kind": "modbus_door", "title": "门控板", "schema": {}, "capabilities": BOARD},
    {"kind": "face_terminal", "title": "终端", "schema": {}, "capabilities": TERMINAL},
]
DOORS = {"G1": ("estate", None), "G2": ("estate", None), "D1": ("block", "E001.B1"), "D2": ("block", "E001.B2")}


def build(hub: Hub, small_estate: Callable[[Hub], None]) -> None:
    """Block 1 has a resident in 101, block 2 one in its only dwelling."""
    small_estate(hub)
    with hub.db.unit_of_work("test", "doors", audit=False) as uow:
        add = uow.session.add
        edge = uow.session.get_one(Edge, "edge-aaaa")
        edge.catalogue, edge.online = CATALOGUE, True
        add(
            Edge(
                id="edge-bbbb", estate_id="E001", name="2号机", enrolled_at=hub.now(), catalogue=CATALOGUE, online=True
            )
        )
        add(Block(id="E001.B2", estate_id="E001", code="B2", name="2号楼", floors=1, dwellings_per_floor=1))
        uow.session.flush()
        add(Dwelling(id="E001.B2-1", estate_id="E001", block_id="E001.B2", code="B2-1", floor=1, number="101"))
        for code, (scope, block) in DOORS.items():
            edge_id = "edge-bbbb" if code == "D2" else "edge-aaaa"
            add(Door(id=f"E001.{code}", estate_id="E001", code=code, name=code, scope=scope, block_id=block))
            add(
                Device(
                    id=f"E001.board-{code}", estate_id="E001", edge_id=edge_id, code=f"board-{code}", name=f"板{code}",
                    kind="modbus_door",
                )
            )  # fmt: skip
            uow.session.flush()
            add(
                AccessPoint(
                    id=f"E001.{code}-IN", estate_id="E001", door_id=f"E001.{code}", code=f"{code}-IN", name="进",
                    side="in", device_id=f"E001.board-{code}", point="door1",
                )
            )  # fmt: skip
        for token, home in (("t1", "E001.E001-B1-0101"), ("t2", "E001.B2-1")):
            add(
                CredentialRow(
                    token=token, estate_id="E001", holder_class="resident", dwelling_id=home, label=token,
                    created_at=hub.now(),
                )
            )  # fmt: skip


def commands_of(broker: MemoryBroker) -> list[Command]:
    """Everything that was sent to a device, in order."""
    found = []
    for sent in broker.log:
        address = parse_topic(sent.topic)
        if address and address.message is Command:
            found.append(decode(Command, sent.payload))
    return found


def told(hub: Hub, code: str, *modes: DoorMode, **more: Any) -> None:
    """The edge reports the board of this door in these modes."""
    device = f"E001.board-{code}"
    status = DeviceStatus(DeviceCondition.ONLINE, hub.now())
    points = tuple(PointMode(f"E001.{code}-IN", mode, hub.now(), **more) for mode in modes)
    edge = "edge-bbbb" if code == "D2" else "edge-aaaa"
    take_report(hub, edge, DeviceReported(device, 0, "", status, modes=points))
