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
