"""Job `policy.trial`: trials of policy packs, with what the hub's closed cases had taught by each day, as the night has it."""

from __future__ import annotations

from functools import cache

from hub.cases.inspected import outcomes_of
from hub.jobs import Job
from hub.occupancy import trials
from hub.services import Hub


def play(hub: Hub) -> str:
    return trials.play(hub, cache(lambda: outcomes_of(hub.db, hub.now().date())))


JOBS: tuple[Job, ...] = (Job(trials.JOB, 600.0, play),)
