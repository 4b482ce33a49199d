"""(P) When the estate's devices could not see: outages, a propped door, a wrong clock. Seeded."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta, timezone

import numpy as np

from simulators.residents import Population

LOCAL = timezone(timedelta(hours=8))
REASONS = ("停电", "网络中断", "设备检修", "交换机故障")


@dataclass(frozen=True, slots=True)
class Outage:
    """Device `device` was in `state` (down, propped, clock) in seconds [first_s, last_s) after the history's start."""

    device: str
    state: str
    first_s: int
    last_s: int
    reason: str


def start_of(population: Population) -> datetime:
    """Midnight (local) of the history's first day: second 0 of all arrays."""
    return datetime.combine(population.start, time(), LOCAL)


def device_codes(population: Population) -> list[str]:
    """All devices of the site that report."""
    blocks = range(1, population.layout.blocks + 1)
    return ["face-g1", "face-g2", "cam-g1", "cam-g2", *(f"{k}-b{b}" for b in blocks for k in ("door", "meters"))]


def outages(population: Population) -> list[Outage]:
    """All outages of the history: 3–6 per device in 200 days of some hours each, one propped door, one wrong clock."""
    rng = np.random.default_rng([population.seed, 8])
    total = population.days * 86_400
    found: list[Outage] = []
    for device in device_codes(population):
        for _ in range(int(rng.poisson(4 * population.days / 200))):
            first = int(rng.integers(2 * 86_400, total - 86_400))
            length = int(min(40 * 3600, 900 + rng.exponential(7 * 3600)))
            found.append(_span(device, "down", first, length, REASONS[int(rng.integers(len(REASONS)))]))
    propped = f"door-b{int(rng.integers(1, population.layout.blocks + 1))}"
    found.append(_span(propped, "propped", int(total * 0.35), 5 * 86_400 + 7200, "门被支住常开"))
    found.append(_span("face-g2", "clock", int(total * 0.6), 6 * 3600, "设备时钟偏差"))
    return _without_overlap(found)


def _span(device: str, state: str, first: int, length: int, reason: str) -> Outage:
    return Outage(device, state, first, first + length, reason)


def _without_overlap(found: list[Outage]) -> list[Outage]:
    """A device is in one state at a time: later ones that begin inside an earlier one are dropped."""
    kept: list[Outage] = []
    until: dict[str, int] = {}
    for outage in sorted(found, key=lambda o: (o.device, o.first_s)):
        if outage.first_s > until.get(outage.device, -1):
            kept.append(outage)
            until[outage.device] = outage.last_s
    return kept
