"""(P) R: a registered adult of whom the doors know nothing, in a household that is at home. A question for the yearly review."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from hub.catalogue.values import NOTE, Hint, MemberUse

UNSEEN = 60
ACTIVE_DAYS = 20
INNOCENT = ("IE03", "IE07", "IE10", "IE11", "IE12", "IE19", "IE20", "IE21", "IE27", "IE29")


def unseen_members(members: Sequence[MemberUse], days_at_home: int, unknown_days: int, today: date) -> Hint | None:
    """Something of theirs has opened doors for 60 days and never was used so long, while the household is at home.

    How many, never who: a household must not learn from it who has left (IE11). It counts for no vacancy.
    """
    if days_at_home < ACTIVE_DAYS or unknown_days > UNSEEN // 10:
        return None
    limit = today - timedelta(days=UNSEEN - 1)
    unseen = [one for one in members if one.observable and one.since < limit and (one.seen is None or one.seen < limit)]
    if not unseen or len(unseen) == len(members):
        return None
    observed = f"{len(unseen)}名成年登记人员{UNSEEN}日以上没有通行记录，本户其他人员正常居住"
    return Hint(
        rule="R", kind="unseen_member", stage=NOTE, first=limit, last=today,
        because=(f"{observed}。", "只用于核对登记，待下次资格复核时询问；不计入空置，不告知同住人。"), innocent=INNOCENT,
        observed=observed, threshold=f"{UNSEEN}日", families=("F1",),
    )  # fmt: skip
