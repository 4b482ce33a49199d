"""Honest life that looks like a violation: the innocent explanations IE01-IE32 of `law_and_practice.md` section 4.1.

Every home with a lease has its share, those in violation too, so that the look of any of it proves nothing. Shares are
assumptions; the long absences follow `detection.md` section 2.1 (11.6 % of homes for 30 days or more in a year, 4.5 % for 60).
"""

from __future__ import annotations

import numpy as np

from simulators.city_of_lookalikes.absences import HONEST, REASONS, RENOVATION, declare, first_day, leave_home
from simulators.city_of_lookalikes.calendar import length
from simulators.city_of_lookalikes.people import Actor, Rhythm, Town

LONG_ABSENCES = ((0.010, 155, 340), (0.010 + 0.021, 62, 150), (0.010 + 0.021 + 0.047, 32, 62), (0.108, 16, 32))
"""(share of homes with this or a longer one, least days, most days)"""

REASON_WEIGHTS = (0.30, 0.22, 0.16, 0.16, 0.06, 0.07, 0.03)

PARTNERS_KINDS = ("young", "single_mid", "night_shift", "courier", "traveller", "family")
BIRTHS_KINDS = ("family", "young", "three_gen")

ENTERS_TEMPORARILY = (["family_card"], ["family_card", "number"], ["visitor_pass", "number"], ["family_card", "let_in"])


def live_honestly(town: Town) -> set[int]:
    """Draws the year of every home with a lease; homes with a long honest absence."""
    absent: set[int] = set()
    steady = set(town.steady)
    for home in town.let:
        life = _HonestLife(town, home)
        if home in steady and home not in town.violations and life.long_absence():
            absent.add(home)
        life.festivals()
        life.holidays()
        life.members_away()
        life.faces_and_doors()
        life.carers()
        life.birth()
        life.guests()
        life.leak()
    return absent


class _HonestLife:
    """The year of one home. The order of the draws is part of what a seed means."""

    def __init__(self, town: Town, home: int) -> None:
        self.town = town
        self.home = home
        self.dice = town.dice
        self.world = town.world
        self.calendar = town.calendar
        self.days = town.calendar.days
        self.household = town.households[home]
        self.members = self.household.members
        self.grown = [actor for actor in self.members if actor.is_grown]

    # --- absences of the whole home

    def long_absence(self) -> bool:
        """Leaves the home for weeks or months, if it falls so (IE01-IE12)."""
        dice, world, home = self.dice, self.world, self.home
        is_seasonal = self.household.kind == "seasonal"
        absence = self._absence_days(is_seasonal)
        if not absence:
            return False
        reason = "work" if is_seasonal else dice.pick(REASONS, REASON_WEIGHTS)
        begin = first_day(self.town, absence)
        end = begin + absence
        if reason in ("hospital", "renovation") and absence > 150 and dice.chance(0.5):
            reason = "care"
        leave_home(self.town, home, begin, end, RENOVATION if reason == "renovation" else HONEST)
        self.household.long_absence = begin
        declared = min(0.9, world.honest_declares * (1.35 if absence > 60 else 1.0))
        declare(self.town, home, begin, end, reason, declared)
        if absence < 75 and dice.chance(0.07) and reason in ("hospital", "care", "home_visit"):
            # a grown-up child keeps the home meanwhile, lawfully
            present = self.calendar.mask(begin + dice.whole(0, 6), end)
            means = dice.pick(ENTERS_TEMPORARILY)
            self.town.add_outsider(home, Rhythm.WORKER, 0.8, present, means, "sitter")
        if reason == "hospital" and dice.chance(0.3) and len(self.members) > 1:
            # the whole family at the bedside; somebody is home for some hours at night
            away = self.calendar.span(begin, end)
            watcher = dice.pick(self.grown or self.members)
            watcher.visits[away] |= dice.shares(length(away), 0.5)
        return True

    def _absence_days(self, is_seasonal: bool) -> int:
        """0 for the most."""
        dice = self.dice
        lot = dice.rng.random() / self.world.absences
        if is_seasonal and dice.chance(0.9):
            return dice.whole(30, 200) if dice.chance(0.8) else dice.whole(14, 60)
        for share, least, most in LONG_ABSENCES:
            if lot < share:
                return dice.whole(least, most)
        return 0

    def festivals(self) -> None:
        """Travels home for Spring Festival, or has guests."""
        dice, world, calendar, town, home = self.dice, self.world, self.calendar, self.town, self.home
        for festival in calendar.festivals:
            if dice.chance(world.festival_trips * (0.4 if self.household.is_old else 1)):
                begin = festival - dice.whole(1, 12)
                end = begin + dice.whole(4, 22)
                leave_home(town, home, begin, end, HONEST)
                declare(town, home, begin, end, "home_visit", world.honest_declares * 0.6)
            elif dice.chance(0.2):
                first, last = festival - dice.whole(0, 4), festival + dice.whole(2, 10)
                means = dice.pick([["family_card"], ["visitor_pass"], ["number"], ["let_in"]])
                stay = calendar.mask(first, last)
                town.add_outsider(home, Rhythm.HOMEBODY, 0.7, stay, means, "guest")
                stay = calendar.mask(festival - 2, festival + 6)
                town.add_outsider(home, Rhythm.HOMEBODY, 0.3, stay, ["family_card"], "guest")

    def holidays(self) -> None:
        """Journeys in the national holidays and at any time; children at their grandparents' in summer."""
        dice, calendar, town, home = self.dice, self.calendar, self.town, self.home
        national = np.flatnonzero(calendar.national_days)
        if len(national) and dice.chance(0.22):
            begin = int(national[0]) - dice.whole(0, 1)
            leave_home(town, home, begin, begin + dice.whole(3, 8), HONEST)
        if dice.chance(0.22):
            begin = dice.whole(5, self.days - 8)
            end = begin + dice.whole(4, 13)
            leave_home(town, home, begin, end, HONEST)
            reason = dice.pick(["travel", "home_visit"])
            declare(town, home, begin, end, reason, self.world.honest_declares * 0.4)
        children = [actor for actor in self.members if not actor.is_grown]
        if children and dice.chance(0.35):
            for child in children:
                turns = np.arange(self.days) // dice.whole(8, 30) % 2
                child.present &= ~(calendar.summer & (turns == dice.whole(0, 1)))

    def members_away(self) -> None:
        """One member away for weeks (hospital, a posting, a birth at her mother's), or for good (rule R)."""
        dice = self.dice
        if len(self.grown) > 1 and dice.chance(0.14):
            begin = dice.whole(-20, self.days - 10)
            end = begin + dice.whole(15, 170)
            dice.pick(self.grown).present[self.calendar.span(begin, end)] = False
            reason = dice.pick(["hospital", "work", "care"])
            declare(self.town, self.home, begin, end, reason, self.world.honest_declares * 0.3)
        if self.grown and len(self.members) > 1 and dice.chance(0.06):
            dice.pick(self.grown).present[:] = False

    # --- what doors make of them

    def faces_and_doors(self) -> None:
        """Faces not on record or badly recognised, tailgating homes, new cards (IE15-IE18, IE22, IE23)."""
        dice, household = self.dice, self.household
        if dice.chance(self.world.unenrolled) and self.members:
            self._unenrolled()
        likelier = 2 if household.kind in ("single_old", "old_couple", "three_gen") else 1
        if dice.chance(self.world.badly_enrolled * likelier) and self.grown:
            _oldest(self.grown).recognised = dice.between(0.03, 0.6)
        if dice.chance(0.07):
            factor = dice.between(0.1, 0.35)
            for actor in self.members:
                actor.seen *= factor
        if dice.chance(0.13) and self.grown:
            self._new_card(dice.pick(self.grown))
        if dice.chance(0.03) and self.grown:  # an unknown face before that day
            member = dice.pick(self.grown)
            member.enrolled_on = dice.whole(5, self.days - 5)

    def _unenrolled(self) -> None:
        """A member without a face on record, or somebody who lives there lawfully and is on no list."""
        dice, household = self.dice, self.household
        household.groups.add("unenrolled_member")
        if dice.chance(0.5) and self.grown:
            member = dice.pick(self.grown)
            member.face = -1
            member.unknown_face = dice.between(0.1, 0.6)
            if dice.chance(0.6) and household.family_card >= 0:
                member.card, member.card_holder = household.family_card, household.family_card_holder
            return
        rhythm = dice.pick([Rhythm.HOMEBODY, Rhythm.WORKER])
        errands = dice.between(0.6, 1.5)
        means = [["family_card", "number"], ["family_card"], ["family_card", "let_in"], ["number", "visitor_pass"]]
        always = np.ones(self.days, bool)
        self.town.add_outsider(self.home, rhythm, errands, always, dice.pick(means), "unenrolled")

    def _new_card(self, actor: Actor) -> None:
        """A new card, or a new telephone."""
        dice = self.dice
        actor.changes_on = dice.whole(10, self.days - 5)
        if actor.card >= 0 and dice.chance(0.7):
            actor.next_card = self.town.add_credential("C")
        if actor.code >= 0 and dice.chance(0.6):
            actor.next_code = self.town.add_credential("Q")

    # --- others in the home, lawfully

    def carers(self) -> None:
        """Comes by day for months, or lives in (IE13)."""
        dice, town, calendar = self.dice, self.town, self.calendar
        if not dice.chance(self.world.carer * (3 if self.household.is_old else 0.5)):
            return
        self.household.groups.add("carer")
        begin = dice.whole(-60, self.days - 60) if dice.chance(0.6) else -99
        end = self.days + 1 if dice.chance(0.6) else begin + dice.whole(60, 240)
        means = [["visitor_pass"], ["visitor_pass"], ["family_card"], ["number"], ["visitor_pass", "let_in"]]
        carer = town.add_caller(self.home, dice.pick(means), "carer", water=0.03, rhythm=Rhythm.CARER)
        engaged = calendar.span(begin, end)
        on_sundays = dice.chance(0.3)
        comes = dice.days_at(length(engaged), 0.75, 0.97)
        carer.visits[engaged] = ((calendar.weekday[engaged] < 6) | on_sundays) & comes
        carer.visit_hours = dice.between(2, 9)
        if dice.chance(0.25):
            carer.present[engaged] = dice.shares(length(engaged), 0.9)
            carer.visits[:] = 0
            carer.rhythm = Rhythm.HOMEBODY
            carer.errands = 1.4

    def birth(self) -> None:
        """A nurse for the first month (月嫂), then a grandmother; the child is put on the list (IE14)."""
        dice, town, calendar = self.dice, self.town, self.calendar
        if self.household.kind not in BIRTHS_KINDS or not dice.chance(0.03):
            return
        begin = dice.whole(5, self.days - 40)
        self.household.groups.add("carer")
        stay = calendar.mask(begin, begin + dice.whole(26, 60))
        means = dice.pick([["visitor_pass"], ["visitor_pass"], ["family_card"]])
        town.add_outsider(self.home, Rhythm.HOMEBODY, 1.2, stay, means, "birth_nurse")
        if dice.chance(0.6):
            first, last = begin + dice.whole(0, 30), begin + dice.whole(60, 200)
            means = dice.pick([["family_card"], ["visitor_pass"], ["let_in", "family_card"]])
            stay = calendar.mask(first, last)
            town.add_outsider(self.home, Rhythm.HOMEBODY, 1.3, stay, means, "grandmother")
        town.add_member(self.home, begin + dice.whole(20, 90), has_face=False)

    def guests(self) -> None:
        """Grown-up children, grandparents, partners, late registrations, friends who drop in (IE13-IE16, IE30)."""
        dice, days = self.dice, self.days
        if dice.chance(0.07):
            self._grown_up_child()
        if dice.chance(0.05):
            self._grandparents()
        if dice.chance(0.05) and self.household.kind in PARTNERS_KINDS:
            self._partner()
        if dice.chance(0.014):
            self._registers_late()
        if dice.chance(0.15):
            means = dice.pick([["visitor_pass"], ["family_card"], ["number"], ["let_in", "visitor_pass"]])
            relative = self.town.add_caller(self.home, means, "relative", water=0.02)
            relative.visits[:] = dice.days_at(days, 0.05, 0.35)
            relative.visit_hours = dice.between(0.5, 4)

    def _grown_up_child(self) -> None:
        dice = self.dice
        begin = dice.whole(-10, self.days - 15)
        errands = dice.between(0.7, 1.6)
        stay = self.calendar.mask(begin, begin + dice.whole(12, 60))
        means = [["family_card"], ["visitor_pass"], ["family_card", "let_in"], ["number"], ["visitor_pass", "let_in"]]
        self.town.add_outsider(self.home, Rhythm.HOMEBODY, errands, stay, dice.pick(means), "adult_child")

    def _grandparents(self) -> None:
        dice = self.dice
        begin = dice.whole(-30, self.days - 30)
        stay = self.calendar.mask(begin, begin + dice.whole(40, 95))
        for _ in range(dice.whole(1, 2)):
            errands = dice.between(0.6, 1.4)
            means = ["family_card", dice.pick(["let_in", "number", "visitor_pass"])]
            self.town.add_outsider(self.home, Rhythm.HOMEBODY, errands, stay, means, "grandparents")

    def _partner(self) -> None:
        """Sleeps there on some days of the week."""
        dice = self.dice
        begin = dice.whole(-90, self.days - 30)
        stay = self.calendar.mask(begin, begin + dice.whole(60, 400))
        stay &= dice.days_at(self.days, 0.2, 0.65)
        means = dice.pick([["family_card"], ["number", "let_in"], ["visitor_pass"], ["let_in", "visitor_pass"]])
        self.town.add_outsider(self.home, Rhythm.WORKER, 0.6, stay, means, "partner")

    def _registers_late(self) -> None:
        """A cousin or spouse who lives there lawfully, and is put on the list weeks later."""
        dice, town = self.dice, self.town
        begin = dice.whole(-30, self.days - 60)
        rhythm = dice.pick([Rhythm.WORKER, Rhythm.COURIER, Rhythm.NIGHT])
        stay = self.calendar.mask(begin, self.days)
        means = dice.pick([["family_card"], ["visitor_pass"], ["family_card", "let_in"], ["number", "visitor_pass"]])
        actor = town.add_outsider(self.home, rhythm, 0.7, stay, means, "late_registered")
        registered = begin + dice.whole(15, 110)
        actor.member = actor.face = town.add_member(self.home, max(registered, -30))
        actor.enrolled_on = registered + dice.whole(0, 20)

    def leak(self) -> None:
        """Water runs although nobody is there (IE24)."""
        dice = self.dice
        if dice.chance(self.world.leaks):
            begin = dice.whole(-40, self.days - 5)
            end = begin + dice.whole(5, 160)
            self.household.leaks.append((begin, end, dice.rng.lognormal(np.log(0.03), 1.0)))


def _oldest(actors: list[Actor]) -> Actor:
    return max(actors, key=lambda actor: actor.age or 0)
