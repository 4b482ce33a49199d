"""Question and answer with one terminal over MQTT: one command in flight, answers matched, lost commands sent again.

Answers are matched by messageId, device id and operator (`X-Ack`). The protocol is QoS 0; the manual asks to send
unanswered commands again when the terminal reports back. That holds for all but a door pulse (`once=True`), which on the
other hand does not wait for the end of a batch: the manual forbids other commands about persons meanwhile, not this one.
What the broker kept (retained) is not said now, and not heard: a card of last week must not open a door.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from paho.mqtt.enums import MQTTProtocolVersion

from device_drivers.driver import BrokerAddress, DeviceUnreachable, WrongSecret
from device_drivers.face_terminal import codec, envelope
from device_drivers.mqtt import Incoming, Link, LinkOptions, MessageTooLarge, MqttLink
from device_drivers.mqtt_trunk import Trunk

log = logging.getLogger(__name__)
MAX_PAYLOAD = 5 * 1024 * 1024
OWN_TOPICS = ("Ack", "ack", "Rec", "Snap", "Card", "QRCode", "IDCard", "Alarm")
SHARED_TOPICS = ("basic", "heartbeat")
URGENT_S = 1.5
BATCHES = ("EditPersonsNew", "AddPersons", "DeletePersons")
WRONG_SECRET_WORDS = ("not authorized", "bad user name")


class NoAnswer(DeviceUnreachable):
    """The command went out, nothing came back."""


@dataclass(slots=True)
class _Asked:
    operator: str
    message_id: str
    payload: bytes
    again: bool
    about: str  # whom it names (customId); empty: nobody, or many
    answer: asyncio.Future[envelope.Message]

    def meant(self, message: envelope.Message) -> bool:
        """Whether it is the answer. One without a messageId is not, where it names somebody else: it came too late."""
        if message.operator.casefold() != f"{self.operator}-Ack".casefold():
            return False
        if message.message_id:
            return message.message_id == self.message_id
        named = message.info.text("customId")
        return not (named and self.about) or named.casefold() == self.about.casefold()


class Channel:
    """The link to one terminal. `on_message(channel name, payload)` gets everything but answers, on the event loop.

    `command_topic`: where a terminal listens, if not at the usual topic; several may share one.
    """

    def __init__(self, terminal: str, root: str, link: Link, command_topic: str = "") -> None:
        self._name = terminal.encode()
        self.terminal, self.root, self.link = terminal, root.rstrip("/"), link
        self._own_topic = f"{self.root}/{terminal}"
        self.command_topic = command_topic or self._own_topic
        self._shared = {f"{self.root}/{name}": name for name in SHARED_TOPICS}
        self.on_message: Callable[[str, bytes], None] = lambda _name, _payload: None
        self.on_down: Callable[[str], None] = lambda _why: None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lock = asyncio.Lock()
        self._asked: dict[str, _Asked] = {}  # by messageId: one, and a pulse beside a batch
        self._state: asyncio.Queue[tuple[bool, str]] = asyncio.Queue()
        self._opened = False

    async def open(self, timeout_s: float) -> None:
        """Raises DeviceUnreachable when the broker does not answer, WrongSecret when it refuses our user."""
        self._loop = asyncio.get_running_loop()
        self.link.subscribe([*(f"{self._own_topic}/{name}" for name in OWN_TOPICS), *self._shared])
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

    def listen_shared(self, name: str, topic: str) -> None:
        """The terminal tells of its life at another topic than the usual."""
        if topic and not set(topic) & {"+", "#", "\0"} and topic not in self._shared and len(topic) <= 200:
            self._shared[topic] = name
            self.link.subscribe([topic])

    async def close(self) -> None:
        self._opened = False
        await asyncio.to_thread(self.link.stop)

    def send(self, payload: bytes) -> None:
        """Without an answer (Online-Ack, PushAck). Raises DeviceUnreachable when the link is down."""
        if not self.link.publish(self.command_topic, payload, qos=0):
            raise DeviceUnreachable("the link to the edge's broker is down")

    async def ask(
        self, operator: str, info: object, *, timeout_s: float, once: bool = False, **beside: object
    ) -> envelope.Message:
        """The `-Ack` of a command. Raises DeviceUnreachable (not sent) or NoAnswer (sent, silence)."""
        if isinstance(info, dict) and self.command_topic != self._own_topic:
            info = {"facesluiceId": self.terminal, **info}  # others listen there as well
        message_id = uuid.uuid4().hex
        payload = codec.request(operator, message_id, info, **beside)
        about = info.get("customId") if isinstance(info, dict) else None
        named = about if isinstance(about, str) else ""
        asked = _Asked(operator, message_id, payload, not once, named, asyncio.get_running_loop().create_future())
        mine = await self._turn(urgent=once)
        try:
            return await self._answer(asked, timeout_s)
        finally:
            if mine:
                self._lock.release()

    async def _turn(self, *, urgent: bool) -> bool:
        """Waits for the command in flight. False where an urgent one goes beside a batch, which may take minutes."""
        while True:
            try:
                async with asyncio.timeout(URGENT_S if urgent else None):
                    return await self._lock.acquire()
            except TimeoutError:
                if any(a.operator in BATCHES for a in self._asked.values()):
                    return False

    async def _answer(self, asked: _Asked, timeout_s: float) -> envelope.Message:
        self._asked[asked.message_id] = asked
        try:
            self.send(asked.payload)
            async with asyncio.timeout(timeout_s):
                return await asked.answer
        except TimeoutError as error:
            raise NoAnswer(f"{asked.operator}: no answer in {timeout_s:g} s") from error
        except MessageTooLarge as error:
            raise DeviceUnreachable(f"{asked.operator}: {error}") from error
        finally:
            del self._asked[asked.message_id]

    def ask_again(self) -> None:
        """The terminal came back: repeat what waits for an answer, but never a pulse."""
        for asked in self._asked.values():
            if asked.again:
                self.link.publish(self.command_topic, asked.payload, qos=0)

    # From the link's thread

    def _from_link(self, message: Incoming) -> None:
        if message.retain:
            return
        if message.topic in self._shared and self._name not in message.payload:
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
        name = self._shared.get(topic) or topic.rsplit("/", 1)[-1]
        if name.casefold() == "ack":
            self._answered(payload)
        else:
            self.on_message(name, payload)

    def _answered(self, payload: bytes) -> None:
        try:
            message = envelope.parse(payload)
        except envelope.CannotRead as error:
            log.warning("terminal %s: unreadable answer: %s", self.terminal, error)
            self.on_message("Ack", payload)
            return
        if message.device and message.device != self.terminal:
            return
        for asked in self._asked.values():
            if asked.meant(message) and not asked.answer.done():
                asked.answer.set_result(message)
                return
        # Else it is a PushAck-Ack, or an answer that came too late.


@lru_cache
def trunk(broker: BrokerAddress) -> Trunk:
    """The one connection of all terminals at this broker."""
    return Trunk(lambda: mqtt_link(broker, f"edge-terminals-{uuid.uuid4().hex[:12]}"))


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
