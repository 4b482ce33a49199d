"""What gates, doors of blocks and locks record of people's ways: whom they see, by what means, and as whom."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulators.city_by_estates.credentials import block_pins, faces, staff_cards, visitor_passes
from simulators.city_by_estates.dice import DAY_S, HOUR_S, NEVER, NOBODY, Bools, Ints, Singles
from simulators.city_by_estates.estates import Estate
from simulators.city_by_estates.movement import Moves
from simulators.city_by_estates.passes import Direction, Passes, make_passes, replaced
from simulators.city_by_estates.people import Means
from simulators.city_by_estates.scene import Doors, Scene

USUAL_GATE = 0.82  # of ways
LOCK_USED = 0.8  # of ways in
TAKEN_FOR_A_MEMBER = 0.002  # of strangers' faces
DWELLING_LEFT_OUT = 0.97  # of passes with a person, where estates do not name the dwelling
TRIES_AGAIN, BY_CARD = 0.72, 0.35  # after a refused face
SHIFT_S = 28_800  # of guards
RUSH_HOURS = (7, 8, 17, 18, 19)


@dataclass(frozen=True, slots=True)
class _Seen:
    """Ways that one kind of doors records, (passes,) each."""

    move: Ints  # place in the moves
    actor: Ints
    point: Ints
    second: Ints
    means: Ints

    def take(self, which: Bools) -> _Seen:
        return _Seen(*(column[which] for column in (self.move, self.actor, self.point, self.second, self.means)))


class Readers:
    """The readers of one estate while people pass them; `members` are (n, 2) persons and dwellings of the estate."""

    def __init__(self, scene: Scene, estate: Estate, moves: Moves, members: NDArray[np.int32]) -> None:
        self._scene = scene
        self._crowd = scene.crowd
        self._rng = scene.town.dice.rng
        self._estate = estate
        self._doors = Doors(scene, estate)
        self._moves = moves
        self._members = members
        self._last_second = scene.town.days * DAY_S - 1

    def record(self) -> list[Passes]:
        """Passes of the estate's people at gates, doors of blocks and locks."""
        rng, estate, places, moves = self._rng, self._estate, self._scene.places, self._moves
        count, is_in = len(moves.actor), moves.is_in
        home = self._crowd.dwelling[moves.actor]
        all_moves, seen = np.arange(count), self._share_seen()
        passes: list[Passes] = []
        if estate.gates:
            gates = np.array(estate.gates)
            usual = self._crowd.usual_gate[moves.actor] % len(gates)
            gate = gates[np.where(rng.random(count) < USUAL_GATE, usual, rng.integers(0, len(gates), count))]
            elsewhere = rng.random(count, np.float32) < estate.side_gate
            elsewhere |= self._crowd.has_car[moves.actor] & estate.has_garage
            share = np.where(is_in, estate.gate_in, estate.gate_out).astype(np.float32) * seen * ~elsewhere
            passes += self._pass_doors(all_moves, gate, share, np.where(is_in, 0, 150), is_lock=False)
        if estate.has_block_doors:
            share = np.where(is_in, estate.block_in, estate.block_out).astype(np.float32) * seen
            later = np.where(is_in, rng.integers(60, 240, count), 40)
            passes += self._pass_doors(all_moves, places.block_door[home], share, later, is_lock=False)
        lock = places.lock[home]
        at_lock = np.flatnonzero((lock != NOBODY) & is_in)
        if len(at_lock):
            share = np.full(len(at_lock), LOCK_USED, np.float32) * np.sqrt(seen[at_lock])
            later = rng.integers(120, 330, len(at_lock))
            passes += self._pass_doors(at_lock, lock[at_lock], share, later, is_lock=True)
        return passes

    def _share_seen(self) -> Singles:
        """(moves,) P that somebody passes by himself; in the rush hours more walk in behind others."""
        hour = (self._moves.second // HOUR_S) % 24
        crowding = np.where(np.isin(hour, RUSH_HOURS), 1.25, 0.9).astype(np.float32)
        alone: Singles = np.clip(1 - self._crowd.follows[self._moves.actor] * crowding, 0.03, 1)
        return alone

    def _pass_doors(
        self, moves: Ints, point: Ints, share: Singles, later: NDArray[Any], *, is_lock: bool
    ) -> list[Passes]:
        """Passes at doors of one kind, `later` seconds after a move; then those of a second try."""
        second = np.clip(self._moves.second[moves] + later, 0, self._last_second)
        is_recorded = self._rng.random(len(moves), np.float32) < share * self._doors.recorded(point, second)
        move, point, second = moves[is_recorded], point[is_recorded], second[is_recorded]
        actor = self._moves.actor[move]
        seen = _Seen(move, actor, point, second, self._means(actor, second, is_lock=is_lock))
        seen = seen.take(seen.means != Means.UNSEEN)
        passes, is_worth_a_retry = self._recognise(seen, is_lock=is_lock)
        tries_again = is_worth_a_retry & (self._rng.random(len(seen.move)) < TRIES_AGAIN)
        again = [self._try_again(seen.take(tries_again), is_lock=is_lock)] if tries_again.any() else []
        is_known = (passes.credential != NOBODY) | ~np.isin(passes.kind, (Means.CARD, Means.QR, Means.PIN))
        return [passes.take(is_known), *again]

    def _means(self, actor: Ints, second: Ints, *, is_lock: bool) -> Ints:
        crowd = self._crowd
        drawn = self._rng.random(len(actor), np.float32)[:, None]
        if is_lock:
            means: Ints = (crowd.means_at_lock[actor] <= drawn).sum(1)
        else:
            is_early = second // DAY_S < crowd.changes_on[actor]
            sums = np.where(is_early[:, None], crowd.means[actor], crowd.later_means[actor])
            means = (sums <= drawn).sum(1)
        return np.minimum(means, Means.UNSEEN)

    def _recognise(self, seen: _Seen, *, is_lock: bool) -> tuple[Passes, Bools]:
        """The passes as they are recorded, and which are of known faces that were refused."""
        rng, estate, crowd, count = self._rng, self._estate, self._crowd, len(seen.move)
        by_card = self._by_credential(seen)
        person, credential, home = by_card.person, by_card.credential, by_card.home
        is_staff = seen.means == Means.STAFF
        if not is_lock:
            home = replaced(home, is_staff & (rng.random(count) >= estate.guard_notes), NOBODY)
        is_face = seen.means == Means.FACE
        is_stranger = is_face & (person == NOBODY)
        is_missed = is_face & ~is_stranger & (rng.random(count, np.float32) < crowd.face_failures[seen.actor])
        is_mistaken = is_stranger & (rng.random(count) < TAKEN_FOR_A_MEMBER)
        is_refused = (is_stranger & ~is_mistaken) | is_missed
        person = replaced(person, is_refused, NOBODY)
        if not is_lock:
            home = replaced(home, is_refused, NOBODY)
        if is_mistaken.any():
            taken_for = self._members[rng.integers(0, len(self._members), is_mistaken.sum())]
            person[is_mistaken], home[is_mistaken] = taken_for[:, 0], taken_for[:, 1]
        if not estate.names_dwelling and not is_lock:
            home = replaced(home, (person != NOBODY) & (rng.random(count) < DWELLING_LEFT_OUT), NOBODY)
        if estate.face_is_credential:
            credential = np.where(is_face & (person != NOBODY), faces(person), credential)
        if estate.pins_of_block and not is_lock:
            is_pin = seen.means == Means.PIN
            block = self._scene.places.block[crowd.dwelling[seen.actor]]
            credential = np.where(is_pin, block_pins(estate.number, block), credential)
            home = replaced(home, is_pin, NOBODY)
        can_fail = ~np.isin(seen.means, (Means.FACE, Means.STAFF))
        is_refused |= can_fail & (rng.random(count) < estate.refused)
        granted = (~is_refused).astype(np.int8)
        return replace(by_card, person=person, credential=credential, home=home, granted=granted), is_missed

    def _by_credential(self, seen: _Seen) -> Passes:
        """As the credentials have it, were every face known and every card accepted."""
        crowd, estate, actor = self._crowd, self._estate, seen.actor
        day, home = seen.second // DAY_S, crowd.dwelling[seen.actor]
        card = np.where(day < crowd.card_changes_on[actor], crowd.card[actor], crowd.later_card[actor])
        code = crowd.qr[actor]
        nobody = np.full(len(actor), NOBODY)
        credential = np.choose(
            seen.means,
            [
                nobody,
                card,
                self._scene.places.pin[home],
                code,
                visitor_passes(actor, day, estate.visitor_pass_days),
                staff_cards(estate.number, seen.second // SHIFT_S % 3),
            ],
        )
        holder = np.where(code == NOBODY, NOBODY, self._scene.holders[code])
        person = np.choose(seen.means, [crowd.face_of[actor], crowd.card_of[actor], nobody, holder, nobody, nobody])
        return make_passes(
            seen.second,
            seen.point,
            seen.means,
            person=person,
            credential=credential,
            home=home,
            direction=self._direction(seen),
        )

    def _direction(self, seen: _Seen) -> NDArray[np.int8]:
        return np.where(self._moves.is_in[seen.move], Direction.IN, Direction.OUT).astype(np.int8)

    def _try_again(self, seen: _Seen, *, is_lock: bool) -> Passes:
        """By face some seconds later, or by the card of those whose card was never replaced."""
        rng, estate, crowd, actor = self._rng, self._estate, self._crowd, seen.actor
        takes_card = (crowd.card[actor] != NOBODY) & (crowd.card_changes_on[actor] == NEVER)
        takes_card &= rng.random(len(actor)) < BY_CARD
        face = crowd.face_of[actor]
        person = np.where(takes_card, crowd.card_of[actor], face)
        credential = np.where(takes_card, crowd.card[actor], faces(face) if estate.face_is_credential else NOBODY)
        home = crowd.dwelling[actor]
        if not estate.names_dwelling and not is_lock:
            home = replaced(home, person != NOBODY, NOBODY)
        return make_passes(
            np.minimum(seen.second + rng.integers(3, 15, len(actor)), self._last_second),
            seen.point,
            np.where(takes_card, Means.CARD, Means.FACE),
            person=person,
            credential=credential,
            home=home,
            direction=self._direction(seen),
        )
