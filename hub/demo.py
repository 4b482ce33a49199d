"""`estate-hub demo`: one whole estate on this machine, every part a process of its own on real protocols.

State lives under one directory: `hub/`, `edge/`, `site/` (the simulated estate), `broker/`, `logs/`, `demo.json` (ports).
The hub imports no simulator: they are started as commands, as an installer's devices would simply be there.
"""

from __future__ import annotations

import base64
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

import httpx
from rich.console import Console
from rich.status import Status

from hub import demo_setup as setup
from hub.children import Child, ChildFailed, Children, run_to_end
from hub.migrations import CannotUpgrade
from hub.mosquitto import BrokerFailed
from hub.services import Hub, open_hub
from hub.trust import trusted

PYTHON = (sys.executable, "-m")
LOOK_S = 0.1
WAIT_S = 600.0  # a part that ends is seen at once; one that lives may be slow on a machine with much else to do
TENANCY_PERIOD_S = 2
"""Somebody at the screen who ends a tenancy does not want to wait for half a minute."""


class Stopped(Exception):
    """Somebody pressed Ctrl-C or sent SIGTERM."""


@dataclass
class Demo:
    """One run. `start` brings everything up and prints `ready`; `stay` looks after it until it is told to stop."""

    directory: Path
    port: int
    seed: int = 1
    days: int = 200
    speed: float = 20.0
    out: Console = field(default_factory=Console)
    children: Children = field(default_factory=Children)
    stop: threading.Event = field(default_factory=threading.Event)
    hub: Hub | None = None
    blocks: int = 4
    floors: int = 15
    began: float = 0.0

    def start(self) -> None:
        self.began, started_at = time.monotonic(), datetime.now(UTC)
        with self.out.status("小区规划 planning the estate") as status:
            ports = setup.ports(self.directory, self.port)
            self._tool("plan", "simulators", "plan", "--dir", self.site, "--seed", self.seed, "--days", self.days,
                       "--blocks", self.blocks, "--floors", self.floors, "--edge-broker-port", ports.edge_broker)  # fmt: skip
            history = None if setup.has_history(self.directory) else self._write_history()
            hub = self.hub = open_hub(setup.config(self.directory, ports, self.port))
            status.update("数据库与密钥 database, keys, users")
            setup.prepare(hub, self.directory)
            self._done("estate planned; database, keys and users are there")
            self._start_outside(ports, status)
            self._start_inside(hub, ports, status)
            status.update("租约 → 名单 → 设备 tenancies to doors")
            self._wait("every device holds its list", lambda: setup.devices_in_step(hub))
        if history:
            self._import_history(hub, history)
        self._wait("the hub has what the edge recorded", lambda: setup.caught_up(hub))
        with self.out.status("入住分析 presence, findings, cases"):
            if not setup.analyse(hub):
                raise ChildFailed("the occupancy analysis failed: see above")
        self._done("presence, findings and cases")
        self._wait("live data from the devices", lambda: setup.seen_live(hub, started_at))
        self._say_ready(hub, time.monotonic() - self.began)

    @property
    def site(self) -> Path:
        return self.directory / "site"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _log(self, name: str) -> Path:
        return self.directory / "logs" / f"{name}.log"

    def _tool(self, name: str, module: str, *arguments: object) -> None:
        self._check()
        run_to_end([*PYTHON, module, *map(str, arguments)], self._log(name), name)

    def _child(self, name: str, module: str, *arguments: object, restart: bool = False, **environment: str) -> Child:
        self._check()
        command = [*PYTHON, module, *map(str, arguments)]
        return self.children.start(Child(name, command, self._log(name), restart, environment))

    def _write_history(self) -> Child:
        """Runs beside the rest: it needs the plan only."""
        out = self.directory / "history.ndjson"
        child = Child("history", [*PYTHON, "simulators", "history", "--dir", str(self.site), "--out", str(out)],
                      self._log("history"))  # fmt: skip
        child.start()
        return child

    def _start_outside(self, ports: setup.Ports, status: Status) -> None:
        """What an estate and its city have without us: devices, people, the back office, the brokers' processes."""
        status.update("模拟小区与业务系统 devices, residents, back office")
        for name, command in setup.broker_commands(self.directory, ports).items():
            self.children.start(Child(name, command, self._log(name), restart=True))
        back_office = setup.back_office_url(self.directory)
        key = setup.back_office_key(self.directory)
        (self.site / "ready.json").unlink(missing_ok=True)  # of a run that was killed
        self._child("back-office", "simulators", "back-office", "--dir", self.site, "--api-key-file", key, restart=True)
        self._child("estate", "simulators", "estate", "--dir", self.site, "--broker-port", ports.edge_broker,
                    "--speed", self.speed, "--back-office", back_office, "--api-key-file", key, restart=True)  # fmt: skip

    def _start_inside(self, hub: Hub, ports: setup.Ports, status: Status) -> None:
        """Ours: the hub and the estate's edge box."""
        status.update("中心与边缘 hub and edge")
        self._child(
            "hub", "hub.cli", "serve", "--dir", self.directory / "hub", "--port", self.port,
            "--edge-port", ports.edge_https, "--broker-port", ports.hub_broker, restart=True,
            ESTATE_TENANCY_PERIOD_S=str(TENANCY_PERIOD_S),
        )  # fmt: skip
        self._wait("the hub answers", lambda: _answers(f"{self.url}/api/v1/health"))
        back_office = setup.back_office_url(self.directory)
        self._wait("the back office answers", lambda: _answers(f"{back_office}/photos/none.jpg"))
        self._tell_key(hub)
        edge = self.directory / "edge"
        if not (edge / "edge.json").exists():
            token = setup.enrolment_token(hub)
            self._tool("enrol", "edge_agent.cli", "enrol", "--hub", self.url, "--token", token, "--dir", edge,
                       "--local-broker", f"127.0.0.1:{ports.edge_broker}",
                       "--local-broker-credentials", setup.edge_broker_credentials(self.directory))  # fmt: skip
        self._wait("the simulated devices are up", (self.site / "ready.json").exists)
        self._child("edge", "edge_agent.start", "run", "--dir", edge, restart=True)

    def _tell_key(self, hub: Hub) -> None:
        """The lease system pins the hub's public key before it accepts a message."""
        reply = httpx.put(
            f"{setup.back_office_url(self.directory)}/api/hub-key",
            json={"public_key": base64.b64encode(hub.keys.public_key).decode()},
            headers={"X-Api-Key": setup.back_office_key(self.directory).read_text().strip()},
            timeout=60,
            trust_env=False,
            verify=trusted(trust_env=False),
        )
        reply.raise_for_status()

    def _import_history(self, hub: Hub, history: Child) -> None:
        """The last months, as terminals that are taken over bring them: through journal, wire and ingest."""
        assert history.process is not None
        if history.process.wait() != 0:
            raise history.failed()
        file = self.directory / "history.ndjson"
        setup.write_holders(hub, file.with_name("holders.json"))
        self.out.print(
            f"[bold]{self.days} 天历史[/] 经边缘日志、MQTT 与入库 / history through journal, wire and ingest"
        )
        command = [*PYTHON, "edge_agent.cli", "import-history", str(file), "--dir", str(self.directory / "edge")]
        self._check()
        done = subprocess.run(command, check=False)
        self._check()
        if done.returncode != 0:
            raise ChildFailed(f"the history could not be imported (status {done.returncode})")
        setup.mark_history(self.directory)
        file.unlink()

    def _wait(self, what: str, reached: Callable[[], bool]) -> None:
        """Until `reached`, while all children live. Raises ChildFailed when it takes too long."""
        end = time.monotonic() + WAIT_S
        with self.out.status(f"等待 waiting: {what}"):
            while not reached():
                self._check()
                for child in self.children.members:
                    if not child.running:
                        raise child.failed()
                if time.monotonic() > end:
                    raise ChildFailed(f"waited {WAIT_S:g} s for: {what}. Logs are in {self.directory / 'logs'}")
                self.stop.wait(LOOK_S)
        self._done(what)

    def _done(self, what: str) -> None:
        self.out.print(f"[green]✓[/] {time.monotonic() - self.began:5.1f} s  {what}", highlight=False)

    def _check(self) -> None:
        if self.stop.is_set():
            raise Stopped

    def _say_ready(self, hub: Hub, seconds: float) -> None:
        self.out.print(f"就绪 {seconds:.0f} 秒 / up in {seconds:.0f} s. 登录 sign in as:")
        for title, link in setup.sign_in_links(hub, self.url):
            self.out.print(f"  {title}  {link}", soft_wrap=True, highlight=False)
        print(f"ready {self.url}", flush=True)

    def stay(self) -> None:
        """Until Ctrl-C or SIGTERM; a part that ended by itself is started again and said."""
        while not self.stop.wait(1.0):
            for line in self.children.look_after():
                self.out.print(line)

    def shut_down(self) -> None:
        """Everything stops in the opposite order of its start; state stays for the next run."""
        self.children.stop_all()
        if self.hub:
            self.hub.db.close()


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=10.0, trust_env=False, verify=trusted(trust_env=False)).status_code < 500
    except httpx.HTTPError:
        return False


def demo(
    directory: Path,
    port: int,
    *,
    seed: int = 1,
    days: int = 200,
    speed: float = 20.0,
    blocks: int = 4,
    floors: int = 15,
) -> int:
    """Runs until told to stop. Returns the exit status: 0 after a clean stop, 1 when a part could not be brought up."""
    run = Demo(directory.resolve(), port, seed, days, speed, blocks=blocks, floors=floors)

    def told_to_stop(_number: int, _frame: FrameType | None) -> None:
        run.stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, told_to_stop)
    try:
        run.start()
        run.stay()
    except Stopped:
        pass
    except (ChildFailed, BrokerFailed, CannotUpgrade, setup.SetupProblem) as problem:
        run.out.print(f"[red]{problem}[/]", soft_wrap=True, highlight=False)
        return 1
    finally:
        run.shut_down()
    run.out.print("已停止 stopped; 再次运行将从这里继续 the next start continues")
    return 0
