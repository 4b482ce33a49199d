"""(P) Explanations in words, for a terminal and for a letter. Times in the estate's zone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from hub.access.entitle import Entitlement
from hub.access.schedules import in_words
from hub.access.states import DeviceState

STATE_ZH = {
    "confirmed": "已确认",
    "assumed": "已写入（无法回读）",
    "pending": "下发中",
    "refused": "设备拒绝",
    "unknown": "未知",
}
ALWAYS = "7×24 小时"
TYPE_ZH = {"card": "刷卡", "face": "刷脸", "pin": "密码", "qr": "二维码", "id_card": "身份证"}
ENDED_ZH = {
    "end_decision": "凭决定书终止",
    "own_request": "本人申请停用（可到服务台恢复）",
    "replaced_after_incident": "挂失或安全事件后更换",
    "left_household": "已不在该家庭",
    "pass_expired": "通行证已到期或次数已用完",
    "pass_withdrawn": "通行证已收回",
    "role_ended": "任职已结束",
}
MODE_ZH = {"locked_down": "已封锁", "blocked": "已停用读卡", "locked_open": "常开"}


@dataclass(frozen=True, slots=True)
class Line:
    """One holder and what he may pass; `where` are the doors, `ways` how he shows himself.

    `not_because`: why he cannot pass all the same, at some door or everywhere, with what to do.
    """

    who: str
    where: str
    when: str
    because: str
    ways: str
    devices: tuple[DeviceState, ...]
    not_because: tuple[str, ...] = ()
    token: str = ""
    holder_class: str = ""


def moment(at: datetime, zone: str) -> str:
    """2026-11-27 09:12."""
    return f"{at.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}"


def when(one: Entitlement, zone: str) -> str:
    """From when until when, and at which hours."""
    start, end = one.validity.not_before, one.validity.not_after
    hours = "；".join(dict.fromkeys(in_words(s) for _, s in one.schedules))
    if len({p for p, _ in one.schedules}) < len(one.access_points):
        hours = f"{ALWAYS}（公共设施 {hours}）" if hours else ALWAYS
    if one.uses is not None:
        hours += f"，共{one.uses}次"
    if end is not None:
        return f"{moment(start, zone) if start else '即刻'} 至 {moment(end, zone)}，{hours or ALWAYS}"
    return f"自 {moment(start, zone)} 起，{hours or ALWAYS}" if start else hours or ALWAYS


def ended(because: str) -> str:
    """`because`: `cause: proof`, as the credential's row keeps it."""
    cause, _, proof = because.removeprefix("taken_back: ").partition(": ")
    return f"已终止：{ENDED_ZH.get(cause, cause)}（{proof}）" if proof else f"已终止：{ENDED_ZH.get(cause, cause)}"


def device_words(device: DeviceState, zone: str) -> str:
    """On which device, since when, confirmed by what; or why not and what to do."""
    told = [STATE_ZH.get(device.state, device.state)]
    if device.held_since:
        told.append(f"自 {moment(device.held_since, zone)}")
    if device.proof == "edge":
        told.append(f"由边缘机按名单第{device.generation}版判定")
    elif device.proof == "read_back" and device.since:
        told.append(f"{moment(device.since, zone)} 读回核对（名单第{device.generation}版）")
    elif device.since and device.state != "refused":
        told.append(f"{moment(device.since, zone)} 上报")
    if device.message_zh:
        told.append(device.message_zh)
    return f"{device.device_name}：{'，'.join(told)}"


def mode_words(door: str, mode: Mapping[str, object], zone: str) -> str:
    """A door that is not in its normal mode."""
    until = mode.get("until")
    end = f"至 {moment(datetime.fromisoformat(str(until)), zone)}" if until else "直至解除"
    cause = {"fire": "消防报警", "break_glass": "现场应急开门"}.get(
        str(mode.get("cause")), str(mode.get("reason") or "")
    )
    return f"{door}{MODE_ZH.get(str(mode.get('mode')), str(mode.get('mode')))}，{end}{f'（{cause}）' if cause else ''}"


def as_text(lines: Sequence[Line], zone: str) -> str:
    if not lines:
        return "没有任何人因此取得通行权限。"
    told = []
    for line in lines:
        told.append(f"{line.who}：可通行 {line.where}（{line.when}），依据 {line.because}；方式：{line.ways or '无'}")
        told += [f"  ! {why}" for why in line.not_because]
        told += [f"  - {device_words(device, zone)}" for device in line.devices]
    return "\n".join(told)


def summary(devices: Iterable[DeviceState], zone: str) -> str:
    """`6 台设备中 6 台已确认，自 2026-11-27 09:12 起`: since the last of them came in step."""
    devices = list(devices)
    held = [d for d in devices if d.state == "confirmed"]
    if not devices:
        return "不在任何设备的名单上。"
    since = max((d.held_since for d in held if d.held_since), default=None)
    whole = f"，自 {moment(since, zone)} 起" if since and len(held) == len(devices) else ""
    return f"{len(devices)} 台设备中 {len(held)} 台已确认{whole}。"
