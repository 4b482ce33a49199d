"""(P) Rules S1, S2, P1 of measured packs: others live where the registered persons should.

Who may lawfully be there unseen is not accused. S1: registered persons unseen while the dwelling is in use. S2: only
lately registered persons are still seen. P1: visitors' passes are used as people do who live there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from math import log
from statistics import median

from hub.occupancy.finding import (
    CREDENTIALS,
    DOORS,
    METERS,
    RECORDS,
    Evidence,
    Finding,
    Kind,
    Stage,
    inputs_hash,
    policy_version,
    window_coverage,
)
from hub.occupancy.pack import PolicyPack, Sublet
from hub.occupancy.presence import REGULAR_DAYS
from hub.occupancy.runs import covers, looks_like_leak, mean_of
from hub.occupancy.values import KNOWN_COVERAGE, DayState, DwellingRecord, Household, Member, PresenceDay

QUICK_DAYS = 14
"""Somebody registered was recognised so lately: nobody is missing."""

RECOGNISED_SHARE = 0.6
REGISTERED_DAYS = 30
"""Where doors recognise most of a block's consenting members, one who is registered so long should be recognised too."""

NEWCOMER_DAYS = 240
TOGETHER_DAYS = 12
"""Persons last seen within so many days of each other left together; two who change a habit hardly do so at once."""

LIVED_SHARE = 0.35
CHANGED = 0.35
SAME_CARD_SHARE = 0.6
VISITOR_SURER_DAYS = 4
"""While the household itself is still seen, a guest may stay: so many more days before it is evidence."""

ORDER = (Stage.INSUFFICIENT_DATA, Stage.YELLOW, Stage.ORANGE, Stage.RED)
REFUTED_BY = (
    "任一登记人员本人到场核验（不以刷脸为唯一方式）。",
    "更新人脸底片后登记人员恢复被识别（IE21）。",
    "使用人经核实为应登记的家庭成员、护理人员或已报备的临时同住人（IE13、IE14、IE27）。",
    "入户核查确认登记人员实际居住。",
)


@dataclass(frozen=True, slots=True)
class _Who:
    """`regular`: tokens of adults whom the terminals recognise or should. `silent`: adults nobody can recognise.
    `together`: the regular ones were last seen at about the same time. `elders`: tokens registered before the newcomers."""

    regular: frozenset[str]
    persons: int
    silent: int
    together: bool
    silent_cards: frozenset[str]


def find_others(record: DwellingRecord, pack: PolicyPack) -> Finding | None:
    """The strongest of S1, S2 and P1 for a let dwelling; None where the record cannot or does not say it."""
    household = record.household
    if household is None or record.under_repair or not record.days:
        return None
    start = household.handover or household.first
    days = record.days if record.days[0].day >= start else tuple(day for day in record.days if day.day >= start)
    if not days:
        return None
    found = [f for f in (_visitors(record, days, pack), _unseen_in_use(record, days, pack)) if f is not None]
    return max(found, key=lambda f: ORDER.index(f.stage), default=None)


def _unseen_in_use(record: DwellingRecord, days: tuple[PresenceDay, ...], pack: PolicyPack) -> Finding | None:
    household, rule = record.household, pack.sublet
    assert household is not None
    fresh = _newcomers(household, days[-1].day)
    for index in range(len(days) - 1, max(-1, len(days) - 1 - QUICK_DAYS), -1):
        if days[index].identified_by and any(token not in fresh for token in days[index].identified_by):
            return None
    who = _who(days, record, household, fresh)
    window = _unseen(days, who, fresh)
    unseen = sum(day.state is not DayState.UNKNOWN for day in window)
    never = len(window) == len(days)
    if unseen < min(rule.ask_days, rule.unseen_days) or (never and not who.regular):
        return None  # never seen at all: the doors do not know this household
    recent = window[-rule.of_days :]
    use = _use(recent, record, rule)
    if not use.families:
        return None
    declared = _declared_share(window, household, pack) >= 0.5
    by_newcomers = sum(bool(day.identified_by) for day in recent) >= rule.use_days
    change = _change(days, window, who)
    step = _enrolled(unseen, who, declared, rule) if by_newcomers else _stage(use, unseen, who, declared, change, rule)
    if step is None:
        return None
    stage, notes = step
    coverage, _worst = window_coverage(recent, record.points)
    if coverage < (KNOWN_COVERAGE - 0.15) or not record.identification_ok:
        stage, notes = Stage.INSUFFICIENT_DATA, ("观测数据不足或终端识别率异常下降：不推进任何阶段。",)
    elif stage is Stage.RED and coverage < KNOWN_COVERAGE - 0.05:
        stage, notes = Stage.ORANGE, ("近期设备有漏观测，暂不升级为红色。",)
    last = _last_before(days, window)
    seen = f"最后一次为{last:%Y-%m-%d}" if last else "本户门禁对其他住户识别正常"
    because = f"登记人员已有{unseen}个可观测日未被识别到，{seen}。"
    return Finding(
        dwelling_id=record.dwelling_id,
        kind=Kind.SUBLET,
        rule="S2" if by_newcomers else "S1",
        policy_version=policy_version(pack),
        stage=stage,
        families=(DOORS, *((RECORDS,) if by_newcomers else ()), *use.families),
        window_from=window[0].day,
        window_to=window[-1].day,
        coverage=coverage,
        because=(because, *use.because, *change.because, *notes),
        against=(*use.against, *_against(who, household, declared)),
        refuted_by=REFUTED_BY,
        evidence=(*_days_evidence(window, last, unseen), *use.evidence),
        observed=f"未见{unseen}日；近{len(recent)}日内使用{use.days}日",
        threshold=f"未见{rule.unseen_days}日且近{rule.of_days}日内使用{rule.use_days}日，或用水达平时{rule.water_share:.0%}",
        inputs_hash=inputs_hash(pack, record, days),
    )


def _newcomers(household: Household, today: date) -> frozenset[str]:
    """Tokens of members who came on the register well after the tenancy began, and not long ago."""
    early = household.first + timedelta(days=REGISTERED_DAYS)
    if all(member.since is None or member.since <= early for member in household.members):
        return frozenset()
    return frozenset(
        token
        for member in household.members
        if member.since is not None and member.since > early and (today - member.since).days < NEWCOMER_DAYS
        for token in member.credentials
    )


def _who(days: tuple[PresenceDay, ...], record: DwellingRecord, household: Household, fresh: frozenset[str]) -> _Who:
    counts: dict[str, int] = {}
    newest: dict[str, date] = {}
    for day in days:
        for token in day.identified_by:
            counts[token] = counts.get(token, 0) + 1
            newest[token] = day.day
    known = {token for token, count in counts.items() if count >= REGULAR_DAYS}
    regular, persons, silent, left = set[str](), 0, 0, list[date]()
    silent_cards = set[str]()
    for member in household.members:
        if member.credentials and member.credentials <= fresh:
            continue
        own = member.credentials & known if member.consent_b else frozenset[str]()
        if not own and _should_be_seen(member, record, days):
            own = member.credentials
        regular |= own
        persons += bool(own) and member.adult
        if own:
            left.append(max((newest[token] for token in own if token in newest), default=days[0].day))
        elif member.adult:
            silent += 1
            silent_cards |= member.credentials
    together = len(left) > 1 and (max(left) - min(left)).days <= TOGETHER_DAYS
    return _Who(frozenset(regular), persons, silent, together, frozenset(silent_cards))


def _should_be_seen(member: Member, record: DwellingRecord, days: tuple[PresenceDay, ...]) -> bool:
    """The block's doors recognise most members; this one consents and has been registered and observed long enough."""
    if not member.consent_b or record.recognised is None or record.recognised < RECOGNISED_SHARE:
        return False
    begin = max(days[0].day, member.since or days[0].day)
    return (days[-1].day - begin).days >= REGISTERED_DAYS


def _unseen(days: tuple[PresenceDay, ...], who: _Who, fresh: frozenset[str]) -> tuple[PresenceDay, ...]:
    """The days since the last sign of a registered person."""
    for index in range(len(days) - 1, -1, -1):
        if _registered_seen(days[index], who, fresh):
            return days[index + 1 :]
    return days


def _registered_seen(day: PresenceDay, who: _Who, fresh: frozenset[str]) -> bool:
    """Identified. A card alone proves no person where there are persons whom the terminals recognise."""
    if any(token not in fresh for token in day.identified_by):
        return True
    if who.regular:
        return False
    return bool(day.cards_of) or day.state is DayState.PRESENT


@dataclass(frozen=True, slots=True)
class _Use:
    families: tuple[str, ...]
    days: int
    because: tuple[str, ...]
    against: tuple[str, ...]
    evidence: tuple[Evidence, ...]


def _use(recent: tuple[PresenceDay, ...], record: DwellingRecord, rule: Sublet) -> _Use:
    """Signs that somebody lives there now."""
    families: list[str] = []
    because: list[str] = []
    against: list[str] = []
    evidence: list[Evidence] = []
    used = [day for day in recent if day.cards_of or day.others or day.identified_by]
    if len(used) * rule.of_days >= rule.use_days * len(recent):
        families.append(CREDENTIALS)
        because.append(f"近{len(recent)}日内有{len(used)}日使用本户凭证或访客凭证通行，均未核验到原登记人员本人。")
        credentials = sorted({credential for day in used for credential in day.cards_of})
        evidence += [Evidence("credential", token, "窗口内被使用而未核验到持有人。") for token in credentials]
    for quantity, unit, share in (("water", "立方米", rule.water_share), ("electricity", "千瓦时", 0.75)):
        measured = [getattr(day, quantity) for day in recent]
        mean, usual = mean_of(measured, len(recent)), getattr(recent[0], f"usual_{quantity}")
        if mean is None or not usual or quantity not in record.meters:
            continue
        name = "用水" if quantity == "water" else "用电"
        text = f"近{len(recent)}日{name}日均{mean:.3f}{unit}，为本户平时（{usual:.3f}）的{mean / usual:.0%}。"
        evidence.append(Evidence("meter", record.meters[quantity], text))
        if CREDENTIALS in families:
            share = min(share, LIVED_SHARE)  # somebody passes: the meter need only say that it was no mere visit
        if mean >= share * usual and not looks_like_leak(measured):
            families.append(METERS)
            because.append(text)
        else:
            against.append(text if mean < share * usual else text + "用量每日几乎相同，更像渗漏（IE25）。")
        break
    else:
        against.append("没有可比的水电表数据，无法从用量佐证。")
    return _Use(tuple(families), len(used), tuple(because), tuple(against), tuple(evidence))


@dataclass(frozen=True, slots=True)
class _Change:
    """What is different since: use of water or power by another amount, new ways in; and what stayed the same."""

    because: tuple[str, ...]
    same_silent: bool


def _change(days: tuple[PresenceDay, ...], window: tuple[PresenceDay, ...], who: _Who) -> _Change:
    before = days[max(0, len(days) - len(window) - 60) : len(days) - len(window)]
    recent = window[-30:]
    if len(before) < 20:
        return _Change((), False)
    because = []
    old = [day.water for day in before if day.water is not None and day.state is DayState.PRESENT]
    new = [day.water for day in recent if day.water is not None]
    if len(old) >= 14 and len(new) >= 20 and median(old) > 0 and median(new) > 0:
        ratio = median(new) / median(old)  # electricity would tell the season, not the people
        if abs(log(ratio)) >= CHANGED:
            because.append(f"日常用水变为此前的{ratio:.0%}。")
    known = {token for day in before for token in (*day.cards_of, *day.identified_by)}
    fresh: dict[str, int] = {}
    for day in recent:
        for token in day.cards_of:
            if token not in known:
                fresh[token] = fresh.get(token, 0) + 1
    if any(count * 3 >= len(recent) for count in fresh.values()):
        because.append("出现此前未使用过的本户凭证。")
    others_before = _share(before, lambda d: d.others > 0)
    if _share(recent, lambda d: d.others > 0) >= others_before + 0.4:
        because.append("访客凭证使用明显增多。")
    silent_before = _share(before, lambda d: any(t in who.silent_cards for t in d.cards_of))
    silent_now = _share(recent, lambda d: any(t in who.silent_cards for t in d.cards_of))
    same = silent_before >= 0.15 and silent_now >= SAME_CARD_SHARE * silent_before
    return _Change(tuple(because), same)


def _share(days: tuple[PresenceDay, ...], sign: Callable[[PresenceDay], bool]) -> float:
    return sum(sign(day) for day in days) / len(days) if days else 0.0


def _stage(
    use: _Use, unseen: int, who: _Who, declared: bool, change: _Change, rule: Sublet
) -> tuple[Stage, tuple[str, ...]] | None:
    several = who.persons >= rule.red_persons and who.together
    if len(use.families) < 2:
        if unseen < rule.unseen_days or not (several or (CREDENTIALS in use.families and change.because)):
            return None
        return Stage.YELLOW, ("仅有一类使用迹象，维持黄色（仅询问）。",)
    if not who.regular or declared or change.same_silent:
        if unseen < rule.unseen_days or not (several or change.because):
            return None
        why = "存在无法识别的成年登记人员或已报备离家，其本人可能正在居住，维持黄色（仅询问）。"
        return Stage.YELLOW, (why,)
    if several and unseen >= rule.red_together_days:
        return Stage.RED, (
            "多名登记人员同时不再出现，而通行凭证与用水仍在使用。请由人员核查，并留意民法典第七百一十八条的异议期限。",
        )
    if several:
        return Stage.YELLOW, ()
    if unseen < rule.unseen_days or not change.because:
        return None  # one person who now uses a card, as before: a habit, not a lead
    if len(change.because) < 2 or unseen < rule.red_unseen_days:
        return Stage.YELLOW, ("使用方式或用量有变化，但另有登记人员可能居住，维持黄色（仅询问）。",)
    if not who.silent:
        return Stage.RED, ("登记人员长期未见，使用方式与用量同时改变。请由人员核查。",)
    return Stage.ORANGE, ()


def _enrolled(unseen: int, who: _Who, declared: bool, rule: Sublet) -> tuple[Stage, tuple[str, ...]] | None:
    """S2: the old members gone, the new ones there. Who married in and whose partner then left looks the same at first."""
    if unseen < rule.unseen_days or not who.regular:
        return None
    note = ("仅新登记人员居住，原登记人员均未见。可能为家庭变动，须先询问。",)
    if declared or unseen < rule.red_unseen_days or who.silent:
        return Stage.YELLOW, note
    return (Stage.RED if who.together and who.persons >= rule.red_persons else Stage.ORANGE), note


def _visitors(record: DwellingRecord, days: tuple[PresenceDay, ...], pack: PolicyPack) -> Finding | None:
    """P1: visitor passes come home in the evening on most days of a month. A carer comes in the morning and leaves."""
    rule = pack.sublet
    if len(days) < rule.of_days or not any(day.late_others for day in days[-(rule.of_days - rule.visitor_days + 1) :]):
        return None
    recent = days[-rule.of_days :]
    used = [day for day in recent if day.others]
    late = [day for day in recent if day.late_others]
    if len(late) < rule.visitor_days:
        return None
    earlier = days[-2 * rule.of_days : -rule.of_days]
    before = sum(day.late_others > 0 for day in earlier)
    families = [CREDENTIALS]
    because = [f"近{len(recent)}日内有{len(used)}日使用访客凭证，其中{len(late)}日为夜间归来或清晨离开。"]
    fresh = any(day.identified_by for day in recent)
    regular = any(day.identified_by for day in days)
    unseen = not fresh and (regular or (record.recognised or 0) >= RECOGNISED_SHARE)
    if unseen:
        families.insert(0, DOORS)
        because.append(f"同期未识别到任何登记人员（近{len(recent)}日）。")
    use = _use(recent, record, rule)
    if METERS in use.families:
        families.append(METERS)
        because.append("同期用量与有人居住相符。")
    if before >= rule.visitor_days:
        because.append(f"此前{len(earlier)}日亦有{before}日如此。")
    stage = Stage.YELLOW
    if len(late) >= rule.visitor_red_days + (0 if unseen else VISITOR_SURER_DAYS) and len(families) > 1:
        stage = Stage.RED
    elif len(families) > 1 and (unseen or len(late) >= rule.visitor_red_days):
        stage = Stage.ORANGE
    coverage, _worst = window_coverage(recent, record.points)
    return Finding(
        dwelling_id=record.dwelling_id,
        kind=Kind.SUBLET,
        rule="P1",
        policy_version=policy_version(pack),
        stage=stage,
        families=tuple(families),
        window_from=recent[0].day,
        window_to=recent[-1].day,
        coverage=coverage,
        because=tuple(because),
        against=("可能为住家护理人员、月嫂或探亲长辈使用访客凭证（IE13、IE14、IE16），应引导其登记为临时同住人。",),
        refuted_by=("使用人登记为护理人员或临时同住人并经核实。", *REFUTED_BY[2:]),
        evidence=tuple(Evidence("day", str(day.day), "访客凭证夜间归来或清晨离开。", day.day) for day in late),
        observed=f"近{len(recent)}日内{len(late)}日",
        threshold=f"近{rule.of_days}日内{rule.visitor_days}日",
        inputs_hash=inputs_hash(pack, record, recent),
    )


def _against(who: _Who, household: Household, declared: bool) -> tuple[str, ...]:
    found = ["登记人员可能改用刷卡、戴口罩或底片过期而未被识别（IE20、IE21），也可能家庭内部互借卡片（IE22）。"]
    if who.silent:
        found.append(f"有{who.silent}名成年登记人员无法被识别（未同意用于核查或未录入），可能正在居住（IE27、IE29）。")
    if declared:
        found.append("本户已报备离家，期间可能由亲属、护理人员或保洁照看（IE13至IE16）。")
    found.append(
        "使用人可能是护理人员、月嫂、亲友，或未及时登记的家庭成员（IE13至IE15、IE27）；也可能本户受他人胁迫（IE30）。"
    )
    return tuple(found)


def _declared_share(window: tuple[PresenceDay, ...], household: Household, pack: PolicyPack) -> float:
    if not household.absences:
        return 0.0
    covered = sum(any(covers(a, day.day, pack.pauses) for a in household.absences) for day in window)
    return covered / len(window) if window else 0.0


def _last_before(days: tuple[PresenceDay, ...], window: tuple[PresenceDay, ...]) -> date | None:
    index = len(days) - len(window) - 1
    return days[index].day if index >= 0 else None


def _days_evidence(window: tuple[PresenceDay, ...], last: date | None, unseen: int) -> list[Evidence]:
    first, end = window[0].day, window[-1].day
    found = [Evidence("days", f"{first}/{end}", f"{first}至{end}：{unseen}个可观测日未识别到登记人员。", first)]
    if last:
        found.append(Evidence("day", str(last), "此前最后一个识别到登记人员的日期。", last))
    return found
