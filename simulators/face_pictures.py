"""How a face terminal takes a picture: from base64 or by its own download, with the limits and refusals of the manual."""

from __future__ import annotations

import base64
import binascii
import io
from enum import StrEnum

import aiohttp
from PIL import Image, ImageDraw, ImageStat, UnidentifiedImageError

MAX_BYTES = 1_000_000
MIN_URI_BYTES = 1000
_UNIFORM_STDDEV = 6.0


class PictureFault(StrEnum):
    """Why a picture was not taken; the number on the wire depends on the operator (see the tables below)."""

    BAD_BASE64 = "base64 bad"
    NO_FACE = "no face feature"
    TOO_SMALL = "picture smaller than 1000 bytes"
    TOO_LARGE = "picture larger than 1 MB"
    DNS = "host of the URI not resolved"
    DOWNLOAD = "download failed or timed out"
    EMPTY = "URI gave nothing"
    MISSING = "neither pic nor picURI"


# The same number means different things per operator and level (device_protocols.md 1.8).
EDIT_CODES: dict[PictureFault, int] = {
    PictureFault.BAD_BASE64: 463,
    PictureFault.NO_FACE: 464,
    PictureFault.TOO_SMALL: 468,
    PictureFault.EMPTY: 468,
    PictureFault.TOO_LARGE: 469,
    PictureFault.DNS: 470,
    PictureFault.DOWNLOAD: 471,
    PictureFault.MISSING: 472,
}
BATCH_CODES: dict[PictureFault, int] = {
    PictureFault.DNS: 464,
    PictureFault.DOWNLOAD: 465,
    PictureFault.EMPTY: 466,
    PictureFault.TOO_LARGE: 467,
    PictureFault.NO_FACE: 468,
    PictureFault.TOO_SMALL: 468,
    PictureFault.BAD_BASE64: 468,
    PictureFault.MISSING: 481,
}


class PictureRefused(Exception):
    """The picture was not taken, for this reason."""

    def __init__(self, fault: PictureFault) -> None:
        super().__init__(fault.value)
        self.fault = fault


def check_face(data: bytes) -> bytes:
    """Return the JPEG if it can hold a face. The simulator's rule: a picture of (almost) one colour has none."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            if image.format != "JPEG":
                raise PictureRefused(PictureFault.NO_FACE)
            small = image.convert("RGB").resize((64, 64))
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError) as error:
        raise PictureRefused(PictureFault.NO_FACE) from error
    if max(ImageStat.Stat(small).stddev) < _UNIFORM_STDDEV:
        raise PictureRefused(PictureFault.NO_FACE)
    return data


def from_data_uri(text: str) -> bytes:
    """Decode ``data:image/jpeg;base64,…`` (the prefix may be missing) and look for a face."""
    body = text.partition(",")[2] if text.startswith("data:") else text
    try:
        data = base64.b64decode(body, validate=True)
    except binascii.Error as error:
        raise PictureRefused(PictureFault.BAD_BASE64) from error
    if len(data) > MAX_BYTES:
        raise PictureRefused(PictureFault.TOO_LARGE)
    return check_face(data)


async def from_uri(session: aiohttp.ClientSession, uri: str, timeout_s: float) -> bytes:
    """Download the picture as the terminal does and look for a face; at most 1 MB is read."""
    try:
        async with session.get(uri, timeout=aiohttp.ClientTimeout(total=timeout_s)) as response:
            if response.status != 200:
                raise PictureRefused(PictureFault.DOWNLOAD)
            data = await _read_at_most(response.content, MAX_BYTES + 1)
    except aiohttp.ClientConnectorDNSError as error:
        raise PictureRefused(PictureFault.DNS) from error
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        raise PictureRefused(PictureFault.DOWNLOAD) from error
    if not data:
        raise PictureRefused(PictureFault.EMPTY)
    if len(data) < MIN_URI_BYTES:
        raise PictureRefused(PictureFault.TOO_SMALL)
    if len(data) > MAX_BYTES:
        raise PictureRefused(PictureFault.TOO_LARGE)
    return check_face(data)


async def _read_at_most(stream: aiohttp.StreamReader, limit: int) -> bytes:
    data = bytearray()
    async for chunk in stream.iter_any():
        data += chunk
        if len(data) >= limit:
            break
    return bytes(data[:limit])


def to_data_uri(data: bytes) -> str:
    """The wire form of a picture."""
    return "data:image/jpeg;base64," + base64.b64encode(data).decode("ascii")


def snapshot(caption: str) -> bytes:
    """A small JPEG as the terminal takes at a pass: obviously artificial, with the device time on it."""
    image = Image.new("RGB", (160, 120), (52, 64, 80))
    draw = ImageDraw.Draw(image)
    draw.ellipse((50, 15, 110, 90), fill=(205, 190, 170))
    draw.text((6, 104), caption, fill=(255, 255, 255))
    out = io.BytesIO()
    image.save(out, "JPEG", quality=60)
    return out.getvalue()
