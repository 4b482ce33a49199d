"""The outside services the other tests stand on: real, private, and the right kind."""

from __future__ import annotations

import shutil
import signal
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import paho.mqtt.client as mqtt
import psycopg
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode
from patience import PATIENCE_S

from tools import where

if TYPE_CHECKING:
    from tests.conftest import Mosquitto

NO_ANONYMOUS = (
    "allow_anonymous false\nset_tcp_nodelay true\nplugin {dynsec}\nplugin_opt_config_file {dir}/dynsec.json\n"
)


def _connects(port: int, user: str | None = None, password: str | None = None) -> bool:
    """Whether the broker takes an MQTT 5 client."""
    answered, taken = threading.Event(), []
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5, reconnect_on_failure=False)
    if user:
        client.username_pw_set(user, password)

    def on_connect(_c: object, _u: object, _f: object, reason: ReasonCode, _p: object) -> None:
        taken.append(not reason.is_failure)
        answered.set()

    client.on_connect = on_connect
    client.connect("127.0.0.1", port)
    client.loop_start()
    try:
        assert answered.wait(PATIENCE_S), "the broker never answered"
    finally:
        client.disconnect()
        client.loop_stop()
    return taken[0]


def test_mosquitto_with_dynamic_security_takes_only_whom_it_knows(
    mosquitto_factory: Callable[[str], Mosquitto], tmp_path: Path
) -> None:
    ctrl = where.program("mosquitto_ctrl")
    broker = mosquitto_factory("listener {port} 127.0.0.1\nallow_anonymous true\n")
    assert _connects(broker.port), "a broker that allows anonymous clients refused one"
    assert ctrl is not None, "mosquitto_ctrl comes with Debian's mosquitto"
    made = tmp_path / "dynsec.json"
    subprocess.run([ctrl, "dynsec", "init", made, "admin", "a long word"], check=True, capture_output=True)
    shutil.copy(made, broker.directory / "dynsec.json")
    config = NO_ANONYMOUS.replace("{dynsec}", str(where.mosquitto_dynsec())).replace("{dir}", str(broker.directory))
    conf = broker.directory / "mosquitto.conf"
    conf.write_text(conf.read_text().replace("allow_anonymous true\n", config))
    broker.stop(signal.SIGKILL)
    broker.start()
    assert not _connects(broker.port), "an anonymous client was let in"
    assert not _connects(broker.port, "admin", "another word"), "a wrong password was let in"
    assert _connects(broker.port, "admin", "a long word"), f"the right password was refused:\n{broker.log()}"


@pytest.mark.parametrize("attempt", [1, 2])
def test_each_test_gets_an_empty_postgresql_database(postgres_database: str, attempt: int) -> None:
    with psycopg.connect(postgres_database.replace("+psycopg", "")) as connection:
        found = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()
        assert found == (0,), f"attempt {attempt} found another test's tables"
        connection.execute("CREATE TABLE left_over (n int)")
        assert connection.execute("SHOW server_encoding").fetchone() == ("UTF8",)


def test_chromium_draws_chinese(chromium_path: Path, tmp_path: Path) -> None:
    """Two different Chinese signs must not be drawn alike: without a font both are the same empty box."""
    pictures = []
    for sign in "房门":
        page, shot = tmp_path / f"{ord(sign)}.html", tmp_path / f"{ord(sign)}.png"
        page.write_text(f"<meta charset=utf-8><body style='font-size:120px;margin:0'>{sign}")
        options = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}"]
        options += ["--disable-dev-shm-usage", "--window-size=200,200", f"--screenshot={shot}", page.as_uri()]
        done = subprocess.run([chromium_path, *options], capture_output=True, timeout=PATIENCE_S, check=False)
        assert shot.exists(), f"no screenshot:\n{done.stderr.decode(errors='replace')[-2000:]}"
        pictures.append(shot.read_bytes())
    assert pictures[0] != pictures[1], "Chinese signs are drawn as empty boxes: no font with Chinese is found"


def test_opencv_reads_the_third_party_rtsp_stream(rtsp_stream: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENCV_FFMPEG_CAPTURE_OPTIONS", "rtsp_transport;tcp")
    limits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, 60_000, cv2.CAP_PROP_READ_TIMEOUT_MSEC, 60_000]
    capture = cv2.VideoCapture(rtsp_stream, cv2.CAP_FFMPEG, limits)
    try:
        taken, picture = capture.read()
        assert taken, "no picture came"
        assert picture.shape == (480, 640, 3), f"unexpected picture {picture.shape}"
    finally:
        capture.release()


def test_mbpoll_starts(mbpoll_path: Path) -> None:
    shown = subprocess.run([mbpoll_path, "-V"], capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert shown.returncode == 0, f"mbpoll does not start: {shown.stderr}"
    assert shown.stdout[:1].isdigit(), f"mbpoll told no version: {shown.stdout!r}"
