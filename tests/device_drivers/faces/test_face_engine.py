"""The engine on a pack of the real shapes: insightface's own loading, detection, alignment and embedding run."""

from __future__ import annotations

import asyncio
import dataclasses
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import cv2
import numpy as np
import pytest
from face_toy_pack import detector, embedder, jpeg, png, scene, write_manifest, write_pack
from patience import PATIENCE_S

from device_drivers.faces import (
    Enrolment,
    FaceBusy,
    FaceEngine,
    FaceOff,
    FaceReason,
    Identification,
    OffReason,
    Verification,
)
from device_drivers.faces.match import Gallery, NotComparable, Template
from device_drivers.faces.results import FaceSettings

T = TypeVar("T")
SETTINGS = FaceSettings(same=0.8)  # the toy's faces of two people reach 0.5


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(write_pack(tmp_path_factory.mktemp("faces") / "pack"))


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the face engine opened a socket")

    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, refuse)
    for name in ("create_connection", "getaddrinfo"):
        monkeypatch.setattr(socket, name, refuse)


@pytest.fixture(scope="module")
def engine(pack: Path) -> FaceEngine:
    started = FaceEngine(pack, SETTINGS)
    state = run(started.start())
    assert state.on, state
    return started


@pytest.fixture(scope="module")
def gallery(engine: FaceEngine) -> Gallery:
    return Gallery.of("estate-1", engine.model, {f"t{n}": enrolled(engine, n) for n in range(1, 9)})


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(asyncio.wait_for(work, PATIENCE_S))


def enrolled(engine: FaceEngine, person: int) -> Template:
    result = run(engine.enrol(jpeg(scene(person))))
    assert result.template is not None, result
    return result.template


# --- loading ---------------------------------------------------------------------------------------------------------
def test_a_pack_is_loaded_and_named(engine: FaceEngine) -> None:
    assert engine.state.on
    assert engine.state.licence.startswith("Licensed to the housing office")
    assert "toy" in engine.state.zh


def test_threads_are_pinned(engine: FaceEngine) -> None:
    assert engine._models is not None
    for name, model in engine._models._analysis.models.items():
        options = model.session.get_session_options()
        assert (options.intra_op_num_threads, options.inter_op_num_threads) == (1, 1), name
        assert model.session.get_providers() == ["CPUExecutionProvider"], name
    assert cv2.getNumThreads() == 1


def test_without_a_pack_the_feature_is_off_and_says_why() -> None:
    engine = FaceEngine(None)
    assert run(engine.start()).reason is OffReason.NO_PACK
    assert "刷卡" in engine.state.zh, "the clerk should hear that the other means work"
    calls: list[Callable[[], Coroutine[Any, Any, object]]] = [
        lambda: engine.enrol(b""),
        lambda: engine.identify(b"", Gallery.of("e", "m", {}), estate="e"),
    ]
    for call in calls:
        with pytest.raises(FaceOff) as off:
            run(call())
        assert off.value.reason is OffReason.NO_PACK
    with pytest.raises(FaceOff):
        _ = engine.model


def test_a_missing_directory_is_not_taken_for_the_name_of_a_published_pack(tmp_path: Path) -> None:
    engine = FaceEngine(tmp_path / "buffalo_l")
    assert run(engine.start()).reason is OffReason.PACK_MISSING


def test_before_it_is_started_it_is_off() -> None:
    with pytest.raises(FaceOff) as off:
        run(FaceEngine(None).enrol(b""))
    assert off.value.reason is OffReason.NOT_STARTED


def _garbage(folder: Path) -> None:
    (folder / "rec.onnx").write_bytes(b"\x08\x09no graph" * 50)


def _empty(folder: Path) -> None:
    (folder / "det.onnx").write_bytes(b"")


def _swapped(folder: Path) -> None:
    shutil.copy(folder / "rec.onnx", folder / "x")
    shutil.copy(folder / "det.onnx", folder / "rec.onnx")
    shutil.move(folder / "x", folder / "det.onnx")


def _no_points(folder: Path) -> None:
    detector(folder / "det.onnx", outputs=6)


def _too_few_outputs(folder: Path) -> None:
    detector(folder / "det.onnx", outputs=4)


def _other_length(folder: Path) -> None:
    embedder(folder / "rec.onnx", numbers=128)


@pytest.mark.parametrize("spoil", [_garbage, _empty, _swapped, _no_points, _too_few_outputs, _other_length])
def test_a_pack_of_other_graphs_is_refused_at_the_start_not_at_the_door(
    pack: Path, tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    folder = tmp_path / "pack"
    shutil.copytree(pack, folder)
    spoil(folder)
    write_manifest(folder)
    state = run(FaceEngine(folder).start())
    assert (state.on, state.reason) == (False, OffReason.PACK_BROKEN), state
    assert state.text, "a technician needs the library's words"


def test_importing_the_feature_loads_none_of_its_libraries() -> None:
    """An edge box without faces must not pay for them."""
    code = (
        "import sys, device_drivers.faces\n"
        "print([m for m in ('numpy', 'cv2', 'insightface', 'onnxruntime', 'skimage') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert done.stdout.strip() == "[]"


def test_without_the_libraries_the_feature_is_off(pack: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "device_drivers.faces.models", raising=False)
    monkeypatch.setitem(sys.modules, "insightface.app", None)
    assert run(FaceEngine(pack).start()).reason is OffReason.NOT_INSTALLED


# --- enrolment -------------------------------------------------------------------------------------------------------
def test_a_good_photograph_gives_a_template(engine: FaceEngine) -> None:
    for encode in (jpeg, png):
        result = run(engine.enrol(encode(scene(1))))
        assert result.ok, result
        assert result.template is not None
        assert result.template.vector.shape == (512,)
        assert result.template.model == engine.model


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        (scene(), FaceReason.NO_FACE),
        (scene(1, 2), FaceReason.MANY_FACES),
        (scene(1, eyes=40), FaceReason.FACE_SMALL),
        (scene(1)[:, 270:], FaceReason.FACE_CUT),
        (scene(1, turn=0.35), FaceReason.POSE),
        (scene(1, roll=25), FaceReason.POSE),
        ((scene(1) * 0.28).astype(np.uint8), FaceReason.DARK),
    ],
)
def test_a_photograph_that_will_not_do(engine: FaceEngine, image: np.ndarray, reason: FaceReason) -> None:
    result = run(engine.enrol(jpeg(np.ascontiguousarray(image))))
    assert result.reasons[:1] == (reason,), result.measures
    assert not result.ok
    assert result.zh.endswith("。")


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"", FaceReason.TYPE), (b"\xff\xd8\xff\xe0", FaceReason.UNREADABLE), (b"GIF89a", FaceReason.TYPE)],
)
def test_bytes_that_are_no_photograph(engine: FaceEngine, content: bytes, reason: FaceReason) -> None:
    assert run(engine.enrol(content)).reasons == (reason,)


def test_a_face_that_is_enrolled_already_is_refused_for_another_person(engine: FaceEngine, gallery: Gallery) -> None:
    again = run(engine.enrol(jpeg(scene(3, seed=9)), gallery))
    assert again.reasons == (FaceReason.TOO_SIMILAR,)
    assert run(engine.enrol(jpeg(scene(30)), gallery)).ok


# --- matching --------------------------------------------------------------------------------------------------------
def test_everybody_is_found_in_another_picture(engine: FaceEngine, gallery: Gallery) -> None:
    for person in range(1, 9):
        frame = jpeg(scene(person, seed=50 + person, eyes=85, roll=6))
        found = run(engine.identify(frame, gallery, estate="estate-1"))
        assert found.token == f"t{person}", found


def test_strangers_are_not_found(engine: FaceEngine, gallery: Gallery) -> None:
    for person in range(100, 106):
        found = run(engine.identify(jpeg(scene(person)), gallery, estate="estate-1"))
        assert found.token is None, found
        assert not run(engine.verify(jpeg(scene(person)), gallery, "t1", estate="estate-1")).same


def test_one_to_one(engine: FaceEngine, gallery: Gallery) -> None:
    frame = jpeg(scene(2, seed=4, eyes=90))
    own = run(engine.verify(frame, gallery, "t2", estate="estate-1"))
    assert own.same, own
    assert not run(engine.verify(frame, gallery, "t3", estate="estate-1")).same
    assert run(engine.verify(frame, gallery, "nobody", estate="estate-1")) == Verification(
        False, why=FaceReason.NO_FACE
    )


def test_two_entries_of_one_face_are_ambiguous(engine: FaceEngine) -> None:
    twins = Gallery.of("e", engine.model, {"a": enrolled(engine, 1), "b": enrolled(engine, 1)})
    found = run(engine.identify(jpeg(scene(1, seed=2)), twins, estate="e"))
    assert found.token is None
    assert found.ambiguous


def test_a_frame_without_a_usable_face(engine: FaceEngine, gallery: Gallery) -> None:
    def why(frame: bytes) -> FaceReason | None:
        return run(engine.identify(frame, gallery, estate="estate-1")).why

    assert why(jpeg(scene())) is FaceReason.NO_FACE
    assert why(jpeg(scene(1, eyes=24))) is FaceReason.FACE_SMALL
    assert why(b"<html>") is FaceReason.TYPE
    assert why(jpeg(scene(1))[:900]) is FaceReason.UNREADABLE


def test_a_gallery_serves_its_own_estate_and_model_only(engine: FaceEngine, gallery: Gallery) -> None:
    frame = jpeg(scene(1))
    with pytest.raises(NotComparable):
        run(engine.identify(frame, gallery, estate="estate-2"))
    with pytest.raises(NotComparable):
        run(engine.verify(frame, gallery, "t1", estate="estate-2"))
    other = Gallery.of("estate-1", "other", {"t1": Template.of(np.ones(512), "other")})
    with pytest.raises(NotComparable):
        run(engine.identify(frame, other, estate="estate-1"))


def test_no_answer_about_a_passer_by_carries_a_face() -> None:
    """A stranger's embedding cannot be stored by anybody: it is never handed out."""
    for kind in (Identification, Verification):
        names = {field.name for field in dataclasses.fields(kind)}
        assert names <= {"token", "score", "ambiguous", "why", "same"}, (
            f"{kind.__name__} has new fields: may they hold a face?"
        )


# --- one at a time ---------------------------------------------------------------------------------------------------
def test_the_loop_goes_on_and_a_rush_is_refused(pack: Path) -> None:
    async def rush() -> tuple[list[object], int]:
        engine = FaceEngine(pack, FaceSettings(same=0.8, waiting=3))
        await engine.start()
        frame = jpeg(scene(1))
        beats = 0

        async def beat() -> None:
            nonlocal beats
            while True:
                await asyncio.sleep(0.005)
                beats += 1

        heart = asyncio.create_task(beat())
        results = await asyncio.gather(*(engine.enrol(frame) for _ in range(8)), return_exceptions=True)
        heart.cancel()
        assert (await engine.enrol(frame)).ok, "room again after the rush"
        return list(results), beats

    results, beats = run(rush())
    busy = [r for r in results if isinstance(r, FaceBusy)]
    assert len(busy) == 5, results
    assert beats > 3, "the event loop stood still while a model ran"


def test_a_caller_who_gives_up_keeps_the_place_until_the_work_ends(pack: Path) -> None:
    async def give_up() -> None:
        engine = FaceEngine(pack, FaceSettings(waiting=1))
        await engine.start()
        frame, done = jpeg(scene(1)), threading.Event()
        task = asyncio.create_task(engine._run(lambda _models: done.wait(PATIENCE_S)))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        with pytest.raises(FaceBusy):
            await engine.enrol(frame)
        done.set()
        assert (await patiently(engine, frame)).ok

    async def patiently(engine: FaceEngine, frame: bytes) -> Enrolment:
        while True:  # the test's own deadline ends it
            try:
                return await engine.enrol(frame)
            except FaceBusy:
                await asyncio.sleep(0.01)

    run(give_up())
