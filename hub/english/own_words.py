"""(P) What an edge box and its devices say of themselves, for readers of both languages.

It comes as a code (`edge_offline`), in Chinese, or in the English of the box ("edge was off"). Codes and the English that is
known have Chinese words here, with slots as in the phrase book; what a device says in its own words stays as it came.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache

from hub.english.phrases import CHINESE, SLOT, english, template

REASONS_ZH = {
    "unknown_credential": "未登记的卡、密码或人脸",
    "not_yet_valid": "尚未到生效时间",
    "expired": "已过有效期",
    "out_of_schedule": "不在允许的时段",
    "wrong_access_point": "无权通行此门",
    "blocked": "凭证已停用",
    "locked_down": "门已封锁",
    "no_list": "边缘机尚未收到名单",
    "clock_unsure": "断电后时间未校准，访客暂不放行",
    "used_up": "通行证的次数已用完",
    "code_expired": "手机二维码已过期，请在页面上刷新后再试",
    "code_used": "这个二维码已在此门用过，请等页面换新码",
    "too_many_tries": "键盘连续输错，暂停输入密码；刷卡、扫码、刷脸不受影响",
    "not_taken": "已放行但未通过",
}
"""Why somebody did not pass."""

FACE_ZH = {
    "same": "人脸与持卡人一致",
    "different": "人脸与持卡人可能不一致（仅供核实，不影响通行）",
    "known": "按键求助者可能是已登记住户，请核实后由人决定是否开门",
    "unknown": "按键求助者不在同意人脸识别的住户中",
    "unseen": "人脸未能比对",
}

OUTCOMES_ZH = {
    "done": "已执行",
    "refused": "设备拒绝",
    "expired": "已过期，未执行",
    "unreachable": "设备不可达",
    "unsupported": "设备不支持",
    "uncertain": "已发出，未得到答复",
}

CODES_ZH = {
    "edge_offline": "边缘机离线，期间情况未知",
    "epoch_lost": "边缘机换了新的日志，旧日志中尚未上报的记录已丢失",
    "journal_gap": "边缘机的日志有缺口，其中的记录已丢失",
    "TimeoutError": "没有应答（超时）",
}
"""Why nothing was observed, where a code says it."""

TOPICS_ZH = {
    "CellMotionDetector/Motion": "画面有移动",
    "VideoSource/MotionAlarm": "画面有移动",
    "Device/Trigger/DigitalInput": "按钮或输入触点变化",
    "Device/HardwareFailure/StorageFailure": "存储故障",
    "VideoSource/GlobalSceneChange/ImagingService": "镜头被遮挡或移动",
    "VideoSource/ImageTooDark/ImagingService": "画面过暗",
    "VideoSource/SignalLoss": "没有视频信号",
}
"""What a camera tells, by the end of the ONVIF topic."""


def topic_zh(topic: str) -> str | None:
    """In words where this topic has any. Some cameras put a prefix before each part: `tns1:Device/Trigger/tt:DigitalInput`."""
    plain = "/".join(part.rsplit(":", 1)[-1] for part in topic.split("/"))
    return next((told for end, told in TOPICS_ZH.items() if f"/{plain}".endswith(f"/{end}")), None)


NOTES_ZH = {
    "authority": "与中心失去联系",
    "authority_over": "中心恢复联系",
    "bad_signature": "签名不符，未采用",
    "break_glass": "本机应急开门",
    "clock_jump": "时钟跳变",
    "hub_dates": "按边缘机时间，中心证书不在有效期内",
    "hub_dates_over": "与中心的安全连接恢复",
    "clock_sure": "时间已可信",
    "clock_unsure": "时间不可信",
    "conflict": "同一版本内容不一致，未采用",
    "corrupt_row": "日志记录损坏",
    "device_restarted": "设备重启",
    "disk": "磁盘写入失败",
    "faces": "人脸识别已启用",
    "faces_off": "人脸识别未启用",
    "fire": "消防联动",
    "fire_over": "消防联动解除",
    "fire_unknown": "消防联动状态未知",
    "foreign_command": "别的边缘机的命令，未执行",
    "foreign_devices": "别的边缘机的设备清单，未采用",
    "foreign_list": "别的设备的名单，未采用",
    "foreign_revocation": "别的边缘机的撤权，未执行",
    "gap": "记录有缺口",
    "import": "历史记录导入",
    "old_list": "只有旧名单",
    "stale": "比现有的旧，未采用",
    "started": "边缘机启动",
    "trouble": "部件出错，已自动重新开始",
    "unreadable_list": "名单无法读取",
    "unreadable_revocation": "撤权无法读取",
    "unsigned_command": "命令没有签名，未执行",
}
"""Of what an edge's note is."""

SAID_ZH = {
    # why a device could or could not observe
    "edge was off": "边缘机停机",
    "edge stopped": "边缘机停止服务",
    "away too long to be sure": "离线过久，不能确定期间有无通行",
    "records kept by the device": "期间的记录由设备保存",
    "connected": "已连接",
    "observed again": "恢复可观测",
    "no connection; its own records may follow": "没有连接；设备保存的记录可能随后补传",
    "device clock is {offset*} s off": "设备时钟偏差 {offset} 秒",
    "device clock is right again": "设备时钟已恢复准确",
    "door closed": "门已关闭",
    "door held unlocked": "门保持开锁",
    "door open for more than {n} minutes": "门打开超过 {n} 分钟",
    # why a device is not there, or not well
    "not connected": "未连接",
    "session ended": "连接已结束",
    "the device's event stream ended": "设备的事件流已中断",
    "this edge cannot drive {kind*}": "这台边缘机不能接入 {kind} 类设备",
    "no sign of life for {n} s": "{n} 秒没有任何消息",
    "the terminal went offline (last will)": "终端已离线",
    "the terminal restarted": "终端已重启",
    "{n} messages found no room": "{n} 条消息因缓存已满丢弃",
    "{n} unreadable messages were not kept": "{n} 条无法识别的消息未保留",
    "{n} alarms in an hour were not kept one by one": "一小时内有 {n} 条报警未逐条记录，请检查此设备或门磁",
    "{n} more were not kept one by one": "另有 {n} 条未逐条记录",
    "settings not taken: {names*} ({code*})": "终端没有接受设置：{names}（{code}）",
    "the link to the edge's broker is down": "与边缘机消息服务的连接中断",
    "{what*}: no answer in {n} s": "{what}：{n} 秒内没有应答",
    "{what*}: no answer within {n} s": "{what}：{n} 秒内没有应答",
    "no answer": "没有应答",
    "none of {n} meters answers": "{n} 块表计都没有应答",
    "{bad} of {n} meters give no value: {which*}": "{n} 块表计中有 {bad} 块没有读数：{which}",
    "impossible value {value*}": "读数不合理：{value}",
    "went backwards from {value*}": "读数倒退，此前为 {value}",
    "fault": "表计报告故障",
    "leak": "表计报告渗漏",
    "open for {n} s": "已打开 {n} 秒",
    "no door magnet on this board": "此板没有门磁",
    "alarms have no published content": "报警内容没有公开的格式",
    "door not opened for sure ({outcome*}): {why*}": "是否已开门不能确定（{outcome}）：{why}",
    "door not opened: {why*}": "门未打开：{why}",
    "shown {n} s before it came here: the door was not opened": "出示 {n} 秒后才送达，门未打开",
    "it cannot be known when it was shown: the door was not opened, show it again": "无法确定出示时间，门未打开，请再出示一次",
    # what an edge notes
    "version {version*}": "版本 {version}",
    "the board says it was restarted": "门控板报告曾重启",
    "state was damaged, set aside as {file*}": "状态文件损坏，已另存为 {file}",
    "journal was damaged, set aside as {file*}, {n} events carried over": "日志损坏，已另存为 {file}，转存 {n} 条事件",
    "part {part*} failed and began anew: {why*}": "{part} 出错，已自动重新开始：{why}",
    "kept device set is not usable: {why*}": "本机保存的设备清单不能使用：{why}",
    "device set of generation {n}": "设备清单第 {n} 代",
    "device set of {theirs*} came to {ours*}": "{theirs} 的设备清单发到了 {ours}",
    "revocations not kept: {why*}": "撤权未能保存：{why}",
    "{n} events not taken": "{n} 条事件未能保存",
    "row {n} failed its checksum": "第 {n} 行校验不符",
    "row {n} is missing": "第 {n} 行缺失",
    "list of {device*} is not signed by the pinned key": "{device} 的名单不是所绑定的中心所签",
    "list of {device*}: generation {n} came with two contents": "{device} 的名单：第 {n} 代有两种内容",
    "list of {device*}: generation {n} is older than what is held": "{device} 的名单：第 {n} 代比现有的旧",
    "list of {device*}: generation {n}, {m} was taken before": "{device} 的名单：第 {n} 代，此前已收到第 {m} 代",
    "list of {device*}: generation {n} lies here, {m} was taken before": "{device} 的名单：现存第 {n} 代，此前已收到第 {m} 代",
    "list of {device*}: {why*}": "{device} 的名单：{why}",
    "a revocation is not signed by the pinned key": "撤权不是所绑定的中心所签",
    # codes within their Chinese
    "按名单此凭证不能通行（{why*}）": "按名单此凭证不能通行（{why}）",
    "结果 {outcome*} {text*}": "结果 {outcome} {text}",
    "结果 {outcome*}": "结果 {outcome}",
}
WORDS_ZH = OUTCOMES_ZH | REASONS_ZH
PIECES = re.compile(r"(; |；)")


@cache
def _templates() -> tuple[tuple[re.Pattern[str], str], ...]:
    """The closer one first."""
    ordered = sorted(SAID_ZH.items(), key=lambda pair: -len(SLOT.sub("", pair[0])))
    return tuple((template(said), told) for said, told in ordered)


@lru_cache(maxsize=20_000)
def chinese(text: str) -> str:
    """In Chinese, piece by piece; what is not known stays as it came."""
    told = _known(text)
    return told if told is not None else "".join(_known(piece) or piece for piece in PIECES.split(text))


def _known(text: str) -> str | None:
    if text in CODES_ZH:
        return CODES_ZH[text]
    for pattern, told in _templates():
        if match := pattern.fullmatch(text):
            return told.format(**{name: WORDS_ZH.get(value, value) for name, value in match.groupdict().items()})
    return None


@lru_cache(maxsize=20_000)
def in_english(text: str) -> str:
    """In English, piece by piece where the whole is not known; what came in English stays as it is."""
    if text in CODES_ZH:
        return english(CODES_ZH[text])
    pieces = [_known(piece) or piece if CHINESE.search(piece) else piece for piece in PIECES.split(text)]
    whole = "".join(pieces)
    if (told := english(whole)) != whole:
        return told
    return "".join("; " if PIECES.fullmatch(piece) else english(piece) for piece in pieces)


def both(name: str, text: str | None) -> dict[str, str]:
    """`{name}_zh` and `{name}_en`, to stand beside the text as it came."""
    return {f"{name}_zh": chinese(text or ""), f"{name}_en": in_english(text or "")}
