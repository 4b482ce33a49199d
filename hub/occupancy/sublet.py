"""(P) Rule S1: registered persons unseen while the dwelling is in use. Nobody who may lawfully be there unseen is accused."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from hub.occupancy.finding import (
    CREDENTIALS,
    DOORS,
    METERS,
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
from hub.occupancy.values import KNOWN_COVERAGE, DayState, DwellingRecord, Household, PresenceDay

REFUTED_BY = (
    "任一登记人员本人到场核验（不以刷脸为唯一方式）。",
    "更新人脸底片后登记人员恢复被识别（IE21）。",
    "使用人经核实为应登记的家庭成员、护理人员或已报备的临时同住人（IE13、IE14、IE27）。",
    "入户核查确认登记人员实际居住。",
)


@dataclass(frozen=True, slots=True)
class _Who:
    """Regular: adults whom the terminals used to recognise, with consent. `silent`: adults nobody can recognise."""

    regular: frozenset[str]
    persons: int
    silent: int


def find_sublet(record: DwellingRecord, pack: PolicyPack) -> Finding | None:
    """S1 for a let dwelling; None where the record cannot or does not say it."""
    household, rule = record.household, pack.sublet
    if household is None or record.under_repair:
        return None
    days = record.since(household.handover or household.first)
    if any(_surely_theirs(day, household) for day in days[-rule.unseen_days :]):
        return None
    who = _who(days, household)
    window = _unseen(days, who)
    unseen = sum(day.state is not DayState.UNKNOWN for day in window)
    if unseen < rule.unseen_days or len(window) == len(days):
        return None  # never seen at all: the doors do not know this household
    recent = window[-rule.of_days :]
    use = _use(recent, record, rule)
    if not use.families:
        return None
    declared = _declared_share(window, household, pack) >= 0.5
    stage, notes = _stage(use, unseen, who, declared, rule)
    coverage, _worst = window_coverage(window, record.points)
    if min(coverage, window_coverage(recent, record.points)[0]) < KNOWN_COVERAGE or not record.identification_ok:
        stage, notes = Stage.INSUFFICIENT_DATA, ("观测数据不足或终端识别率异常下降：不推进任何阶段。",)
    last = _last_before(days, window)
    seen = f"最后一次为{last:%Y-%m-%d}" if last else ""
    because = f"登记人员已有{unseen}个可观测日未被识别到{'，' + seen if seen else ''}。"
    return Finding(
        dwelling_id=record.dwelling_id,
        kind=Kind.SUBLET,
        rule="S1",
        policy_version=policy_version(pack),
        stage=stage,
        families=(DOORS, *use.families),
        window_from=window[0].day,
        window_to=window[-1].day,
        coverage=coverage,
        because=(because, *use.because, *notes),
        against=(*use.against, *_against(who, household, declared)),
        refuted_by=REFUTED_BY,
        evidence=(*_days_evidence(window, last, unseen), *use.evidence),
        observed=f"未见{unseen}日；近{len(recent)}日内使用{use.days}日",
        threshold=f"未见{rule.unseen_days}日且近{rule.of_days}日内使用{rule.use_days}日，或用水达平时{rule.water_share:.0%}",
        inputs_hash=inputs_hash(pack, record, days),
    )


def _who(days: tuple[PresenceDay, ...], household: Household) -> _Who:
    counts: dict[str, int] = {}
    for day in days:
        for credential in day.identified_by:
            counts[credential] = counts.get(credential, 0) + 1
    known = {credential for credential, count in counts.items() if count >= REGULAR_DAYS}
    regular, persons, silent = set[str](), 0, 0
    for member in household.members:
        own = member.credentials & known if member.consent_b else frozenset[str]()
        regular |= own
        persons += bool(own) and member.adult
        silent += member.adult and not own
    return _Who(frozenset(regular), persons, silent)


def _unseen(days: tuple[PresenceDay, ...], who: _Who) -> tuple[PresenceDay, ...]:
    """The days since the last sign of a registered person."""
    for index in range(len(days) - 1, -1, -1):
        if _registered_seen(days[index], who):
            return days[index + 1 :]
    return days


def _registered_seen(day: PresenceDay, who: _Who) -> bool:
    """Identified; or a card of somebody whom the terminals never recognised: who may well be its holder."""
    if day.identified_by:
        return True
    if any(credential not in who.regular for credential in day.cards_of):
        return True
    return not who.regular and day.state is DayState.PRESENT


def _surely_theirs(day: PresenceDay, household: Household) -> bool:
    """A registered person was there, whoever the terminals know: so lately, nobody is missing."""
    if day.identified_by:
        return True
    if any(member.consent_b for member in household.members):
        return False  # a card may be one of somebody who used to be identified
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
    used = [day for day in recent if day.cards_of or day.others]
    if len(used) >= rule.use_days:
        families.append(CREDENTIALS)
        because.append(f"近{len(recent)}日内有{len(used)}日使用本户凭证或访客凭证通行，均未核验到本人。")
        credentials = sorted({credential for day in used for credential in day.cards_of})
        evidence += [Evidence("credential", token, "窗口内被使用而未核验到持有人。") for token in credentials]
    mean, usual = mean_of([day.water for day in recent], len(recent)), recent[0].usual_water
    if mean is not None and usual and "water" in record.meters:
        text = f"近{len(recent)}日用水日均{mean:.3f}立方米，为本户平时（{usual:.3f}）的{mean / usual:.0%}。"
        evidence.append(Evidence("meter", record.meters["water"], text))
        if mean >= rule.water_share * usual and not looks_like_leak([day.water for day in recent]):
            families.append(METERS)
            because.append(text)
        else:
            against.append(text if mean < rule.water_share * usual else text + "用量每日几乎相同，更像渗漏（IE25）。")
    else:
        against.append("没有可比的水表数据，无法从用水佐证。")
    return _Use(tuple(families), len(used), tuple(because), tuple(against), tuple(evidence))


def _stage(use: _Use, unseen: int, who: _Who, declared: bool, rule: Sublet) -> tuple[Stage, tuple[str, ...]]:
    if len(use.families) < 2:
        return Stage.YELLOW, ("仅有一类使用迹象，维持黄色（仅询问）。",)
    if who.silent or declared or not who.regular:
        return Stage.YELLOW, ("存在无法识别的成年登记人员或已报备离家，其本人可能正在居住，维持黄色（仅询问）。",)
    if unseen >= rule.red_unseen_days and who.persons >= rule.red_persons:
        return Stage.RED, ("通行凭证与用水两类独立信号一致。请由人员核查，并留意民法典第七百一十八条的异议期限。",)
    return Stage.ORANGE, ()


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
