"""What a terminal's numbers mean (`errors.json`) and what a model can do (`profiles.json`): data, checked at first use."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Literal

import msgspec

HERE = Path(__file__).parent
Level = Literal["whole", "person"]
RetryClass = Literal["fine", "retry", "person", "bug", "unknown"]


class Meaning(msgspec.Struct, frozen=True, array_like=True):
    """`code` is ours; `retry`: fine = treat as success, retry = try again, person = a person must act, bug = ours."""

    code: str
    retry: RetryClass


class ErrorTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Meanings by level, operator ("*" for all) and number as text."""

    source: str
    whole: dict[str, dict[str, Meaning]]
    person: dict[str, dict[str, Meaning]]


class UnlockCommand(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`{device}` and `{text}` in the values of `info` are filled in."""

    operator: str
    info: dict[str, str]


class Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One branch of the family. `edit_gap_s`: pause between single entries with a photo, as the manual demands."""

    title: str
    source: str
    cards: bool
    batch: bool
    edit_gap_s: float
    unlock: UnlockCommand | None = None


@lru_cache
def table() -> ErrorTable:
    return msgspec.json.decode((HERE / "errors.json").read_bytes(), type=ErrorTable)


@lru_cache
def profiles() -> dict[str, Profile]:
    return msgspec.json.decode((HERE / "profiles.json").read_bytes(), type=dict[str, Profile])


def meaning(operator: str, number: str, level: Level = "whole") -> Meaning:
    """An unknown number keeps itself: `code_4711`, class unknown."""
    by_operator = table().whole if level == "whole" else table().person
    for name in (operator, "*"):
        if found := by_operator.get(name, {}).get(number):
            return found
    return Meaning(f"code_{number}" if number else "refused", "unknown")
