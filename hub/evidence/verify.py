"""(P) Whether an evidence bundle or PDF is as the hub signed it, and if not, where it was changed. Needs nothing of a hub.

Only the standard library, `cryptography` and the two formats: it runs on a machine that has nothing but the command.
"""

from __future__ import annotations

import base64
import binascii
import io
import json
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from hub.evidence import bundle, seal
from hub.evidence.archive import Entry, Piece, first_entry, pieces
from hub.evidence.bundle import MANIFEST, SIGNATURE, canonical, sha256
from hub.evidence.logcheck import check_log

MOST_NAMED = 20
MOST_BYTES = 1 << 26
WRITTEN_ANEW = "this zip file was written by another program: it is not the one that the hub made"


@dataclass(frozen=True, slots=True)
class Verdict:
    """`problems`: each names the entry (or the part of the PDF) that is not as it was signed; empty: it holds.

    `public_key`: the key it was signed with, as it carries it; `pinned`: it is the one that was asked for.
    """

    problems: tuple[str, ...]
    public_key: bytes = b""
    pinned: bool = False
    about: dict[str, Any] = field(default_factory=dict)
    entries: int = 0

    @property
    def holds(self) -> bool:
        return not self.problems


def verify(data: bytes, pinned: bytes | None = None) -> Verdict:
    """A bundle (zip) or a sealed PDF. `pinned`: the public key it must be signed with (32 bytes)."""
    found = (
        _verify_pdf(data) if data[:5] == b"%PDF-" or (seal.MARK in data[-(1 << 20) :] and data[:2] != b"PK") else None
    )
    found = found or _verify_bundle(data)
    if not found.public_key or pinned is None:
        return found
    if found.public_key != pinned:
        told = f"signed with another key than the one given: {bundle.fingerprint(found.public_key)}"
        return Verdict((*found.problems, told), found.public_key, False, found.about, found.entries)
    return Verdict(found.problems, found.public_key, True, found.about, found.entries)


# --- bundles ------------------------------------------------------------------------------------------------------------


def _verify_bundle(data: bytes) -> Verdict:
    manifest = first_entry(data, 0, MANIFEST)
    if manifest is None:
        return _rewritten(data) or Verdict((f"{MANIFEST}: damaged, or this is no evidence bundle",))
    listed = _parsed(manifest)
    if listed is None:
        return Verdict((f"{MANIFEST}: not as this format writes it",))
    start = _after(data, MANIFEST, manifest)
    signature = first_entry(data, start, SIGNATURE)
    if signature is None:
        return Verdict((f"{SIGNATURE}: damaged",))
    problem, key = _signed(manifest, signature)
    if problem:
        return Verdict((problem,), key)
    about = dict(listed.get("about", {}))
    return _entries(data, _after(data, SIGNATURE, signature, start), listed, (manifest, signature), key, about)


def _rewritten(data: bytes) -> Verdict | None:
    """A zip that another program wrote: never the file that the hub made, but what is not as it was signed can be named still."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as file:
            sizes = {one.filename: one.file_size for one in file.infolist()}
            if max(sizes.get(MANIFEST, MOST_BYTES), sizes.get(SIGNATURE, MOST_BYTES)) >= MOST_BYTES:
                return None
            manifest, signature = file.read(MANIFEST), file.read(SIGNATURE)
            listed = _parsed(manifest)
            problem, key = _signed(manifest, signature)
            if listed is None or problem:
                return Verdict((problem or f"{MANIFEST}: not as this format writes it",), key)
            found = list(_named(file, listed, sizes))
            if not found and len(data) == _own_size(manifest, signature, listed):
                return None  # the hub's file with a damaged header
            problems = [WRITTEN_ANEW, *found]
    except (zipfile.BadZipFile, KeyError, EOFError, OSError, ValueError, RuntimeError, zlib.error):
        return None
    return Verdict(tuple(problems[:MOST_NAMED]), key, False, dict(listed.get("about", {})), len(listed["entries"]))


def _own_size(manifest: bytes, signature: bytes, listed: dict[str, Any]) -> int:
    """How long the file was that the hub made."""
    sizes = [(MANIFEST, len(manifest)), (SIGNATURE, len(signature))]
    sizes += [(str(one["name"]), int(one["size"])) for one in listed["entries"]]
    bare = sum(len(piece.content) for piece in pieces([Entry(name, b"") for name, _ in sizes]))
    return bare + sum(size for _, size in sizes)


def _named(file: zipfile.ZipFile, listed: dict[str, Any], sizes: dict[str, int]) -> Iterator[str]:
    """Which entries are missing, changed or not the hub's. No more of an entry is read than the manifest says it has."""
    known = {str(one["name"]): one for one in listed["entries"]}
    for name, one in known.items():
        if name not in sizes:
            yield f"{name}: missing"
        elif sizes[name] != one["size"] or sha256(file.read(name)) != one["sha256"]:
            yield f"{name}: changed"
    for name in sizes.keys() - known.keys() - {MANIFEST, SIGNATURE}:
        yield f"{name}: not in the manifest, added by somebody"


def _after(_data: bytes, name: str, content: bytes, start: int = 0) -> int:
    return start + sum(len(piece.content) for piece in list(pieces([Entry(name, content)]))[:2])


def _parsed(manifest: bytes) -> dict[str, Any] | None:
    """The manifest, if it is written in the one way there is and says what a manifest says."""
    said = _json(manifest)
    if not isinstance(said, dict) or said.get("format") != bundle.FORMAT or canonical(said) != manifest:
        return None
    entries = said.get("entries")
    names = ("name", "size", "sha256", "chain")
    sound = isinstance(entries, list) and all(isinstance(e, dict) and all(n in e for n in names) for e in entries)
    return said if sound else None


def _json(content: bytes) -> Any:
    """None: it is none, or says what this format cannot write (NaN, half of a character)."""
    try:
        said = json.loads(content)
        canonical(said)
    except (ValueError, RecursionError):
        return None
    return said


def _signed(manifest: bytes, signature: bytes) -> tuple[str, bytes]:
    """(problem or empty, the key it carries)."""
    said = _json(signature)
    if not isinstance(said, dict) or canonical(said) != signature:
        return f"{SIGNATURE}: not as this format writes it", b""
    key, sign = _base64(said.get("public_key")), _base64(said.get("signature"))
    if key is None or sign is None or len(key) != 32 or said.get("algorithm") != "Ed25519":
        return f"{SIGNATURE}: not as this format writes it", b""
    if said.get("manifest_sha256") != sha256(manifest):
        return f"{MANIFEST}: not the one that was signed", key
    return ("" if _holds(key, sign, bundle.DOMAIN + manifest) else f"{SIGNATURE}: the signature does not hold"), key


def _holds(key: bytes, sign: bytes, message: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(sign, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def _base64(text: object) -> bytes | None:
    """Only the one way to write these bytes."""
    if not isinstance(text, str):
        return None
    try:
        found = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return found if base64.b64encode(found).decode() == text else None


def _entries(
    data: bytes, at: int, listed: dict[str, Any], first: tuple[bytes, bytes], key: bytes, about: dict[str, Any]
) -> Verdict:
    """The manifest is the hub's: whatever differs from it is named."""
    problems: list[str] = []
    entries = [Entry(MANIFEST, first[0]), Entry(SIGNATURE, first[1])]
    chain = ""
    for one in listed["entries"]:
        name, size = str(one["name"]), int(one["size"])
        start = at + len(_header(name))
        content = data[start : start + size]
        chain = bundle.link(chain, name, str(one["sha256"]))
        if len(content) < size:
            problems.append(f"{name}: cut off, {size - len(content)} bytes are missing")
        elif sha256(content) != one["sha256"]:
            problems.append(f"{name}: changed")
        if chain != one["chain"]:
            problems.append(f"{name}: the chain of hashes does not hold here")
        entries.append(Entry(name, content))
        at = start + size
    if not problems and chain != listed.get("root"):
        problems.append(f"{MANIFEST}: its root is not the end of the chain")
    problems += _structure(data, entries) if not problems else []
    if not problems:
        problems += check_log({entry.name: entry.content for entry in entries})
    return Verdict(tuple(problems[:MOST_NAMED]), key, False, about, len(listed["entries"]))


def _header(name: str) -> bytes:
    return next(pieces([Entry(name, b"")])).content


def _structure(data: bytes, entries: Sequence[Entry]) -> list[str]:
    """What is between the contents: there is one way to write it."""
    problems, end = [], 0
    for piece in pieces(entries):
        end = piece.start + len(piece.content)
        if data[piece.start : end] != piece.content:
            problems.append(_differs(piece))
    if len(data) > end:
        problems.append(f"{len(data) - end} bytes stand after the end of the zip file")
    return problems


def _differs(piece: Piece) -> str:
    return f"{piece.owner}: changed"


# --- PDF ----------------------------------------------------------------------------------------------------------------


def _verify_pdf(data: bytes) -> Verdict:
    at = data.rfind(seal.MARK)
    end = data.find(b"\n", at)
    if at < 0 or end < 0:
        return Verdict(("seal: missing or damaged; this PDF proves nothing by itself",))
    body_text, _, sign_text = data[at + len(seal.MARK) : end].decode("latin-1").partition(".")
    body, sign = _base64(body_text), _base64(sign_text)
    said = _json(body) if body is not None else None
    if body is None or sign is None or not isinstance(said, dict) or canonical(said) != body:
        return Verdict(("seal: damaged",))
    key = _base64(said.get("public_key"))
    if key is None or len(key) != 32 or said.get("format") != seal.FORMAT:
        return Verdict(("seal: damaged",))
    if not _holds(key, sign, seal.DOMAIN + body):
        return Verdict(("seal: the signature does not hold",), key)
    return Verdict(tuple(_pdf_problems(data, at, end, said)), key, False, dict(said.get("about", {})), 1)


def _pdf_problems(data: bytes, at: int, end: int, said: dict[str, Any]) -> list[str]:
    pdf = data[:at] + data[end + 1 :]
    found, wanted = seal.blocks(pdf), list(said["blocks"])
    problems = [
        f"pages: bytes {i * seal.BLOCK} to {min((i + 1) * seal.BLOCK, len(pdf)) - 1} of the PDF are changed"
        for i, (one, other) in enumerate(zip(found, wanted, strict=False))
        if one != other
    ]
    if len(pdf) != said["size"]:
        problems.insert(0, f"pages: the PDF has {len(pdf)} bytes instead of {said['size']}")
    if at != said["at"]:
        problems.insert(0, "seal: not where it was set")
    return problems[:MOST_NAMED]
