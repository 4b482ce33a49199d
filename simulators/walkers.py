"""Residents who walk live: each outing of the estate's day goes to the doors as a face, a card or an exit button."""

from __future__ import annotations

import asyncio
import heapq
import logging
import random
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import partial
from typing import Any, Protocol

import numpy as np

from simulators.clock import EstateClock
from simulators.device import BadRequest, NotSupported
from simulators.history import P_BLOCK_CARD, P_STRANGER, STRANGERS_A_DAY, gate_of
from simulators.movement import DAY, Body, Crowd, Outings
from simulators.outages import LOCAL
from simulators.people import Routine

log = logging.getLogger(__name__)
MAX_QUEUE = 5  # who finds more people waiting at a door walks in behind them
WALK_TO_BLOCK_S = 70.0  # from the gate to the block entrance, in the estate's seconds


class Terminal(Protocol):
    """What a walker needs of a face terminal."""

    def find(self, *, picture_sha256: str | None = None, card: int | str | None = None) -> str | None:
        """The customId which the terminal holds for this picture or card."""

    def face(self, custom_id: str) -> dict[str, Any]:
        """A known face before the camera."""

    def stranger(self) -> dict[str, Any]:
        """An unknown face before the camera."""

    def card(self, number: int | str) -> dict[str, Any]:
        """A card at the reader."""


class Board(Protocol):
    """What a walker needs of a door board."""

    async def present_and_walk(self, number: int | str, timeout_s: float = 5.0, open_s: float = 2.0) -> bool:
        """Shows the card and goes through when the bolt gives way."""

    def press_exit(self) -> None:
        """Presses the exit button."""

    async def walk_through(self, delay_s: float = 0.7, open_s: float = 2.0) -> bool:
        """Pushes the released door."""


@dataclass(order=True, slots=True)
class Step:
    """One thing somebody will do at a moment of the estate's clock."""

    at: datetime
    number: int
    what: str = field(compare=False)
    body: Body | None = field(compare=False)


@dataclass(slots=True)
class Walkers:
    """Plays the outings of `crowd` on the devices. `photos`: person id -> sha256 of the picture the office holds.

    `motion(gate)` is awaited when somebody walks past a gate's camera. `newcomers` are bodies the tenancy feed added.
    """

    crowd: Crowd
    clock: EstateClock
    terminals: Mapping[str, Terminal]
    boards: Mapping[str, Board]
    motion: Callable[[str], Coroutine[Any, Any, None]]
    photos: dict[str, str]
    newcomers: dict[str, Body] = field(default_factory=dict)
    counters: dict[str, int] = field(default_factory=dict)
    _steps: list[Step] = field(default_factory=list)
    _count: int = 0
    _locks: dict[str, asyncio.Lock] = field(default_factory=dict)
    _waiting: dict[str, int] = field(default_factory=dict)
    _chance: random.Random = field(default_factory=random.Random)
    _new: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Walks until cancelled. Every outing is a task of its own: nobody waits for another's walk."""
        self._chance.seed(self.crowd.population.seed)
        now = self.clock.now()
        today = now.astimezone(LOCAL).date()
        self._plan(today - timedelta(days=1), not_before=now)
        self._plan(today, not_before=now)
        async with asyncio.TaskGroup() as tasks:
            while True:
                if self.clock.now().astimezone(LOCAL).date() > today:
                    today += timedelta(days=1)
                    self._plan(today, not_before=self.clock.now())
                wait = self.clock.real_seconds_until(self._steps[0].at) if self._steps else 5.0
                if wait > 0:
                    await self._pause(min(wait, 5.0))
                    continue
                step = heapq.heappop(self._steps)
                tasks.create_task(self._do(step))

    async def _pause(self, seconds: float) -> None:
        self._new.clear()
        try:
            async with asyncio.timeout(seconds):
                await self._new.wait()
        except TimeoutError:
            return

    def count(self, what: str) -> None:
        """Counts what happened, for the control page."""
        self.counters[what] = self.counters.get(what, 0) + 1

    def send(self, what: str, body: Body | None, delay_s: float = 0.0) -> None:
        """Lets somebody do something after `delay_s` real seconds: "in", "out" or "stranger"."""
        self._push(self.clock.now() + timedelta(seconds=delay_s * self.clock.speed), what, body)
        self._new.set()

    def welcome(self, body: Body) -> None:
        """A body the tenancy feed told of: comes home soon, and from then on every day."""
        known = str(body.holder) in self.newcomers
        self.newcomers[str(body.holder)] = body
        if not known:
            self.send("in", body, delay_s=20)

    def _push(self, at: datetime, what: str, body: Body | None) -> None:
        self._count += 1
        heapq.heappush(self._steps, Step(at, self._count, what, body))

    def _plan(self, day: date, not_before: datetime) -> None:
        """All steps of one day that are not over yet."""
        midnight = datetime.combine(day, time(), LOCAL)
        outings: Outings = self.crowd.outings(day)
        steps: list[tuple[float, str, Body | None]] = []
        for index, out_s, back_s in zip(
            outings.body.tolist(), outings.out_s.tolist(), outings.back_s.tolist(), strict=True
        ):
            body = self.crowd.bodies[index]
            if body.routine is not Routine.CARER:
                steps.append((out_s, "out", body))
            steps.append((back_s, "in", body))
        rng = np.random.default_rng([self.crowd.population.seed, 13, day.toordinal()])
        scale = len(self.crowd.population.households) / 229
        steps += [
            (float(s), "stranger", None)
            for s in rng.normal(14 * 3600, 3.3 * 3600, int(rng.poisson(STRANGERS_A_DAY * scale)))
        ]
        for body in self.newcomers.values():
            out_s = float(rng.uniform(7.0, 9.5)) * 3600
            steps += [(out_s, "out", body), (min(DAY - 60.0, out_s + float(rng.uniform(2, 11)) * 3600), "in", body)]
        for second, what, who in steps:
            at = midnight + timedelta(seconds=second)
            if at >= not_before:
                self._push(at, what, who)

    async def _do(self, step: Step) -> None:
        try:
            if step.what == "stranger" or step.body is None:
                await self._stranger()
            elif step.what == "in":
                await self._come_home(step.body)
            else:
                await self._leave(step.body)
        except (NotSupported, BadRequest, OSError) as error:  # a device in a fault; the rest of the estate goes on
            self.count("step_failed")
            log.warning("%s at %s: %s", step.what, step.body.block if step.body else "gate", error)

    async def _stranger(self) -> None:
        gate = self._chance.choice(sorted(self.terminals))
        await self._at(gate, partial(self._look, gate))

    async def _look(self, gate: str) -> None:
        await self.motion(gate)
        self.terminals[gate].stranger()
        self.count("stranger")

    async def _come_home(self, body: Body) -> None:
        gate = gate_of(body.block)
        if self._chance.random() > 0.82:
            gate = next(g for g in sorted(self.terminals) if g != gate)
        await self._at(gate, partial(self._enter_gate, gate, body))
        await asyncio.sleep(max(1.0, WALK_TO_BLOCK_S / self.clock.speed))
        board = f"door-{body.block.lower()}"
        if body.card is not None and self._chance.random() < P_BLOCK_CARD * body.observed:
            await self._at(board, partial(self._enter_block, board, body.card))
        else:
            self.count("block_followed")

    async def _enter_gate(self, gate: str, body: Body) -> None:
        await self.motion(gate)
        if self._chance.random() > body.observed:
            self.count("gate_followed")
            return
        terminal = self.terminals[gate]
        uses_card = body.card is not None and self._chance.random() < body.card_habit
        known = None
        if body.face and not uses_card:
            known = terminal.find(picture_sha256=self.photos.get(str(body.holder)))
        if known is not None:
            self._note("face", terminal.face(known))
        elif body.card is not None:
            self._note("card", terminal.card(body.card))
        elif self._chance.random() < P_STRANGER:
            self._note("nothing", terminal.stranger())

    def _note(self, by: str, result: Mapping[str, Any]) -> None:
        self.count(f"gate_{by}_{'opened' if result.get('opened') else 'refused'}")

    async def _enter_block(self, board: str, card: str) -> None:
        opened = await self.boards[board].present_and_walk(card, timeout_s=4.0, open_s=self._open_s)
        self.count("block_card_opened" if opened else "block_card_refused")

    @property
    def _open_s(self) -> float:
        return 2.0 if self.clock.speed <= 5 else 1.0

    async def _leave(self, body: Body) -> None:
        board = f"door-{body.block.lower()}"
        await self._at(board, partial(self._exit_block, board))
        await asyncio.sleep(max(1.0, WALK_TO_BLOCK_S / self.clock.speed))
        await self.motion(gate_of(body.block))
        self.count("gate_out")

    async def _exit_block(self, board: str) -> None:
        self.boards[board].press_exit()
        await self.boards[board].walk_through(delay_s=0.5, open_s=self._open_s)
        self.count("block_out")

    async def _at(self, device: str, act: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """One person at a time at a door; who finds a queue walks in behind the others and leaves no record."""
        if self._waiting.get(device, 0) >= MAX_QUEUE:
            self.count("crowded")
            return
        self._waiting[device] = self._waiting.get(device, 0) + 1
        try:
            async with self._locks.setdefault(device, asyncio.Lock()):
                await act()
        finally:
            self._waiting[device] -= 1
