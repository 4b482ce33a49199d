"""(P) H: perhaps others live there instead of the household. O: perhaps many more than are registered."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from hub.catalogue.values import YELLOW, GuestUse, Hint, MemberUse
from hub.occupancy.outside import Sign, under_way

STRANGERS_DAYS, STRANGERS_USED = 45, 30
CROWD_WINDOW, CROWD_OVER, CROWD_DAYS = 30, 2, 15
CROWD_WATER = 2.0


def stranger_household(
    members: Sequence[MemberUse],
    guests: Sequence[GuestUse],
    water_share: float | None,
    declared: bool,
    today: date,
    signs: Sequence[Sign] = (),
) -> Hint | None:
    """No registered adult for 45 days, guests' passes on 30 of them, water as usual: refresh the register, then look.

    Nothing is said of a household with somebody whom the doors may not look at, that told it is away, or of which the lease
    system is dealing with a death, a change or a transfer (`signs`: IE12, IE27, IE28).
    """
    first = today - timedelta(days=STRANGERS_DAYS - 1)
    if not members or declared or not all(one.observable for one in members):
        return None
    if any(under_way(one, today) for one in signs):
        return None
    if any((one.seen or date.min) >= first or one.since > first for one in members):
        return None
    used = {one.day for one in guests if first <= one.day <= today and one.pass_kind in ("visitor", "regular_visitor")}
    if len(used) < STRANGERS_USED or water_share is None or water_share < 0.6:
        return None
    observed = f"近{STRANGERS_DAYS}日登记的成年人均无通行，访客凭证使用{len(used)}日，用水为平时的{water_share:.0%}"
    return Hint(
        rule="H", kind="stranger_household", stage=YELLOW, first=first, last=today,
        because=(f"{observed}。", "先更新登记（婚姻、出生、继续承租、已批准调换），再询问。"),
        innocent=("IE12", "IE13", "IE14", "IE27", "IE28", "IE30"), observed=observed,
        threshold=f"{STRANGERS_DAYS}日未见且使用{STRANGERS_USED}日", families=("F1", "F2", "F3"),
    )  # fmt: skip


def over_occupancy(
    registered: int, guests: Sequence[GuestUse], water_share: float | None, leak: bool, today: date
) -> Hint | None:
    """More than two regular guests beyond the registered, and water at twice the own usual: look for a leak first."""
    first = today - timedelta(days=CROWD_WINDOW - 1)
    days: dict[str, set[date]] = {}
    for one in guests:
        if one.pass_kind in ("visitor", "regular_visitor") and one.night and first <= one.day <= today:
            days.setdefault(one.credential, set()).add(one.day)
    regular = sum(len(seen) >= CROWD_DAYS for seen in days.values())
    if regular <= CROWD_OVER or water_share is None or water_share < CROWD_WATER or leak:
        return None
    observed = f"登记{registered}人，另有{regular}人经常夜间居住，用水为平时的{water_share:.0%}"
    return Hint(
        rule="O", kind="over_occupancy", stage=YELLOW, first=first, last=today,
        because=(f"{observed}。", "先排查漏水；如需上门，由消防安全人员同行。"),
        innocent=("IE13", "IE14", "IE15", "IE18", "IE24"), observed=observed,
        threshold=f"超过登记{CROWD_OVER}人以上且用水达平时{CROWD_WATER:.0f}倍", families=("F2", "F3"),
    )  # fmt: skip
