"""(P) P: a household's guests are there so often that another pass would suit them. S3: ever other people sleep there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from hub.catalogue.values import NOTE, YELLOW, GuestUse, Hint

WINDOW, DAYS_OF_WINDOW = 30, 14
NIGHTS_RUNNING = 7
PASSES_ISSUED = 20
TURNOVER_WINDOW, TURNOVER_GUESTS, TURNOVER_NIGHTS = 60, 3, 5
GUESTS = frozenset({"visitor"})
"""Carers, regular visitors and tradespeople have passes of their own: what suits them is there already."""

INNOCENT = ("IE13", "IE14", "IE15", "IE16")


def frequent_guest(uses: Sequence[GuestUse], issued: Sequence[date], today: date) -> Hint | None:
    """The same visitor on 14 of 30 days or 7 nights running, or more than 20 passes in 30 days: offer a longer pass."""
    first = today - timedelta(days=WINDOW - 1)
    mine = [one for one in uses if one.pass_kind in GUESTS and first <= one.day <= today]
    days = _by_guest(mine)
    often = sorted(token for token, seen in days.items() if len(seen) >= DAYS_OF_WINDOW)
    nights = _by_guest([one for one in mine if one.night])
    stays = sorted(token for token, seen in nights.items() if _longest(seen) >= NIGHTS_RUNNING)
    many = sum(first <= day <= today for day in issued)
    because = [
        *(f"同一访客凭证近{WINDOW}日内使用{len(days[token])}日。" for token in often),
        *(f"同一访客凭证连续{_longest(nights[token])}夜使用。" for token in stays),
        *([f"近{WINDOW}日内发放访客通行证{many}张。"] if many > PASSES_ISSUED else []),
    ]
    if not because:
        return None
    tokens = dict.fromkeys([*often, *stays])
    return Hint(
        rule="P", kind="visitor_use", stage=NOTE, first=first, last=today,
        because=(*because, "可为其办理常访、护理或临时同住通行证（最长90日，可续）。"), innocent=INNOCENT,
        observed=because[0], threshold=f"{WINDOW}日内{DAYS_OF_WINDOW}日、连续{NIGHTS_RUNNING}夜或{PASSES_ISSUED}张以上",
        families=("F3",), refs=tuple(("credential", token, "访客凭证") for token in tokens),
    )  # fmt: skip


def turnover(uses: Sequence[GuestUse], today: date) -> Hint | None:
    """Three visitors or more, each for five nights or more, in 60 days: two calls first."""
    first = today - timedelta(days=TURNOVER_WINDOW - 1)
    mine = [one for one in uses if one.pass_kind in GUESTS and one.night and first <= one.day <= today]
    stays = {token: seen for token, seen in _by_guest(mine).items() if len(seen) >= TURNOVER_NIGHTS}
    if len(stays) < TURNOVER_GUESTS:
        return None
    observed = f"近{TURNOVER_WINDOW}日内有{len(stays)}名访客各住{TURNOVER_NIGHTS}夜以上"
    return Hint(
        rule="S3", kind="turnover", stage=YELLOW, first=first, last=today, because=(f"{observed}。",),
        innocent=("IE13", "IE14"), observed=observed, threshold=f"{TURNOVER_GUESTS}名访客各{TURNOVER_NIGHTS}夜",
        families=("F3",), refs=tuple(("credential", token, "访客凭证") for token in sorted(stays)),
    )  # fmt: skip


def _by_guest(uses: Sequence[GuestUse]) -> Mapping[str, set[date]]:
    found: dict[str, set[date]] = defaultdict(set)
    for one in uses:
        found[one.credential].add(one.day)
    return found


def _longest(days: set[date]) -> int:
    """The longest run of days in a row."""
    best = run = 0
    before: date | None = None
    for day in sorted(days):
        run = run + 1 if before is not None and (day - before).days == 1 else 1
        best, before = max(best, run), day
    return best
