"""(P) The words of `diff`: what is known, what changed, what is held, and how much may be lost at once."""

from __future__ import annotations

from dataclasses import dataclass

from hub.tenancy.records import RefusedRow, TenancyRecord

ENDED = "ended"
ACTIVE = "active"
ALLOCATED = "allocated"


@dataclass(frozen=True, slots=True)
class Limits:
    """The brake: at most `share` of an estate's live tenancies (but `floor` always pass) or `households` within a day.

    `weekly`: within seven days at most so many times that: many small removals are one large one.
    """

    share: float = 0.05
    households: int = 20
    floor: int = 3
    weekly: int = 3

    def allowed(self, live: int) -> int:
        """How many households of an estate with `live` tenancies may lose something in a day."""
        return min(self.households, max(self.floor, int(live * self.share)))


@dataclass(frozen=True, slots=True)
class Known:
    """A tenancy as the hub has it. `record.state` is the hub's: `ended` only where the decision was complete.

    `source`: whose record it is, where several sources are looked at together. `seen`: the newest version of which the brake
    holds a part back.
    """

    record: TenancyRecord
    estate_id: str
    source: str = ""
    seen: int = 0


@dataclass(frozen=True, slots=True)
class Change:
    """A known tenancy and its newer version. `record` is what to store: `settle` has been applied, leavers are dated.

    `left`: members whose last day was set or moved forward (it may lie ahead: the loss is decided now). `cards_gone`,
    `photos_gone`: members of whom a card is taken, or a photo although the consent goes on. `moved`: the household goes to
    another dwelling, and its old doors close behind it.
    """

    before: TenancyRecord
    record: TenancyRecord
    added: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    cards_gone: tuple[str, ...] = ()
    photos_gone: tuple[str, ...] = ()
    moved: bool = False
    consents_given: tuple[tuple[str, str], ...] = ()
    consents_withdrawn: tuple[tuple[str, str], ...] = ()
    fields: tuple[str, ...] = ()

    @property
    def losses(self) -> tuple[str, ...]:
        """What kinds of access this change takes from somebody, now or on a day it names; empty: none."""
        before, after = self.before.end_decision, self.record.end_decision
        announced = after is not None and after.complete and not (before is not None and before.complete)
        ends = self.record.state == ENDED and self.before.state != ENDED
        ways = (("cards", self.cards_gone), ("photo", self.photos_gone), ("moved", self.moved))
        told = (("ended", ends or announced), ("left", self.left), *ways)
        return tuple(name for name, true in told if true)


@dataclass(frozen=True, slots=True)
class HeldHousehold:
    """One household that keeps its access although the source says otherwise.

    `losses`: what it would lose (`Change.losses`). Of a household that came under another identifier: `becomes` is the
    tenancy number the source uses now, `people` are its persons (number there now, number known here).
    """

    tenancy: str
    dwelling_code: str
    estate_id: str
    reason: str
    members: int
    left: tuple[str, ...] = ()
    losses: tuple[str, ...] = ()
    becomes: str = ""
    people: tuple[tuple[str, str], ...] = ()
    of_source: str = ""


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """`ended` and changes with losses are already free of what the brake holds. `refused` is the brake's reason or empty.

    `seen`: (tenancy, version) of what the brake holds back a part of.
    `conflicts`: records that contradict what they said under the same version, or who a person is; nothing is lost by them.
    """

    new: tuple[TenancyRecord, ...] = ()
    changed: tuple[Change, ...] = ()
    ended: tuple[Change, ...] = ()
    unchanged: tuple[str, ...] = ()
    stale: tuple[str, ...] = ()
    incomplete: tuple[HeldHousehold, ...] = ()
    missing: tuple[str, ...] = ()
    held: tuple[HeldHousehold, ...] = ()
    refused: str = ""
    seen: tuple[tuple[str, int], ...] = ()
    conflicts: tuple[RefusedRow, ...] = ()
