"""Person commands of the face terminal: one entry checked, its picture taken, the entry written, or the code why not."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp

from simulators.face_pictures import (
    BATCH_CODES,
    EDIT_CODES,
    PictureFault,
    PictureRefused,
    from_data_uri,
    from_uri,
)
from simulators.face_store import Person, TerminalStore
from simulators.face_validity import as_int
from simulators.faults import Fault, FaultBook

_PICTURE_KEYS = ("pic", "picURI", "isCheckSimilarity")
# Fixed-size fields of the firmware, in bytes with the terminator; longer text is cut at a character border [INFER].
_BYTE_LIMITS = {"name": 32, "idCard": 32, "telnum1": 32, "address": 72, "native": 32, "notes": 64}
_CUSTOM_ID_MAX = 48
_CARD_MAX = 10


class PersonRefused(Exception):
    """The entry was not written; ``code`` in the sense of the command's level, ``detail`` in the device's words."""

    def __init__(self, code: int, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


@dataclass(frozen=True, slots=True)
class _Codes:
    """The numbers of one level: EditPerson's ``code`` or the batch's ``errcode``."""

    full: int
    storage: int
    pictures: Mapping[PictureFault, int]


EDIT = _Codes(full=467, storage=465, pictures=EDIT_CODES)
BATCH_EDIT = _Codes(full=474, storage=469, pictures=BATCH_CODES)
BATCH_ADD = _Codes(full=474, storage=470, pictures={**BATCH_CODES, PictureFault.MISSING: 463})


def cut_to_bytes(text: str, limit: int) -> str:
    """Cut to what fits a C field of ``limit`` bytes with its terminator, at a character border."""
    return text.encode()[: limit - 1].decode(errors="ignore")


def card_number(fields: Mapping[str, Any]) -> int | None:
    """RFIDCard as a number: RFCardMode 0 decimal, 1 hexadecimal, and the default is 1. None when there is no card."""
    text = str(fields.get("RFIDCard") or "").strip()
    if not text:
        return None
    base = 10 if as_int(fields.get("RFCardMode"), 1) == 0 else 16
    try:
        return int(text, base)
    except ValueError:
        return None


class PersonList:
    """The terminal's list with its rules. ``profile`` "camera" knows no cards; ``capacity`` in persons."""

    def __init__(self, store: TerminalStore, faults: FaultBook, profile: str, capacity: int) -> None:
        self.store = store
        self.faults = faults
        self.profile = profile
        self.capacity = capacity

    async def upsert(
        self, info: Mapping[str, Any], codes: _Codes, session: aiohttp.ClientSession, timeout_s: float, created: str
    ) -> Person:
        """Write one entry by its customId; fields not sent stay as they were. Raises PersonRefused."""
        custom_id = info.get("customId")
        if not isinstance(custom_id, str) or not custom_id or len(custom_id.encode()) > _CUSTOM_ID_MAX:
            raise PersonRefused(461, "no customId, or longer than 48 bytes")
        old = self.store.person(custom_id)
        if codes is BATCH_ADD and old is not None:
            raise PersonRefused(461, "id exists")
        if old is None and (self.faults.on(Fault.LIST_FULL) or self.store.count() >= self.capacity):
            raise PersonRefused(codes.full, "list full")
        fields = {**({} if old is None else old.fields), **self._clean(info)}
        card = self._card(fields, codes)
        if codes is BATCH_ADD and card is not None and self.store.person_by_card(card) is not None:
            raise PersonRefused(462, "RF card exists")
        try:
            picture = await self._picture(info, codes, session, timeout_s)
            if picture is not None and self.faults.on(Fault.PHOTO_REFUSED):
                raise PictureRefused(PictureFault.NO_FACE)
            if picture is None and (old is None or old.picture is None) and card is None:
                raise PictureRefused(PictureFault.MISSING)
        except PictureRefused as error:
            raise PersonRefused(codes.pictures[error.fault], error.fault.value) from error
        if picture is not None and as_int(info.get("isCheckSimilarity"), 0) == 1:
            self._check_similar(custom_id, picture)
        if self.faults.on(Fault.STORAGE_FAILS):
            raise PersonRefused(codes.storage, "DB failed")
        return self.store.put_person(custom_id, fields, picture, card, created)

    def _clean(self, info: Mapping[str, Any]) -> dict[str, Any]:
        fields = {key: value for key, value in info.items() if key not in _PICTURE_KEYS}
        for key, limit in _BYTE_LIMITS.items():
            if isinstance(fields.get(key), str):
                fields[key] = cut_to_bytes(fields[key], limit)
        return fields

    def _card(self, fields: Mapping[str, Any], codes: _Codes) -> int | None:
        text = str(fields.get("RFIDCard") or "").strip()
        if self.profile == "camera" or not text:
            return None
        number = card_number(fields)
        if number is None or len(text) > _CARD_MAX:
            raise PersonRefused(codes.storage, "RFIDCard is not a number of at most 10 digits")
        return number

    async def _picture(
        self, info: Mapping[str, Any], codes: _Codes, session: aiohttp.ClientSession, timeout_s: float
    ) -> bytes | None:
        if codes is EDIT and info.get("pic"):
            return from_data_uri(str(info["pic"]))
        if info.get("picURI"):
            return await from_uri(session, str(info["picURI"]), timeout_s)
        return None

    def _check_similar(self, custom_id: str, picture: bytes) -> None:
        # A real terminal compares features; the simulator knows a face again by the same picture.
        other = self.store.person_by_picture(hashlib.sha256(picture).hexdigest())
        if other is not None and other.custom_id != custom_id:
            raise PersonRefused(478, "too similar to an enrolled face")
