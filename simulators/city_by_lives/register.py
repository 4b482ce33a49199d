"""What the office has on record: leases and members that end together, declared absences, closed cases, and the truth."""

from __future__ import annotations

from dataclasses import dataclass

from simulators.city_by_lives.basics import NOBODY
from simulators.city_by_lives.town import Case, Declared, Home, Town, Violation


@dataclass(frozen=True, slots=True)
class Registered:
    """A member as the table has it; days."""

    number: int
    dwelling: int
    since: int
    until: int | None
    consents: bool


class Register:
    """Of one city, at the end of the history."""

    def __init__(self, town: Town) -> None:
        self.town = town

    def end(self, day: int) -> int | None:
        """None beyond the history: not known yet."""
        return day if day < self.town.days else None

    def let_to(self, home: Home) -> int | None:
        """None: still let, or never let at all."""
        return self.end(home.lease_ends)

    def members(self) -> list[Registered]:
        """All who were registered while the home was let; who comes and goes here was at its last day at the latest."""
        town = self.town
        comes = {actor.member for actor in town.actors} - {NOBODY}
        rows = []
        for number, member in enumerate(town.members):
            let_to = min(town.homes[member.dwelling].lease_ends, town.days)
            if member.since >= let_to and number not in comes:
                continue
            since = min(member.since, let_to - 1)
            until = let_to if member.until is None else max(since, min(member.until, let_to))
            rows.append(Registered(number, member.dwelling, since, self.end(until), member.consents))
        return rows

    def declared(self) -> list[Declared]:
        """What was declared within the history, by the day, of absences of the household while the home was let."""
        rows = [row for row in self.town.declared if row.declared_on < self.town.days and self._concerns(row)]
        return sorted(rows, key=lambda row: row.declared_on)

    def _concerns(self, row: Declared) -> bool:
        home = self.town.homes[row.dwelling]
        has_begun = home.let_from is not None and max(row.first, row.declared_on) >= home.let_from
        return has_begun and row.first < home.moves_out

    def cases(self) -> list[Case]:
        """Closed within the history, by the day."""
        rows = [row for row in self.town.cases if 0 < row.closed_on < self.town.days]
        return sorted(rows, key=lambda row: row.closed_on)

    def violations(self) -> list[tuple[int, Violation]]:
        """(dwelling, violation), of dwellings in turn."""
        return [(home.number, home.violation) for home in self.town.homes if home.violation is not None]
