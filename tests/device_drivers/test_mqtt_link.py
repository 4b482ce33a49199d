"""The paho wrapper over a real Mosquitto, and its in-memory twin."""

from __future__ import annotations

import logging
import signal
from collections.abc import Callable
from typing import Any

import pytest

from device_drivers.mqtt import Incoming, LinkOptions, MemoryBroker, MemoryLink, MessageTooLarge, MqttLink, Will

CONFIG = "listener {port} 127.0.0.1\nallow_anonymous true\n"


class Ear:
    def __init__(self, fail_on: bytes = b"") -> None:
        self.heard: list[Incoming] = []
        self.states: list[bool] = []
        self.fail_on = fail_on

    def message(self, message: Incoming) -> None:
        self.heard.append(message)
        if self.fail_on and message.payload == self.fail_on:
            raise RuntimeError("a handler with a fault")

    def state(self, up: bool, _why: str) -> None:
        self.states.append(up)

    def payloads(self) -> list[bytes]:
        return [m.payload for m in self.heard]


def options(port: int, client_id: str, **changes: Any) -> LinkOptions:
    return LinkOptions("127.0.0.1", port, client_id, "user", "secret", **changes)


def test_it_reconnects_and_subscribes_again(mosquitto_factory: Any, wait_until: Callable[..., Any]) -> None:
    broker, ear = mosquitto_factory(CONFIG), Ear()
    link = MqttLink(options(broker.port, "reconnect"))
    link.subscribe(["a/+"])
    link.start(ear.message, ear.state)
    try:
        wait_until(lambda: link.connected, "the first connection")
        broker.stop(signal.SIGKILL)
        wait_until(lambda: ear.states[-1:] == [False], "the loss to be told")
        assert not link.publish("a/lost", b"x"), "nothing is queued while the link is down"
        broker.start()
        wait_until(lambda: link.connected, "the second connection")
        wait_until(lambda: link.publish("a/b", b"again") and b"again" in ear.payloads(), "a message after the loss")
        assert b"x" not in ear.payloads()
    finally:
        link.stop()


def test_a_handler_that_fails_does_not_end_the_link(mosquitto_factory: Any, wait_until: Callable[..., Any]) -> None:
    broker, ear = mosquitto_factory(CONFIG), Ear(fail_on=b"bad")
    link = MqttLink(options(broker.port, "faulty"))
    link.subscribe(["t"])
    link.start(ear.message, ear.state)
    try:
        wait_until(lambda: link.publish("t", b"bad") and b"bad" in ear.payloads(), "the bad message")
        link.publish("t", b"good")
        wait_until(lambda: b"good" in ear.payloads(), "the message after it")
        assert link.connected
    finally:
        link.stop()


def test_too_large_is_refused_before_paho_repeats_it_for_ever() -> None:
    link = MqttLink(options(1, "large", max_payload=10))
    with pytest.raises(MessageTooLarge, match="11 bytes"):
        link.publish("t", b"x" * 11)
    assert not link.publish("t", b"x" * 10), "not connected"


def test_the_twin_keeps_retained_messages_wills_and_cuts() -> None:
    broker = MemoryBroker()
    hub_ear, edge_ear = Ear(), Ear()
    hub, edge = MemoryLink(broker), MemoryLink(broker, Will("status", b"offline"))
    hub.subscribe(["status", "up/#"])
    hub.start(hub_ear.message, hub_ear.state)
    edge.start(edge_ear.message, edge_ear.state)
    assert edge.publish("status", b"online", retain=True)
    edge.cut()
    assert hub_ear.payloads() == [b"online", b"offline"], "the will is published when the link is cut"
    assert not edge.publish("up/x", b"lost")
    edge.restore()
    assert edge_ear.states == [True, False, True]
    edge.subscribe(["status"])
    assert [(m.payload, m.retain) for m in edge_ear.heard] == [(b"offline", True)]
    with pytest.raises(MessageTooLarge):
        edge.publish("up/x", b"x" * 70_000)
    edge.stop()
    assert hub_ear.payloads() == [b"online", b"offline"], "a graceful end publishes no will"


def test_its_own_farewell_is_no_warning(
    mosquitto_factory: Any, wait_until: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "device_drivers.mqtt")
    broker, ear = mosquitto_factory(CONFIG), Ear()
    link = MqttLink(options(broker.port, "leaving"))
    link.start(ear.message, ear.state)
    wait_until(lambda: link.connected, "the connection")
    link.stop()
    wait_until(lambda: ear.states[-1:] == [False], "the end to be told")
    assert not [r for r in caplog.records if r.levelno >= logging.WARNING], "we left ourselves"
    other = MqttLink(options(broker.port, "left alone"))
    other.start(ear.message, ear.state)
    try:
        wait_until(lambda: other.connected, "the second connection")
        broker.stop(signal.SIGKILL)
        wait_until(lambda: not other.connected, "the loss")
        wait_until(lambda: [r for r in caplog.records if r.levelno == logging.WARNING], "a real loss is a warning")
    finally:
        other.stop()
