"""(P) Why a row, a page or a change set was refused: a stable code, and what a clerk reads."""

from __future__ import annotations

REASONS: dict[str, str] = {
    # rows
    "not_an_object": "这一行不是一条完整的记录，请检查导出格式。",
    "id_missing": "缺少租约编号，无法识别这条记录。",
    "version_bad": "版本号缺失、不是正整数或过大，无法判断新旧。",
    "version_conflict": "同一版本号的内容前后不一致：新增已采用，减少一律未采用。请数据源更正后以更高版本号重发。",
    "version_back": "数据源现在给出的版本低于已收到的版本（可能恢复了旧备份），未采用。请数据源以更高版本号重发。",
    "person_other": "同一人员编号下换成了另一个人（姓名、身份证号都不同），未采用。请数据源为新的人员使用新的编号。",
    "too_long": "编号或姓名过长，可能填错了栏位。",
    "members_many": "一户的成员数异常多，请核对这条记录。",
    "state_bad": "租约状态只能是 allocated（已配租）、active（在租）或 ended（已终止）。",
    "dwelling_missing": "缺少房屋编码。",
    "dwelling_unknown": "房屋编码不在本系统登记的房屋中，请先核对编码或补录房屋。",
    "dwelling_of_other_estate": "这套房屋不属于所选小区。",
    "dwelling_occupied": "该房屋已有在租租约且承租人不同。请先在租赁系统办结退租，再导入新住户。",
    "tenancy_ended": "该房屋的上一份租约已终止，起租日不晚于其搬离日，未导入。如是新租约，请填新的起租日和租约编号。",
    "managed_elsewhere": "该房屋的租约由另一数据源管理，表格内容与其不一致，未作改动。请在租赁系统中更正。",
    "dates_missing": "缺少起租日。",
    "date_bad": "日期无法识别或年份不合理，请写成 2025-03-01 的形式。",
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
    "cut_page": "数据源声称已给出全部记录，但条数少于它报告的总数。只采用其中的新增，不撤销任何人的权限。",
    "cursor_loops": "数据源的翻页标记反复或倒退，没有读到末尾。已读到的新增照常生效，现有权限不变。请联系其运维人员。",
    "page_repeated": "数据源反复返回同样的内容而不结束。已读到的新增照常生效，现有权限不变。请联系其运维人员。",
    "too_slow": "数据源响应过慢，本次没有读完。已读到的新增照常生效，现有权限不变；本系统会自动重试。",
    "page_too_large": "数据源的一页内容异常大，没有采用。请联系其运维人员；现有权限不变。",
    "config_bad": "数据源配置有误，请管理员检查 sources.json。",
    # held
    "empty_feed": "数据源返回了空名单。没有撤销任何人的通行权限；请联系数据源核实。",
    "half_feed": "数据源的记录总数突然少了一半以上。没有撤销任何人的通行权限；请联系数据源核实。",
    "shrunken_feed": "数据源的全量名单比上次少了许多户。没有撤销任何人的通行权限；请联系数据源核实。",
    "mass_removal": "要终止、移出、换房或收卡的住户数超过上限，已全部暂停，等待有权限的人员逐户核对后放行；新增照常生效。",
    "identifiers_changed": "数据源改用了新的租约或人员编号。已按房屋和身份证号逐户认出，由两人核对后换用新编号；通行权限不变。",
    "identity_unclear": "数据源以新编号报来已有住户的房屋，无法认出是否同一户。已有住户的权限不变；请核对后放行。",
    "other_source": "这一户已由另一数据源登记（同一房屋、同一身份证号）。权限不变；如改由本数据源管理，请两人核对后放行。",
    "clock_jumped": "本系统的时钟跳变，日期不可信。没有撤销任何人的通行权限；时钟恢复正常或经人员确认后继续。",
    "death_coresidents": "承租人去世，共同居住人可继续承租（民法典第732条）。共同居住人的通行权限保留；请办理承租人变更。",
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
