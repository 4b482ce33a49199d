"""Jobs, and the times of day that go with them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from simulators.city_by_lives.basics import Floats, Generator, pick


class Job(IntEnum):
    """What fills somebody's days."""

    REGULAR = 0
    SHIFTS = 1
    NIGHTS = 2
    GIGS = 3
    RETIRED = 4
    PUPIL = 5
    TODDLER = 6
    UNEMPLOYED = 7
    CARER = 8
    HOMEMAKER = 9
    STUDENT = 10
    LATE = 11


@dataclass(frozen=True, slots=True)
class Habit:
    """Columns of the tables below, (jobs,) each or (rows,) of some rows."""

    main: Floats  # chance of a main way out of the home
    out: Floats  # hour, mean
    out_spread: Floats
    lasts: Floats  # hours, mean
    lasts_spread: Floats
    errand: Floats  # chance of a short way out
    second: Floats  # chance of another one

    @staticmethod
    def of(table: Floats) -> Habit:
        """Of (rows, 7)."""
        return Habit(*table.T)


WORK_DAY = np.array([
    [.97, 7.7, .45, 10.2, .9, .28, .05], [.97, 7.5, .4, 9.3, .6, .25, .04], [0, 0, 0, 0, 0, .22, .03],
    [.96, 9.6, 1.3, 4.5, 1.5, .75, .45], [.70, 7.4, 1.1, 1.4, .7, .50, .12], [.98, 7.3, .2, 9.4, .7, .15, .02],
    [.45, 9.0, 1., 1.5, .8, .35, .05], [.55, 11., 2.5, 3.0, 1.8, .40, .10], [.85, 7.6, .5, 1.2, .6, .65, .25],
    [.40, 11.5, 2., 2.0, 1., .45, .06], [.9, 8.2, .8, 8.5, 2., .30, .08], [.97, 10.2, .7, 11.0, 1.0, .12, .02],
])  # fmt: skip
FREE_DAY = np.array([
    [.60, 10.6, 2., 4.5, 2.2, .42, .10], [.50, 11., 2.5, 3.5, 2., .40, .10], [.35, 15., 2., 2.5, 1., .35, .05],
    [.85, 10.5, 2., 4.5, 1.5, .6, .3], [.68, 7.6, 1.2, 1.6, .9, .48, .12], [.60, 10.5, 2., 3.0, 1.5, .35, .08],
    [.50, 10.0, 1.2, 2.0, 1., .35, .05], [.55, 12., 2.5, 3.5, 2., .40, .10], [.60, 9.5, 1.2, 2., 1., .5, .15],
    [.55, 11.5, 2., 3.5, 1.5, .45, .1], [.7, 11., 2., 5., 2., .35, .1], [.6, 12., 2., 4.5, 2., .4, .1],
])  # fmt: skip
"""(jobs, columns of Habit)"""

TIME_AT_HOME = np.array([.72, .78, .75, .75, .98, .70, 1.05, .95, 1.05, 1.0, .70, .65])  # fmt: skip
"""(jobs,): how much of a day's water is used at home."""

OF_ADULTS = (Job.REGULAR, Job.SHIFTS, Job.NIGHTS, Job.GIGS, Job.UNEMPLOYED, Job.CARER, Job.HOMEMAKER, Job.LATE)
YOUNG_SHARES = (0.46, 0.13, 0.06, 0.11, 0.06, 0.04, 0.05, 0.09)
OLDER_SHARES = (0.42, 0.14, 0.07, 0.09, 0.1, 0.09, 0.03, 0.06)


def draw_job(rng: Generator, *, is_young: bool) -> Job:
    """Of an adult below the age of retirement."""
    return pick(rng, OF_ADULTS, YOUNG_SHARES if is_young else OLDER_SHARES)
