"""Hours and doors of each credential in the device itself, and devices that ask the outside before they open."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st
from patience import PATIENCE_S

from device_drivers import onvif_calendar, onvif_door
from device_drivers.catalogue import definition
from device_drivers.contract.access import (
    AccessList,
    AccessPolicy,
    AccessProfile,
    Credential,
    Identifier,
    Schedule,
    SpecialDay,
    TimeRange,
    TimeSpan,
)
from device_drivers.contract.device import DeviceInventory
from device_drivers.contract.events import AccessEvent
from device_drivers.contract.words import CommandOutcome, DenyReason, HolderClass, IdentifierType
from device_drivers.driver import CredentialPresented, DriverEvent, Rule, Upsert
from device_drivers.plan import plan
from edge_agent.decide import _local
from simulators.onvif_door import OnvifDoorSim
from simulators.onvif_hours import Hours

USER = {"host": "127.0.0.1", "port": 0, "username": "u", "password": "p"}
ZONE = "Asia/Shanghai"
WORK = Schedule("work", ZONE, (TimeRange((1, 2, 3, 4, 5), time(8), time(18)),))
NEVER_NOW = Schedule("never", ZONE, (), (SpecialDay(date(2000, 1, 1), (TimeSpan(time(8), time(9)),)),))


def with_door(scenario: Callable[[OnvifDoorSim, Any], Any], config: Any = None, **settings_: Any) -> None:
    async def run() -> None:
        device = OnvifDoorSim("door-1", {**USER, "doors": 2, "page": 3, **(config or {})})
        await device.start()
        wanted = {**USER, "port": device.port, "timeout_s": 20.0, "pull_s": 1, "credentials": True, "schedules": True}
        driver = await onvif_door.connect("d", {**wanted, **settings_}, SimpleNamespace())  # type: ignore[arg-type]
        try:
            async with asyncio.timeout(2 * PATIENCE_S):
                await scenario(device, driver)
        finally:
            await driver.close()
            await device.stop()

    asyncio.run(run())


async def until(predicate: Callable[[], Any], what: str) -> None:
    end = asyncio.get_running_loop().time() + PATIENCE_S
    while not predicate():
        assert asyncio.get_running_loop().time() < end, f"waited in vain for {what}"
        await asyncio.sleep(0.02)


def card(n: int) -> Credential:
    return Credential(f"cred-{n}", "1-1", HolderClass.STAFF, (Identifier(IdentifierType.CARD, str(1000 + n)),), ("p",))


def always_but(*, closed_today: bool) -> Schedule:
    """Every hour of the week, and today nothing."""
    week = (TimeRange((1, 2, 3, 4, 5, 6, 7), time(), time()),)
    today = datetime.now(ZoneInfo(ZONE)).date()
    days = tuple(SpecialDay(today + timedelta(days=n)) for n in (-1, 0, 1)) if closed_today else ()
    return Schedule("s", ZONE, week, days)


def test_each_credential_opens_its_doors_at_its_hours() -> None:
    async def scenario(sim: OnvifDoorSim, driver: Any) -> None:
        results = await driver.apply(
            (
                Upsert(card(1), "f", rules=(Rule(("Door_1",)),)),
                Upsert(
                    card(2), "f", rules=(Rule(("door2",), always_but(closed_today=False)), Rule(("door1",), NEVER_NOW))
                ),
                Upsert(card(3), "f", rules=(Rule(("Door_1",), always_but(closed_today=True)),)),
                Upsert(card(4), "f"),
                Upsert(card(5), "f", rules=(Rule(("Door_9",)),)),
            )
        )
        assert [r.error.code if r.error else "" for r in results] == ["", "", "", "", "no_point"]
        said = {
            (n, point): (await sim.present(card=str(1000 + n), point=point)).get("why", "granted")
            for n in (1, 2, 3, 4)
            for point in ("AP_1", "AP_2")
        }
        assert said == {
            (1, "AP_1"): "granted", (1, "AP_2"): "Unauthorized",
            (2, "AP_1"): "NotPermittedAtThisTime", (2, "AP_2"): "granted",
            (3, "AP_1"): "NotPermittedAtThisTime", (3, "AP_2"): "Unauthorized",
            (4, "AP_1"): "granted", (4, "AP_2"): "granted",
        }  # fmt: skip

    with_door(scenario)


def test_profiles_and_schedules_are_found_again_and_shared() -> None:
    async def scenario(sim: OnvifDoorSim, driver: Any) -> None:
        rules = (Rule(("Door_1",), WORK),)
        await driver.apply(tuple(Upsert(card(n), "f", rules=rules) for n in (1, 2, 3)))
        before = set(sim.profiles), set(sim.schedules), set(sim.rules.groups)
        assert (len(sim.profiles), len(sim.schedules)) == (2, 2), "one for the three, and the usual one"
        await driver.device.thread(driver.credentials.prepare, dict(driver.service.door_by_point), driver.service.token)
        await driver.apply((Upsert(card(4), "f", rules=rules),))
        assert (set(sim.profiles), set(sim.schedules), set(sim.rules.groups)) == before, "after a reconnect too"

    with_door(scenario)


def test_a_device_full_of_profiles_gives_up_those_that_nobody_has() -> None:
    async def scenario(sim: OnvifDoorSim, driver: Any) -> None:
        def at(hour: int) -> tuple[Rule, ...]:
            return (Rule(("Door_1",), Schedule("s", ZONE, (TimeRange((1,), time(hour), time(20)),))),)

        for hour in range(8, 14):  # the hours of one person change again and again
            (result,) = await driver.apply((Upsert(card(1), f"f{hour}", rules=at(hour)),))
            assert result.error is None
        assert len(sim.profiles) <= 3
        (result,) = await driver.apply((Upsert(card(2), "f", rules=at(14)),))
        assert result.error is None
        (result,) = await driver.apply((Upsert(card(3), "f", rules=at(15)),))
        assert result.error, "all three are in use"
        assert (result.error.code, result.error.retry) == ("rules_full", True)

    with_door(scenario, {"profiles": 3})


def test_a_device_that_lives_in_another_zone_keeps_no_hours_of_ours() -> None:
    async def scenario(sim: OnvifDoorSim, driver: Any) -> None:
        limited, free = await driver.apply(
            (Upsert(card(1), "f", rules=(Rule(("Door_1",), WORK),)), Upsert(card(2), "f"))
        )
        assert limited.error, "it would open eight hours too early"
        assert limited.error.code == "schedule_unsupported"
        assert free.error is None

    with_door(scenario, {"time_zone": "UTC"})


def test_the_plan_says_where_and_when_in_the_devices_words() -> None:
    profiles = (AccessProfile("p", (AccessPolicy(("G1", "G9"), "work"), AccessPolicy(("G2",)))),)
    desired = AccessList("e", "d", 1, datetime.now(UTC), (card(1),), profiles, (WORK,))
    nothing = DeviceInventory((), datetime.now(UTC))
    can = definition("onvif_door").capabilities_of({"credentials": True, "schedules": True})
    (upsert,) = plan(desired, nothing, {}, can, points={"G1": "Door_1", "G2": "Door_2"}).upserts
    assert upsert.rules == (Rule(("Door_1",), WORK), Rule(("Door_2",))), "doors of other devices are not its business"
    without = definition("onvif_door").capabilities_of({"credentials": True})
    assert plan(desired, nothing, {}, without, points={}).at_edge == ("cred-1",), "else the edge decides about hours"


RANGES = st.builds(
    TimeRange,
    st.sets(st.integers(1, 7), min_size=1).map(lambda s: tuple(sorted(s))),
    st.times().map(lambda t: t.replace(microsecond=0, tzinfo=None)),
    st.times().map(lambda t: t.replace(microsecond=0, tzinfo=None)),
)
SPANS = st.tuples(st.integers(0, 11), st.integers(12, 24)).map(lambda p: TimeSpan(time(p[0]), time(p[1] % 24)))
SPECIAL = st.builds(SpecialDay, st.dates(date(2026, 6, 1), date(2026, 6, 14)), st.lists(SPANS, max_size=2).map(tuple))


@settings(max_examples=200, deadline=None)
@given(st.lists(RANGES, max_size=3), st.lists(SPECIAL, max_size=2, unique_by=lambda d: d.day), st.data())
def test_a_device_and_the_edge_read_the_same_hours(ranges: list[TimeRange], days: list[SpecialDay], data: Any) -> None:
    """The edge's own reading of a schedule, and a device's of what was written to it, at any second."""
    schedule = Schedule("s", ZONE, tuple(ranges), tuple(days))
    groups, special = {}, []
    for spans, dates in onvif_calendar.special(schedule).items():
        groups[str(len(groups))] = onvif_calendar.dates(dates)
        special.append((str(len(groups) - 1), tuple((s.start, onvif_calendar.until(s)) for s in spans)))
    device = Hours(onvif_calendar.weekly(schedule), tuple(special))
    day, second = data.draw(st.dates(date(2026, 5, 31), date(2026, 6, 16))), data.draw(st.integers(0, 86_399))
    local = datetime.combine(day, time()) + timedelta(seconds=second)
    overnight = any(r.end <= r.start for r in ranges) and any(
        d.day in (local.date(), local.date() - timedelta(days=1)) for d in days
    )
    if overnight or local.time() == time(23, 59, 59):
        return  # whose night it is after a special day, and the day's last second, a device may see otherwise
    at = local.replace(tzinfo=ZoneInfo(ZONE)).astimezone(UTC)
    assert device.covers(local, groups) == _local(schedule).covers(at)


def answered(external: str, decide: bool, known: bool) -> tuple[dict[str, Any], list[DriverEvent]]:
    """Somebody shows a card at a controller that asks; the driver's event is answered as `decide` says."""
    said: dict[str, Any] = {}
    told: list[DriverEvent] = []

    async def scenario(sim: OnvifDoorSim, driver: Any) -> None:
        if known:
            await driver.apply((Upsert(card(1), "f"),))

        async def listen() -> None:
            async for event in driver.events():
                told.append(event)
                if isinstance(event.body, CredentialPresented) and event.body.answer:
                    said["outcome"] = await event.body.answer(decide, DenyReason.EXPIRED)

        listening = asyncio.create_task(listen())
        try:
            await until(lambda: driver.pull_point.subscription, "the subscription")
            said.update(await sim.present(card="1001"))
            said["pulses"] = list(sim.pulses)
            await driver.device.thread(driver.pull_point.pull)
            await until(lambda: "outcome" in said, "what became of the answer")
        finally:
            listening.cancel()

    with_door(scenario, {"external": external})
    return said, told


def test_a_device_that_asks_opens_by_the_edges_word_alone() -> None:
    for external, known in (("credential", True), ("identifier", False)):
        said, told = answered(external, True, known)
        assert (said["granted"], said["pulses"], said["outcome"]) == (True, ["Door_1"], (CommandOutcome.DONE, ""))
        (shown,) = (e.body for e in told if isinstance(e.body, CredentialPresented))
        assert (shown.point, shown.identifier) == ("Door_1", Identifier(IdentifierType.CARD, "1001"))
        assert not [e for e in told if isinstance(e.body, AccessEvent)], "the edge's decision is the event, once"
        said, _ = answered(external, False, known)
        assert (said["granted"], said["why"], said["pulses"]) == (False, "expired", [])
