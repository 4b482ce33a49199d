"""(P) The one word a dwelling has in the 楼盘表, from its tenancy, its repair flag and what occupancy suggests."""

from __future__ import annotations

from dataclasses import dataclass

STATUSES = ("occupied", "vacant", "allocated", "suspected_sublet", "suspected_idle", "repair", "unknown")
SUSPECTED = frozenset({"suspected_sublet", "suspected_idle"})


@dataclass(frozen=True, slots=True)
class DwellingFacts:
    """`tenancy`: active, allocated or None. `suspected`: suspected_sublet, suspected_idle or None.

    `last_state`: the newest presence day's state, None when there is none (new, or no door and meter covers it).
    """

    under_repair: bool = False
    tenancy: str | None = None
    suspected: str | None = None
    last_state: str | None = None


def dwelling_status(facts: DwellingFacts) -> str:
    """A let dwelling is `occupied` until a lead says otherwise: what was not observed is never shown as empty."""
    if facts.under_repair:
        return "repair"
    if facts.tenancy == "allocated":
        return "allocated"
    if facts.tenancy == "active":
        return facts.suspected if facts.suspected in SUSPECTED else "occupied"
    if facts.tenancy is None:
        return "vacant"
    return "unknown"
