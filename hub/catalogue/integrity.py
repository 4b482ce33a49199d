"""(P) N: whether the records themselves can be trusted. For the security officer: about data and staff, no household."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

LIST_AGE = timedelta(hours=24)
BULK = 20
LOOKS, LOOK_WINDOW = 5, timedelta(days=7)


@dataclass(frozen=True, slots=True)
class IntegrityHint:
    """`subject`: a source, a person's id, a dwelling's id or a user's id."""

    rule: str
    subject: str
    text_zh: str


def old_lists(sources: Mapping[str, datetime | None], now: datetime) -> list[IntegrityHint]:
    """N1: a source of tenancies has given no whole answer for a day."""
    return [
        IntegrityHint(
            "N1", name, f"租约来源{(now - at).total_seconds() / 3600:.0f}小时未更新" if at else "租约来源从未更新"
        )
        for name, at in sorted(sources.items())
        if at is None or now - at > LIST_AGE
    ]


def in_two_households(rows: Sequence[tuple[str, str]]) -> list[IntegrityHint]:
    """N2: (person, tenancy) of live memberships."""
    homes: dict[str, set[str]] = {}
    for person, tenancy in rows:
        homes.setdefault(person, set()).add(tenancy)
    return [
        IntegrityHint("N2", person, f"同一人登记在{len(of)}户中，请核对（IE31）")
        for person, of in sorted(homes.items())
        if len(of) > 1
    ]


def register_differs(signs: Sequence[tuple[str, str]], live: frozenset[str]) -> list[IntegrityHint]:
    """N3: (dwelling, class) says that the tenant died or the household changed, and its tenancy still stands as before."""
    labels = {"tenant_deceased": "登记承租人去世", "household_changed": "登记家庭成员变动"}
    return [
        IntegrityHint("N3", dwelling, f"{labels[kind]}，租约记录尚未更新（IE12、IE27）")
        for dwelling, kind in sorted(set(signs))
        if kind in labels and dwelling in live
    ]


def bulk_changes(rows: Sequence[tuple[str, datetime]], now: datetime) -> list[IntegrityHint]:
    """N4: (who, when) of single changes of access within a day: more than 20 within one hour."""
    found = []
    for who in sorted({who for who, _ in rows}):
        times = sorted(at for one, at in rows if one == who and now - at <= timedelta(days=1))
        most = max((sum(timedelta() <= other - at < timedelta(hours=1) for other in times) for at in times), default=0)
        if most > BULK:
            found.append(IntegrityHint("N4", who, f"一小时内更改{most}项通行权限"))
    return found


def curious(looks: Sequence[tuple[str, str, datetime]], cases: frozenset[str], now: datetime) -> list[IntegrityHint]:
    """N5: (who, dwelling, when) somebody unmasked one household more than 5 times in 7 days. `cases`: dwellings with a case."""
    counts: dict[tuple[str, str], int] = {}
    for who, dwelling, at in looks:
        if now - at <= LOOK_WINDOW and dwelling not in cases:
            counts[who, dwelling] = counts.get((who, dwelling), 0) + 1
    return [
        IntegrityHint("N5", who, f"7日内查看同一无案件住户完整信息{count}次")
        for (who, _dwelling), count in sorted(counts.items())
        if count > LOOKS
    ]
