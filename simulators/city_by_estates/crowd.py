"""Everybody as arrays, for the many days and doors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulators.city_by_estates.dice import Bools, Bytes, Dice, Ints, Singles
from simulators.city_by_estates.people import Actor
from simulators.city_by_estates.town import Town

WITH_CAR = 0.12  # of people


@dataclass(frozen=True, slots=True)
class Crowd:
    """(actors,) each unless it says otherwise; see `people.Actor`."""

    dwelling: Ints
    role: Ints
    presence: Bytes  # (actors, days)
    means: Singles  # (actors, 7) sums of shares
    later_means: Singles  # (actors, 7) sums of shares
    changes_on: Ints
    means_at_lock: Singles  # (actors, 7) sums of shares
    errands: Singles
    leaves: Singles
    returns: Singles
    spread: Singles
    follows: Singles
    usual_gate: Ints
    visit_hour: Singles
    visit_hours: Singles
    litres: Singles
    water_share: Singles
    face_failures: Singles
    face_of: Ints
    card: Ints
    later_card: Ints
    card_changes_on: Ints
    card_of: Ints
    qr: Ints
    has_car: Bools


@dataclass(frozen=True, slots=True)
class Places:
    """(dwellings,) each: where homes are, as numbers."""

    estate: Ints
    block: Ints  # within the estate
    block_door: Ints
    lock: Ints
    pin: Ints  # credential


def gather(dice: Dice, actors: list[Actor]) -> Crowd:
    """The arrays of all actors as they are now."""

    def numbers(name: str) -> Ints:
        return np.array([getattr(actor, name) for actor in actors], np.int64)

    def singles(name: str) -> Singles:
        return np.array([getattr(actor, name) for actor in actors], np.float32)

    def sums(weights: list[NDArray[Any]]) -> Singles:
        added: Singles = np.cumsum(np.array(weights, np.float32), axis=1)
        return added

    return Crowd(
        dwelling=numbers("dwelling"),
        role=numbers("role"),
        presence=np.array([actor.presence for actor in actors], np.uint8),
        means=sums([actor.means for actor in actors]),
        later_means=sums([actor.means if actor.later_means is None else actor.later_means for actor in actors]),
        changes_on=numbers("changes_on"),
        means_at_lock=sums([actor.means_at_lock for actor in actors]),
        errands=singles("errands"),
        leaves=singles("leaves"),
        returns=singles("returns"),
        spread=singles("spread"),
        follows=singles("follows"),
        usual_gate=numbers("usual_gate"),
        visit_hour=singles("visit_hour"),
        visit_hours=singles("visit_hours"),
        litres=singles("litres"),
        water_share=singles("water_share"),
        face_failures=singles("face_failures"),
        face_of=numbers("face_of"),
        card=numbers("card"),
        later_card=numbers("later_card"),
        card_changes_on=numbers("card_changes_on"),
        card_of=numbers("card_of"),
        qr=numbers("qr"),
        has_car=dice.rng.random(len(actors)) < WITH_CAR,
    )


def locate(town: Town) -> Places:
    """The arrays of all homes."""
    homes = town.homes
    return Places(
        estate=np.array([home.estate.number for home in homes]),
        block=np.array([home.block_number for home in homes]),
        block_door=np.array([home.block_door for home in homes]),
        lock=np.array([home.lock for home in homes]),
        pin=np.array([home.pin for home in homes]),
    )
