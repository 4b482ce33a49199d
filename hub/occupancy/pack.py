"""(P) The schema of a policy pack: one place's legal thresholds, as data.

Places differ; what holds in every place is checked here (rule catalogue 4.0, 4.1): ask before anybody visits, no file that nobody
tried to reach the household for, festivals and declared absences pause, and every threshold says what it rests on. That one
family of signals, or faces, never make a file is code, and no pack can say otherwise.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Days = Annotated[int, Field(ge=1, le=3660)]


MONTH = 30

ASK_FROM = 60
"""Days: below that an absence is a note to the household itself, whatever the place's law. Two of a hundred innocent households
are silent so long in a year, four of a hundred for half of it."""

OBJECT_WITHIN = 180
"""Six months of silence are consent to a sublet (Civil Code 718)."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class ContactRule(_Part):
    """Failed attempts to reach the household before a file may be called red; `in_person_off_hours` of them in person
    in the evening or at a weekend. `appointments_per_month`: visits that this place's rule wants arranged beforehand, and no
    more than these are recorded in a calendar month: tries pressed into one week prove nothing. Where it is set, `failed` counts
    visits alone."""

    failed: Annotated[int, Field(ge=4)]
    in_person_off_hours: Annotated[int, Field(ge=1)]
    within_days: Days
    appointments_per_month: Annotated[int, Field(ge=1, le=10)] | None = None

    @model_validator(mode="after")
    def _can_be_met(self) -> ContactRule:
        if self.in_person_off_hours > self.failed:
            raise ValueError("in_person_off_hours are some of the failed ones: at most as many")
        return self


class Anchor(_Part):
    """What a threshold or a consequence rests on. `mark`: P the primary text was read, S a secondary source says so, M from
    memory, A an engineering default. `source`: where it was read."""

    about: Literal["vacancy", "not_moved_in", "sublet", "vacant_use", "arrears", "contacts", "pauses", "bar"]
    text_zh: Annotated[str, Field(min_length=4)]
    mark: Literal["P", "S", "M", "A"]
    source: str = ""


class Vacancy(_Part):
    """`shape`: `consecutive` (days in a row), `cumulative` (days in all within the look-back), `days_lived` (fewer than
    `lived_days` lived in a rolling `window_days`, corrected for how often this household is recorded at all).

    Stage days count observed absent days. `months`: the term as the law states it, in calendar months: stages count days, but
    nobody decides on idleness in a row before so many months have run since its first day. `water_idle_m3_per_day`: mean use
    at or below it is "near zero".
    """

    shape: Literal["consecutive", "cumulative", "days_lived"]
    note_days: Days
    yellow_days: Annotated[int, Field(ge=ASK_FROM, le=3660)]
    orange_days: Days
    pre_notice_days: Days
    red_days: Days
    window_days: Days | None = None
    lived_days: Days | None = None
    months: Annotated[int, Field(ge=1, le=24)] | None = None
    water_idle_m3_per_day: Annotated[float, Field(gt=0, le=0.1)]
    contacts: ContactRule
    not_moved_in_days: Annotated[int, Field(ge=ASK_FROM, le=3660)]
    basis: str

    @model_validator(mode="after")
    def _in_order(self) -> Vacancy:
        days = (self.note_days, self.yellow_days, self.orange_days, self.pre_notice_days, self.red_days)
        if list(days) != sorted(days):
            raise ValueError("the stages must come in order: note, yellow, orange, pre-notice, red")
        if (self.shape == "days_lived") != (self.window_days is not None and self.lived_days is not None):
            raise ValueError("shape days_lived, and only it, needs window_days and lived_days")
        if (self.shape == "consecutive") != (self.months is not None):
            raise ValueError("shape consecutive, and only it, needs months: the term as the law states it")
        if self.yellow_days == self.orange_days:
            raise ValueError("yellow_days must be fewer than orange_days: ask before anybody visits")
        if self.months is not None and self.red_days < MONTH * self.months:
            raise ValueError(
                f"red_days must be at least {MONTH * self.months}: {self.months} months have not run before"
            )
        if self.window_days is not None and self.lived_days is not None:
            if self.lived_days >= self.window_days:
                raise ValueError("lived_days must be fewer than window_days")
            if self.window_days < self.red_days:
                raise ValueError("window_days must be at least red_days")
        return self


class Sublet(_Part):
    """S1: registered persons unseen for `unseen_days` while credentials are used on `use_days` of the last `of_days`,
    or water is at `water_share` of the household's own usual. Red from `red_unseen_days`; `red_persons` persons who were
    last seen together and stay unseen: a question from `ask_days`, red from `red_together_days`. P1: visitor passes come
    home in the evening on `visitor_days` of the last `of_days`; red from `visitor_red_days`."""

    unseen_days: Annotated[int, Field(ge=30, le=3660)]
    use_days: Days
    of_days: Days
    water_share: Annotated[float, Field(gt=0, le=1)]
    red_unseen_days: Days
    red_persons: Annotated[int, Field(ge=1)]
    ask_days: Days = 16
    red_together_days: Days = 26
    visitor_days: Days = 16
    visitor_red_days: Days = 20
    objection_warn_days: Days
    objection_escalate_days: Annotated[int, Field(ge=1, lt=OBJECT_WITHIN)]
    basis: str

    @model_validator(mode="after")
    def _in_order(self) -> Sublet:
        for fewer, more in (
            ("use_days", "of_days"),
            ("unseen_days", "red_unseen_days"),
            ("ask_days", "red_together_days"),
            ("visitor_days", "visitor_red_days"),
            ("visitor_red_days", "of_days"),
            ("objection_warn_days", "objection_escalate_days"),
        ):
            if getattr(self, fewer) > getattr(self, more):
                raise ValueError(f"{fewer} must not be more than {more}")
        return self


class VacantUse(_Part):
    """U: a dwelling recorded as vacant is used: water above `water_m3_per_day` for `water_days` days, or electricity
    above twice its own idle (and `electricity_kwh_per_day`) for `electricity_days` days."""

    water_m3_per_day: Annotated[float, Field(gt=0)]
    water_days: Days
    electricity_kwh_per_day: Annotated[float, Field(gt=0)]
    electricity_days: Days
    basis: str


class Pauses(_Part):
    """Calendar pauses: days around Spring Festival count neither for nor against. `declared_max_days`: a declared
    absence without an end pauses so long, then is asked about; one with an end pauses to its end, at most
    `reviewed_max_days`."""

    spring_festival_before: Annotated[int, Field(ge=15, le=60)]
    spring_festival_after: Annotated[int, Field(ge=20, le=60)]
    declared_max_days: Annotated[int, Field(ge=90, le=3660)]
    reviewed_max_days: Annotated[int, Field(ge=90, le=3660)]


ANCHORED = frozenset({"vacancy", "sublet", "contacts", "bar"})


class PolicyPack(_Part):
    """One place's pack. `sources` say where each threshold was read and how sure that is; `anchors` the same one by one.
    `bar_years`: how long who lost a home for vacancy may not apply again (0: that ground has no such bar; None: not found
    in the text); the hub never applies it: a signed notice states it to the lease system. `measured`: the rules as
    back-tests taught them: visits to an empty home do not begin a run anew, S1 looks at who left together (others.py),
    P1 and S2, unknown days gate by their share, one lone sign of use must last."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    title_zh: str
    version: Annotated[str, Field(pattern=r"^\d{4}\.\d+$")]
    legal_basis: str
    confidence: Literal["primary", "secondary", "unverified"]
    sources: tuple[str, ...]
    vacancy: Vacancy
    sublet: Sublet
    vacant_use: VacantUse
    pauses: Pauses
    notes: tuple[str, ...] = ()
    anchors: tuple[Anchor, ...] = ()
    bar_years: Annotated[int, Field(ge=0, le=10)] | None = None
    measured: bool = False

    @model_validator(mode="after")
    def _anchored(self) -> PolicyPack:
        missing = sorted(ANCHORED - {anchor.about for anchor in self.anchors})
        if missing:
            raise ValueError(f"anchors must say what {', '.join(missing)} rest on")
        if unread := [anchor.about for anchor in self.anchors if anchor.mark != "A" and not anchor.source]:
            raise ValueError(f"the anchor of {unread[0]} needs a source: where was it read? (only mark A has none)")
        if self.confidence == "primary" and not any(a.about == "vacancy" and a.mark == "P" for a in self.anchors):
            raise ValueError("confidence primary needs an anchor of vacancy with mark P")
        return self


class Calendar(_Part):
    """Dates of Spring Festival (正月初一), year → day."""

    spring_festival: dict[int, date]
