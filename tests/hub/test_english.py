"""What the hub says of leads, cases and access has English words in the phrase book: else an English page would be Chinese."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Iterator
from importlib import resources
from pathlib import Path

import pytest

from hub.access.schedules import from_json, in_words
from hub.cases.states import NOTICES
from hub.cases.steps import ACTIONS
from hub.english.phrases import CHINESE, FILES, SLOT, WORD, book, english, in_english, part
from hub.occupancy.catalogue import FORBIDDEN, RULES
from hub.occupancy.outside import SIGN_KINDS
from hub.occupancy.policy import packs
from hub.privacy.periods import periods

ROOT = Path(__file__).resolve().parents[2]
SAYING = (
    *(f"hub/occupancy/{name}.py" for name in (
        "told", "vacancy", "sublet", "idle", "unlet", "outside_told", "contacts", "life", "outcomes",
    )),
    *(f"hub/catalogue/{name}.py" for name in (
        "crowd", "entrances", "former", "integrity", "leases", "lending", "reports", "residents", "visitors", "watch",
    )),
    *(f"hub/cases/{name}.py" for name in ("guards", "workflow", "reminders", "timers", "calendar")),
    *(f"hub/access/{name}.py" for name in ("explain", "explain_person", "explain_words", "ways", "step", "lifecycle", "states",
        "refusals")),
    "hub/second_person.py",
)  # fmt: skip
"""Modules whose Chinese is read on pages that have an English side."""

OTHERWISE = {"违规|违法|违约|骗|黑名单|清退|腾退|收回|处罚|罚款|起诉|转租|转借|闲置|空置|限期|举报|人脸|监控"}
"""Chinese that is no sentence for a reader: words a first question must not hold."""


def said(tree: ast.AST) -> Iterator[str]:
    """The templates of a module: literals and f-strings with Chinese, a slot as `{}`; no docstrings."""
    quiet = {id(one.value) for one in ast.walk(tree) if isinstance(one, ast.Expr)}

    def visit(node: ast.AST) -> Iterator[str]:
        if id(node) in quiet:
            return
        if isinstance(node, ast.JoinedStr):
            text = "".join(str(one.value) if isinstance(one, ast.Constant) else "{}" for one in node.values)
            if CHINESE.search(text):
                yield text
            for one in node.values:
                if isinstance(one, ast.FormattedValue):
                    yield from visit(one.value)
        elif isinstance(node, ast.Constant):
            if isinstance(node.value, str) and CHINESE.search(node.value):
                yield node.value
        else:
            for one in ast.iter_child_nodes(node):
                yield from visit(one)

    return visit(tree)


def skeleton(template: str) -> str:
    return SLOT.sub("{}", template).removesuffix("。")


KNOWN = {skeleton(one) for one in book()}


@pytest.mark.parametrize("path", SAYING)
def test_every_sentence_has_english_words(path: str) -> None:
    told = {one.removesuffix("。") for one in said(ast.parse((ROOT / path).read_text(encoding="utf-8")))} - OTHERWISE
    missing = sorted(one for one in told if one not in KNOWN and CHINESE.search(one.replace("{}", "")))
    assert not missing, f"add them to hub/english/*.json: {missing}"


def test_the_search_for_sentences_finds_them() -> None:
    tree = ast.parse("'文档'\nx = f\"有{n}日{f'，自{d}起' if d else str()}\"\ny = '甲' '乙'\nz = 'no'")
    assert list(said(tree)) == ["有{}日{}", "，自{}起", "甲乙"]


def test_each_template_gives_back_its_own_values_and_no_chinese() -> None:
    values: dict[str, Callable[[int], str]] = {
        "": lambda n: f"{n + 2}", "@": lambda n: f"2026-01-{n + 11}", "*": lambda n: f"Door{n}",
        ":": lambda n: f"1{n}:30",
    }  # fmt: skip
    for chinese, told in book().items():
        slots = SLOT.findall(chinese)
        assert {name for name, _ in slots} == {word[1] for word in WORD.finditer(told)}, f"slots differ: {chinese}"
        assert not CHINESE.search(told), told
        given = {name: values[kind](n) for n, (name, kind) in enumerate(slots)}
        text = SLOT.sub(lambda slot: given[slot[1]], chinese)  # noqa: B023
        shown = english(text)
        assert not CHINESE.search(shown), f"{text} → {shown}"
        assert all(value in shown for value in given.values()), f"{text} → {shown}"


def test_no_template_stands_twice() -> None:
    keys = []
    for name in FILES:
        text = (resources.files("hub.english") / f"{name}.json").read_text(encoding="utf-8")
        keys += [(skeleton(key), name) for key, _ in json.loads(text, object_pairs_hook=list)]
    known = [key for key, _ in keys]
    assert len(known) == len(set(known)), [pair for pair in keys if known.count(pair[0]) > 1]


def test_names_around_a_lead_have_english_words() -> None:
    texts = [one for rule in RULES.values() for one in rule.must_not] + [*FORBIDDEN, *NOTICES.values()]
    texts += [text for kind in SIGN_KINDS.values() for text in (kind.label_zh, kind.innocent) if text]
    for pack in packs().values():
        texts += [pack.title_zh, f"{pack.legal_basis}；{pack.vacancy.basis}", pack.sublet.basis, pack.vacant_use.basis]
    texts += [pack.legal_basis for pack in packs().values()]
    texts += [text for period in periods().values() for text in (period.title_zh, period.basis)]
    missing = [text for text in texts if CHINESE.search(english(text))]
    assert not missing, missing


def test_every_word_of_a_cases_forms_has_english_words() -> None:
    """A refusal names the field that is missing; half a sentence in each language helps nobody."""
    words: set[str] = set()
    for rule in ACTIONS.values():
        words |= {rule.label_zh, rule.opinion_zh, *rule.reason_codes.values()}
        for field in rule.fields:
            words |= {field.label_zh, *dict(field.choices).values()}
    assert len(words) > 150, "the forms were not found"
    assert not [text for text in words if CHINESE.search(english(text))]


def test_values_and_names_come_through() -> None:
    assert english("登记人员已有1个可观测日未被识别到，最后一次为2026-08-30。") == (
        "The registered members were not recognised on 1 observable day, last on 2026-08-30."
    )
    text = "近30日日均用水0.162立方米，为平时的99%。用量每日几乎相同，更像渗漏（IE25）。"
    assert english(text) == (
        "Mean water use of the last 30 days is 0.162 m³ a day, 99% of the usual. "
        "Use is nearly the same every day, more like a leak (IE25)."
    )
    assert (
        english("南门人行门已封闭，至 2026-11-28 10:00（消防报警）")
        == "南门人行门 locked down, until 2026-11-28 10:00 (fire alarm)"
    )
    assert part("南门、刷卡、7×24 小时") == "南门, card, at all hours"
    assert in_english(["E001-B1-0301：不能刷脸：尚未提供照片。其他方式不受影响。"]) == [
        "E001-B1-0301: no face: no photo yet. Other ways are not touched."
    ]


def test_what_the_book_does_not_know_stays_as_it_was() -> None:
    for text in ("请宽限几日。", "2026-11-28", "", "我家有已联系上。的字样"):
        assert english(text) == text
    assert not re.search(CHINESE, english("已联系上。")), "and what it knows does not"


@pytest.mark.parametrize(
    ("start", "end", "said"),
    [("08:00", "18:30", "08:00–18:30"), ("22:00", "06:00", "22:00–06:00 next day"), ("18:00", "00:00", "18:00–24:00")],
)
def test_hours_of_any_weekdays_are_said_in_english(start: str, end: str, said: str) -> None:
    def hours(*ranges: dict[str, object], special: int = 0) -> str:
        days = [{"day": f"2026-10-0{n + 1}", "spans": []} for n in range(special)]
        return english(in_words(from_json("s", "Asia/Shanghai", list(ranges), days)))

    def span(*weekdays: int) -> dict[str, object]:
        return {"weekdays": list(weekdays), "start": start, "end": end}

    for chosen in range(1, 128):
        text = hours(span(*(day for day in range(1, 8) if chosen >> (day - 1) & 1)), special=chosen % 3)
        assert not CHINESE.search(text), text
        assert said in text
    assert hours(span(*range(1, 8))) == f"daily {said}"
    assert hours(span(1, 2, 3, 4, 5), span(7), special=2) == f"Mon to Fri {said}; Sun {said}; and 2 special days"
    assert hours(span(2, 4)) == f"Tue, Thu {said}"
    assert hours() == "never"
