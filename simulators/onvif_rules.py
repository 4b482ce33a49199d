"""Access profiles, schedules and special days of an ONVIF door controller, as its services keep them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, time
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from simulators.onvif_hours import Hours, events
from simulators.onvif_soap import NS, SoapFault, SoapRequest

MAX_RULES = 200


class RuleBook:
    """``save`` is called after each change; ``in_use`` tells the profile of each credential. ``limit``: of profiles."""

    def __init__(
        self, page: int, save: Callable[[], None], in_use: Callable[[], set[str]], limit: int = MAX_RULES
    ) -> None:
        self.page, self.save, self.in_use, self.limit = page, save, in_use, limit
        self.profiles: dict[str, list[tuple[str, str]]] = {}
        self.schedules: dict[str, Hours] = {}
        self.groups: dict[str, str] = {}
        self.names: dict[str, str] = {}
        self.next = 1

    @property
    def table(self) -> dict[str, Callable[[SoapRequest], str]]:
        """By operation."""
        return {
            "GetAccessProfileInfoList": lambda soap: self._listed(
                "tar", "AccessProfileInfo", list(self.profiles), soap
            ),
            "CreateAccessProfile": self._create_profile,
            "DeleteAccessProfile": self._delete_profile,
            "GetScheduleInfoList": lambda soap: self._listed("tsc", "ScheduleInfo", list(self.schedules), soap),
            "CreateSchedule": self._create_schedule,
            "DeleteSchedule": self._delete_schedule,
            "GetSpecialDayGroupInfoList": lambda soap: self._listed(
                "tsc", "SpecialDayGroupInfo", list(self.groups), soap
            ),
            "CreateSpecialDayGroup": self._create_group,
        }

    def kept(self) -> dict[str, Any]:
        """For the state file."""
        schedules = {
            token: [h.calendar, [[g, [[b.isoformat(), e.isoformat()] for b, e in spans]] for g, spans in h.special]]
            for token, h in self.schedules.items()
        }
        return {
            "profiles": self.profiles,
            "schedules": schedules,
            "groups": self.groups,
            "names": self.names,
            "next": self.next,
        }

    def load(self, kept: Mapping[str, Any]) -> None:
        """What ``kept`` gave."""
        self.profiles = {token: [tuple(p) for p in policies] for token, policies in kept["profiles"].items()}
        self.schedules = {
            token: Hours(
                calendar,
                tuple(
                    (g, tuple((time.fromisoformat(b), time.fromisoformat(e)) for b, e in spans)) for g, spans in special
                ),
            )
            for token, (calendar, special) in kept["schedules"].items()
        }
        self.groups, self.names, self.next = kept["groups"], kept["names"], kept["next"]

    def clear(self) -> None:
        """The memory came back empty."""
        self.profiles, self.schedules, self.groups, self.names = {}, {}, {}, {}

    def refusal(self, profile: str, point: str, now: datetime) -> str:
        """Why this profile does not open the access point at this naive local time; empty where it does."""
        hours = [self.schedules[s] for s, entity in self.profiles.get(profile, ()) if entity == point]
        if not hours:
            return "Unauthorized"
        return "" if any(h.covers(now, self.groups) for h in hours) else "NotPermittedAtThisTime"

    def token(self, kind: str) -> str:
        """A new one."""
        self.next += 1
        return f"{kind}_{self.next}"

    def paged(self, soap: SoapRequest, tokens: list[str]) -> tuple[list[str], str]:
        """The part of a list that was asked for, and where the rest begins."""
        start = soap.text("StartReference") or ""
        begin = tokens.index(start) if start in tokens else 0
        limit = min(self.page, int(soap.text("Limit") or self.page))
        rest = tokens[begin + limit] if begin + limit < len(tokens) else ""
        return tokens[begin : begin + limit], rest

    def _listed(self, prefix: str, element: str, tokens: list[str], soap: SoapRequest) -> str:
        items, left = self.paged(soap, sorted(tokens))
        told = "".join(
            f"<{prefix}:{element} token={quoteattr(t)}><{prefix}:Name>{escape(self.names.get(t, t))}</{prefix}:Name>"
            f"</{prefix}:{element}>"
            for t in items
        )
        return f"<{prefix}:{soap.operation}Response>{rest(prefix, left)}{told}</{prefix}:{soap.operation}Response>"

    def _named(self, kind: str, soap: SoapRequest) -> str:
        token = self.token(kind)
        self.names[token] = soap.text("Name") or ""
        return token

    def _create_profile(self, soap: SoapRequest) -> str:
        if len(self.profiles) >= self.limit:
            raise SoapFault("Receiver", "ter:MaxAccessProfiles", f"at most {self.limit}")
        policies = [e for e in soap.body.iter() if e.tag == f"{{{NS['tar']}}}AccessPolicy"]
        told = [(e.findtext("tar:ScheduleToken", "", NS), e.findtext("tar:Entity", "", NS)) for e in policies]
        for schedule, entity in told:
            if schedule not in self.schedules or not entity:
                raise SoapFault("Sender", "ter:ReferenceNotFound", f"{schedule!r} {entity!r}")
        token = self._named("Profile", soap)
        self.profiles[token] = told
        self.save()
        return f"<tar:CreateAccessProfileResponse><tar:Token>{token}</tar:Token></tar:CreateAccessProfileResponse>"

    def _delete_profile(self, soap: SoapRequest) -> str:
        token = soap.text("Token") or ""
        if token in self.in_use():
            raise SoapFault("Sender", "ter:ReferenceInUse", token)
        if self.profiles.pop(token, None) is None:
            raise SoapFault("Sender", "ter:NotFound", token)
        self.save()
        return "<tar:DeleteAccessProfileResponse/>"

    def _create_schedule(self, soap: SoapRequest) -> str:
        standard = soap.text("Standard") or ""
        special = []
        for days in (e for e in soap.body.iter() if e.tag == f"{{{NS['tsc']}}}SpecialDays"):
            spans = [
                (
                    time.fromisoformat(e.findtext("tsc:From", "", NS)),
                    time.fromisoformat(e.findtext("tsc:Until", "", NS)),
                )
                for e in days.iter(f"{{{NS['tsc']}}}TimeRange")
            ]
            group = days.findtext("tsc:GroupToken", "", NS)
            if group not in self.groups:
                raise SoapFault("Sender", "ter:ReferenceNotFound", f"no special day group {group!r}")
            special.append((group, tuple(spans)))
        self._check(standard)
        token = self._named("Schedule", soap)
        self.schedules[token] = Hours(standard, tuple(special))
        self.save()
        return f"<tsc:CreateScheduleResponse><tsc:Token>{token}</tsc:Token></tsc:CreateScheduleResponse>"

    @staticmethod
    def _check(calendar: str) -> None:
        try:
            known = "BEGIN:VCALENDAR" in calendar and list(events(calendar)) is not None
        except (ValueError, KeyError) as error:
            raise SoapFault("Sender", "ter:InvalidArgVal", f"no iCalendar of ours: {error}") from error
        if not known:
            raise SoapFault("Sender", "ter:InvalidArgVal", "no iCalendar")

    def _delete_schedule(self, soap: SoapRequest) -> str:
        token = soap.text("Token") or ""
        if any(token == s for policies in self.profiles.values() for s, _ in policies):
            raise SoapFault("Sender", "ter:ReferenceInUse", token)
        if self.schedules.pop(token, None) is None:
            raise SoapFault("Sender", "ter:NotFound", token)
        self.save()
        return "<tsc:DeleteScheduleResponse/>"

    def _create_group(self, soap: SoapRequest) -> str:
        days = soap.text("Days") or ""
        self._check(days)
        token = self._named("SpecialDayGroup", soap)
        self.groups[token] = days
        self.save()
        return f"<tsc:CreateSpecialDayGroupResponse><tsc:Token>{token}</tsc:Token></tsc:CreateSpecialDayGroupResponse>"


def rest(prefix: str, start: str) -> str:
    """Where the rest of a list begins, if there is one."""
    return f"<{prefix}:NextStartReference>{escape(start)}</{prefix}:NextStartReference>" if start else ""
