"""How `--dist loadfile` shares out the suite: what takes long is begun first, so that no worker ends alone.

By itself xdist begins with the files of most tests, which are quick ones, and keeps the journeys for the end.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from xdist.scheduler import LoadFileScheduling

JOURNEYS = "tests/journeys/"
FAULTS = f"{JOURNEYS}test_journey_faults.py"

LONG = (
    JOURNEYS,
    "tests/hub/occupancy/backtest/",
    "tests/chain/",
    "tests/web/",
    "tests/device_drivers/conformance/",
    "tests/device_drivers/test_modbus",
    "tests/simulators/test_sim_city",
    "tests/simulators/test_sim_people",
    "tests/edge_agent/test_edge_box.py",
    "tests/hub/tenancy/",
    "tests/hub/access/",
    "tests/device_drivers/faces/",
    "tests/hub/evidence/",
    "tests/hub/test_hub_",
    "tests/hub/",
    "tests/test_",
)
"""Paths begin with these; the longest first."""


def place(item: pytest.Item) -> int:
    """Where the item's file stands in `LONG`; those of no such path come last."""
    return next((n for n, path in enumerate(LONG) if item.nodeid.startswith(path)), len(LONG))


WAITING = ("tests/device_drivers/", "tests/edge_agent/")
"""Here it is mostly waited for a device that is silent, a relay that falls, a box that starts again."""


def ordered(items: Sequence[pytest.Item]) -> list[pytest.Item]:
    """The longest first, and those that wait spread among those that compute: a third worker then has use of two cores."""
    files: dict[str, list[pytest.Item]] = {}
    for item in sorted(items, key=place):
        files.setdefault(item.nodeid.partition("::")[0], []).append(item)
    waiting = [file for file in files if file.startswith(WAITING)]
    computing = [file for file in files if not file.startswith(WAITING)]
    spread = [(n / len(some), file) for some in (computing, waiting) for n, file in enumerate(some)]
    return [item for _, file in sorted(spread, key=lambda one: one[0]) for item in files[file]]


class SlowFirst(LoadFileScheduling):
    """A file goes to one worker, in the order of collection. All journeys go to one: they share one running estate. The faults
    have their own: they put a hub's files back under it."""

    def _split_scope(self, nodeid: str) -> str:
        shared = nodeid.startswith(JOURNEYS) and not nodeid.startswith(FAULTS)
        return JOURNEYS if shared else str(super()._split_scope(nodeid))
