"""Every driver kind against its simulator over a real socket (and a real Mosquitto). An exemption carries its reason."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from harness import BENCHES, DEADLINE_S, Bench, BoardBench, until
from kit import await_event, benches, connected, desired, run, step

from device_drivers.catalogue import DEFINITIONS, definition
from device_drivers.contract.access import Identifier, ValidityPeriod, credential_fingerprint
from device_drivers.contract.events import AccessEvent, DoorEvent
from device_drivers.contract.words import AccessOutcome, CommandKind, CommandOutcome, DoorState, IdentifierType
from device_drivers.driver import (
    CommandRequest,
    CredentialPresented,
    DeviceRefused,
    DeviceUnreachable,
    Driver,
    DriverEvent,
    ReadsContents,
    Remove,
    RevokesSingly,
    Upsert,
    same_content,
)
from device_drivers.plan import RefusedBefore, photo_of, without
from simulators.faults import Fault

OPEN = CommandRequest(CommandKind.MOMENTARY_ACCESS, "door1", hold_s=0.3)


def test_every_kind_is_on_a_bench_and_exemptions_have_reasons() -> None:
    assert {b.kind for b in BENCHES} == {d.kind for d in DEFINITIONS}
    assert all(reason for b in BENCHES for reason in b.exempt.values())


@benches()
def test_connects_and_tells_inventory_and_status(bench_type: type[Bench], broker: Any, tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        async with connected(bench) as driver:
            inventory = await driver.inventory()
            assert inventory.held == (), "a fresh device holds nothing"
            assert (await driver.status()).condition == "online"

    run(bench_type, broker, tmp_path, scenario)


@benches()
def test_a_device_that_is_not_there_is_unreachable(bench_type: type[Bench], broker: Any, tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        await bench.start()
        bench.expect_silence()
        config = bench.config()
        await bench.sim.stop()
        with pytest.raises(DeviceUnreachable):
            await definition(bench.kind).connect("device-1", config, bench.services)

    run(bench_type, broker, tmp_path, scenario, start=False)


@benches("list")
def test_applies_and_applying_again_is_no_operation(bench_type: type[Bench], broker: Any, tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        want, applied = desired(*(bench.credential(n) for n in range(4))), {}
        async with connected(bench) as driver:
            first = await step(driver, bench, want, applied)
            assert len(first.upserts) == 4
            again = await step(driver, bench, want, applied)
            assert again.in_step
            assert again.confirmed == tuple(c.token for c in want.credentials)
            less = await step(driver, bench, desired(*want.credentials[1:]), applied)
            assert less.removals == (Remove("cred-0000"),)
            assert less.upserts == ()
            (gone,) = await driver.apply((Remove("cred-0000"),))
            assert gone.error is None, "removing what is not there is fine"
            held = {h.token for h in (await driver.inventory()).held}
            assert held == {"cred-0001", "cred-0002", "cred-0003"}

    run(bench_type, broker, tmp_path, scenario)


@benches("list")
def test_refuses_one_and_goes_on(bench_type: type[Bench], broker: Any, tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        credentials = [bench.credential(0), bench.credential(1, good=False), bench.credential(2)]
        want = desired(*credentials)
        operations = tuple(Upsert(c, credential_fingerprint(c, want)) for c in credentials)
        async with connected(bench) as driver:
            results = await driver.apply(operations)
            assert [r.operation for r in results] == list(operations), "one result for each, in order"
            errors = [r.error for r in results]
            assert errors[0] is None
            assert errors[2] is None
            assert errors[1] is not None
            assert (errors[1].token, errors[1].code, errors[1].retry) == ("cred-0001", "photo_no_face", False)
            assert {h.token for h in (await driver.inventory()).held} == {"cred-0000", "cred-0002"}

    run(bench_type, broker, tmp_path, scenario)


@benches("list")
def test_a_refused_photo_leaves_the_card(bench_type: type[Bench], broker: Any, tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        capabilities = definition(bench.kind).capabilities
        want, applied = desired(bench.credential(1, good=False)), {"cred-0001": ""}
        whole = want.credentials[0]
        refused = {"cred-0001": RefusedBefore(credential_fingerprint(whole, want), photo_of(whole))}
        rest = without(IdentifierType.FACE, whole, want, capabilities)
        assert rest
        async with connected(bench) as driver:
            (first,) = await driver.apply((Upsert(whole, "f"),))
            assert first.error is not None
            assert first.error.of_photo
            (second,) = await driver.apply((rest,))
            if "card_only" in bench.exempt:
                assert second.error is not None
                assert (second.error.code, second.error.retry) == ("photo_missing", False), "an honest no"
                return
            assert second.error is None
            applied["cred-0001"] = rest.fingerprint
        bench.sim.passes.card(7_000_001)
        async with connected(bench) as driver:  # another start of the edge
            event = await await_event(driver.events(), lambda e: isinstance(e.body, AccessEvent), "the card's pass")
            assert isinstance(event.body, AccessEvent)
            assert (event.body.outcome, event.body.credential) == (AccessOutcome.GRANTED, "cred-0001")
            again = await step(driver, bench, want, applied, refused=refused)
            assert again.in_step
            assert again.partial == ("cred-0001",)
            gone = await step(driver, bench, desired(), applied, refused=refused)
            assert gone.removals == (Remove("cred-0001"),)
            assert (await driver.inventory()).held == ()

    run(bench_type, broker, tmp_path, scenario)


@benches("list", "card_only")
def test_a_face_that_is_no_longer_wanted_leaves_the_device(
    bench_type: type[Bench], broker: Any, tmp_path: Path
) -> None:
    async def scenario(bench: Bench) -> None:
        applied: dict[str, str] = {}
        whole = bench.credential(1)
        card = msgspec.structs.replace(whole, identifiers=whole.identifiers[1:])
        async with connected(bench) as driver:
            await step(driver, bench, desired(whole), applied)
            assert bench.sim.store.person("cred-0001").picture is not None
            await step(driver, bench, desired(card), applied)
            assert bench.sim.store.person("cred-0001").picture is None, "consent withdrawn: the face is gone"
            assert (await step(driver, bench, desired(card), applied)).confirmed == ("cred-0001",)

    run(bench_type, broker, tmp_path, scenario)


@benches("list")
def test_refuses_when_full(bench_type: type[Bench], broker: Any, tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        credentials = [bench.credential(n) for n in range(7)]
        async with connected(bench) as driver:
            results = await driver.apply(tuple(Upsert(c, "f") for c in credentials))
            refused = {r.error.token: r.error.code for r in results if r.error}
            assert set(refused.values()) == {"list_full"}
            assert len(refused) == 2, "five fit"
            assert len((await driver.inventory()).held) == 5

    run(bench_type, broker, tmp_path, scenario)


@benches("list")
def test_foreign_credentials_are_seen_and_left_alone(bench_type: type[Bench], broker: Any, tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        bench.sim.store.put_person("installer-7", {"name": "installer"}, b"x", None, "2026-01-01 00:00:00")
        applied: dict[str, str] = {}
        async with connected(bench) as driver:
            found = await step(driver, bench, desired(bench.credential(1)), applied)
            assert found.foreign == ("installer-7",)
            assert {h.token for h in (await driver.inventory()).held} == {"installer-7", "cred-0001"}
            chosen = await step(driver, bench, desired(bench.credential(1)), applied, remove_foreign=True)
            assert chosen.removals == (Remove("installer-7", foreign=True),)
            assert {h.token for h in (await driver.inventory()).held} == {"cred-0001"}

    run(bench_type, broker, tmp_path, scenario)


@benches("list")
def test_one_credential_is_taken_off_and_looked_for_in_the_middle_of_a_bulk_load(
    bench_type: type[Bench], broker: Any, tmp_path: Path
) -> None:
    async def scenario(bench: Bench) -> None:
        bench.sim.persons.capacity = 1000
        async with connected(bench) as driver:
            assert isinstance(driver, RevokesSingly)
            await driver.apply((Upsert(bench.credential(0), "f"),))
            assert await driver.holds("cred-0000")
            assert not await driver.holds("cred-0999")
            bench.sim.batch_person_s = 0.02
            load = tuple(Upsert(bench.credential(n), "f") for n in range(1, 21))
            loading = asyncio.create_task(driver.apply(load))
            await until(lambda: bench.sim.store.count() > 3, "the load is under way")
            (result, held) = await driver.revoke("cred-0000"), await driver.holds("cred-0000")
            assert (result.error, held) == (None, False)
            assert bench.sim.store.person("cred-0000") is None
            assert all(r.error is None for r in await loading), "the load is not disturbed"
            assert len((await driver.inventory()).held) == 20
            again = await driver.revoke("cred-0000")
            assert again.error is None, "who is not there is gone"

    run(bench_type, broker, tmp_path, scenario)


@benches("list")
def test_entries_are_read_page_by_page_and_say_what_was_written(
    bench_type: type[Bench], broker: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("device_drivers.face_terminal.roster.PAGE", 2)

    async def scenario(bench: Bench) -> None:
        credentials = [bench.credential(n) for n in range(5)]
        end = ValidityPeriod(not_after=datetime(2036, 5, 1, tzinfo=UTC))
        credentials[4] = msgspec.structs.replace(credentials[4], validity=end)
        async with connected(bench) as driver:
            assert isinstance(driver, ReadsContents)
            assert [page async for page in driver.contents()] == [], "an empty device has no page"
            results = await driver.apply(tuple(Upsert(c, "f") for c in credentials))
            written = {r.operation.credential.token: r.content for r in results if isinstance(r.operation, Upsert)}
            assert all(written.values())
            pages = [page async for page in driver.contents()]
            assert [len(page) for page in pages] == [2, 2, 1]
            read = {token: content for page in pages for token, content in page.items()}
            assert all(same_content(written[token], read[token]) for token in written), (written, read)
            person = bench.sim.store.person("cred-0004")  # somebody prolongs it at the device
            fields = {k: "2037-01-01 00:00:00" if k.endswith("End") else v for k, v in person.fields.items()}
            bench.sim.store.put_person(person.custom_id, fields, None, person.card, person.created)
            read = {token: content async for page in driver.contents() for token, content in page.items()}
            wrong = [token for token in written if not same_content(written[token], read[token])]
            assert wrong == ["cred-0004"]

    run(bench_type, broker, tmp_path, scenario)


def test_the_camera_branch_promises_less() -> None:
    kind = definition("face_terminal")
    camera = kind.capabilities_of({"profile": "camera"})
    assert (camera.identifiers, camera.edge_identifiers, camera.cards, camera.commands) == (("face",), (), False, ())
    assert kind.capabilities_of({"profile": "access_terminal"}) == kind.capabilities == kind.capabilities_of({})


@benches("list")
def test_a_terminal_that_does_not_tell_of_one_person_is_not_believed_to_have_none(
    bench_type: type[Bench], broker: Any, tmp_path: Path
) -> None:
    async def scenario(bench: Bench) -> None:
        bench.sim.code_style = "absent"
        bench.expect_silence()
        async with connected(bench) as driver:
            with pytest.raises(DeviceRefused):
                await driver.holds("cred-0000")
            await bench.sim.apply_fault(Fault.SILENT)
            with pytest.raises(DeviceUnreachable):
                await driver.holds("cred-0000")
            bench.sim.clear_faults()

    run(bench_type, broker, tmp_path, scenario)


async def tell_once(driver: Driver, bench: Bench) -> None:
    """Lets something happen once the driver watches, and waits for the event of it."""
    waiting = asyncio.create_task(await_event(driver.events(), bench.is_it, "what happened"))
    if bench.kind == "onvif_camera":
        states = driver.states.held  # type: ignore[attr-defined]
        await until(lambda: states or waiting.done(), "the subscription's first states")
    elif bench.kind == "onvif_door":
        closed = driver.doors["Door_1"]  # type: ignore[attr-defined]
        await until(lambda: closed.state is DoorState.CLOSED or waiting.done(), "the door seen closed")
    elif bench.kind == "modbus_door":
        door = driver.points.doors["door1"]  # type: ignore[attr-defined]
        await until(lambda: door.state is DoorState.CLOSED or waiting.done(), "the door seen closed")
    await bench.happen()
    await waiting


@benches("events")
def test_tells_what_happens(bench_type: type[Bench], broker: Any, tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        async with connected(bench) as driver:
            await tell_once(driver, bench)

    run(bench_type, broker, tmp_path, scenario)


@benches("events")
def test_survives_a_cut(bench_type: type[Bench], broker: Any, tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        bench.expect_silence()
        async with connected(bench) as driver:
            stream = driver.events()
            collecting = asyncio.create_task(await_event(stream, lambda _: False, "nothing"))
            if bench.kind.startswith("onvif"):
                await until(lambda: driver.pull_point.subscription, "the subscription")  # type: ignore[attr-defined]
            await bench.sim.apply_fault(Fault.CUT)
            with pytest.raises(DeviceUnreachable):
                await collecting
            bench.sim.clear_faults()
        told = False
        async with asyncio.timeout(2 * DEADLINE_S):
            while not told:  # as the worker does: again until it works
                with contextlib.suppress(DeviceUnreachable):
                    async with connected(bench) as driver:
                        await tell_once(driver, bench)
                        told = True

    run(bench_type, broker, tmp_path, scenario)


@benches("replay")
def test_replays_after_power_loss(bench_type: type[Bench], broker: Any, tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        async with connected(bench) as driver:
            await driver.apply((Upsert(bench.credential(1), "f"),))
        # Nobody listens: a pass, then the device loses power; its memory keeps list and record.
        bench.sim.passes.face("cred-0001")
        await bench.sim.apply_fault(Fault.RESTART)
        async with connected(bench) as driver:
            assert [h.token for h in (await driver.inventory()).held] == ["cred-0001"]
            stream = driver.events()
            first = await asyncio.wait_for(anext(aiter(stream)), DEADLINE_S)
            body = first.body
            assert isinstance(body, AccessEvent)
            assert (body.outcome, body.credential) == (AccessOutcome.GRANTED, "cred-0001")
            assert first.device_at is not None
            assert first.ack is not None
            assert bench.sim.store.record_counts()["pending"] == 1, "nothing is acknowledged before it is on disk"
            await first.ack()
            await until(lambda: bench.sim.store.record_counts()["pending"] == 0, "the PushAck to arrive")

    run(bench_type, broker, tmp_path, scenario)


@benches("list")
def test_a_device_that_lost_its_memory_is_filled_again(bench_type: type[Bench], broker: Any, tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        want, applied = desired(bench.credential(1)), {}
        async with connected(bench) as driver:
            await step(driver, bench, want, applied)
            collecting = asyncio.create_task(await_event(driver.events(), lambda _: False, "nothing"))
            await asyncio.sleep(0)
            await bench.sim.apply_fault(Fault.RESTART_EMPTY)
            with pytest.raises(DeviceUnreachable):
                await collecting
        async with connected(bench) as driver:
            assert len((await step(driver, bench, want, applied)).upserts) == 1
            assert (await step(driver, bench, want, applied)).in_step

    run(bench_type, broker, tmp_path, scenario)


@benches("pulse")
@pytest.mark.parametrize(
    ("fault", "outcome", "pulses"),
    [
        (None, CommandOutcome.DONE, 1),
        (Fault.SLOW, CommandOutcome.DONE, 1),
        (Fault.LOST_REPLY, CommandOutcome.UNCERTAIN, 1),
        (Fault.SILENT, CommandOutcome.UNCERTAIN, 0),
    ],
)
def test_one_pulse_at_most(
    bench_type: type[Bench], broker: Any, tmp_path: Path, fault: Fault | None, outcome: CommandOutcome, pulses: int
) -> None:
    async def scenario(bench: Bench) -> None:
        if fault in (Fault.LOST_REPLY, Fault.SILENT):
            bench.expect_silence()
        async with connected(bench) as driver:
            before = len(bench.sim.pulses)
            if fault:
                await bench.sim.apply_fault(fault, value=0.1 if fault is Fault.SLOW else None)
            assert (await driver.command(OPEN))[0] == outcome
            bench.sim.clear_faults()
            # What would repeat a pulse has had its chance: the device answers again and is asked something.
            async with asyncio.timeout(DEADLINE_S):
                while True:
                    try:
                        await driver.inventory()
                        break
                    except DeviceUnreachable:
                        await asyncio.sleep(0.05)
            assert len(bench.sim.pulses) - before == pulses, "a door pulse is never sent twice"

    run(bench_type, broker, tmp_path, scenario)


@benches("pulse", "lock_down")
def test_a_command_it_does_not_know_is_unsupported(bench_type: type[Bench], broker: Any, tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        async with connected(bench) as driver:
            assert (await driver.command(CommandRequest(CommandKind.LOCK_DOWN)))[0] == CommandOutcome.UNSUPPORTED
            wrong = CommandRequest(CommandKind.MOMENTARY_ACCESS, "door99")
            assert (await driver.command(wrong))[0] == CommandOutcome.REFUSED
            assert not bench.sim.pulses

    run(bench_type, broker, tmp_path, scenario)


@benches()
def test_silence_is_told_as_unreachable(bench_type: type[Bench], broker: Any, tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        bench.expect_silence()
        async with connected(bench) as driver:
            await bench.sim.apply_fault(bench.silence)
            if bench.kind in ("modbus_meter", "onvif_camera"):
                with pytest.raises(DeviceUnreachable):
                    await await_event(driver.events(), lambda _: False, "nothing")
            else:
                with pytest.raises(DeviceUnreachable):
                    await driver.inventory()
            bench.sim.clear_faults()

    run(bench_type, broker, tmp_path, scenario)


@pytest.mark.parametrize("bench_type", [b for b in BENCHES if b.kind == "modbus_door"], ids=lambda b: b.__name__)
def test_a_wrong_register_map_is_an_honest_unknown(bench_type: type[Bench], broker: Any, tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        await bench.sim.apply_fault(Fault.OUT_OF_RANGE)
        async with connected(bench) as driver:
            event = await await_event(driver.events(), lambda e: isinstance(e.body, DoorEvent), "the door's state")
            assert isinstance(event.body, DoorEvent)
            assert event.body.state is DoorState.UNKNOWN, "what cannot be read is never closed"
            assert "illegal data address" in event.body.text
            assert (await driver.status()).condition == "fault"

    run(bench_type, broker, tmp_path, scenario)


def test_meters_with_a_wrong_register_map_are_a_fault_that_names_unit_and_register(broker: Any, tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        async with connected(bench) as driver:
            told: list[DriverEvent] = []

            async def listen() -> None:
                async for event in driver.events():
                    told.append(event)

            listening = asyncio.create_task(listen())
            await until(lambda: len(told) >= 2, "a reading of each meter")
            good = await driver.status()
            assert (good.condition, good.observing, good.detail) == ("online", True, "")
            for fault in (Fault.OUT_OF_RANGE, Fault.EXCEPTION):
                seen = len(told)
                await bench.sim.apply_fault(fault)
                await until(lambda n=seen: len(told) >= n + 2, f"{fault}: an error of each meter")
                status = await driver.status()
                assert (status.condition, status.observing) == ("fault", False), fault
                assert "2 of 2 meters" in status.detail
                assert "unit 5 " in status.detail
                assert "Modbus exception" in status.detail
                assert not listening.done(), "the connection stands; nothing is gained by making it anew"
                bench.sim.clear_faults()
                await until(lambda n=seen: len(told) >= n + 4, "readings again")
                assert (await driver.status()).condition == "online"
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)

    run(next(b for b in BENCHES if b.kind == "modbus_meter"), broker, tmp_path, scenario)


def test_one_meter_of_a_wrong_model_is_said_and_the_others_are_observed(broker: Any, tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        config = bench.config()
        config["meters"][1] |= {"unit": 99, "point": "unit-99"}
        driver = await definition(bench.kind).connect("device-1", config, bench.services)
        try:
            stream = driver.events()
            await await_event(
                stream, lambda e: getattr(e.body, "point", "") == "unit-99", "the meter that is not there"
            )
            status = await driver.status()
            assert (status.condition, status.observing) == ("fault", True)
            assert status.detail == "1 of 2 meters give no value: unit-99 (unit 99): no answer"
        finally:
            await driver.close()

    run(next(b for b in BENCHES if b.kind == "modbus_meter"), broker, tmp_path, scenario)


@benches("list")
def test_a_terminal_clock_that_goes_wrong_is_noticed_by_the_next_record(
    bench_type: type[Bench], broker: Any, tmp_path: Path
) -> None:
    def is_pass(event: DriverEvent) -> bool:
        return isinstance(event.body, AccessEvent)

    async def scenario(bench: Bench) -> None:
        async with connected(bench) as driver:
            stream = driver.events()
            bench.sim.passes.stranger()
            right = await await_event(stream, is_pass, "a pass")
            assert abs(right.clock_offset_s or 0.0) < 5
            bench.sim.store.put_setting("clock_offset", "3600")
            for _ in range(2):  # the second was made before the clock was set again
                bench.sim.passes.stranger()
            for _ in range(2):
                wrong = await await_event(driver.events(), is_pass, "a pass by the wrong clock")
                assert wrong.clock_offset_s is not None
                assert abs(wrong.clock_offset_s - 3600) < 5, "the record is told with the offset it was made with"
            assert abs(float(bench.sim.store.setting("clock_offset"))) < 5, "the clock is set at once, not in a day"
            assert abs((await driver.status()).clock_offset_s or 0.0) < 5
            bench.sim.passes.stranger()
            again = await await_event(driver.events(), is_pass, "a pass by the right clock")
            assert abs(again.clock_offset_s or 0.0) < 5

    run(bench_type, broker, tmp_path, scenario)


def test_a_terminal_passes_on_what_it_does_not_hold_and_its_record_of_it_is_no_second_event(
    broker: Any, tmp_path: Path
) -> None:
    async def scenario(bench: Bench) -> None:
        async with connected(bench) as driver:
            stream = driver.events()
            for shown in ({"card": "123456"}, {"qr": "EH1.some-code"}, {"id_card": "11010519491231002X"}):
                await bench.sim.present(**shown)
                told = await await_event(
                    stream, lambda e: not isinstance(e.body, DoorEvent), f"{shown} to be passed on"
                )
                assert isinstance(told.body, CredentialPresented)
                ((kind, value),) = shown.items()
                assert (told.body.identifier.type, told.body.identifier.value) == (kind, value)
            await until(lambda: bench.sim.store.record_counts()["pending"] == 0, "the card's record to be acknowledged")
            bench.sim.passes.stranger()
            last = await await_event(stream, lambda e: not isinstance(e.body, DoorEvent), "the stranger")
            assert isinstance(last.body, AccessEvent)
            assert last.body.identifier == "face", "nothing was told of the card in between"

    run(next(b for b in BENCHES if b.kind == "face_terminal"), broker, tmp_path, scenario)


class KeypadBench(BoardBench):
    """The same board with a keypad on its reader's line."""

    keypad = "keys4"

    def make(self) -> Any:
        sim = super().make()
        sim.config = {**sim.config, "keypad": self.keypad}
        return sim

    def config(self) -> dict[str, Any]:
        return {**super().config(), "keypad": self.keypad}


@pytest.mark.parametrize("keypad", ["keys4", "keys8", "frame"])
def test_a_typed_pin_and_a_card_are_told_apart(keypad: str, broker: Any, tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        async with connected(bench) as driver:
            stream = driver.events()

            async def told() -> tuple[Any, Any]:
                event = await await_event(stream, lambda e: isinstance(e.body, CredentialPresented), "what was shown")
                assert isinstance(event.body, CredentialPresented)
                return event.body.identifier, event.body.otherwise

            async with asyncio.TaskGroup() as group:
                group.create_task(bench.sim.type_pin("1005500"))
                shown, otherwise = await told()
            pin = Identifier(IdentifierType.PIN, "1005500")
            if keypad == "frame":
                assert (shown, otherwise) == (Identifier(IdentifierType.CARD, "1005500"), pin), "it looks like a card"
            else:
                assert (shown, otherwise) == (pin, None)
            await until(lambda: bench.sim.present_card("12345678"), "the reader to be free")
            shown, _ = await told()
            assert shown == Identifier(IdentifierType.CARD, "12345678")
            assert bench.sim.counters["keys_missed"] == 0

    bench_type = type("KeypadBench", (KeypadBench,), {"keypad": keypad})
    run(bench_type, broker, tmp_path, scenario)
