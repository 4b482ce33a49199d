"""Device twins that behave as terminals do: a list of their own that outlives the link, and every way of getting it wrong."""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from device_drivers.contract.access import Credential
from device_drivers.contract.device import Capabilities, DeviceInventory, DeviceStatus, DriverInfo, HeldCredential
from device_drivers.contract.words import CommandOutcome, DeviceCondition
from device_drivers.driver import (
    Applied,
    CommandRequest,
    CredentialRefused,
    DeviceRefused,
    DeviceUnreachable,
    DriverDefinition,
    DriverEvent,
    DriverServices,
    Operation,
    Picture,
    Upsert,
)

ANSWER_S, PATIENCE_S = 0.02, 5.0
FOREIGN = "foreign-"


class Way(NamedTuple):
    """One thing that opens: a card's number or a photo's digest, and until when (None: no end)."""

    kind: str
    value: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """What a terminal keeps of one person. `mark`: what it was told to remember of the write, if it can."""

    ways: frozenset[Way]
    until: datetime | None
    mark: str


Content = dict[str, Entry]


def entry_of(credential: Credential, mark: str = "") -> Entry:
    until = credential.validity.not_after
    ways = frozenset(
        Way(str(i.type), i.value or (i.photo.sha256 if i.photo else ""), until) for i in credential.identifiers
    )
    return Entry(ways, until, mark)


@dataclass(frozen=True, slots=True)
class Model:
    """A kind of device. `marks`: it reads back what was written, not only whose entry it has; `expires`: it deletes what is
    over by itself; `upper`: it spells ids its own way."""

    kind: str
    capabilities: Capabilities
    marks: bool = False
    expires: bool = False
    upper: bool = False


_READABLE = Capabilities(holds_list=True, cards=True, replays_events=True, reads_back=True, photos=True)
PROVER = Model(
    "twin_prover",
    msgspec.structs.replace(_READABLE, validity_dates=True, batch=3),
    marks=True,
    expires=True,
)
NAMER = Model("twin_namer", _READABLE, upper=True)
BLIND = Model("twin_blind", Capabilities(holds_list=True, cards=True, replays_events=True, batch=2))
BOARD = Model("twin_board", Capabilities(cards=True, commands=("momentary_access",)))
MODELS = (PROVER, NAMER, BLIND, BOARD)


@dataclass
class Faults:
    """What goes wrong next. Counters run down as they strike."""

    unreachable: bool = False
    silent: bool = False
    slow_s: float = 0.0
    lose_answers: int = 0
    lies: int = 0
    busy: int = 0
    empty_after: int = -1  # restarts empty after so many operations
    cut_after: int = -1  # the link is lost after so many operations
    refuse_photos: set[str] = field(default_factory=set)
    refuse_cards: set[str] = field(default_factory=set)
    capacity: int = 1_000_000


class Terminal:
    """The device itself. `reads`: what stood in it at each read-back, by the time it told."""

    def __init__(self, name: str, model: Model, now: Callable[[], datetime], wall: Callable[[], datetime]) -> None:
        self.name, self.model, self.now, self.wall = name, model, now, wall
        self.faults = Faults()
        self.held: Content = {}
        self.history: list[tuple[datetime, Content]] = []
        self.reads: dict[datetime, Content] = {}
        self.sent = 0
        self.effective = 0
        self.tried: set[str] = set()  # refused writes: each has to be tried once
        self.sessions = 0
        self.first_tries = 0
        self.removed_ways: list[tuple[datetime, Way]] = []
        self.disturbed_at = now()  # when it last changed by itself
        self.enrolled: set[str] = set()  # foreign entries that must still be there
        self.links: set[TwinDriver] = set()

    # --- what stands in it -------------------------------------------------------------------------------------------
    def content(self) -> Content:
        """Now. A terminal that deletes what is over has done so."""
        if self.model.expires:
            for token, entry in list(self.held.items()):
                if entry.until is not None and entry.until <= self.now():
                    del self.held[token]
                    self._keep(entry.until)
        return dict(self.held)

    def _keep(self, at: datetime | None = None) -> None:
        self.history.append((at or self.now(), dict(self.held)))

    def at(self, when: datetime) -> Content:
        place = bisect_right([t for t, _ in self.history], when)
        return self.history[place - 1][1] if place else {}

    def ours(self) -> Content:
        return {t: e for t, e in self.content().items() if not t.startswith(FOREIGN)}

    def foreign(self) -> set[str]:
        return {t for t in self.held if t.startswith(FOREIGN)}

    @property
    def full(self) -> bool:
        return len(self.content()) >= self.faults.capacity

    # --- what happens to it ------------------------------------------------------------------------------------------
    def enrol_foreign(self, number: int) -> None:
        self.held[f"{FOREIGN}{number}"] = Entry(frozenset({Way("card", f"99{number}")}), None, "")
        self.enrolled.add(f"{FOREIGN}{number}")
        self._keep()

    def restart(self, *, empty: bool) -> None:
        """Power lost and back; `empty`: with nothing in it."""
        if empty:
            self.held.clear()
            self.enrolled.clear()
            self.disturbed_at = self.now()
            self._keep()
        self.cut()

    def go_back(self, number: int) -> None:
        """What stood in it at one of the last changes stands in it again."""
        if self.history:
            before = dict(self.history[-1 - number % min(12, len(self.history))][1])
            # By names alone nobody could tell that an entry says something else.
            self.held = before if self.model.marks else before | {t: e for t, e in self.held.items() if t in before}
            self.enrolled = self.foreign()
            self.disturbed_at = self.now()
            self._keep()
        self.cut()

    def lose_one(self, number: int) -> None:
        """An entry is gone by itself, without a word."""
        mine = sorted(t for t in self.held if not t.startswith(FOREIGN))
        if mine:
            del self.held[mine[number % len(mine)]]
            self.disturbed_at = self.now()
            self._keep()

    def cut(self) -> None:
        for link in list(self.links):
            link.cut()

    # --- what is done with it ----------------------------------------------------------------------------------------
    def spelled(self, token: str) -> str:
        return token.upper() if self.model.upper and not token.startswith(FOREIGN) else token

    def _found(self, token: str) -> str:
        return next((t for t in self.held if t.casefold() == token.casefold()), self.spelled(token))

    def write(self, operation: Operation) -> CredentialRefused | None:
        """One operation as a terminal takes it."""
        self.sent += 1
        before = dict(self.content())
        error = None
        if self.faults.lies > 0 and self._may_lie(operation):
            self.faults.lies -= 1
            self.effective += 1
            return None
        if isinstance(operation, Upsert):
            error = self._upsert(operation)
            # Who finds no room may be tried anew in each session: room may have been made meanwhile.
            attempt = f"{operation.fingerprint} {self.sessions if error and error.code == 'list_full' else ''}"
            if error and attempt not in self.tried:
                self.tried.add(attempt)
                self.first_tries += 1
        else:
            gone = self.held.pop(self._found(operation.token), None)
            if gone is None:
                self.sent -= 1  # to be told twice that somebody is gone costs nothing and may save a day
            else:
                self.removed_ways += [(self.now(), way) for way in gone.ways]
        if self.held != before or error:
            self.effective += 1
            self._keep()
        return error

    def _may_lie(self, operation: Operation) -> bool:
        """Nobody could tell from names alone that an entry which is there was not rewritten."""
        return (
            self.model.marks
            or not isinstance(operation, Upsert)
            or self._found(operation.credential.token) not in self.held
        )

    def _upsert(self, operation: Upsert) -> CredentialRefused | None:
        credential = operation.credential
        entry = entry_of(credential, operation.fingerprint if self.model.marks else "")
        if any(w.kind == "face" and w.value in self.faults.refuse_photos for w in entry.ways):
            return CredentialRefused(credential.token, "photo_no_face", "by the twin")
        if any(w.kind == "card" and w.value in self.faults.refuse_cards for w in entry.ways):
            return CredentialRefused(credential.token, "card_too_long", "by the twin")
        token = self._found(credential.token)
        if token not in self.held and len(self.held) >= self.faults.capacity:
            return CredentialRefused(credential.token, "list_full", "by the twin")
        lost = self.held[token].ways - entry.ways if token in self.held else frozenset()
        self.removed_ways += [(self.now(), way) for way in lost]
        self.held[token] = entry
        return None


class TwinDriver:
    """One connection to a terminal."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal
        self.lost = False
        self._queue: asyncio.Queue[DriverEvent | None] = asyncio.Queue()
        terminal.links.add(self)
        terminal.sessions += 1

    def cut(self) -> None:
        self.lost = True
        self._queue.put_nowait(None)

    async def _speak(self, seconds: float = ANSWER_S) -> None:
        faults = self.terminal.faults
        if faults.silent:
            await asyncio.sleep(PATIENCE_S)
            raise DeviceUnreachable("no answer")
        await asyncio.sleep(seconds + faults.slow_s)
        if faults.unreachable or self.lost:
            raise DeviceUnreachable("the link is gone")

    async def inventory(self) -> DeviceInventory:
        await self._speak()
        terminal = self.terminal
        at = terminal.wall()
        content = terminal.content()
        terminal.reads[at] = content
        marks = terminal.model.marks
        return DeviceInventory(tuple(HeldCredential(t, e.mark if marks else None) for t, e in content.items()), at)

    async def apply(self, operations: tuple[Operation, ...]) -> tuple[Applied, ...]:
        terminal, faults = self.terminal, self.terminal.faults
        await self._speak()
        if faults.busy > 0:
            faults.busy -= 1
            raise DeviceRefused("busy")
        done: list[Applied] = []
        for operation in operations:
            await self._speak(ANSWER_S)
            self._strike()
            done.append(Applied(operation, terminal.write(operation)))
        if faults.lose_answers > 0:
            faults.lose_answers -= 1
            await asyncio.sleep(PATIENCE_S)
            raise DeviceUnreachable("done, and the answer was lost")
        return tuple(done)

    def _strike(self) -> None:
        faults = self.terminal.faults
        if faults.empty_after >= 0:
            faults.empty_after -= 1
            if faults.empty_after < 0:
                self.terminal.restart(empty=True)
                raise DeviceUnreachable("it restarted in the middle, empty")
        if faults.cut_after >= 0:
            faults.cut_after -= 1
            if faults.cut_after < 0:
                self.terminal.cut()
                raise DeviceUnreachable("cut in the middle")

    async def events(self) -> AsyncIterator[DriverEvent]:
        while event := await self._queue.get():
            yield event
        raise DeviceUnreachable("cut")

    async def command(self, request: CommandRequest) -> tuple[CommandOutcome, str]:
        await self._speak()
        return CommandOutcome.DONE, ""

    async def status(self) -> DeviceStatus:
        await self._speak()
        return DeviceStatus(DeviceCondition.ONLINE, self.terminal.wall(), self.terminal.wall(), 0.0)

    async def snapshot(self) -> Picture:
        raise DeviceRefused("a twin takes no pictures")

    async def close(self) -> None:
        self.terminal.links.discard(self)


def definition(model: Model, terminals: dict[str, Terminal]) -> DriverDefinition:
    async def connect(device: str, _config: dict[str, Any], _services: DriverServices) -> TwinDriver:
        terminal = terminals[device]
        await asyncio.sleep(ANSWER_S)
        if terminal.faults.unreachable or terminal.faults.silent:
            raise DeviceUnreachable("nobody answers")
        return TwinDriver(terminal)

    return DriverDefinition(DriverInfo(model.kind, model.kind, {}, model.capabilities), connect)
