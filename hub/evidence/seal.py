"""(P) The seal of a PDF: one comment line before its last `startxref`, with the hashes of all its blocks, signed.

A PDF reader skips comments, so the page stays a plain PDF/A; the file carries its own proof and needs no second one beside it.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from hub.evidence.bundle import Sign, canonical, sha256

FORMAT = "estate-hub-evidence-pdf/1"
DOMAIN = b"estate-hub evidence pdf v1\n"
MARK = b"%EstateHubSeal "
BLOCK = 4096
TAIL = b"startxref"


class NotSealable(ValueError):
    """This is no PDF with a cross-reference table at its end."""


def seal(pdf: bytes, about: Mapping[str, Any], sign: Sign, public_key: bytes) -> bytes:
    """The PDF with its seal. `about` stands in the seal as it is."""
    at = pdf.rfind(TAIL)
    if at < 0 or MARK in pdf:
        raise NotSealable("no startxref, or sealed already")
    said = {"format": FORMAT, "about": dict(about), "at": at, "size": len(pdf), "blocks": blocks(pdf)}
    said["public_key"] = base64.b64encode(public_key).decode()
    body = canonical(said)
    line = base64.b64encode(body) + b"." + base64.b64encode(sign(DOMAIN + body))
    return pdf[:at] + MARK + line + b"\n" + pdf[at:]


def blocks(pdf: bytes) -> list[str]:
    return [sha256(pdf[start : start + BLOCK]) for start in range(0, len(pdf), BLOCK)]
