"""The device simulators by kind."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from simulators.device import DeviceSim
from simulators.face_terminal import FaceTerminalSim
from simulators.modbus_board import ModbusBoardSim
from simulators.modbus_bus import ModbusBusSim
from simulators.modbus_meter import ModbusMeterSim
from simulators.onvif_device import OnvifCameraSim
from simulators.onvif_door import OnvifDoorSim

KINDS: dict[str, type[DeviceSim]] = {
    sim.kind: sim
    for sim in (FaceTerminalSim, ModbusBoardSim, ModbusBusSim, ModbusMeterSim, OnvifCameraSim, OnvifDoorSim)
}


def make_device(
    kind: str, code: str, config: Mapping[str, Any], *, seed: int = 0, state_dir: Path | None = None
) -> DeviceSim:
    """A device simulator, not yet started. Raises ValueError for an unknown kind."""
    if kind not in KINDS:
        raise ValueError(f"no device kind {kind!r}; known: {', '.join(sorted(KINDS))}")
    return KINDS[kind](code, config, seed=seed, state_dir=state_dir)
