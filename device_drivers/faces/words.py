"""Why a picture is not taken, why the feature is off, and the errors of the face engine. Texts: `reasons.json`."""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache
from pathlib import Path

import msgspec


class FaceReason(StrEnum):
    """Why a photograph cannot be enrolled. Codes shared with the terminals' (`face_terminal/errors.json`) mean the same."""

    NO_FACE = "photo_no_face"
    MANY_FACES = "photo_many_faces"
    FACE_SMALL = "photo_face_small"
    FACE_CUT = "photo_face_cut"
    POSE = "photo_pose"
    DARK = "photo_dark"
    BRIGHT = "photo_bright"
    UNEVEN = "photo_uneven"
    FLAT = "photo_flat"
    BLURRED = "photo_blurred"
    TYPE = "photo_type"
    TOO_LARGE = "photo_too_large"
    TOO_MANY_PIXELS = "photo_too_many_pixels"
    UNREADABLE = "photo_unreadable"
    TOO_SIMILAR = "photo_too_similar"


class OffReason(StrEnum):
    """Why no face is recognised on this box. Every door works on without."""

    NO_PACK = "face_no_pack"
    PACK_MISSING = "face_pack_missing"
    PACK_MANIFEST = "face_pack_manifest"
    NO_LICENCE = "face_pack_no_licence"
    RESEARCH_ONLY = "face_pack_research_only"
    LICENCE_INVALID = "face_pack_licence_invalid"
    PACK_BROKEN = "face_pack_broken"
    NOT_INSTALLED = "face_not_installed"
    NOT_STARTED = "face_not_started"


class FaceOff(Exception):
    """The feature is off: use the other means. `reason` for the page, the text for the log."""

    def __init__(self, reason: OffReason, text: str = "") -> None:
        super().__init__(f"{reason.value}: {text}" if text else reason.value)
        self.reason, self.text = reason, text


class PictureRefused(Exception):
    """Not decoded, or not decodable. Report the reason; the same picture will not do later either."""

    def __init__(self, reason: FaceReason, text: str = "") -> None:
        super().__init__(f"{reason.value}: {text}" if text else reason.value)
        self.reason, self.text = reason, text


class FaceBusy(Exception):
    """Too many pictures are waiting: drop this one, the next frame comes soon."""


class FaceFailed(Exception):
    """A model did not finish on this picture. Log it, go on with the next one."""


@lru_cache
def _texts() -> dict[str, str]:
    return msgspec.json.decode((Path(__file__).parent / "reasons.json").read_bytes(), type=dict[str, str])


def face_zh(reason: FaceReason | OffReason) -> str:
    """What a clerk or technician can do about it."""
    return _texts()[reason.value]
