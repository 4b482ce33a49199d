"""(P) The signed bundle: a manifest that names and hashes every entry in a chain, its Ed25519 signature, then the entries.

`manifest.json` and `signature.json` come first, so that a reader knows the rest of the file byte by byte.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hub.evidence.archive import Entry, packed

FORMAT = "estate-hub-evidence/1"
MANIFEST, SIGNATURE = "manifest.json", "signature.json"
DOMAIN = b"estate-hub evidence bundle v1\n"
"""What is signed begins with it: a signature of the hub under another kind of message proves nothing here."""

Sign = Callable[[bytes], bytes]


def canonical(value: object) -> bytes:
    """JSON with one way to be written: UTF-8, sorted keys, no spaces."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def link(before: str, name: str, digest: str) -> str:
    """The chain's hash after this entry."""
    return sha256(f"{before}\n{name}\n{digest}".encode())


def manifest_of(entries: Sequence[Entry], about: Mapping[str, Any]) -> dict[str, Any]:
    """`about` goes into the manifest as it is; `root` is the last link of the chain."""
    listed, chain = [], ""
    for entry in entries:
        digest = sha256(entry.content)
        chain = link(chain, entry.name, digest)
        listed.append({"name": entry.name, "size": len(entry.content), "sha256": digest, "chain": chain})
    return {"format": FORMAT, "about": dict(about), "entries": listed, "root": chain}


def bundle(entries: Sequence[Entry], about: Mapping[str, Any], sign: Sign, public_key: bytes) -> bytes:
    """The zip file."""
    manifest = canonical(manifest_of(entries, about))
    return packed([Entry(MANIFEST, manifest), signature_of(manifest, sign, public_key), *entries])


def signature_of(manifest: bytes, sign: Sign, public_key: bytes) -> Entry:
    signed = {
        "algorithm": "Ed25519",
        "manifest_sha256": sha256(manifest),
        "public_key": base64.b64encode(public_key).decode(),
        "signature": base64.b64encode(sign(DOMAIN + manifest)).decode(),
    }
    return Entry(SIGNATURE, canonical(signed))


def fingerprint(public_key: bytes) -> str:
    """SHA-256 of a public key in groups of four, to be read out over the phone."""
    text = sha256(public_key)
    return " ".join(text[i : i + 4] for i in range(0, len(text), 4))
