"""(P) L: the lease is over and people still live there. A question about its renewal; no card ends by a date."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from hub.catalogue.values import NOTE, YELLOW, Hint
from hub.occupancy.outside import Sign

ASK, TALK, OBJECT = 1, 15, 30
SETTLED = frozenset({"renewal_applied", "moveout_agreed", "tenant_deceased", "transfer_pending"})
"""What the lease system has said it is being dealt with."""


def lease_over(lease_end: date | None, last_pass: date | None, signs: Sequence[Sign], today: date) -> Hint | None:
    """L1 from the day after the end, L2 from 15 days without an application, L3 from 30 (an objection is due: Civil Code 734)."""
    if lease_end is None or last_pass is None or last_pass <= lease_end:
        return None
    days = (today - lease_end).days
    if days < ASK or any(_stands(one, lease_end, today) for one in signs):
        return None
    rule, stage, next_step = (
        ("L3", YELLOW, "异议函应已备妥，由住保机构决定续租或异议（民法典第七百三十四条）。")
        if days >= OBJECT
        else ("L2", YELLOW, "请约谈了解续租情况。")
        if days >= TALK
        else ("L1", NOTE, "请核实续租办理情况。")
    )
    observed = f"租期{lease_end:%Y-%m-%d}届满{days}日，最近通行{last_pass:%Y-%m-%d}"
    return Hint(
        rule=rule, kind="lease_over", stage=stage, first=lease_end, last=today,
        because=(f"{observed}，尚无续租申请或搬迁期记录。", next_step), innocent=("IE12", "IE27", "IE28"),
        observed=observed, threshold=f"届满{ASK}、{TALK}、{OBJECT}日", families=("F1", "F4"),
    )  # fmt: skip


def _stands(sign: Sign, lease_end: date, today: date) -> bool:
    """An application counts once made, an agreed time to move out until it is over."""
    if sign.kind not in SETTLED:
        return False
    if sign.last is not None:
        return sign.last >= today
    return (lease_end - sign.first).days <= 183
