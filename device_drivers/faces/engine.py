"""FaceEngine: enrolment checks, 1:1 and 1:N on this box, with a pack the operator supplies; off, and saying why, without.

There is no liveness check: a photograph held before the camera can match. Use it to confirm another credential, or on a
terminal's own depth camera; the engine gives no door a key.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from device_drivers.faces.pack import FacePack, read_pack
from device_drivers.faces.picture import decode
from device_drivers.faces.results import Enrolment, FaceSettings, FaceState, Identification, Verification
from device_drivers.faces.words import FaceBusy, FaceOff, FaceReason, OffReason, PictureRefused

if TYPE_CHECKING:
    from device_drivers.faces.match import Gallery, Template
    from device_drivers.faces.models import FaceModels

log = logging.getLogger(__name__)
T = TypeVar("T")


class FaceEngine:
    """One a box. `start` never raises for a bad pack; the others raise FaceOff while it is off, FaceBusy when too many wait."""

    def __init__(self, pack: Path | None, settings: FaceSettings | None = None) -> None:
        self._folder, self.settings = pack, settings or FaceSettings()
        self.state = FaceState(False, OffReason.NOT_STARTED)
        self._models: FaceModels | None = None
        self._alone = threading.Lock()
        self._waiting = 0

    async def start(self) -> FaceState:
        """Reads and loads the pack (0.1 s to some seconds)."""
        try:
            self._models = await asyncio.to_thread(self._load)
        except FaceOff as off:
            self._models, self.state = None, FaceState(False, off.reason, off.text)
            log.warning("faces are off: %s", off)
        else:
            pack = self._models.pack
            self.state = FaceState(True, model=pack.model, licence=pack.licence)
            log.info("faces are on: model %s, licence: %s", pack.model, pack.licence)
        return self.state

    def _load(self) -> FaceModels:
        if self._folder is None:
            raise FaceOff(OffReason.NO_PACK)
        pack: FacePack = read_pack(self._folder)
        try:
            from device_drivers.faces.models import FaceModels
        except ImportError as error:
            raise FaceOff(OffReason.NOT_INSTALLED, str(error)) from error
        return FaceModels.load(pack, self.settings)

    @property
    def model(self) -> str:
        """The fingerprint templates and galleries must carry. Raises FaceOff."""
        return self._on().pack.fingerprint

    def _on(self) -> FaceModels:
        if self._models is None:
            raise FaceOff(self.state.reason or OffReason.NOT_STARTED, self.state.text)
        return self._models

    # --- the one place where blocking work leaves the loop ---------------------------------------------------------
    async def _run(self, work: Callable[[FaceModels], T]) -> T:
        """One picture at a time; a caller that gives up does not make room before its work has really ended."""
        models = self._on()
        if self._waiting >= self.settings.waiting:
            raise FaceBusy(f"{self._waiting} pictures are waiting")
        self._waiting += 1
        task = asyncio.ensure_future(asyncio.to_thread(self._one, work, models))
        task.add_done_callback(self._ended)
        return await asyncio.shield(task)

    def _one(self, work: Callable[[FaceModels], T], models: FaceModels) -> T:
        with self._alone:
            return work(models)

    def _ended(self, task: asyncio.Future[T]) -> None:
        self._waiting -= 1
        if not task.cancelled():
            task.exception()  # seen, also where the caller has gone

    # --- what it does ----------------------------------------------------------------------------------------------
    async def enrol(self, picture: bytes, others: Gallery | None = None) -> Enrolment:
        """Check a photograph; a template where it will do.

        `others`: the estate's gallery without this person; a face that is in it already is refused, since 1:N could not
        tell the two apart. Raises FaceOff, FaceBusy, FaceFailed, NotComparable.
        """
        return await self._run(lambda models: self._enrol(models, picture, others))

    def _enrol(self, models: FaceModels, picture: bytes, others: Gallery | None) -> Enrolment:
        from device_drivers.faces.quality import examine

        try:
            image = decode(picture, self.settings.picture)
        except PictureRefused as refused:
            return Enrolment((refused.reason,))
        faces = models.faces(image)
        reasons, measures = examine(image, faces, self.settings.enrolment)
        if reasons:
            return Enrolment(reasons, None, measures)
        template = models.template(image, faces[0])
        if others is not None and (nearest := others.nearest(template)) and nearest.score >= self.settings.same:
            return Enrolment((FaceReason.TOO_SIMILAR,), None, measures | {"similar": nearest.score})
        return Enrolment((), template, measures)

    async def verify(self, picture: bytes, gallery: Gallery, token: str, *, estate: str) -> Verification:
        """1:1: is the largest face in the picture this credential's? A token without a face is no match.

        Raises FaceOff, FaceBusy, FaceFailed, NotComparable for a gallery of another estate or model.
        """
        _same_estate(gallery, estate)
        if token not in gallery:
            return Verification(False, why=FaceReason.NO_FACE)
        probe = await self._run(lambda models: self._probe(models, picture))
        if isinstance(probe, FaceReason):
            return Verification(False, why=probe)
        score = gallery.score(token, probe)
        return Verification(score >= self.settings.same, score)

    async def identify(self, picture: bytes, gallery: Gallery, *, estate: str) -> Identification:
        """1:N within the gallery's estate, exact. What was seen is compared and forgotten. Raises as `verify`."""
        _same_estate(gallery, estate)
        return await self._run(lambda models: self._identify(models, picture, gallery))

    def _identify(self, models: FaceModels, picture: bytes, gallery: Gallery) -> Identification:
        probe = self._probe(models, picture)
        if isinstance(probe, FaceReason):
            return Identification(why=probe)
        nearest = gallery.nearest(probe)
        if nearest is None or nearest.score < self.settings.same:
            return Identification(score=nearest.score if nearest else None)
        if nearest.score - nearest.second < self.settings.margin:
            return Identification(score=nearest.score, ambiguous=True)
        return Identification(nearest.token, nearest.score)

    def _probe(self, models: FaceModels, picture: bytes) -> Template | FaceReason:
        try:
            image = decode(picture, self.settings.picture)
        except PictureRefused as refused:
            return refused.reason
        faces = models.faces(image)
        if not faces:
            return FaceReason.NO_FACE
        if faces[0].side < self.settings.probe_px:
            return FaceReason.FACE_SMALL
        return models.template(image, faces[0])


def _same_estate(gallery: Gallery, estate: str) -> None:
    if gallery.estate != estate:
        from device_drivers.faces.match import NotComparable

        raise NotComparable(f"a gallery of {gallery.estate} at a door of {estate}")
