"""(P) A pack's values in the words of the report."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from hub.cases.forms import said
from hub.cases.steps import ACTIONS, Action

TITLE = "公共租赁住房核查案件证据材料"
REMINDER = (
    "线索不是结论：本材料所列均为待核实的疑似情况，由工作人员核查、听取当事人说明后认定。"
    "任何线索和案件都不影响住户的出入。当事人有权查阅、陈述、申辩和申诉。"
)
MASKED_ZH, UNMASKED_ZH = "个人信息已脱敏", "含完整个人信息，注意保管"
STAGES_ZH = {
    "yellow": "黄色（询问）",
    "orange": "橙色（核查）",
    "red": "红色（由人员认定）",
}
DAYS = {
    "present": ("有居住迹象", "#009e73", "#000000", "住"),
    "absent": ("无居住迹象", "#e69f00", "#000000", "无"),
    "other_use": ("他人使用迹象", "#d55e00", "#000000", "他"),
    "unknown": ("未覆盖，不作判断", "#ffffff", "#000000", "？"),
}
DEVICES_ZH = {
    "face_terminal": "人脸终端",
    "modbus_door": "门控板",
    "modbus_meter": "表计采集器",
    "onvif_camera": "摄像机",
    "onvif_door": "ONVIF 门控器",
}
OTHER_DAY = ("其他", "#ffffff", "#000000", "—")
FAMILIES_ZH = {"F1": "门禁通行", "F2": "水电表", "F3": "凭证与访客", "F4": "部门登记", "F5": "人员所见"}
STEPS = frozenset(action.value for action in Action)
NONE = "—"


def report(pack: Mapping[str, Any], made_at: datetime, proof: Mapping[str, str]) -> dict[str, Any]:
    """`pack`: the JSON of the bundle by file name without ending."""
    case, finding = pack["case"], pack["finding"]
    zone = ZoneInfo(case["estate"]["time_zone"])
    made = made_at.astimezone(zone)
    devices = pack["devices"]
    return {
        "title": TITLE,
        "subtitle": f"案件 {case['number']}　{case['kind_zh']}　{_stage(case['stage'])}",
        "number": case["number"],
        "author": "estate-hub",
        "made": {"year": made.year, "month": made.month, "day": made.day},
        "footer": f"生成于 {made:%Y-%m-%d %H:%M}　" + (MASKED_ZH if pack["about"]["masked"] else UNMASKED_ZH),
        "reminder": REMINDER,
        "case": _case(case, zone),
        "finding": _finding(finding) if finding else None,
        "days": [_day(one) for one in pack["days"]],
        "days_text": _days_text(pack["days"]),
        "days_legend": "　".join(f"{mark} {label}" for label, _, _, mark in DAYS.values())
        + "。缺少数据的日子从不算作无人居住。",
        "meters": _meters(pack["meters"]),
        "review_text": _review_text(devices),
        "devices": [_device(one) for one in devices],
        "log": [_entry(one, zone) for one in pack["log"]["entries"]],
        "proof": [[key, value] for key, value in proof.items()],
        "proof_text": "用命令 estate-hub verify-evidence 可离线校验本文件及机读证据包；任何一个字节被改动都会被指出。",
    }


def _stage(stage: str) -> str:
    return STAGES_ZH.get(stage, stage)


def _at(text: str | None, zone: ZoneInfo) -> str:
    return datetime.fromisoformat(text).astimezone(zone).strftime("%Y-%m-%d %H:%M") if text else NONE


def _case(case: Mapping[str, Any], zone: ZoneInfo) -> list[list[str]]:
    lease = case["lease"] or {}
    people = "；".join(f"{one['relation_zh']} {one['name']}" for one in case["household"]) or "目前没有承租家庭"
    rows = {
        "案件编号": case["number"],
        "类型、等级": f"{case['kind_zh']}，{_stage(case['stage'])}",
        "办理状态": case["state_zh"],
        "小区": f"{case['estate']['name']}（{case['estate']['code']}）",
        "房屋": f"{case['dwelling']['block']} {case['dwelling']['number']}（房屋编码 {case['dwelling']['code']}）",
        "租约": f"{lease.get('source_id', NONE)}　{lease.get('from_date') or NONE} 至 {lease.get('to_date') or NONE}",
        "承租家庭": people,
        "立案": _at(case["opened_at"], zone),
        "结案": _at(case["closed_at"], zone),
    }
    return [[key, value] for key, value in rows.items()]


def _finding(finding: Mapping[str, Any]) -> dict[str, Any]:
    facts = {
        "规则": f"{finding['rule']} {finding['rule_title_zh']}（版本 {finding['rule_version']}）",
        "政策": f"{finding['policy_title_zh']}（{finding['policy_version']}）",
        "法律依据": finding["legal_basis"] or NONE,
        "观测时段": f"{finding['window_from']} 至 {finding['window_to']}",
        "实际观测": finding["observed"] or NONE,
        "规定阈值": finding["threshold"] or NONE,
        "数据覆盖率": f"{finding['coverage']:.1%}（时段内观测最少的设备）",
        "独立信号": "、".join(f"{FAMILIES_ZH.get(one, one)}（{one}）" for one in finding["families"]) or NONE,
        "可能性": NONE if finding.get("chance") is None else f"约{finding['chance']:.0%}（供排序用，不是结论）",
        "输入摘要": finding["inputs_hash"] or NONE,
    }
    evidence = [[one["day"] or NONE, one["text_zh"], one["ref"]] for one in finding["evidence"]]
    return {
        "facts": [[key, value] for key, value in facts.items()],
        "because": finding["because"],
        "against": finding["against"],
        "refuted": finding["refuted_by"],
        "evidence": evidence,
    }


def _day(day: Mapping[str, Any]) -> dict[str, str]:
    _, color, ink, mark = DAYS.get(day["state"], OTHER_DAY)
    return {"color": color, "ink": ink, "mark": mark}


def _days_text(days: list[Mapping[str, Any]]) -> str:
    if not days:
        return "时段内没有逐日记录。"
    counts = {state: sum(day["state"] == state for day in days) for state in DAYS}
    told = "，".join(f"{DAYS[state][0]} {count} 日" for state, count in counts.items() if count)
    return f"{days[0]['day']} 至 {days[-1]['day']}，每格一日：{told}。"


def _meters(rows: list[Mapping[str, Any]]) -> list[list[str]]:
    found = []
    for meter in dict.fromkeys(row["meter_id"] for row in rows):
        mine = [row for row in rows if row["meter_id"] == meter and row["ok_count"]]
        bad = sum(1 for row in rows if row["meter_id"] == meter and row["bad_count"])
        if not mine:
            found.append([meter, NONE, NONE, NONE, NONE, str(bad)])
            continue
        first, last = mine[0]["first_value"], mine[-1]["last_value"]
        unit = {"water": "m³", "electricity": "kWh"}.get(mine[0]["quantity"], "")
        used = f"{last - first:.3f} {unit}" if first is not None and last is not None else NONE
        name = {"water": "水", "electricity": "电"}.get(mine[0]["quantity"], mine[0]["quantity"])
        found.append([meter, name, _number(first), _number(last), used, str(bad)])
    return found


def _number(value: float | None) -> str:
    return NONE if value is None else f"{value:.3f}"


def _review_text(devices: list[Mapping[str, Any]]) -> str:
    if not devices:
        return "本线索不以门禁、表计等电子记录为依据。"
    lacking = [one["name"] for one in devices if not one["complete"]]
    if not lacking:
        return "所涉设备的合格证明、设置标志、地点公布、技术审核和法制审核材料齐备，审核由不同人员作出。"
    return f"以下设备的审核材料不齐，其记录未经审核，不得作为认定依据：{'、'.join(lacking)}。"


def _clock(clock: Mapping[str, Any]) -> str:
    if not clock["events"]:
        return "时段内没有该设备的事件记录，无从核对时钟"
    worst = clock["worst_offset_s"]
    against = f"与网关时钟最大偏差 {worst:.1f} 秒" if worst is not None else "设备未报告时钟偏差"
    return f"时段内 {clock['events']} 条记录，{against}，超过 10 秒 {clock['beyond_10_s']} 条，迟到 {clock['late']} 条"


def _device(one: Mapping[str, Any]) -> dict[str, Any]:
    down = [span for span in one["coverage"] if span["state"] != "ok"]
    missing = "、".join(item["zh"] for item in one["missing"]) or "齐备"
    facts = {
        "设备": f"{DEVICES_ZH.get(one['kind'], one['kind'])} {one['model']} 固件 {one['firmware'] or NONE}",
        "设置地点": "；".join(one["places"]) or NONE,
        "时钟校准证明": _clock(one["clock"]),
        "不可观测": f"{len(down)} 段" if down else "无",
        "缺少的材料": missing + ("；技术审核与法制审核为同一人，不符合要求" if one["same_reviewer"] else ""),
    }
    papers = [
        [
            paper["kind_zh"],
            paper["number"],
            f"{paper['valid_from']} 至 {paper['valid_until'] or '长期'}",
            paper["reviewer"],
            paper["sha256"][:16] or "无附件",
        ]
        for paper in one["papers"]
    ]
    return {"title": f"{one['name']}（{one['code']}）", "facts": [[k, v] for k, v in facts.items()], "papers": papers}


def _entry(one: Mapping[str, Any], zone: ZoneInfo) -> list[str]:
    rule = ACTIONS[Action(one["action"])] if one["action"] in STEPS else None
    filled = said(rule.fields, one["data"].get("fields", {})) if rule else []
    lines = [one["reason_zh"], *(f"{asked.label_zh}：{value}" for asked, value in filled), one["opinion"]]
    who = {"system": "系统", "lease_system": "租赁系统"}.get(one["actor"], one["actor_name"])
    return [_at(one["at"], zone), one["action_zh"], who, "\n".join(line for line in lines if line)]
