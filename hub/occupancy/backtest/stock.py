"""All buckets replayed; and where more questions are put than the stock can bear, the homes that have some replayed once more."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from hub.occupancy.asking import Question, by_week
from hub.occupancy.backtest.chunk import EPOCH
from hub.occupancy.backtest.gathered import by_bucket
from hub.occupancy.backtest.history import History
from hub.occupancy.backtest.pool import replayed
from hub.occupancy.backtest.replay import Lead, Replayer

Above = tuple[tuple[date, float], ...]


@dataclass(frozen=True, slots=True)
class Replayed:
    """The leads of a history; for the report, from which chance on questions were put."""

    leads: list[Lead]
    asking: dict[str, Any]


def replay_all(
    history: History,
    replayer: Replayer,
    work: Path,
    jobs: int,
    done: Callable[[int], None],
    again: Callable[[int, int], None],
) -> Replayed:
    """`done`: told the number of each bucket that was replayed for the first time; `again`: how many were replayed once more, of
    how many."""
    leads: list[Lead] = []
    questions: list[tuple[int, Question]] = []
    for number, said in enumerate(replayed(replayer, work, jobs)):
        leads += said.leads
        questions += said.questions
        done(number)
    above, touched = limits(history, questions)
    if not touched:
        return Replayed(leads, _told(above, 0))
    replayer.outcomes = replace(replayer.outcomes, above=above)
    leads = [lead for lead in leads if lead.dwelling not in touched]
    wanted = by_bucket(history, touched)
    again(0, len(wanted))
    for number, said in enumerate(replayed(replayer, work, jobs, wanted)):
        leads += said.leads
        again(number + 1, len(wanted))
    return Replayed(leads, _told(above, len(touched - {lead.dwelling for lead in leads})))


def limits(history: History, questions: Sequence[tuple[int, Question]]) -> tuple[Above, set[int]]:
    """(from which Monday on questions are put above which chance, the dwellings that this may touch). `questions`: each with its
    dwelling."""
    homes = len(history.dwellings) - len(history.excluded)
    above = by_week([one for _dwelling, one in questions], homes, history.first, history.last)
    limited = [monday.toordinal() - EPOCH for monday, chance in above if chance]
    if not limited:
        return above, set()
    return above, {dwelling for dwelling, one in questions if one.first < limited[-1] + 7}


def _told(above: Above, unasked: int) -> dict[str, Any]:
    limited = [chance for _monday, chance in above if chance]
    return {
        "weeks": len(above),
        "limited_weeks": len(limited),
        "highest": max(limited, default=0.0),
        "last": above[-1][1] if above else 0.0,
        "homes_never_asked": unasked,
    }
