"""(P) Hours of the day: read from what people enter, said in words, and where they may stand.

A schedule belongs to an amenity's door, a role or a pass. It never stands on the way home: entitlement does not look at one
there, and a configuration that wants it is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, time, timedelta

from device_drivers.contract.access import Schedule, SpecialDay, TimeRange, TimeSpan

MIDNIGHT = time(0)
EVERY_DAY = (1, 2, 3, 4, 5, 6, 7)
MAX_RANGES, MAX_SPECIAL_DAYS = 50, 200
_DAYS_ZH = "一二三四五六日"
PROBLEMS_ZH: dict[str, str] = {
    "weekdays": "请为每个时段选择星期（1 至 7）。",
    "times": "开始和结束时间须为 00:00 至 23:59。",
    "too_many": "时段太多：每张时间表最多50个时段、200个特殊日期。",
    "twice": "同一个特殊日期出现了两次，请合并。",
    "empty": "请至少填写一个时段。",
}


def problem(ranges: Sequence[TimeRange], special_days: Sequence[SpecialDay]) -> str:
    """A code of PROBLEMS_ZH, or nothing."""
    if not ranges and not any(day.spans for day in special_days):
        return "empty"
    if len(ranges) > MAX_RANGES or len(special_days) > MAX_SPECIAL_DAYS:
        return "too_many"
    if any(not r.weekdays or not set(r.weekdays) <= set(EVERY_DAY) for r in ranges):
        return "weekdays"
    moments = [moment for r in ranges for moment in (r.start, r.end)]
    moments += [moment for day in special_days for s in day.spans for moment in (s.start, s.end)]
    if any(moment.tzinfo or moment.second or moment.microsecond for moment in moments):
        return "times"
    return "twice" if len({d.day for d in special_days}) < len(special_days) else ""


def both(one: Schedule | None, other: Schedule | None) -> Schedule | None:
    """Open when both are; None is always."""
    if one is None or other is None or one.token == other.token:
        return one or other
    if one.token > other.token:
        one, other = other, one
    token = f"{one.token}&{other.token}"
    ranges: dict[tuple[time, time], set[int]] = {}
    for weekday in EVERY_DAY:
        for span in _overlap(_spans_of_week(one, weekday), _spans_of_week(other, weekday)):
            ranges.setdefault(span, set()).add(weekday)
    days = {d.day for s in (one, other) for d in s.special_days}
    days |= {day + timedelta(days=1) for day in days}  # what runs over midnight reaches into the next day
    special = tuple(
        SpecialDay(day, tuple(TimeSpan(*span) for span in _overlap(_spans_on(one, day), _spans_on(other, day))))
        for day in sorted(days)
    )
    found = tuple(TimeRange(tuple(sorted(days)), *span) for span, days in sorted(ranges.items()))
    return Schedule(token, one.time_zone, found, special)


_Minutes = list[tuple[int, int]]  # [from, to) in minutes of the day, 1440 is its end
_DAY = 24 * 60


def _spans_of_week(schedule: Schedule, weekday: int) -> _Minutes:
    before = (weekday + 5) % 7 + 1
    today = [(r.start, r.end) for r in schedule.ranges if weekday in r.weekdays]
    return _minutes(today, [(r.start, r.end) for r in schedule.ranges if before in r.weekdays])


def _spans_on(schedule: Schedule, day: date) -> _Minutes:
    return _minutes(_hours(schedule, day), _hours(schedule, day - timedelta(days=1)))


def _hours(schedule: Schedule, day: date) -> list[tuple[time, time]]:
    for special in schedule.special_days:
        if special.day == day:
            return [(s.start, s.end) for s in special.spans]
    return [(r.start, r.end) for r in schedule.ranges if day.isoweekday() in r.weekdays]


def _minutes(today: Iterable[tuple[time, time]], yesterday: Iterable[tuple[time, time]]) -> _Minutes:
    """What of these hours lies within today; yesterday's may run over midnight."""
    found = [(_minute(start), _minute(end) if end > start else _DAY) for start, end in today]
    return sorted(found + [(0, _minute(end)) for start, end in yesterday if MIDNIGHT < end <= start])


def _minute(at: time) -> int:
    return at.hour * 60 + at.minute


def _overlap(one: _Minutes, other: _Minutes) -> list[tuple[time, time]]:
    """Pairwise, within one day; an end at midnight is 00:00."""
    cut = {(max(a, c), min(b, d)) for a, b in one for c, d in other if max(a, c) < min(b, d)}
    return [(time(a // 60, a % 60), time(b % _DAY // 60, b % 60)) for a, b in sorted(cut)]


def from_json(
    token: str, zone: str, ranges: Sequence[Mapping[str, object]], days: Sequence[Mapping[str, object]]
) -> Schedule:
    """As the table keeps it."""
    return Schedule(
        token,
        zone,
        tuple(TimeRange(tuple(_ints(r["weekdays"])), _time(r["start"]), _time(r["end"])) for r in ranges),
        tuple(
            SpecialDay(
                date.fromisoformat(str(d["day"])),
                tuple(TimeSpan(_time(s["start"]), _time(s["end"])) for s in _maps(d.get("spans"))),
            )
            for d in days
        ),
    )


def _ints(value: object) -> list[int]:
    return sorted({int(v) for v in value}) if isinstance(value, list | tuple) else []


def _maps(value: object) -> list[Mapping[str, object]]:
    return [v for v in value if isinstance(v, Mapping)] if isinstance(value, list | tuple) else []


def _time(value: object) -> time:
    return time.fromisoformat(str(value))


def ranges_json(ranges: Iterable[TimeRange]) -> list[dict[str, object]]:
    return [{"weekdays": sorted(set(r.weekdays)), "start": f"{r.start:%H:%M}", "end": f"{r.end:%H:%M}"} for r in ranges]


def special_json(days: Iterable[SpecialDay]) -> list[dict[str, object]]:
    return [
        {"day": d.day.isoformat(), "spans": [{"start": f"{s.start:%H:%M}", "end": f"{s.end:%H:%M}"} for s in d.spans]}
        for d in sorted(days, key=lambda d: d.day)
    ]


def in_words(schedule: Schedule) -> str:
    """周一至周五 08:00–18:00；特殊日期 2 天."""
    told = [f"{_days(r.weekdays)} {_span(r.start, r.end)}" for r in schedule.ranges]
    if schedule.special_days:
        told.append(f"另有{len(schedule.special_days)}个特殊日期")
    return "；".join(told) or "从不"


def _span(start: time, end: time) -> str:
    if end > start:
        return f"{start:%H:%M}–{end:%H:%M}"
    return f"{start:%H:%M}–24:00" if end == MIDNIGHT else f"{start:%H:%M}–次日{end:%H:%M}"


def _days(weekdays: Sequence[int]) -> str:
    days = sorted(set(weekdays))
    if days == list(EVERY_DAY):
        return "每天"
    if len(days) > 2 and days == list(range(days[0], days[-1] + 1)):
        return f"周{_DAYS_ZH[days[0] - 1]}至周{_DAYS_ZH[days[-1] - 1]}"
    return "、".join(f"周{_DAYS_ZH[d - 1]}" for d in days)
