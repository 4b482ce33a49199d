"""How many cases a decoder gets: a taste in the suite, and as many as ESTATE_FUZZ says in `make fuzz` (10,000 each).

What once failed is kept in `tests/fuzz/seeds` and tried first from then on.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from hypothesis import HealthCheck, settings
from hypothesis.database import DirectoryBasedExampleDatabase

F = TypeVar("F", bound=Callable[..., object])
CASES = int(os.environ.get("ESTATE_FUZZ", "0"))
SUITE_CASES = 150


def fuzzed(test: F) -> F:
    """The suite repeats the same cases; a long run looks for others each time."""
    chosen = settings(
        max_examples=CASES or SUITE_CASES,
        derandomize=not CASES,
        deadline=None,
        database=DirectoryBasedExampleDatabase(Path(__file__).with_name("seeds")) if CASES else None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )
    return chosen(test)
