"""The whole chain under faults, judged by somebody who does not know how the product decides.

Every run is a seed: `python -m tools.chain --seeds 5000 --from 0` plays more of them and prints the shortest failing script.
"""

from __future__ import annotations

import functools
from pathlib import Path

import pytest

from tools.chain.__main__ import told
from tools.chain.play import Outcome, Script, play
from tools.chain.virtual import TIMED

SEEDS, CHUNK = 24, 4

REGRESSIONS: dict[str, Script] = {
    "an answer that was lost, and a card that goes back to what it was": (
        ("move_in", 1), ("move_in", 2), ("move_in", 3), ("wait", 5), ("wait", 5), ("answer_lost", 1),
        ("card_there_and_back", 1), ("wait", 9),
    ),
    "a terminal that spells ids its own way is confirmed all the same": (("move_in", 0), ("move_in", 4), ("wait", 6)),
    "a hub that died knows what its office said meanwhile": (("move_in", 17), ("kill_hub", 3), ("member_leaves", 54)),
    "a terminal that restarted empty while its box was off": (
        ("move_in", 16), ("move_in", 9), ("wait", 62), ("move_in", 40), ("terminal_busy", 47), ("terminal_empty", 42),
        ("kill_edge", 16), ("wait", 32), ("wait", 47),
    ),
    "a pass ends with its host's tenancy, ahead of the list": (("move_in", 37), ("visitor", 58), ("move_out", 45)),
    "a hub that died between the end of a credential and its order": (
        ("move_in", 28), ("consent_given", 37), ("kill_hub_at", 34), ("move_out", 36), ("start_hub", 43),
    ),
    "an edge that came back, and a terminal that lost somebody meanwhile": (
        ("move_in", 59), ("move_in", 22), ("move_in", 45), ("wait", 31), ("kill_edge", 53), ("entry_lost", 21),
        ("wait", 45), ("wait", 23),
    ),
    "a terminal set back to a list of its own in which somebody stands who has left since": (
        ("move_in", 8), ("move_in", 15), ("wait", 59), ("member_leaves", 57), ("wait", 5), ("move_out", 32), ("wait", 54),
        ("terminal_as_before", 58),
    ),
    "a card that a terminal cannot hold leaves nothing old behind": (
        ("move_in", 8), ("move_in", 15), ("wait", 6), ("card_that_does_not_fit", 0), ("wait", 6),
        ("card_that_does_not_fit", 1), ("wait", 9),
    ),
    "a new disk in the box while somebody leaves": (
        ("move_in", 8), ("move_in", 15), ("wait", 6), ("kill_edge", 0), ("member_leaves", 1), ("edge_disk_lost", 0),
    ),
    "a full terminal that restarts empty has room for whom it refused": (
        ("move_in", 1), ("move_in", 2), ("wait", 30), ("somebody_enrols", 0), ("wait", 30), ("terminal_full", 0),
        ("move_in", 5), ("wait", 30), ("terminal_empty", 0), ("wait", 40),
    ),
    "a terminal at another block's door, and a hub set back to before": (
        ("move_in", 1), ("move_in", 8), ("wait", 30), ("device_moved", 0), ("visitor", 5), ("wait", 3),
        ("back_up_hub", 0), ("device_moved", 1), ("wait", 10), ("restore_hub", 0),
    ),
    "a full terminal and a card that it cannot keep: each is asked once": (
        ("move_in", 50), ("card_that_does_not_fit", 63), ("consent_given", 54), ("terminal_full", 8),
    ),
    "a terminal that only says that it removed those whose door it is no longer": (
        ("move_in", 21), ("move_in", 35), ("wait", 30), ("member_leaves", 9), ("member_joins", 13),
        ("device_moved", 43), ("visitor", 27), ("withdraws_at_counter", 60), ("terminal_lies", 17), ("list_altered", 58),
        ("start_hub", 13), ("wait", 60), ("terminal_slow", 2), ("visitor", 54), ("wait", 13),
    ),
    "a terminal set back to when it stood at another block's door": (
        ("move_in", 1), ("move_in", 8), ("wait", 30), ("device_moved", 0), ("wait", 30), ("another_card", 1), ("wait", 30),
        ("another_card", 1), ("wait", 30), ("terminal_as_before", 10), ("wait", 30),
    ),
    "a hub set back to before somebody left and came back": (
        ("move_in", 19), ("wait", 24), ("back_up_hub", 58), ("leaves_and_comes_back", 38), ("restore_hub", 30),
    ),
    "a hub set back to before somebody gave access back, and a box that followed that order": (
        ("move_in", 21), ("move_in", 20), ("back_up_hub", 18), ("gives_access_back", 26), ("answer_lost", 37),
        ("restore_hub", 53),
    ),
    "the box's disk as it was before": (
        ("move_in", 8), ("back_up_edge", 0), ("move_in", 15), ("wait", 6), ("member_leaves", 1), ("wait", 6),
        ("restore_edge", 0), ("wait", 6), ("move_out", 0), ("wait", 6), ("restore_edge", 1),
    ),
    "lists that come altered, cut, and as they once were": (
        ("move_in", 8), ("wait", 6), ("list_altered", 0), ("move_in", 15), ("wait", 6), ("list_altered", 1),
        ("member_leaves", 1), ("list_of_before", 1), ("another_card", 1), ("wait", 6),
    ),
    "a box that remembers the end which a hub set back to its backup forgot": (
        ("move_in", 30), ("reboot_edge", 22), ("back_up_hub", 23), ("gives_access_back", 40), ("wait", 8), ("restore_hub", 28),
    ),
    "a box whose disk was set back says so with its first word": (
        ("move_in", 33), ("move_in", 57), ("move_in", 17), ("wait", 10), ("back_up_edge", 37), ("member_joins", 56),
        ("card_that_does_not_fit", 46), ("wait", 43), ("restore_edge", 40),
    ),
    "a terminal set back is not known, whatever it refused before": (
        ("move_in", 36), ("move_in", 53), ("member_joins", 31), ("wait", 17), ("card_that_does_not_fit", 27), ("wait", 17),
        ("terminal_as_before", 36),
    ),
    "a card that is not wanted any more, of somebody whose picture is refused": (
        ("move_in", 27), ("photo_refused", 31), ("card_lost", 18), ("card_there_and_back", 20),
    ),
    "a card that does not fit is not asked about again some hours later": (
        ("move_in", 11), ("move_in", 35), ("card_that_does_not_fit", 50), ("wait", 32), ("hours_pass", 10),
    ),
    "a full terminal, and the end of somebody who never stood in it": (
        ("move_in", 11), ("move_in", 14), ("terminal_full", 20), ("end_without_decision", 49), ("member_leaves", 37),
        ("terminal_full", 59), ("hub_clock_right", 16), ("terminal_busy", 21),
    ),
}  # fmt: skip
"""Shortest scripts of what was once wrong."""


@functools.cache
def played(seed: int) -> Outcome:
    return play(seed)


@pytest.mark.parametrize("first", range(0, SEEDS, CHUNK))
def test_whatever_goes_wrong_nothing_is_shown_that_is_not_so_and_all_comes_right(first: int) -> None:
    for seed in range(first, first + CHUNK):
        outcome = played(seed)
        assert outcome.good, told(outcome)
        assert outcome.claims, f"seed {seed}: nothing was claimed, nothing was tried"


@pytest.mark.parametrize("name", REGRESSIONS)
def test_what_was_wrong_once_is_right_now(name: str) -> None:
    outcome = play(1, REGRESSIONS[name])
    assert outcome.good, told(outcome)


def test_a_run_is_the_same_for_the_same_seed() -> None:
    one, again = played(3), play(3)
    assert (one.claims, one.sent, one.faults) == (again.claims, again.sent, again.faults)


OF_THE_WALL = {"cli", "clock", "importer", "photos", "services"}
"""Not part of a run, replaced in it, or told the time by it."""


def test_no_module_of_the_edge_lives_by_the_time_on_the_wall() -> None:
    """A module that was split off and kept the wall's time looked like a product that confirms what is not so."""
    edge = Path(__file__).resolve().parents[2] / "edge_agent"
    by_time = {file.stem for file in edge.glob("*.py") if "\nimport time\n" in file.read_text(encoding="utf-8")}
    assert by_time - OF_THE_WALL == {m.__name__.rpartition(".")[2] for m in TIMED if hasattr(m, "time")}
