"""Whatever the API refuses, it says in English too: every Chinese message given to an error is looked for in the phrase book."""

from __future__ import annotations

import ast
import importlib
import inspect
import itertools
import re
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest

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
SLOT = "\N{OBJECT REPLACEMENT CHARACTER}"
AT = datetime(2026, 11, 28, 10, 5, tzinfo=UTC)
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


class Unknown(Exception):
    """The words of this expression cannot be read off the source."""


@dataclass(frozen=True)
class Reader:
    """Reads what an expression of one function may say; a value inside a sentence is SLOT."""

    module: ModuleType
    body: ast.AST

    def texts(self, node: ast.AST) -> list[str]:
        match node:
            case ast.Constant(value=str(text)):
                return [text]
            case ast.JoinedStr(values=parts):
                return ["".join(one) for one in itertools.product(*map(self.part, parts))]
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                return [a + b for a, b in itertools.product(self.texts(left), self.texts(right))]
            case ast.IfExp(body=yes, orelse=no):
                return self.texts(yes) + self.texts(no)
            case ast.Name(id=name):
                return self.named(name)
            case ast.Attribute(value=ast.Name(id=name), attr=attr) if isinstance(
                vars(self.module).get(name), ModuleType
            ):
                return strings(vars(vars(self.module)[name]).get(attr))
            case (
                ast.Subscript(value=ast.Name(id=name))
                | ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="get"))
            ) if name:
                return self.values_of(name)
            case ast.Call(
                func=ast.Attribute(value=ast.Constant(), attr="join"),
                args=[ast.GeneratorExp(elt=elt) | ast.ListComp(elt=elt)],
            ):
                return self.texts(elt)
            case ast.Call(func=func):
                return returned(self.found(func))
        raise Unknown

    def part(self, node: ast.AST) -> list[str]:
        """Of an f-string: words it takes from elsewhere, or a slot."""
        if not isinstance(node, ast.FormattedValue):
            return self.texts(node)
        if node.format_spec is not None and CHINESE.search(ast.unparse(node.format_spec)):
            spec = ast.literal_eval(ast.unparse(node.format_spec).removeprefix("f"))
            return [format(AT, spec)]
        try:
            texts = self.texts(node.value)
        except Unknown:
            return [SLOT]
        return texts if any(CHINESE.search(one) for one in texts) else [SLOT]

    def named(self, name: str) -> list[str]:
        """A variable: all that the function puts into it; else a constant of the module."""
        given = [value for target, value in assigned(self.body) if target == name]
        if not given:
            return strings(vars(self.module).get(name))
        texts = [text for value in given for text in self.texts(value)]
        added = [
            text
            for node in ast.walk(self.body)
            if isinstance(node, ast.AugAssign) and getattr(node.target, "id", "") == name
            for text in self.texts(node.value)
        ]
        return texts + [a + b for a, b in itertools.product(texts, added)]

    def values_of(self, name: str) -> list[str]:
        """All values of a table of words."""
        for target, value in assigned(self.body):
            if target == name and isinstance(value, ast.Dict):
                return [text for one in value.values for text in self.texts(one)]
        table = vars(self.module).get(name)
        if not isinstance(table, dict):
            raise Unknown
        return [text for one in table.values() for text in strings(one)]

    def found(self, func: ast.AST) -> object:
        """What a name or `module.name` stands for in the module."""
        if isinstance(func, ast.Name):
            return vars(self.module).get(func.id)
        if isinstance(func, ast.Attribute) and isinstance(func.value, ast.Name):
            held = vars(self.module).get(func.value.id)
            return vars(held).get(func.attr) if isinstance(held, ModuleType) else None
        return None


def strings(value: object) -> list[str]:
    if not isinstance(value, str):
        raise Unknown
    return [value]


def returned(function: object) -> list[str]:
    """All that a function of ours may return."""
    if not inspect.isfunction(function) or not function.__module__.startswith("hub."):
        raise Unknown
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    reader = Reader(importlib.import_module(function.__module__), tree)
    gives = [node.value for node in ast.walk(tree) if isinstance(node, ast.Return) and node.value is not None]
    return [text for value in gives for text in reader.texts(value)]


def assigned(body: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    for node in ast.walk(body):
        if isinstance(node, ast.Assign):
            yield from ((one.id, node.value) for one in node.targets if isinstance(one, ast.Name))
        elif isinstance(node, ast.AnnAssign | ast.NamedExpr) and isinstance(node.target, ast.Name) and node.value:
            yield node.target.id, node.value


def calls(tree: ast.Module) -> Iterator[tuple[ast.AST, ast.Call]]:
    """(the innermost function around it, or the module; the call)."""

    def visit(node: ast.AST, around: ast.AST) -> Iterator[tuple[ast.AST, ast.Call]]:
        if isinstance(node, ast.Call):
            yield around, node
        inner = node if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else around
        for one in ast.iter_child_nodes(node):
            yield from visit(one, inner)

    return visit(tree, tree)


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
    for around, call in calls(tree):
        reader = Reader(module, around)
        if (message := message_of(call, reader.found(call.func), id(call) in raised)) is not None:
            yield call.lineno, message, reader


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
    try:
        texts = reader.texts(message)
    except Unknown:
        texts = []
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
    assert info.schema["properties"]
    for field in info.schema["properties"]:
        title = device_config.title(info.schema, (field,))
        for value in ({}, "~ 甲", -99, 1e9, [{"unit": 0.5}]):
            for line in device_config.problems(info.schema, {field: value}):
                shown = english(line).replace("甲", "")
                assert not CHINESE.search(shown), f"{line} → {shown}"
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
