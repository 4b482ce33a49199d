"""Which credentials of an ONVIF door controller are disabled, or held back by antipassback, as its credential service tells."""

from __future__ import annotations

from collections.abc import Callable, Collection
from xml.sax.saxutils import escape

from simulators.onvif_soap import SoapFault, SoapRequest


class States:
    """``known``: the credentials there are; ``told(topic, token, data)`` is called at each change."""

    def __init__(
        self, known: Callable[[], Collection[str]], told: Callable[[str, str, tuple[tuple[str, str], ...]], None]
    ) -> None:
        self.known, self.told = known, told
        self.disabled: dict[str, str] = {}  # by token: the reason
        self.violated: set[str] = set()
        self.asked: list[str] = []

    @property
    def table(self) -> dict[str, Callable[[SoapRequest], str]]:
        """By operation."""
        return {
            "GetCredentialState": self._state,
            "EnableCredential": self._enable,
            "DisableCredential": self._disable,
            "ResetAntipassbackViolation": self._reset,
        }

    def disable(self, token: str, reason: str, *, by_client: bool = False) -> None:
        """As somebody at the device does it."""
        self.disabled[token] = reason
        self._tell(token, enabled=False, reason=reason, by_client=by_client)

    def violate(self, token: str) -> None:
        """Somebody went in twice."""
        self.violated.add(token)
        self.told("tns1:Credential/State/ApbViolation", token, (("ApbViolation", "true"), ("ClientUpdated", "false")))

    def forget(self, token: str) -> None:
        self.disabled.pop(token, None)
        self.violated.discard(token)

    def _tell(self, token: str, *, enabled: bool, reason: str, by_client: bool) -> None:
        words = ("false", "true")
        data = (("State", words[enabled]), ("Reason", reason), ("ClientUpdated", words[by_client]))
        self.told("tns1:Credential/State/Enabled", token, data)

    def _known(self, soap: SoapRequest, name: str = "Token") -> str:
        token = soap.text(name) or ""
        if token not in self.known():
            raise SoapFault("Sender", "ter:NotFound", f"no credential {token!r}")
        return token

    def _state(self, soap: SoapRequest) -> str:
        token = self._known(soap)
        self.asked.append(token)
        words = ("false", "true")
        why = f"<tcr:Reason>{escape(self.disabled[token])}</tcr:Reason>" if self.disabled.get(token) else ""
        return (
            f"<tcr:GetCredentialStateResponse><tcr:State><tcr:Enabled>{words[token not in self.disabled]}</tcr:Enabled>{why}"
            f"<tcr:AntipassbackState><tcr:AntipassbackViolated>{words[token in self.violated]}</tcr:AntipassbackViolated>"
            "</tcr:AntipassbackState></tcr:State></tcr:GetCredentialStateResponse>"
        )

    def _enable(self, soap: SoapRequest) -> str:
        token = self._known(soap)
        self.disabled.pop(token, None)
        self._tell(token, enabled=True, reason=soap.text("Reason") or "", by_client=True)
        return "<tcr:EnableCredentialResponse/>"

    def _disable(self, soap: SoapRequest) -> str:
        self.disable(self._known(soap), soap.text("Reason") or "", by_client=True)
        return "<tcr:DisableCredentialResponse/>"

    def _reset(self, soap: SoapRequest) -> str:
        self.violated.discard(self._known(soap, "CredentialToken"))
        return "<tcr:ResetAntipassbackViolationResponse/>"
