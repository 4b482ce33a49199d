"""In which order the suite's files are handed out."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from slow_first import ordered

COMPUTING = [
    "tests/hub/test_a.py::t[0]",
    "tests/hub/test_a.py::t[1]",
    "tests/hub/test_b.py::t",
    "tests/chain/test_c.py::t",
]
WAITING = [
    "tests/edge_agent/test_d.py::t",
    "tests/device_drivers/test_e.py::t",
    "tests/device_drivers/conformance/test_f.py::t",
]


def _order(names: list[str]) -> list[str]:
    items: list[Any] = [SimpleNamespace(nodeid=name) for name in names]
    return [item.nodeid for item in ordered(items)]


def test_what_waits_is_spread_among_what_computes_the_longest_of_each_first() -> None:
    files = dict.fromkeys(name.partition("::")[0] for name in _order([*COMPUTING, *WAITING]))
    assert list(files) == [
        "tests/chain/test_c.py",
        "tests/device_drivers/conformance/test_f.py",
        "tests/hub/test_a.py",
        "tests/edge_agent/test_d.py",
        "tests/hub/test_b.py",
        "tests/device_drivers/test_e.py",
    ]


def test_no_test_is_lost_and_those_of_a_file_keep_their_order() -> None:
    found = _order([*COMPUTING, *WAITING])
    assert sorted(found) == sorted([*COMPUTING, *WAITING])
    assert [name for name in found if "test_a" in name] == COMPUTING[:2]
    assert _order(WAITING) != [], "of one kind alone"
    assert _order([]) == []
