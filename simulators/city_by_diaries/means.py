"""(P) How people pass: enrolled members with face, card, QR code and PIN; others with what the household has to give."""

from __future__ import annotations

import numpy as np

from simulators.city_by_diaries.estates import DoorMode
from simulators.city_by_diaries.person import Person
from simulators.city_by_diaries.town import Member, Town


def equip(town: Town, person: Person, tailgates: float, *, enrolled: bool, let_from: float) -> None:
    """Gives a lawful resident the means of passing; an enrolled one becomes a member, from about `let_from` (day) on."""
    rng = town.rng
    person.tailgates = float(np.clip(tailgates * rng.lognormal(0, 0.3), 0.02, 0.85))
    if enrolled:
        _enrol(town, person, let_from)
    person.uses_pin = 0.0 if person.age < 7 else float(rng.choice([0.95, 0.6, 0.1], p=[0.5, 0.25, 0.25]))


def _enrol(town: Town, person: Person, let_from: float) -> None:
    rng, world, age = town.rng, town.world, person.age
    doors = _doors_passed(town, person.dwelling)
    estate = town.places.estate(person.dwelling)
    face_lock = estate.layout.dwelling_locks and estate.lock_mode == DoorMode.FACE
    faces_checked = face_lock or any(door != DoorMode.CARD for door in doors)
    would_enrol = world.face_enrolled * (0.85 if age > 70 else 1)
    person.has_face = faces_checked and age >= 14 and rng.random() < would_enrol
    from_the_first = rng.random() < 0.8
    since = let_from if from_the_first else min(-1, let_from + int(rng.exponential(120)))
    consents = person.has_face and rng.random() < world.consent_b
    person.member = town.new_member(Member(person.dwelling, since, None, consents))
    person.prefers_face = float(np.clip(rng.normal(world.prefers_face, 0.15), 0.1, 1.0))
    person.face_missed = world.face_missed * rng.lognormal(0, 0.5)
    if rng.random() < world.badly_enrolled * (1.8 if age > 70 else 1):
        person.face_missed = rng.uniform(0.12, 0.5)
    if age >= 12 or (age >= 6 and rng.random() < 0.55):
        wants_card = not person.has_face or rng.random() < 0.7
        if wants_card or (DoorMode.CARD in doors and rng.random() < 0.93):
            person.card = town.new_card(person.member)
        if person.card >= 0 and rng.random() < world.loses_card:
            person.card_replaced = int(rng.integers(0, town.days))
    if 16 < age < 65:
        has_qr = rng.random() < 0.2
        person.uses_qr = float(has_qr) * rng.uniform(0.1, 0.7)


def _doors_passed(town: Town, dwelling: int) -> list[DoorMode]:
    estate = town.places.estate(dwelling)
    gates = [estate.gate_mode] if estate.layout.gates else []
    return gates + ([estate.block_mode] if estate.layout.block_doors else [])


def give_means(town: Town, person: Person, household: list[Person], means: str) -> None:
    """Lets somebody who is not enrolled pass.

    By a `card` of the household, a `spare` card issued to it, visitors' passes (`visitor` of a day, `stay` of weeks),
    walking behind others (`tail`), or nothing at all (`unknown`: an unknown face, the intercom).
    """
    rng = town.rng
    cards = [one.card for one in household if one.card >= 0]
    person.has_face = False
    person.uses_pin = float(rng.choice([0.9, 0.5, 0.05], p=[0.6, 0.2, 0.2]))
    if means == "card" and cards:
        person.card = cards[rng.integers(len(cards))]
        person.tailgates = rng.uniform(0.05, 0.3)
        person.rings = 0.3
    elif means == "spare" and cards:
        person.card = town.new_card(household[0].member)
        person.tailgates = rng.uniform(0.05, 0.3)
        person.rings = 0.3
    elif means in ("visitor", "stay"):
        person.visitor_pass = rng.uniform(0.75, 0.98)
        person.pass_days = 1 if means == "visitor" else int(rng.choice([7, 14, 30]))
        person.tailgates = rng.uniform(0.05, 0.3)
    elif means == "tail":
        person.tailgates = rng.uniform(0.6, 0.9)
        person.rings = 0.2
    else:
        person.rings = rng.uniform(0.35, 0.8)
        person.tailgates = rng.uniform(0.1, 0.4)
