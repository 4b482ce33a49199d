"""ONVIF event replies, read from the raw XML: zeep with the 2013 schemas drops every topic. Pure.

Topics are kept as sent (without blanks). Booleans arrive as true/1/active, times as 0000-00-00, source tokens broken:
all is kept as text.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from lxml import etree

from device_drivers.contract.events import CameraEvent
from device_drivers.onvif_xml import Element, NotXml, attribute, envelope, every, is_true, name_of, text, utc

INITIALIZED = "Initialized"
MAX_MESSAGES = 1000


@dataclass(frozen=True, slots=True)
class OnvifMessage:
    """One notification. `at` is the device's UtcTime, None where it is no time."""

    topic: str
    operation: str
    at: datetime | None
    source: dict[str, str] = field(default_factory=dict)
    data: dict[str, str] = field(default_factory=dict)

    @property
    def is_state(self) -> bool:
        """`Initialized` tells how things stand; nothing happened."""
        return self.operation == INITIALIZED

    @property
    def path(self) -> str:
        """The topic without prefixes: `Device/Trigger/DigitalInput`."""
        return "/".join(part.rsplit(":", 1)[-1] for part in self.topic.split("/"))

    def event(self, point: str = "") -> CameraEvent:
        return CameraEvent(self.topic, self.operation, self.source, self.data, point)


@dataclass(frozen=True, slots=True)
class Subscription:
    """A pull point. `reference` holds reference parameters (XML texts) to be sent back as headers."""

    address: str
    lasts_s: float | None
    reference: tuple[str, ...] = ()


def parse_messages(raw: bytes) -> tuple[OnvifMessage, ...]:
    """The notifications of a PullMessages reply, in order. Raises NotXml."""
    return messages_in(envelope(raw))


def messages_in(root: Element) -> tuple[OnvifMessage, ...]:
    """As `parse_messages`, of an envelope that is read already."""
    return tuple(_message(e) for e in every(root, "NotificationMessage")[:MAX_MESSAGES])


def _message(notification: Element) -> OnvifMessage:
    topic = "".join(text(notification, "Topic").split())
    inner = [m for m in every(notification, "Message") if _told(m)]
    body = inner[0] if inner else notification
    return OnvifMessage(
        topic,
        attribute(body, "PropertyOperation"),
        utc(attribute(body, "UtcTime")),
        {**_items(body, "Source"), **_items(body, "Key")},
        _items(body, "Data"),
    )


def _told(message: Element) -> bool:
    """The inner tt:Message; the outer wsnt:Message has no attributes."""
    return bool(attribute(message, "UtcTime") or attribute(message, "PropertyOperation"))


def _items(body: Element, part: str) -> dict[str, str]:
    return {
        attribute(item, "Name"): attribute(item, "Value")
        for parent in every(body, part)
        for item in every(parent, "SimpleItem")
        if attribute(item, "Name")
    }


def topics_in(root: Element) -> tuple[str, ...]:
    """Every topic of a GetEventProperties reply as a path without prefixes, in document order."""
    found: dict[str, None] = {}

    def walk(element: Element, path: tuple[str, ...]) -> None:
        if len(path) > 20 or len(found) >= MAX_MESSAGES:
            return
        if path and is_true(attribute(element, "topic")):
            found["/".join(path)] = None
        for child in element:
            if (name := name_of(child)) and name != "MessageDescription":
                walk(child, (*path, name))

    for topic_set in every(root, "TopicSet"):
        walk(topic_set, ())
    return tuple(found)


def parse_subscription(raw: bytes) -> Subscription:
    """A CreatePullPointSubscription reply. Raises NotXml, also for one without an address."""
    return subscription_in(envelope(raw))


def subscription_in(root: Element) -> Subscription:
    """As `parse_subscription`, of an envelope that is read already."""
    references = every(root, "SubscriptionReference")
    address = text(references[0], "Address") if references else ""
    if not address:
        raise NotXml("a subscription without an address")
    parameters = tuple(
        etree.tostring(child, encoding="unicode", with_tail=False)
        for holder in _holders(references[0])
        for child in holder
        if isinstance(child.tag, str)
    )
    return Subscription(address, lasts_in(root), parameters)


def _holders(reference: Element) -> Iterable[Element]:
    """WS-Addressing of 2005 says ReferenceParameters, that of 2004 also ReferenceProperties."""
    return (*every(reference, "ReferenceParameters"), *every(reference, "ReferenceProperties"))


def lasts_in(root: Element) -> float | None:
    """Seconds from CurrentTime to TerminationTime, both by the device's clock; None where it does not tell."""
    now, end = utc(text(root, "CurrentTime")), utc(text(root, "TerminationTime"))
    return (end - now).total_seconds() if now and end and end > now else None
