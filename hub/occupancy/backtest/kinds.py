"""(P) Kinds of leads, of cases and of the truth in a history, and which of them mean the same."""

from __future__ import annotations

OTHERS = frozenset({"sublet_whole", "sublet_part", "lent", "visitor_abuse", "enrolment_fraud"})


def family(kind: str) -> str:
    """`others` for all kinds that mean "others live here"; else the kind itself."""
    return "others" if kind in OTHERS else kind
