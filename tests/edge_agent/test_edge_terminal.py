"""A real driver, a simulated terminal and a real broker under one worker: revoked, restarted empty, meddled with."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from edge_twins import NoServices, TestBox, access_list, credential, device_config, open_box, until
from edge_twins import run as run_for
from patience import PATIENCE_S

from device_drivers.catalogue import definition
from device_drivers.contract.access import AccessList
from device_drivers.contract.messages import ListDoorbell
from device_drivers.driver import BrokerAddress
from edge_agent.worker import Worker
from simulators.face_terminal import FaceTerminalSim
from simulators.faults import Fault

SERIAL = "1306612"


@pytest.fixture(scope="module")
def broker(mosquitto_factory: Any) -> Any:
    return mosquitto_factory("listener {port} 127.0.0.1\nallow_anonymous true\nmax_packet_size 6000000\n")


def publish(box: TestBox, wanted: AccessList) -> None:
    box.signer.serve(wanted)
    box.box.lists.ring(ListDoorbell(wanted.device_id, wanted.generation, box.signer.etags[wanted.device_id]))


def in_step(box: TestBox, generation: int, count: int, ended: int = 0) -> bool:
    """`ended`: so many that the list still names are told as ended by an order."""
    last = box.reports[-1] if box.reports else None
    return last is not None and (
        (last.generation, last.wanted, last.confirmed, last.pending) == (generation, count + ended, count, 0)
        and [r.code for r in last.refused] == ["revoked"] * ended
    )


def test_a_terminal_is_kept_equal_through_a_revocation_an_empty_restart_and_a_meddler(
    tmp_path: Path, broker: Any
) -> None:
    sim = FaceTerminalSim(
        "face-1",
        {
            "device_id": SERIAL,
            "broker_host": "127.0.0.1",
            "broker_port": broker.port,
            "username": "terminal",
            "password": "terminal",
            "restart_s": 0.1,
            "resend_s": 0.3,
        },
        state_dir=tmp_path,
    )
    everyone = [credential(f"cred-{n:04}", str(5_000_000 + n)) for n in range(400)]

    async def work() -> None:
        await sim.start()
        async with open_box(tmp_path) as box:
            box.box.services = Lent(broker.port)
            config = device_config(kind="face_terminal", config={"device_id": SERIAL, "timeout_s": 20.0})
            await box.box.lists.load("d1")
            worker = Worker(config, definition("face_terminal"), box.box, upkeep_s=0.1)
            revoker = box.revoker(worker)
            task = asyncio.create_task(worker.run())
            try:
                publish(box, access_list(1, *everyone))
                await until(lambda: sim.store.count() > 20, "the load is under way")
                revoker.arrived(box.signer.order(("d1", "cred-0003")))
                await until(lambda: box.answered("gone"), "read back and gone, in the midst of the load")
                assert sim.store.person("cred-0003") is None
                assert sim.store.count() < 399, "the load was not over"
                await sim.apply_fault(Fault.RESTART_EMPTY)
                await until(lambda: in_step(box, 1, 399, ended=1), "filled again after it restarted empty")
                assert set(sim.store.custom_ids()) == {c.token for c in everyone} - {"cred-0003"}
                assert not [c for c in sim.counters if c == "command.DeleteAllPerson"], "the door is never closed"
                drifted = box.last.drift
                assert 0 < drifted < 399, "what it had and lost, each once"

                person = sim.store.person("cred-0010")
                assert person
                sim.store.put_person(
                    person.custom_id, person.fields | {"RFIDCard": "0000000666"}, None, 666, person.created
                )
                sim.store.delete_person("cred-0011")
                sim.store.put_person("installer", {"name": "installer"}, b"x", None, "2026-01-01 00:00:00")
                edits = sim.counters["command.EditPerson"]
                await worker.reconciler.read_back()
                await until(lambda: in_step(box, 1, 399, ended=1), "put right")
                mended = sim.store.person("cred-0010")
                assert mended
                assert mended.card == 5_000_010, "a card that somebody put in at the terminal does not stay"
                assert sim.store.person("cred-0011")
                assert sim.counters["command.EditPerson"] - edits == 2, "two entries were off, two were written"
                assert box.last.drift == drifted + 2
                assert (box.last.foreign, sim.store.person("installer") is None) == (1, False)
            finally:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                await sim.stop()

    run_for(work(), 2 * PATIENCE_S)


class Lent(NoServices):
    def __init__(self, port: int) -> None:
        self.local_broker = BrokerAddress("127.0.0.1", port, "edge", "edge")
