"""The terminal's MQTT connection: paho in its own thread, everything handed over to the event loop. MQTT 3.1.1, QoS 0."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode


class FaceLink:
    """One MQTT client that can also lose its connection the hard way.

    ``on_up``, ``on_down`` and ``on_message(payload)`` are called in the event loop's thread.
    """

    def __init__(
        self,
        config: dict[str, Any],
        command_topic: str,
        will: tuple[str, str],
        on_up: Callable[[], None],
        on_down: Callable[[str], None],
        on_message: Callable[[bytes], None],
    ) -> None:
        self.config = config
        self.command_topic = command_topic
        self.will = will
        self.on_up = on_up
        self.on_down = on_down
        self.on_message = on_message
        self.connected = False
        self._client: mqtt.Client | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def open(self) -> None:
        """Begin to connect, and go on trying every 1 to 5 s until ``close`` or ``tear``. Twice is once."""
        if self._client is not None:
            return
        self._loop = asyncio.get_running_loop()
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=str(self.config["device_id"]),
            clean_session=True,
            protocol=mqtt.MQTTv311,
        )
        client.username_pw_set(str(self.config["username"]), str(self.config["password"]))
        client.will_set(self.will[0], self.will[1], qos=0, retain=False)
        client.reconnect_delay_set(min_delay=1, max_delay=5)
        client.on_connect = self._connected
        client.on_subscribe = self._subscribed
        client.on_disconnect = self._disconnected
        client.on_message = self._message
        client.connect_async(
            str(self.config["broker_host"]), int(self.config["broker_port"]), int(self.config.get("keepalive_s", 30))
        )
        client.loop_start()
        self._client = client

    async def close(self) -> None:
        """Say goodbye properly: no will is published."""
        await self._end(torn=False)

    async def tear(self) -> None:
        """Lose the connection as a pulled plug does: the broker publishes the will."""
        await self._end(torn=True)

    async def _end(self, *, torn: bool) -> None:
        client, self._client = self._client, None
        if client is None:
            return
        sock = client.socket()
        if torn and isinstance(sock, socket.socket):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        client.disconnect()
        await asyncio.to_thread(client.loop_stop)
        self.connected = False

    def publish(self, topic: str, payload: bytes) -> bool:
        """Send at QoS 0. False when there is no connection: a terminal queues nothing here."""
        if self._client is None or not self.connected:
            return False
        return self._client.publish(topic, payload, qos=0).rc == mqtt.MQTT_ERR_SUCCESS

    # From paho's thread

    def _post(self, client: mqtt.Client, callback: Callable[..., None], *args: Any) -> None:
        def run() -> None:
            if client is self._client:  # a late word from a connection already given up is nobody's
                callback(*args)

        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(run)

    def _connected(
        self,
        client: mqtt.Client,
        userdata: Any,
        flags: mqtt.ConnectFlags,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        if reason.is_failure:
            self._post(client, self._set_down, f"refused: {reason}")
            return
        client.subscribe(self.command_topic, qos=0)

    def _subscribed(self, client: mqtt.Client, *_: Any) -> None:
        # Only now does a command reach us: QoS 0 sent before the broker's answer is lost.
        self._post(client, self._set_up)

    def _disconnected(
        self,
        client: mqtt.Client,
        userdata: Any,
        flags: mqtt.DisconnectFlags,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        self._post(client, self._set_down, f"lost: {reason}")

    def _message(self, client: mqtt.Client, userdata: Any, message: mqtt.MQTTMessage) -> None:
        self._post(client, self.on_message, message.payload)

    def _set_up(self) -> None:
        self.connected = True
        self.on_up()

    def _set_down(self, reason: str) -> None:
        self.connected = False
        self.on_down(reason)
