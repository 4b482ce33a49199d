"""(P) S2: an advertisement or report beside a sign of our own; alone it is nothing. S4: somebody of ours met others there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from hub.catalogue.values import YELLOW, Hint
from hub.occupancy.outside import SIGN_KINDS, Sign

NEAR = 60
BRIEF = 30
TOLD = ("report_others", "advert")
SUPPORT = frozenset({"S1", "S3", "C1", "C2", "C3", "P", "P1", "S4"})


def reported(signs: Sequence[Sign], rules: Sequence[tuple[str, date]], today: date) -> Hint | None:
    """S2. `rules`: (rule, last day) of what doors and passes suggest by themselves. An anonymous report never speaks twice."""
    first = today - timedelta(days=NEAR - 1)
    told = [one for one in signs if one.kind in TOLD and first <= one.first <= today]
    support = sorted({rule for rule, day in rules if rule in SUPPORT and day >= first})
    if all(one.anonymous for one in told):
        told = told[:1]
    if not told or not support:
        return None
    kinds = "、".join(dict.fromkeys(SIGN_KINDS[one.kind].label_zh for one in told))
    observed = f"近{NEAR}日内{kinds}，同时有线索{'、'.join(support)}"
    return Hint(
        rule="S2", kind="reported", stage=YELLOW, first=min(one.first for one in told), last=today,
        because=(f"{observed}。",), innocent=("IE15", "IE30"), observed=observed,
        threshold="反映或出租信息，且60日内另有独立迹象", families=("F3", "F5"),
        refs=tuple(("outside", one.id, SIGN_KINDS[one.kind].label_zh) for one in told),
    )  # fmt: skip


def brief_lend(signs: Sequence[Sign], today: date) -> Hint | None:
    """S4: staff met others at home, even for days. How much it weighs is a person's judgement."""
    first = today - timedelta(days=BRIEF - 1)
    met = [one for one in signs if one.kind == "patrol_others" and first <= one.first <= today]
    if not met:
        return None
    observed = f"{met[-1].first:%Y-%m-%d}巡查见他人居住"
    return Hint(
        rule="S4", kind="brief_lend", stage=YELLOW, first=met[0].first, last=today,
        because=(f"{observed}。", "是否相当由工作人员权衡：短住的亲属、护理人员不是转借。"), innocent=("IE02", "IE14", "IE30"),
        observed=observed, threshold="任何可信的证明", families=("F5",),
        refs=tuple(("outside", one.id, SIGN_KINDS[one.kind].label_zh) for one in met),
    )  # fmt: skip
