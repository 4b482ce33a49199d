"""A model pack on disk: supplied and licensed by the operator, never fetched. Read and judged before anything is loaded.

DIR/manifest.json   {"manifest_version": 2, "model_id": "…", "license": "MODEL.LICENSE",
                     "tasks": {"detection": {"file": "….onnx", "sha256": "…"}, "recognition": {"file": …}}}
DIR/MODEL.LICENSE   the operator's note (who licensed what to whom), or insightface's signed licence (JSON)
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import msgspec

from device_drivers.faces.words import FaceOff, OffReason

NOTE_MAX = 64 * 1024  # bytes
MANIFEST_MAX = 1 << 20
TASKS = ("detection", "recognition")
# Packs published with insightface 0.x to 2.x; its own words: "non-commercial research purposes only".
PUBLISHED = re.compile(r"(?i)^(buffalo|antelope|raccoon)")
RESEARCH = re.compile(r"(?i)non-?\s?commercial|research\s+(use\s+|purposes?\s+)?only|非商业|仅[限供用]于?.{0,6}研究")
NOT_FETCHED = "packs published with insightface are for non-commercial research only; supply a licensed pack"


class Task(msgspec.Struct, frozen=True):
    file: str
    sha256: str | None = None


class Manifest(msgspec.Struct, frozen=True):
    manifest_version: int
    model_id: str
    tasks: dict[str, Task]
    license: str = ""


@dataclass(frozen=True, slots=True)
class FacePack:
    """`fingerprint` is the recogniser's: faces of two fingerprints must never be compared."""

    folder: Path
    model: str
    licence: str
    fingerprint: str


def read_pack(folder: Path) -> FacePack:
    """Raises FaceOff with what is missing. Touches nothing but this folder. Blocking (reads the recogniser once)."""
    if not folder.is_dir():
        raise FaceOff(OffReason.PACK_MISSING, f"{folder} is no directory; models are never downloaded")
    manifest = _manifest(folder / "manifest.json")
    if manifest.manifest_version != 2:
        raise FaceOff(OffReason.PACK_MANIFEST, f"manifest_version {manifest.manifest_version}, 2 is needed")
    licence = _licence(folder, manifest)
    if missing := [t for t in TASKS if t not in manifest.tasks]:
        raise FaceOff(OffReason.PACK_MANIFEST, f"no {' and no '.join(missing)} model in the manifest")
    digests = {name: _check(folder, name, manifest.tasks[name]) for name in TASKS}
    return FacePack(folder, manifest.model_id, licence, f"{manifest.model_id}:{digests['recognition'][:16]}")


def _manifest(path: Path) -> Manifest:
    try:
        if path.stat().st_size > MANIFEST_MAX:
            raise FaceOff(OffReason.PACK_MANIFEST, f"{path} is larger than {MANIFEST_MAX} bytes")
        return msgspec.json.decode(path.read_bytes(), type=Manifest)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise FaceOff(OffReason.PACK_MANIFEST, f"{path}: {error}") from error


def _inside(folder: Path, name: str) -> Path:
    """Raises ValueError for a name that leads out of the pack."""
    relative = PurePosixPath(name)
    path = folder.joinpath(*relative.parts).resolve()
    if relative.is_absolute() or "\0" in name or not path.is_relative_to(folder.resolve()):
        raise ValueError(f"{name!r} leads out of the pack")
    return path


def _licence(folder: Path, manifest: Manifest) -> str:
    """First line of the note. A signed licence is checked with insightface's own keys."""
    if not manifest.license.strip():
        raise FaceOff(OffReason.NO_LICENCE, f"no licence note in the manifest: {NOT_FETCHED}")
    try:
        path = _inside(folder, manifest.license)
        if path.stat().st_size > NOTE_MAX:
            raise ValueError(f"{path} is larger than {NOTE_MAX} bytes")
        note = path.read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        raise FaceOff(OffReason.NO_LICENCE, f"licence note: {error}: {NOT_FETCHED}") from error
    if not note:
        raise FaceOff(OffReason.NO_LICENCE, f"{path} is empty: {NOT_FETCHED}")
    if note.startswith("{"):
        return _signed(path, manifest.model_id)
    if PUBLISHED.match(manifest.model_id) or RESEARCH.search(note):
        raise FaceOff(OffReason.RESEARCH_ONLY, f"{manifest.model_id}: {NOT_FETCHED}")
    return note.splitlines()[0][:200]


def _signed(path: Path, model: str) -> str:
    try:
        from insightface.model_zoo.model_license import ModelLicenseError, verify_model_license
    except ImportError as error:
        raise FaceOff(OffReason.NOT_INSTALLED, str(error)) from error
    try:
        licence = verify_model_license(path, expected_model_id=model)
    except (ModelLicenseError, ValueError, TypeError, OSError) as error:
        raise FaceOff(OffReason.LICENCE_INVALID, str(error)) from error
    if not licence.commercial_use_permitted:
        raise FaceOff(OffReason.RESEARCH_ONLY, f"{model}: signed for non-commercial use; {NOT_FETCHED}")
    return f"{licence.issuer} {licence.license_id}"


def _check(folder: Path, name: str, task: Task) -> str:
    """The file's SHA-256, equal to the manifest's where that states one."""
    try:
        with _inside(folder, task.file).open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, ValueError) as error:
        raise FaceOff(OffReason.PACK_BROKEN, f"{name}: {error}") from error
    if task.sha256 is not None and task.sha256 != digest:
        raise FaceOff(OffReason.PACK_BROKEN, f"{name}: {task.file} does not have the digest of the manifest")
    return digest
