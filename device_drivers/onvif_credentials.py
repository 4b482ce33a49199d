"""Cards in a device's ONVIF credential service, under one access profile that is valid always and for all its points.

The hub's token stands in `CredentialHolderReference`; the device gives each credential a token of its own. What others wrote
keeps its own token here, so that it is seen as foreign and nothing of it is touched unasked. Blocking.
"""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any

from device_drivers import onvif_pacs
from device_drivers.contract.access import Credential
from device_drivers.contract.words import IdentifierType
from device_drivers.driver import CredentialRefused, DeviceRefused
from device_drivers.onvif_session import NoSuchCall, OnvifSession
from device_drivers.onvif_words import CREDENTIALS, RULES, SCHEDULES
from device_drivers.onvif_xml import attribute, every, text

log = logging.getLogger(__name__)
PAGE, MAX_PAGES = 100, 1000
NAME = "estate-hub"
CARD = "pt:Card"
FOREIGN = "onvif:"
# Bytes of a value by format, in the order in which we would have them; ONVIF Credential Service, annex "format types".
FORMATS = {"SIMPLE_NUMBER32": 4, "SIMPLE_NUMBER56": 7, "SIMPLE_ALPHA_NUMERIC": 0, "WIEGAND26": 3, "WIEGAND37": 5}
ALWAYS = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//estate-hub//EN\r\nBEGIN:VEVENT\r\nSUMMARY:always\r\n"
    "DTSTART:19700101T000000\r\nDTEND:19700102T000000\r\nRRULE:FREQ=DAILY\r\nUID:estate-hub-always\r\n"
    "END:VEVENT\r\nEND:VCALENDAR\r\n"
)
_CODES = {
    "MaxCredentials": ("list_full", True),
    "CapabilityViolated": ("device_refused", False),
    "DuplicatedIdentifierValue": ("card_exists", False),
    "UnsupportedIdentifierType": ("card_unsupported", False),
    "InvalidFormatType": ("card_unsupported", False),
    "InvalidIdentifierValue": ("card_unsupported", False),
}


class CredentialService:
    """`ours`: the device's credential token → the hub's, of what we wrote. Raises DeviceUnreachable, DeviceRefused."""

    def __init__(self, session: OnvifSession) -> None:
        self.session = session
        self.ours: dict[str, str] = {}
        self._tokens: dict[str, str] = {}
        self._profile, self._format = "", "SIMPLE_NUMBER32"

    def prepare(self, points: tuple[str, ...]) -> None:
        """Finds or makes the access profile. Raises NoSuchCall where the device keeps no credentials."""
        self._format = self._choose_format()
        self._profile = self._existing(RULES, "GetAccessProfileInfoList", "AccessProfileInfo")
        if not self._profile:
            schedule = self._existing(SCHEDULES, "GetScheduleInfoList", "ScheduleInfo") or self._make_schedule()
            policies = [{"ScheduleToken": schedule, "Entity": point} for point in points]
            profile = {"@token": "", "Name": NAME, "Description": "written by the estate hub", "AccessPolicy": policies}
            self._profile = text(self.session.ask(RULES, "CreateAccessProfile", {"AccessProfile": profile}), "Token")
        self.held()

    def _choose_format(self) -> str:
        asked = {"CredentialIdentifierTypeName": CARD}
        try:
            reply = self.session.ask(CREDENTIALS, "GetSupportedFormatTypes", asked)
        except NoSuchCall:
            if not self.session.has(CREDENTIALS):
                raise
            return "SIMPLE_NUMBER32"
        told = [text(e, "FormatType") for e in every(reply, "FormatTypeInfo")]
        return next((f for f in FORMATS if f in told), told[0] if told else "SIMPLE_NUMBER32")

    def _existing(self, service: Any, operation: str, element: str) -> str:
        """The token of what we made before; what others made is not ours to use: they may change it."""
        start = ""
        for _ in range(MAX_PAGES):
            reply = self.session.ask(service, operation, {"Limit": PAGE, "StartReference": start or None})
            for one in every(reply, element):
                if text(one, "Name") == NAME:
                    return attribute(one, "token")
            start = onvif_pacs.next_page(reply)
            if not start:
                return ""
        return ""

    def _make_schedule(self) -> str:
        schedule = {"@token": "", "Name": NAME, "Description": "always", "Standard": ALWAYS}
        return text(self.session.ask(SCHEDULES, "CreateSchedule", {"Schedule": schedule}), "Token")

    def held(self) -> tuple[str, ...]:
        """Every credential inside, as the hub names it; what is not ours as `onvif:TOKEN`."""
        found: dict[str, str] = {}
        start = ""
        for _ in range(MAX_PAGES):
            asked = {"Limit": PAGE, "StartReference": start or None}
            reply = self.session.ask(CREDENTIALS, "GetCredentialInfoList", asked)
            for one in every(reply, "CredentialInfo"):
                if token := attribute(one, "token"):
                    ours = text(one, "Description") == NAME
                    found[token] = text(one, "CredentialHolderReference") if ours else f"{FOREIGN}{token}"
            start = onvif_pacs.next_page(reply)
            if not start:
                break
        self.ours = {token: name for token, name in found.items() if not name.startswith(FOREIGN)}
        self._tokens = {name: token for token, name in found.items()}
        return tuple(found.values())

    def write(self, credential: Credential) -> None:
        """Raises CredentialRefused with what the device said."""
        card = next((i.value for i in credential.identifiers if i.type == IdentifierType.CARD and i.value), "")
        if not card:
            raise CredentialRefused(credential.token, "no_card", "this device reads cards only")
        token = self._tokens.get(credential.token, "")
        body = self._credential(credential, token, self._value(credential.token, card))
        try:
            if token:
                self.session.ask(CREDENTIALS, "ModifyCredential", {"Credential": body})
                return
            created = self.session.ask(
                CREDENTIALS, "CreateCredential", {"Credential": body, "State": {"Enabled": True}}
            )
        except DeviceRefused as error:
            raise _refused(credential.token, error) from error
        token = text(created, "Token")
        if token:
            self.ours[token], self._tokens[credential.token] = credential.token, token

    def _credential(self, credential: Credential, token: str, value: str) -> dict[str, Any]:
        validity = credential.validity
        return {
            "@token": token,
            "Description": NAME,
            "CredentialHolderReference": credential.token,
            "ValidFrom": _zulu(validity.not_before),
            "ValidTo": _zulu(validity.not_after),
            "CredentialIdentifier": {
                "Type": {"Name": CARD, "FormatType": self._format},
                "ExemptedFromAuthentication": False,
                "Value": value,
            },
            "CredentialAccessProfile": {"AccessProfileToken": self._profile},
        }

    def _value(self, token: str, card: str) -> str:
        """hexBinary of the card in the device's format."""
        width = FORMATS.get(self._format, 4)
        if not width:
            return card.encode().hex().upper()
        try:
            return int(card).to_bytes(width, "big").hex().upper()
        except (OverflowError, ValueError):
            raise CredentialRefused(token, "card_unsupported", f"{card} does not fit {self._format}") from None

    def remove(self, name: str) -> None:
        """What is not there is fine. Raises CredentialRefused."""
        if name not in self._tokens:
            self.held()
        token = self._tokens.get(name, "")
        if not token:
            return
        try:
            self.session.ask(CREDENTIALS, "DeleteCredential", {"Token": token})
        except DeviceRefused as error:
            if "NotFound" not in str(error):
                raise _refused(name, error) from error
        self._tokens.pop(name, None)
        self.ours.pop(token, None)


def _refused(token: str, error: DeviceRefused) -> CredentialRefused:
    said = str(error)
    code, retry = next((found for name, found in _CODES.items() if name in said), ("device_refused", False))
    return CredentialRefused(token, code, said[:200], retry=retry)


def _zulu(at: datetime | None) -> str | None:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ") if at else None
