"""Question and answer with one terminal over MQTT: one command in flight, answers matched, lost commands sent again.

Answers are matched by messageId, device id and operator (`X-Ack`). The protocol is QoS 0; the manual asks to send
unanswered commands again when the terminal reports back. That holds for all but a door pulse (`once=True`).
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from paho.mqtt.enums import MQTTProtocolVersion

from device_drivers.driver import BrokerAddress, DeviceUnreachable, WrongSecret
from device_drivers.face_terminal import codec
from device_drivers.mqtt import Incoming, Link, LinkOptions, MessageTooLarge, MqttLink

log = logging.getLogger(__name__)
MAX_PAYLOAD = 5 * 1024 * 1024
OWN_TOPICS = ("Ack", "ack", "Rec", "Snap", "Card", "QRCode", "IDCard", "Alarm")
SHARED_TOPICS = ("basic", "heartbeat")
WRONG_SECRET_WORDS = ("not authorized", "bad user name")


class NoAnswer(DeviceUnreachable):
    """The command went out, nothing came back."""


@dataclass(slots=True)
class _Asked:
    operator: str
    message_id: str
    payload: bytes
    again: bool
    answer: asyncio.Future[codec.Message]


class Channel:
    """The link to one terminal. `on_message(channel name, payload)` gets everything but answers, on the event loop."""

    def __init__(self, terminal: str, root: str, link: Link) -> None:
        self._name = terminal.encode()
        self.terminal, self.root, self.link = terminal, root.rstrip("/"), link
        self.on_message: Callable[[str, bytes], None] = lambda _name, _payload: None
        self.on_down: Callable[[str], None] = lambda _why: None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lock = asyncio.Lock()
        self._asked: _Asked | None = None
        self._state: asyncio.Queue[tuple[bool, str]] = asyncio.Queue()
        self._opened = False

    async def open(self, timeout_s: float) -> None:
        """Raises DeviceUnreachable when the broker does not answer, WrongSecret when it refuses our user."""
        self._loop = asyncio.get_running_loop()
        topics = [f"{self.root}/{self.terminal}/{name}" for name in OWN_TOPICS]
        self.link.subscribe([*topics, *(f"{self.root}/{name}" for name in SHARED_TOPICS)])
        self.link.start(self._from_link, self._state_from_link)
        why = "no answer"
        try:
            async with asyncio.timeout(timeout_s):
                while True:
                    up, why = await self._state.get()
                    if up:
                        self._opened = True
                        return
                    if any(word in why.casefold() for word in WRONG_SECRET_WORDS):
                        raise WrongSecret(f"the edge's broker refuses us: {why}")
        except TimeoutError as error:
            raise DeviceUnreachable(f"the edge's broker: {why}") from error

    async def close(self) -> None:
        self._opened = False
        await asyncio.to_thread(self.link.stop)

    def send(self, payload: bytes) -> None:
        """Without an answer (Online-Ack, PushAck). Raises DeviceUnreachable when the link is down."""
        if not self.link.publish(f"{self.root}/{self.terminal}", payload, qos=0):
            raise DeviceUnreachable("the link to the edge's broker is down")

    async def ask(
        self, operator: str, info: object, *, timeout_s: float, once: bool = False, **beside: object
    ) -> codec.Message:
        """The `-Ack` of a command. Raises DeviceUnreachable (not sent) or NoAnswer (sent, silence)."""
        async with self._lock:
            message_id = uuid.uuid4().hex
            payload = codec.request(operator, message_id, info, **beside)
            asked = _Asked(operator, message_id, payload, not once, asyncio.get_running_loop().create_future())
            self._asked = asked
            try:
                self.send(payload)
                async with asyncio.timeout(timeout_s):
                    return await asked.answer
            except TimeoutError as error:
                raise NoAnswer(f"{operator}: no answer in {timeout_s:g} s") from error
            except MessageTooLarge as error:
                raise DeviceUnreachable(f"{operator}: {error}") from error
            finally:
                self._asked = None

    def ask_again(self) -> None:
        """The terminal came back: repeat what waits for an answer, but never a pulse."""
        if self._asked and self._asked.again:
            self.link.publish(f"{self.root}/{self.terminal}", self._asked.payload, qos=0)

    # From the link's thread

    def _from_link(self, message: Incoming) -> None:
        shared = message.topic.rsplit("/", 1)[-1] in SHARED_TOPICS
        if shared and self._name not in message.payload:
            return  # another terminal's beat: of three hundred each hears all
        self._post(self._received, message.topic, message.payload)

    def _state_from_link(self, up: bool, why: str) -> None:
        self._post(self._changed, up, why)

    def _post(self, handler: Callable[..., None], *values: object) -> None:
        if self._loop and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(handler, *values)

    # On the event loop

    def _changed(self, up: bool, why: str) -> None:
        self._state.put_nowait((up, why))
        if self._opened and not up:
            self.on_down(f"the edge's broker: {why}")

    def _received(self, topic: str, payload: bytes) -> None:
        name = topic.rsplit("/", 1)[-1]
        if name.casefold() == "ack":
            self._answered(payload)
        else:
            self.on_message(name, payload)

    def _answered(self, payload: bytes) -> None:
        asked = self._asked
        try:
            message = codec.parse(payload)
        except codec.CannotRead as error:
            log.warning("terminal %s: unreadable answer: %s", self.terminal, error)
            self.on_message("Ack", payload)
            return
        if asked is None or asked.answer.done() or message.operator.casefold() != f"{asked.operator}-Ack".casefold():
            return  # PushAck-Ack, or an answer that came too late
        if message.device and message.device != self.terminal:
            return
        if message.message_id and message.message_id != asked.message_id:
            return
        asked.answer.set_result(message)


def mqtt_link(broker: BrokerAddress, client_id: str) -> MqttLink:
    """MQTT 3.1.1, as the terminals' brokers are run. The client id must not be a terminal's: the broker would swap us."""
    options = LinkOptions(
        broker.host,
        broker.port,
        client_id,
        broker.username,
        broker.password,
        max_payload=MAX_PAYLOAD,
        protocol=MQTTProtocolVersion.MQTTv311,
    )
    return MqttLink(options)
