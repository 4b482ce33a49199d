"""What a credential in a device says, as lines of key=value: of what is written, and of what is read back. Pure.

Only what decides who passes when. A begin that is past decides nothing any more, and an end that is far away is none: devices
fill in both.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from device_drivers.contract.access import Credential
from device_drivers.onvif_pacs import card_in
from device_drivers.onvif_xml import Element, every, text, utc

FAR = 2036
CARD = "pt:Card"


def written(credential: Credential, card: str, profile: str) -> str:
    """`card`: decimal; `profile`: the device's token of it."""
    begin, end = credential.validity.not_before, credential.validity.not_after
    number = card.lstrip("0") if card.isdigit() else card
    return _lines(begin=_at(begin), end=_end(end), card=number, profile=profile, enabled="true")


def read(credential: Element, as_of: datetime, entries: int = 1, state: Mapping[str, str] | None = None) -> str:
    """Of one `Credential` of GetCredentialList. What the device leaves out is left out: it cannot be compared.

    `entries`: how many of the list are this one so far; `state`: what is known of it beside the list.
    """
    begin, end = utc(text(credential, "ValidFrom")), utc(text(credential, "ValidTo"))
    found = {"end": _end(end), "entries": str(entries), **(state or {})}
    if begin is None or begin > as_of:
        found["begin"] = _at(begin)
    identifiers = [i for i in every(credential, "CredentialIdentifier") if text(i, "Type", "Name") in (CARD, "")]
    cards = [card_in(text(i, "Type", "FormatType"), text(i, "Value")) for i in identifiers]
    if cards and all(cards):
        found["card"] = _all(cards)
    profiles = every(credential, "AccessProfileToken")
    if profiles:
        found["profile"] = _all((p.text or "").strip() for p in profiles)
    return _lines(**found)


def _lines(*, entries: str = "1", **values: str) -> str:
    return "\n".join(f"{key}={value}" for key, value in sorted({**values, "entries": entries}.items()))


def _all(values: Iterable[str]) -> str:
    return ",".join(sorted(set(values)))


def _at(at: datetime | None) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ") if at else ""


def _end(at: datetime | None) -> str:
    return _at(at) if at and at.year < FAR else ""
