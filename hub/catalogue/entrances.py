"""(P) D: something is wrong with an entrance. A repair, a gap in what could be observed, never somebody's fault."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import mean

OFFLINE, PROPPED = timedelta(minutes=5), timedelta(minutes=10)
CLOCK_S = 10
FALL, FALL_WEEKS, FALL_PASSES = 0.7, 4, 20
NEIGHBOURS_HOLD = 0.7
NEAR_MOVE, MOVES, MOVE_WINDOW = timedelta(minutes=30), 3, 30


@dataclass(frozen=True, slots=True)
class Trouble:
    """`kind`: down, covered, propped, forced or clock. `until` None: still."""

    device: str
    kind: str
    since: datetime
    until: datetime | None


@dataclass(frozen=True, slots=True)
class EntranceHint:
    """`place`: a device, of D6 a door."""

    rule: str
    place: str
    text_zh: str


RULE_OF = {"down": "D1", "covered": "D2", "propped": "D3", "forced": "D4", "clock": "D5"}
TEXT_OF = {
    "down": "离线或停用", "covered": "镜头被遮挡或画面改变", "propped": "门常开", "forced": "被强行打开",
    "clock": f"时钟偏差超过{CLOCK_S}秒",
}  # fmt: skip
AT_LEAST = {"down": OFFLINE, "propped": timedelta(minutes=2)}


def troubles(rows: Sequence[Trouble], now: datetime) -> list[EntranceHint]:
    """D1–D5 that stand now or stood in the last day."""
    found = []
    for one in rows:
        lasted = (one.until or now) - one.since
        recent = one.until is None or now - one.until < timedelta(days=1)
        if recent and one.kind in RULE_OF and lasted >= AT_LEAST.get(one.kind, timedelta()):
            how = f"（{'长时间' if lasted >= PROPPED else ''}{int(lasted.total_seconds() // 60)}分钟）"
            moment = one.until == one.since  # forced open, covered: a moment, not a time that lasted
            found.append(EntranceHint(RULE_OF[one.kind], one.device, TEXT_OF[one.kind] + ("" if moment else how)))
    return found


def fallen(counts: Mapping[str, Mapping[date, int]], today: date) -> list[EntranceHint]:
    """D6: attempts at a door (by day) fall by 70 % against its own same weekdays, while its neighbours go on."""
    share = {door: _against_usual(days, today) for door, days in counts.items()}
    found = []
    for door, mine in sorted(share.items()):
        others = [value for other, value in share.items() if other != door and value is not None]
        if mine is not None and mine < 1 - FALL and others and mean(others) >= NEIGHBOURS_HOLD:
            found.append(EntranceHint("D6", door, f"通行量降至平时同一星期日的{mine:.0%}，相邻出入口正常，请检修"))
    return found


def silent(since: Mapping[str, date]) -> list[EntranceHint]:
    """D6 too: doors that record nobody though many live behind them and their device says that it works."""
    return [
        EntranceHint(
            "D6", door,
            f"自{day}起没有或几乎没有通行记录，设备却称正常，按不可观测处理，请检修；已停用的请登记停用日期",
        )
        for door, day in sorted(since.items())
    ]  # fmt: skip


def _against_usual(days: Mapping[date, int], today: date) -> float | None:
    usual = [days[day] for week in range(1, FALL_WEEKS + 1) if (day := today - timedelta(weeks=week)) in days]
    if len(usual) < FALL_WEEKS or mean(usual) < FALL_PASSES:
        return None
    return days.get(today, 0) / mean(usual)


def around_moves(rows: Sequence[Trouble], moves: Mapping[str, Sequence[datetime]], now: datetime) -> list[EntranceHint]:
    """D7: three times in 30 days something happened within half an hour of a move in or out at one entrance. A guard post.

    `moves`: device → when people moved. Nobody is named: without a witness it belongs to no household.
    """
    since = now - timedelta(days=MOVE_WINDOW)
    found = []
    for device, times in sorted(moves.items()):
        near = [
            one
            for one in rows
            if one.device == device and one.kind in RULE_OF and one.kind != "clock" and one.since >= since
            if any(abs(one.since - at) <= NEAR_MOVE for at in times)
        ]
        if len(near) >= MOVES:
            found.append(EntranceHint("D7", device, f"{MOVE_WINDOW}日内{len(near)}次在搬家前后异常，可安排值守"))
    return found
