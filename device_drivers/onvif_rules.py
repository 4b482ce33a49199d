"""Access profiles and schedules in a device: who holds a credential passes these points at these hours. Blocking.

A profile for each set of rules that credentials of the list have (a handful), found again by its name. Always, at all points,
is one of them. What others wrote is never touched.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from device_drivers import onvif_calendar, onvif_pacs
from device_drivers.contract.access import Schedule
from device_drivers.driver import CredentialRefused, DeviceRefused, Rule
from device_drivers.onvif_calendar import CannotSay
from device_drivers.onvif_session import OnvifSession
from device_drivers.onvif_words import RULES, SCHEDULES, Service
from device_drivers.onvif_xml import Element, attribute, every, text

log = logging.getLogger(__name__)
PAGE, MAX_PAGES = 100, 1000
NAME = "estate-hub"
ZONE_S = 60.0
ALWAYS = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//estate-hub//EN\r\nBEGIN:VEVENT\r\nSUMMARY:always\r\n"
    "DTSTART:19700101T000000\r\nDTEND:19700102T000000\r\nRRULE:FREQ=DAILY\r\nUID:estate-hub-always\r\n"
    "END:VEVENT\r\nEND:VCALENDAR\r\n"
)
Policies = tuple[tuple[str, Schedule | None], ...]


@dataclass(slots=True)
class _Kept:
    """What of ours the device holds, by name: the token."""

    profiles: dict[str, str] = field(default_factory=dict)
    schedules: dict[str, str] = field(default_factory=dict)
    groups: dict[str, str] = field(default_factory=dict)


class AccessRules:
    """`points`: access point → its door; `door_of`: the token of a door of ours. Raises DeviceUnreachable, DeviceRefused."""

    def __init__(self, session: OnvifSession) -> None:
        self.session = session
        self.points: dict[str, str] = {}
        self.door_of: Callable[[str], str] = lambda point: point
        self._kept = _Kept()

    def prepare(self, points: dict[str, str], door_of: Callable[[str], str]) -> None:
        """Reads what was made before, and sees to the profile that is valid always and everywhere."""
        self.points, self.door_of = points, door_of
        self._kept = _Kept(
            self._existing(RULES, "GetAccessProfileInfoList", "AccessProfileInfo"),
            self._existing(SCHEDULES, "GetScheduleInfoList", "ScheduleInfo"),
        )
        self.profile("", ())

    def profile(self, token: str, rules: Sequence[Rule]) -> str:
        """The access profile for what this credential may. Raises CredentialRefused where the device cannot keep that."""
        policies = self._policies(token, rules)
        name = _name_of(policies) if rules else NAME
        if name not in self._kept.profiles:
            body = [{"ScheduleToken": self._schedule(token, s), "Entity": point} for point, s in policies]
            asked = {"@token": "", "Name": name, "Description": "written by the estate hub", "AccessPolicy": body}
            reply = self.session.ask(RULES, "CreateAccessProfile", {"AccessProfile": asked})
            self._kept.profiles[name] = text(reply, "Token")
        return self._kept.profiles[name]

    def _policies(self, token: str, rules: Sequence[Rule]) -> Policies:
        """Access points with their hours; no rules at all means every point, always."""
        if not rules:
            return tuple((point, None) for point in self.points)
        found: dict[tuple[str, str], tuple[str, Schedule | None]] = {}
        for rule in rules:
            doors = {self._door(token, point) for point in rule.points}
            if rule.schedule is not None and not rule.schedule.ranges and not rule.schedule.special_days:
                continue  # never
            for point, door in self.points.items():
                if door in doors or point in doors:
                    found[point, _schedule_name(rule.schedule)] = point, rule.schedule
        if not found:
            raise CredentialRefused(token, "no_point", "no door of this device is among those it opens")
        return tuple(found[key] for key in sorted(found))

    def _door(self, token: str, point: str) -> str:
        try:
            return self.door_of(point)
        except DeviceRefused as error:
            raise CredentialRefused(token, "no_point", str(error)) from error

    def _schedule(self, token: str, schedule: Schedule | None) -> str:
        name = _schedule_name(schedule)
        if name not in self._kept.schedules:
            body: dict[str, Any] = {"@token": "", "Name": name, "Description": "written by the estate hub"}
            if schedule is None:
                body["Standard"] = ALWAYS
            else:
                self._same_zone(token, schedule)
                body |= {"Standard": onvif_calendar.weekly(schedule), "SpecialDays": self._special(token, schedule)}
            reply = self.session.ask(SCHEDULES, "CreateSchedule", {"Schedule": body})
            self._kept.schedules[name] = text(reply, "Token")
        return self._kept.schedules[name]

    def _same_zone(self, token: str, schedule: Schedule) -> None:
        """A device keeps hours in its own local time: one that lives in another zone would open at the wrong ones."""
        there = self.session.zone_offset_s
        try:
            here = datetime.now(UTC).astimezone(ZoneInfo(schedule.time_zone)).utcoffset()
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise CredentialRefused(token, "schedule_unsupported", f"{schedule.time_zone}: {error}") from error
        if there is not None and here is not None and abs(there - here.total_seconds()) > ZONE_S:
            told = f"the device's local time is UTC{there / 3600:+g} h, the estate's {here.total_seconds() / 3600:+g} h"
            raise CredentialRefused(token, "schedule_unsupported", told)

    def _special(self, token: str, schedule: Schedule) -> list[dict[str, Any]]:
        try:
            days = onvif_calendar.special(schedule)
        except CannotSay as error:
            raise CredentialRefused(token, "schedule_unsupported", str(error)) from error
        return [
            {
                "GroupToken": self._group(onvif_calendar.dates(dates)),
                "TimeRange": [
                    {"From": s.start.isoformat(), "Until": onvif_calendar.until(s).isoformat()} for s in spans
                ],
            }
            for spans, dates in days.items()
        ]

    def _group(self, calendar: str) -> str:
        if not self._kept.groups:
            self._kept.groups = self._existing(SCHEDULES, "GetSpecialDayGroupInfoList", "SpecialDayGroupInfo")
        name = f"{NAME} {onvif_calendar.named(calendar)}"
        if name not in self._kept.groups:
            body = {"@token": "", "Name": name, "Description": "written by the estate hub", "Days": calendar}
            reply = self.session.ask(SCHEDULES, "CreateSpecialDayGroup", {"SpecialDayGroup": body})
            self._kept.groups[name] = text(reply, "Token")
        return self._kept.groups[name]

    def _existing(self, service: Service, operation: str, element: str) -> dict[str, str]:
        """Name → token of what we made before; what others made is not ours to use: they may change it."""
        found = {}
        for page in pages(self.session, service, operation):
            for one in every(page, element):
                name = text(one, "Name")
                if name == NAME or name.startswith(f"{NAME} "):
                    found[name] = attribute(one, "token")
        return found

    def sweep(self, used: Iterable[str]) -> bool:
        """Deletes our profiles that no credential has, then our schedules; True where something went.

        `used`: profile tokens of every credential inside, whoever wrote it.
        """
        keep = {*used, self._kept.profiles.get(NAME, "")}
        gone = False
        for name, token in list(self._kept.profiles.items()):
            if token not in keep and self._delete(RULES, "DeleteAccessProfile", token):
                del self._kept.profiles[name]
                gone = True
        for name, token in list(self._kept.schedules.items()):
            # One that a profile still names is refused by the device, and stays.
            if name != NAME and self._delete(SCHEDULES, "DeleteSchedule", token):
                del self._kept.schedules[name]
                gone = True
        return gone

    def _delete(self, service: Service, operation: str, token: str) -> bool:
        try:
            self.session.ask(service, operation, {"Token": token})
        except DeviceRefused as error:
            log.info("%s: %s of %s: %s", self.session.host, operation, token, error)
            return "NotFound" in str(error)
        return True


def pages(session: OnvifSession, service: Service, operation: str) -> Iterable[Element]:
    """A list of the device, page by page, bounded."""
    start = ""
    for _ in range(MAX_PAGES):
        reply = session.ask(service, operation, {"Limit": PAGE, "StartReference": start or None})
        yield reply
        before, start = start, onvif_pacs.next_page(reply)
        if not start or start == before:
            return


def _schedule_name(schedule: Schedule | None) -> str:
    if schedule is None:
        return NAME
    content = onvif_calendar.weekly(schedule) + repr(schedule.special_days)
    return f"{NAME} {onvif_calendar.named(content)}"


def _name_of(policies: Policies) -> str:
    content = "\n".join(f"{point} {_schedule_name(schedule)}" for point, schedule in policies)
    return f"{NAME} {onvif_calendar.named(content)}"
