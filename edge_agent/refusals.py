"""What a device refused of a credential: remembered so that it is not asked again in vain, and told in words. Pure."""

from __future__ import annotations

from device_drivers.contract.messages import CredentialRefusal
from device_drivers.driver import CredentialRefused, Upsert
from device_drivers.plan import CARDLESS, RefusedBefore, photo_of
from edge_agent.state import Refusal

OVER = "over by the clock of this box"
DISABLED = "disabled_at_device"  # what stands there opens nothing


OF_THE_NUMBER = frozenset({"card_invalid", "card_too_long", "card_unreadable", "card_unsupported"})
"""The device cannot keep this number, whoever else stands in it: no use to try again. A number that another entry has may be
free one day."""


def remember(operation: Upsert, error: CredentialRefused, before: Refusal | None) -> Refusal:
    """A refused photo is remembered by its digest, a refused number by the write that had it, also when the rest is refused
    after it."""
    card = operation.fingerprint if error.code in OF_THE_NUMBER else ""
    if not operation.partial:
        photo = photo_of(operation.credential) if error.of_photo else ""
        return Refusal(operation.fingerprint, error.code, error.text, photo, card)
    if before is None:
        return Refusal(operation.fingerprint, error.code, error.text, card=card)
    # A device that takes nobody without a photo says so; the clerk needs to know what was wrong with the photo, or the card.
    code, text = (before.code, before.text) if error.of_photo else (error.code, error.text)
    photo = before.photo or (photo_of(operation.credential) if error.of_photo else "")
    return Refusal(operation.fingerprint, code, text, photo, card or before.card)


def before(refusal: Refusal) -> RefusedBefore:
    """For the plan."""
    return RefusedBefore(refusal.fingerprint, refusal.photo, of_card(refusal), refusal.card)


def of_card(refusal: Refusal) -> bool:
    """Its card was refused; perhaps also, for another reason, what is left of the entry without it (a device that is full)."""
    return bool(refusal.card) or refusal.code.startswith("card_") or refusal.fingerprint.endswith(CARDLESS)


def told(
    token: str, why: str, refusal: Refusal | None, *, partial: bool = False, outdated: bool = False
) -> CredentialRefusal:
    """As the hub hears it; `why` is the plan's reason where the device was never asked."""
    if why == OVER:
        return CredentialRefusal(token, "expired", why)
    if refusal is None:
        return CredentialRefusal(token, "unsupported", why)
    opens = refusal.code != DISABLED
    return CredentialRefusal(token, refusal.code, refusal.text, partial, outdated and opens)
