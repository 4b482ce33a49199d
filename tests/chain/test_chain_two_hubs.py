"""Two processes of the hub on one PostgreSQL: their jobs run into each other for real, while people come and go."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from unittest import mock

import httpx
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from patience import PATIENCE_S
from sqlalchemy import select

from device_drivers.contract.access import AccessList, list_digest
from device_drivers.contract.messages import ListDoorbell, decode
from device_drivers.mqtt import MemoryBroker, MemoryLink
from hub.access import publish
from hub.config import Config
from hub.db import Database
from hub.jobs import JobRunner
from hub.keys import Keys
from hub.live import Live
from hub.services import Hub
from hub.tables import AuditRow, CredentialRow, DesiredEntry, DesiredList, Edge
from hub.tenancy import sources, sync
from tools.chain import site
from tools.chain.books import Books, Office, yesterday
from tools.chain.checks import content_of
from tools.chain.judge import expected, union, ways_of
from tools.chain.terminal import MODELS, definition

ROUNDS = 7
JOBS = (*publish.JOBS, *sync.JOBS)


@pytest.fixture
def hubs(postgres_tables: str, tmp_path: Path) -> Iterator[tuple[Hub, Hub, MemoryBroker]]:
    broker = MemoryBroker()
    (tmp_path / "office.key").write_text("a key")
    (tmp_path / "sources.json").write_bytes(msgspec.json.encode([site.SOURCE]))
    made = []
    for _ in range(2):
        database = Database(postgres_tables)
        hub = Hub(Config(dir=tmp_path), database, Keys(tmp_path / "keys"), Live(), lambda: site.BEGIN)
        hub.link = MemoryLink(broker)
        hub.link.start(lambda _message: None, lambda _up, _why: None)
        made.append(hub)
    site.build(made[0])
    with made[0].db.unit_of_work("edge", "catalogue", audit=False) as uow:
        drivers = [definition(model, {}).info for model in MODELS]
        uow.session.get_one(Edge, site.EDGE).catalogue = msgspec.to_builtins(drivers)
    yield made[0], made[1], broker
    for hub in made:
        hub.db.close()


def test_two_hubs_jobs_at_once_publish_what_one_would(hubs: tuple[Hub, Hub, MemoryBroker]) -> None:
    one, other, broker = hubs
    office = Office()
    transport = office.transport()

    def client(_directory: Path, source: sources.SourceConfig) -> httpx.Client:
        return httpx.Client(base_url=source.url, transport=transport, trust_env=False)

    runners = [JobRunner(hub, JOBS) for hub in (one, other)]

    def work(runner: JobRunner) -> None:
        for job in JOBS:
            runner.run_once(job.name)

    with mock.patch.object(sources, "open_client", client), ThreadPoolExecutor(4) as pool:
        for number in range(ROUNDS):
            _people_move(office, number)
            again = [pool.submit(work, runner) for runner in runners]
            for done in again:
                done.result(timeout=PATIENCE_S)
            # And without the lock that keeps a job to one process, as when its holder lost its connection and goes on.
            at_once = [pool.submit(publish.run, hub) for hub in (one, other)]
            at_once += [pool.submit(publish.revoke, hub) for hub in (one, other)]
            for done in at_once:
                done.result(timeout=PATIENCE_S)
    publish.publish(one)
    _as_the_judge_says(one, office)
    _each_list_once(one, broker)


def _people_move(office: Office, number: int) -> None:
    if number % 3 < 2 and number < 11:
        office.move_in(site.DWELLINGS[number], [bool(number & 1), False])
        return
    tenancy = next(t for t in office.tenancies.values() if t.state == "active")
    day = yesterday(site.BEGIN).isoformat()
    tenancy.state = "ended"
    tenancy.decision = {"number": f"青房退{number}号", "date": day, "move_out_completed_on": day, "signed_by": "王科长"}
    office.moved(tenancy)


def _as_the_judge_says(hub: Hub, office: Office) -> None:
    books, now = Books(office.tenancies), site.BEGIN + timedelta(seconds=1)
    with hub.db.reading() as session:
        key = Ed25519PublicKey.from_public_bytes(hub.keys.public_key)
        for row in session.scalars(select(DesiredList)):
            key.verify(row.signature, row.payload)
            access_list = msgspec.json.decode(row.payload, type=AccessList)
            wanted = union(expected(books, site.PLACES[row.device_id], now))
            assert ways_of(content_of(access_list), now) == wanted, row.device_id
            assert (row.generation, row.digest) == (access_list.generation, list_digest(access_list))
            entries = select(DesiredEntry.token).where(DesiredEntry.device_id == row.device_id)
            assert set(session.scalars(entries)) == {c.token for c in access_list.credentials}
        active = select(CredentialRow.person_id, CredentialRow.tenancy_id).where(CredentialRow.state == "active")
        twice = [pair for pair, count in Counter(session.execute(active).all()).items() if count > 1]
        assert not twice, f"two credentials of one membership: {twice}"


def _each_list_once(hub: Hub, broker: MemoryBroker) -> None:
    """No generation has two contents, and none was published twice."""
    digests: dict[tuple[str, int], set[str]] = {}
    for message in broker.log:
        if message.topic.endswith("/desired"):
            bell = decode(ListDoorbell, message.payload)
            digests.setdefault((bell.device, bell.generation), set()).add(bell.digest)
    assert digests
    assert all(len(one) == 1 for one in digests.values()), digests
    with hub.db.reading() as session:
        told = Counter(
            (change["subject"], change["generation"])
            for row in session.scalars(select(AuditRow))
            for change in row.changes
            if change["what"] == "list.published"
        )
    assert told
    assert max(told.values()) == 1, f"published twice: {told.most_common(3)}"
