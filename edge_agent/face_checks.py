"""A look at a face where somebody asked for one: 1:1 beside a card, 1:N after the button at a camera. Facts, never a key.

Only residents with a live consent to be recognised at doors (purpose a) have a face here (`face_store`). Who shows a valid
card has passed before the picture is taken, whatever it says. After the button nobody is let in by it: there is no liveness
check, so a person at the console sees who it may be and opens, or not. Pictures are compared and forgotten.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ParamSpec

from device_drivers.contract.device import AccessPointBinding
from device_drivers.contract.events import CameraEvent, FaceCheck
from device_drivers.contract.words import FaceOutcome, IdentifierType, PictureProof
from device_drivers.driver import DeviceRefused, DeviceUnreachable, Picture
from device_drivers.faces import FaceBusy, FaceFailed, FaceOff, FaceReason, face_zh
from edge_agent.box import Box, Pass
from edge_agent.face_desk import FaceDesk

if TYPE_CHECKING:
    from edge_agent.face_store import FaceStore
    from edge_agent.worker import Worker

log = logging.getLogger(__name__)
P = ParamSpec("P")
AT_ONCE = 4
FRESH = timedelta(seconds=10)
BUTTON = "Device/Trigger/DigitalInput"
PRESSED = frozenset({"true", "1", "active", "on"})
SHOWN = (IdentifierType.CARD, IdentifierType.QR, IdentifierType.PIN, IdentifierType.ID_CARD)


class FaceChecks:
    """`worker(device)` finds a camera; `looked_at(camera)` the access points it looks at. Off, and silent, without a pack."""

    def __init__(
        self,
        box: Box,
        desk: FaceDesk,
        worker: Callable[[str], Worker | None],
        looked_at: Callable[[str], tuple[AccessPointBinding, ...]],
    ) -> None:
        self.box, self.desk, self.worker, self.looked_at = box, desk, worker, looked_at
        self._tasks: set[asyncio.Task[None]] = set()

    # Asked

    def on_pass(self, passed: Pass) -> None:
        """Somebody was let in by something that is not the face: is it its holder?"""
        store, token = self.desk.store, passed.credential
        if not self.box.policy.face_checks or store is None or not passed.camera or token is None:
            return
        if passed.granted and passed.identifier in SHOWN:
            self._spawn(self._verify, store, passed.camera, passed.access_point, passed.seq, token)

    def on_camera(self, device: str, seq: int, event: CameraEvent) -> None:
        """The button at a camera was pressed: who wants in wants to be seen. Motion alone asks for nothing."""
        store = self.desk.store
        if not self.box.policy.face_requests or store is None or not pressed(event):
            return
        for binding in self.looked_at(device)[:1]:
            self._spawn(self._identify, store, device, binding.access_point, seq)

    def _spawn(self, look: Callable[P, Coroutine[Any, Any, None]], *args: P.args, **kwargs: P.kwargs) -> None:
        if len(self._tasks) >= AT_ONCE:  # a rush at the gate: the passes themselves are never dropped, looks are
            return
        task = asyncio.create_task(look(*args, **kwargs))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # Answered

    async def _verify(self, store: FaceStore, camera: str, access_point: str, seq: int, token: str) -> None:
        from device_drivers.faces.match import NotComparable

        gallery = await asyncio.to_thread(store.gallery, only=token)
        if token not in gallery:
            return  # no consent, or no face enrolled: nobody looks
        if (picture := await self._picture(camera)) is None:
            return
        try:
            found = await self.desk.engine.verify(picture.jpeg, gallery, token, estate=self.desk.estate)
        except (FaceOff, FaceBusy, FaceFailed, NotComparable) as error:
            log.warning("a face was not compared: %s", error)
            return
        outcome = FaceOutcome.SAME if found.same else FaceOutcome.DIFFERENT
        self._tell(picture, found.why, outcome, token, (camera, access_point, seq))

    async def _identify(self, store: FaceStore, camera: str, access_point: str, seq: int) -> None:
        from device_drivers.faces.match import NotComparable

        if (picture := await self._picture(camera)) is None:
            return
        gallery = await asyncio.to_thread(store.gallery)
        try:
            found = await self.desk.engine.identify(picture.jpeg, gallery, estate=self.desk.estate)
        except (FaceOff, FaceBusy, FaceFailed, NotComparable) as error:
            log.warning("a face was not looked for: %s", error)
            return
        outcome = FaceOutcome.KNOWN if found.token else FaceOutcome.UNKNOWN
        self._tell(picture, found.why, outcome, found.token, (camera, access_point, seq))

    async def _picture(self, camera: str) -> Picture | None:
        worker = self.worker(camera)
        if worker is None:
            return None
        try:
            return await worker.snapshot()
        except (DeviceUnreachable, DeviceRefused, TimeoutError) as error:
            log.warning("camera %s gave no picture to look at: %s", camera, error or "no answer")
            return None

    def _tell(
        self,
        picture: Picture,
        why: FaceReason | None,
        outcome: FaceOutcome,
        token: str | None,
        where: tuple[str, str, int],
    ) -> None:
        camera, access_point, seq = where
        text = face_zh(why) if why else ""
        if picture.proof is PictureProof.NONE or self.box.clock.now() - picture.taken_at > FRESH:
            outcome, text = FaceOutcome.UNSEEN, "照片不能证明是当时拍摄，不作比对结论"
        elif why:
            outcome = FaceOutcome.UNSEEN
        elif token and token not in (self.desk.listed() or ()):
            return  # the consent, or the credential, ended while we looked
        known = outcome in (FaceOutcome.SAME, FaceOutcome.DIFFERENT, FaceOutcome.KNOWN)
        body = FaceCheck(
            outcome, access_point, seq, camera, token if known else None, picture.taken_at, picture.proof, text
        )
        self.box.record(camera, body)


def pressed(event: CameraEvent) -> bool:
    """A digital input of a camera went on."""
    path = "/".join(part.rsplit(":", 1)[-1] for part in event.topic.split("/"))
    return path == BUTTON and any(value.strip().casefold() in PRESSED for value in event.data.values())
