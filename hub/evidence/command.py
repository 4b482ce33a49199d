"""`estate-hub verify-evidence`: needs no hub, no database, no network and no other library than the signature's."""

from __future__ import annotations

import base64
import binascii
from pathlib import Path
from typing import Annotated

import typer

from hub.evidence.bundle import fingerprint
from hub.evidence.verify import Verdict, verify

KEY_BYTES = 32


def verify_evidence_command(
    file: Annotated[
        Path, typer.Argument(help="An evidence bundle (.zip) or its report (.pdf).", exists=True, dir_okay=False)
    ],
    key: Annotated[
        str | None,
        typer.Option(help="The hub's public key: hex, base64, or a file. Without it: compare the key that is printed."),
    ] = None,
) -> None:
    """Prove off-line that an evidence bundle or report is as the hub signed it. Status 1: it is not; says which entry."""
    pinned = public_key(key) if key else None
    verdict = verify(file.read_bytes(), pinned)
    for line in told(file.name, verdict):
        typer.echo(line)
    if not verdict.holds:
        raise typer.Exit(1)


def public_key(text: str) -> bytes:
    """32 bytes from hex, base64 or a file with either. Raises typer.BadParameter."""
    file = Path(text)
    if len(text) < 200 and file.is_file():
        raw = file.read_bytes()
        if len(raw) == KEY_BYTES:
            return raw
        text = raw.decode("ascii", errors="replace")
    text = "".join(text.split())
    for decode in (bytes.fromhex, lambda value: base64.b64decode(value, validate=True)):
        try:
            found = decode(text)
        except (ValueError, binascii.Error):
            continue
        if len(found) == KEY_BYTES:
            return found
    raise typer.BadParameter("the key is neither 64 hex digits, nor base64 of 32 bytes, nor a file with one of them")


def told(name: str, verdict: Verdict) -> list[str]:
    """What the command says, line by line."""
    if not verdict.holds:
        return [f"{name}: DOES NOT HOLD", *(f"  {problem}" for problem in verdict.problems)]
    lines = [f"{name}: holds"]
    lines += [f"  {label}: {verdict.about[key]}" for key, label in ABOUT.items() if key in verdict.about]
    lines.append(f"  signed with the key {fingerprint(verdict.public_key)}")
    if not verdict.pinned:
        where = (
            "the key came with the file: compare it with the hub's (校验公钥 on the case's page), or pass that by --key"
        )
        lines.append(f"  {where}: {verdict.public_key.hex()}")
    return lines


ABOUT = {
    "case": "case",
    "made_at": "made at",
    "made_by": "made by",
    "masked": "masked",
    "data_root": "root of the data",
}
