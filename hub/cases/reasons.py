"""(P) Reason codes of decisions. IE01–IE32 are the innocent explanations of the rule catalogue (section 2.3)."""

from __future__ import annotations

from hub.occupancy.contacts import CONTACT_CODES

INNOCENT: dict[str, str] = {
    "IE01": "住在子女家、照看孙辈",
    "IE02": "病后由子女接走照料",
    "IE03": "住院、康复或入住护理机构",
    "IE04": "外出照料生病亲属",
    "IE05": "外派、工地、船员、司机等工作原因",
    "IE06": "夜班、早出晚归",
    "IE07": "住校、上大学、服役",
    "IE08": "春节或农忙返乡",
    "IE09": "旅行、探亲、朝觐",
    "IE10": "羁押或强制医疗",
    "IE11": "因家庭暴力离家（去向保密）",
    "IE12": "承租人去世，继续承租办理中",
    "IE13": "生育，月嫂或祖辈来住",
    "IE14": "住家护理、保姆、个人助理",
    "IE15": "亲友常来、送饭",
    "IE16": "快递、保洁、维修、社区护士",
    "IE17": "尾随或由他人开门",
    "IE18": "多人一次通行（推婴儿车等）",
    "IE19": "侧门、车库、消防梯或门被支开",
    "IE20": "不同意或撤回人脸，用卡或由门岗放行",
    "IE21": "人脸未被识别（老化、成长、口罩、逆光、需换底片）",
    "IE22": "家庭内部借卡、孩子用家长的卡",
    "IE23": "设备离线、时钟漂移、门点映射错误、重复或迟到数据",
    "IE24": "房屋维修、渗漏、停电、除虫或入住前装修",
    "IE25": "表计故障、估抄、共用表",
    "IE26": "生活节俭，在单位或亲属家洗浴",
    "IE27": "登记信息过期（婚姻、出生、离婚、共住人未同步）",
    "IE28": "已批准的调换、过户办理中",
    "IE29": "行动不便，从不经过门禁",
    "IE30": "承租人受他人控制或胁迫",
    "IE31": "身份误合并",
    "IE32": "工作人员或运营单位自己的记录",
}

VERIFIED = {"V_HOME": "入户核查：本户实际居住", "V_DATA": "数据复核：证据不成立"}
RECHECK = {"R_ELIGIBILITY": "转资格复核", "R_SITE": "转入户核查", "R_DATA": "转数据复核"}
GOOD_CAUSE = {code: INNOCENT[code] for code in (*(f"IE{n:02d}" for n in range(1, 13)), "IE24", "IE28")}
ANSWER = {**INNOCENT, "A_OTHER": "其他说明", "A_NONE": "未说明理由"}
ABSENCE_OF = {
    **dict.fromkeys(GOOD_CAUSE, "other"),
    "IE03": "hospital", "IE04": "care", "IE05": "work", "IE08": "home_visit", "IE09": "travel", "IE24": "renovation",
}  # fmt: skip
"""Which class of declared absence an answer stands for."""

CONFIDENTIAL = frozenset({"IE10", "IE11", "IE30"})
"""What may put somebody in danger when others of the household, or of other offices, read it: it never leaves the hub."""

GROUNDS = {
    "G_SUBLET": "转借、转租或者擅自调换（令第11号第二十七条第一项）",
    "G_USE": "改变用途（令第11号第二十七条第二项）",
    "G_IDLE": "无正当理由连续闲置（令第11号第二十七条第五项或当地规定）",
    "G_NOT_MOVED_IN": "未按期入住（当地规定）",
    "G_NONE": "不成立或有正当理由",
}
"""What a conclusion may rest on. Refusing face recognition, age, disability or origin are none and never become one."""

NOTE = {**{code: kind.label_zh for code, kind in CONTACT_CODES.items()}, "N_OTHER": "其他情况记录"}
DISMISS = {**VERIFIED, **INNOCENT}

COUNTED_ZH, COUNTED_MESSAGE_ZH = "由记录自动计入联系次数", "由当事人来文自动计入联系记录"
"""What the hub writes beside a contact that it counts by itself."""

SYSTEM = {
    "S_FINDING": "系统线索",
    "S_GONE": "线索事实已消失",
    "S_EXPIRED": "期限内没有新的证据",
    "S_UNPROVEN": "会商认定未证实",
    "S_UPHELD_NOT": "复核、听证或申诉后撤销",
}
LABELS = {**DISMISS, **RECHECK, **ANSWER, **GROUNDS, **NOTE, **SYSTEM}
