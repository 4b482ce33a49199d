"""The face engine at work on this box: photographs are checked before a terminal gets them, faces go with their credentials.

Without a pack nothing is checked here and every terminal judges by itself, as before; why it is off stands in the box's
status. A photograph that will not do is refused with what a clerk can do about it, and the card works from the same minute.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from device_drivers.driver import CredentialRefused
from device_drivers.faces import Enrolment, FaceBusy, FaceEngine, FaceFailed, FaceOff, face_zh

if TYPE_CHECKING:  # NumPy is loaded where there is a pack
    from edge_agent.face_store import FaceStore

log = logging.getLogger(__name__)
LOOK_S = 5.0
REMEMBERED = 2000


class FaceDesk:
    """`listed`: tokens that may have a face here now; None while the lists are not loaded (nothing is forgotten then).

    A photograph is looked at once, not once a terminal.
    """

    def __init__(
        self, pack: Path | None, root: Path, estate: str, listed: Callable[[], Collection[str] | None]
    ) -> None:
        self.engine = FaceEngine(pack)
        self.root, self.estate, self.listed = root, estate, listed
        self.store: FaceStore | None = None
        self.why = ""
        self._known: dict[tuple[str, str], Enrolment] = {}
        self._alone = asyncio.Lock()

    async def start(self) -> str:
        """What is to be told of it, for people."""
        state = await self.engine.start()
        if not state.on:
            self.why = state.zh
            return self.why
        from edge_agent.face_store import FaceStore, KeyUnsafe

        store = FaceStore(
            self.root / "faces.db", self.root / "faces.key", self.estate, self.engine.model, lambda: self.listed() or ()
        )
        try:
            await asyncio.to_thread(store.open)
        except KeyUnsafe as error:
            self.why = f"人脸库不能打开：{error}"
            log.error("faces: %s", error)
            return self.why
        self.store = store
        return state.zh

    def close(self) -> None:
        if self.store:
            self.store.close()

    async def run(self) -> NoReturn:
        """A face goes with its credential, within seconds of the list that no longer names it."""
        seen: Collection[str] | None = None
        while True:
            if self.store is not None:
                listed = self.listed()
                if listed is not None and listed != seen:
                    gone = await asyncio.to_thread(self.store.keep_listed)
                    if gone:
                        log.info("faces: %d forgotten with their credentials", gone)
                    self._known = {key: e for key, e in self._known.items() if key[0] in listed}
                    seen = listed
            await asyncio.sleep(LOOK_S)

    async def examine(self, token: str, photo: bytes, sha256: str) -> None:
        """Raises CredentialRefused (`photo_…`) with what to do; a face that will do is kept, sealed. Off: nothing."""
        store = self.store
        if store is None:
            return
        async with self._alone:
            found = self._known.get((token, sha256))
            if found is None:
                found = await self._enrol(store, token, photo)
                if found is None:
                    return
                if len(self._known) < REMEMBERED:
                    self._known[token, sha256] = found
                await self._keep(store, token, found, sha256)
        if found.reasons:
            raise CredentialRefused(token, found.reasons[0].value, "".join(face_zh(r) for r in found.reasons))

    async def _enrol(self, store: FaceStore, token: str, photo: bytes) -> Enrolment | None:
        """None where it cannot be said: the terminal judges."""
        from device_drivers.faces.match import NotComparable

        try:
            others = await asyncio.to_thread(store.gallery, without=token)
            return await self.engine.enrol(photo, others)
        except (FaceOff, FaceBusy, FaceFailed, NotComparable) as error:
            log.warning("a photograph was not checked: %s", error)
            return None

    @staticmethod
    async def _keep(store: FaceStore, token: str, found: Enrolment, sha256: str) -> None:
        if found.template is None:
            return
        from device_drivers.faces.match import NotComparable
        from edge_agent.face_store import NotListed

        try:
            await asyncio.to_thread(store.put, token, found.template, sha256)
        except (NotListed, NotComparable) as error:
            log.info("a face is not kept: %s", error)
