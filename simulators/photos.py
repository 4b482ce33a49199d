"""Made-up, obviously artificial portraits: a drawing per person, the same for the same person and seed.

`face_photo` gives a JPEG of 5–20 kB and 360 × 480 pixels. `blank_photo` is one uniform grey: a picture in which no
terminal finds a face, as offices really hold some.
"""

from __future__ import annotations

import hashlib
import io
import zlib

import numpy as np
from PIL import Image, ImageDraw

WIDTH, HEIGHT = 360, 480
SKIN = ((244, 208, 177), (234, 192, 158), (222, 176, 140), (250, 220, 192))
HAIR = ((28, 24, 22), (52, 40, 34), (92, 84, 82), (176, 172, 170))


def photo(person_id: str, seed: int, face: str) -> bytes:
    """The JPEG which the office holds of this person: `face` is "good" or "blank"."""
    if face == "blank":
        return blank_photo(person_id)
    if face == "good":
        return face_photo(person_id, seed)
    raise ValueError(f"no photo is held for face={face!r}")


def sha256_of(data: bytes) -> str:
    """Hex digest that names the picture."""
    return hashlib.sha256(data).hexdigest()


def blank_photo(person_id: str) -> bytes:
    """A uniform grey JPEG; the shade differs per person so that the digests differ. At least 1,000 bytes."""
    shade = 120 + zlib.crc32(person_id.encode()) % 60
    return _jpeg(Image.new("RGB", (WIDTH, HEIGHT), (shade, shade, shade)), comment=person_id)


def face_photo(person_id: str, seed: int) -> bytes:
    """A drawn face with own proportions, colours and paper grain."""
    rng = np.random.default_rng([seed, 6, zlib.crc32(person_id.encode())])
    backdrop = tuple(int(v) for v in rng.integers(150, 235, 3))
    image = Image.new("RGB", (WIDTH, HEIGHT), backdrop)
    _head(ImageDraw.Draw(image), rng)
    grain = rng.integers(0, 14, (HEIGHT // 3, WIDTH // 3), dtype=np.uint8).repeat(3, 0).repeat(3, 1)
    pixels = np.asarray(image, dtype=np.uint8) - np.minimum(grain[:, :, None], np.asarray(image, dtype=np.uint8))
    return _jpeg(Image.fromarray(pixels), comment=person_id)


def _head(draw: ImageDraw.ImageDraw, rng: np.random.Generator) -> None:
    skin, hair = SKIN[int(rng.integers(len(SKIN)))], HAIR[int(rng.integers(len(HAIR)))]
    coat = tuple(int(v) for v in rng.integers(30, 160, 3))
    cx, cy = WIDTH // 2 + int(rng.integers(-8, 9)), 215 + int(rng.integers(-10, 11))
    rx, ry = int(rng.integers(88, 112)), int(rng.integers(112, 140))
    draw.ellipse((cx - 165, 375, cx + 165, 620), fill=coat)
    draw.rectangle((cx - 36, cy + ry - 30, cx + 36, 400), fill=skin)
    draw.ellipse((cx - rx - 14, cy - ry - 26, cx + rx + 14, cy + int(rng.integers(10, 60))), fill=hair)
    draw.ellipse((cx - rx, cy - ry, cx + rx, cy + ry), fill=skin, outline=(120, 90, 70), width=2)
    draw.pieslice((cx - rx, cy - ry - 8, cx + rx, cy - int(rng.integers(20, 55))), 180, 360, fill=hair)
    gap, eye_y, size = int(rng.integers(34, 48)), cy - int(rng.integers(8, 24)), int(rng.integers(9, 15))
    for side in (-1, 1):
        x = cx + side * gap
        draw.ellipse((x - size - 6, eye_y - size, x + size + 6, eye_y + size), fill="white", outline=(60, 50, 50))
        draw.ellipse((x - size // 2, eye_y - size // 2, x + size // 2, eye_y + size // 2), fill=(30, 24, 20))
        brow = eye_y - size - int(rng.integers(8, 16))
        draw.line((x - 20, brow + int(rng.integers(-3, 4)), x + 20, brow), fill=hair, width=int(rng.integers(4, 8)))
    nose = int(rng.integers(26, 42))
    draw.line((cx, eye_y + 12, cx - 9, eye_y + 12 + nose, cx + 9, eye_y + 14 + nose), fill=(150, 110, 90), width=3)
    mouth_y, half = cy + int(rng.integers(58, 76)), int(rng.integers(24, 40))
    draw.arc((cx - half, mouth_y - 14, cx + half, mouth_y + 14), 10, 170, fill=(170, 70, 70), width=5)
    if rng.random() < 0.3:  # glasses
        for side in (-1, 1):
            x = cx + side * gap
            draw.rounded_rectangle((x - 30, eye_y - 22, x + 30, eye_y + 22), 8, outline=(20, 20, 20), width=4)
        draw.line((cx - gap + 30, eye_y, cx + gap - 30, eye_y), fill=(20, 20, 20), width=4)


def _jpeg(image: Image.Image, comment: str) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=62, comment=f"simulated portrait {comment}".encode())
    return out.getvalue()
