"""A box whose clock and the hub's certificate do not go together: TLS is never weakened, and whoever looks is told what to do."""

from __future__ import annotations

import asyncio
import logging
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID
from edge_twins import Signer, run, until
from typer.testing import CliRunner

from device_drivers.contract.events import EdgeNote, Event
from edge_agent.agent import Agent
from edge_agent.certificate import told
from edge_agent.cli import app
from edge_agent.config import EdgeConfig, EdgeDir
from edge_agent.connections import dates_refused, of_dates
from edge_agent.enrol import make_key
from hub.keys import Keys, _alternative_names

NOW = datetime.now(UTC)
YEARS = timedelta(days=3 * 365)


def server_certificate(keys: Keys, made: datetime, at: Path) -> None:
    """As the hub makes it, on another day."""
    _, private = keys.server_certificate("127.0.0.1")
    key = load_pem_private_key(private.read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    names = _alternative_names("127.0.0.1")
    issued = keys._issue(key.public_key(), "estate-hub", ExtendedKeyUsageOID.SERVER_AUTH, made, 397, names)
    at.write_bytes(issued.public_bytes(Encoding.PEM))


@pytest.mark.parametrize(("made", "said"), [(NOW - YEARS, "has ended"), (NOW + YEARS, "is not good yet")])
def test_a_certificate_that_looks_out_of_date_is_said_with_what_to_do_until_it_is_over(
    mosquitto_factory: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture, made: datetime, said: str
) -> None:
    keys, place, signer = Keys(tmp_path / "keys"), EdgeDir(tmp_path / "box"), Signer()
    place.make()
    key, csr = make_key()
    place.key.write_bytes(key)
    place.ca.write_text(keys.ca_pem)
    place.certificate.write_text(keys.sign_edge_csr(csr, "edge-aaaa").pem)
    place.hub_key.write_text(signer.public)
    shown = tmp_path / "shown.pem"
    server_certificate(keys, made, shown)
    broker = mosquitto_factory(
        f"listener {{port}} 127.0.0.1\nallow_anonymous true\ncafile {keys.directory / 'ca.pem'}\ncertfile {shown}\n"
        f"keyfile {keys.directory / 'edge-port-key.pem'}\nrequire_certificate true\n"
    )
    config = EdgeConfig(
        "edge-aaaa", "E001", "127.0.0.1", broker.port, "https://127.0.0.1:1", "s", serve_host="127.0.0.1"
    )
    place.config.write_bytes(msgspec.json.encode(config))

    def page() -> str:
        done = CliRunner().invoke(app, ["status", "--dir", str(place.root)])
        assert done.exit_code == 0, done.output
        return " ".join(done.output.split())

    async def notes(agent: Agent) -> list[str]:
        await agent.box.settled()
        rows = [msgspec.json.decode(r, type=Event).body for r in await agent.journal.read(1, 1000)]
        return [b.text for b in rows if isinstance(b, EdgeNote) and b.what in ("hub_dates", "hub_dates_over")]

    async def work() -> None:
        stop = asyncio.Event()
        agent = Agent(place, config, {}, fetch=signer.fetch)
        task = asyncio.create_task(agent.run(stop))
        try:
            await until(lambda: agent.hub.refused if hasattr(agent, "hub") else "", "the refusal is noticed")
            await until(lambda: said in page(), "the page says so")
            assert "timedatectl set-ntp true" in page(), "what to do"
            assert "doors go on" in page()
            assert f"{datetime.now(UTC):%Y-%m-%d}" in page(), "what time it is here"
            server_certificate(keys, NOW, shown)
            broker.stop()
            broker.start()
            await until(lambda: agent.uplink.link.connected, "it finds back by itself")
            await until(lambda: said not in page(), "and says so no more")
            assert len(await notes(agent)) == 2, "told once when it began, once when it was over"
        finally:
            stop.set()
            await task

    with caplog.at_level(logging.WARNING):
        run(work())
    assert any(said in r.message for r in caplog.records if r.name.startswith("edge_agent")), "in the log too"


def test_a_time_source_makes_it_the_hubs_certificate() -> None:
    error = ssl.SSLCertVerificationError("certificate has expired")
    error.verify_code = 10
    assert dates_refused(error) == "ended"
    assert dates_refused(ConnectionRefusedError()) == ""
    sure, unsure = (of_dates("ended", NOW, synchronised=known) for known in (True, False))
    assert "timedatectl" not in sure
    assert "renew" in sure
    assert "timedatectl" in unsure
    assert of_dates("", NOW, synchronised=False) == ""


def test_the_boxs_own_certificate_is_over_only_by_the_boxs_clock(tmp_path: Path) -> None:
    keys, place = Keys(tmp_path / "keys"), EdgeDir(tmp_path / "box")
    place.make()
    place.certificate.write_text(keys.sign_edge_csr(make_key()[1], "edge-aaaa", NOW).pem)
    said = told(place, NOW + YEARS, "")
    assert f"{NOW + YEARS:%Y-%m-%d %H:%M}" in said, "who sees the year knows what is wrong"
    assert said.index("set the clock") < said.index("enrol --again"), "a new enrolment does not help a wrong clock"
