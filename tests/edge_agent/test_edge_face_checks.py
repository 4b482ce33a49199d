"""Looks at faces: 1:1 beside a card, 1:N after the button. Facts only, of those who agreed, and nothing is kept of anybody."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from edge_twins import TestBox, open_box, run, until

from device_drivers.contract.device import AccessPointBinding, EdgePolicy
from device_drivers.contract.events import CameraEvent, FaceCheck
from device_drivers.contract.words import FaceOutcome, IdentifierType, PictureProof
from device_drivers.driver import DeviceUnreachable, Picture
from device_drivers.faces.results import FaceSettings
from edge_agent.box import Pass
from edge_agent.face_checks import FaceChecks, pressed
from edge_agent.face_desk import FaceDesk
from edge_agent.strangers import StrangerPictures

sys.path.insert(0, str(Path(__file__).parents[1] / "device_drivers/faces"))
from face_toy_pack import jpeg, scene, write_pack

BUTTON = CameraEvent("tns1:Device/Trigger/DigitalInput", "Changed", {"InputToken": "1"}, {"LogicalState": "true"})
BY_CARD = Pass(7, "door-1", "ap1", "cam", True, None, True, "a", IdentifierType.CARD)
BOTH = EdgePolicy(face_checks=True, face_requests=True)


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pack(tmp_path_factory.mktemp("pack"))


class Camera:
    """What it shows is `picture`; `proof` and `age` are what the driver says of it."""

    def __init__(self, box: TestBox) -> None:
        self.box, self.picture, self.proof, self.age = box, jpeg(scene(1)), PictureProof.STREAM, timedelta()
        self.taken = 0

    async def snapshot(self) -> Picture:
        self.taken += 1
        if not self.picture:
            raise DeviceUnreachable("no answer")
        return Picture(self.picture, self.box.box.clock.now() - self.age, self.proof)


@asynccontextmanager
async def checks(tmp_path: Path, pack: Path | None, listed: set[str]) -> Any:
    async with open_box(tmp_path) as box:
        desk = FaceDesk(pack, tmp_path, "E1", lambda: frozenset(listed))
        desk.engine.settings = FaceSettings(same=0.8)
        await desk.start()
        if desk.store:
            for number, token in ((1, "a"), (2, "b")):
                await desk.examine(token, jpeg(scene(number)), f"{number:064x}")
        camera = Camera(box)
        binding = AccessPointBinding("door1", "ap1", camera="cam")
        box.box.policy = BOTH
        asked = FaceChecks(box.box, desk, {"cam": camera}.get, lambda _camera: (binding,))  # type: ignore[arg-type]
        try:
            yield SimpleNamespace(box=box, desk=desk, camera=camera, asked=asked, listed=listed)
        finally:
            await asyncio.gather(*asked._tasks)
            desk.close()


async def said(one: Any) -> list[FaceCheck]:
    await asyncio.gather(*one.asked._tasks)
    await asyncio.gather(*one.box.box._pending)
    return [e.body for e in await one.box.events() if isinstance(e.body, FaceCheck)]


def look(tmp_path: Path, pack: Path | None, scenario: Callable[[Any], Any], *listed: str) -> None:
    async def work() -> None:
        async with checks(tmp_path, pack, set(listed or ("a", "b"))) as one:
            await scenario(one)

    run(work())


def test_a_card_and_the_face_of_its_holder_or_of_somebody_else(pack: Path, tmp_path: Path) -> None:
    async def scenario(one: Any) -> None:
        one.asked.on_pass(BY_CARD)
        (same,) = await said(one)
        assert (same.outcome, same.of_seq, same.credential) == (FaceOutcome.SAME, 7, "a")
        assert (same.access_point, same.camera, same.proof) == ("ap1", "cam", PictureProof.STREAM)
        one.camera.picture = jpeg(scene(2))
        one.asked.on_pass(replace(BY_CARD, seq=8))
        other = (await said(one))[1]
        assert (other.outcome, other.credential) == (FaceOutcome.DIFFERENT, "a"), "and not who it is instead"
        one.camera.picture = jpeg(scene())
        one.asked.on_pass(replace(BY_CARD, seq=9))
        nobody = (await said(one))[2]
        assert (nobody.outcome, nobody.credential) == (FaceOutcome.UNSEEN, None)
        assert nobody.text, "it says why"

    look(tmp_path, pack, scenario)
    assert not list(tmp_path.glob("**/*.jpg")), "no picture is kept for it"


@pytest.mark.parametrize(
    "passed",
    [
        replace(BY_CARD, credential="stranger"),
        replace(BY_CARD, credential=None),
        replace(BY_CARD, granted=False),
        replace(BY_CARD, camera=None),
        replace(BY_CARD, identifier=IdentifierType.FACE),
    ],
)
def test_nobody_is_looked_at_without_consent_or_cause(pack: Path, tmp_path: Path, passed: Pass) -> None:
    async def scenario(one: Any) -> None:
        one.asked.on_pass(passed)
        assert (await said(one), one.camera.taken) == ([], 0), "not even a picture is asked for"

    look(tmp_path, pack, scenario)


def test_off_by_default_off_without_a_pack_and_off_when_consent_ends(pack: Path, tmp_path: Path) -> None:
    async def without_policy(one: Any) -> None:
        one.box.box.policy = EdgePolicy()
        one.asked.on_pass(BY_CARD)
        one.asked.on_camera("cam", 9, BUTTON)
        assert (await said(one), one.camera.taken) == ([], 0)

    async def without_pack(one: Any) -> None:
        one.asked.on_pass(BY_CARD)
        one.asked.on_camera("cam", 9, BUTTON)
        assert (await said(one), one.camera.taken) == ([], 0)
        assert one.desk.why, "and the box says why it is off"

    async def withdrawn(one: Any) -> None:
        one.listed.discard("a")
        one.asked.on_pass(BY_CARD)
        assert (await said(one), one.camera.taken) == ([], 0)

    look(tmp_path / "1", pack, without_policy)
    look(tmp_path / "2", None, without_pack)
    look(tmp_path / "3", pack, withdrawn)


def test_a_consent_that_ends_while_the_picture_is_taken_ends_the_look(pack: Path, tmp_path: Path) -> None:
    async def scenario(one: Any) -> None:
        taken = one.camera.snapshot

        async def meanwhile() -> Picture:
            one.listed.discard("a")
            picture: Picture = await taken()
            return picture

        one.camera.snapshot = meanwhile
        one.asked.on_pass(BY_CARD)
        assert await said(one) == []

    look(tmp_path, pack, scenario)


def test_an_old_or_unproved_picture_says_nothing_of_anybody(pack: Path, tmp_path: Path) -> None:
    async def scenario(one: Any) -> None:
        one.camera.proof = PictureProof.NONE
        one.asked.on_pass(BY_CARD)
        one.camera.proof, one.camera.age = PictureProof.DEVICE_TIME, timedelta(seconds=25)
        await said(one)
        one.asked.on_pass(replace(BY_CARD, seq=8))
        assert [(c.outcome, c.credential) for c in await said(one)] == [(FaceOutcome.UNSEEN, None)] * 2
        one.camera.picture = b""
        one.asked.on_pass(replace(BY_CARD, seq=9))
        assert len(await said(one)) == 2, "no picture, no word"

    look(tmp_path, pack, scenario)


def test_who_presses_the_button_is_looked_for_among_those_who_agreed(pack: Path, tmp_path: Path) -> None:
    async def scenario(one: Any) -> None:
        one.asked.on_camera("cam", 9, CameraEvent("tns1:VideoSource/MotionAlarm", "Changed", {}, {"State": "true"}))
        assert (await said(one), one.camera.taken) == ([], 0), "who walks by asks for nothing"
        one.camera.picture = jpeg(scene(2))
        one.asked.on_camera("cam", 9, BUTTON)
        (known,) = await said(one)
        assert (known.outcome, known.credential, known.of_seq) == (FaceOutcome.KNOWN, "b", 9)
        one.camera.picture = jpeg(scene(3))
        one.asked.on_camera("cam", 10, BUTTON)
        assert [(c.outcome, c.credential) for c in (await said(one))[1:]] == [(FaceOutcome.UNKNOWN, None)]

    look(tmp_path, pack, scenario)


def test_a_button_is_told_from_other_inputs() -> None:
    assert pressed(BUTTON)
    off = CameraEvent(BUTTON.topic, "Changed", {}, {"LogicalState": "false"})
    assert not pressed(off)
    assert not pressed(CameraEvent("tns1:Device/Trigger/Relay", "Changed", {}, {"LogicalState": "active"}))


def test_a_rush_at_the_gate_costs_looks_never_memory(pack: Path, tmp_path: Path) -> None:
    async def scenario(one: Any) -> None:
        for seq in range(100):
            one.asked.on_pass(replace(BY_CARD, seq=seq))
        assert len(one.asked._tasks) <= 4
        await until(lambda: not one.asked._tasks, "those under way")

    look(tmp_path, pack, scenario)


def test_strangers_pictures_are_dropped_unless_hours_are_given_and_gone_when_they_are_taken_back(
    tmp_path: Path,
) -> None:
    async def work() -> None:
        async with open_box(tmp_path) as box:
            kept = StrangerPictures(tmp_path / "strangers", lambda: box.box.policy.stranger_hours)
            now = box.box.clock.now()
            assert not kept.keep(b"\xff\xd8x", "ap1", now), "dropped: the default"
            assert not (tmp_path / "strangers").exists()
            box.box.policy = EdgePolicy(stranger_hours=2)
            assert kept.keep(b"\xff\xd8x", "ap/../1", now)
            (file,) = (tmp_path / "strangers").iterdir()
            kept.expire()
            assert file.exists()
            box.box.policy = EdgePolicy(stranger_hours=10_000)
            assert kept.hours == 72, "whatever the wire says"
            box.box.policy = EdgePolicy()
            kept.expire()
            assert not file.exists(), "the policy took it back: what lies here goes"

    run(work())
