"""`serve`: one process with the broker link, the jobs, the console's port and the edges' port."""

from __future__ import annotations

import dataclasses
import logging
import os
import signal
import socket
import ssl
import threading
from contextlib import ExitStack
from pathlib import Path
from types import FrameType

import uvicorn
from fastapi import FastAPI

from hub import migrations, mosquitto, rooms
from hub.app import create_app
from hub.broker import BrokerHandler, hub_link
from hub.config import Config
from hub.edge_api import create_edge_app
from hub.estate.show import DwellingStatuses
from hub.jobs import Job, JobRunner
from hub.services import Hub, open_hub

log = logging.getLogger(__name__)
GRACE_S = 3
START_S = 60.0
WATCH_S = 10.0
SHOW_S = 3.0
REMOVED_S = 3.0  # until an edge that was removed on the command line is shut out
RENEW_S = 3_600.0


class CannotServe(RuntimeError):
    """A port is taken or a part did not start. The text says what to do."""


class _Port(uvicorn.Server):
    """A uvicorn on a thread of its own: the process's signals are the main thread's."""

    def __init__(self, config: uvicorn.Config, sock: socket.socket, name: str) -> None:
        super().__init__(config)
        self.sock = sock
        self.thread = threading.Thread(target=self._on_thread, name=name, daemon=True)

    def _on_thread(self) -> None:
        self.run(sockets=[self.sock])

    def begin(self) -> None:
        self.thread.start()
        deadline = threading.Event()
        for _ in range(int(START_S / 0.02)):
            if self.started or not self.thread.is_alive():
                break
            deadline.wait(0.02)
        if not self.started:
            raise CannotServe(f"{self.thread.name} did not start; the log says why")

    def end(self) -> None:
        self.should_exit = True
        self.thread.join(GRACE_S + 5)


def bind(host: str, port: int) -> socket.socket:
    """A listening address (port 0: a free one). Raises CannotServe."""
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
    except OSError as error:
        sock.close()
        raise CannotServe(f"cannot listen on {host}:{port}: {error.strerror}; choose another port") from error
    return sock


def _settings(app: FastAPI) -> uvicorn.Config:
    return uvicorn.Config(
        app, log_config=None, access_log=False, server_header=False, timeout_graceful_shutdown=GRACE_S
    )


class Server:
    """A running hub. `start` returns when both ports answer; `stop` ends everything in the opposite order."""

    def __init__(self, config: Config, embedded_broker: bool) -> None:
        self.config, self.embedded_broker = config, embedded_broker
        self._parts = ExitStack()
        self.hub: Hub | None = None
        self.broker: mosquitto.MosquittoProcess | None = None
        self._edge_tls: ssl.SSLContext | None = None
        self.jobs: JobRunner | None = None
        self.stuck = False
        self._revoked_at = 0
        self._shown_at = 0

    def start(self) -> Hub:
        try:
            return self._start()
        except BaseException:  # nothing may stay behind, whatever it was; it is raised again
            self.stop()
            raise

    def _start(self) -> Hub:
        config = self.config
        console, edges = bind(config.host, config.port), bind(config.edge_host, config.edge_port)
        self._parts.callback(console.close)
        self._parts.callback(edges.close)
        config = dataclasses.replace(config, port=console.getsockname()[1], edge_port=edges.getsockname()[1])
        if self.embedded_broker:
            config = self._start_broker(config)
        self.config = config
        hub = self.hub = open_hub(config)
        self._parts.callback(hub.db.close)
        migrations.upgrade(hub.db)
        handler = BrokerHandler(hub)
        self._parts.callback(handler.stop)
        secret = mosquitto.secret_for(config.dir / config.broker_secret_file)
        handler.start(hub_link(config.broker_host, config.broker_port, secret))
        shown = Job("dwellings.show", SHOW_S, DwellingStatuses().run)
        watched = Job("edges.watch", WATCH_S, handler.watch)
        removed = Job("edges.removed", REMOVED_S, handler.shut_out)
        revoked = Job("edges.revoked", REMOVED_S, self._revocations)
        renewed = Job("edges.port", RENEW_S, self._certificate)
        jobs = JobRunner(hub, (*rooms.JOBS, watched, removed, revoked, renewed, shown))
        self._parts.callback(self._stop_jobs)
        self.jobs = jobs
        jobs.start()
        app = create_app(hub)
        app.state.broker = handler
        self._open(app, create_edge_app(hub, app), console, edges)
        return hub

    def _start_broker(self, config: Config) -> Config:
        directory = config.dir / "broker"
        port = mosquitto.port_for(directory)
        secret = mosquitto.secret_for(config.dir / config.broker_secret_file)
        self.broker = mosquitto.start_hub_broker(directory, port, secret, config.broker_host)
        self._parts.callback(self.broker.stop)
        return dataclasses.replace(config, broker_port=port)

    def _open(self, app: FastAPI, edge_app: FastAPI, console: socket.socket, edges: socket.socket) -> None:
        assert self.hub is not None
        certificate, key = self.hub.keys.server_certificate(self.config.edge_host)
        secured = _settings(edge_app)
        secured.ssl_certfile, secured.ssl_keyfile = certificate, key
        secured.ssl_ca_certs = str(self.hub.keys.directory / "ca.pem")
        secured.ssl_cert_reqs = ssl.CERT_REQUIRED
        secured.load()
        assert secured.ssl is not None
        secured.ssl.load_verify_locations(self.hub.keys.revoked_file)
        secured.ssl.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
        self._edge_tls, self._shown_at = secured.ssl, certificate.stat().st_mtime_ns
        for port in (_Port(_settings(app), console, "console port"), _Port(secured, edges, "edge port")):
            port.begin()
            self._parts.callback(port.end)

    def _revocations(self, hub: Hub) -> str:
        """Job: a newer list of revoked certificates holds for every connection from now on."""
        written_at = hub.keys.revoked_file.stat().st_mtime_ns
        if self._edge_tls is None or written_at == self._revoked_at:
            return "no new revocation"
        self._edge_tls.load_verify_locations(hub.keys.revoked_file)
        self._revoked_at = written_at
        return "the list of revoked certificates was read"

    def _certificate(self, hub: Hub) -> str:
        """Job: a hub that runs for a year renews the edge port's own certificate, and shows it from the next connection on."""
        certificate, key = hub.keys.server_certificate(self.config.edge_host)
        written_at = certificate.stat().st_mtime_ns
        if self._edge_tls is None or written_at == self._shown_at:
            return "the certificate of the edge port is good"
        self._edge_tls.load_cert_chain(certificate, key)
        self._shown_at = written_at
        return "the certificate of the edge port was renewed"

    def _stop_jobs(self) -> None:
        self.stuck = self.jobs is not None and not self.jobs.stop()

    def stop(self) -> None:
        self._parts.close()


def serve(config: Config, embedded_broker: bool) -> int:
    """Until SIGTERM or Ctrl-C; then 0. Raises CannotServe or BrokerFailed when a part does not start."""
    stop = threading.Event()

    def told(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, told)
    server = Server(config, embedded_broker)
    server.start()
    log.warning("console http://%s:%d", server.config.host, server.config.port)
    log.warning("edges https://%s:%d", server.config.edge_host, server.config.edge_port)
    try:
        while not stop.wait(1.0):
            if server.jobs:
                server.jobs.set_back()
            if server.broker and not server.broker.running:
                raise CannotServe(f"the broker ended: see {Path(server.config.dir) / 'broker' / 'mosquitto.log'}")
    finally:
        server.stop()
        if server.stuck:
            # its thread would keep the process for ever; whole units of work, or nothing, are in the database
            log.error("a job does not end: the process ends without it")
            logging.shutdown()
            os._exit(1)
    return 0
