"""What a bucket holds, as it is loaded: who used the doors, the meters, whom the doors recognised."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hub.occupancy.backtest.bucket import Buckets
from hub.occupancy.backtest.gathered import HOUSEHOLD, IDENTIFIED, METER, NAMELESS, PERSONAL, USE, VISITOR, Gathered
from hub.occupancy.backtest.history import History, MemberRow
from hub.occupancy.recognised import MEMBERS_KNOWN
from hub.occupancy.values import SOMEBODY, CredentialUse

FIRST, DAYS = 20_000, 40
PERSONS = {"ann": 0, "bob": 1}


def city(members: dict[int, list[MemberRow]] | None = None, **gathered: Any) -> Buckets:
    """Two dwellings of a block; ann and bob hold credentials 0 (ann's), 1 (bob's) and 2 (bob's second)."""
    history = History(
        FIRST, FIRST + DAYS - 1, ["H1", "H2"], {"H1": 0, "H2": 1}, ["E", "E"], [("E", "B")] * 2, [[], []],
        defaultdict(list, members or {}), dict(PERSONS),
    )  # fmt: skip
    metered = {(home, water) for home in (0, 1) for water in (False, True)}
    known = {
        "metered": metered, "holdings": [(0, 1), (1, 1), (1, 2)], "credentials": ["pin-7"],
        "carded": {"E": [[9] * DAYS, [0] * DAYS]},
    }  # fmt: skip
    return Buckets(history, Gathered(**{**known, **gathered}))


def write(directory: Path, uses: list[tuple[int, ...]], meters: Sequence[tuple[Any, ...]] = ()) -> None:
    np.array(uses, USE).tofile(directory / "uses-00000.bin")
    np.array(list(meters), METER).tofile(directory / "meters-00000.bin")


def test_passes_of_a_credential_are_one_use_a_day(tmp_path: Path) -> None:
    write(
        tmp_path,
        [
            (0, 3, IDENTIFIED, 0, 2, 1, 0b1), (0, 3, PERSONAL, 0, 1, 1, 0b10), (0, 3, PERSONAL, 2, 1, 0, 0b100),
            (0, 4, HOUSEHOLD, 0, 1, 0, 0b1), (0, 4, VISITOR, -1, 3, 2, 0b1), (1, 4, NAMELESS, 0, 1, 0, 0b1),
        ],
    )  # fmt: skip
    held = city().held(tmp_path, 0)
    assert held[0][0][3] == (
        CredentialUse("P:ann", True, 2, 1, 1, 0b11),
        CredentialUse("P:bob#2", True, 0, 1, 0, 0b100),
    ), "a face and the first card are one credential; faces are never late; a second card is another"
    assert held[0][0][4] == (CredentialUse("?", False, 0, 3, 2, 1), CredentialUse("pin-7", True, 0, 1, 0, 1))
    assert held[1] == ({4: (CredentialUse("pin-7", True, 0, 1, 0, 1),)}, {})
    assert city().held(tmp_path, 0, [1]) == {1: held[1]}, "of these dwellings alone"


def test_where_cards_name_nobody_one_of_them_passed(tmp_path: Path) -> None:
    write(tmp_path, [(0, 3, NAMELESS, 0, 1, 0, 0), (0, 30, NAMELESS, 0, 1, 0, 0)])
    later = city(carded={"E": [[0] * DAYS, [0] * 20 + [5] * 20]})
    uses = later.held(tmp_path, 0)[0][0]
    assert [uses[day][0].credential for day in (3, 30)] == ["pin-7", f"{SOMEBODY}pin-7"]
    assert (later.unnamed(0, 3), later.unnamed(0, 30)) == (False, True)


def test_two_readings_that_contradict_each_other_say_nothing(tmp_path: Path) -> None:
    write(
        tmp_path, [], [(0, 1, 1, 0.25), (0, 2, 1, 0.25), (0, 2, 1, 0.5), (0, 3, 1, 0.5), (0, 3, 1, 0.5), (0, 3, 0, 7.0)]
    )
    meters = city().held(tmp_path, 0)[0][1]
    assert meters[1][:5] == [None, 0.25, None, 0.5, None]
    assert meters[0][3] == 7.0
    assert len(meters[0]) == DAYS


@pytest.mark.parametrize("water", [0, 1])
def test_a_meter_that_shows_a_register_is_read_until_it_shows(tmp_path: Path, water: int) -> None:
    """Twelve times more than before, and never less. A home whose use goes up and down is none."""
    rising = [(0, day, water, 7.25 + day / 8) for day in range(DAYS) if day != 6]
    write(tmp_path, [], [*rising, *((1, day, water, 1.25 + day / 8 - day % 2) for day in range(DAYS))])
    held = city().held(tmp_path, 0)
    shown = [None if day == 6 else 7.25 + day / 8 for day in range(13)]
    assert held[0][1][water] == [*shown, *[None] * (DAYS - 13)], (
        "the twelfth rise is on the thirteenth day after the first"
    )
    assert None not in held[1][1][water]


def test_a_water_meter_of_whole_cubic_metres_says_nothing(tmp_path: Path) -> None:
    """An old woman's meter of 1 m³ stands still on 29 days of 30, and she lives there on every one."""
    own = [(0, day, 1, float(day % 2)) for day in range(12)]
    write(tmp_path, [], [*own, (0, 1, 0, 7.0), (1, 1, 1, 0.0), (1, 2, 1, 0.5)])
    litres = [[100] * DAYS, [5] * DAYS]
    held = city(water_days={"E": litres}).held(tmp_path, 0)
    assert set(held[0][1][1][10:]) == {None}, "its own days tell, once five of them showed it"
    assert held[0][1][1][:4] == [0.0, 1.0, 0.0, 1.0], "what a meter counts is not known before it shows"
    assert held[0][1][0][1] == 7.0, "electricity stays"
    assert held[1][1][1][1:3] == [0.0, 0.5], "the estate's meters count litres"
    write(tmp_path, [], [(0, 1, 0, 7.0), (1, 1, 1, 0.0), (1, 2, 1, 0.0)])
    held = city(water_days={"E": [[4] * DAYS, [0, *[4] * (DAYS - 1)]]}).held(tmp_path, 0)
    assert held[1][1][1][1] == 0.0, "half of what was used showed it up to then"
    assert set(held[1][1][1][11:]) == {None}, "no use to tell by: it is a meter as the estate has them"
    assert set(held[0][1]) == {0}, "a home without a water meter"


def test_all_cards_of_a_person_are_theirs() -> None:
    assert city().tokens(0) == {"P:ann"}
    assert city().tokens(1) == {"P:bob", "P:bob#2"}


def test_whom_a_block_recognises_goes_by_the_last_thirty_days_and_by_consent(tmp_path: Path) -> None:
    write(tmp_path, [(0, 2, IDENTIFIED, 0, 1, 0, 0), (0, 5, IDENTIFIED, 0, 1, 0, 0), (1, 5, IDENTIFIED, 1, 1, 0, 0)])
    rows = [MemberRow(n % 2, FIRST, None, consent=n < MEMBERS_KNOWN) for n in range(MEMBERS_KNOWN + 5)]
    rows.append(MemberRow(0, FIRST + 10, None, consent=True))
    shares = city({0: rows}).recognised(tmp_path, 0)["E", "B"]
    expected = [0.0] * 2 + [1 / 20] * 3 + [2 / 20] * 5 + [2 / 21] * 25 + [0.0] * 5
    assert shares == pytest.approx(expected)
    few = city({0: rows[: MEMBERS_KNOWN - 1]}).recognised(tmp_path, 0)["E", "B"]
    assert few == [None] * DAYS, "of few members no share is told"
