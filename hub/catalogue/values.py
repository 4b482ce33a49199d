"""(P) Values of the smaller rules: what they look at, and the hint they give."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

NOTE, YELLOW = "note", "yellow"
"""There is no heavier word here: such a hint asks at most."""


@dataclass(frozen=True, slots=True)
class Hint:
    """Something to look at in a dwelling. `innocent`: the explanations to think of first (IE codes). `refs`: (kind, id, text)."""

    rule: str
    kind: str
    stage: str
    first: date
    last: date
    because: tuple[str, ...]
    innocent: tuple[str, ...]
    observed: str
    threshold: str
    families: tuple[str, ...]
    refs: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class GuestUse:
    """A day on which a pass of the household's guests was used. `pass_kind`: visitor, regular_visitor, carer, repair, viewing.

    `night`: it came home in the evening or left in the early morning.
    """

    credential: str
    pass_kind: str
    day: date
    night: bool = False


@dataclass(frozen=True, slots=True)
class CardPass:
    """One pass with a thing that can be handed on (card, code): never a face. `side`: in, out or unknown."""

    credential: str
    door: str
    side: str
    at: datetime


@dataclass(frozen=True, slots=True)
class MemberUse:
    """A registered adult. `since`: since when something of theirs opens doors. `seen`: their last lawful pass.

    `observable`: every way in that they have may be looked at for this purpose (a face only with consent b).
    """

    member: str
    since: date
    seen: date | None
    observable: bool
