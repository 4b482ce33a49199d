"""Simulated cities that several files look at."""

from __future__ import annotations

import pytest
from city_tables import Cities


@pytest.fixture(scope="session")
def cities(tmp_path_factory: pytest.TempPathFactory) -> Cities:
    return Cities(tmp_path_factory.mktemp("cities"))
