"""Pictures at passes, only where the estate's policy allows them: taken, kept bounded, noted, uploaded, deleted."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import aiohttp
import msgspec

from device_drivers.contract.edge_http import SNAPSHOT_PATH
from device_drivers.contract.events import SnapshotTaken
from device_drivers.contract.words import CommandOutcome, PictureProof
from device_drivers.driver import DeviceRefused, DeviceUnreachable, Picture
from edge_agent.box import Box, Pass
from edge_agent.clock import wait_event
from edge_agent.config import write_atomic
from edge_agent.photos import expire, files_in, trim
from edge_agent.strangers import StrangerPictures
from edge_agent.worker import Worker

log = logging.getLogger(__name__)
LIMIT = 500 << 20  # bytes kept on the box
MAX_PICTURE = 4 << 20
RETRY_S = (1.0, 5.0, 30.0, 120.0)
AT_ONCE = 4
OF_THE_PICTURE = frozenset({400, 413, 415, 422})  # said of this one; tried again with the rest, until its days are over
UPLOAD_S = 4.0  # a command waits so long for its picture to arrive at the hub
UNPROVED = "（摄像机无法证明这是刚拍的照片，请核对画面上的时间）"
REFUSED_BY_HUB = "平台按本小区政策拒收照片，照片已删除。"


class _Side(msgspec.Struct, frozen=True):
    """What stands beside a stored picture until it is uploaded."""

    access_point: str
    camera: str
    taken_at: str
    proof: str = PictureProof.NONE.value


class Snapshots:
    """`on_pass` and `take` start a task each; `run` uploads whatever lies in the folder, oldest first."""

    def __init__(
        self,
        folder: Path,
        box: Box,
        worker: Callable[[str], Worker | None],
        session: aiohttp.ClientSession,
        base_url: str,
        secret: str,
        limit: int = LIMIT,
    ) -> None:
        self.folder, self.box, self.worker = folder, box, worker
        self.session, self.base_url, self.secret, self.limit = session, base_url.rstrip("/"), secret, limit
        self._tasks: set[asyncio.Task[None]] = set()
        self._new = asyncio.Event()
        self._waiting: dict[str, asyncio.Future[bool]] = {}  # who asked for a picture waits for its upload
        self.strangers = StrangerPictures(folder.with_name("strangers"), lambda: box.policy.stranger_hours)

    def on_pass(self, passed: Pass) -> None:
        if not self.box.policy.snapshots:
            return
        if not passed.known and not self.strangers.hours:
            return  # a stranger has consented to nothing: the refusal is recorded, no picture of anybody is
        if len(self._tasks) >= AT_ONCE * 4:  # a rush at the gate: the passes themselves are never dropped, pictures are
            return
        if passed.camera and (camera := self.worker(passed.camera)):
            self._spawn(self._from_camera(camera, passed))
        elif passed.picture:
            proof = PictureProof.DEVICE_TIME if passed.taken_at else PictureProof.NONE
            taken = Picture(passed.picture, passed.taken_at or self.box.clock.now(), proof)
            self._spawn(self._keep(taken, passed.device, passed))

    async def take(self, worker: Worker, access_point: str) -> tuple[CommandOutcome, str]:
        """On command: taken now, uploaded, and answered with its SHA-256. The policy was asked before."""
        camera = self._camera_of(worker, access_point)
        if camera is None:
            return CommandOutcome.UNSUPPORTED, f"设备 {worker.device} 不能拍照，也没有摄像机对着该通行点"
        try:
            picture = await camera.snapshot()
        except (DeviceUnreachable, TimeoutError) as error:
            return CommandOutcome.UNREACHABLE, f"摄像机 {camera.device} 没有给出照片：{error or '未应答'}"
        except DeviceRefused as error:
            return CommandOutcome.REFUSED, f"摄像机 {camera.device} 拒绝拍照：{error}"
        digest = hashlib.sha256(picture.jpeg).hexdigest()
        said = UNPROVED if picture.proof is PictureProof.NONE else ""
        # Before it is kept: the upload may be done before we look again.
        done = self._waiting.setdefault(digest, asyncio.get_running_loop().create_future())
        try:
            if not await self._keep(picture, camera.device, access_point):
                return CommandOutcome.REFUSED, f"摄像机 {camera.device} 的照片无法保存（不是 JPEG 或磁盘已满）"
            async with asyncio.timeout(UPLOAD_S):
                taken = await asyncio.shield(done)
        except TimeoutError:
            return CommandOutcome.DONE, f"已拍照，网络恢复后自动上传：{digest}{said}"
        finally:
            self._waiting.pop(digest, None)
        return (
            (CommandOutcome.DONE, f"已拍照并上传：{digest}{said}")
            if taken
            else (CommandOutcome.REFUSED, REFUSED_BY_HUB)
        )

    def _camera_of(self, worker: Worker, access_point: str) -> Worker | None:
        """The device itself, or the camera that looks at this access point (any of its own where none is named)."""
        if worker.capabilities.snapshots:
            return worker
        bindings = worker.config.access_points
        looking = [b.camera for b in bindings if b.camera and access_point in ("", b.access_point)]
        return self.worker(looking[0]) if looking else None

    def _spawn(self, work: object) -> asyncio.Task[None]:
        task: asyncio.Task[None] = asyncio.create_task(work)  # type: ignore[arg-type]
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _from_camera(self, camera: Worker, passed: Pass) -> None:
        try:
            picture = await camera.snapshot()
        except (DeviceUnreachable, DeviceRefused, TimeoutError) as error:
            log.warning("camera %s gave no picture: %s", camera.device, error or "no answer")
            return
        await self._keep(picture, camera.device, passed)

    async def _keep(self, taken: Picture, camera: str, of: Pass | str) -> bool:
        """`of`: the pass, or the access point that a person wanted to see. False where the picture was not kept."""
        picture = taken.jpeg
        access_point, seq = (of, None) if isinstance(of, str) else (of.access_point, of.seq)
        if not picture.startswith(b"\xff\xd8") or len(picture) > MAX_PICTURE:
            log.warning("camera %s: %d bytes that are no JPEG we keep", camera, len(picture))
            return False
        if isinstance(of, Pass) and not of.known:
            return await self._keep_stranger(picture, taken, access_point)
        digest = hashlib.sha256(picture).hexdigest()
        side = _Side(access_point, camera, taken.taken_at.isoformat(), taken.proof.value)
        try:
            await asyncio.to_thread(self._store, digest, picture, side)
        except OSError as error:  # a full disk: pictures are the first to go
            log.error("picture of %s not kept: %s", camera, error)
            return False
        self.box.record(
            camera, SnapshotTaken(digest, len(picture), access_point, seq, camera, taken.taken_at, taken.proof)
        )
        self._new.set()
        return True

    async def _keep_stranger(self, picture: bytes, taken: Picture, access_point: str) -> bool:
        """On this box alone, for some hours, if at all: no upload, no event besides the refusal itself."""
        try:
            return await asyncio.to_thread(self.strangers.keep, picture, access_point, taken.taken_at)
        except OSError as error:
            log.error("picture of %s not kept: %s", access_point, error)
            return False

    def _store(self, digest: str, picture: bytes, side: _Side) -> None:
        trim(self.folder, self.limit - len(picture))
        write_atomic(self.folder / f"{digest}.json", msgspec.json.encode(side))
        write_atomic(self.folder / f"{digest}.jpg", picture)

    def relieve(self) -> None:
        """The disk is full: half of the pictures go, oldest first. Called on the journal's thread."""
        try:
            trim(self.folder, sum(found.st_size for _, found in files_in(self.folder)) // 2)
        except OSError as error:  # the journal's own thread: it must go on
            log.error("pictures not given up: %s", error)

    async def run(self) -> NoReturn:
        failures = 0
        while True:
            self._new.clear()
            try:
                await asyncio.to_thread(self._expire)
                await self._upload_all()
                failures = 0
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                if not failures:
                    log.warning("pictures cannot be kept or uploaded: %s", error or type(error).__name__)
                failures += 1
            if failures:
                await asyncio.sleep(RETRY_S[min(failures, 4) - 1])
            else:
                await wait_event(self._new, 60.0)

    def _expire(self) -> None:
        expire(self.folder, self.box.policy.snapshot_days * 86_400)
        self.strangers.expire()

    async def _upload_all(self) -> None:
        """Raises the first refusal once all others were tried: what the hub does not take must not hold them up."""
        refused: aiohttp.ClientResponseError | None = None
        files = await asyncio.to_thread(lambda: sorted(files_in(self.folder), key=lambda f: f[1].st_mtime))
        for path in (p for p, _ in files if p.suffix == ".jpg"):
            side_path = path.with_suffix(".json")
            try:
                side = msgspec.json.decode(side_path.read_bytes(), type=_Side)
                picture = path.read_bytes()
            except (FileNotFoundError, ValueError):
                path.unlink(missing_ok=True)
                continue
            try:
                taken = await self._upload(path.stem, picture, side)
            except aiohttp.ClientResponseError as error:
                if error.status not in OF_THE_PICTURE:
                    raise
                refused = refused or error
                continue
            if (waiting := self._waiting.get(path.stem)) and not waiting.done():
                waiting.set_result(taken)
            path.unlink(missing_ok=True)
            side_path.unlink(missing_ok=True)
        if refused:
            raise refused

    async def _upload(self, digest: str, picture: bytes, side: _Side) -> bool:
        """False where the hub's policy forbids the picture."""
        headers = {
            "Authorization": f"Bearer {self.secret}",
            "Content-Type": "image/jpeg",
            "X-Access-Point": side.access_point,
            "X-Taken-At": side.taken_at,
            "X-Camera": side.camera,
            "X-Proof": side.proof,
        }
        url = self.base_url + SNAPSHOT_PATH.format(sha256=digest)
        async with self.session.put(
            url, data=picture, headers=headers, timeout=aiohttp.ClientTimeout(total=30)
        ) as reply:
            if reply.status == 403:  # the policy forbids it meanwhile: the picture is deleted, not kept for later
                log.warning("picture %s refused by the hub's policy: deleted", digest[:12])
                return False
            reply.raise_for_status()
        return True
