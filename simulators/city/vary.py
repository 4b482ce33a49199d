"""(P) Worlds of other parameters: what a detector must bear that has never seen the city it is put to work in.

Between the two built-in worlds, then every share, rate and length drawn anew within a wide range. The same number gives
the same world.
"""

from __future__ import annotations

from random import Random
from typing import Any

import msgspec

from simulators.city.world import World, builtin_world, parse_world

Tree = Any
FACTOR: dict[str, tuple[float, float]] = {
    "kinds": (0.4, 2.0),
    "trips": (0.5, 1.6),
    "festival": (0.6, 1.4),
    "overlays": (0.5, 1.7),
    "devices": (0.5, 1.6),
    "violations": (0.6, 1.5),
}
"""Each number of these parts is multiplied by one drawn from here (shares stay below 0.95)."""

DRAWN: dict[tuple[str, str], tuple[float, float]] = {
    ("estates", "card_only_blocks"): (0.05, 0.4),
    ("estates", "face"): (0.6, 0.98),
    ("estates", "pin_blocks"): (0.1, 0.7),
    ("estates", "block_doors_only"): (0.1, 0.5),
    ("estates", "gates_only"): (0.0, 0.12),
    ("estates", "dwelling_locks"): (0.0, 0.15),
    ("estates", "out_readers"): (0.1, 0.8),
    ("estates", "unknown_direction"): (0.0, 0.4),
    ("estates", "stable_visitor_ids"): (0.2, 0.9),
    ("register", "face_refuser"): (0.03, 0.15),
    ("register", "consent_b"): (0.6, 0.95),
    ("register", "consent_b_withdrawn"): (0.01, 0.06),
    ("register", "declares"): (0.15, 0.6),
    ("register", "declares_falsely"): (0.03, 0.25),
    ("absences", "festival_far"): (0.06, 0.25),
    ("absences", "summer"): (0.05, 0.3),
    ("away", "visits_none"): (0.2, 0.5),
    ("away", "visits_weekly"): (0.08, 0.2),
    ("away", "visits_daily"): (0.02, 0.1),
    ("away", "visit_uses_water"): (0.3, 0.7),
    ("away", "fridge_off"): (0.15, 0.5),
    ("violations", "running_at_start"): (0.2, 0.45),
    ("violations", "after_festival"): (0.1, 0.35),
    ("violations", "ends"): (0.1, 0.4),
    ("meters", "water"): (0.55, 0.97),
    ("meters", "electricity"): (0.3, 0.95),
    ("meters", "leak"): (0.015, 0.07),
    ("meters", "gap"): (0.006, 0.04),
}
WITHOUT: tuple[tuple[str, str, float, float], ...] = (
    ("meters", "water", 0.0, 0.1),
    ("meters", "electricity", 0.0, 0.15),
    ("estates", "face", 0.0, 0.06),
    ("estates", "unknown_direction", 1.0, 0.15),
    ("register", "declares", 0.0, 0.1),
)
"""Part, key, value, and the share of worlds in which it is so."""

WAYS = ("sublet_enrolled", "sublet_cards", "sublet_pin", "sublet_visitor")
WAYS_USUAL = (0.1, 0.45, 0.15, 0.12, 0.18)
LONG = ("generic", "hospital", "care_stay", "minding_children", "renovation")


def varied_world(number: int) -> World:
    """The world of this number."""
    rng = Random(f"world:{number}")
    one, other = (msgspec.to_builtins(builtin_world(name)) for name in ("dev", "hidden"))
    tree = _between(one, other, rng.random())
    tree["name"] = f"vary:{number}"
    for part, (low, high) in FACTOR.items():
        node = tree[part] if part in tree else tree["absences"][part]
        for key, value in node.items():
            if isinstance(value, float):
                node[key] = _times(value, rng.uniform(low, high))
    total = sum(tree["kinds"].values())
    tree["kinds"] = {kind: share / total for kind, share in tree["kinds"].items()}
    for (part, key), (low, high) in DRAWN.items():
        tree[part][key] = rng.uniform(low, high)
    for cause in LONG:
        node = tree["absences"][cause]
        node["rate"] *= rng.uniform(0.5, 1.6)
        node["median"] *= rng.uniform(0.8, 1.3)
    shares = [share * rng.uniform(0.5, 1.5) for share in WAYS_USUAL]
    for way, share in zip(WAYS, shares, strict=False):
        tree["violations"][way] = share / sum(shares)
    low = rng.uniform(0.6, 0.85)
    tree["devices"]["pass_recorded"] = [low, min(0.99, low + rng.uniform(0.12, 0.25))]
    tree["meters"]["water_step"] = rng.choice([0.001, 0.01])
    _recorded_otherwise(Random(f"recording:{number}"), tree)
    return parse_world(msgspec.json.encode(tree))


def _recorded_otherwise(rng: Random, tree: Tree) -> None:
    """Some cities have no meters of a kind, no terminals for faces, no declarations, or records that say less."""
    tree["recording"] = {
        "holder_named": rng.choice([1.0, 1.0, 1.0, 0.5, 0.0]),
        "spare_named": rng.choice([1.0, 1.0, 0.5, 0.0]),
        "daily_visitor_passes": rng.choice([0.0, 0.0, 1.0]),
    }
    for part, key, value, share in WITHOUT:
        if rng.random() < share:
            tree[part][key] = value


def _between(one: Tree, other: Tree, share: float) -> Tree:
    """A tree of numbers between two; whole numbers stay whole."""
    if isinstance(one, dict):
        return {key: _between(one[key], other[key], share) for key in one}
    if isinstance(one, list | tuple):
        return [_between(a, b, share) for a, b in zip(one, other, strict=True)]
    if isinstance(one, str):
        return one
    value = one * (1 - share) + other * share
    return round(value) if isinstance(one, int) else value


def _times(value: float, factor: float) -> float:
    return min(0.95, value * factor) if value <= 1 else min(400.0, value * factor)
