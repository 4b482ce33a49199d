"""(P) The rule catalogue as data: each rule with its anchor, how far it may go, what it must not lead to, what to think of first.

`FORBIDDEN` holds for all of them and for whatever comes after: nothing in the hub can do it on a lead's behalf.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

FORBIDDEN = (
    "取消或缩短住户的通行权限",
    "停用电梯、水、电、暖",
    "报送征信或列入名单",
    "告知邻居或单位",
    "公开姓名或证件号",
    "无独立法律依据移送公安",
    "将关怀数据用于核查",
    "无已办结案件而影响续租评价",
    "以不使用人脸、年龄、残疾、籍贯或救助类别作为不利依据",
)
ACCESS_ENDS_ONLY_BY = (
    "本人申请",
    "访客或施工通行证到期",
    "凭证安全事件并当场换发",
    "载明文号、生效日且搬迁期已满的签发决定",
)


@dataclass(frozen=True, slots=True)
class Rule:
    """`stage`: the furthest it can get by itself (`care`, `device`, `data` are no stages of a household). `may`: rungs of the
    ladder, A0 to A5 (a draft for a named person). `code`: where it is judged, `module:function`. `waits`: why none can.
    """

    title_zh: str
    stage: str
    may: tuple[str, ...]
    must_not: tuple[str, ...]
    innocent: tuple[str, ...]
    anchor: str
    code: str = ""
    waits: str = ""


def _ie(*ranges: tuple[int, int]) -> tuple[str, ...]:
    return tuple(f"IE{n:02d}" for first, last in ranges for n in range(first, last + 1))


_V = _ie((1, 12), (17, 17), (19, 21), (23, 29))
_VACANCY = "hub.occupancy.vacancy:find_vacancy"
_WAIT_IDENTITY = "没有终端上报“卡与人脸不符”，也不为此增设：须两者都出示且经同意"

RULES: Mapping[str, Rule] = {
    "V0": Rule(
        "独居关怀",
        "care",
        ("A2",),
        ("用于任何空置或转租判断",),
        _V,
        "沪、深等地0.01立方米/24小时做法；个人信息保护法第13条",
        "hub.welfare.rules:look",
    ),
    "V1": Rule("30日无通行（关怀询问）", "note", ("A1",), ("上门", "标色"), _V, "工程默认值", _VACANCY),
    "V2": Rule("60日无通行", "yellow", ("A1", "A2"), ("约谈",), _V, "工程默认值", _VACANCY),
    "V3": Rule(
        "90日无通行且用水近零，或当地居住天数不足",
        "orange",
        ("A3",),
        ("引用五年限制", "定期限"),
        _V,
        "北京后期管理办法；香港三个月",
        _VACANCY,
    ),
    "V4": Rule("距法定期限约30日", "orange", ("A2", "A3"), ("视为放弃",), _V, "法定期限前30日", _VACANCY),
    "V5": Rule(
        "已达法定期限",
        "red",
        ("A4", "A5"),
        ("自动作出决定", "自动限制再次申请"),
        _V,
        "令第11号第27条第5项、第36条",
        _VACANCY,
    ),
    "V6": Rule("未入住", "orange", ("A2", "A5"), ("自动取消资格",), _V, "厦门两个月；九江六个月", _VACANCY),
    "S1": Rule(
        "登记人员未见而房屋在用",
        "red",
        ("A3", "A4"),
        ("仅凭人脸定为红色",),
        _ie((1, 4), (13, 16), (20, 21), (27, 27), (29, 30)),
        "令第11号第27条第1项；民法典第716、718条",
        "hub.occupancy.sublet:find_sublet",
    ),
    "S2": Rule(
        "出租信息或反映",
        "yellow",
        ("A3",),
        ("90日内仅凭匿名反映两次上门",),
        ("IE15", "IE30"),
        "香港：反映约两成可查",
        "hub.catalogue.reports:reported",
    ),
    "S3": Rule(
        "多名访客轮换留宿",
        "yellow",
        ("A2", "A3"),
        ("认定经营",),
        ("IE13", "IE14"),
        "令第11号第27条第2项",
        "hub.catalogue.visitors:turnover",
    ),
    "S4": Rule(
        "短期出借",
        "yellow",
        ("A4",),
        ("不计轻重一概处理",),
        ("IE02", "IE14", "IE30"),
        "普陀十日案例",
        "hub.catalogue.reports:brief_lend",
    ),
    "C1": Rule(
        "卡与人脸不符",
        "note",
        ("A1", "A2"),
        ("停卡", "单独作为转租"),
        _ie((15, 15), (17, 18), (22, 23)),
        "租赁合同约定",
        waits=_WAIT_IDENTITY,
    ),
    "C2": Rule(
        "同一凭证不可能的步行时间",
        "note",
        ("A1", "A2"),
        ("停卡", "单独作为转租"),
        _ie((15, 15), (17, 18), (22, 23)),
        "租赁合同约定",
        "hub.catalogue.lending:lending",
    ),
    "C3": Rule(
        "同一凭证连续进入",
        "note",
        ("A1", "A2"),
        ("停卡", "单独作为转租"),
        _ie((15, 15), (17, 18), (22, 23)),
        "租赁合同约定",
        "hub.catalogue.lending:lending",
    ),
    "H": Rule(
        "非登记人员整户居住",
        "yellow",
        ("A3",),
        ("要求居住人刷脸", "驱离居住人"),
        _ie((12, 14), (27, 28), (30, 30)),
        "令第11号第27条第1项；民法典第732条",
        "hub.catalogue.crowd:stranger_household",
    ),
    "O": Rule(
        "超员",
        "yellow",
        ("A1", "A3"),
        ("处罚", "限制进出"),
        _ie((13, 15), (18, 18), (24, 24)),
        "消防安全；改变用途",
        "hub.catalogue.crowd:over_occupancy",
    ),
    "R": Rule(
        "登记人员长期未见",
        "note",
        ("A0",),
        ("计入空置", "告知同住人"),
        _ie((3, 3), (7, 7), (10, 12), (19, 21), (27, 27), (29, 29)),
        "家庭变动报告义务；资格复核",
        "hub.catalogue.residents:unseen_members",
    ),
    "L1": Rule(
        "合同到期仍通行：询问",
        "note",
        ("A1",),
        ("到期停卡",),
        _ie((12, 12), (27, 28)),
        "令第11号第30条",
        "hub.catalogue.leases:lease_over",
    ),
    "L2": Rule(
        "到期15日无申请",
        "yellow",
        ("A4",),
        ("到期停卡",),
        _ie((12, 12), (27, 28)),
        "令第11号第30条",
        "hub.catalogue.leases:lease_over",
    ),
    "L3": Rule(
        "到期30日，异议函备妥",
        "yellow",
        ("A4", "A5"),
        ("到期停卡",),
        _ie((12, 12), (27, 28)),
        "民法典第734条",
        "hub.catalogue.leases:lease_over",
    ),
    "P": Rule(
        "访客频繁",
        "note",
        ("A1",),
        ("拒绝护理人员", "要求访客刷脸"),
        _ie((13, 16)),
        "厦门留宿报备；北京当日访客证",
        "hub.catalogue.visitors:frequent_guest",
    ),
    **{
        rule: Rule(
            title,
            "device",
            ("A0",),
            ("无旁证归责于某户",),
            ("IE19", "IE23"),
            "GB 50396；视频条例第23条",
            f"hub.catalogue.entrances:{code}",
        )
        for rule, title, code in (
            ("D1", "设备离线", "troubles"),
            ("D2", "镜头遮挡", "troubles"),
            ("D3", "门常开", "troubles"),
            ("D4", "强行打开", "troubles"),
            ("D5", "时钟偏差", "troubles"),
            ("D6", "通行量骤降", "fallen"),
            ("D7", "搬家前后反复异常", "around_moves"),
        )
    },
    "U": Rule(
        "空置房疑似使用",
        "orange",
        ("A3",),
        ("未经查看上锁", "标记邻居"),
        _ie((24, 25), (27, 27), (32, 32)),
        "衢州模型；资产管理职责",
        "hub.occupancy.unlet:find_vacant_use",
    ),
    "E": Rule(
        "原住户凭证再次出现",
        "note",
        ("A0",),
        ("留存或比对人脸", "阻拦使用公共通道"),
        ("IE15", "IE22", "IE27"),
        "决定文书；行政强制法",
        "hub.catalogue.former:former_returns",
    ),
    **{
        rule: Rule(
            title,
            "data",
            ("A0",),
            ("作为住户的线索",),
            innocent,
            "个人信息保护法第8、51条",
            f"hub.catalogue.integrity:{code}",
        )
        for rule, title, innocent, code in (
            ("N1", "租约名单过旧", ("IE27",), "old_lists"),
            ("N2", "一人两户", ("IE31",), "in_two_households"),
            ("N3", "死亡、婚姻登记不一致", ("IE12", "IE27"), "register_differs"),
            ("N4", "短时大量变更", ("IE32",), "bulk_changes"),
            ("N5", "无案件反复查看", ("IE32",), "curious"),
        )
    },
}

HINT_KINDS_ZH = {
    "visitor_use": "访客频繁",
    "turnover": "疑似多人轮换留宿",
    "lending": "凭证可能共用",
    "unseen_member": "登记人员长期未见",
    "stranger_household": "疑似非登记人员整户居住",
    "over_occupancy": "疑似超员",
    "lease_over": "租期届满待核实",
    "reported": "有反映待核实",
    "brief_lend": "疑似短期出借",
    "former": "原住户凭证再次出现",
}
"""Kinds of findings of the smaller rules; those of the main ones stand in `hub.occupancy.finding`."""

SAME_QUESTION = frozenset({"turnover", "stranger_household", "over_occupancy"})
"""Those that ask what a lead on others asks: who lives there. Nobody is asked it by two cases."""
