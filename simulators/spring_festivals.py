"""(P) When the Spring Festival is."""

from __future__ import annotations

from datetime import date

FIRST_DAYS = (
    date(2022, 2, 1),
    date(2023, 1, 22),
    date(2024, 2, 10),
    date(2025, 1, 29),
    date(2026, 2, 17),
    date(2027, 2, 6),
    date(2028, 1, 26),
    date(2029, 2, 13),
    date(2030, 2, 3),
    date(2031, 1, 23),
    date(2032, 2, 11),
)
"""Of lunar years."""


def spring_festivals(first: int, last: int) -> tuple[date, ...]:
    """Those of the years `first` to `last`. Which years a simulator knows is part of what its seeds mean."""
    return tuple(day for day in FIRST_DAYS if first <= day.year <= last)
