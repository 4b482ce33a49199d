"""(P) Which closed cases of a household say that a lead on it was none: people found so, and it counts for the household."""

from __future__ import annotations

from hub.occupancy.catalogue import SAME_QUESTION
from hub.occupancy.outcomes import FAMILY, OTHERS

FOUND_NOTHING = {"dismissed": False, "withdrawn": False, "closed_unproven": False, "good_cause": True}
"""Outcomes of cases: whether what was found was a good cause."""

UNLESS_LOOKED_INTO = "closed_unproven"
"""Such a case may have ended by itself; without one of LOOKED nobody looked into it, and it says nothing."""

LOOKED = ("visited", "interviewed", "agree")
"""Entries of a case by people who looked into it."""

KINDS: dict[str, str] = {
    **{kind.value: family for kind, family in FAMILY.items()},
    **dict.fromkeys(SAME_QUESTION, OTHERS),
}
"""Kinds of cases, and the family of leads of which they speak."""
