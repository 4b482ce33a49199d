"""Pictures from outside: refused by bytes, type and size before OpenCV sees them, then decoded."""

from __future__ import annotations

import os
import zlib
from dataclasses import dataclass
from functools import lru_cache
from types import ModuleType
from typing import TYPE_CHECKING, Literal

from device_drivers.faces.results import PictureLimits
from device_drivers.faces.words import FaceReason, PictureRefused

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PNG = b"\x89PNG\r\n\x1a\n"
SOS, EOI = b"\xff\xda", b"\xff\xd9"
# Frame headers (ITU T.81 table B.1); C4, C8 and CC are tables and reserved.
FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
MOVING = frozenset({b"acTL", b"fcTL", b"fdAT"})  # an animation has sizes of its own
ALONE = frozenset({0x01, *range(0xD0, 0xD9)})  # markers without a length


@dataclass(frozen=True, slots=True)
class PictureInfo:
    kind: Literal["jpeg", "png"]
    width: int
    height: int


@lru_cache
def open_cv() -> ModuleType:
    """OpenCV with its own ceiling on pixels as a second guard (it is read when the library loads), on one thread."""
    os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(PictureLimits().max_pixels))
    import cv2

    cv2.setNumThreads(1)
    return cv2


def inspect(content: bytes, limits: PictureLimits) -> PictureInfo:
    """Reads the header only. Raises PictureRefused."""
    if len(content) > limits.max_bytes:
        raise PictureRefused(FaceReason.TOO_LARGE, f"{len(content)} bytes, at most {limits.max_bytes}")
    info = _header(content)
    if not info.width or not info.height:
        raise PictureRefused(FaceReason.UNREADABLE, "a picture without a size")
    if max(info.width, info.height) > limits.max_side or info.width * info.height > limits.max_pixels:
        raise PictureRefused(FaceReason.TOO_MANY_PIXELS, f"{info.width} × {info.height}, at most {limits.max_pixels}")
    if info.kind == "jpeg" and content.count(SOS) > limits.scans:
        raise PictureRefused(FaceReason.UNREADABLE, f"more than {limits.scans} scans")
    return info


def _header(content: bytes) -> PictureInfo:
    if content.startswith(b"\xff\xd8\xff"):
        # Decoders fill up what is missing with grey: half a face must not be enrolled.
        if content.rfind(EOI) < content.rfind(SOS) or SOS not in content:
            raise PictureRefused(FaceReason.UNREADABLE, "a JPEG that ends too early")
        return _jpeg(content)
    if content.startswith(PNG):
        return _png(content)
    raise PictureRefused(FaceReason.TYPE, f"begins with {content[:8]!r}")


def _png(content: bytes) -> PictureInfo:
    """Every chunk is walked: OpenCV takes as much memory as a chunk says it needs (2 GB from a turned bit)."""
    at = len(PNG)
    kinds: set[bytes] = set()
    while b"IEND" not in kinds:
        length, kind = int.from_bytes(content[at : at + 4], "big"), content[at + 4 : at + 8]
        end = at + 8 + length
        if end + 4 > len(content):
            raise PictureRefused(FaceReason.UNREADABLE, "a PNG that ends too early")
        if zlib.crc32(content[at + 4 : end]) != int.from_bytes(content[end : end + 4], "big"):
            raise PictureRefused(FaceReason.UNREADABLE, f"a PNG with a damaged {kind!r}")
        if kind in MOVING or (kind == b"IHDR") != (not kinds) or (not kinds and length != 13):
            raise PictureRefused(FaceReason.UNREADABLE, f"a PNG with a {kind!r} out of place")
        kinds.add(kind)
        at = end + 4
    return PictureInfo("png", int.from_bytes(content[16:20], "big"), int.from_bytes(content[20:24], "big"))


def _jpeg(content: bytes) -> PictureInfo:
    """The first frame header, found as decoders find it; they refuse a second one."""
    at = 2
    while (at := content.find(b"\xff", at)) >= 0 and at + 4 <= len(content):
        marker = content[at + 1]
        if marker in (0x00, 0xFF):  # a stuffed byte, a fill byte
            at += 1
        elif marker in ALONE:
            at += 2
        elif marker in (SOS[1], EOI[1]):
            break
        elif marker in FRAMES and len(content) >= at + 9:
            height, width = (int.from_bytes(content[at + n : at + n + 2], "big") for n in (5, 7))
            return PictureInfo("jpeg", width, height)
        else:
            at += 2 + int.from_bytes(content[at + 2 : at + 4], "big")
    raise PictureRefused(FaceReason.UNREADABLE, "a JPEG without a frame header")


def decode(content: bytes, limits: PictureLimits) -> NDArray[np.uint8]:
    """(height, width, 3), uint8, BGR, turned upright by its EXIF note. Raises PictureRefused. Blocking."""
    info = inspect(content, limits)
    cv2 = open_cv()
    import numpy as np

    try:
        image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    except (cv2.error, MemoryError) as error:
        raise PictureRefused(FaceReason.UNREADABLE, str(error)[:200]) from error
    if image is None:
        raise PictureRefused(FaceReason.UNREADABLE, f"a {info.kind} that cannot be decoded")
    if sorted(image.shape[:2]) != sorted((info.height, info.width)) or image.shape[2:] != (3,):
        raise PictureRefused(FaceReason.UNREADABLE, f"decoded to {image.shape}, the header said otherwise")
    decoded: NDArray[np.uint8] = image
    return decoded
