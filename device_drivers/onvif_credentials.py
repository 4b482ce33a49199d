"""Cards in a device's ONVIF credential service, each under the access profile that says where and when (`onvif_rules`).

The hub's token stands in `CredentialHolderReference`; the device gives each credential a token of its own. What others wrote
keeps its own token here, so that it is seen as foreign and nothing of it is touched unasked. Blocking.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from device_drivers import onvif_contents
from device_drivers.contract.access import Credential
from device_drivers.contract.words import IdentifierType
from device_drivers.driver import CredentialRefused, DeviceRefused, Rule
from device_drivers.onvif_contents import CARD
from device_drivers.onvif_enabled import Disabled, EnabledStates
from device_drivers.onvif_pacs import card_in
from device_drivers.onvif_rules import NAME, AccessRules, pages
from device_drivers.onvif_session import NoSuchCall, OnvifSession
from device_drivers.onvif_words import CREDENTIALS
from device_drivers.onvif_xml import attribute, every, text

log = logging.getLogger(__name__)
FOREIGN = "onvif:"
# Bytes of a value by format, in the order in which we would have them; ONVIF Credential Service, annex "format types".
FORMATS = {"SIMPLE_NUMBER32": 4, "SIMPLE_NUMBER56": 7, "SIMPLE_ALPHA_NUMERIC": 0, "WIEGAND26": 3, "WIEGAND37": 5}
STATES_A_PAGE = 10  # each a call of its own, and a revocation waits for a page
FULL = ("MaxAccessProfiles", "MaxSchedules", "MaxPolicies")
_CODES = {
    **dict.fromkeys(FULL, ("rules_full", True)),
    "SpecialDays": ("schedule_unsupported", False),
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
        self.rules = AccessRules(session)
        self.states = EnabledStates(session)
        self.ours: dict[str, str] = {}
        self._tokens: dict[str, str] = {}
        self._surplus: dict[str, list[str]] = {}  # by the hub's: further credentials of the same name
        self._format = "SIMPLE_NUMBER32"

    def prepare(self, points: dict[str, str], door_of: Callable[[str], str] = lambda point: point) -> None:
        """Finds or makes the usual access profile. Raises NoSuchCall where the device keeps no credentials."""
        self._format = self._choose_format()
        self.rules.prepare(points, door_of)
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

    def held(self) -> tuple[str, ...]:
        """Every credential inside, as the hub names it; what is not ours as `onvif:TOKEN`."""
        found: dict[str, str] = {}
        for page in pages(self.session, CREDENTIALS, "GetCredentialInfoList"):
            for one in every(page, "CredentialInfo"):
                if token := attribute(one, "token"):
                    ours = text(one, "Description") == NAME
                    found[token] = text(one, "CredentialHolderReference") if ours else f"{FOREIGN}{token}"
        self.ours = {token: name for token, name in found.items() if not name.startswith(FOREIGN)}
        self._tokens, self._surplus = {}, {}
        for token, name in found.items():
            if self._tokens.setdefault(name, token) != token:
                self._surplus.setdefault(name, []).append(token)
        return tuple(found.values())

    def contents(self) -> Iterator[dict[str, str]]:
        """What each of ours says, page by page."""
        entries = Counter[str]()
        due = self.states.due(self.ours)
        for page in pages(self.session, CREDENTIALS, "GetCredentialList"):
            told: dict[str, str] = {}
            asked = 0
            for one in every(page, "Credential"):
                if text(one, "Description") == NAME and (name := text(one, "CredentialHolderReference")):
                    entries[name] += 1
                    token = attribute(one, "token")
                    if token in due:
                        self.states.ask(token)
                        asked += 1
                    more = self.states.content(token)
                    told[name] = onvif_contents.read(one, datetime.now(UTC), entries[name], more)
                if asked == STATES_A_PAGE:
                    yield told
                    told, asked = {}, 0
            yield told

    def write(self, credential: Credential, rules: Sequence[Rule] = ()) -> str:
        """What it says now, as `contents` reads it. Raises CredentialRefused with what the device said."""
        card = next((i.value for i in credential.identifiers if i.type == IdentifierType.CARD and i.value), "")
        if not card:
            raise CredentialRefused(credential.token, "no_card", "this device reads cards only")
        value = self._value(credential.token, card)
        try:
            try:
                profile = self._put(credential, value, rules)
            except DeviceRefused as error:
                if "NotFound" not in str(error):
                    raise
                log.info("%s forgot what was written before: %s", self.session.host, error)
                self.rules.prepare(self.rules.points, self.rules.door_of)
                self.held()
                profile = self._put(credential, value, rules)
        except DeviceRefused as error:
            raise _refused(credential.token, error) from error
        except Disabled as error:
            raise CredentialRefused(credential.token, "disabled_at_device", str(error)[:200]) from error
        return onvif_contents.written(credential, card, profile)

    def _put(self, credential: Credential, value: str, rules: Sequence[Rule]) -> str:
        """Its access profile."""
        for surplus in self._surplus.pop(credential.token, ()):  # with an older card it would still open
            self._delete(surplus)
        token, profile = self._tokens.get(credential.token, ""), self._profile(credential.token, rules)
        body = self._credential(credential, token, value, profile)
        if token:
            self.session.ask(CREDENTIALS, "ModifyCredential", {"Credential": body})
            self.states.enable(token)
            return profile
        created = self.session.ask(CREDENTIALS, "CreateCredential", {"Credential": body, "State": {"Enabled": True}})
        if token := text(created, "Token"):
            self.ours[token], self._tokens[credential.token] = credential.token, token
        return profile

    def _profile(self, token: str, rules: Sequence[Rule]) -> str:
        """Where the device is full of profiles and schedules, those that nobody has any more make room."""
        try:
            return self.rules.profile(token, rules)
        except DeviceRefused as error:
            if not any(code in str(error) for code in FULL) or not self.rules.sweep(self._profiles_in_use()):
                raise
        return self.rules.profile(token, rules)

    def _profiles_in_use(self) -> set[str]:
        found: set[str] = set()
        for page in pages(self.session, CREDENTIALS, "GetCredentialList"):
            found |= {text(one) for one in every(page, "AccessProfileToken")}
        return found

    def card_of(self, token: str) -> str:
        """The number that a credential of the device carries, decimal; empty where it has none that we can read."""
        reply = self.session.ask(CREDENTIALS, "GetCredentialIdentifiers", {"CredentialToken": token})
        for one in every(reply, "CredentialIdentifier"):
            if text(one, "Type", "Name") == CARD:
                return card_in(text(one, "Type", "FormatType"), text(one, "Value"))
        return ""

    def _credential(self, credential: Credential, token: str, value: str, profile: str) -> dict[str, Any]:
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
            "CredentialAccessProfile": {"AccessProfileToken": profile},
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
        try:
            for token in (*self._surplus.get(name, ()), *filter(None, (self._tokens.get(name, ""),))):
                self._delete(token)
        except DeviceRefused as error:
            raise _refused(name, error) from error
        self._tokens.pop(name, None)
        self._surplus.pop(name, None)

    def _delete(self, token: str) -> None:
        """What is not there is fine."""
        try:
            self.session.ask(CREDENTIALS, "DeleteCredential", {"Token": token})
        except DeviceRefused as error:
            if "NotFound" not in str(error):
                raise
        self.ours.pop(token, None)


def _refused(token: str, error: DeviceRefused) -> CredentialRefused:
    said = str(error)
    code, retry = next((found for name, found in _CODES.items() if name in said), ("device_refused", False))
    return CredentialRefused(token, code, said[:200], retry=retry)


def _zulu(at: datetime | None) -> str | None:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ") if at else None
