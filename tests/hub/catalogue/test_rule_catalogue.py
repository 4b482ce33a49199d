"""The catalogue is whole: every rule is there, judged somewhere, and goes no further than it may."""

from __future__ import annotations

import ast
from importlib import import_module
from pathlib import Path

import pytest

from hub.cases.reasons import INNOCENT
from hub.cases.workflow import Proposal
from hub.occupancy.catalogue import ACCESS_ENDS_ONLY_BY, FORBIDDEN, HINT_KINDS_ZH, RULES

ROOM = Path(__file__).resolve().parents[3] / "hub" / "catalogue"
IDS = {
    *(f"V{n}" for n in range(7)), *(f"S{n}" for n in range(1, 5)), *(f"C{n}" for n in range(1, 4)), "H", "O", "R",
    *(f"L{n}" for n in range(1, 4)), "P", *(f"D{n}" for n in range(1, 8)), "U", "E", *(f"N{n}" for n in range(1, 6)),
}  # fmt: skip


def test_every_rule_is_there() -> None:
    assert set(RULES) == IDS
    assert len(FORBIDDEN) == 9
    assert len(ACCESS_ENDS_ONLY_BY) == 4


@pytest.mark.parametrize("rule", sorted(RULES))
def test_a_rule_is_judged_somewhere_and_knows_its_limits(rule: str) -> None:
    one = RULES[rule]
    if one.waits:
        assert not one.code, "either it is judged or it says what it waits for"
    else:
        module, name = one.code.split(":")
        assert callable(getattr(import_module(module), name))
    assert one.must_not, "every rule says what must not come of it"
    assert one.anchor
    assert set(one.innocent) <= set(INNOCENT)
    assert one.innocent
    assert set(one.may) <= {"A0", "A5"} | {step.value for step in Proposal}
    if "A5" in one.may:
        assert one.stage != "note", "a draft needs more than a note"


def _codes(*ranges: tuple[int, int]) -> set[str]:
    return {f"IE{n:02d}" for first, last in ranges for n in range(first, last + 1)}


V = _codes((1, 12), (17, 17), (19, 21), (23, 29))
C, LEASE, D = _codes((15, 15), (17, 18), (22, 23)), _codes((12, 12), (27, 28)), _codes((19, 19), (23, 23))
INNOCENT_OF = {
    **{f"V{n}": V for n in range(7)},
    "S1": _codes((1, 4), (13, 16), (20, 21), (27, 27), (29, 30)),
    "S2": _codes((15, 15), (30, 30)),
    "S3": _codes((13, 14)),
    "S4": _codes((2, 2), (14, 14), (30, 30)),
    **{f"C{n}": C for n in range(1, 4)},
    "H": _codes((12, 14), (27, 28), (30, 30)),
    "O": _codes((13, 15), (18, 18), (24, 24)),
    "R": _codes((3, 3), (7, 7), (10, 12), (19, 21), (27, 27), (29, 29)),
    **{f"L{n}": LEASE for n in range(1, 4)},
    "P": _codes((13, 16)),
    **{f"D{n}": D for n in range(1, 8)},
    "U": _codes((24, 25), (27, 27), (32, 32)),
    "E": _codes((15, 15), (22, 22), (27, 27)),
}
"""Of the rules about people; N is about records."""

STAGE_OF = {
    "V0": "care", "V1": "note", "V2": "yellow", "V3": "orange", "V4": "orange", "V5": "red", "V6": "orange", "S1": "red",
    "S2": "yellow", "S3": "yellow", "S4": "yellow", "H": "yellow", "O": "yellow", "R": "note", "L1": "note", "L2": "yellow",
    "L3": "yellow", "P": "note", "U": "orange", "E": "note", **{f"C{n}": "note" for n in range(1, 4)},
    **{f"D{n}": "device" for n in range(1, 8)}, **{f"N{n}": "data" for n in range(1, 6)},
}  # fmt: skip


def test_every_rule_knows_its_innocent_explanations_and_how_far_it_goes() -> None:
    assert {rule: set(one.innocent) for rule, one in RULES.items() if rule[0] != "N"} == INNOCENT_OF
    assert {rule: one.stage for rule, one in RULES.items()} == STAGE_OF


def test_a_hint_names_the_explanations_of_its_rule() -> None:
    """What is shown beside a hint is what the catalogue says of its rule."""
    told: dict[str, set[str]] = {}
    for path in sorted(ROOM.glob("*.py")):
        constants = vars(import_module(f"hub.catalogue.{path.stem}"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Hint"):
                continue
            said = {word.arg: word.value for word in node.keywords}
            rule, codes = said["rule"], said["innocent"]
            names = (
                [str(rule.value)]
                if isinstance(rule, ast.Constant)
                else {"lending": ["C2", "C3"], "leases": ["L1", "L2", "L3"]}[path.stem]
            )
            value = constants[codes.id] if isinstance(codes, ast.Name) else ast.literal_eval(codes)
            told |= {name: set(value) for name in names}
    assert told.keys() >= {"C2", "C3", "E", "H", "L1", "L2", "L3", "O", "P", "R", "S2", "S3", "S4"}
    assert told == {rule: set(RULES[rule].innocent) for rule in told}


def test_no_small_rule_has_a_word_for_more_than_a_question() -> None:
    """Orange and red are not in this room's vocabulary, and no rule here decides on access or looks at faces."""
    texts = {path.name: path.read_text(encoding="utf-8") for path in sorted(ROOM.glob("*.py"))}
    assert len(texts) > 10
    for name, text in texts.items():
        strings = {node.value for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Constant)}
        assert not strings & {"orange", "red"}, name
    kinds = {
        node.value.value
        for text in texts.values()
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.keyword) and node.arg == "kind" and isinstance(node.value, ast.Constant)
    }
    assert kinds == set(HINT_KINDS_ZH), "every kind has its name on the screen"
