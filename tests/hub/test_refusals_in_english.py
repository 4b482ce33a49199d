"""Whatever the API refuses, it says in English too: every Chinese message given to an error is looked for in the phrase book."""

from __future__ import annotations

import ast
import importlib
import inspect
import itertools
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest
from source_texts import AT, SLOT, Reader, inside

from device_drivers.catalogue import DEFINITIONS
from hub import app, errors
from hub.access.lawful import LawPoint
from hub.access.refusals import REFUSAL_ZH
from hub.cases.forms import Refused
from hub.english.phrases import CHINESE, english
from hub.estate import device_config
from hub.estate.stranger_pictures import profiles
from hub.evidence.reviews import BadPaper
from hub.tenancy.reasons import REASONS
from hub.tenancy.sheet import COLUMNS, NEEDED

ROOT = Path(__file__).resolve().parents[2]
CONSOLE = ROOT / "web/src/i18n/en.reasons.ts"
SAMPLES = ("7", "Door", "2026-01-31")
MESSAGE_AT = {errors.ApiError: 2, Refused: 1, BadPaper: 0, LawPoint: 3, app._envelope: 3} | {
    kind: 0 for kind in vars(errors).values() if isinstance(kind, type) and errors.ApiError in kind.__bases__
}
"""What takes a message for a person, and the place of the message among its arguments."""

ELSEWHERE = {
    ("hub/app.py", "error.message"): "of an ApiError: found where it is raised",
    ("hub/app.py", "message"): "HTTP_MESSAGES, below",
    ("hub/cases/decisions.py", "refused.message"): "of a case's Refused: found where it is raised",
    ("hub/cases/workflow.py", "problem"): "of hub/cases/guards.py: test_english.SAYING",
    ("hub/evidence/api.py", "error.message"): "of a BadPaper: found where it is raised",
    (
        "hub/estate/law.py",
        "''.join((f'{point.door}：{point.text_zh}' for point in now))",
    ): "of a LawPoint: found where made",
    ("hub/estate/api.py", "point.text_zh"): "of a LawPoint: found where it is made",
    ("hub/estate/adding.py", "''.join(wrong)"): "of hub/estate/device_config.py, below",
    ("hub/access/ways.py", "''.join(told)"): "of DoorWay.why_not: test_english.SAYING",
}
"""Messages that come from far: why their words are sure to have English."""


def message_of(call: ast.Call, kind: object, raised: bool) -> ast.AST | None:
    """The argument that a person reads; of an exception of another kind the first one with Chinese in it."""
    at = MESSAGE_AT.get(kind) if inspect.isclass(kind) or inspect.isfunction(kind) else None
    if at is None:
        args = [one for one in call.args if raised and CHINESE.search(ast.unparse(one))]
        return args[0] if args else None
    named = [one.value for one in call.keywords if one.arg in ("message", "text_zh")]
    return named[0] if named else call.args[at] if len(call.args) > at else None


def read(tree: ast.Module, module: ModuleType) -> Iterator[tuple[int, ast.AST, Reader]]:
    """(line, message, how to read it) of every message that a module gives to an error."""
    raised = {id(node.exc) for node in ast.walk(tree) if isinstance(node, ast.Raise)}
    for around, node in inside(tree):
        reader = Reader(module, around)
        if isinstance(node, ast.Call) and (message := message_of(node, reader.found(node.func), id(node) in raised)):
            yield node.lineno, message, reader


def refusals(path: Path) -> Iterator[tuple[str, int, ast.AST, Reader]]:
    """The same with the module's file first; a module without a Chinese word that raises nothing of ours is not imported."""
    source = path.read_text(encoding="utf-8")
    if CHINESE.search(source) or any(kind.__name__ in source for kind in MESSAGE_AT):
        name = path.relative_to(ROOT).as_posix()
        module = importlib.import_module(name.removesuffix(".py").removesuffix("/__init__").replace("/", "."))
        yield from ((name, *one) for one in read(ast.parse(source), module))


@cache
def everywhere() -> list[tuple[str, int, ast.AST, Reader]]:
    return [one for path in sorted((ROOT / "hub").rglob("*.py")) for one in refusals(path)]


def has_english(text: str) -> bool:
    """With some sample for each slot: a number, a name, a day."""
    for values in itertools.product(SAMPLES, repeat=text.count(SLOT)):
        given = iter(values)
        if not CHINESE.search(english(re.sub(SLOT, lambda _: next(given), text))):  # noqa: B023
            return True
    return False


def without_english(texts: Iterable[str]) -> list[str]:
    return sorted({text.replace(SLOT, "…") for text in texts if not has_english(text)})


def judged(name: str, line: int, message: ast.AST, reader: Reader) -> Iterator[str]:
    """What is wrong with one message, with its place."""
    told = ast.unparse(message)
    if (name, told) in ELSEWHERE:
        return
    texts = reader.all_texts(message)
    if not any(CHINESE.search(text) for text in texts):
        yield f"{name}:{line}: the words of {told} cannot be read here: write them where it is raised, or say in ELSEWHERE"
    yield from (f"{name}:{line}: {text}" for text in without_english(texts))


def test_every_refusal_has_english_words() -> None:
    missing = [line for one in everywhere() for line in judged(*one)]
    assert not missing, "add them to hub/english/refusals.json:\n" + "\n".join(missing)


def test_messages_from_elsewhere_are_still_there() -> None:
    found = [
        (name, ast.unparse(message)) for path in (ROOT / "hub").rglob("*.py") for name, _, message, _ in refusals(path)
    ]
    assert len(found) > 200, "the refusals were not found"
    assert not ELSEWHERE.keys() - set(found), "no such message any more: take it out"


def test_the_search_finds_a_refusal_without_english(tmp_path: Path) -> None:
    """In every shape that a message has in our modules."""
    source = """
from hub.access.lawful import restricts_way_home
from hub.errors import ApiError, BadRequest, Conflict
WORDS = {"a": "还没有英文。", "b": "请先登录。"}
TOLD = "也没有英文。"
def one(name, n, error, code):
    raise BadRequest(f"{name}没有英文{n}。")
def two(name, error, code):
    text = "请先登录。"
    text += "一半没有英文。"
    if name: raise Conflict(TOLD)
    if code: raise ApiError(422, "x", WORDS[code])
    if error: raise ValueError("只有中文。")
    raise ApiError(422, "x", message="请先登录。" if name else "否则没有英文。")
def three(error):
    text = "请先登录。"
    text += "一半没有英文。"
    raise BadRequest(text)
def four(error, code):
    if wrong := restricts_way_home(True, code):
        raise BadRequest(wrong)
    raise BadRequest(error.message)
"""
    made = ModuleType("made")
    tree = ast.parse(source)
    exec(compile(tree, "made", "exec"), vars(made))  # noqa: S102  # our own lines above
    found = [line for one in read(tree, made) for line in judged("made.py", *one)]
    said = [line.split(": ", 1)[1] for line in found]
    assert said == [
        "…没有英文…。", "也没有英文。", "还没有英文。", "只有中文。", "否则没有英文。", "请先登录。一半没有英文。",
        "the words of error.message cannot be read here: write them where it is raised, or say in ELSEWHERE",
    ]  # fmt: skip
    assert [line.split(": ")[0] for line in found][:2] == ["made.py:7", "made.py:11"]


ANSWERING = (
    *(f"edge_agent/{name}.py" for name in ("commands", "doors", "relays", "signed", "snapshots", "worker")),
    *(f"device_drivers/{name}.py" for name in ("modbus_door", "modbus_meter", "onvif_camera", "onvif_door")),
    "device_drivers/face_terminal/driver.py",
)


def answers() -> Iterator[tuple[str, Reader, ast.AST]]:
    """(file:line, reader, words) of what an edge box or a driver answers to a command that it did not do, or not as wished."""
    for name in ANSWERING:
        tree = ast.parse((ROOT / name).read_text(encoding="utf-8"))
        module = importlib.import_module(name.removesuffix(".py").replace("/", "."))
        for around, node in inside(tree):
            if isinstance(node, ast.Tuple) and len(node.elts) == 2 and "utcome" in ast.unparse(node.elts[0]):
                yield f"{name}:{node.lineno}", Reader(module, around), node.elts[1]


def test_every_answer_to_a_command_has_english_words() -> None:
    found = [
        (where, text) for where, reader, words in answers() for text in reader.all_texts(words) if CHINESE.search(text)
    ]
    assert len(found) > 30, "the answers were not found"
    missing = [f"{where}: {text}" for where, text in found if not has_english(text.rstrip("；"))]
    assert not missing, "add them to hub/english/commands.json:\n" + "\n".join(missing)
    signed = vars(importlib.import_module("edge_agent.signed"))
    assert not without_english([signed[name] for name in ("UNSIGNED", "FORGED", "FOREIGN")])


def test_what_errors_say_by_themselves_has_english_words() -> None:
    tree = ast.parse(inspect.getsource(errors))
    texts = [one.value for node in ast.walk(tree) if isinstance(node, ast.arguments) for one in node.defaults
             if isinstance(one, ast.Constant) and CHINESE.search(str(one.value))]  # fmt: skip
    texts += [text for _, text in app.HTTP_MESSAGES.values()]
    assert len(texts) > 3
    assert not without_english(map(str, texts))


def test_the_book_says_what_the_console_says_by_code() -> None:
    """One refusal, two ways to the screen: by its code in a list, by its sentence where a request is refused."""
    source = CONSOLE.read_text(encoding="utf-8")
    for name, codes in {"reason": REASONS, "refusal": REFUSAL_ZH}.items():
        block = source.split(f"export const {name}: ", 1)[1].split("export const", 1)[0]
        told = dict(re.findall(r"(\w+): \"([^\"]+)\"", block))
        assert {code: english(text) for code, text in codes.items()} == told


def test_parts_of_refusals_have_english_words() -> None:
    clauses = [clause for law in profiles().values() for clause in law.stranger_picture_clauses]
    columns = [COLUMNS[name][0] for name in NEEDED]
    days = [f"通行证尚未生效，{AT.replace(month=month):%m月%d日 %H:%M}起可用。" for month in range(1, 13)]
    assert not without_english([*clauses, *columns, *days])
    assert english(days[10]) == "The pass is not valid yet; it works from 28 November, 10:05."


@pytest.mark.parametrize("kind", [one.kind for one in DEFINITIONS])
def test_wrong_settings_of_a_device_are_named_as_the_english_form_names_them(kind: str) -> None:
    info = next(one.info for one in DEFINITIONS if one.kind == kind)
    assert not CHINESE.search(english(info.title))
    fields = info.schema["properties"]
    assert fields
    for value in ({}, "~ 甲", -99, 1e9, [{"unit": 0.5}]):
        for line in device_config.problems(info.schema, dict.fromkeys(fields, value)):
            shown = english(line).replace("甲", "")
            assert not CHINESE.search(shown), f"{line} → {shown}"
    for field in fields:
        title = device_config.title(info.schema, (field,))
        if CHINESE.search(title):
            assert english(f"{title}：必填。").casefold().startswith(field.replace("_", " ") + ":"), title


def test_sentences_in_a_row_and_what_they_are_about() -> None:
    law = "这扇门只能刷脸开启：须同时提供刷卡等其他方式（人脸识别不得作为唯一验证方式）。"
    told = english(law)
    assert english(f"南门：{law}北门：{law}") == f"南门: {told} 北门: {told}"
    assert english(f"交接文件现在不能导入：doors: door D1 (face_only): {law}").endswith(
        f"now: doors: door D1 (face_only): {told}"
    )
    assert english("南门没有安装读卡设备，请现场开门。北门没有安装读卡设备，请现场开门。") == (
        "南门 has no reader: open it on the spot. 北门 has no reader: open it on the spot."
    )
    assert english("密码：必填。端口：不能小于 1。") == "Password: must be filled in. port: must not be below 1."
    assert english("这里：什么也没有登记。") == "这里：什么也没有登记。", "what it does not know stays"
