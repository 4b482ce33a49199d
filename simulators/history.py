"""The months before today as a record export: newline-delimited JSON in order of time (`.gz`: compressed).

One JSON object a line; times are local with offset. What an edge imports through its journal:
  {"t":"access","device","point","at","holder","card","by","granted","reason","direction"}
  {"t":"door","device","point","at","state","alarm"}               alarms and their end; plain openings are not kept
  {"t":"meter","device","point","at","quantity","value","ok"}      cumulative m³ or kWh, at 11:55 and 23:55
  {"t":"observation","device","at","state","reason"}               first line of each device: ok; then changes
While a device is down it reports nothing: its lines are missing, not empty.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulators.consumption import Consumption, consumption, part_of_day
from simulators.history_lines import DAY, Lines, open_export, write_lines
from simulators.movement import Crowd, crowd
from simulators.outages import Outage, device_codes, outages, start_of
from simulators.residents import Population
from simulators.site import DOOR_POINT, meter_units

P_FACE_READ = 0.97  # a face which the terminal knows is recognised; otherwise the person shows the card
P_STRANGER = 0.35  # who has nothing to show looks into the terminal before walking in behind somebody
P_OTHER_GATE = 0.5  # takes the other gate when this one is down
P_BLOCK_CARD = 0.9  # shows the card at the block entrance rather than following a neighbour
STRANGERS_A_DAY = 25
READING_TIMES = (11 * 3600 + 55 * 60, 23 * 3600 + 55 * 60)


def write_history(
    path: Path,
    population: Population,
    until: datetime,
    *,
    days: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> int:
    """Writes the last `days` (default: all) of the history before `until` and returns the number of lines.

    `progress(done, total)` is called now and then while lines are written.
    """
    people = crowd(population)
    lines = Lines()
    spans = outages(population)
    there = presence(people, population.days + 1)
    _passes(lines, people, there, spans)
    _strangers(lines, population, spans)
    _meters(lines, meter_use(people, there), population, spans)
    _doors(lines, population, spans)
    last = int((until - start_of(population)).total_seconds())
    first = 0 if days is None else max(0, last // DAY - days) * DAY
    _observations(lines, population, spans, first)
    with open_export(path) as out:
        return write_lines(out, lines, start_of(population), first, last, progress)


def presence(people: Crowd, days: int) -> NDArray[np.bool_]:
    """Bodies × days of the history: who lives there on which day."""
    start = people.population.start
    return np.stack([people.at_home(start + timedelta(days=d)) for d in range(days)], axis=1)


def meter_use(people: Crowd, there: NDArray[np.bool_]) -> Consumption:
    """Consumption of every metered dwelling for the days of `there`."""
    start = people.population.start
    return consumption(people, [start + timedelta(days=d) for d in range(there.shape[1])], there)


def gate_of(block: str) -> str:
    """The gate nearest to a block: the northern one for the first two."""
    return "face-g1" if block in ("B1", "B2") else "face-g2"


def is_down(spans: Iterable[Outage], device: str, at: NDArray[np.int64], state: str = "down") -> NDArray[np.bool_]:
    """Which of the instants fall in an outage (`state`) of the device."""
    out = np.zeros(at.shape, dtype=np.bool_)
    for span in spans:
        if span.device == device and span.state == state:
            out |= (at >= span.first_s) & (at < span.last_s)
    return out


def _homecomings(people: Crowd, there: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    bodies, times = [], []
    for day in range(there.shape[1]):
        found = people.outings(people.population.start + timedelta(days=day), there[:, day])
        bodies.append(found.body)
        times.append(found.back_s + day * DAY)
    return np.concatenate(bodies), np.concatenate(times)


def _passes(lines: Lines, people: Crowd, there: NDArray[np.bool_], spans: list[Outage]) -> None:
    rng = np.random.default_rng([people.population.seed, 9])
    body, at = _homecomings(people, there)
    bodies = people.bodies
    count = len(body)
    face = np.array([b.face for b in bodies])[body]
    card = np.array([b.card is not None for b in bodies])[body]
    habit = np.array([b.card_habit for b in bodies])[body]
    observed = np.array([b.observed for b in bodies])[body]
    gate = _gates(rng, np.array([gate_of(b.block) == "face-g2" for b in bodies])[body], at, spans)
    by_face = face & (rng.random(count) < P_FACE_READ) & ~(card & (rng.random(count) < habit))
    by_card = card & ~by_face
    seen = (gate >= 0) & (rng.random(count) < observed)
    stranger = seen & ~by_face & ~by_card & (rng.random(count) < P_STRANGER)
    tails = _credential_texts(lines, people)
    heads = np.array([lines.text(_access_head(d)) for d in ("face-g1", "face-g2")])
    for chosen, column in ((seen & by_face, 0), (seen & by_card, 1), (stranger, 2)):
        lines.add(at[chosen], heads[gate[chosen]], tails[body[chosen], column])
    at_block = at + rng.integers(40, 160, count)
    number = np.array([int(b.block[1:]) for b in bodies])[body]
    shows = card & (rng.random(count) < P_BLOCK_CARD * observed)
    for b in range(1, people.population.layout.blocks + 1):
        device = f"door-b{b}"
        propped = is_down(spans, device, at_block, "propped")
        chosen = shows & (number == b) & ~is_down(spans, device, at_block) & (~propped | (rng.random(count) < 0.3))
        head = np.full(int(chosen.sum()), lines.text(_access_head(device)))
        lines.add(at_block[chosen], head, tails[body[chosen], 1])


def _gates(
    rng: np.random.Generator, second: NDArray[np.bool_], at: NDArray[np.int64], spans: list[Outage]
) -> NDArray[np.int64]:
    """0 or 1 for the gate used, -1 where it was down and nothing could be recorded."""
    gate = np.where(rng.random(len(at)) < 0.82, second, ~second).astype(np.int64)
    down = np.stack([is_down(spans, d, at) for d in ("face-g1", "face-g2")])
    here, there = down[gate, np.arange(len(at))], down[1 - gate, np.arange(len(at))]
    other = here & ~there & (rng.random(len(at)) < P_OTHER_GATE)
    return np.where(other, 1 - gate, np.where(here, -1, gate))


def _access_head(device: str) -> str:
    return f'{{"t":"access","device":"{device}","point":"{DOOR_POINT}","at":"'


def _access_tail(holder: str | None, card: str | None, by: str, reason: str | None) -> str:
    rest = {"holder": holder, "card": card, "by": by, "granted": reason is None, "reason": reason, "direction": "in"}
    return '",' + json.dumps(rest, separators=(",", ":"))[1:]


def _credential_texts(lines: Lines, people: Crowd) -> NDArray[np.int64]:
    """Bodies × (face, card, stranger): the text numbers of what follows the time."""
    unknown = lines.text(_access_tail(None, None, "face", "unknown_credential"))
    rows = [
        (
            lines.text(_access_tail(b.holder, None, "face", None)),
            lines.text(_access_tail(b.holder, b.card, "card", None)),
        )
        for b in people.bodies
    ]
    return np.array([(face, card, unknown) for face, card in rows])


def _strangers(lines: Lines, population: Population, spans: list[Outage]) -> None:
    """Visitors and couriers: refused faces at the gates, now and then a card which nobody knows."""
    rng = np.random.default_rng([population.seed, 10])
    scale = len(population.households) / 229
    count = int(rng.poisson(STRANGERS_A_DAY * scale * (population.days + 1)))
    at = rng.integers(0, population.days + 1, count) * DAY + rng.normal(14 * 3600, 3.3 * 3600, count).astype(np.int64)
    gate = rng.integers(0, 2, count)
    face = lines.text(_access_tail(None, None, "face", "unknown_credential"))
    cards = [lines.text(_access_tail(None, f"{99_000_000 + i:010d}", "card", "unknown_credential")) for i in range(40)]
    tail = np.where(rng.random(count) < 0.93, face, np.array(cards)[rng.integers(0, len(cards), count)])
    for index, device in enumerate(("face-g1", "face-g2")):
        chosen = (gate == index) & ~is_down(spans, device, at)
        lines.add(at[chosen], np.full(int(chosen.sum()), lines.text(_access_head(device))), tail[chosen])


def _meters(lines: Lines, use: Consumption, population: Population, spans: list[Outage]) -> None:
    rng = np.random.default_rng([population.seed, 11])
    days = use.water.shape[1]
    at = (np.arange(days)[:, None] * DAY + np.array(READING_TIMES)).ravel()
    part = part_of_day(np.array(READING_TIMES))
    row = {code: i for i, code in enumerate(use.dwellings)}
    for b in range(1, population.layout.blocks + 1):
        device = f"meters-b{b}"
        up = ~is_down(spans, device, at)
        for unit in meter_units(population, f"B{b}"):
            daily, start, digits = daily_use(use, row[unit["dwelling"]], unit["quantity"])
            total = start + np.cumsum(daily)
            values = (total[:, None] - daily[:, None] * (1 - part)).ravel()
            good = rng.random(len(at)) > 0.002
            head = lines.text(f'{{"t":"meter","device":"{device}","point":"unit-{unit["unit"]}","at":"')
            before = f'","quantity":"{unit["quantity"]}","value":'
            tails = [
                lines.unique(f'{before}{v:.{digits}f},"ok":true}}' if ok else f'{before}0.0,"ok":false}}')
                for v, ok in zip(values[up].tolist(), good[up].tolist(), strict=True)
            ]
            moments = at[up] + unit["unit"] % 120
            lines.add(moments, np.full(len(moments), head), np.array(tails, dtype=np.int64))


def daily_use(use: Consumption, row: int, quantity: str) -> tuple[NDArray[np.float64], float, int]:
    """(use per day, reading before the first day, decimals of the register) of one meter."""
    if quantity == "water":
        return use.water[row], float(use.start_water[row]), 3
    return use.electricity[row], float(use.start_electricity[row]), 2


def _doors(lines: Lines, population: Population, spans: list[Outage]) -> None:
    """Held-open and forced alarms of the block entrances, and the propped door's long one."""
    rng = np.random.default_rng([population.seed, 12])
    for b in range(1, population.layout.blocks + 1):
        device = f"door-b{b}"
        count = int(rng.poisson(7 * population.days / 200))
        starts = np.sort(rng.integers(0, population.days * DAY, count))
        busy = is_down(spans, device, starts) | is_down(spans, device, starts, "propped")
        for at in starts[~busy].tolist():
            alarm = "forced_open" if rng.random() < 0.2 else "held_open"
            _alarm(lines, device, at, at + int(rng.integers(125, 900)), alarm)
    for span in spans:
        if span.state == "propped":
            _alarm(lines, span.device, span.first_s, span.last_s, "held_open")


def _alarm(lines: Lines, device: str, first: int, last: int, alarm: str) -> None:
    head = f'{{"t":"door","device":"{device}","point":"{DOOR_POINT}","at":"'
    lines.one(first, head, f'","state":"open","alarm":"{alarm}"}}')
    lines.one(last, head, '","state":"closed","alarm":"normal"}')


def _observations(lines: Lines, population: Population, spans: list[Outage], first: int) -> None:
    for device in device_codes(population):
        now = next((s for s in spans if s.device == device and s.first_s < first < s.last_s), None)
        _observe(lines, device, first, now.state if now else "ok", now.reason if now else "开始观测")
    for span in spans:
        if span.first_s >= first:
            _observe(lines, span.device, span.first_s, span.state, span.reason)
        _observe(lines, span.device, span.last_s, "ok", "恢复")


def _observe(lines: Lines, device: str, at: int, state: str, reason: str) -> None:
    rest: dict[str, Any] = {"state": state, "reason": reason}
    head = f'{{"t":"observation","device":"{device}","at":"'
    lines.one(at, head, '",' + json.dumps(rest, ensure_ascii=False, separators=(",", ":"))[1:])
