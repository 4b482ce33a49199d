"""ONVIF event replies, read from the raw XML: zeep with the 2013 schemas drops every topic. Pure.

Namespaces and prefixes differ between cameras, so elements are matched by local name. Topics are kept as sent
(without blanks). Booleans arrive as true/1/active, times as 0000-00-00, source tokens broken: all is kept as text.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from lxml import etree

from device_drivers.contract.events import CameraEvent

INITIALIZED = "Initialized"
MAX_MESSAGES = 1000
# No entities, no network, no huge trees: the reply comes from a device we do not trust.
_PARSER_OPTIONS = {"resolve_entities": False, "no_network": True, "huge_tree": False, "remove_comments": True}


class NotXml(ValueError):
    """The reply is not XML at all, or not a SOAP envelope; the text begins with what came."""


@dataclass(frozen=True, slots=True)
class OnvifMessage:
    """One notification. `at` is the camera's UtcTime, None where it is no time."""

    topic: str
    operation: str
    at: datetime | None
    source: dict[str, str] = field(default_factory=dict)
    data: dict[str, str] = field(default_factory=dict)

    @property
    def is_state(self) -> bool:
        """`Initialized` tells how things stand; nothing happened."""
        return self.operation == INITIALIZED

    def event(self, point: str = "") -> CameraEvent:
        return CameraEvent(self.topic, self.operation, self.source, self.data, point)


@dataclass(frozen=True, slots=True)
class Subscription:
    """A pull point. `reference` holds reference parameters (XML texts) to be sent back as headers."""

    address: str
    lasts_s: float | None
    reference: tuple[str, ...] = ()


def _root(raw: bytes) -> etree._Element:
    try:
        root = etree.fromstring(raw, etree.XMLParser(**_PARSER_OPTIONS))  # type: ignore[arg-type]
    except (etree.XMLSyntaxError, ValueError) as error:
        raise NotXml(f"not XML ({error}): {raw[:80]!r}") from error
    if root is None or _name(root) != "Envelope":
        raise NotXml(f"not a SOAP envelope: {raw[:80]!r}")
    return root


def _name(element: etree._Element) -> str:
    tag = element.tag
    return tag.rsplit("}", 1)[-1] if isinstance(tag, str) else ""


def _all(root: etree._Element, name: str) -> list[etree._Element]:
    return [e for e in root.iter() if _name(e) == name]


def _text(root: etree._Element, name: str) -> str:
    found = _all(root, name)
    return (found[0].text or "").strip() if found else ""


def parse_messages(raw: bytes) -> tuple[OnvifMessage, ...]:
    """The notifications of a PullMessages reply, in order. Raises NotXml."""
    return tuple(_message(e) for e in _all(_root(raw), "NotificationMessage")[:MAX_MESSAGES])


def _message(notification: etree._Element) -> OnvifMessage:
    topic = "".join(_text(notification, "Topic").split())
    inner = [m for m in _all(notification, "Message") if m.get("UtcTime") is not None or m.get("PropertyOperation")]
    body = inner[0] if inner else notification
    return OnvifMessage(
        topic,
        (body.get("PropertyOperation") or "").strip(),
        parse_utc(body.get("UtcTime") or ""),
        {**_items(body, "Source"), **_items(body, "Key")},
        _items(body, "Data"),
    )


def _items(body: etree._Element, part: str) -> dict[str, str]:
    return {
        str(item.get("Name")): str(item.get("Value") or "")
        for parent in _all(body, part)
        for item in _all(parent, "SimpleItem")
        if item.get("Name")
    }


def parse_utc(text: str) -> datetime | None:
    """An XML dateTime as aware UTC; without a zone it is taken as UTC, as the attribute's name says."""
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    try:
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except OverflowError:
        return None


def parse_subscription(raw: bytes) -> Subscription:
    """The reply of CreatePullPointSubscription. Raises NotXml when it names no address."""
    root = _root(raw)
    references = _all(root, "SubscriptionReference")
    address = _text(references[0], "Address") if references else ""
    if not address:
        raise NotXml("a subscription without an address")
    parameters = tuple(
        etree.tostring(child, encoding="unicode")
        for holder in _all(references[0], "ReferenceParameters")
        for child in holder
        if isinstance(child.tag, str)
    )
    now, end = parse_utc(_text(root, "CurrentTime")), parse_utc(_text(root, "TerminationTime"))
    lasts = (end - now).total_seconds() if now and end and end > now else None
    return Subscription(address, lasts, parameters)


def fault_of(raw: bytes) -> tuple[str, str] | None:
    """(codes, reason) of a SOAP 1.1 or 1.2 fault, None when there is none. Raises NotXml."""
    root = _root(raw)
    faults = _all(root, "Fault")
    if not faults:
        return None
    codes = [(e.text or "").strip() for name in ("Value", "faultcode") for e in _all(faults[0], name)]
    return " ".join(codes), _text(faults[0], "Text") or _text(faults[0], "faultstring")


def is_true(text: str) -> bool:
    """Cameras say true, 1 and active."""
    return text.strip().casefold() in {"true", "1", "active", "on"}
