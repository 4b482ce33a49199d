"""What `estate-edge status` prints."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest
from edge_twins import EDGE, ESTATE, T0
from typer.testing import CliRunner

from device_drivers.contract.device import DeviceStatus
from device_drivers.contract.messages import DeviceReported
from device_drivers.contract.words import DeviceCondition
from edge_agent.cli import app
from edge_agent.config import EdgeConfig, EdgeDir
from edge_agent.status import BoxStatus, disk_told, write_status

NAMES = ("E001-gate-north-terminal-1", "E001-gate-north-terminal-2", "E001-m1")


@pytest.mark.parametrize("columns", [80, 200])
def test_devices_can_be_told_apart_in_a_narrow_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    place = EdgeDir(tmp_path)
    place.make()
    config = EdgeConfig(EDGE, ESTATE, "127.0.0.1", 1, "http://127.0.0.1:1", "secret", mqtt_tls=False)
    place.config.write_bytes(msgspec.json.encode(config))
    status = DeviceStatus(DeviceCondition.FAULT, T0, detail="1 of 2 meters give no value: [w-7] (unit 7): no answer")
    reports = {n: DeviceReported(n, 12, "", status, reported_at=T0, decided_at_edge=True) for n in NAMES}
    write_status(place, BoxStatus(tuple(reports.values())))
    done = CliRunner().invoke(app, ["status", "--dir", str(tmp_path)])
    assert done.exit_code == 0, done.output
    lines = done.output.splitlines()
    for name in NAMES:
        assert any(line.startswith(f"{name} ") and "12" in line for line in lines), done.output
    assert "[w-7]" in done.output, "a detail's brackets are text"
    assert all(len(line) <= columns for line in lines), "nothing is wider than the terminal"
    assert "…" not in done.output


@pytest.mark.parametrize(
    ("flags", "room", "said"), [(0, 0, "is full"), (os.ST_RDONLY, 9, "is mounted read-only"), (0, 9, "")]
)
def test_a_disk_that_takes_nothing_is_said_though_the_page_cannot_be_written(
    tmp_path: Path, flags: int, room: int, said: str
) -> None:
    """The page is as old as the last write, and did not tell of it."""
    real = os.statvfs(tmp_path)
    values = list(real)
    values[4], values[8] = room, flags  # f_bavail, f_flag
    told = disk_told(EdgeDir(tmp_path), lambda _path: os.statvfs_result(values))
    assert (said in told) if said else told == ""
    assert not said or "lost with the power" in told
