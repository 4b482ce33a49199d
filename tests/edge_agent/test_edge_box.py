"""The box itself: clock, pictures, enrolment, watchdog, the service unit, record exports."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import shutil
import socket
import ssl
import stat
import subprocess
import threading
import time
from datetime import datetime, timedelta
from pathlib import Path

import aiohttp
import msgspec
import pytest
from aiohttp import web
from edge_twins import (
    EDGE,
    ESTATE,
    T0,
    Signer,
    TwinDevice,
    access_list,
    credential,
    definition,
    device_config,
    open_box,
    run,
    until,
)
from patience import PATIENCE_S

from device_drivers.contract.device import AccessPointBinding, Capabilities, EdgePolicy
from device_drivers.contract.edge_http import EnrolReply, EnrolRequest
from device_drivers.contract.events import (
    AccessEvent,
    DoorEvent,
    EdgeNote,
    Event,
    MeterReading,
    ObservationChanged,
    SnapshotTaken,
)
from device_drivers.contract.words import AccessOutcome, CommandOutcome, Direction, DoorAlarm, PictureProof, Quantity
from device_drivers.driver import DeviceUnreachable
from device_drivers.mqtt import MemoryBroker, MemoryLink
from edge_agent import snapshots as edge_snapshots
from edge_agent.agent import Agent
from edge_agent.box import Pass
from edge_agent.clock import HighWaterClock
from edge_agent.config import EdgeConfig, EdgeDir, write_atomic
from edge_agent.enrol import EnrolFailed, enrol, make_key, read_broker
from edge_agent.history import HistoryMap, card_holders
from edge_agent.photos import PhotoCache, PhotoRefused, expire, files_in, trim
from edge_agent.services import SERVED_S, FileServer
from edge_agent.snapshots import Snapshots
from edge_agent.state import State
from edge_agent.store import Journal
from edge_agent.watch import Watch
from edge_agent.worker import Worker

PICTURE = b"\xff\xd8 a picture"
SHA = hashlib.sha256(PICTURE).hexdigest()


class Times:
    def __init__(self) -> None:
        self.wall, self.mono = T0, 0.0

    def forward(self, seconds: float) -> None:
        self.wall += timedelta(seconds=seconds)
        self.mono += seconds


def test_a_box_that_boots_in_the_past_does_not_forget_what_it_saw() -> None:
    times = Times()
    times.wall = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
    clock = HighWaterClock(T0, lambda: times.wall, lambda: times.mono)
    assert clock.now() == T0
    assert not clock.trusted
    times.forward(60)
    assert clock.now() == T0 + timedelta(seconds=60), "time goes on from the mark"
    times.wall = T0 + timedelta(hours=1)
    assert clock.trusted
    assert clock.now() == times.wall


def test_an_impossible_leap_ahead_is_not_believed() -> None:
    times = Times()
    times.wall = T0 + timedelta(days=4_000)
    clock = HighWaterClock(T0, lambda: times.wall, lambda: times.mono)
    assert (clock.now(), clock.trusted) == (T0, False)
    assert clock.settle() == T0, "and not remembered"


def test_a_jump_is_measured() -> None:
    times = Times()
    clock = HighWaterClock(T0, lambda: times.wall, lambda: times.mono)
    times.forward(10)
    assert clock.jump_s == 0
    times.wall += timedelta(seconds=90)
    assert clock.jump_s == 90
    clock.settle()
    assert clock.jump_s == 0


def test_a_clock_that_stays_behind_is_one_jump_and_its_correction_another() -> None:
    times = Times()
    clock = HighWaterClock(T0, lambda: times.wall, lambda: times.mono)
    clock.settle()
    times.wall -= timedelta(hours=2)
    assert clock.jump_s == -7200
    clock.settle()
    times.forward(10)
    assert (clock.jump_s, clock.trusted) == (0, False), "told once; not trusted for as long as it is behind"
    times.wall += timedelta(hours=2)
    assert (clock.jump_s, clock.trusted) == (7200, True)


@pytest.mark.parametrize(("off_s", "noted"), [(3600, []), (-3600, ["clock_unsure"])])
def test_the_time_a_box_was_off_is_no_clock_jump(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, off_s: float, noted: list[str]
) -> None:
    times = Times()
    times.wall = T0 + timedelta(seconds=off_s)
    monkeypatch.setattr("edge_agent.upkeep.MARK_S", 0.01)
    monkeypatch.setattr(
        "edge_agent.agent.HighWaterClock",
        lambda mark: HighWaterClock(mark, lambda: times.wall, lambda: times.mono),
    )
    place, signer, broker = EdgeDir(tmp_path), Signer(), MemoryBroker()
    place.make()
    config = EdgeConfig(EDGE, ESTATE, "127.0.0.1", 1, "http://127.0.0.1:1", "secret", mqtt_tls=False)
    place.hub_key.write_text(signer.public)
    state = State(place.state)
    state.open()
    state.set_marks({}, T0)
    state.close()

    async def work() -> None:
        stop = asyncio.Event()
        agent = Agent(place, config, {}, MemoryLink(broker), signer.fetch)
        task = asyncio.create_task(agent.run(stop))

        marks: list[int] = []
        monkeypatch.setattr(Watch, "progress", lambda _self, part: marks.append(1) if part == "marks" else None)
        await until(lambda: len(marks) > 3 or task.done(), "several checks of the clock")

        async def told(*what: str) -> list[EdgeNote]:
            await agent.box.settled()
            rows = await agent.journal.read(1, 100, 1 << 20)
            notes = [e.body for e in (msgspec.json.decode(r, type=Event) for r in rows)]
            return [n for n in notes if isinstance(n, EdgeNote) and n.what in what]

        assert [n.what for n in await told("clock_jump", "clock_unsure", "clock_sure")] == noted
        times.wall -= timedelta(seconds=600)
        seen = len(marks)
        await until(lambda: len(marks) > seen + 3, "more checks")
        assert [n.text for n in await told("clock_jump")] == ["-600 s"], "a real jump is noted, once"
        unsure = [n.text for n in await told("clock_unsure")]
        assert len(unsure) == 1, "said once, however long it lasts"
        assert "居民照常通行" in unsure[0]
        times.wall += timedelta(seconds=8000)
        await until(lambda: agent.clock.trusted, "the time is right")
        seen = len(marks)
        await until(lambda: len(marks) > seen + 3, "it is seen")
        assert len(await told("clock_sure")) == 1
        stop.set()
        await task

    run(work())


async def serve(app: web.Application) -> tuple[web.AppRunner, str]:
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return runner, f"http://127.0.0.1:{runner.addresses[0][1]}"


def test_photographs_are_checked_bounded_and_cached(tmp_path: Path) -> None:
    async def work() -> None:
        hits: list[str] = []

        async def get(request: web.Request) -> web.Response:
            hits.append(request.path)
            return web.Response(body=PICTURE if "good" in request.path else b"x" * 2_000_000)

        app = web.Application()
        app.router.add_get("/{name}", get)
        runner, url = await serve(app)
        async with aiohttp.ClientSession() as session:
            cache = PhotoCache(tmp_path, session)
            assert await cache.get(f"{url}/good", SHA) == PICTURE
            assert await cache.get(f"{url}/good", SHA) == PICTURE
            assert hits == ["/good"], "the second from the disk"
            for address, digest in (
                (f"{url}/good", "0" * 64),
                (f"{url}/large", SHA[::-1]),
                ("file:///etc/passwd", "1" * 64),
            ):
                with pytest.raises(PhotoRefused):
                    await cache.get(address, digest)
            with pytest.raises(PhotoRefused):
                await cache.get(f"{url}/good", "../../etc/passwd")
            (tmp_path / f"{SHA}.jpg").write_bytes(b"damaged")
            assert await cache.get(f"{url}/good", SHA) == PICTURE, "a damaged file is fetched again"
            await runner.cleanup()
            with pytest.raises(DeviceUnreachable):
                await cache.get(f"{url}/good", "2" * 64)

    run(work())


def test_the_oldest_pictures_go_first(tmp_path: Path) -> None:
    for n in range(5):
        (tmp_path / f"{n}.jpg").write_bytes(b"x" * 100)
        os.utime(tmp_path / f"{n}.jpg", (n, n))
    assert trim(tmp_path, 250) == 200
    assert sorted(p.name for p in tmp_path.iterdir()) == ["3.jpg", "4.jpg"]


def test_a_folder_is_cleaned_while_others_write_and_delete_in_it(tmp_path: Path) -> None:
    over, failed = threading.Event(), list[BaseException]()

    def write(name: str) -> None:
        while not over.is_set():
            write_atomic(tmp_path / name, b"x" * 100)
            (tmp_path / name).unlink(missing_ok=True)

    def clean() -> None:
        try:
            while not over.is_set():
                trim(tmp_path, 150)
                expire(tmp_path)
        except OSError as error:
            failed.append(error)
            over.set()

    threads = [threading.Thread(target=write, args=(f"{n}.jpg",)) for n in range(3)]
    threads += [threading.Thread(target=clean) for _ in range(2)]
    for thread in threads:
        thread.start()
    over.wait(1.5)
    over.set()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert not failed, f"cleaning up ended in {failed[0]!r}"


def test_a_file_being_written_is_not_deleted_and_an_abandoned_one_is(tmp_path: Path) -> None:
    for name, age_s in (("a.jpg.12ab.new", 1), ("b.jpg.34cd.new", 7200)):
        (tmp_path / name).write_bytes(b"x")
        os.utime(tmp_path / name, (time.time() - age_s,) * 2)
    (tmp_path / "gone.jpg").symlink_to(tmp_path / "not there")  # listed, and not there when it is asked about
    assert [p.name for p, _ in files_in(tmp_path)] == ["b.jpg.34cd.new"]
    assert list(files_in(tmp_path / "no such folder")) == []
    assert trim(tmp_path, 0) == 0
    assert (tmp_path / "a.jpg.12ab.new").exists(), "another thread is about to rename it"


def test_a_picture_for_many_terminals_is_held_once_and_the_oldest_gives_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge_agent.services.MAX_SERVED", 3 * len(PICTURE))
    now = [0.0]
    server = FileServer("127.0.0.1", 80, lambda: now[0])
    pictures = [bytes([n]) + PICTURE[1:] for n in range(4)]
    urls = [server.publish(p, "image/jpeg") for p in pictures[:3]]
    assert [server.publish(p, "image/jpeg") for p in pictures[:3]] == urls, "one path for the same content"
    assert len(server._files) == 3
    server.publish(pictures[0], "image/jpeg")  # asked for again: it stays
    fourth = server.publish(pictures[3], "image/jpeg")
    held = [served.content for served in server._files.values()]
    assert held == [pictures[2], pictures[0], pictures[3]], "the oldest gave way"
    assert server.publish(pictures[1], "image/jpeg") not in (*urls, fourth), "held anew, under a new path"
    now[0] = SERVED_S + 1
    server.publish(pictures[0], "image/jpeg")
    assert len(server._files) == 1, "what is over is dropped"
    assert (server._size, len(server._names)) == (len(PICTURE), 1)


def test_the_photo_folder_is_listed_only_when_it_may_be_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listed: list[int] = []
    whole = trim

    def counted(folder: Path, limit: int) -> int:
        listed.append(limit)
        return whole(folder, limit)

    monkeypatch.setattr("edge_agent.photos.trim", counted)
    cache = PhotoCache(tmp_path, None, limit=1000)  # type: ignore[arg-type]
    for n in range(40):
        cache._keep(tmp_path / f"{n}.jpg", b"x" * 100)
    size = sum(p.stat().st_size for p in tmp_path.iterdir())
    assert size <= 1000
    assert len(listed) < 30, "not at every picture"


def test_files_are_served_only_to_who_was_told_their_path() -> None:
    async def work() -> None:
        server = FileServer("127.0.0.1")
        await server.start()
        url = server.publish(PICTURE, "image/jpeg")
        async with aiohttp.ClientSession() as session:
            async with session.get(url) as reply:
                assert (reply.status, await reply.read()) == (200, PICTURE)
            async with session.get(url.replace("/f/", "/f/x")) as reply:
                assert reply.status == 404
        await server.stop()

    run(work())


def test_enrolment_leaves_a_whole_box_and_keeps_its_key(tmp_path: Path) -> None:
    asked: list[EnrolRequest] = []
    reply = EnrolReply(
        "edge-1", "estate-1", "CERT", "CA", Signer().public, "secret", "hub.example", 8883, "https://hub.example"
    )

    async def work() -> None:
        async def post(request: web.Request) -> web.Response:
            asked.append(msgspec.json.decode(await request.read(), type=EnrolRequest))
            if asked[-1].token != "good":
                return web.Response(status=403, text="token used")
            return web.Response(body=msgspec.json.encode(reply))

        app = web.Application()
        app.router.add_post("/edge/v1/enrol", post)
        runner, url = await serve(app)
        place = EdgeDir(tmp_path / "box")
        with pytest.raises(EnrolFailed, match="token used"):
            await enrol(url, "bad", place)
        assert not place.config.exists()
        config = await enrol(url, "good", place)
        assert (config.edge, config.mqtt_tls, place.load()) == ("edge-1", True, config)
        assert "PRIVATE" not in asked[-1].csr
        for path in (place.key, place.config, place.hub_key, place.certificate):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
        with pytest.raises(EnrolFailed, match="already"):
            await enrol(url, "good", place)
        with pytest.raises(EnrolFailed, match="https"):
            await enrol("http://192.0.2.1", "good", EdgeDir(tmp_path / "other"))
        await runner.cleanup()

    run(work())


def test_the_key_can_be_used_for_tls(tmp_path: Path) -> None:
    pem, csr = make_key()
    (tmp_path / "key.pem").write_bytes(pem)
    assert csr.startswith("-----BEGIN CERTIFICATE REQUEST-----")
    with pytest.raises(ssl.SSLError):  # a key alone is no chain, but it must be read
        ssl.create_default_context().load_cert_chain(str(tmp_path / "key.pem"))


@pytest.mark.parametrize("text", ['{"username": "u", "password": "p:q"}', "u:p:q\n"])
def test_local_broker_credentials(tmp_path: Path, text: str) -> None:
    (tmp_path / "c").write_text(text)
    broker = read_broker("127.0.0.1:1884", tmp_path / "c")
    assert (broker.host, broker.port, broker.username, broker.password) == ("127.0.0.1", 1884, "u", "p:q")
    (tmp_path / "c").write_text("u:")
    with pytest.raises(EnrolFailed):
        read_broker("127.0.0.1:1884", tmp_path / "c")


def test_the_watchdog_is_fed_by_progress_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    address = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(address)
        manager.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", address)
        monkeypatch.setenv("WATCHDOG_USEC", "60000")

        def fed() -> int:
            count = 0
            while True:
                try:
                    count += manager.recv(100) == b"WATCHDOG=1"
                except BlockingIOError:
                    return count

        async def work() -> None:
            async with open_box(tmp_path / "box") as box:
                watch = Watch(box.box.journal, stalled_s=PATIENCE_S)
                watch.progress("uplink")
                task = asyncio.create_task(watch.run())
                await until(lambda: fed() > 0, "fed while there is progress")
                watch._last["uplink"] -= 2 * PATIENCE_S  # so long ago it was last round
                assert await watch.stalled() == ["uplink"]
                fed()
                await asyncio.sleep(0.1)
                assert fed() == 0, "a part that hangs must starve the watchdog"
                task.cancel()

        run(work())


def test_a_writer_that_hangs_is_noticed(tmp_path: Path) -> None:
    import threading

    async def work() -> None:
        async with open_box(tmp_path) as box:
            journal: Journal = box.box.journal
            entered, release = threading.Event(), threading.Event()

            def hang(_db: object) -> None:
                entered.set()
                release.wait(PATIENCE_S)

            blocked = asyncio.create_task(journal._call(hang))
            await until(entered.is_set, "the writer hangs")
            watch = Watch(journal, stalled_s=0.1)
            assert await watch.stalled() == ["journal"]
            release.set()
            await blocked
            assert await Watch(journal, stalled_s=PATIENCE_S).stalled() == [], "it goes on when the writer does"

    run(work())


UNITS = Path(__file__).parents[2] / "edge_agent"


@pytest.mark.parametrize("name", ["estate-edge.service", "estate-edge-watchdog.service"])
def test_the_service_units_are_hardened(name: str) -> None:
    analyze = shutil.which("systemd-analyze")
    unit = UNITS / name
    text = unit.read_text()
    for line in ("Restart=always", "Type=notify", "NoNewPrivileges=yes", "ProtectSystem=strict", "User=estate-edge"):
        assert line in text, line
    if analyze:
        command = [analyze, "security", "--offline=true", "--threshold=20", str(unit)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S)
        assert done.returncode == 0, f"exposure above 2.0:\n{done.stdout[-2000:]}{done.stderr}"


def test_who_closes_the_doors_of_a_killed_agent_is_not_in_its_group(tmp_path: Path) -> None:
    agent, watchdog = ((UNITS / f"{name}.service").read_text() for name in ("estate-edge", "estate-edge-watchdog"))
    socket = "/run/estate-edge-watchdog/socket"
    assert "WatchdogSec=60" in agent
    assert f"ESTATE_EDGE_WATCHDOG={socket}\n" in agent
    assert f"--socket {socket}\n" in watchdog
    assert "RuntimeDirectory=estate-edge-watchdog\n" in watchdog
    assert "Wants=network-online.target estate-edge-watchdog.service\n" in agent
    for bond in ("PartOf=", "BindsTo=", "Requires=", "Slice=", "ExecStop="):
        assert bond not in watchdog, f"{bond} it would go with the agent"
    if analyze := shutil.which("systemd-analyze"):
        # With programs that are here, so that only the unit is judged.
        for name, text in (("estate-edge", agent), ("estate-edge-watchdog", watchdog)):
            (tmp_path / f"{name}.service").write_text(re.sub(r"(?m)^ExecStart=\S+", "ExecStart=/bin/true", text))
        done = subprocess.run(
            [analyze, "verify", "--man=no", "--recursive-errors=no", str(tmp_path / "estate-edge.service")],
            capture_output=True, text=True, timeout=PATIENCE_S, env=os.environ | {"SYSTEMD_UNIT_PATH": f"{tmp_path}:"},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr


def test_history_lines_become_late_events_of_the_right_person() -> None:
    config = device_config(config={"code": "face-g1"})
    lists = [access_list(1, credential("tok-1", "3456789"), credential("tok-2", "5"), credential("tok-3", "5"))]
    mapping = HistoryMap({"face-g1": config}, card_holders(lists), {"P-9": "tok-9"})
    lines = [
        b'{"t":"access","device":"face-g1","point":"door1","at":"2026-05-05T07:45:12+08:00","holder":"P-1",'
        b'"card":"0003456789","by":"face","granted":true,"reason":null,"direction":"unknown"}',
        b'{"t":"access","device":"face-g1","point":"door1","at":"2026-05-05T07:46:12+08:00","holder":"P-9","card":null,'
        b'"by":"face","granted":true,"reason":null,"direction":"out"}',
        b'{"t":"access","device":"face-g1","point":"door1","at":"2026-05-05T07:47:12+08:00","holder":null,"card":"5",'
        b'"by":"card","granted":false,"reason":"unknown_credential","direction":"in"}',
        b'{"t":"door","device":"face-g1","point":"door1","at":"2026-05-05T08:00:00+08:00","state":"open","alarm":"forced_open"}',
        b'{"t":"meter","device":"face-g1","point":"u6","at":"2026-05-05T08:00:00+08:00","quantity":"water","value":1.5,"ok":true}',
        b'{"t":"observation","device":"face-g1","at":"2026-05-05T08:00:00+08:00","state":"down","reason":"cable"}',
        b"\n",
        b'{"t":"access","device":"nobody","point":"","at":"2026-05-05T07:47:12+08:00","by":"card","granted":true}',
        b'{"t":"door","device":"face-g1","at":"2026-05-05T08:00:00","state":"open"}',
        b'{"t":"door","device":"face-g1","at":"2026-05',
    ]
    events, refused = mapping.events(lines, T0)
    assert len(refused) == 3, refused
    assert all(e.late and e.received_at == T0 and e.device == "d1" for e in events)
    assert [type(e.body) for e in events] == [AccessEvent] * 3 + [DoorEvent, MeterReading, ObservationChanged]
    passes = [e.body for e in events[:3]]
    assert [(p.credential, p.outcome) for p in passes] == [
        ("tok-1", AccessOutcome.GRANTED),
        ("tok-9", AccessOutcome.GRANTED),
        (None, AccessOutcome.DENIED),
    ], "a number of two credentials belongs to neither"
    assert [p.direction for p in passes] == [Direction.IN, Direction.OUT, Direction.IN]
    assert passes[0].access_point == "ap1"
    assert events[3].body.alarm is DoorAlarm.FORCED_OPEN
    assert events[4].body == MeterReading(Quantity.WATER, 1.5, "u6", "", True)
    assert events[0].device_at == datetime.fromisoformat("2026-05-05T07:45:12+08:00")


@pytest.mark.parametrize("allowed", [False, True])
def test_pictures_are_taken_only_where_the_policy_allows(tmp_path: Path, allowed: bool) -> None:
    async def work() -> None:
        uploads: list[tuple[str, str, bytes]] = []

        async def put(request: web.Request) -> web.Response:
            uploads.append((request.match_info["sha"], request.headers["X-Access-Point"], await request.read()))
            return web.Response(status=201)

        app = web.Application()
        app.router.add_put("/edge/v1/snapshots/{sha}", put)
        runner, url = await serve(app)
        folder = tmp_path / "snapshots"
        folder.mkdir()
        camera = TwinDevice(picture=PICTURE)
        async with open_box(tmp_path) as box, aiohttp.ClientSession() as session:
            worker = Worker(device_config("cam"), definition(camera, Capabilities(snapshots=True)), box.box)
            worker.driver = await definition(camera).connect("cam", {}, box.box.services)
            snapshots = Snapshots(folder, box.box, {"cam": worker}.get, session, url, "s")
            box.box.policy = EdgePolicy(snapshots=allowed)
            task = asyncio.create_task(snapshots.run())
            snapshots.on_pass(Pass(16, "d1", "ap1", "cam", False, None))
            assert not snapshots._tasks, "a stranger consented to nothing: no picture, whatever the estate allows"
            snapshots.on_pass(Pass(17, "d1", "ap1", "cam", True, None))
            if allowed:
                await until(lambda: uploads and not list(folder.iterdir()), "uploaded and deleted here")
                assert uploads == [(SHA, "ap1", PICTURE)]
                (event,) = await box.events()
                assert isinstance(event.body, SnapshotTaken)
                assert event.body.proof is PictureProof.ON_DEMAND
                assert event.body.taken_at, "a picture says when it was taken"
                bare = msgspec.structs.replace(event.body, taken_at=None, proof=PictureProof.NONE)
                assert bare == SnapshotTaken(SHA, len(PICTURE), "ap1", 17, "cam")
            else:
                await asyncio.gather(*snapshots._tasks)
                assert (await box.events(), list(folder.iterdir()), uploads) == ([], [], [])
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await runner.cleanup()

    run(work())


def test_a_disk_error_at_the_pictures_is_logged_once_and_the_box_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(edge_snapshots, "RETRY_S", (0.01,) * 4)

    async def work() -> None:
        tries: list[int] = []

        def fails(_folder: Path, _older_than_s: float) -> None:
            tries.append(1)
            raise PermissionError(13, "read-only file system")

        async with open_box(tmp_path) as box, aiohttp.ClientSession() as session:
            snapshots = Snapshots(tmp_path, box.box, {}.get, session, "http://127.0.0.1:1", "s")
            monkeypatch.setattr(edge_snapshots, "expire", fails)
            task = asyncio.create_task(snapshots.run())
            await until(lambda: len(tries) > 3 or task.done(), "it is tried again")
            assert not task.done(), "the part would take the whole agent down"
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    run(work())
    assert [r.getMessage() for r in caplog.records if "read-only" in r.getMessage()] == [
        "pictures cannot be kept or uploaded: [Errno 13] read-only file system"
    ]


@pytest.mark.parametrize(
    ("status", "outcome", "said"),
    [
        (201, CommandOutcome.DONE, "已拍照并上传"),
        (403, CommandOutcome.REFUSED, "政策"),
        (500, CommandOutcome.DONE, "自动上传"),
    ],
)
def test_a_picture_on_command_is_answered_when_it_has_arrived(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int, outcome: CommandOutcome, said: str
) -> None:
    async def work() -> None:
        uploads: list[str] = []

        async def put(request: web.Request) -> web.Response:
            uploads.append(request.headers["X-Access-Point"])
            await request.read()
            return web.Response(status=status)

        app = web.Application()
        app.router.add_put("/edge/v1/snapshots/{sha}", put)
        runner, url = await serve(app)
        folder = tmp_path / "snapshots"
        folder.mkdir()
        camera = TwinDevice(picture=PICTURE)
        async with open_box(tmp_path) as box, aiohttp.ClientSession() as session:
            cam = Worker(device_config("cam"), definition(camera, Capabilities(snapshots=True)), box.box)
            door = Worker(
                device_config("d1", access_points=(AccessPointBinding("ap1", "door1", camera="cam"),)),
                definition(TwinDevice()),
                box.box,
            )
            cam.driver = await definition(camera).connect("cam", {}, box.box.services)
            snapshots = Snapshots(folder, box.box, {"cam": cam}.get, session, url, "s")
            task = asyncio.create_task(snapshots.run())
            found, text = await snapshots.take(door, "ap1")
            assert (found, said in text) == (outcome, True), text
            assert uploads[:1] == ["ap1"]
            assert (await snapshots.take(door, "elsewhere"))[0] is CommandOutcome.UNSUPPORTED
            camera.picture = b"<html>"
            assert (await snapshots.take(cam, ""))[0] is CommandOutcome.REFUSED, "no JPEG, no picture"
            camera.up = False
            assert (await snapshots.take(cam, ""))[0] is CommandOutcome.UNREACHABLE
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await runner.cleanup()

    monkeypatch.setattr(edge_snapshots, "UPLOAD_S", 1.0)
    run(work())
