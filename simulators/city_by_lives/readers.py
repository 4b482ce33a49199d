"""What the readers of gates, block doors and locks record of people's ways."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulators.city_by_lives.basics import DAY_S, HOUR_S, NOBODY, Bools, Floats, Generator, Ints, Singles
from simulators.city_by_lives.crowd import Crowd
from simulators.city_by_lives.faults import Faults
from simulators.city_by_lives.legs import Legs
from simulators.city_by_lives.means import Kind
from simulators.city_by_lives.passes import Direction, Passes, passes_of
from simulators.city_by_lives.town import Town

VISITOR_PASSES, PASSES_OF_ACTOR = 10**9, 2048
"""Numbers of visitors' passes that are issued anew, beyond all others."""

SAME_MEANS = 0.4  # who slips in at the gate does so at the block door as well
IN_A_CROWD = 0.93  # at rush hour more slip in
TRIES_CARD = 0.6  # whose face is refused


@dataclass(frozen=True, slots=True)
class Ways:
    """Ways of people to doors of one scope: (ways,) arrays."""

    actor: Ints
    point: Ints  # NOBODY where there is no such door
    second: Ints
    is_inward: Bools
    chance: Floats  # that the reader is used
    luck: Singles  # 0..1: by which means, if the habit is that of the other doors


class Readers:
    """By what means each actor passes the doors of each scope, and what is recorded of it."""

    def __init__(self, rng: Generator, town: Town, crowd: Crowd, faults: Faults) -> None:
        self.rng, self.town, self.crowd, self.faults = rng, town, crowd, faults
        self.places = places = town.places
        self.estate = places.estate_of[crowd.dwelling]
        self.lock = places.lock_of[crowd.dwelling]
        block = places.block_of[crowd.dwelling]
        self.door = np.array([one.doors[0] for one in places.blocks])[block]
        self.other_door = np.array([one.doors[-1] for one in places.blocks])[block]
        self.pin = np.array([home.pin for home in town.homes])[crowd.dwelling]
        self.pass_days = self._of_estate("visitor_pass_days")
        everybody = np.ones(len(crowd.dwelling), bool)
        has_visitor_pass = rng.random(len(everybody)) < 0.5  # that opens the block as well
        self.gate_means = self._means(
            self._of_estate("gates_check_faces"), everybody, self._of_estate("gates_take_codes"), everybody
        )
        self.block_means = self._means(
            self._of_estate("blocks_check_faces"),
            self._of_estate("blocks_take_pins"),
            self._of_estate("blocks_take_codes"),
            has_visitor_pass,
        )
        self.lock_means = self._lock_means()

    def _of_estate(self, name: str) -> Ints:
        """(actors,) of a field of `Estate`."""
        values: Ints = np.array([getattr(one, name) for one in self.places.estates])[self.estate]
        return values

    def _means(self, faces: Ints, pins: Ints, codes: Ints, visitors: Bools) -> Singles:
        """(actors, kinds) cumulative shares where a reader takes what is flagged: others show the card or slip in."""
        crowd = self.crowd
        means, lost = crowd.means.copy(), np.zeros(len(self.estate))
        for kind, taken in ((Kind.FACE, faces), (Kind.PIN, pins), (Kind.CODE, codes), (Kind.VISITOR, visitors)):
            useless = ~taken.astype(bool)
            lost[useless] += means[useless, kind]
            means[useless, kind] = 0
        has_card = crowd.card != NOBODY
        means[:, Kind.CARD] += np.where(has_card, 0.9 * lost, 0)
        means[:, Kind.UNSEEN] += np.where(has_card, 0.1 * lost, lost)
        means[~has_card, Kind.UNSEEN] += means[~has_card, Kind.CARD]
        means[~has_card, Kind.CARD] = 0
        shares: Singles = np.cumsum(means, 1).astype(np.float32)
        return shares

    def _lock_means(self) -> Singles:
        """As `_means`, of the lock of a dwelling: nobody slips in there; who has nothing was given the PIN or a key."""
        means, has_card = self.crowd.means, self.crowd.card != NOBODY
        unseen = means[:, Kind.UNSEEN]
        at_lock = np.zeros_like(means)
        at_lock[:, Kind.CARD] = means[:, Kind.CARD] + means[:, Kind.FACE] * has_card
        at_lock[:, Kind.PIN] = 0.05 + means[:, Kind.PIN] + means[:, Kind.CODE] + 0.3 * means[:, Kind.VISITOR]
        at_lock[:, Kind.PIN] += 0.5 * unseen * (unseen < 0.99)
        at_lock[:, Kind.UNSEEN] = 0.08 + 0.5 * unseen
        shares: Singles = np.cumsum(at_lock / at_lock.sum(1, keepdims=True), 1).astype(np.float32)
        return shares

    def records(self, legs: Legs) -> list[Passes]:
        """What is recorded of some legs: at a gate, then at a block door, then at a lock; or the other way."""
        rng, crowd, count = self.rng, self.crowd, len(legs.actor)
        actor, inward = legs.actor, legs.is_inward
        hour = legs.second // HOUR_S % 24
        rush = np.where(np.isin(hour, (7, 8, 17, 18)), IN_A_CROWD, 1.0)
        gates = np.array([len(one.gates) for one in self.places.estates])[self.estate[actor]]
        any_gate = np.array([one.gates[0] for one in self.places.estates])[self.estate[actor]]
        any_gate = any_gate + (rng.random(count) * gates).astype(np.int64)
        gate = np.where(rng.random(count) < 0.78, crowd.gate[actor], any_gate)
        door = np.where(rng.random(count) < 0.3, self.other_door[actor], self.door[actor])
        walk, luck = rng.integers(40, 260, count), rng.random(count).astype(np.float32)
        at_gate = np.where(inward, self._of_estate("gate_in")[actor], self._of_estate("gate_out")[actor])
        at_gate = at_gate * rush * (1 - np.minimum(0.9, crowd.side_way[actor]))
        at_door = np.where(inward, self._of_estate("block_in")[actor], self._of_estate("block_out")[actor]) * rush
        at_lock = np.where(inward, 0.97, 0.0)
        late, soon = legs.second + walk, legs.second
        tells = self._of_estate("gates_tell_direction").astype(bool)
        reads_both = self._of_estate("block_out") > 0
        return [
            *self._read(
                Ways(actor, gate, np.where(inward, soon, late), inward, at_gate, luck), self.gate_means, tells, False
            ),
            *self._read(
                Ways(actor, door, np.where(inward, late, soon), inward, at_door, luck),
                self.block_means,
                reads_both,
                True,
            ),
            *self._read(
                Ways(actor, self.lock[actor], late + 45, inward, at_lock, luck),
                self.lock_means,
                np.zeros_like(tells),
                True,
            ),
        ]

    def _read(self, ways: Ways, means: Singles, tells_both: Bools, is_inner: bool) -> list[Passes]:
        """Passes at doors of one scope. `tells_both` (actors,): directions are told; if not, an inner door says in."""
        rng, crowd = self.rng, self.crowd
        used = np.flatnonzero((ways.point != NOBODY) & (rng.random(len(ways.actor)) < ways.chance))
        hour = np.minimum(ways.second[used] // HOUR_S, self.faults.recorded.shape[1] - 1)
        used = used[rng.random(len(used)) < self.faults.recorded[ways.point[used], hour]]
        anew = rng.random(len(used)).astype(np.float32)
        luck = np.where(rng.random(len(used)) < SAME_MEANS, ways.luck[used], anew)
        kind = (luck[:, None] > means[ways.actor[used]]).sum(1).clip(0, Kind.UNSEEN).astype(np.int8)
        seen = kind != Kind.UNSEEN
        used, kind = used[seen], kind[seen]
        actor, point = ways.actor[used], ways.point[used]
        second = ways.second[used] + rng.integers(0, 20, len(used))
        told = np.where(ways.is_inward[used], Direction.IN, Direction.OUT)
        direction = np.where(tells_both[actor], told, Direction.IN if is_inner else Direction.UNKNOWN)

        is_stranger = (kind == Kind.FACE) & (crowd.face[actor] == NOBODY)
        is_refused = (kind == Kind.FACE) & ~is_stranger & (rng.random(len(used)) < crowd.is_refused[actor])
        refused = passes_of(
            second[is_refused], point[is_refused], kind=Kind.FACE, granted=0, direction=direction[is_refused]
        )
        shows_card = is_refused & (crowd.card[actor] != NOBODY) & (rng.random(len(used)) < TRIES_CARD)
        kind[shows_card] = Kind.CARD
        second = second + np.where(is_refused, rng.integers(3, 30, len(used)), 0)
        member, credential = self._named(actor, kind, second)
        granted = passes_of(
            second,
            point,
            kind=kind,
            member=member,
            credential=credential,
            home=np.where(is_stranger & (point != self.lock[actor]), NOBODY, crowd.dwelling[actor]),
            granted=~is_stranger,
            direction=direction,
        )
        return [refused, granted]

    def _named(self, actor: Ints, kind: Ints, second: Ints) -> tuple[Ints, Ints]:
        """(member, credential) of records."""
        crowd, days = self.crowd, self.pass_days[actor]
        is_card, is_code, is_visitor = kind == Kind.CARD, kind == Kind.CODE, kind == Kind.VISITOR
        member = np.where(kind == Kind.FACE, crowd.face[actor], NOBODY)
        member = np.where(is_card, crowd.card_member[actor], np.where(is_code, crowd.member[actor], member))
        credential = np.where(is_card, crowd.card[actor], np.where(is_code, crowd.code[actor], NOBODY))
        credential = np.where(kind == Kind.PIN, self.pin[actor], credential)
        issued = VISITOR_PASSES + actor * PASSES_OF_ACTOR + second // DAY_S // np.maximum(days, 1)
        return member, np.where(is_visitor, np.where(days == 0, crowd.visitor_pass[actor], issued), credential)
