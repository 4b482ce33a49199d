"""Lists over HTTP: what is taken, what is refused, what survives damage."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
from aiohttp import web
from edge_twins import ESTATE, T0, Signer, access_list, credential, run, until

from device_drivers.contract.access import (
    Acceptance,
    AccessList,
    AccessPolicy,
    AccessProfile,
    Schedule,
    SignedAccessList,
)
from device_drivers.contract.edge_http import LIST_PATH
from device_drivers.contract.messages import ListDoorbell
from device_drivers.contract.words import HolderClass
from edge_agent.held_list import ListFiles, ListRefused
from edge_agent.lists import ListKeeper, fetcher


class Keeper:
    def __init__(self, root: Path, signer: Signer, fetch: Any = None, marks: Any = None) -> None:
        (root / "lists").mkdir(exist_ok=True)
        self.notes: list[str] = []
        self.files = ListFiles(root / "lists", signer.key.public_key(), ESTATE)
        self.lists = ListKeeper(self.files, fetch or signer.fetch, self.note, poll_s=3600, marks=marks)

    async def note(self, note: Any, _device: str) -> None:
        self.notes.append(note.what)


def test_the_newest_list_is_taken_and_kept(tmp_path: Path) -> None:
    async def work() -> None:
        signer = Signer()
        keeper = Keeper(tmp_path, signer)
        signer.serve(access_list(1, credential("a")))
        assert await keeper.lists.update("d1") is Acceptance.APPLY
        assert await keeper.lists.update("d1") is Acceptance.SAME
        assert signer.fetched[-1][1] == signer.etags["d1"], "asked with the digest as ETag"
        signer.serve(access_list(2, credential("b")))
        await keeper.lists.update("d1")
        again = Keeper(tmp_path, signer)
        await again.lists.load("d1")
        held = again.lists.current("d1")
        assert held
        assert held.access_list.generation == 2
        assert again.lists.tokens("d1") == {"a", "b"}, "the tokens of the list before are still ours"

    run(work())


class Kept(dict[str, str]):
    """What the box's state keeps."""

    def kept(self, key: str) -> str | None:
        return self.get(key)

    def keep(self, key: str, value: str) -> None:
        self[key] = value


def test_an_old_list_put_back_lets_residents_in_and_nobody_else(tmp_path: Path) -> None:
    """Validly signed, but a newer one was taken before: somebody who was here again, or a disk that went back."""

    async def work() -> None:
        signer, marks = Signer(), Kept()
        keeper = Keeper(tmp_path, signer, marks=marks)
        visitor = credential("v", holder_class=HolderClass.VISITOR)
        signer.serve(access_list(1, credential("a"), visitor))
        await keeper.lists.update("d1")
        (old,) = (tmp_path / "lists").glob("d1*.json")
        kept = old.read_bytes()
        signer.serve(msgspec.structs.replace(access_list(2, credential("a")), issued_at=T0 + timedelta(hours=1)))
        await keeper.lists.update("d1")
        for file in (tmp_path / "lists").iterdir():
            file.write_bytes(kept)
        again = Keeper(tmp_path, signer, marks=marks)
        await again.lists.load("d1")
        held = again.lists.current("d1")
        assert held
        assert held.behind
        assert again.notes == ["old_list"]
        who = set(held.index.by_identifier["token"])
        assert who == {"a"}, "residents keep their way in"
        newest = signer.served["d1"]
        signer.serve(access_list(1, credential("a"), visitor))
        with pytest.raises(ListRefused, match="taken before"):
            await again.lists.update("d1")
        signer.served["d1"], signer.etags["d1"] = newest, "2"
        assert await again.lists.update("d1") is Acceptance.APPLY
        assert not again.lists.current("d1").behind  # type: ignore[union-attr]
        restored = access_list(1, credential("b"))
        marks.clear()
        marks.keep("list:d1", '{"generation": 9, "issued_at": "2020-01-01T00:00:00Z"}')
        signer.serve(restored)
        fresh = Keeper(tmp_path / "other", signer, marks=marks)
        assert await fresh.lists.update("d1") is Acceptance.APPLY, "a restored hub counts from below, and signs now"

    (tmp_path / "other").mkdir()
    run(work())


def resigned(signer: Signer, wanted: AccessList) -> SignedAccessList:
    return Signer(signer.key).sign(wanted)


@pytest.mark.parametrize(
    ("what", "make"),
    [
        ("bad_signature", lambda s: Signer().sign(access_list(2, credential("x")))),
        ("bad_signature", lambda s: SignedAccessList(s.sign(access_list(2)).payload + b" ", b"0" * 64, "k")),
        ("foreign_list", lambda s: s.sign(access_list(2, device="d2"))),
        ("foreign_list", lambda s: s.sign(access_list(2, estate="other"))),
        ("stale", lambda s: s.sign(access_list(0, credential("x")))),
        ("conflict", lambda s: s.sign(access_list(1, credential("x")))),
        ("unreadable_list", lambda s: SignedAccessList(b"{}", s.key.sign(b"{}"), "k")),
        (
            "unreadable_list",
            lambda s: s.sign(
                AccessList(
                    ESTATE,
                    "d1",
                    2,
                    T0,
                    (credential("x"),),
                    (AccessProfile("p", (AccessPolicy(("ap1",), "s"),)),),
                    (Schedule("s", "Nowhere/At_All", ()),),
                )
            ),
        ),
    ],
)
def test_altered_foreign_and_old_lists_are_refused_and_the_good_one_stays(tmp_path: Path, what: str, make: Any) -> None:
    async def work() -> None:
        signer = Signer()
        keeper = Keeper(tmp_path, signer)
        signer.serve(access_list(1, credential("a")))
        await keeper.lists.update("d1")
        signer.served["d1"], signer.etags["d1"] = make(signer), "moved"
        with pytest.raises(ListRefused) as refusal:
            await keeper.lists.update("d1")
        assert refusal.value.what == what
        held = keeper.lists.current("d1")
        assert held
        assert [c.token for c in held.access_list.credentials] == ["a"]
        task = asyncio.create_task(keeper.lists.run("d1"))
        await until(lambda: keeper.notes, "a note to the hub")
        asked = len(signer.fetched)
        keeper.lists.ring(ListDoorbell(device="d1", generation=9, digest="?"))
        await until(lambda: len(signer.fetched) > asked, "asked again")
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert keeper.notes == [what], "said once, not at every poll"

    run(work())


def test_a_damaged_file_falls_back_to_the_list_before(tmp_path: Path) -> None:
    async def work() -> None:
        signer = Signer()
        keeper = Keeper(tmp_path, signer)
        for generation in (1, 2):
            signer.serve(access_list(generation, credential(f"t{generation}")))
            await keeper.lists.update("d1")

    run(work())
    path = tmp_path / "lists" / "d1.json"
    damaged = bytearray(path.read_bytes())
    damaged[40] ^= 1
    path.write_bytes(damaged)

    signer2 = Signer()
    files = ListFiles(tmp_path / "lists", signer2.key.public_key(), ESTATE)
    assert files.load("d1")[0] is None, "a list of another key is no list"


def test_a_flipped_bit_leaves_the_list_before_in_force(tmp_path: Path) -> None:
    signer = Signer()

    async def work() -> None:
        keeper = Keeper(tmp_path, signer)
        for generation in (1, 2):
            signer.serve(access_list(generation, credential(f"t{generation}")))
            await keeper.lists.update("d1")

    run(work())
    path = tmp_path / "lists" / "d1.json"
    damaged = bytearray(path.read_bytes())
    damaged[40] ^= 1
    path.write_bytes(damaged)
    held, _ = ListFiles(tmp_path / "lists", signer.key.public_key(), ESTATE).load("d1")
    assert held
    assert held.access_list.generation == 1


@asynccontextmanager
async def hub(signer: Signer, seen: list[dict[str, str]], state: dict[str, int]) -> AsyncIterator[str]:
    async def get(request: web.Request) -> web.Response:
        seen.append(dict(request.headers))
        if state.get("fail", 0) > 0:
            state["fail"] -= 1
            return web.Response(status=503)
        device = request.match_info["device"]
        if device not in signer.served:
            return web.Response(status=404)
        if request.headers.get("If-None-Match") == f'"{signer.etags[device]}"':
            return web.Response(status=304)
        response = web.Response(body=msgspec.json.encode(signer.served[device]), content_type="application/json")
        response.enable_compression(web.ContentCoding.gzip)
        return response

    app = web.Application()
    app.router.add_get(LIST_PATH, get)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def test_over_http_with_etag_gzip_bearer_and_back_off(tmp_path: Path) -> None:
    async def work() -> None:
        signer, seen, state = Signer(), list[dict[str, str]](), {"fail": 2}
        signer.serve(access_list(1, *(credential(f"t{n}") for n in range(2_000))))
        async with hub(signer, seen, state) as url, aiohttp.ClientSession() as session:
            keeper = Keeper(tmp_path, signer, fetcher(session, url, "the-secret"))
            changes: list[int] = []
            keeper.lists.listen("d1", lambda: changes.append(1))
            task = asyncio.create_task(keeper.lists.run("d1"))
            await until(lambda: keeper.lists.current("d1"), "the list after two failures")
            assert len(seen) == 3
            assert seen[-1]["Authorization"] == "Bearer the-secret"
            assert await keeper.lists.update("d1") is Acceptance.SAME
            assert seen[-1]["If-None-Match"] == f'"{signer.etags["d1"]}"'
            signer.serve(access_list(2, credential("t1")))
            keeper.lists.ring(ListDoorbell(device="d1", generation=2, digest=signer.etags["d1"]))
            await until(lambda: keeper.lists.current("d1").access_list.generation == 2, "the doorbell is answered")
            assert changes == [1, 1]
            asked = len(seen)
            keeper.lists.ring(ListDoorbell(device="d1", generation=2, digest=signer.etags["d1"]))
            assert len(seen) == asked, "a doorbell for what is held fetches nothing"
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    run(work())


def test_a_new_generation_of_the_same_content_is_taken(tmp_path: Path) -> None:
    """A hub restored from backup counts on from what was reported: the content did not move, the number did."""

    async def work() -> None:
        signer = Signer()
        keeper = Keeper(tmp_path, signer)
        signer.serve(access_list(1, credential("a", "5")))
        await keeper.lists.update("d1")
        signer.serve(access_list(7, credential("a", "5")))
        keeper.lists.ring(ListDoorbell(device="d1", generation=7, digest=signer.etags["d1"]))
        assert await keeper.lists.update("d1") is Acceptance.APPLY
        held = keeper.lists.current("d1")
        assert held
        assert held.access_list.generation == 7

    run(work())
