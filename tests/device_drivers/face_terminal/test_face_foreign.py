"""A terminal of another hand, on another MQTT library: list, door, records, gaps, alarms and nonsense."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from foreign_terminal import ForeignTerminal, until
from patience import PATIENCE_S

from device_drivers.contract.access import Credential, Identifier
from device_drivers.contract.events import AccessEvent, Unreadable
from device_drivers.contract.words import AccessOutcome, CommandKind, CommandOutcome, HolderClass, IdentifierType
from device_drivers.driver import BrokerAddress, CommandRequest, DriverEvent, Remove, Upsert
from device_drivers.face_terminal import driver as face_driver


@pytest.fixture(scope="module")
def broker(mosquitto_factory: Any) -> Any:
    return mosquitto_factory("listener {port} 127.0.0.1\nallow_anonymous true\nmax_packet_size 6000000\n")


ANSWER_S = 20.0
"""It answers in milliseconds; the machine may be busy."""


def with_terminal(
    broker: Any, scenario: Callable[[ForeignTerminal, Any, list[DriverEvent]], Any], *, unlock: str = "", **bad: Any
) -> None:
    async def run() -> None:
        terminal = ForeignTerminal("SN-7", broker.port, **bad)
        await terminal.start()
        services: Any = SimpleNamespace(local_broker=BrokerAddress("127.0.0.1", broker.port, "edge", "edge"))
        config = {"device_id": "SN-7", "timeout_s": ANSWER_S, "unlock_operator": unlock}
        driver = await face_driver.connect("d", config, services)
        told: list[DriverEvent] = []

        async def listen() -> None:
            async for event in driver.events():
                told.append(event)

        listening = asyncio.create_task(listen())
        try:
            async with asyncio.timeout(2 * PATIENCE_S):
                await scenario(terminal, driver, told)
        finally:
            listening.cancel()
            await driver.close()
            await terminal.stop()

    asyncio.run(run())


def card(token: str) -> Credential:
    shown = (Identifier(IdentifierType.CARD, "4711"),)
    return Credential(token, token, HolderClass.RESIDENT, shown, ("p",))


def test_a_foreign_terminal_is_set_up_written_and_read_back(broker: Any) -> None:
    async def scenario(terminal: ForeignTerminal, driver: Any, _told: list[DriverEvent]) -> None:
        assert terminal.settings["ResumefromBreakpoint"] == "1", "records are kept until acknowledged"
        terminal.online()
        await until(lambda: "Online-Ack" in terminal.asked, "else it would say Online for ever")
        results = await driver.apply((Upsert(card("cred-a"), "f"), Upsert(card("cred-b"), "f")))
        assert [r.error for r in results] == [None, None], "an answer without a code and with ok is a yes"
        held = {h.token.casefold() for h in (await driver.inventory()).held}
        assert held == {"cred-a", "cred-b"}, "whatever it made of the case"
        gone = await driver.apply((Remove("cred-a"), Remove("cred-none")))
        assert [r.error for r in gone] == [None, None], "one by one where it knows no batch; 464 is gone"
        assert list(terminal.people) == ["cred-b"]

    with_terminal(broker, scenario)


def test_its_records_are_acknowledged_after_and_counted_once(broker: Any) -> None:
    async def scenario(terminal: ForeignTerminal, _driver: Any, told: list[DriverEvent]) -> None:
        terminal.record(5, "cred-a")
        await until(lambda: told, "the record")
        assert terminal.acked == [], "not before it is on disk"
        terminal.record(5, "cred-a")
        body = told[0].body
        assert isinstance(body, AccessEvent)
        assert (body.outcome, body.credential, body.record) == (AccessOutcome.GRANTED, "cred-a", "5")
        assert told[0].ack
        await told[0].ack()
        await until(lambda: terminal.acked == [(2, "5")], "PushAck of type 2")
        terminal.record(5, "cred-a")
        await until(lambda: len(terminal.acked) == 2, "a lost PushAck is said again")
        assert len(told) == 1, "and the record counts once"

    with_terminal(broker, scenario)


def test_a_door_is_opened_once_by_the_operator_its_model_has(broker: Any) -> None:
    opening = CommandRequest(CommandKind.MOMENTARY_ACCESS)

    async def wrong(terminal: ForeignTerminal, driver: Any, _told: list[DriverEvent]) -> None:
        outcome, text = await driver.command(opening)
        assert (outcome, terminal.opened) == (CommandOutcome.REFUSED, 0)
        assert "Unlock: 400 unknown operator" in text, "it says which command the terminal did not take"

    async def right(terminal: ForeignTerminal, driver: Any, _told: list[DriverEvent]) -> None:
        assert (await driver.command(opening), terminal.opened) == ((CommandOutcome.DONE, ""), 1)

    with_terminal(broker, wrong, opens="OpenDoor")
    with_terminal(broker, right, opens="OpenDoor", unlock="OpenDoor")


def test_a_terminal_that_keeps_nothing_is_asked_for_the_gap(broker: Any) -> None:
    async def scenario(terminal: ForeignTerminal, driver: Any, told: list[DriverEvent]) -> None:
        assert "ManualPushRecords" in terminal.asked
        assert "ResumefromBreakpoint" in (await driver.status()).detail, "and its page says so"
        terminal.record(8, "cred-a")
        await until(lambda: told, "a live record")
        again = await face_driver.connect("d2", {"device_id": "SN-7", "timeout_s": ANSWER_S}, driver.roster.services)
        try:
            replayed = await anext(again.events())
            assert replayed.late, "what was recorded while nobody listened comes late"
            assert replayed.key == told[0].key, "with the key of the first: the journal counts it once"
        finally:
            await again.close()

    with_terminal(broker, scenario, keeps=False)


def test_an_alarm_is_kept_raw_and_acknowledged_and_nonsense_comes_once_by_its_key(broker: Any) -> None:
    async def scenario(terminal: ForeignTerminal, _driver: Any, told: list[DriverEvent]) -> None:
        terminal.say("Alarm", {"operator": "AlarmPush", "info": {"facesluiceId": "SN-7", "AlarmID": 9, "time": "x"}})
        await until(lambda: told, "the alarm")
        assert isinstance(told[0].body, Unreadable)
        assert "AlarmPush" in told[0].body.raw
        assert told[0].ack
        await told[0].ack()
        await until(lambda: terminal.acked == [(3, "9")], "PushAck of type 3")
        for _ in range(2):
            terminal.say("Rec", '{"operator":"RecPush","info":{"facesluiceId":"SN-7","VerifyStatus":[1]}}')
        terminal.say("Rec", b"\xff\xfe\x00" * 100)
        await until(lambda: len(told) == 4, "what cannot be read")
        assert told[1].key == told[2].key != told[3].key

    with_terminal(broker, scenario)
