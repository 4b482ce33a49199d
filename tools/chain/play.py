"""Scripts from seeds, played and judged; the shortest part of one that still fails."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from unittest import mock

from hub import ids
from tools.chain.acts import ACTS, FAULTS, PEOPLE
from tools.chain.site import workspace
from tools.chain.virtual import VirtualLoop, edge_in_virtual_time
from tools.chain.world import World

Script = tuple[tuple[str, int], ...]
ROUNDS, ROUND_S = 40, 30.0
QUIET_S = 330.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """`sent`, `effective`: operations to devices, and those of them that changed something there."""

    seed: int
    script: Script
    faults: tuple[str, ...]
    false_confirmed: int
    claims: int
    sent: int
    effective: int
    rounds: int

    @property
    def good(self) -> bool:
        return not self.faults


def script_of(seed: int) -> Script:
    """12 to 30 acts: people's, faults, and waiting in between."""
    rng = random.Random(f"script {seed}")
    acts: list[tuple[str, int]] = [("move_in", rng.randrange(64)) for _ in range(rng.randrange(1, 5))]
    for _ in range(rng.randrange(12, 31)):
        kind = rng.random()
        name = rng.choice(PEOPLE) if kind < 0.4 else rng.choice(FAULTS) if kind < 0.75 else "wait"
        acts.append((name, rng.randrange(64)))
    return tuple(acts)


def play(seed: int, script: Script | None = None) -> Outcome:
    """One run, the same for the same seed and script."""
    script = script_of(seed) if script is None else script
    loop = VirtualLoop()
    with _repeatable(seed):
        world = World(workspace(), loop, seed)
        try:
            with world.feed(), edge_in_virtual_time(loop, lambda: world.now() + world.edge_skew):
                rounds = loop.run_until_complete(_run(world, script))
        finally:
            loop.close()
    sent = sum(t.sent for t in world.terminals.values())
    effective = sum(t.effective for t in world.terminals.values())
    verdict = world.verdict
    return Outcome(
        seed, script, tuple(verdict.faults), verdict.false_confirmed, verdict.claims, sent, effective, rounds
    )


@contextmanager
def _repeatable(seed: int) -> Iterator[None]:
    """Tokens, back-offs and everything else that is left to chance follow the seed."""
    rng = random.Random(f"ids {seed}")
    alphabet = "abcdefghijklmnopqrstuvwxyz0123456789"
    state = random.getstate()
    random.seed(seed)
    logging.disable(logging.CRITICAL)
    try:
        with mock.patch.object(ids, "random_text", lambda length: "".join(rng.choices(alphabet, k=length))):
            yield
    finally:
        logging.disable(logging.NOTSET)
        random.setstate(state)


async def _run(world: World, script: Script) -> int:
    world.start()
    await asyncio.sleep(2)
    try:
        for name, number in script:
            await ACTS[name](world, number)
            await asyncio.sleep(0.01)
            world.checks.shown()
        return await _settle(world)
    finally:
        await world.edge.kill()
        world.hub.stop()


async def _settle(world: World) -> int:
    """Nothing goes wrong any more: how many rounds until everything is in step and stays so."""
    await _mend(world)
    wrong: list[str] = []
    for number in range(ROUNDS):
        await asyncio.sleep(ROUND_S)
        world.checks.shown()
        wrong = world.checks.settled()
        if not wrong:
            before = _sent(world)
            await asyncio.sleep(QUIET_S)
            world.checks.shown()
            after = _sent(world) - before
            if after and not world.pass_ended_since(QUIET_S):
                world.verdict.blame(f"{after} operations were sent although everything was in step")
            for what in world.checks.settled():
                world.verdict.blame(f"in step, and then not: {what}")
            return number
    for what in wrong:
        world.verdict.blame(f"after {ROUNDS * ROUND_S:.0f} s without a fault: {what}")
    return ROUNDS


def _sent(world: World) -> int:
    """Operations; without the first try of what a device then refuses, which nobody could have spared."""
    return sum(t.sent - t.first_tries for t in world.terminals.values())


async def _mend(world: World) -> None:
    world.hub.points.left, world.hub.points.visitor = -1, None
    for name in (
        "hub_clock_right",
        "feed_returns",
        "terminals_well",
        "start_hub",
        "mend_hub",
        "start_edge",
        "mend_edge",
    ):
        await ACTS[name](world, 0)
    world.pull()
    world.broker.lose = world.broker.double = world.broker.delay = 0
    world.edge.https_up, world.edge.spoil = True, 0
    for terminal in world.terminals.values():
        faults = terminal.faults
        faults.lies = faults.busy = faults.lose_answers = 0
        faults.empty_after = faults.cut_after = -1


def shrink(outcome: Outcome, tries: int = 150) -> Outcome:
    """Leave out act after act, as long as it still fails."""
    best, at = outcome, 0
    size = max(1, len(best.script) // 2)
    while tries > 0 and size >= 1:
        if at >= len(best.script):
            at, size = 0, size // 2
            continue
        shorter = best.script[:at] + best.script[at + size :]
        tries -= 1
        again = play(best.seed, shorter)
        if again.good:
            at += size
        else:
            best = again
    return best
