"""(P) Rules V1–V6: stages of vacancy by observed absent days. Ask early, accuse late; red needs people's failed contacts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta

from hub.occupancy.finding import (
    DOORS,
    METERS,
    PEOPLE,
    RECORDS,
    Evidence,
    Finding,
    Kind,
    Stage,
    inputs_hash,
    policy_version,
    window_coverage,
)
from hub.occupancy.idle import MeterView, meters_of_absence
from hub.occupancy.pack import PolicyPack, Vacancy
from hub.occupancy.runs import SIGNS, Run, absence_run, absent_in_all, covers, observability
from hub.occupancy.values import KNOWN_COVERAGE, Contact, DayState, DwellingRecord, Household, PresenceDay

HARDLY_SEEN = 0.5
UNANSWERED_DAYS = 30
"""Where a history keeps no contact attempts, a file is called red only after the time that these would have taken."""

REFUTED_BY = (
    "窗口内任一登记人员的有效通行（含人工登记）被补录或更正。",
    "水表日用量恢复到平时六成以上，且确认为本户使用。",
    "本户补报离家（住院、照料、外出务工、探亲等）并经核实。",
    "不同时段的入户核查确认有人居住。",
)
ASK_FIRST = (
    "长期外出大多有正当理由：外出务工（IE05）、住院康复（IE03）、照料亲属（IE04）、探亲（IE08、IE09），须先询问本人。"
)


@dataclass(frozen=True, slots=True)
class _Measure:
    """How far the pack's own shape has got: `days` against its stages, and in words. `window`: the days it looked at."""

    days: int
    window: tuple[PresenceDay, ...]
    observed: str
    threshold: str
    because: str


@dataclass(frozen=True, slots=True)
class _Step:
    rule: str
    stage: Stage
    missing: tuple[str, ...] = ()


def find_vacancy(record: DwellingRecord, pack: PolicyPack, festival: Callable[[date], bool]) -> Finding | None:
    """V1–V5 for a let dwelling, or V6 when nobody has come since the hand-over."""
    household = record.household
    if household is None or not record.days or record.under_repair:
        return None
    consecutive = pack.vacancy.shape == "consecutive"
    if consecutive and all(day.state in SIGNS and not day.visit for day in record.days[-2:]):
        return None
    run = absence_run(record.days, household, pack.pauses, festival)
    if run.days and _never_moved_in(record, household, run):
        return _not_moved_in(record, household, run, pack)
    if consecutive and run.absent < pack.vacancy.note_days:
        return None
    measure = _measure(record, household, run, pack, festival)
    if measure.days < pack.vacancy.note_days:
        return None
    window = measure.window
    meters = meters_of_absence(window, record.meters, pack.vacancy)
    coverage, worst = window_coverage(window, record.points)
    step = _step(record, measure, meters, household, pack.vacancy)
    blind = coverage < KNOWN_COVERAGE
    if blind or not _doors_can_tell(record, run, meters):
        step = _Step(step.rule, Stage.INSUFFICIENT_DATA, ("观测数据不足：不推进任何阶段，缺失的数据不视为无人。",))
    families = (
        DOORS,
        *((METERS,) if meters.near_zero else ()),
        *((PEOPLE,) if step.stage is Stage.RED and record.contacts_kept else ()),
    )
    return Finding(
        dwelling_id=record.dwelling_id,
        kind=Kind.VACANCY,
        rule=step.rule,
        policy_version=policy_version(pack),
        stage=step.stage,
        families=families,
        window_from=window[0].day,
        window_to=window[-1].day,
        coverage=coverage,
        because=(measure.because, *meters.because, *step.missing),
        against=_against(record, household, run, meters, worst),
        refuted_by=REFUTED_BY,
        evidence=(
            *_window_evidence(window, run.last_sign),
            *meters.evidence,
            *_device_evidence(worst),
            *_contact_evidence(household, window[0].day),
        ),
        observed=measure.observed,
        threshold=measure.threshold,
        inputs_hash=inputs_hash(pack, record, window),
    )


def _never_moved_in(record: DwellingRecord, household: Household, run: Run) -> bool:
    """The hand-over lies within the record and there has been no sign of use since."""
    return run.last_sign is None and record.days[0].day < (household.handover or household.first)


def _doors_can_tell(record: DwellingRecord, run: Run, meters: MeterView) -> bool:
    """Doors speak of a household they have seen before; otherwise a meter near zero must speak for them."""
    return meters.near_zero is True or any(day.passes for day in record.days) or run.last_sign is not None


def _measure(
    record: DwellingRecord, household: Household, run: Run, pack: PolicyPack, festival: Callable[[date], bool]
) -> _Measure:
    rule = pack.vacancy
    last = f"最后一次使用迹象为{run.last_sign:%Y-%m-%d}" if run.last_sign else "记录期内没有使用迹象"
    text = (
        f"已有{run.absent}个可观测日无任何通行（{last}；另有{run.unknown}日无法观测、{run.paused}日按规定暂停计算）。"
    )
    plain = _Measure(run.absent, run.days, f"连续{run.absent}日", f"连续{rule.red_days}日", text)
    if rule.shape == "consecutive":
        return plain
    if rule.shape == "cumulative":
        total = absent_in_all(record.days, household, pack.pauses, festival)
        if total <= run.absent:
            return plain
        start = household.handover or household.first
        window = tuple(day for day in record.days if day.day >= start)
        more = f"{text}回看期内累计{total}日无人居住（只计15日以上的连续无人时段）。"
        return _Measure(total, window, f"累计{total}日", f"累计{rule.red_days}日", more)
    return _days_lived(record, household, pack, festival, plain)


def _days_lived(
    record: DwellingRecord,
    household: Household,
    pack: PolicyPack,
    festival: Callable[[date], bool],
    plain: _Measure,
) -> _Measure:
    """Days lived in the rolling window, corrected for how often this household is recorded while at home. A day that could not be
    observed counts as lived.

    A window with a pause in it, or that began before the tenancy, says nothing; the plain run then goes as far as a
    question.
    """
    rule = pack.vacancy
    size, wanted = rule.window_days or 0, rule.lived_days or 0
    window = record.days[-size:]
    unknown = sum(day.state is DayState.UNKNOWN for day in window)
    share = observability(record.days)
    whole = len(window) == size and (household.handover or household.first) <= window[0].day
    paused = any(festival(d.day) or any(covers(a, d.day, pack.pauses) for a in household.absences) for d in window)
    lived = sum(day.state in SIGNS for day in window)
    # whatever nobody could observe may have been lived: it is never spread over by what was
    estimate = min(float(size - unknown), lived / share) + unknown if share else None
    if not whole or paused or estimate is None or estimate >= wanted:
        return replace(plain, days=min(plain.days, rule.orange_days - 1))
    text = (
        f"近{size}日中约有{int(estimate)}日居住（记录到{lived}日，按本户平时{share:.0%}的可观测率修正；"
        f"另有{unknown}日无法观测，按居住计），少于{wanted}日。{plain.because}"
    )
    return _Measure(rule.red_days, window, f"{size}日内约居住{int(estimate)}日", f"{size}日内居住满{wanted}日", text)


def _step(record: DwellingRecord, measure: _Measure, meters: MeterView, household: Household, rule: Vacancy) -> _Step:
    days = measure.days
    if days < rule.yellow_days:
        return _Step("V1", Stage.NOTE)
    if days < rule.orange_days:
        return _Step("V2", Stage.YELLOW)
    if not meters.near_zero:
        return _Step("V2", Stage.YELLOW, ("缺少表计近零这一独立佐证，维持黄色（仅询问）。",))
    if days < rule.pre_notice_days:
        return _Step("V3", Stage.ORANGE)
    if days < rule.red_days:
        return _Step("V4", Stage.ORANGE, ("距法定期限约30日：应书面邀请说明理由并筛查困难情形。",))
    if not record.contacts_kept:
        if days < rule.red_days + UNANSWERED_DAYS:
            return _Step("V5", Stage.ORANGE, ("历史数据没有联系记录：须先完成人工联系。",))
        return _Step("V5", Stage.RED, ("历史数据没有联系记录：据以处理前须先完成人工联系并听取说明。",))
    missing = missing_contacts(household.contacts, measure.window, rule)
    return _Step("V5", Stage.ORANGE, (missing,)) if missing else _Step("V5", Stage.RED)


def missing_contacts(contacts: tuple[Contact, ...], window: tuple[PresenceDay, ...], rule: Vacancy) -> str | None:
    """What people still have to try before this may be called red; None when it is all there."""
    since = max(window[0].day, window[-1].day - timedelta(days=rule.contacts.within_days))
    recent = [contact for contact in contacts if contact.day >= since]
    if any(contact.reached for contact in recent):
        return "已联系上本户：须先听取并核实说明，不升级为红色。"
    need = rule.contacts
    visits = [contact for contact in recent if contact.in_person]
    by_visit = need.appointments_per_month is not None
    failed, off_hours = len(visits if by_visit else recent), sum(contact.off_hours for contact in visits)
    if failed >= need.failed and off_hours >= need.in_person_off_hours:
        return None
    if by_visit:
        return (
            f"尚缺人工联系记录：需至少{need.failed}次预约上门未遇（现有{failed}次），"
            f"其中至少{need.in_person_off_hours}次为夜间或周末上门（现有{off_hours}次）；此前不升级为红色。"
        )
    return (
        f"尚缺人工联系记录：需至少{need.failed}次联系未果（现有{failed}次），"
        f"其中至少{need.in_person_off_hours}次为夜间或周末上门（现有{off_hours}次）；此前不升级为红色。"
    )


def _against(
    record: DwellingRecord, household: Household, run: Run, meters: MeterView, worst: str | None
) -> tuple[str, ...]:
    found = [*meters.against]
    if run.unknown:
        found.append(f"窗口内有{run.unknown}日无法观测（设备离线、门常开或时钟异常，IE23），未计入。")
    if worst:
        found.append(f"设备 {worst} 在窗口内有漏观测时段。")
    for absence in run.declared:
        found.append(f"本户已报备离家（{absence.first:%Y-%m-%d} 起），报备期内不计。")
    share = observability(record.days)
    if share is not None and share < HARDLY_SEEN:
        found.append(f"本户平时只有{share:.0%}的居住日留下通行记录（尾随、他人开门，IE17）。")
    silent = sum(not member.credentials for member in household.members if member.adult)
    if silent:
        found.append(f"有{silent}名成年登记人员没有通行凭证，其出入不会留下记录（IE20、IE27、IE29）。")
    return (*found, ASK_FIRST)


def _window_evidence(window: tuple[PresenceDay, ...], last_sign: date | None) -> list[Evidence]:
    first, last = window[0].day, window[-1].day
    absent = sum(day.state is DayState.ABSENT for day in window)
    found = [Evidence("days", f"{first}/{last}", f"{first}至{last}：{absent}个可观测日无通行。", first)]
    if last_sign:
        found.append(Evidence("day", str(last_sign), "此前最后一个有使用迹象的日期。", last_sign))
    return found


def _device_evidence(worst: str | None) -> list[Evidence]:
    return [Evidence("device", worst, "窗口内漏观测最多的设备。")] if worst else []


def _contact_evidence(household: Household, since: date) -> list[Evidence]:
    return [
        Evidence("contact", c.id, "已联系上。" if c.reached else "联系未果。", c.day)
        for c in household.contacts
        if c.day >= since
    ]


def _not_moved_in(record: DwellingRecord, household: Household, run: Run, pack: PolicyPack) -> Finding | None:
    """V6: 60 days after the hand-over and not one sign of use."""
    rule = pack.vacancy
    if run.absent < rule.not_moved_in_days:
        return None
    meters = meters_of_absence(run.days, record.meters, rule)
    coverage, worst = window_coverage(run.days, record.points)
    stage = Stage.ORANGE if meters.near_zero else Stage.YELLOW
    if coverage < KNOWN_COVERAGE:
        stage = Stage.INSUFFICIENT_DATA
    handover = household.handover or household.first
    what = "交付" if household.handover else "起租（尚无交付记录）"
    return Finding(
        dwelling_id=record.dwelling_id,
        kind=Kind.NOT_MOVED_IN,
        rule="V6",
        policy_version=policy_version(pack),
        stage=stage,
        families=(DOORS, RECORDS, *((METERS,) if meters.near_zero else ())),
        window_from=run.days[0].day,
        window_to=run.days[-1].day,
        coverage=coverage,
        because=(f"{handover:%Y-%m-%d}{what}后，{run.absent}个可观测日没有任何通行。", *meters.because),
        against=(
            *_against(record, household, run, meters, worst),
            "可能正在装修、等待家具或维修（IE24），或配租信息尚未更新（IE27、IE28）。",
        ),
        refuted_by=("本户说明入住安排并经核实。", *REFUTED_BY[:2]),
        evidence=(
            Evidence("tenancy", household.tenancy_id, f"{what}日期 {handover:%Y-%m-%d}。", handover),
            *_window_evidence(run.days, run.last_sign),
            *meters.evidence,
        ),
        observed=f"{run.absent}日",
        threshold=f"{rule.not_moved_in_days}日",
        inputs_hash=inputs_hash(pack, record, run.days),
    )
