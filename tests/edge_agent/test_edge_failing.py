"""The whole box while its own files fail: damaged state, device set, journal, imports. Its doors open for whoever may pass."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import aiohttp
import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from edge_twins import (
    T0,
    access_list,
    credential,
    open_box,
    run,
    shown_event,
    until,
)
from failing import Estate, held

from device_drivers.contract.words import HolderClass
from device_drivers.mqtt import MemoryLink
from edge_agent import device_sets
from edge_agent.agent import Agent
from edge_agent.break_glass import Ask, BreakGlass, ask_agent
from edge_agent.config import AlreadyRunning, EdgeDir
from edge_agent.photos import PhotoCache
from edge_agent.state import State

ROOT = Path(__file__).parents[2]


def damage(path: Path, table: str) -> None:
    """A table's first page overwritten, as a worn memory card does it; the file still opens."""
    db = sqlite3.connect(path)
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    (size,) = db.execute("PRAGMA page_size").fetchone()
    (root,) = db.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()
    db.close()
    with path.open("r+b") as file:
        file.seek((root - 1) * size)
        file.write(b"\x55" * size)


@pytest.mark.parametrize("table", ["kept", "applied", "uses", "commands", "marks", "revoked", "propped"])
def test_a_damaged_page_of_the_state_keeps_no_door_shut(tmp_path: Path, table: str) -> None:
    estate = Estate(tmp_path)
    estate.live()
    damage(estate.place.state, table)

    async def work() -> None:
        async with estate.box(online=False):
            await estate.opens()

    run(work())


def test_a_state_damaged_while_it_is_in_use_keeps_no_door_shut(tmp_path: Path) -> None:
    estate = Estate(tmp_path)
    estate.live()

    async def work() -> None:
        async with estate.box() as agent:
            await estate.opens()
            damage(estate.place.state, "kept")
            estate.device.cut()
            estate.device.up = True
            await estate.opens()
            estate.ring(access_list(2, credential("a", "7"), credential("b", "8")))
            await estate.reached(lambda: held(agent) == 2, "the next list")
            await estate.opens("8")
            await estate.reached(lambda: "state was damaged" in str(estate.notes()), "it is told")

    run(work())


def test_what_can_be_read_of_a_damaged_state_goes_on(tmp_path: Path) -> None:
    """A page in the middle of one table is gone: all others are whole, and this one keeps both its ends."""
    path, at = tmp_path / "state.db", T0
    state = State(path)
    state.open()
    state.revoke([("d1", f"t{n:05}") for n in range(3_000)], at)
    state.set_uses("v@ap1", 2)
    state.first_sight("c1")
    state.keep("boot", "b")
    state.close()
    db = sqlite3.connect(path)
    (size,) = db.execute("PRAGMA page_size").fetchone()
    db.close()
    content = bytearray(path.read_bytes())
    page = content.index(b"t01500") // size
    content[page * size : (page + 1) * size] = b"\x55" * size
    path.write_bytes(content)

    state = State(path)
    state.open()
    left = state.revoked("d1")
    assert 2_500 < len(left) < 3_000
    assert {"t00000", "t02999"} <= left.keys()
    assert state.revoked("d1")["t00000"] == (at, True)
    assert (state.uses(), state.kept("boot"), state.first_sight("c1")) == ({"v@ap1": 2}, "b", False)
    assert len(state.set_aside) == 1
    state.close()


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE kept SET value = 'x' || value",
        "UPDATE kept SET value = CAST(x'ff' AS TEXT)",
        "UPDATE marks SET until = 1e300",
        "UPDATE commands SET result = 'x'",
        "UPDATE revoked SET at = 1e300",
    ],
)
def test_a_kept_word_that_cannot_be_read_keeps_no_door_shut(tmp_path: Path, change: str) -> None:
    estate = Estate(tmp_path)
    estate.live()
    state = State(estate.place.state)
    state.open()
    state.first_sight("c1")
    state.revoke([("d1", "z")], T0)
    state.keep("drift:d1", '{"count": 1}')
    state._db.execute(change)
    state.close()

    async def work() -> None:
        async with estate.box(online=False):
            await estate.opens()

    run(work())


def flip(file: Path, place: bytes, bit: int) -> None:
    text = bytearray(file.read_bytes())
    text[text.index(place)] ^= bit
    file.write_bytes(text)


def test_a_damaged_device_set_keeps_no_door_shut_without_the_hub(tmp_path: Path) -> None:
    """Its copy is taken."""
    estate = Estate(tmp_path)
    estate.live()
    flip(estate.place.devices, "北".encode()[1:], 0x40)

    async def work() -> None:
        async with estate.box(online=False):
            await estate.opens()

    run(work())


def test_no_flipped_bit_of_the_device_set_goes_unnoticed(tmp_path: Path) -> None:
    """One in a number leaves good JSON: another port, another door."""
    estate = Estate(tmp_path)
    estate.live()
    whole, file = device_sets.kept(estate.place.devices), estate.place.devices
    content = file.read_bytes()
    for place in range(len(content)):
        file.write_bytes(content[:place] + bytes([content[place] ^ (1 << place % 7)]) + content[place + 1 :])
        assert device_sets.kept(file) == whole, f"byte {place}: {content[max(0, place - 20) : place + 20]!r}"


def test_a_device_set_damaged_in_both_copies_waits_for_the_hub_and_no_restart(tmp_path: Path) -> None:
    estate = Estate(tmp_path)
    estate.live()
    for file in (estate.place.devices, estate.place.devices.with_suffix(".copy.json")):
        flip(file, "北".encode()[1:], 0x40)

    async def work() -> None:
        async with estate.box():
            await estate.opens()

    run(work())


def test_a_device_set_of_a_release_before_is_read(tmp_path: Path) -> None:
    estate = Estate(tmp_path)
    estate.live()
    content = estate.place.devices.read_bytes().partition(b"\n")[2]
    estate.place.devices.with_suffix(".copy.json").unlink()
    estate.place.devices.write_bytes(content)

    async def work() -> None:
        async with estate.box(online=False):
            await estate.opens()

    run(work())


def test_who_was_taken_off_the_newest_list_stays_out_when_its_file_is_damaged(tmp_path: Path) -> None:
    """The list before lets residents in alone; what was taken last is remembered beside what devices were told."""
    estate = Estate(tmp_path)
    visitor = credential("v", "8", holder_class=HolderClass.VISITOR)

    async def work() -> None:
        estate.send(1, access_list(1, credential("a", "7"), visitor))
        async with estate.box() as agent:
            await estate.reached(lambda: held(agent) == 1, "the first list")
            await estate.opens("8")
            estate.ring(access_list(2, credential("a", "7")))
            await estate.reached(lambda: held(agent) == 2, "the newer list")
            await estate.reached(lambda: agent.uplink.reports["d1"].generation == 2, "reported")
            await estate.reached(lambda: '"generation":2' in (agent.state.kept("newest:d1") or ""), "kept")
        newest = estate.place.lists / "d1.json"
        newest.write_bytes(newest.read_bytes()[:-40])
        estate.signer.served.clear()
        async with estate.box(online=False) as agent:
            await estate.reached(lambda: held(agent) == 1 and agent.workers["d1"][0].driver, "the list before")
            await estate.opens("7")
            before = len(estate.device.commands)
            estate.device.put(shown_event("8"))
            estate.device.put(shown_event("7"))
            await estate.reached(lambda: len(estate.device.commands) > before, "the resident")
            assert len(estate.device.commands) == before + 1, "the visitor whose right had ended is not let in"

    run(work())


def test_an_import_that_is_damaged_ends_alone(tmp_path: Path) -> None:
    estate = Estate(tmp_path)
    estate.live()
    whole = bytearray(gzip.compress(b'{"t":"access"}\n' * 2000))
    whole[10:14] = b"\xff" * 4  # within the packed bytes themselves
    (estate.place.imports / "months.ndjson.gz").write_bytes(whole)

    async def work() -> None:
        async with estate.box():
            await estate.reached(lambda: [n for n in estate.notes() if n.what == "import"], "said what became of it")
            await estate.opens()

    run(work())


def test_a_taken_port_for_pictures_keeps_no_door_shut(tmp_path: Path) -> None:
    estate = Estate(tmp_path)
    estate.live()
    estate.config = msgspec.structs.replace(estate.config, serve_host="192.0.2.7", serve_port=8099)

    async def work() -> None:
        async with estate.box():
            await estate.opens()

    run(work())


@pytest.mark.parametrize("failing", ["lists", "state"])
def test_a_new_list_is_in_force_though_the_disk_does_not_take_it(tmp_path: Path, failing: str) -> None:
    """Who moved in today passes, who moved out does not; what was not kept is kept as soon as it can be."""
    estate = Estate(tmp_path)
    estate.live()
    lists, aside = estate.place.lists, tmp_path / "aside"

    async def work() -> None:
        async with estate.box() as agent:
            await estate.opens()
            if failing == "lists":
                lists.rename(aside)
            else:
                agent.state._db.execute("PRAGMA query_only=1")
            estate.ring(access_list(2, credential("b", "8")))
            await estate.reached(lambda: held(agent) == 2, "the newer list")
            await estate.opens("8")
            before = len(estate.device.commands)
            for card in ("7", "8"):
                estate.device.put(shown_event(card))
            await estate.reached(lambda: len(estate.device.commands) > before, "who moved in")
            assert len(estate.device.commands) == before + 1, "who moved out is not let in"
            if failing == "lists":
                aside.rename(lists)
            else:
                agent.state._db.execute("PRAGMA query_only=0")
            await estate.reached(lambda: '"generation":2' in (agent.state.kept("newest:d1") or ""), "kept")
        estate.signer.served.clear()
        async with estate.box(online=False) as agent:
            await estate.opens("8")
            assert held(agent) == 2

    run(work())


FULL = """
import resource, sys
from pathlib import Path
from edge_agent.config import write_atomic
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    write_atomic(Path(sys.argv[1]) / "list.json", b"x" * 5000)
except OSError as error:
    print(error)
"""


def test_what_could_not_be_written_whole_takes_no_room(tmp_path: Path) -> None:
    """A list is fetched every half minute: each try would leave a part of it on the disk that is full."""
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "too large" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_what_a_power_cut_left_half_written_goes_at_the_next_start(tmp_path: Path) -> None:
    estate = Estate(tmp_path)
    estate.live()
    left = [folder / "d1.json.0a1b2c3d.new" for folder in (tmp_path, estate.place.lists, estate.place.imports)]
    for path in left:
        path.write_bytes(b"half")

    async def work() -> None:
        async with estate.box(online=False):
            await estate.opens()

    run(work())
    assert not [path for path in left if path.exists()]


def test_a_picture_that_cannot_be_kept_is_written_to_the_terminal_all_the_same(tmp_path: Path) -> None:
    async def work() -> None:
        async def get(_request: web.Request) -> web.Response:
            return web.Response(body=b"face")

        app = web.Application()
        app.router.add_get("/p.jpg", get)
        async with TestServer(app) as server, aiohttp.ClientSession() as session:
            cache = PhotoCache(tmp_path / "gone", session)
            assert await cache.get(str(server.make_url("/p.jpg")), hashlib.sha256(b"face").hexdigest()) == b"face"

    run(work())


def test_a_second_agent_does_not_begin_where_one_works(tmp_path: Path) -> None:
    """Two would number their events alike: each took the other's for damage, and set the journal aside."""
    estate = Estate(tmp_path)
    estate.live()

    async def work() -> None:
        async with estate.box():
            await estate.opens()
            second = Agent(estate.place, estate.config, {}, MemoryLink(estate.broker), estate.signer.fetch)
            with pytest.raises(AlreadyRunning):
                async with asyncio.timeout(10):
                    await second.run(asyncio.Event())
            await estate.opens()
        async with estate.box():  # whoever ended lets the next one begin
            await estate.opens()

    run(work())
    assert not list(tmp_path.glob("*.corrupt-*"))


def test_a_box_that_starts_on_a_full_disk_opens_its_doors_and_loses_nothing(tmp_path: Path) -> None:
    estate = Estate(tmp_path)
    estate.live()
    (epoch,) = {epoch for epoch, _ in estate.hub.rows}
    folders = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests/edge_agent")]
    done = subprocess.run(
        [sys.executable, str(ROOT / "tests/edge_agent/full_disk_box.py"), str(tmp_path)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(folders)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.startswith("opened"), done.stderr[-3000:]
    passes, went_on, notes = json.loads(done.stdout.splitlines()[1])
    assert (passes, went_on) == (len(estate.passes()) + 1, epoch), "all passes, those before the start and after"
    assert "disk" in notes, "and it is told"
    state = State(estate.place.state)
    state.open()
    assert state.kept("after") == "1"
    state.close()


def test_opening_at_the_box_itself_works_as_soon_as_its_disk_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge_agent.break_glass.RETRY_S", 0.02)
    place = EdgeDir(tmp_path / "gone")

    async def work() -> None:
        async with open_box(tmp_path) as box:
            task = asyncio.create_task(BreakGlass(place.socket, box.box, dict).run())

            def told() -> bool:
                return box.box.journal.head > 0 or task.done()

            await until(told, "that it does not work is told")
            place.root.mkdir()
            await until(lambda: place.socket.exists() or task.done(), "it works")
            reply = await asyncio.to_thread(ask_agent, place.socket, Ask())
            assert reply.doors == ()
            assert len(await box.events()) == 1, "told once"
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    run(work())
