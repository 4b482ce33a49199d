"""(P) An order to doors: which device carries it out, whom it affects, when it takes a second person, and the words for it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

LOCK_DOWN, LOCK_OPEN, BLOCK, RELEASE, MOMENTARY = "lock_down", "lock_open", "block", "release", "momentary_access"
GRAVE = frozenset({LOCK_DOWN, LOCK_OPEN, BLOCK})
"""Orders that stay: asked twice, with an end, and by two persons where they concern a whole block or estate."""
CLOSING = frozenset({LOCK_DOWN, BLOCK})
CLOSED_MODES = frozenset({"locked_down", "blocked"})
ORDERS = GRAVE | {RELEASE}
MANY_DOORS = 5  # one person's grave orders within the hour may concern this many doors

KIND_ZH: dict[str, str] = {
    MOMENTARY: "开门一次",
    LOCK_DOWN: "封锁",
    LOCK_OPEN: "常开",
    BLOCK: "停用",
    RELEASE: "恢复正常",
    "read_back": "回读名单",
    "snapshot": "抓拍一张",
}
EFFECT_ZH: dict[str, str] = {
    LOCK_DOWN: "封锁后，任何人（包括住户）暂时不能从外面进入这些门；从里面出门始终自由，消防信号一到自动打开。到期自动恢复。",
    LOCK_OPEN: "常开后，任何人都可以通过这些门，不再核验。到期自动恢复。",
    BLOCK: "停用后，这些门暂不接受刷卡、刷脸等方式；从里面出门始终自由，消防信号一到自动打开。到期自动恢复。",
    RELEASE: "恢复正常后，这些门按授权名单开门。",
}
WHY_ZH: dict[str, str] = {
    "ready": "",
    "no_device": "这扇门没有登记控制设备，请到现场处理。",
    "not_in_service": "控制设备未投入使用，请先在设备页面投入使用，或到现场处理。",
    "unsupported": "控制设备不支持这项操作，请到现场操作门控器。",
    "offline": "边缘机离线，命令不会排队等待，请到现场处理或等网络恢复后重试。",
}


@dataclass(frozen=True, slots=True)
class Way:
    """A device that controls a side of a door, and what it announced it can be told. `commands` None: nothing announced."""

    device: str
    access_point: str
    online: bool
    in_service: bool
    commands: frozenset[str]


@dataclass(frozen=True, slots=True)
class DoorPlace:
    """`modes`: what its devices report of it (`locked_down` …), normal ones not among them."""

    door: str
    scope: str
    block: str | None
    dwelling: str | None
    ways: tuple[Way, ...]
    modes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Target:
    """Where an order goes for one door. `state` ready, or why it cannot go (WHY_ZH)."""

    door: str
    state: str
    device: str = ""
    access_point: str = ""

    def place(self) -> dict[str, str]:
        """What must not have moved between the look and the act. An edge that went offline is told then, door by door."""
        return {"door": self.door, "device": self.device, "access_point": self.access_point}


def targets_of(door: DoorPlace, kind: str) -> list[Target]:
    """Every device of the door that can do it, by one of its points; or the one reason why none can."""
    if not door.ways:
        return [Target(door.door, "no_device")]
    serving = [way for way in door.ways if way.in_service]
    if not serving:
        return [Target(door.door, "not_in_service")]
    able = {
        way.device: way for way in sorted(serving, key=lambda w: w.access_point, reverse=True) if kind in way.commands
    }
    if not able:
        return [Target(door.door, "unsupported")]
    return [
        Target(door.door, "ready" if way.online else "offline", way.device, way.access_point)
        for _, way in sorted(able.items())
    ]


def still_opens(door: DoorPlace, kind: str) -> list[str]:
    """Devices that go on opening the door by their own list, for nobody can tell them to stop."""
    deaf = {way.device for way in door.ways if way.in_service and kind not in way.commands}
    return sorted(deaf) if kind in CLOSING else []


GATES = ("estate", "")


def needs_second(
    kind: str, scope: str, wanted: Collection[str], doors: Iterable[DoorPlace], recent: Iterable[str]
) -> bool:
    """Whether a second person must stand for it: a whole block or estate, however it is named or put together.

    `recent`: doors this person gave a grave order for, alone, within the hour or still in force: one door after the other is
    the whole too.
    """
    if kind not in GRAVE:
        return False
    if scope in ("estate", "block"):
        return True
    reach = {*wanted, *recent}
    return len(reach) > MANY_DOORS or any(
        group <= reach
        for place, group in _groups(doors).items()
        if len(group) > 1 or place == GATES or (place[0] == "block" and kind in CLOSING)
    )


def _groups(doors: Iterable[DoorPlace]) -> dict[tuple[str, str], set[str]]:
    """All ways in, the estate's own gates, and each block's entrances: what nobody closes or opens alone as a whole.

    The only gate is the whole estate, and the only entrance of a block is how everybody in it comes home: held open it is a
    door like others, closed it is the block.
    """
    found: dict[tuple[str, str], set[str]] = {}
    for door in doors:
        if door.scope not in ("estate", "block"):
            continue
        found.setdefault(("all", ""), set()).add(door.door)
        found.setdefault((door.scope, door.block or ""), set()).add(door.door)
    return found


def shut_out(
    kind: str, wanted: Collection[str], doors: Collection[DoorPlace], residents: Mapping[tuple[str, str], int]
) -> int:
    """Residents who would have no door left to come home by. `residents`: (block, dwelling) → how many."""
    if kind not in CLOSING:
        return 0
    closed = {d.door for d in doors if d.door in wanted or d.modes & CLOSED_MODES}

    def all_closed(scope: str, place: str) -> bool:
        mine = [
            d for d in doors if d.scope == scope and {"block": d.block, "dwelling": d.dwelling}.get(scope, "") == place
        ]
        return bool(mine) and all(d.door in closed for d in mine)

    gates = all_closed("estate", "")
    return sum(
        count
        for (block, dwelling), count in residents.items()
        if gates or all_closed("block", block) or all_closed("dwelling", dwelling)
    )


def concerned(wanted: Collection[str], doors: Collection[DoorPlace], residents: Mapping[tuple[str, str], int]) -> int:
    """Residents whose way home leads by one of these doors."""
    named = [door for door in doors if door.door in wanted]
    whole = any(door.scope == "estate" for door in named)
    blocks = {door.block for door in named if door.scope == "block"}
    homes = {door.dwelling for door in named if door.scope == "dwelling"}
    return sum(n for (block, home), n in residents.items() if whole or block in blocks or home in homes)
