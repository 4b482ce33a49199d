"""The tables and columns of the back-test history format, and columns of words."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

COLUMNS: dict[str, tuple[tuple[str, str], ...]] = {
    "dwellings": (
        ("dwelling_id", "text"),
        ("estate_id", "text"),
        ("block_id", "text"),
        ("let_from", "date"),
        ("let_to", "date"),
        ("expected_members", "int"),
    ),
    "members": (
        ("person_id", "text"),
        ("dwelling_id", "text"),
        ("from", "date"),
        ("to", "date"),
        ("face_consent_b", "int"),
    ),
    "access_points": (
        ("access_point_id", "text"),
        ("estate_id", "text"),
        ("scope", "text"),
        ("block_id", "text"),
        ("dwelling_id", "text"),
    ),
    "passes": (
        ("ts", "time"),
        ("access_point_id", "text"),
        ("person_id", "text"),
        ("credential_id", "text"),
        ("credential_kind", "text"),
        ("dwelling_id", "text"),
        ("granted", "int"),
        ("direction", "text"),
    ),
    "coverage": (("access_point_id", "text"), ("from", "time"), ("to", "time"), ("state", "text")),
    "meters": (("dwelling_id", "text"), ("date", "date"), ("kind", "text"), ("value", "number"), ("ok", "int")),
    "absences": (
        ("dwelling_id", "text"),
        ("from", "date"),
        ("to", "date"),
        ("reason", "text"),
        ("declared_on", "date"),
    ),
    "cases": (("dwelling_id", "text"), ("kind", "text"), ("closed_on", "date"), ("outcome", "text")),
    "subgroups": (("dwelling_id", "text"), ("group", "text")),
    "truth": (("dwelling_id", "text"), ("kind", "text"), ("from", "date"), ("to", "date")),
    "simulated_absences": (("dwelling_id", "text"), ("from", "date"), ("to", "date"), ("cause", "text")),
}
"""The format's tables; and `simulated_absences`, the truth about who was away and why (for the leak test)."""

TABLES = tuple(name for name in COLUMNS if name != "simulated_absences")
"""Of the format."""


def make_room(directory: Path) -> None:
    """Makes the directory and removes old tables: one in the other form would win or confuse."""
    directory.mkdir(parents=True, exist_ok=True)
    for name in COLUMNS:
        for ending in ("csv", "parquet"):
            (directory / f"{name}.{ending}").unlink(missing_ok=True)


class Words:
    """A column of words given as numbers into a vocabulary; below 0 is empty."""

    def __init__(self, numbers: NDArray[Any], vocabulary: Sequence[str]) -> None:
        self.numbers = numbers
        self.vocabulary = vocabulary

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, rows: slice) -> Words:
        return Words(self.numbers[rows], self.vocabulary)

    def texts(self) -> list[str]:
        """The words themselves."""
        table = np.array([*self.vocabulary, ""], dtype=object)
        return [str(word) for word in table[self.numbers]]
