"""(P) What every simulator of `simulators.apart` refuses to draw."""

from __future__ import annotations

MOST_PREVALENCE = 0.5


def refuse_too_small(dwellings: int, days: int, *, fewest_dwellings: int, fewest_days: int) -> None:
    """ValueError for a city or a history that is too small for what is drawn in it."""
    if dwellings < fewest_dwellings or days < fewest_days:
        raise ValueError(
            f"a city has {fewest_dwellings} dwellings and {fewest_days} days at least, not {dwellings} and {days}"
        )


def refuse_no_share(prevalence: float | None) -> None:
    """ValueError for a prevalence that is no share of dwellings, or one at which hardly anybody would be honest."""
    if prevalence is not None and not 0 <= prevalence <= MOST_PREVALENCE:
        raise ValueError(f"prevalence {prevalence} is not between 0 and {MOST_PREVALENCE}")
