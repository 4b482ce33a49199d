"""(P) What a set-up must never be, and what somebody still has to settle: each rule a pure function, each answer says what to do.

`refused`: the configuration is not taken. Otherwise it is an open point: what nobody declared is unknown, never fine, and stays
on the page and in the health check until somebody settles it.

Sources: 人脸识别办法 (2025) and 法释〔2021〕15号 art. 10: face never the only way; GB 50396 9.0.1(2): in an emergency out
without a key; PIPL art. 55–56: impact assessment before; 办法 art. 15: filing at 100,000 faces.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

FACE = "face"
FACE_ONLY_ZH = "这扇门只能刷脸开启：须同时提供刷卡等其他方式（人脸识别不得作为唯一验证方式）。"
WAY_HOME = frozenset({"estate", "block", "dwelling"})
"""Scopes of the doors by which a resident comes home: no schedule may close them to him."""
EGRESS = ("undeclared", "free", "button", "edge", "none")
FIRE_RELEASE = ("undeclared", "input", "wired", "none")
FACES_WARN, FACES_MOST = 80_000, 100_000  # distinct people, over all estates of the one who runs the hub


@dataclass(frozen=True, slots=True)
class LawPoint:
    """`door`: its name, empty for the estate as a whole."""

    code: str
    door: str
    refused: bool
    text_zh: str


@dataclass(frozen=True, slots=True)
class PointSetup:
    """One side of a door. `accepted`: identifier types its device recognises; `at_edge`: the edge decides, not the device."""

    side: str
    accepted: frozenset[str]
    at_edge: bool = False
    necessity: str = ""
    fire: str = ""


@dataclass(frozen=True, slots=True)
class DoorSetup:
    """A door with what the installer declared of it and the devices on its sides. `escape_route` None: by its scope."""

    door: str
    scope: str
    fail_mode: str = "fail_safe"
    escape_route: bool | None = None
    egress: str = "undeclared"
    fire_release: str = "undeclared"
    points: tuple[PointSetup, ...] = ()


def on_escape_route(scope: str, declared: bool | None) -> bool:
    """All but a dwelling's own door (it opens from inside by its handle), unless somebody answers for the contrary."""
    return scope != "dwelling" if declared is None else declared


def door_law(door: DoorSetup) -> list[LawPoint]:
    """Everything the law has to say to one door, what refuses it first."""
    found = [*_face_only(door), *_escape(door), *_necessity(door)]
    return sorted(found, key=lambda point: (not point.refused, point.code))


def _face_only(door: DoorSetup) -> Iterable[LawPoint]:
    if face_only_doors((door.door, point.side, point.accepted) for point in door.points):
        yield LawPoint("face_only", door.door, True, FACE_ONLY_ZH)


def _escape(door: DoorSetup) -> Iterable[LawPoint]:
    if not on_escape_route(door.scope, door.escape_route):
        return
    if door.fail_mode != "fail_safe":
        text = "这扇门在疏散通道上，断电时必须打开：请改用断电开锁（fail_safe）的锁具；若确不在疏散通道上，请注明。"
        yield LawPoint("fail_secure", door.door, True, text)
    held = [p for p in door.points if p.side == "out" and p.accepted and not p.at_edge]
    if door.egress == "none" or (held and door.egress not in ("free", "button")):
        text = "从里面出门需要刷卡或刷脸，不能保证自由出门：请加装出门按钮并登记（egress: button），或拆除出门一侧的读卡器。"
        yield LawPoint("egress_not_free", door.door, True, text)
    if door.fire_release == "none":
        text = (
            "疏散通道上的门必须在消防报警时打开：请把消防信号接到门控板（input），或由消防系统直接断开锁电源（wired）。"
        )
        yield LawPoint("no_fire_release", door.door, True, text)
    elif door.fire_release == "undeclared":
        text = "尚未登记消防联动方式：请注明消防信号接到门控板（input），还是由消防系统直接断开锁电源（wired）。"
        yield LawPoint("fire_release_undeclared", door.door, False, text)
    elif door.fire_release == "input":
        yield from _fire_input(door)


def _fire_input(door: DoorSetup) -> Iterable[LawPoint]:
    told = {point.fire for point in door.points if point.fire}
    if told and told <= {"none"}:
        text = "登记为消防信号接到门控板，但门控板没有消防输入：请检查接线和板卡设置，或改为 wired 并由安装单位证明。"
        yield LawPoint("fire_input_missing", door.door, False, text)
    elif "unknown" in told:
        text = "门控板的消防输入读不到：请检查接线和板卡，修复前请安排现场值守。"
        yield LawPoint("fire_input_unreadable", door.door, False, text)


def _necessity(door: DoorSetup) -> Iterable[LawPoint]:
    if any(FACE in point.accepted and not point.necessity.strip() for point in door.points):
        text = (
            "这里可以刷脸，但没有写明为什么需要：请在通行点登记必要性说明（人脸识别办法：具有特定目的和充分必要性）。"
        )
        yield LawPoint("face_without_necessity", door.door, False, text)


def face_only_doors(points: Iterable[tuple[str, str, Iterable[str]]]) -> list[str]:
    """`points`: (door code, side `in` or `out`, identifier types its device accepts). The doors a face alone opens, sorted.

    Only sides on which somebody identifies himself count; a side whose device accepts nothing (an exit button) does not.
    A second reader on the same side with another way in makes the door lawful.
    """
    ways: dict[tuple[str, str], set[str]] = {}
    for door, side, accepted in points:
        ways.setdefault((door, side), set()).update(accepted)
    return sorted({door for (door, _), accepted in ways.items() if accepted == {FACE}})


def restricts_way_home(resident: bool, scopes: Collection[str]) -> str:
    """What is wrong with a schedule on doors of these scopes, in words; empty where it is lawful.

    A resident's schedule may restrict amenity doors only (gym, bicycle cellar): never a gate, his entrance, his own door.
    """
    closed = sorted(WAY_HOME.intersection(scopes)) if resident else []
    if not closed:
        return ""
    names = {"estate": "小区大门", "block": "单元门", "dwelling": "自家房门"}
    return f"住户回家的路（{'、'.join(names[scope] for scope in closed)}）不得限定时段：时段只能用于活动室等公共设施。"


@dataclass(frozen=True, slots=True)
class FaceGate:
    """Whether new faces may be enrolled, and what the law still wants. Faces that are enrolled stay as they are."""

    open: bool
    points: tuple[LawPoint, ...] = ()


def face_gate(policy: Mapping[str, object], enrolled: int, filing: str = "") -> FaceGate:
    """`policy`: the estate's (`face_enrolment` True, False or not said; `pia_id`). `enrolled`: distinct people of the hub with a
    face; `filing`: the number of the filing with the provincial authority, once there is one."""
    points = []
    wanted = policy.get("face_enrolment")
    is_open = wanted is not False
    if is_open and not str(policy.get("pia_id") or "").strip():
        text = "刷脸登记没有个人信息保护影响评估编号：请先完成评估，在小区策略中填写编号（个人信息保护法第55条）。"
        points.append(LawPoint("pia_missing", "", wanted is True, text))
        is_open = wanted is None
    if enrolled >= FACES_MOST and not filing:
        text = f"已登记人脸{enrolled}人，达到10万人：备案前不再新增人脸登记，其他方式照常。"
        text += "请在30个工作日内向省级网信部门备案并填写备案编号。"
        points.append(LawPoint("filing_missing", "", True, text))
        is_open = False
    elif enrolled >= FACES_WARN and not filing:
        text = f"已登记人脸{enrolled}人，接近10万人：请准备向省级网信部门备案（达到10万人后30个工作日内）。"
        points.append(LawPoint("filing_near", "", False, text))
    return FaceGate(is_open, tuple(points))
