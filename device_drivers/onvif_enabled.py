"""Whether an ONVIF device lets a credential work, which its entry does not say: disabled, or held back by antipassback. Blocking.

A device is asked for each credential by itself, so of a long list some at a look, those first that were asked longest ago; it
tells changes by events. Antipassback is the device's own rule about who went in twice: it is told, and never reset here.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from device_drivers.driver import DeviceRefused
from device_drivers.onvif_events import OnvifMessage
from device_drivers.onvif_session import NoSuchCall, OnvifSession
from device_drivers.onvif_words import CREDENTIALS
from device_drivers.onvif_xml import is_true, text

log = logging.getLogger(__name__)
AT_A_LOOK = 200
BY = "estate-hub"
ENABLED_AGAIN = 3  # on one connection; a device or a person that goes on disabling it has a reason we do not know
STATE, ANTIPASSBACK = "Credential/State/Enabled", "Credential/State/ApbViolation"


@dataclass(frozen=True, slots=True)
class State:
    """As the device says it."""

    enabled: bool
    reason: str = ""
    violated: bool = False

    @property
    def held_back(self) -> bool:
        """By antipassback, by whichever of its words the device says so."""
        plain = self.reason.casefold().replace("-", "").replace(" ", "").replace("_", "")
        return self.violated or "antipassback" in plain or "apb" in plain


class Disabled(Exception):
    """It stays disabled. The message is the device's reason."""


class EnabledStates:
    """Of one device, by its own tokens."""

    def __init__(self, session: OnvifSession) -> None:
        self.session = session
        self.known: dict[str, State] = {}
        self._tells = True
        self._asked: dict[str, int] = {}
        self._turn = 0
        self._enabled: Counter[str] = Counter()

    def due(self, tokens: Iterable[str]) -> frozenset[str]:
        """Which of these are asked at this look. What is there no more is forgotten."""
        there = set(tokens)
        self.known = {t: s for t, s in list(self.known.items()) if t in there}  # events are learnt meanwhile
        self._asked = {t: n for t, n in self._asked.items() if t in there}
        self._turn += 1
        return frozenset(sorted(there, key=lambda t: self._asked.get(t, 0))[:AT_A_LOOK]) if self._tells else frozenset()

    def ask(self, token: str) -> State | None:
        """None where the device does not tell."""
        if not self._tells:
            return None
        self._asked[token] = self._turn
        try:
            reply = self.session.ask(CREDENTIALS, "GetCredentialState", {"Token": token})
        except NoSuchCall:
            self._tells = False
            return None
        except DeviceRefused as error:  # taken off meanwhile
            log.debug("%s: state of %s: %s", self.session.host, token, error)
            self.known.pop(token, None)
            return None
        enabled = text(reply, "State", "Enabled")
        if not enabled:
            return None
        violated = is_true(text(reply, "State", "AntipassbackState", "AntipassbackViolated"))
        self.known[token] = State(is_true(enabled), text(reply, "State", "Reason"), violated)
        return self.known[token]

    def content(self, token: str) -> dict[str, str]:
        """For what the entry says; nothing where it is not known, or is the device's own affair."""
        state = self.known.get(token)
        return {} if state is None or state.held_back else {"enabled": "true" if state.enabled else "false"}

    def enable(self, token: str) -> None:
        """Raises Disabled."""
        state = self.ask(token)
        if state is None or state.enabled or state.held_back:
            return
        if self._enabled[token] >= ENABLED_AGAIN:
            raise Disabled(state.reason or "disabled again and again")
        try:
            self.session.ask(CREDENTIALS, "EnableCredential", {"Token": token, "Reason": BY})
        except DeviceRefused as error:
            raise Disabled(f"{state.reason} ({error})".strip()) from error
        self._enabled[token] += 1
        self.known[token] = State(enabled=True)
        log.warning("%s: credential %s was disabled (%s), enabled again", self.session.host, token, state.reason)

    def learn(self, message: OnvifMessage, ours: Iterable[str]) -> bool:
        """True where one of ours was disabled just now."""
        token = message.source.get("CredentialToken", "")
        if token not in ours:
            return False
        before = self.known.get(token, State(enabled=True))
        if message.path == ANTIPASSBACK:
            self.known[token] = State(before.enabled, before.reason, is_true(message.data.get("ApbViolation", "")))
            return False
        if message.path != STATE or "State" not in message.data:
            return False
        now = State(is_true(message.data["State"]), message.data.get("Reason", ""), before.violated)
        self.known[token] = now
        return before.enabled and not now.enabled and not now.held_back

    def told(self) -> str:
        """For the device's page."""
        held_back = sum(s.held_back for s in list(self.known.values()))
        return (
            f"{held_back} 张凭证因设备的反潜回规则暂时不能开门，系统不改动，需放行的请在设备上复位" if held_back else ""
        )
