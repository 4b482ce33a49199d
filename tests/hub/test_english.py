"""What the hub says of leads, cases and access has English words in the phrase book: else an English page would be Chinese."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path

import pytest

from device_drivers.contract.messages import PointMode
from device_drivers.contract.words import DoorMode, ModeCause
from device_drivers.modbus_odd import Oddities
from edge_agent import modes
from edge_agent.observe import PROPPED
from hub.access import revocations
from hub.access.schedules import from_json, in_words
from hub.cases.states import NOTICES
from hub.cases.steps import ACTIONS
from hub.english.own_words import CODES_ZH, NOTES_ZH, SAID_ZH, TOPICS_ZH, both, in_english, topic_zh
from hub.english.own_words import chinese as in_chinese
from hub.english.phrases import CHINESE, FILES, SLOT, WORD, book, english, part
from hub.english.phrases import in_english as each_in_english
from hub.estate import coverage
from hub.events.items import EventItem, Names, to_item
from hub.occupancy.catalogue import FORBIDDEN, RULES
from hub.occupancy.outside import SIGN_KINDS
from hub.occupancy.policy import packs
from hub.privacy.periods import periods

ROOT = Path(__file__).resolve().parents[2]
SAYING = (
    *(f"hub/occupancy/{name}.py" for name in (
        "told", "vacancy", "sublet", "idle", "unlet", "outside_told", "contacts", "life", "outcomes", "door_doubts",
    )),
    *(f"hub/catalogue/{name}.py" for name in (
        "crowd", "entrances", "former", "integrity", "leases", "lending", "reports", "residents", "visitors", "watch",
    )),
    *(f"hub/cases/{name}.py" for name in ("guards", "workflow", "reminders", "timers", "calendar")),
    *(f"hub/access/{name}.py" for name in ("explain", "explain_person", "explain_words", "ways", "step", "lifecycle", "states",
        "refusals")),
    "hub/second_person.py", "hub/lease/outbox.py",
)  # fmt: skip
"""Modules whose Chinese is read on pages that have an English side."""

AT_THE_BOX = {"edge_agent/probe.py", "edge_agent/probe_kinds.py"}
"""What a technician reads at the box itself, beside `现场探测`, which the hub shows."""

OF_DEVICES = tuple(
    sorted(
        path
        for package in ("device_drivers", "edge_agent")
        for file in (ROOT / package).rglob("*.py")
        if (path := file.relative_to(ROOT).as_posix()) not in AT_THE_BOX
        and CHINESE.search(file.read_text(encoding="utf-8"))
    )
)

NOT_SHOWN = {
    "断电即开：切断这把锁的电源，门就会打开", "断电仍锁：用机械钥匙开门，或从里面转动把手", "不止一个门叫", "没有门叫",
    r"(?i)non-?\s?commercial|research\s+(use\s+|purposes?\s+)?only|非商业|仅[限供用]于?.{0,6}研究", "消防",
}  # fmt: skip
"""Of devices and boxes: what the terminal of `estate-edge open` says, and what texts are searched for."""

PIECES = {"{}: {}不支持{}该命令", "远程开门等", "消防联动解除，恢复为"}
"""Parts of sentences that stand in the book as a whole."""

OTHERWISE = {"违规|违法|违约|骗|黑名单|清退|腾退|收回|处罚|罚款|起诉|转租|转借|闲置|空置|限期|举报|人脸|监控"}
"""Chinese that is no sentence for a reader: words a first question must not hold."""


def said(tree: ast.AST) -> Iterator[str]:
    """The templates of a module: literals and f-strings with Chinese, a slot as `{}`; no docstrings."""
    lines = (line.value for line in ast.walk(tree) if isinstance(line, ast.Expr))
    quiet = {id(value) for value in lines if isinstance(value, ast.Constant)}

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
            for child in ast.iter_child_nodes(node):
                yield from visit(child)

    return visit(tree)


def skeleton(template: str) -> str:
    return SLOT.sub("{}", template).removesuffix("。")


KNOWN = {skeleton(one) for one in book()}


@pytest.mark.parametrize("path", SAYING)
def test_every_sentence_has_english_words(path: str) -> None:
    told = {one.removesuffix("。") for one in said(ast.parse((ROOT / path).read_text(encoding="utf-8")))} - OTHERWISE
    missing = sorted(one for one in told if one not in KNOWN and CHINESE.search(one.replace("{}", "")))
    assert not missing, f"add them to hub/english/*.json: {missing}"


def has_english(one: str) -> bool:
    """As a template of the book, or put together of several."""
    return one.removesuffix("。") in KNOWN or not CHINESE.search(english(one.replace("{}", "7").rstrip("；")))


def without_replies(tree: ast.Module) -> ast.Module:
    """Without what is answered to `estate-edge open`, at the box."""

    class Quiet(ast.NodeTransformer):
        def visit_Call(self, node: ast.Call) -> ast.AST:
            return ast.Constant("") if ast.unparse(node.func) == "Reply" else self.generic_visit(node)

    return ast.fix_missing_locations(Quiet().visit(tree))  # type: ignore[no-any-return]


@pytest.mark.parametrize("path", OF_DEVICES)
def test_what_devices_and_boxes_say_of_themselves_has_english_words(path: str) -> None:
    tree = without_replies(ast.parse((ROOT / path).read_text(encoding="utf-8")))
    told = {one for one in said(tree) if CHINESE.search(one.replace("{}", ""))} - NOT_SHOWN - PIECES
    missing = sorted(one for one in told if not has_english(one))
    assert not missing, f"add them to hub/english/devices.json: {missing}"


def test_the_modules_that_speak_of_devices_are_found() -> None:
    assert {"device_drivers/modbus_door.py", "edge_agent/urgent.py", "edge_agent/upkeep.py"} <= set(OF_DEVICES)
    told = {one for path in OF_DEVICES for one in said(ast.parse((ROOT / path).read_text(encoding="utf-8")))}
    assert told >= {"遮挡或移动报警：{}", "时间已可信，访客等限时凭证恢复正常判定", *PIECES, *NOT_SHOWN}, (
        "they say something else now"
    )
    assert not has_english("门锁电压过低：{} 伏"), "what nobody put into words is seen"
    assert list(said(without_replies(ast.parse("Reply(text='甲')\nNote('乙')")))) == ["乙"]


def test_what_devices_are_called_has_english_words() -> None:
    names = [(ROOT / f"device_drivers/{name}").read_text(encoding="utf-8") for name in
             ("faces/reasons.json", "face_terminal/profiles.json")]  # fmt: skip
    names += [path.read_text(encoding="utf-8") for path in (ROOT / "device_drivers/registers").rglob("*.json")]
    texts = {text for name in names for text in re.findall(r'"([^"]*[\u4e00-\u9fff][^"]*)"', name)}
    assert len(texts) > 30, "they were not found"
    assert not [text for text in texts if CHINESE.search(english(text))]


NOTING = {"EdgeNote": 0, "ListRefused": 0, "OrderRefused": 0, "NotOurs": 0, "_tell": 0}
OBSERVING = {"ObservationChanged": 1, "_declare": 2}


def given(path: Path, calls: dict[str, int], beyond: int = 0) -> Iterator[str]:
    """The texts given to these calls at this place, or so many beyond it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        at = calls.get(ast.unparse(node.func).rsplit(".", 1)[-1]) if isinstance(node, ast.Call) else None
        if isinstance(node, ast.Call) and at is not None and len(node.args) > at + beyond:
            yield from texts_of(node.args[at + beyond])


def texts_of(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.IfExp):
        yield from (*texts_of(node.body), *texts_of(node.orelse))
    elif isinstance(node, ast.JoinedStr):
        yield "".join(str(one.value) if isinstance(one, ast.Constant) else "7" for one in node.values)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value


def test_every_code_of_an_edges_note_has_words() -> None:
    files = [*(ROOT / "edge_agent").glob("*.py"), *(ROOT / "device_drivers").glob("*.py")]
    codes = {code for path in files for code in given(path, NOTING)} | {"stale", "conflict"}
    assert codes == NOTES_ZH.keys()
    assert not [text for text in [*NOTES_ZH.values(), *CODES_ZH.values()] if CHINESE.search(english(text))]
    of_coverage = {value for name, value in vars(coverage).items() if name.isupper()}
    assert of_coverage
    assert of_coverage <= CODES_ZH.keys()


def test_what_a_box_says_in_english_has_chinese_words() -> None:
    observe = ROOT / "edge_agent/observe.py"
    texts = [*given(observe, OBSERVING), PROPPED]
    assert len(texts) > 10, "they were not found"
    for path in [*(ROOT / "edge_agent").glob("*.py"), *(ROOT / "device_drivers").glob("*.py")]:
        texts += [text for text in given(path, NOTING, beyond=1) if text != "7 s"]  # by how much a clock jumped
    missing = [text for text in texts if not CHINESE.search(in_chinese(text))]
    assert not missing, f"add them to hub/english/own_words.py: {missing}"
    for shown, told in SAID_ZH.items():
        assert {name for name, _ in SLOT.findall(shown)} == set(re.findall(r"\{(\w+)\}", told)), shown


def test_what_a_device_says_is_read_in_both_languages() -> None:
    assert both("reason", "edge_offline") == {
        "reason_zh": "边缘机离线，期间情况未知",
        "reason_en": "The edge box was offline, so this time is unknown",
    }
    assert both("reason", "edge was off") == {"reason_zh": "边缘机停机", "reason_en": "edge was off"}
    assert both("reason", "device clock is +13 s off")["reason_zh"] == "设备时钟偏差 +13 秒"
    assert both("reason", "") == {"reason_zh": "", "reason_en": ""}
    for theirs in ("E-213: 请重启", "ConnectionRefusedError: 10.0.0.7; 111"):
        assert both("detail", theirs) == {"detail_zh": theirs, "detail_en": theirs}, "in their own words"
    odd = Oddities()
    odd.note("无法解析", b"\x01\x02")
    odd.note("迟到的应答", b"\x03")
    fire = "消防联动输入 4 无法读取，状态未知（不等于没有火警）；unit 1: no answer"
    assert in_english(f"{fire}; 板温 81 °C（超出范围）; {odd}") == (
        "fire input 4 cannot be read: unknown, which is not “no fire”; unit 1: no answer; 板温 81 °C (out of bounds); "
        "data that belongs to nothing came 2 times on the line (unreadable 1, late answers 1), last: 03"
    )
    assert (
        in_english("设备型号过旧；遮挡或移动报警：RuleEngine/Tamper")
        == "设备型号过旧; alarm, covered or moved: RuleEngine/Tamper"
    )
    refused = "出口或常开的门不拒绝任何人；按名单此凭证不能通行（expired）"
    assert both("text", refused) == {
        "text_zh": refused.replace("expired", "已过有效期"),
        "text_en": "a way out or a door held open refuses nobody; by the list this credential could not pass (No longer valid)",
    }
    opened = "张三 在边缘机上应急开门 G1-IN（door-g1）：看火；结果 unreachable 设备离线"
    assert in_english(opened) == (
        "张三 opened G1-IN (door-g1) at the box itself: 看火; outcome: device not reachable, Device offline"
    )


def test_an_event_says_what_was_said_in_both_languages() -> None:
    at = datetime(2026, 11, 28, tzinfo=UTC)
    row = dict.fromkeys(
        ("access_point_id", "dwelling_id", "credential", "identifier", "outcome", "reason", "device_at")
    )
    row |= {"clock_offset_s": None, "late": False, "edge_id": "e", "epoch": "p", "seq": 1, "at": at, "received_at": at}

    def item(kind: str, body: str, names: Names | None = None, **columns: str) -> EventItem:
        told = {**row, "kind": kind, "device_id": "d", "data": body, **columns}
        return EventItem.model_validate(to_item(told, names or Names()))

    note = item("edge", '{"what": "started", "text": "version 0.1.0"}')
    assert (note.topic_zh, note.topic_en, note.text_zh, note.text_en) == (
        "边缘机启动", "The edge box started", "版本 0.1.0", "version 0.1.0",
    )  # fmt: skip
    seen = item("observation", "{}", outcome="down", reason="edge stopped")
    assert (seen.reason_zh, seen.reason_en) == ("边缘机停止服务", "edge stopped")
    moved = item("camera", '{"topic": "tns1:VideoSource/MotionAlarm"}')
    assert (moved.topic_zh, moved.topic_en) == ("画面有移动", "Something moves in the picture")
    refused = item("access", '{"text": "第 3 次，共 5 次"}', outcome="denied", reason="used_up")
    assert (refused.reason_en, refused.text_en) == ("The pass is used up", "use 3 of 5")
    look = item("face_check", '{"text": "照片太暗，请到光线充足处重新拍照。"}', outcome="unseen")
    assert look.face_zh == "人脸未能比对（照片太暗，请到光线充足处重新拍照。）"
    assert look.face_en == "No face could be compared (The photo is too dark: take a new one in good light.)"
    assert item("access", "{}").text_en is None


def test_a_doors_mode_is_told_in_english() -> None:
    at = datetime(2026, 11, 28, tzinfo=UTC)
    fire = PointMode("G1-IN", DoorMode.LOCKED_OPEN, at, cause=ModeCause.FIRE)
    for mode in (DoorMode.LOCKED_DOWN, DoorMode.LOCKED_OPEN, DoorMode.BLOCKED):
        held = PointMode("G1-IN", mode, at, actor="wang", reason="drill")
        for now, before in ((held, None), (held, fire), (None, held), (None, fire), (fire, held)):
            assert not CHINESE.search(english(modes.said(now, before))), modes.said(now, before)


def test_the_search_for_sentences_finds_them() -> None:
    tree = ast.parse("'文档'\nx = f\"有{n}日{f'，自{d}起' if d else str()}\"\ny = '甲' '乙'\nz = 'no'")
    assert list(said(tree)) == ["有{}日{}", "，自{}起", "甲乙"]
    assert list(said(ast.parse("note('时间已可信')"))) == ["时间已可信"], "a call by itself is no docstring"


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
    texts += [revocations.STRAY_ZH, revocations.BACK_ZH, "现场探测 modbus+tcp://10.0.0.7:502"]
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
        english("南门人行门已封锁，至 2026-11-28 10:00（消防报警）")
        == "南门人行门 locked down, until 2026-11-28 10:00 (fire alarm)"
    )
    assert part("南门、刷卡、7×24 小时") == "南门, card, at all hours"
    assert each_in_english(["E001-B1-0301：不能刷脸：尚未提供照片。其他方式不受影响。"]) == [
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


@pytest.mark.parametrize(
    ("topic", "told"),
    [
        ("tns1:VideoSource/MotionAlarm", ("画面有移动", "Something moves in the picture")),
        ("tns1:Device/Trigger/tt:DigitalInput", ("按钮或输入触点变化", "A button or an input contact changed")),
        ("tns1:RuleEngine/MyRule", (None, None)),
    ],
)
def test_what_a_camera_tells_is_said_in_words(topic: str, told: tuple[str | None, str | None]) -> None:
    zh = topic_zh(topic)
    assert (zh, english(zh) if zh else None) == told


def test_every_topic_of_a_camera_has_english() -> None:
    assert not [text for text in TOPICS_ZH.values() if CHINESE.search(english(text))]
