"""(P) The days of a history: weekends, public holidays, school days, and the heat and cold that meters show."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from simulators.city_by_diaries.arrays import Bools, Floats, Ints
from simulators.spring_festivals import spring_festivals

SPRING_FESTIVALS = spring_festivals(2024, 2028)
FREE_DAYS = ((1, 1), (4, 5), (5, 1), (5, 2), (5, 3))  # New Year, Qingming, Labour Day; month and day


@dataclass(frozen=True)
class Calendar:
    """The days of one history; arrays have one element a day."""

    start: date
    days: int
    weekday: Ints  # 0 is Monday
    public_holiday: Bools
    weekend: Bools  # Saturday, Sunday or a public holiday
    school: Bools
    season: Floats  # 0..1, how much heating or cooling takes
    festival: int  # the Spring Festival that the history is nearest to, as a day

    def day_of(self, day: float) -> date:
        """The date on which `day` (days since the start, any fraction) falls."""
        return self.start + timedelta(int(np.floor(day)))

    def text(self, day: float) -> str:
        """That date as YYYY-MM-DD."""
        return self.day_of(day).isoformat()


def make_calendar(start: date, days: int) -> Calendar:
    """The calendar of `days` days from `start` on."""
    dates = [start + timedelta(day) for day in range(days)]
    weekday = np.array([one.weekday() for one in dates], np.int64)
    festivals = [(festival - start).days for festival in SPRING_FESTIVALS]
    public_holiday = np.zeros(days, np.bool_)
    school = np.ones(days, np.bool_)
    for day, one in enumerate(dates):
        since_festival = min((day - festival for festival in festivals), key=abs)
        month_day = (one.month, one.day)
        national = (10, 1) <= month_day <= (10, 7)
        public_holiday[day] = national or -1 <= since_festival <= 6 or month_day in FREE_DAYS
        school_holidays = one.month in (7, 8) or -27 <= since_festival <= 13
        school[day] = not (school_holidays or public_holiday[day]) and one.weekday() < 5
    return Calendar(
        start=start,
        days=days,
        weekday=weekday,
        public_holiday=public_holiday,
        weekend=(weekday >= 5) | public_holiday,
        school=school,
        season=_season(dates),
        festival=min(festivals, key=lambda festival: abs(festival - days / 2 - 50)),
    )


def _season(dates: list[date]) -> Floats:
    day_of_year = np.array([one.timetuple().tm_yday for one in dates])
    summer = np.exp(-(((day_of_year - 208) / 28.0) ** 2))
    winter = np.exp(-(((((day_of_year + 182) % 365) - 197) / 30.0) ** 2))
    seasons: Floats = 0.55 * summer + 0.45 * winter
    return seasons
