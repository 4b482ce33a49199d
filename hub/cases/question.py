"""(P) The first question to a household: neutral, with the day until which an answer is waited for."""

from __future__ import annotations

from datetime import date

from hub.cases.calendar import household_day
from hub.cases.record import ANSWER_DAYS
from hub.cases.states import WHO_LIVES_THERE

_WHO = "想核对您家的登记信息：近来是否有亲属、护理人员同住，家庭成员是否有变化，或家人近期外出"
ABOUT = {
    "vacancy": "想了解您家近来是否一切安好，近期是否外出、住院或在别处照料家人",
    "not_moved_in": "想了解您家的入住安排，是否需要维修或其他帮助",
    **dict.fromkeys((*WHO_LIVES_THERE, "reported", "brief_lend"), _WHO),
    "lease_over": "您家的租期已届满，想了解续租的打算，是否需要帮助",
}
TEXT = (
    "您好！{about}。方便时请于{until}前告知，电话、短信或到窗口均可，无需证明材料；也可以请家人代为说明。"
    "这只是一次询问，不影响您家的出入和任何服务。如需帮助，请告诉我们。"
)


def question(kind: str, today: date) -> str:
    """The text as it is offered; an official may write another, equally neutral one."""
    until = household_day(today, ANSWER_DAYS)
    return TEXT.format(about=ABOUT.get(kind, ABOUT["vacancy"]), until=f"{until.year}年{until.month}月{until.day}日")
