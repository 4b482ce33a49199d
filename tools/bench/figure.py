"""A figure: what was measured, against what in the same run, and whether it meets its goal."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Figure:
    """`ratio` is value ÷ the reference's value; `met` is None where there is no goal to meet."""

    name: str
    value: float
    unit: str
    reference: str
    ratio: float | None
    goal: str
    met: bool | None

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def percentile(values: list[float], share: float) -> float:
    """Nearest rank; `share` in 0..1. Raises ValueError on no values."""
    if not values:
        raise ValueError("nothing was measured")
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, round(share * len(ordered) + 0.5) - 1))]
