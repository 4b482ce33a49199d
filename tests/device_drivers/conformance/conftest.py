"""The broker that the terminals of the conformance suite speak through."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture(scope="module")
def broker(mosquitto_factory: Any) -> Any:
    return mosquitto_factory("listener {port} 127.0.0.1\nallow_anonymous true\nmax_packet_size 6000000\n")
