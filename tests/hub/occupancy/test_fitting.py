"""How likely.json is fitted: its trees are read as they were fitted, directions hold, and no case outweighs the others."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from hub.occupancy.trees import Trees
from tools import fitting
from tools.fitting import Samples, Shape, fit, write

COLUMNS = ("speaks_for", "speaks_against", "says_nothing")
SHAPE = Shape(trees=80, leaves=4, rows=10)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """So small a fit is six times slower where its threads wait for each other beside other tests."""
    with threadpool_limits(1):
        yield


def drawn(rows: int = 2000, seed: int = 1) -> Samples:
    """A case the likelier, the more the first sign says and the less the second."""
    rng = np.random.default_rng(seed)
    signs = rng.random((rows, len(COLUMNS)))
    right = rng.random(rows) < 1 / (1 + np.exp(-8 * (signs[:, 0] - signs[:, 1])))
    return Samples(signs, np.asarray(right, np.bool_), np.ones(rows), np.arange(rows) // 10)


def test_the_trees_that_are_kept_state_the_chance_of_what_was_drawn() -> None:
    samples = drawn()
    chance = Trees.read(fit([samples], COLUMNS, ("speaks_for",), ("speaks_against",), SHAPE), COLUMNS).chance(
        samples.signs
    )
    for low in (0.0, 0.25, 0.5, 0.75):
        some = (chance >= low) & (chance < low + 0.25)
        stated, true = chance[some].mean(), samples.right[some].mean()
        assert abs(stated - true) < 0.1, f"stated {stated:.2f}, true {true:.2f}"


def test_a_sign_that_can_only_speak_for_never_lowers_the_chance() -> None:
    other_way = drawn()
    signs = other_way.signs[:, [1, 0, 2]]  # the samples say the contrary of what is known
    trees = Trees.read(
        fit([Samples(signs, other_way.right, other_way.weight, other_way.dwelling)], COLUMNS, COLUMNS[:1], (), SHAPE),
        COLUMNS,
    )
    rising = np.stack([np.linspace(0, 1, 50), np.full(50, 0.5), np.full(50, 0.5)], axis=1)
    assert (np.diff(trees.chance(rising)) >= 0).all(), (
        "what is fitted must not learn that more of a sign speaks against"
    )


def test_mixed_trees_say_the_mean_of_both_in_log_odds() -> None:
    one, two = (fit([drawn(seed=seed)], COLUMNS, ("speaks_for",), (), SHAPE) for seed in (1, 2))
    signs = drawn(300, seed=3).signs

    def odds(data: dict[str, Any]) -> NDArray[np.float64]:
        chance = Trees.read(data, COLUMNS).chance(signs)
        return np.asarray(np.log(chance / (1 - chance)))

    wanted = 0.75 * odds(one) + 0.25 * odds(two)
    assert np.allclose(odds(fitting.mixed(one, two, 0.75)), wanted, atol=0.02), "leaves are kept with four digits"


def test_no_case_weighs_more_than_so_many_days() -> None:
    right = np.array([True] * 40 + [False] * 10 + [True] * 4, np.bool_)
    dwelling = np.array([1] * 50 + [2] * 4)
    made = Samples(np.zeros((54, 1)), right, np.full(54, 2.0), dwelling).no_case_above(8)
    assert made.weight[:40].sum() == 16, "forty days of one case weigh as eight"
    assert (made.weight[40:] == 2).all(), "days without a case, and short cases, weigh as before"


def test_each_other_simulator_weighs_so_much_of_the_first() -> None:
    parts = [drawn(100), drawn(100), drawn(400), drawn(50)]
    made = fitting.balanced(parts, ["", "", "states", "diaries"])
    apart = 200 * fitting.APART_WEIGHT
    assert [round(part.weight.sum(), 6) for part in made] == [100, 100, apart, apart]
    assert fitting.balanced([drawn(40)], ["states"])[0].weight.sum() == 40, "alone it is what it is"


def test_one_part_is_written_and_the_other_left_alone(tmp_path: Path) -> None:
    out = tmp_path / "likely.json"
    out.write_text(json.dumps({"version": "old", "vacancy": {"kept": True}}))
    write(out, "others", {"bias": 0, "trees": []}, {"red": 0.9}, ["811", "states:1"], "new")
    told = json.loads(out.read_text())
    assert told["vacancy"] == {"kept": True}
    assert (told["version"], told["others"]["worlds"]) == ("new", ["811", "states:1"])


def test_what_a_world_taught_is_kept_whole_and_drawn_once(tmp_path: Path) -> None:
    asked: list[str] = []

    def draw(name: str) -> Samples:
        asked.append(name)
        return drawn(50, int(name))

    first, again = (fitting._one(draw, "811", tmp_path / "fit/others_811.npz") for _ in range(2))
    assert asked == ["811"], "a run that was stopped goes on with what it has"
    for name in ("signs", "right", "weight", "dwelling"):
        assert np.array_equal(getattr(first, name), getattr(again, name)), f"{name} is read as it was written"
    assert [file.name for file in (tmp_path / "fit").iterdir()] == ["others_811.npz"], "nothing half written is left"


def test_what_is_kept_beside_the_new_has_its_share_and_names_its_worlds(tmp_path: Path) -> None:
    out = tmp_path / "likely.json"
    write(out, "others", {"bias": 1.0, "trees": [["speaks_for", 0.5, 0.0, 0.8]]}, {"yellow": 0.3}, ["1"], "a")
    write(out, "others", {"bias": 0.0, "trees": [0.4]}, {"yellow": 0.2}, ["2"], "b", keep=0.75)
    assert json.loads(out.read_text())["others"] == {
        "bias": 0.75, "trees": [["speaks_for", 0.5, 0.0, 0.6], 0.1], "tiers": {"yellow": 0.2}, "worlds": ["1", "2"],
    }  # fmt: skip
