"""(P) E: a credential that ended is shown at a door again. Guards stay courteous; nobody is kept from a public way."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from hub.catalogue.values import NOTE, GuestUse, Hint

WINDOW, SHOWN = 7, 3
GUEST_WINDOW, GUEST_DAYS = 30, 7
INNOCENT = ("IE15", "IE22", "IE27")


def former_returns(shown: Sequence[tuple[str, date]], today: date) -> Hint | None:
    """`shown`: (ended credential of an earlier tenancy, day). Three times in seven days; never by a face."""
    first = today - timedelta(days=WINDOW - 1)
    mine = [(token, day) for token, day in shown if first <= day <= today]
    if len(mine) < SHOWN:
        return None
    observed = f"近{WINDOW}日内原住户已失效的凭证出示{len(mine)}次"
    return _hint(observed, first, today, f"{WINDOW}日内{SHOWN}次", [token for token, _ in mine])


def former_as_guest(uses: Sequence[GuestUse], passes_of_former: frozenset[str], today: date) -> Hint | None:
    """Somebody of the earlier tenancy, by a pass that was issued to them by name, on seven of thirty days at the old home."""
    first = today - timedelta(days=GUEST_WINDOW - 1)
    days = {one.day for one in uses if one.credential in passes_of_former and first <= one.day <= today}
    if len(days) < GUEST_DAYS:
        return None
    observed = f"近{GUEST_WINDOW}日内原住户以访客身份到访{len(days)}日"
    return _hint(observed, first, today, f"{GUEST_WINDOW}日内{GUEST_DAYS}日", sorted(passes_of_former))


def _hint(observed: str, first: date, today: date, threshold: str, tokens: Sequence[str]) -> Hint:
    return Hint(
        rule="E", kind="former", stage=NOTE, first=first, last=today,
        because=(f"{observed}。", "可能来取物品、信件或探访邻里；礼貌询问，不得阻拦其使用公共通道。"), innocent=INNOCENT,
        observed=observed, threshold=threshold, families=("F3",),
        refs=tuple(("credential", token, "已失效或访客凭证") for token in dict.fromkeys(tokens)),
    )  # fmt: skip
