"""Pictures from outside: bombs and wrong types are refused before the decoder, anything else never crashes it."""

from __future__ import annotations

import contextlib
import random
import struct
import subprocess
import sys
import zlib

import cv2
import numpy as np
import pytest
from face_toy_pack import jpeg, png, scene
from hypothesis import given, settings
from hypothesis import strategies as st

from device_drivers.faces.picture import decode, inspect
from device_drivers.faces.results import PictureLimits
from device_drivers.faces.words import FaceReason, PictureRefused

LIMITS = PictureLimits()
FUZZ = PictureLimits(max_pixels=5_000)  # a turned bit in the size would cost 48 MB a case
SMALL = np.random.default_rng(3).integers(0, 255, (24, 32, 3), np.uint8)


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def grey_png(width: int, height: int) -> bytes:
    """A few kilobytes that become width × height pixels."""

    packer = zlib.compressobj(9)
    row = bytes(width + 1)
    body = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def refusal(content: bytes, limits: PictureLimits = LIMITS) -> FaceReason:
    with pytest.raises(PictureRefused) as refused:
        decode(content, limits)
    return refused.value.reason


@pytest.mark.parametrize("encode", [jpeg, png])
def test_a_picture_is_measured_by_its_header_and_decoded_in_colour(encode: object) -> None:
    content = encode(scene(1)[:480])  # type: ignore[operator]
    info = inspect(content, LIMITS)
    assert (info.width, info.height) == (640, 480)
    image = decode(content, LIMITS)
    assert image.shape == (480, 640, 3)
    assert image.dtype == np.uint8


def test_a_grey_picture_becomes_three_channels() -> None:
    assert decode(grey_png(40, 30), LIMITS).shape == (30, 40, 3)


@pytest.mark.parametrize(
    "head", [b"", b"GIF89a", b"BM" + bytes(60), b"RIFF\0\0\0\0WEBPVP8 ", b"II*\0", b"%PDF-1.7", b"<svg>", bytes(200)]
)
def test_other_types_are_refused_by_their_first_bytes(head: bytes) -> None:
    assert refusal(head) is FaceReason.TYPE


def test_too_many_bytes_are_refused_before_anything_else() -> None:
    assert refusal(b"\xff\xd8\xff" + bytes(LIMITS.max_bytes)) is FaceReason.TOO_LARGE


def test_a_picture_bomb_is_refused_by_its_header(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = grey_png(6000, 5000)
    assert len(bomb) < 64 * 1024, "a bomb is small on disk"
    monkeypatch.setattr(cv2, "imdecode", lambda *_: pytest.fail("the decoder saw the bomb"))
    assert refusal(bomb) is FaceReason.TOO_MANY_PIXELS
    wide = b"\xff\xd8\xff\xc0\x00\x11\x08" + struct.pack(">HH", 100, 65_000) + bytes(20) + b"\xff\xda\xff\xd9"
    assert refusal(wide) is FaceReason.TOO_MANY_PIXELS


def test_opencv_itself_refuses_what_the_header_check_would_let_through() -> None:
    """Loaded through our wrapper it has a ceiling of its own, here with a picture that our check never saw."""
    code = (
        "import sys, numpy as np\n"
        "from device_drivers.faces.picture import open_cv\n"
        "cv2 = open_cv()\n"
        "try:\n"
        "    image = cv2.imdecode(np.frombuffer(sys.stdin.buffer.read(), np.uint8), cv2.IMREAD_COLOR)\n"
        "except cv2.error:\n"
        "    image = None\n"
        "print('refused' if image is None else image.shape)"
    )
    done = subprocess.run([sys.executable, "-c", code], input=grey_png(6000, 5000), capture_output=True, check=True)
    assert done.stdout.split() == [b"refused"], done.stdout


def test_a_progressive_picture_that_repeats_its_scans_is_refused() -> None:
    content = bytes(cv2.imencode(".jpg", scene(1)[200:300, 200:300], [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[1])
    assert decode(content, LIMITS).shape == (100, 100, 3)
    last = content[content.rfind(b"\xff\xda") : -2]
    assert refusal(content[:-2] + last * 200 + b"\xff\xd9") is FaceReason.UNREADABLE


def test_a_chunk_that_claims_more_than_the_file_holds_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """OpenCV would take 2 GB for it before it looks."""
    monkeypatch.setattr(cv2, "imdecode", lambda *_: pytest.fail("the decoder saw the chunk"))
    content = png(SMALL)
    assert refusal(content[:33] + struct.pack(">I", 0x7FFF_FFFF) + content[37:]) is FaceReason.UNREADABLE


def test_a_moving_or_disordered_png_is_refused() -> None:
    content = png(SMALL)
    body, end = content[8:-12], content[-12:]
    assert decode(content[:8] + body + end, LIMITS).shape == SMALL.shape
    moving = chunk(b"acTL", struct.pack(">II", 2, 0))
    for wrong in (body[:25] + moving + body[25:], body[25:], body + body[:25]):
        assert refusal(content[:8] + wrong + end) is FaceReason.UNREADABLE


def mended(content: bytes) -> bytes:
    """A PNG's checksums made right again, so that damage reaches the decoder."""
    at, parts = 8, [content[:8]]
    while at + 12 <= len(content):
        length = min(int.from_bytes(content[at : at + 4], "big"), len(content) - at - 12)
        parts.append(chunk(content[at + 4 : at + 8], content[at + 8 : at + 8 + length]))
        at += 12 + length
    return b"".join(parts)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
@pytest.mark.parametrize("encode", [jpeg, png])
def test_half_a_picture_is_not_filled_up_with_grey(encode: object, share: float) -> None:
    content = encode(scene(1))  # type: ignore[operator]
    assert refusal(content[: int(len(content) * share)]) is FaceReason.UNREADABLE


def test_a_telephone_picture_is_turned_upright() -> None:
    content = jpeg(scene(1)[:480])
    tiff = b"MM\0*" + struct.pack(">IH", 8, 1) + struct.pack(">HHIHH", 0x0112, 3, 1, 6, 0) + bytes(4)
    exif = b"Exif\0\0" + tiff
    turned = content[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + content[2:]
    assert decode(turned, LIMITS).shape == (640, 480, 3)


@settings(max_examples=2_000, deadline=None)
@given(st.binary(max_size=400), st.sampled_from([b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0\0\4"]))
def test_any_bytes_are_a_picture_or_refused(content: bytes, head: bytes) -> None:
    with contextlib.suppress(PictureRefused):
        assert decode(head + content, FUZZ).ndim == 3


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32))
def test_any_damage_to_a_picture_is_a_picture_or_refused(seed: int) -> None:
    """100 cases of 120 pictures each: bytes turned, cut out, doubled."""
    chance = random.Random(seed)
    for whole, last in ((jpeg(SMALL), bytes), (png(SMALL), bytes), (png(SMALL), mended)):
        for _ in range(40):
            content = bytearray(whole)
            for _ in range(chance.randint(1, 6)):
                at = chance.randrange(len(content))
                if (how := chance.randrange(3)) == 0:
                    content[at] = chance.randrange(256)
                elif how == 1:
                    del content[at : at + chance.randrange(1, 20)]
                else:
                    content[at:at] = content[at : at + chance.randrange(1, 40)]
                if not content:
                    break
            try:
                image = decode(last(bytes(content)), FUZZ)
            except PictureRefused:
                continue
            assert image.shape[0] * image.shape[1] <= FUZZ.max_pixels
