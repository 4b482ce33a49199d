"""The one paho-mqtt wrapper, and its in-memory twin.

MQTT 5, clean start, no session: durability is the edge's journal and the hub's EventAck, never the broker
(`PUBACK` says only that the broker has it). Callbacks run on the network thread of the link.
"""

from __future__ import annotations

import logging
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from device_drivers.contract.messages import MAX_PAYLOAD

log = logging.getLogger(__name__)


class MessageTooLarge(ValueError):
    """paho ignores the broker's limit, is cut off, reconnects and sends the same packet for ever: refuse it before."""


@dataclass(frozen=True, slots=True)
class Will:
    topic: str
    payload: bytes
    retain: bool = True


@dataclass(frozen=True, slots=True)
class LinkOptions:
    """`tls`: None for a plain loopback link. A certificate that is given to it later holds from the next connection on."""

    host: str
    port: int
    client_id: str
    username: str
    password: str
    will: Will | None = None
    keepalive_s: int = 10
    max_payload: int = MAX_PAYLOAD
    tls: ssl.SSLContext | None = None
    protocol: MQTTProtocolVersion = MQTTProtocolVersion.MQTTv5


@dataclass(frozen=True, slots=True)
class Incoming:
    topic: str
    payload: bytes
    retain: bool = False


OnMessage = Callable[[Incoming], None]
OnState = Callable[[bool, str], None]


class Link(Protocol):
    """A link that keeps itself connected. `publish` never blocks and never queues while the link is down."""

    @property
    def connected(self) -> bool: ...

    def start(self, on_message: OnMessage, on_state: OnState) -> None: ...

    def subscribe(self, filters: Iterable[str]) -> None:
        """QoS 1; remembered and repeated at every connect."""
        ...

    def unsubscribe(self, filters: Iterable[str]) -> None: ...

    def publish(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False) -> bool:
        """False when the link is down. Raises MessageTooLarge."""
        ...

    def stop(self) -> None: ...


class MqttLink:
    """A `Link` over paho-mqtt with reconnect (0.2–5 s), TCP_NODELAY, and a handler that cannot kill the network thread.

    `failure`: why it could not be made at the last try; None while it stands.
    """

    def __init__(self, options: LinkOptions) -> None:
        self.options = options
        self._filters: list[str] = []
        self._client: paho.Client | None = None
        self._on_message: OnMessage = lambda _: None
        self._on_state: OnState = lambda _up, _why: None
        self._was_up: bool | None = None
        self._stopping = False
        self.failure: BaseException | None = None

    @property
    def connected(self) -> bool:
        return self._client is not None and self._client.is_connected()

    def start(self, on_message: OnMessage, on_state: OnState) -> None:
        self._on_message, self._on_state, self._stopping = on_message, on_state, False
        self._client = client = self._make_client()
        options = self.options
        v5 = options.protocol == MQTTProtocolVersion.MQTTv5
        client.connect_async(
            options.host,
            options.port,
            keepalive=options.keepalive_s,
            clean_start=True if v5 else paho.MQTT_CLEAN_START_FIRST_ONLY,
        )
        client.loop_start()

    def _make_client(self) -> paho.Client:
        options = self.options
        v5 = options.protocol == MQTTProtocolVersion.MQTTv5
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=options.client_id,
            protocol=options.protocol,
            clean_session=None if v5 else True,
        )
        client.username_pw_set(options.username, options.password)
        if options.tls:
            client.tls_set_context(options.tls)
        if options.will:
            client.will_set(options.will.topic, options.will.payload, qos=1, retain=options.will.retain)
        client.reconnect_delay_set(1, 5)
        client.max_inflight_messages_set(200)
        client.suppress_exceptions = True
        client.on_socket_open = _no_delay
        client.on_connect = self._connected
        client.on_connect_fail = self._not_reached
        client.on_disconnect = self._disconnected
        client.on_message = self._message
        return client

    def subscribe(self, filters: Iterable[str]) -> None:
        fresh = [f for f in filters if f not in self._filters]
        self._filters += fresh
        if fresh and self._client and self.connected:
            self._client.subscribe([(f, 1) for f in fresh])

    def unsubscribe(self, filters: Iterable[str]) -> None:
        gone = set(filters) & set(self._filters)
        self._filters = [f for f in self._filters if f not in gone]
        if gone and self._client and self.connected:
            self._client.unsubscribe(sorted(gone))

    def publish(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False) -> bool:
        if len(payload) > self.options.max_payload:
            raise MessageTooLarge(f"{topic}: {len(payload)} bytes, the broker takes {self.options.max_payload}")
        if not self._client or not self.connected:
            return False
        return self._client.publish(topic, payload, qos=qos, retain=retain).rc == paho.MQTT_ERR_SUCCESS

    def stop(self) -> None:
        self._stopping = True
        if self._client:
            self._client.disconnect()
            self._client.loop_stop()

    def _not_reached(self, _client: paho.Client, _data: Any) -> None:
        """paho calls it while it handles the error, and does not hand it on."""
        self.failure = sys.exc_info()[1]
        if self._was_up is None:  # one that was up has said that it is lost
            self._was_up = False
            log.warning("link %s: %s", self.options.client_id, self.failure)

    def _connected(
        self, client: paho.Client, _data: Any, _flags: Any, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        if reason.is_failure:
            self._state(False, f"refused: {reason}")
            return
        if self._filters:
            client.subscribe([(f, 1) for f in self._filters])
        self.failure = None
        self._state(True, "connected")

    def _disconnected(
        self, _client: paho.Client, _data: Any, _flags: Any, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        self._state(False, str(reason))

    def _state(self, up: bool, why: str) -> None:
        if up != self._was_up:  # log once when lost, once when back
            expected = up or self._stopping
            log.log(logging.INFO if expected else logging.WARNING, "link %s: %s", self.options.client_id, why)
        self._was_up = up
        self._guard("state", self._on_state, up, why)

    def _message(self, _client: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
        self._guard(message.topic, self._on_message, Incoming(message.topic, bytes(message.payload), message.retain))

    def _guard(self, key: str, handler: Callable[..., None], *values: object) -> None:
        try:
            handler(*values)
        except Exception:
            # An exception here would end paho's network thread and with it the link.
            log.exception("link %s: handler failed on %s", self.options.client_id, key)


def _no_delay(_client: paho.Client, _data: Any, sock: Any) -> None:
    # Nagle with delayed ACK costs 40 ms a message; paho does not set this itself.
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def topic_matches(pattern: str, topic: str) -> bool:
    """MQTT filter match with `+` and `#`."""
    return paho.topic_matches_sub(pattern, topic)


@dataclass(slots=True)
class MemoryBroker:
    """The broker's in-memory twin for fast tests: retained messages, wills, links that can be cut."""

    links: list[MemoryLink] = field(default_factory=list)
    retained: dict[str, bytes] = field(default_factory=dict)
    log: list[Incoming] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def route(self, topic: str, payload: bytes, retain: bool) -> None:
        with self.lock:
            self.log.append(Incoming(topic, payload, retain))
            if retain and payload:
                self.retained[topic] = payload
            elif retain:
                self.retained.pop(topic, None)
            receivers = [link for link in self.links if link.connected and link.wants(topic)]
        for link in receivers:
            link.deliver(Incoming(topic, payload))


class MemoryLink:
    """A `Link` on a `MemoryBroker`; delivers on the caller's thread. `cut()` and `restore()` play the network."""

    def __init__(self, broker: MemoryBroker, will: Will | None = None, max_payload: int = MAX_PAYLOAD) -> None:
        self.broker, self.will, self.max_payload = broker, will, max_payload
        self._filters: list[str] = []
        self._up = False
        self._on_message: OnMessage = lambda _: None
        self._on_state: OnState = lambda _up, _why: None

    @property
    def connected(self) -> bool:
        return self._up

    def start(self, on_message: OnMessage, on_state: OnState) -> None:
        self._on_message, self._on_state = on_message, on_state
        self.broker.links.append(self)
        self.restore()

    def restore(self) -> None:
        self._up = True
        self._on_state(True, "connected")
        self._replay(self._filters)

    def cut(self, graceful: bool = False) -> None:
        if not self._up:
            return
        self._up = False
        if self.will and not graceful:
            self.broker.route(self.will.topic, self.will.payload, self.will.retain)
        self._on_state(False, "cut")

    def subscribe(self, filters: Iterable[str]) -> None:
        fresh = [f for f in filters if f not in self._filters]
        self._filters += fresh
        if self._up:
            self._replay(fresh)

    def unsubscribe(self, filters: Iterable[str]) -> None:
        gone = set(filters)
        self._filters = [f for f in self._filters if f not in gone]

    def _replay(self, filters: Iterable[str]) -> None:
        wanted = list(filters)
        for topic, payload in list(self.broker.retained.items()):
            if any(topic_matches(f, topic) for f in wanted):
                self.deliver(Incoming(topic, payload, retain=True))

    def wants(self, topic: str) -> bool:
        return any(topic_matches(f, topic) for f in self._filters)

    def deliver(self, message: Incoming) -> None:
        self._on_message(message)

    def publish(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False) -> bool:
        if len(payload) > self.max_payload:
            raise MessageTooLarge(f"{topic}: {len(payload)} bytes")
        if self._up:
            self.broker.route(topic, payload, retain)
        return self._up

    def stop(self) -> None:
        self.cut(graceful=True)
        if self in self.broker.links:
            self.broker.links.remove(self)
