"""What a terminal's topics carry that is not said now, not said by it, or not about what was asked."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from foreign_terminal import ForeignTerminal, until
from patience import PATIENCE_S
from test_face_variants import with_sim

from device_drivers.contract.access import Credential, Identifier
from device_drivers.contract.events import AccessEvent, Unreadable
from device_drivers.contract.words import AccessOutcome, CommandKind, CommandOutcome, HolderClass, IdentifierType
from device_drivers.driver import BrokerAddress, CommandRequest, CredentialPresented, DriverEvent, Upsert
from device_drivers.face_terminal import clock
from device_drivers.face_terminal import driver as face_driver
from simulators.face_terminal import FaceTerminalSim


@pytest.fixture
def broker(mosquitto_factory: Any) -> Any:
    return mosquitto_factory("listener {port} 127.0.0.1\nallow_anonymous true\nmax_packet_size 6000000\n")


class Terminal(ForeignTerminal):
    """`drop_id`: it does not say which question it answers."""

    drop_id = False
    slow = ""  # customId of an entry that it answers for later, when told to
    held_back: dict[str, Any] | None = None
    behind = timedelta()  # its clock

    @property
    def local(self) -> datetime:
        return datetime.now(ZoneInfo("Asia/Shanghai")) - self.behind

    def _getsystime(self, _asked: Any, _info: Any) -> dict[str, Any]:
        return {"code": 200, "info": {"SysTime": f"{self.local:%Y-%m-%d %H:%M:%S}"}}

    def card(self, ago: timedelta = timedelta()) -> None:
        info = {
            "facesluiceId": "SN-7",
            "CardInfo": {"CardNum": "4711"},
            "time": f"{self.local - ago:%Y-%m-%d %H:%M:%S}",
        }
        self.say("Card", {"operator": "CardPush", "info": info})

    def say(self, name: str, body: Any, *, shared: bool = False, retain: bool = False) -> None:
        if name == "Ack" and self.drop_id:
            body = {k: v for k, v in body.items() if k != "messageId"}
        if name == "Ack" and self.slow and body["info"].get("customId") == self.slow:
            self.held_back, self.slow = body, ""
            return
        text = body if isinstance(body, str | bytes) else json.dumps(body)
        topic = f"mqtt/face/{name}" if shared else f"mqtt/face/{self.device}/{name}"
        self.client.publish(topic, text, qos=0, retain=retain)


def with_terminal(
    broker: Any,
    scenario: Callable[[Terminal, Any, list[DriverEvent]], Any],
    before: Callable[[Terminal], Any] | None = None,
    timeout_s: float = 20.0,
    kind: type[Terminal] = Terminal,
) -> None:
    async def run() -> None:
        terminal = kind("SN-7", broker.port)
        await terminal.start()
        if before:
            await before(terminal)
        services: Any = SimpleNamespace(local_broker=BrokerAddress("127.0.0.1", broker.port, "edge", "edge"))
        driver = await face_driver.connect("d", {"device_id": "SN-7", "timeout_s": timeout_s}, services)
        told: list[DriverEvent] = []

        async def listen() -> None:
            async for event in driver.events():
                told.append(event)

        listening = asyncio.create_task(listen())
        try:
            async with asyncio.timeout(2 * PATIENCE_S):
                await scenario(terminal, driver, told)
                assert not listening.done(), listening
        finally:
            listening.cancel()
            await driver.close()
            await terminal.stop()

    asyncio.run(run())


SWIPE = {"operator": "CardPush", "info": {"facesluiceId": "SN-7", "CardInfo": {"CardNum": "4711"}}}


def test_a_card_that_the_broker_kept_is_not_shown_now(broker: Any) -> None:
    async def keep(terminal: Terminal) -> None:
        terminal.say("Card", SWIPE, retain=True)

    async def scenario(terminal: Terminal, _driver: Any, told: list[DriverEvent]) -> None:
        terminal.record(5, "cred-a")
        await until(lambda: told, "something said now")
        assert [type(e.body) for e in told] == [AccessEvent], "nobody stands at the door: it must not open"
        terminal.say("Card", SWIPE, retain=True)
        await until(lambda: len(told) == 2, "the card that is shown")
        assert isinstance(told[1].body, CredentialPresented)

    with_terminal(broker, scenario, keep)


def test_a_card_that_was_shown_an_hour_ago_opens_nothing_now(broker: Any) -> None:
    async def scenario(terminal: Terminal, _driver: Any, told: list[DriverEvent]) -> None:
        terminal.card(ago=timedelta(hours=1))
        await until(lambda: told, "what comes late is told")
        body = told[0].body
        assert isinstance(body, AccessEvent), "nobody stands at the door any more"
        assert (body.outcome, body.identifier, told[0].late) == (AccessOutcome.DENIED, IdentifierType.CARD, True)
        assert told[0].device_at is not None
        terminal.card()
        await until(lambda: len(told) == 2, "a card that is shown now")
        assert isinstance(told[1].body, CredentialPresented)

    with_terminal(broker, scenario)


@pytest.mark.parametrize("from_the_start", [True, False])
def test_nobody_waits_outside_because_a_terminals_clock_is_wrong(broker: Any, from_the_start: bool) -> None:
    async def wrong(terminal: Terminal) -> None:
        terminal.behind = timedelta(hours=3) if from_the_start else timedelta()

    async def scenario(terminal: Terminal, _driver: Any, told: list[DriverEvent]) -> None:
        terminal.behind = timedelta(hours=3)
        for number in (1, 2):
            terminal.card()
            await until(lambda number=number: len(told) == number, "the card")
            assert isinstance(told[-1].body, CredentialPresented), (
                "it is shown now, whatever the terminal takes for now"
            )

    with_terminal(broker, scenario, wrong)


def test_somebody_elses_word_that_a_terminal_is_gone_is_not_believed(broker: Any) -> None:
    async def scenario(terminal: Terminal, driver: Any, told: list[DriverEvent]) -> None:
        for number in range(3):
            terminal.say("basic", {"operator": "Offline", "info": {"facesluiceId": "SN-7"}}, shared=True)
            terminal.record(number, "cred-a")
            await until(lambda number=number: len(told) == number + 1, "its records come on")
        assert (await driver.command(CommandRequest(CommandKind.MOMENTARY_ACCESS)))[0] is CommandOutcome.DONE

    with_terminal(broker, scenario)


def card(token: str) -> Credential:
    return Credential(token, token, HolderClass.RESIDENT, (Identifier(IdentifierType.CARD, "4711"),), ("p",))


def test_a_late_answer_about_somebody_else_is_not_this_ones(broker: Any) -> None:
    """A terminal that does not say which question it answers: whose entry it means it says."""

    async def scenario(terminal: Terminal, driver: Any, _told: list[DriverEvent]) -> None:
        terminal.drop_id, terminal.slow = True, "cred-a"
        given_up = asyncio.create_task(driver.apply((Upsert(card("cred-a"), "f"),)))
        await until(lambda: terminal.held_back, "the first is asked about")
        given_up.cancel()
        late = terminal.held_back
        assert late is not None
        late |= {"code": "464", "info": {"customId": "cred-a", "result": "fail", "detail": "no face"}}
        terminal.slow = "cred-b"
        writing = asyncio.create_task(driver.apply((Upsert(card("cred-b"), "f"),)))
        await until(lambda: terminal.held_back is not late, "the second is asked about")
        terminal.say("Ack", late)
        terminal.say("Ack", terminal.held_back)
        assert [r.error for r in await writing] == [None], "who was refused is somebody else"

    with_terminal(broker, scenario)


def test_a_face_goes_also_where_the_terminal_does_not_say_whether_it_has_one(broker: Any) -> None:
    async def scenario(terminal: Terminal, driver: Any, _told: list[DriverEvent]) -> None:
        terminal.people["cred-a"] = {"customId": "cred-a", "pic": "a face"}
        await driver.inventory()
        (done,) = await driver.apply((Upsert(card("cred-a"), "f"),))
        assert done.error is None
        assert "SearchPerson" in terminal.asked, "it knows no such question"
        assert "DelPerson" in terminal.asked, "consent is withdrawn: what may still be there goes"
        assert "pic" not in terminal.people["cred-a"]

    with_terminal(broker, scenario)


def test_a_face_that_cannot_be_taken_off_is_told(broker: Any) -> None:
    async def scenario(terminal: Terminal, driver: Any, _told: list[DriverEvent]) -> None:
        terminal.people["cred-a"] = {"customId": "cred-a", "pic": "a face"}
        terminal._delperson = lambda _asked, _info: {"code": "465", "info": {"result": "fail"}}  # type: ignore[method-assign]
        await driver.inventory()
        (done,) = await driver.apply((Upsert(card("cred-a"), "f"),))
        assert done.error is not None, "an old face may still open"
        assert "EditPerson" in terminal.asked, "the card is written all the same"

    with_terminal(broker, scenario)


def test_a_terminal_that_gives_the_same_page_again_and_again_is_read_once(broker: Any) -> None:
    """It knows no `BeginNO`, and does not say how many there are."""

    async def scenario(terminal: Terminal, driver: Any, _told: list[DriverEvent]) -> None:
        page = [{"customId": "cred-a", "personId": "1"}, {"customId": "", "personId": "2"}]
        terminal._searchpersonlist = lambda _asked, _info: {"code": 200, "info": {"List": page}}  # type: ignore[attr-defined]
        async with asyncio.timeout(PATIENCE_S):
            pages = [page async for page in driver.contents()]
        assert [set(one) for one in pages] == [{"cred-a", ""}], "a list that never ends is never written again"

    with_terminal(broker, scenario)


def test_a_card_does_not_wait_behind_what_was_recorded_for_days(broker: Any) -> None:
    """The driver alone: what comes first of all that waits."""

    async def scenario(terminal: Terminal, driver: Any, told: list[DriverEvent]) -> None:
        again = await face_driver.connect("d2", {"device_id": "SN-7", "timeout_s": 20.0}, driver.roster.services)
        try:
            for number in range(2100):
                terminal.record(number, "cred-a", time=f"2026-05-01 08:{number // 60:02d}:{number % 60:02d}")
            terminal.say("Card", SWIPE)
            await until(lambda: any(isinstance(e.body, CredentialPresented) for e in told), "all of it came in")
            assert isinstance((await anext(again.events())).body, CredentialPresented), (
                "who stands at the door is first"
            )
        finally:
            await again.close()

    with_terminal(broker, scenario)


def test_a_record_that_cannot_be_read_does_not_hold_back_all_that_come_after(broker: Any) -> None:
    """A terminal pushes the same record until it is acknowledged, and then the next."""

    async def scenario(sim: FaceTerminalSim, _driver: Any, told: list[DriverEvent]) -> None:
        whole = sim.publish

        def broken(topic: str, body: Any) -> bool:
            if body.get("operator") == "StrSnapPush" and body["info"]["SnapID"] == "2":
                text = json.dumps({**body, "name": "x"}).replace('"x"', '"Li "Lee" Wei"')
                return sim.link.publish(topic, text.encode())
            return whole(topic, body)

        sim.publish = broken  # type: ignore[method-assign]
        for number in (1, 2, 3):
            sim.passes.stranger()
            await until(lambda number=number: len({e.key for e in told}) == number, f"record {number}")
        kinds = [type(e.body) for e in told]
        assert kinds.count(AccessEvent) == 2
        assert Unreadable in kinds, "it is kept raw for a person to look at"

    with_sim(broker, scenario)


def test_what_names_another_terminal_is_not_acknowledged(broker: Any) -> None:
    async def scenario(terminal: Terminal, _driver: Any, told: list[DriverEvent]) -> None:
        info = {"facesluiceId": "SN-8", "RecordID": "9", "VerifyStatus": "1", "time": "2026-06-01 08:00:00"}
        terminal.say("Rec", {"operator": "RecPush", "info": info})
        await until(lambda: told, "the message")
        assert isinstance(told[0].body, Unreadable)
        assert told[0].ack is None, "its own record of that number may not have come yet"

    with_terminal(broker, scenario)


def test_a_face_goes_also_from_an_entry_that_a_shortened_list_does_not_name(broker: Any) -> None:
    async def scenario(terminal: Terminal, driver: Any, _told: list[DriverEvent]) -> None:
        terminal.people = {name: {"customId": name, "pic": "a face"} for name in ("cred-a", "cred-b")}
        terminal._queryperson = lambda _asked, _info: {  # type: ignore[method-assign]
            "code": 200, "info": {"customId": "cred-a", "queryPersonNum": "2", "total": "2"}
        }  # fmt: skip
        assert not (await driver.inventory()).complete
        (done,) = await driver.apply((Upsert(card("cred-b"), "f"),))
        assert done.error is None
        assert "DelPerson" in terminal.asked, "it may stand there all the same"

    with_terminal(broker, scenario)


def test_a_terminal_that_talks_nonsense_without_end_does_not_fill_the_journal(broker: Any) -> None:
    """The journal is that of all devices of the box."""

    async def scenario(terminal: Terminal, driver: Any, told: list[DriverEvent]) -> None:
        for number in range(500):
            terminal.say("Rec", {"operator": "BehaviorPush", "info": {"facesluiceId": "SN-7", "count": number}})
        terminal.record(7, "cred-a")
        await until(lambda: any(isinstance(e.body, AccessEvent) for e in told), "its passes come on")
        kept = [e for e in told if isinstance(e.body, Unreadable)]
        assert 0 < len(kept) <= 60, "enough for a person to see what it is"
        assert f"{500 - len(kept)} unreadable messages were not kept" in (await driver.status()).detail

    with_terminal(broker, scenario)


class Untold(Terminal):
    """Does not say what time it has, nor takes another."""

    silent_about = ("GetSysTime", "SetSysTime")


def test_a_card_of_an_hour_ago_opens_nothing_though_the_terminal_tells_no_time(broker: Any) -> None:
    async def scenario(terminal: Terminal, driver: Any, told: list[DriverEvent]) -> None:
        assert driver.clock.offset_s is None
        terminal.card(ago=timedelta(hours=1))
        await until(lambda: told, "what may be late is told")
        body = told[0].body
        assert isinstance(body, AccessEvent), "whether somebody stands there cannot be known"
        assert body.outcome is AccessOutcome.DENIED
        assert "show it again" in body.text
        terminal.card()
        await until(lambda: len(told) == 2, "a card that is shown now")
        assert isinstance(told[1].body, CredentialPresented), "its time is that of now: nobody waits"

    with_terminal(broker, scenario, timeout_s=1.0, kind=Untold)


def test_who_shows_the_card_again_is_let_in_by_a_terminal_whose_clock_is_wrong_and_untold(broker: Any) -> None:
    async def scenario(terminal: Terminal, driver: Any, told: list[DriverEvent]) -> None:
        terminal.behind = timedelta(hours=3)
        for n in range(3):  # at once, as a link that was down delivers what was shown long ago
            terminal.card(ago=timedelta(minutes=10 - n))
        await until(lambda: len(told) == 3, "three that may be old")
        assert not any(isinstance(e.body, CredentialPresented) for e in told)
        terminal.card()
        await until(lambda: len(told) == 4, "the first that is shown now")
        await asyncio.sleep(clock.APART_S)  # people do not show a card twice within it
        terminal.card()
        await until(lambda: len(told) == 5, "shown again")
        assert isinstance(told[4].body, CredentialPresented), "two in step: they came at once"
        terminal.card()
        await until(lambda: len(told) == 6, "the next person")
        assert isinstance(told[5].body, CredentialPresented), "shows it once"
        terminal.card(ago=timedelta(minutes=2))
        await until(lambda: len(told) == 7, "one that was held up")
        assert isinstance(told[6].body, AccessEvent)

    with_terminal(broker, scenario, timeout_s=1.0, kind=Untold)


def test_a_card_without_a_time_that_ends_a_silence_may_be_old(broker: Any) -> None:
    async def scenario(terminal: Terminal, driver: Any, told: list[DriverEvent]) -> None:
        terminal.say("Card", SWIPE)
        await until(lambda: len(told) == 1, "a card")
        assert isinstance(told[0].body, CredentialPresented)
        driver._heard -= 3 * driver._beat_s
        terminal.say("Card", SWIPE)
        await until(lambda: len(told) == 2, "a card after minutes without a sign of life")
        assert isinstance(told[1].body, AccessEvent)
        driver._back_at -= face_driver.FLUSH_S
        terminal.say("Card", SWIPE)
        await until(lambda: len(told) == 3, "shown again")
        assert isinstance(told[2].body, CredentialPresented)

    with_terminal(broker, scenario)
