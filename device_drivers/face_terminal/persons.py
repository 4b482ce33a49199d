"""A credential as a terminal's person entry, and what cannot be written there. Pure."""

from __future__ import annotations

import base64
from datetime import datetime, timedelta, tzinfo
from typing import Any

from device_drivers import card_number
from device_drivers.contract.access import Credential, Identifier
from device_drivers.contract.words import IdentifierType
from device_drivers.driver import CredentialRefused
from device_drivers.face_terminal.envelope import Fields, local_text

CUSTOM_ID_BYTES, NAME_BYTES, CARD_CHARACTERS = 47, 31, 10  # without the terminator of the firmware's C fields
FIRST, LAST = "2000-01-01 00:00:00", "2037-12-31 23:59:59"


def cut(text: str, limit: int) -> str:
    """At most `limit` bytes of UTF-8, cut at a character."""
    return text.encode()[:limit].decode(errors="ignore")


def first(credential: Credential, kind: IdentifierType) -> Identifier | None:
    return next((i for i in credential.identifiers if i.type == kind), None)


def person(
    credential: Credential, zone: tzinfo, *, cards: bool, photo_uri: str = "", photo: bytes = b""
) -> dict[str, Any]:
    """The `info` of EditPerson. `cards`: the terminal branch (cards, tempCardType), else the camera branch (tempValid).

    Raises CredentialRefused for a token or card that does not fit. Fields that must become empty are sent empty,
    because a terminal keeps what it is not told.
    """
    if not credential.token or len(credential.token.encode()) > CUSTOM_ID_BYTES:
        raise CredentialRefused(credential.token, "token_too_long", f"more than {CUSTOM_ID_BYTES} bytes")
    info: dict[str, Any] = {
        "customId": credential.token,
        "name": cut(credential.label, NAME_BYTES) or credential.token[:NAME_BYTES],
        "personType": 1 if credential.blocked else 0,
        **(_terminal(credential, zone) if cards else _camera(credential, zone)),
    }
    if photo_uri:
        info["picURI"] = photo_uri
    elif photo:
        info["pic"] = "data:image/jpeg;base64," + base64.b64encode(photo).decode()
    return info


def period(credential: Credential, zone: tzinfo) -> tuple[str, str] | None:
    """Local begin and last valid second; None for an entry without limits."""
    begin, end = credential.validity.not_before, credential.validity.not_after
    if begin is None and end is None:
        return None
    # `not_after` is exclusive, a terminal's end is inclusive.
    return _local(begin, zone, FIRST), _local(end - timedelta(seconds=1) if end else None, zone, LAST)


def _local(at: datetime | None, zone: tzinfo, default: str) -> str:
    return min(max(local_text(at, zone), FIRST), LAST) if at else default


def content(entry: Fields, *, cards: bool) -> str:
    """What an entry says, as lines of key=value; the same for what is sent and for what is read back of it.

    Only what decides who passes when. What a terminal leaves out is left out here: it cannot be compared.
    """
    kind, begin, end = (
        ("tempCardType", "cardValidBegin", "cardValidEnd") if cards else ("tempValid", "validBegin", "validEnd")
    )
    said = {"type": entry.text("personType"), "kind": entry.text(kind)}
    if said["kind"] not in ("", "0"):
        said |= {"begin": entry.text(begin).replace("T", " "), "end": entry.text(end).replace("T", " ")}
    found = [f"{key}={value}" for key, value in said.items() if value]
    if cards and "rfidcard" in entry.values:
        found.append(f"card={_number(entry)}")
    return "\n".join(found)


def _number(entry: Fields) -> str:
    """Decimal without leading zeros, however it was written; empty for no card."""
    text = entry.text("RFIDCard")
    try:
        return str(int(text, 10 if entry.text("RFCardMode") == "0" else 16)) if text else ""
    except ValueError:
        return text


def _terminal(credential: Credential, zone: tzinfo) -> dict[str, Any]:
    limits = period(credential, zone)
    fields: dict[str, Any] = {"tempCardType": 0}
    if limits:
        fields = {"tempCardType": 1, "cardValidBegin": limits[0], "cardValidEnd": limits[1]}
    return {**fields, **_card(credential)}


def _card(credential: Credential) -> dict[str, Any]:
    card = first(credential, IdentifierType.CARD)
    if card is None:
        return {"RFIDCard": ""}
    try:
        number = int(card_number.normalise(card.value))
    except card_number.CardNumberError as error:
        raise CredentialRefused(credential.token, "card_unreadable", str(error)) from error
    if len(str(number)) <= CARD_CHARACTERS:
        return {"RFCardMode": 0, "RFIDCard": f"{number:0{CARD_CHARACTERS}d}"}
    if len(f"{number:X}") <= CARD_CHARACTERS:
        return {"RFCardMode": 1, "RFIDCard": f"{number:X}"}
    raise CredentialRefused(credential.token, "card_too_long", f"more than {CARD_CHARACTERS} digits")


def _camera(credential: Credential, zone: tzinfo) -> dict[str, Any]:
    limits = period(credential, zone)
    if not limits:
        return {"tempValid": 0}
    return {"tempValid": 1, "validBegin": limits[0], "validEnd": limits[1]}


def jpeg_size(photo: bytes) -> tuple[int, int] | None:
    """Width and height as the frame header says; None where there is none."""
    at = 2
    while photo[:2] == b"\xff\xd8" and at + 9 <= len(photo):
        marker, length = photo[at + 1], int.from_bytes(photo[at + 2 : at + 4], "big")
        if photo[at] != 0xFF or length < 2:
            return None
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return int.from_bytes(photo[at + 7 : at + 9], "big"), int.from_bytes(photo[at + 5 : at + 7], "big")
        at += 2 + length
    return None
