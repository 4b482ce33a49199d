"""Several processes replay what one replays: the same bytes, gone on with after a stop, and a clear word when one dies."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from datetime import date
from multiprocessing import active_children
from pathlib import Path
from typing import Any, cast

import pytest
from patience import PATIENCE_S

from hub.occupancy.backtest.pool import ReplayBroken, replayed
from hub.occupancy.backtest.replay import Replayer
from hub.occupancy.backtest.run import Options, backtest
from simulators.city.generate import generate
from simulators.city.plan import Settings
from simulators.city.world import builtin_world

START = date(2025, 7, 1)


def quiet(what: str, done: int, total: int) -> None:
    """No progress bar."""


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("city")
    generate(Settings(builtin_world("dev"), seed=5, dwellings=320, days=60, start=START), directory, parquet=False)
    return directory


def test_two_processes_write_what_one_writes_also_after_a_stop(
    city: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.occupancy.backtest.gathered.BUCKET", 20)
    one, two = tmp_path / "one.csv", tmp_path / "two.csv"
    backtest(Options(city, one, report=one.with_suffix(".json")), quiet)
    said: list[tuple[int, int]] = []

    def stopped(what: str, done: int, total: int) -> None:
        if what == "dwellings":
            said.append((done, total))
            if done == 1:
                raise KeyboardInterrupt

    options = Options(city, two, report=two.with_suffix(".json"), jobs=2)
    with pytest.raises(KeyboardInterrupt):
        backtest(options, stopped)
    assert none_left(), "a process goes on after Ctrl-C"
    assert not two.exists()
    assert len(list((tmp_path / "two.csv.work").glob("leads-*.json"))) > 0, "what was finished is kept"
    backtest(options, lambda what, done, total: said.append((done, total)) if what == "dwellings" else None)
    total = said[0][1]
    assert total > 2, "with so few buckets there is nothing to share"
    assert said == [(n, total) for n in (0, 1)] + [(n, total) for n in range(total + 1)]
    assert one.read_bytes() == two.read_bytes()
    assert one.with_suffix(".json").read_bytes() == two.with_suffix(".json").read_bytes()
    assert one.read_bytes().count(b"\n") > 2, "a city without leads proves nothing"


ALONE = """
from multiprocessing.reduction import ForkingPickler
import pickle
from hub.occupancy.backtest import pool
from hub.occupancy.values import NO_GAPS
print(pickle.loads(ForkingPickler.dumps(NO_GAPS)))
"""


def test_days_without_gaps_travel_to_another_process_also_from_the_command_alone() -> None:
    """A history with closed cases has homes judged before the pool begins; what the replayer holds by then must travel. Asked
    in a process that has read no other room, as the command's: the night's pool must not be needed for it."""
    ran = subprocess.run([sys.executable, "-c", ALONE], capture_output=True, text=True, check=False)
    assert ran.stdout == "{}\n", f"the back-test's pool cannot be handed its replayer: {ran.stderr[-500:]}"


def none_left() -> bool:
    """Waits until every process has ended. Asked again: the pool's own thread may have taken a process's end a moment ago and
    not yet written it down, and to whoever asks meanwhile the process seems to go on."""
    deadline, pace = time.monotonic() + PATIENCE_S, threading.Event()
    while active_children() and time.monotonic() < deadline:
        pace.wait(0.02)
    return not active_children()


class Deadly:
    """Whoever is handed it ends at once, as the kernel ends a process when memory is short."""

    buckets = 3

    def __reduce__(self) -> tuple[Any, ...]:
        return os._exit, (3,)


def test_a_process_that_dies_is_said_in_words(tmp_path: Path) -> None:
    with pytest.raises(ReplayBroken, match=r"memory was short.*fewer --jobs"):
        list(replayed(cast(Replayer, Deadly()), tmp_path, 2))
    assert none_left(), "none is left behind"


KILLED = """
import os, sys, threading
from pathlib import Path
from typing import Any, cast
from hub.occupancy.backtest import pool

class Endless:
    buckets = 2

    def bucket(self, work, number, only):
        (work / f"pid-{os.getpid()}").touch()
        threading.Event().wait()

if __name__ == "__main__":
    list(pool.replayed(Endless(), Path(sys.argv[1]), 2))
"""


def test_processes_of_a_back_test_that_is_killed_end_with_it(tmp_path: Path) -> None:
    script = tmp_path / "killed.py"
    script.write_text(KILLED)
    parent = subprocess.Popen([sys.executable, str(script), str(tmp_path)])
    deadline, pace = time.monotonic() + PATIENCE_S, threading.Event()
    while len(found := list(tmp_path.glob("pid-*"))) < 2:
        assert time.monotonic() < deadline, "its processes do not begin"
        assert parent.poll() is None, "it ended by itself"
        pace.wait(0.02)
    parent.kill()
    parent.wait()
    left = [int(file.name.removeprefix("pid-")) for file in found]
    while any(running(pid) for pid in left):
        assert time.monotonic() < deadline, "they go on and eat a core each"
        pace.wait(0.02)


def running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False
