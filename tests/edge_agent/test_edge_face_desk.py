"""The face engine at the box: off and saying why, photographs refused with what to do, faces gone with their credentials."""

from __future__ import annotations

import asyncio
import hashlib
import sys
from pathlib import Path
from typing import Any

import pytest
from patience import PATIENCE_S

from device_drivers.driver import CredentialRefused
from edge_agent.face_desk import FaceDesk

sys.path.insert(0, str(Path(__file__).parents[1] / "device_drivers/faces"))
from face_toy_pack import jpeg, scene, write_pack


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pack(tmp_path_factory.mktemp("pack"))


class Lists:
    def __init__(self, *tokens: str) -> None:
        self.tokens: set[str] | None = set(tokens)

    def __call__(self) -> frozenset[str] | None:
        return None if self.tokens is None else frozenset(self.tokens)


async def look(desk: FaceDesk, token: str, photo: bytes) -> str:
    """Empty where it will do, else the code."""
    refused: CredentialRefused | None = None
    try:
        await desk.examine(token, photo, hashlib.sha256(photo).hexdigest())
    except CredentialRefused as error:
        refused = error
    if refused is None:
        return ""
    assert refused.of_photo, "the card is written all the same"
    assert not refused.retry
    assert any("\u4e00" <= c <= "\u9fff" for c in refused.text), "it says what a clerk can do"
    return refused.code


@pytest.mark.parametrize("note", ["missing", "none"])
def test_without_a_licensed_pack_it_is_off_and_terminals_judge(tmp_path: Path, note: str) -> None:
    async def work() -> None:
        folder = write_pack(tmp_path / "pack", note=None) if note == "none" else tmp_path / "nowhere"
        desk = FaceDesk(folder, tmp_path, "E1", Lists("a"))
        said = await desk.start()
        assert said == desk.why != ""
        assert await look(desk, "a", b"no picture at all") == "", "nothing is checked here"
        assert not (tmp_path / "faces.db").exists()
        desk.close()

    asyncio.run(work())


def test_a_photograph_is_checked_once_and_kept_sealed_until_its_credential_goes(
    pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge_agent.face_desk.LOOK_S", 0.02)

    async def work() -> None:
        lists = Lists("a", "b", "c")
        desk = FaceDesk(pack, tmp_path, "E1", lists)
        await desk.start()
        assert desk.store, desk.why
        assert await look(desk, "a", jpeg(scene(1))) == ""
        assert await look(desk, "b", jpeg(scene(2))) == ""
        assert await look(desk, "c", jpeg(scene())) == "photo_no_face"
        assert await look(desk, "c", jpeg(scene(1))) == "photo_too_similar", "1:N could not tell the two apart"
        assert await look(desk, "stranger", jpeg(scene(3))) == "", "who is on no list leaves no face"
        assert set(desk.store.photos()) == {"a", "b"}
        monkeypatch.setattr(desk.engine, "enrol", None)
        assert await look(desk, "a", jpeg(scene(1))) == "", "fifty terminals ask for one check"
        lists.tokens = None
        running = asyncio.create_task(desk.run())
        await asyncio.sleep(0.1)
        assert set(desk.store.photos()) == {"a", "b"}, "before the lists are loaded nothing is forgotten"
        lists.tokens = {"b"}
        async with asyncio.timeout(PATIENCE_S):
            while set(desk.store.photos()) != {"b"}:  # noqa: ASYNC110 - the desk tells nobody
                await asyncio.sleep(0.01)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        desk.close()

    asyncio.run(work())


def test_the_agent_without_a_pack_loads_none_of_its_libraries() -> None:
    import subprocess

    code = "import edge_agent.agent, sys; print([m for m in ('cv2', 'insightface', 'onnxruntime') if m in sys.modules])"
    done: Any = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
