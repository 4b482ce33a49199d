"""One dwelling while its people and their year are drawn: who is added, who sleeps there, who comes by day."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from simulators.city_by_nights.dice import NEVER, NOBODY, Bools, pick
from simulators.city_by_nights.people import Actor, Carried, Means, Member, Role, Visit, Weights, draw_actor
from simulators.city_by_nights.town import HOUSEHOLD_KINDS, Declared, FridgeOff, Looks, Town

CODE_USERS = (Role.WORKER, Role.TEEN, Role.NIGHT)


class Home:
    """A dwelling and who goes in and out. A range of days is [first, end); it may begin or end outside the history."""

    def __init__(self, town: Town, dwelling: int) -> None:
        self.town = town
        self.rng = town.rng
        self.world = town.world
        self.calendar = town.calendar
        self.days = town.calendar.days
        self.dwelling = dwelling
        self.estate = town.places.estates[town.places.estate_of[dwelling]]
        self.kind = HOUSEHOLD_KINDS[town.household[dwelling]]
        self.let_from = int(town.leases.let_from[dwelling])
        self.let_to = int(town.leases.let_to[dwelling])
        self.move_in = int(town.leases.move_in[dwelling])
        self.roles: list[Role] = []  # of the household, also of one who was never enrolled
        self.hides_one = False  # somebody lives here lawfully and was never enrolled
        self.members: list[Actor] = []
        self.residents: list[Actor] = []  # members, and who lives with them
        self.register: list[int] = []  # numbers of members, also of those who live elsewhere
        self.actors: list[Actor] = []  # everybody
        self.first, self.end = 0, 0  # days on which the household leads its own life

    # who comes and goes

    def add(
        self,
        role: Role,
        nights: Bools,
        carried: Carried,
        *,
        member: int = NOBODY,
        seen: float = 1.0,
        missed: float = 0.0,
        face_from: int = -NEVER,
        face_until: int = NEVER,
        pass_days: int = 1,
        by_evening: bool = False,
    ) -> Actor:
        """Somebody new."""
        actor = draw_actor(
            self.rng,
            self.world,
            self.dwelling,
            role,
            nights,
            carried,
            member=member,
            seen=seen,
            missed=missed,
            face_from=face_from,
            face_until=face_until,
            pass_days=pass_days,
            by_evening=by_evening,
        )
        self.actors.append(actor)
        self.town.actors.append(actor)
        return actor

    def register_member(self, since: int, until: int | None, *, consents: bool, has_card: bool, has_face: bool) -> int:
        """Puts a person on the list; the number."""
        self.town.members.append(Member(self.dwelling, since, until, consents, has_card, has_face))
        return len(self.town.members) - 1

    def enrol(self, role: Role, *, tailgates: bool = False, since: int | None = None) -> Actor:
        """A registered member who moves about; by default since the lease began, or a little later."""
        rng, world, estate = self.rng, self.world, self.estate
        is_child = role == Role.CHILD
        consents = bool(rng.random() < estate.consents and not is_child)
        has_face = bool(rng.random() < (estate.enrolled if consents else estate.face_without_consent) and not is_child)
        has_card = bool(rng.random() < (0.35 if is_child else estate.card_held))
        from_day = self.let_from if since is None else since
        if since is None and rng.random() < 0.08 and from_day < -40:
            from_day = int(rng.integers(from_day, -10))
        member = self.register_member(from_day, None, consents=consents, has_card=has_card, has_face=has_face)
        is_missed = has_face and rng.random() < world.badly_enrolled
        means = self._members_means(role, has_face=has_face, has_card=has_card, tailgates=tailgates)
        face_until, face_from = NEVER, -NEVER
        if has_face and rng.random() < world.face_stops:
            face_until = int(rng.integers(10, self.days))
        if has_face and rng.random() < 0.06:
            face_from = int(rng.integers(5, self.days))
        missed = rng.uniform(0.3, 0.75) if is_missed else rng.uniform(0.005, 0.04)
        return self.add(
            role,
            self.every_night(),
            Carried(means, NOBODY),
            member=member,
            seen=world.child_seen if is_child else 1.0,
            missed=missed,
            face_from=face_from,
            face_until=face_until,
        )

    def _members_means(self, role: Role, *, has_face: bool, has_card: bool, tailgates: bool) -> Weights:
        rng, estate = self.rng, self.estate
        face = 6 * np.exp(rng.normal(0, 0.5)) if has_face else 0
        card = (1.3 if has_face else 6.0) * np.exp(rng.normal(0, 0.5)) if has_card else 0
        pin = 5 * np.exp(rng.normal(0, 0.6))
        qr = 0.0
        if estate.qr and rng.random() < 0.5 and role in CODE_USERS:
            qr = 1.2 * np.exp(rng.normal(0, 0.8))
        borrowed = 0.1 if rng.random() < 0.3 else 0
        follows = 0.6 * estate.follows * np.exp(rng.normal(0, 0.7)) * (7 if tailgates else 1)
        return {
            Means.FACE: face,
            Means.CARD: card,
            Means.PIN: pin,
            Means.QR: qr,
            Means.SPARE: 0.12,
            Means.BORROWED: borrowed,
            Means.FOLLOWS: follows + (5 if role == Role.CHILD else 0),
        }

    def guests_means(self, weights: Weights, lenders: Sequence[int] | None = None) -> Carried:
        """How somebody who is not enrolled gets in, with a card of one of `lenders` (members; by default any)."""
        rng = self.rng
        cards = [one for one in (self.register if lenders is None else lenders) if self.town.members[one].has_card]
        means = dict(weights)
        means[Means.PIN] = means.get(Means.PIN, 5) * np.exp(rng.normal(0, 0.4))
        means[Means.FOLLOWS] = means.get(Means.FOLLOWS, 1) * self.estate.follows
        if not cards:
            means[Means.SPARE] = means.get(Means.SPARE, 0) + means.pop(Means.BORROWED, 0)
        return Carried(means, pick(rng, cards) if cards else NOBODY)

    # nights and days

    def every_night(self) -> Bools:
        """(days + 1,) nights."""
        return np.ones(self.days + 1, bool)

    def no_night(self) -> Bools:
        """(days + 1,) nights of somebody who comes by day."""
        return np.zeros(self.days + 1, bool)

    def nights_of(self, first: int, end: int) -> Bools:
        """(days + 1,) the nights after the days [first, end)."""
        nights = self.no_night()
        nights[max(0, first + 1) : max(0, end + 1)] = True
        return nights

    def send_away(self, actor: Actor, first: int, end: int) -> None:
        """Does not sleep here after the days [first, end)."""
        actor.nights[max(0, first + 1) : max(0, end + 1)] = False

    def anybody(self) -> Bools:
        """(days + 1,) nights on which a member is at home."""
        nights: Bools = np.any([actor.nights for actor in self.members], 0)
        return nights

    def visit(
        self,
        actor: Actor,
        days: Iterable[int],
        *,
        hour: tuple[float, float] = (10, 2.5),
        hours: tuple[float, float] = (0.4, 4),
        litres: tuple[float, float] = (3, 60),
        draws_water: float = 0.6,
    ) -> None:
        """Comes on these days, about an hour (mean, spread), and stays for hours (least, most)."""
        rng = self.rng
        for day in days:
            if 0 <= day < self.days:
                comes, stays = float(np.clip(rng.normal(*hour), 6, 21)), rng.uniform(*hours)
                drawn = None
                if rng.random() < draws_water:
                    drawn = float(np.exp(rng.uniform(np.log(litres[0]), np.log(litres[1]))))
                actor.visits.append(Visit(int(day), comes, stays, drawn))

    # what is written down

    def declare(self, first: int, end: int | None, reason: str, declared_on: int) -> None:
        """The office is told of an absence."""
        self.town.declared.append(Declared(self.dwelling, first, end, reason, declared_on))

    def looks_like(self, kind: str, first: int, end: int) -> None:
        """This honest life may be taken for a violation."""
        self.town.looks.append(Looks(self.dwelling, kind, first, end))

    def switch_off(self, first: int, end: int) -> None:
        """The refrigerator is off."""
        self.town.fridges_off.append(FridgeOff(self.dwelling, first, end))

    def belongs_to(self, subgroup: str) -> None:
        """Of the groups that scoring looks at."""
        self.town.subgroups.append((self.dwelling, subgroup))
