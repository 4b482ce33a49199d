"""Packs: which are refused, why, and that nothing is ever fetched."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import pytest
from face_toy_pack import NOTE, write_manifest, write_pack
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from device_drivers.faces.pack import read_pack
from device_drivers.faces.words import FaceOff, FaceReason, OffReason, face_zh


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    return Path(write_pack(tmp_path / "pack"))


def off(folder: Path) -> FaceOff:
    with pytest.raises(FaceOff) as raised:
        read_pack(folder)
    return raised.value


def test_a_licensed_pack_is_read(pack: Path) -> None:
    found = read_pack(pack)
    assert found.model == "toy"
    assert found.licence == NOTE.strip()
    assert found.fingerprint.startswith("toy:")


def test_a_missing_directory_is_refused_and_not_fetched(tmp_path: Path) -> None:
    refused = off(tmp_path / "buffalo_l")
    assert refused.reason is OffReason.PACK_MISSING
    assert "never downloaded" in str(refused)
    assert not (tmp_path / "buffalo_l").exists()


def test_a_pack_without_a_licence_note_is_refused_and_told_why(pack: Path) -> None:
    write_manifest(pack, license=None)
    refused = off(pack)
    assert refused.reason is OffReason.NO_LICENCE
    assert "non-commercial research only" in str(refused)
    assert "非商业研究" in face_zh(refused.reason)


@pytest.mark.parametrize("how", ["missing", "empty", "outside", "absolute", "huge", "binary"])
def test_a_licence_note_that_is_none_is_refused(pack: Path, how: str) -> None:
    note = pack / "MODEL.LICENSE"
    if how == "missing":
        note.unlink()
    elif how == "empty":
        note.write_text("  \n")
    elif how in ("outside", "absolute"):
        (pack.parent / "MODEL.LICENSE").write_text(NOTE)
        write_manifest(pack, license="../MODEL.LICENSE" if how == "outside" else str(note))
    else:
        note.write_bytes(b"x" * 70_000 if how == "huge" else b"\xff\xfe\x00")
    assert off(pack).reason is OffReason.NO_LICENCE


@pytest.mark.parametrize("model", ["buffalo_l", "Buffalo_SC", "antelopev2", "raccoon_s"])
def test_published_packs_are_refused_whatever_note_lies_beside_them(pack: Path, model: str) -> None:
    write_manifest(pack, model_id=model)
    assert off(pack).reason is OffReason.RESEARCH_ONLY


@pytest.mark.parametrize(
    "note",
    [
        "For non-commercial research purposes only.",
        "Research only",
        "CC BY-NonCommercial 4.0",
        "仅供学术研究",
        "非商业用途",
    ],
)
def test_a_note_that_forbids_the_use_is_refused(pack: Path, note: str) -> None:
    (pack / "MODEL.LICENSE").write_text(note, encoding="utf-8")
    assert off(pack).reason is OffReason.RESEARCH_ONLY


def test_a_signed_licence_is_verified_not_believed(pack: Path) -> None:
    forged = {
        "license_version": 1, "license_id": "L-1", "issuer": "InsightFace", "model_id": "toy", "grant": "commercial",
        "valid_from": "2026-01-01T00:00:00Z", "signature": "A" * 86,
    }  # fmt: skip
    (pack / "MODEL.LICENSE").write_text(json.dumps(forged))
    assert off(pack).reason is OffReason.LICENCE_INVALID


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        '{"manifest_version": 2}',
        '{"manifest_version": "2", "model_id": "x", "tasks": {}}',
        "\udcff",
        "[" * 9_000,
    ],
)
def test_a_manifest_that_is_none_is_refused(pack: Path, text: str) -> None:
    (pack / "manifest.json").write_bytes(text.encode(errors="surrogateescape"))
    assert off(pack).reason is OffReason.PACK_MANIFEST


def test_a_pack_without_or_with_an_old_manifest_is_refused(pack: Path) -> None:
    write_manifest(pack, manifest_version=1)
    assert off(pack).reason is OffReason.PACK_MANIFEST
    (pack / "manifest.json").unlink()
    assert off(pack).reason is OffReason.PACK_MANIFEST


def test_a_pack_needs_both_models(pack: Path) -> None:
    write_manifest(pack, tasks={"detection": {"file": "det.onnx"}})
    refused = off(pack)
    assert refused.reason is OffReason.PACK_MANIFEST
    assert "recognition" in str(refused)


def test_a_model_file_that_was_changed_or_lies_outside_is_refused(pack: Path) -> None:
    (pack / "rec.onnx").write_bytes((pack / "det.onnx").read_bytes())
    assert off(pack).reason is OffReason.PACK_BROKEN
    write_manifest(pack, tasks={"detection": {"file": "det.onnx"}, "recognition": {"file": "../rec.onnx"}})
    assert off(pack).reason is OffReason.PACK_BROKEN


def test_another_recogniser_is_another_fingerprint(tmp_path: Path, pack: Path) -> None:
    assert read_pack(pack).fingerprint == read_pack(write_pack(tmp_path / "same")).fingerprint
    assert read_pack(pack).fingerprint != read_pack(write_pack(tmp_path / "other", seed=2)).fingerprint


def test_a_deep_manifest_is_refused(pack: Path) -> None:
    (pack / "manifest.json").write_text('{"manifest_version": 2, "more": ' + "[" * 100_000 + "]" * 100_000 + "}")
    assert off(pack).reason is OffReason.PACK_MANIFEST


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["file", "sha256", "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)
NAMES = st.sampled_from(
    ["MODEL.LICENSE", "", ".", "..", "/", "\0", "a" * 5_000, "det.onnx", "../../etc/passwd"]
) | st.text(max_size=6)
TASKS = st.dictionaries(
    st.sampled_from(["detection", "recognition", "x"]), st.fixed_dictionaries({"file": NAMES}) | JSON
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(version=st.just(2) | JSON, model=st.just("toy") | JSON, note=NAMES | JSON, tasks=TASKS | JSON)
def test_any_manifest_is_a_pack_or_refused(
    pack: Path, version: object, model: object, note: object, tasks: object
) -> None:
    whole = {"manifest_version": version, "model_id": model, "license": note, "tasks": tasks}
    (pack / "manifest.json").write_text(json.dumps(whole))
    with contextlib.suppress(FaceOff):
        assert read_pack(pack).licence


def test_every_reason_has_a_text_in_chinese() -> None:
    for reason in (*FaceReason, *OffReason):
        assert any("一" <= c <= "鿿" for c in face_zh(reason)), f"{reason} tells a clerk nothing"
