"""(P) Why a row, a page or a change set was refused: a stable code, and what a clerk reads."""

from __future__ import annotations

REASONS: dict[str, str] = {
    # rows
    "not_an_object": "这一行不是一条完整的记录，请检查导出格式。",
    "id_missing": "缺少租约编号，无法识别这条记录。",
    "version_bad": "版本号不是正整数，无法判断新旧。",
    "state_bad": "租约状态只能是 allocated（已配租）、active（在租）或 ended（已终止）。",
    "dwelling_missing": "缺少房屋编码。",
    "dwelling_unknown": "房屋编码不在本系统登记的房屋中，请先核对编码或补录房屋。",
    "dwelling_of_other_estate": "这套房屋不属于所选小区。",
    "dwelling_occupied": "该房屋已有在租租约且承租人不同。请先在租赁系统办结退租，再导入新住户。",
    "tenancy_ended": "该房屋的上一份租约已终止，起租日不晚于其搬离日，未导入。如是新租约，请填新的起租日和租约编号。",
    "managed_elsewhere": "该房屋的租约由另一数据源管理，表格内容与其不一致，未作改动。请在租赁系统中更正。",
    "dates_missing": "缺少起租日。",
    "date_bad": "日期无法识别，请写成 2025-03-01 的形式。",
    "dates_reversed": "到期日早于起租日。",
    "members_missing": "家庭成员名单为空或格式不对。",
    "name_missing": "缺少姓名。",
    "person_missing": "缺少人员编号，无法识别这位成员。",
    "id_number_missing": "缺少身份证号，无法确认是哪一位。",
    "id_number_length": "身份证号不是 18 位。",
    "id_number_characters": "身份证号含有不允许的字符。",
    "id_number_birth": "身份证号中的出生日期不存在或在将来。",
    "id_number_check": "身份证号校验码不对（GB 11643），请核对原件。",
    "birth_differs": "出生日期与身份证号中的不一致，请核对原件。",
    "relation_missing": "缺少与承租人的关系。",
    "card_bad": "卡号不是数字，或被表格软件改成了科学计数法。",
    "card_twice": "同一卡号出现在两个人名下，请核对后重新发卡。",
    "photo_bad": "人脸照片的地址或摘要不完整。",
    "consent_bad": "同意记录不完整（缺时间）。",
    "two_heads": "同一户出现两位承租人，只采用第一位；请核对哪一位是承租人。",
    "no_head": "这一户没有可采用的承租人（申请人）行，整户暂不导入。",
    "duplicate_person": "同一人在同一户重复出现。",
    "person_in_two_households": "同一人出现在两户名下，只采用第一处；请核对。",
    "absence_bad": "离家报备记录不完整或日期颠倒。",
    # sources
    "unreachable": "连不上数据源。请检查网络和数据源地址；本系统会自动重试，现有权限不变。",
    "wrong_key": "数据源不接受接口密钥。请管理员更换密钥文件；现有权限不变。",
    "server_error": "数据源自身出错。请联系其运维人员；本系统会自动重试，现有权限不变。",
    "not_json": "数据源返回的不是数据（可能是登录页、维护页或被截断的内容）。请联系其运维人员；现有权限不变。",
    "bad_page": "数据源返回的一页缺少必要内容。请联系其运维人员；现有权限不变。",
    "cut_page": "数据源声称已给出全部记录，但条数少于它报告的总数。本次一概不采用，现有权限不变。",
    "config_bad": "数据源配置有误，请管理员检查 sources.json。",
    # held
    "empty_feed": "数据源返回了空名单。没有撤销任何人的通行权限；请联系数据源核实。",
    "half_feed": "数据源的记录总数突然少了一半以上。没有撤销任何人的通行权限；请联系数据源核实。",
    "mass_removal": "一次要终止的住户数超过上限，已全部暂停，等待有权限的人员逐户核对后放行；新增照常生效。",
    "incomplete_decision": "数据源称租约已终止，但没有完整的决定（文号、日期、签发人、已完成搬离）。通行权限保留，等待补齐。",
    "move_out_pending": "决定已收到，搬离期未满。通行权限保留到搬离完成之日。",
    "missing": "数据源的全量名单中已没有这条租约。通行权限保留；如确已退租，请在租赁系统办结退租决定。",
    # files
    "file_type": "只接受 .xlsx 或 .csv 文件。",
    "file_unreadable": "文件打不开，可能已损坏或加了密码。请另存为 .xlsx 后再试。",
    "file_too_large": "文件太大。请按小区分开导出后再上传。",
    "header_missing": "没有找到表头。至少需要：房屋编码、姓名、身份证号、与承租人关系。",
}


def zh(code: str) -> str:
    """The clerk's text of a reason; a code without one (from an older database) speaks for itself."""
    return REASONS.get(code, code)
