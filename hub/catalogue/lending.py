"""(P) C: one card, perhaps in several hands. It is offered a second one; nothing is blocked, and it says nothing of a sublet."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise

from hub.catalogue.values import NOTE, CardPass, Hint

WINDOW = 14
WALK = timedelta(seconds=20)
"""Nobody walks from one gate to another so fast. It is short on purpose: gates may be side by side."""

TOO_FAST, SAME_SIDE = 3, 5
SOON = timedelta(minutes=30)
INNOCENT = ("IE15", "IE17", "IE18", "IE22", "IE23")


def lending(passes: Sequence[CardPass], today: date, clocks_sound: bool) -> Hint | None:
    """C2: at two gates within an impossible time, 3 times in 14 days. C3: in twice with no way out, 5 times in 14 days."""
    if not clocks_sound:
        return None
    by_credential: dict[str, list[CardPass]] = defaultdict(list)
    for one in passes:
        by_credential[one.credential].append(one)
    because, refs, rule = list[str](), list[tuple[str, str, str]](), ""
    for token, mine in sorted(by_credential.items()):
        mine.sort(key=lambda one: (one.at, one.door))
        fast = sum(a.door != b.door and b.at - a.at < WALK for a, b in pairwise(mine))
        twice = sum(
            a.side == b.side == "in" and a.door == b.door and WALK < b.at - a.at < SOON for a, b in pairwise(mine)
        )
        if fast >= TOO_FAST:
            rule = rule or "C2"
            because.append(f"同一凭证{fast}次在{WALK.seconds}秒内出现在不同出入口。")
        if twice >= SAME_SIDE:
            rule = rule or "C3"
            because.append(f"同一凭证{twice}次在{SOON.seconds // 60}分钟内连续进入而无外出记录。")
        if fast >= TOO_FAST or twice >= SAME_SIDE:
            refs.append(("credential", token, "可能由几人共用的凭证"))
    if not because:
        return None
    return Hint(
        rule=rule, kind="lending", stage=NOTE, first=today - timedelta(days=WINDOW - 1), last=today,
        because=(*because, "可询问是否需要补办一张卡或护理人员通行证。"), innocent=INNOCENT, observed=because[0],
        threshold=f"{WINDOW}日内{TOO_FAST}次（C2）或{SAME_SIDE}次（C3）", families=("F3",), refs=tuple(refs),
    )  # fmt: skip
