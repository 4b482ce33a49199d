"""(P) Rule U1: a dwelling recorded as vacant is used. A question for staff to go and look at, never red."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from statistics import median

from hub.occupancy.finding import (
    CREDENTIALS,
    METERS,
    RECORDS,
    Evidence,
    Finding,
    Kind,
    Stage,
    inputs_hash,
    policy_version,
)
from hub.occupancy.pack import PolicyPack, VacantUse
from hub.occupancy.runs import looks_like_leak
from hub.occupancy.values import DwellingRecord, PresenceDay

SETTLE_DAYS = 3
"""After the hand-back, cleaning and late records are expected."""

LOOK_DAYS, LOOK_MEASURED = 14, 28
IDLE_DAYS = 14
USED_DAYS, SPAN_DAYS = 7, 12
"""Some days are a repair, a viewing, a household that moves in before its lease begins: they must be many, and far apart."""

ALONE_DAYS = 12
"""One kind of sign alone must last: a leak, a neighbour's meter, a cleaner."""

LIVED_DAYS, SURELY_DAYS = 30, 45
"""Builders, viewings and a household that moves in before its lease begins are done within a month; who lives there goes on. In
three simulated cities nobody whose passes spanned up to 34 days lived there, and all who did had passed for 80 and more. A meter
that counts where nobody passes was right in 6 of 142 leads: a leak, a neighbour's pipe. It is a note, no lead."""


def find_vacant_use(record: DwellingRecord, pack: PolicyPack) -> Finding | None:
    """U1 over the last two weeks (a measured pack: four, of use that lasts). Door coverage is no gate: use is evidence."""
    if record.household is not None or record.vacant_since is None or record.under_repair:
        return None
    vacant = record.since(record.vacant_since + timedelta(days=SETTLE_DAYS))
    recent = vacant[-(LOOK_MEASURED if pack.measured else LOOK_DAYS) :]
    rule = pack.vacant_use
    signs = [sign for sign in (_water(recent, record, rule), _power(vacant, recent, record, rule)) if sign]
    passes = [day for day in recent if day.passes or day.others]
    evidence = [sign[1] for sign in signs]
    because = [sign[0] for sign in signs]
    families = [RECORDS, *([METERS] if signs else [])]
    enough = USED_DAYS if pack.measured else 1
    if len(passes) >= enough:
        families.append(CREDENTIALS)
        because.append(f"近{len(recent)}日内有{len(passes)}日以指向本房屋的凭证通行。")
        evidence.append(Evidence("day", str(passes[-1].day), "以指向本房屋的凭证通行。", passes[-1].day))
    passed = len(passes) >= enough
    alone = max(_days_of_use(recent, rule), len(passes)) >= ALONE_DAYS
    stage = Stage.ORANGE if signs and passed else Stage.YELLOW
    if pack.measured:
        since = _passing_since(vacant) if passed else None
        lived = (passes[-1].day - since).days + 1 if since else 0
        if passed and lived < LIVED_DAYS:
            return None
        if since:
            because.append(f"自{since:%Y-%m-%d}起一直有人通行（{lived}日）。")
        stage = Stage.NOTE if not passed else stage if lived >= SURELY_DAYS else Stage.YELLOW
    if not because or (pack.measured and not (((signs and passed) or alone) and _lasts(recent, rule))):
        return None
    return Finding(
        dwelling_id=record.dwelling_id,
        kind=Kind.VACANT_USED,
        rule="U1",
        policy_version=policy_version(pack),
        stage=stage,
        families=tuple(families),
        window_from=recent[0].day,
        window_to=recent[-1].day,
        coverage=round(sum(day.coverage for day in recent) / len(recent), 4),
        because=(f"登记为空置（自{record.vacant_since:%Y-%m-%d}）。", *because),
        against=("可能为维修、保洁、看房或工作人员进入（IE24、IE32），渗漏或表计漂移（IE25），或新配租尚未同步。",),
        refuted_by=(
            "当日现场查看确认无人使用。",
            "补录工作人员进入、维修或看房记录。",
            "新配租记录同步后与使用日期相符。",
        ),
        evidence=tuple(evidence),
        observed=because[0],
        threshold=f"用水超过{rule.water_m3_per_day}立方米/日达{rule.water_days}日，或用电异常达{rule.electricity_days}日",
        inputs_hash=inputs_hash(pack, record, recent),
    )


def _passing_since(vacant: Sequence[PresenceDay]) -> date | None:
    """The day since which somebody passes, with no longer break than SPAN_DAYS."""
    first: date | None = None
    for day in reversed(vacant):
        if first is not None and (first - day.day).days > SPAN_DAYS:
            break
        if day.passes or day.others:
            first = day.day
    return first


def _lasts(recent: Sequence[PresenceDay], rule: VacantUse) -> bool:
    """The use goes on for a while, and was seen lately."""
    used = [day.day for day in recent if day.passes or day.others or _days_of_use((day,), rule)]
    return (
        len(used) >= USED_DAYS
        and (used[-1] - used[0]).days >= SPAN_DAYS
        and (recent[-1].day - used[-1]).days <= SPAN_DAYS
    )


def _days_of_use(recent: Sequence[PresenceDay], rule: VacantUse) -> int:
    """Days on which a meter says that the dwelling was used."""
    water = sum(day.water is not None and day.water > rule.water_m3_per_day for day in recent)
    power = sum(day.electricity is not None and day.electricity > rule.electricity_kwh_per_day for day in recent)
    return max(water, power)


def _water(recent: Sequence[PresenceDay], record: DwellingRecord, rule: VacantUse) -> tuple[str, Evidence] | None:
    used = [day for day in recent if day.water is not None and day.water > rule.water_m3_per_day]
    if len(used) < rule.water_days or "water" not in record.meters or looks_like_leak([day.water for day in recent]):
        return None
    text = f"近{len(recent)}日内有{len(used)}日用水超过{rule.water_m3_per_day}立方米。"
    return text, Evidence("meter", record.meters["water"], text, used[-1].day)


def _power(
    vacant: Sequence[PresenceDay], recent: Sequence[PresenceDay], record: DwellingRecord, rule: VacantUse
) -> tuple[str, Evidence] | None:
    """Above twice the dwelling's own idle, learned while it stood empty before."""
    if "electricity" not in record.meters:
        return None

    def above(limit: float) -> list[PresenceDay]:
        return [day for day in recent if day.electricity is not None and day.electricity > limit]

    if len(above(rule.electricity_kwh_per_day)) < rule.electricity_days:
        return None  # known without a look at the days before
    before = [day.electricity for day in vacant[: len(vacant) - len(recent)] if day.electricity is not None]
    if len(before) < IDLE_DAYS:
        return None
    limit = max(2 * median(before), rule.electricity_kwh_per_day)
    used = above(limit)
    if len(used) < rule.electricity_days:
        return None
    text = f"近{len(recent)}日内有{len(used)}日用电超过{limit:.2f}千瓦时（自身待机的两倍以上）。"
    return text, Evidence("meter", record.meters["electricity"], text, used[-1].day)
