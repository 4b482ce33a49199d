"""What is shown at a reader, made comparable with the list: a phone's code becomes its credential, an identity card or a PIN its
hash.

The check needs no link: the hub's key was pinned at enrolment, and the list says whether the credential still lives. One code
opens once at each access point; what is remembered for that is bounded.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from device_drivers.contract import id_card, pin, qr
from device_drivers.contract.access import Identifier
from device_drivers.contract.words import AccessOutcome, DenyReason, IdentifierType
from edge_agent.decide import BY_TOKEN, Decision

MAX_SPENT = 20_000  # codes opened with in the last minutes; beyond it the oldest are forgotten
NOBODY = Identifier(BY_TOKEN)


@dataclass(frozen=True, slots=True)
class Shown:
    """`identifier`: what to look up. `reason`: why a code of the hub's does not count; `code`: the code that does."""

    identifier: Identifier
    reason: DenyReason | None = None
    token: str | None = None
    spends: tuple[bytes, str] | None = None
    until: datetime | None = None


@dataclass(slots=True)
class Codes:
    """Of one box. `started_at`: codes issued before it do not count: whether one was used already is forgotten by then."""

    key: Ed25519PublicKey
    estate: str
    started_at: datetime
    _spent: dict[tuple[bytes, str], datetime] = field(default_factory=dict)

    def read(
        self, identifier: Identifier, access_point: str, id_card_key: str, at: datetime, *, clock_trusted: bool
    ) -> Shown:
        if identifier.type is IdentifierType.ID_CARD:
            hashed = id_card.hashed(identifier.value, id_card_key) if id_card_key else ""
            return Shown(Identifier(IdentifierType.ID_CARD, hashed))
        if identifier.type is IdentifierType.PIN:
            return Shown(
                Identifier(IdentifierType.PIN, pin.hashed(identifier.value, id_card_key) if id_card_key else "")
            )
        if identifier.type is not IdentifierType.QR or not qr.is_code(identifier.value):
            return Shown(identifier)
        try:
            code = qr.read(identifier.value, self.estate, self._check)
        except qr.NotACode:
            return Shown(NOBODY)
        spends = (code.nonce, access_point)
        if reason := self._refusal(code, spends, at, clock_trusted):
            return Shown(NOBODY, reason, code.token)
        return Shown(Identifier(BY_TOKEN, code.token), None, code.token, spends, code.expires_at)

    def _refusal(
        self, code: qr.Code, spends: tuple[bytes, str], at: datetime, clock_trusted: bool
    ) -> DenyReason | None:
        """Without a trusted clock `at` is a lower bound: what is over is over; an early code is not held against anybody.

        (The list then lets residents in and nobody else.)
        """
        if spends in self._spent:
            return DenyReason.CODE_USED
        if code.is_over(at):
            return DenyReason.CODE_EXPIRED
        if clock_trusted and (code.is_early(at) or code.issued_at < self.started_at - timedelta(seconds=1)):
            return DenyReason.CODE_EXPIRED
        return None

    def judge(self, shown: Shown, decision: Decision, at: datetime) -> Decision:
        """The list's decision with what is known of the code; one that opened is spent at this access point."""
        if decision.granted:
            if shown.spends and shown.until:
                self._spend(shown.spends, shown.until + qr.SKEW, at)
            return decision
        if shown.reason and decision.reason is DenyReason.UNKNOWN_CREDENTIAL:
            return replace(decision, outcome=AccessOutcome.DENIED, credential=shown.token, reason=shown.reason)
        return decision

    def _spend(self, spends: tuple[bytes, str], until: datetime, at: datetime) -> None:
        if len(self._spent) >= MAX_SPENT:
            self._spent = {k: v for k, v in self._spent.items() if v > at}
        while len(self._spent) >= MAX_SPENT:
            self._spent.pop(next(iter(self._spent)))
        self._spent[spends] = until

    def _check(self, signature: bytes, message: bytes) -> bool:
        try:
            self.key.verify(signature, message)
        except InvalidSignature:
            return False
        return True
