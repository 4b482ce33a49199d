"""The camera's events: topics with their state, and pull-point subscriptions with their limit and end."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from xml.sax.saxutils import quoteattr

from simulators.onvif_soap import SoapFault, zulu

MAX_QUEUE = 200


@dataclass(frozen=True, slots=True)
class Topic:
    """One property topic: path, (name, value) of its sources, name of its data item, words for on and off."""

    path: str
    sources: tuple[tuple[str, str], ...]
    item: str
    words: tuple[str, str] = ("false", "true")


_VIDEO = ("Source", "VideoSource_1")
_RULE = (
    ("VideoSourceConfigurationToken", "VideoSourceConfig_1"),
    ("VideoAnalyticsConfigurationToken", "VideoAnalytics_1"),
)
TOPICS: dict[str, Topic] = {
    "motion": Topic("tns1:VideoSource/MotionAlarm", (_VIDEO,), "State"),
    "cell_motion": Topic(
        "tns1:RuleEngine/CellMotionDetector/Motion", (*_RULE, ("Rule", "MyMotionDetectorRule")), "IsMotion"
    ),
    "tamper": Topic("tns1:RuleEngine/TamperDetector/Tamper", (*_RULE, ("Rule", "MyTamperRule")), "IsTamper"),
    "digital_input": Topic("tns1:Device/Trigger/DigitalInput", (("InputToken", "DigitalInput_1"),), "LogicalState"),
    "relay": Topic(
        "tns1:Device/Trigger/Relay", (("RelayToken", "RelayOutput_1"),), "LogicalState", ("inactive", "active")
    ),
}


Items = tuple[tuple[str, str], ...]


def notification(topic: Topic, on: bool, operation: str, at: datetime, *, numeric: bool) -> str:
    """One wsnt:NotificationMessage. ``numeric`` writes booleans as 1 and 0, as some cameras do."""
    word = topic.words[on]
    if numeric and topic.words == ("false", "true"):
        word = "1" if on else "0"
    return message(topic.path, topic.sources, ((topic.item, word),), operation, at)


def message(path: str, sources: Items, data: Items, operation: str, at: datetime) -> str:
    """One wsnt:NotificationMessage; without an operation it is an event and no property."""
    told = f' PropertyOperation="{operation}"' if operation else ""
    return (
        '<wsnt:NotificationMessage><wsnt:Topic Dialect="http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet">'
        f"{path}</wsnt:Topic><wsnt:Message>"
        f'<tt:Message UtcTime="{zulu(at)}"{told}><tt:Source>{_items(sources)}</tt:Source>'
        f"<tt:Data>{_items(data)}</tt:Data></tt:Message></wsnt:Message></wsnt:NotificationMessage>"
    )


def _items(items: Items) -> str:
    return "".join(f"<tt:SimpleItem Name={quoteattr(n)} Value={quoteattr(v)}/>" for n, v in items)


def topic_set() -> str:
    """The tree of topics for GetEventProperties."""
    return "".join(_tree([topic.path.removeprefix("tns1:").split("/") for topic in TOPICS.values()], top=True))


def _tree(paths: list[list[str]], *, top: bool = False) -> list[str]:
    out: list[str] = []
    for name in dict.fromkeys(path[0] for path in paths):
        below = [path[1:] for path in paths if path[0] == name and len(path) > 1]
        tag = f"tns1:{name}" if top else name
        out.append(f"<{tag} wstop:topic='true'/>" if not below else f"<{tag}>{''.join(_tree(below))}</{tag}>")
    return out


@dataclass(slots=True)
class Subscription:
    """One pull point. ``expires_at`` by the device's clock; ``filters`` topic paths, empty for all."""

    number: int
    expires_at: datetime
    filters: tuple[str, ...]
    queue: deque[str] = field(default_factory=lambda: deque(maxlen=MAX_QUEUE))
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    def wants(self, topic: Topic) -> bool:
        """Whether the filter lets the topic through (whole topics and ``tns1:Sub/Tree//.``)."""
        return not self.filters or any(
            topic.path == one or (one.endswith("//.") and topic.path.startswith(one[:-3])) for one in self.filters
        )

    def put(self, message: str) -> None:
        """Queue one message and wake whoever polls."""
        self.queue.append(message)
        self.arrived.set()


class EventHub:
    """All subscriptions of one camera, and the state of its topics."""

    def __init__(self, limit: int, *, numeric: bool) -> None:
        self.limit = limit
        self.numeric = numeric
        self.topics = TOPICS
        self.states: dict[str, bool] = dict.fromkeys(TOPICS, False)
        self.subscriptions: dict[int, Subscription] = {}
        self._next = 1
        self.more: Callable[[], list[tuple[str, Items, Items]]] = list  # further properties: path, sources, data

    def expire(self, now: datetime) -> None:
        """Forget subscriptions whose time is over."""
        for number in [n for n, one in self.subscriptions.items() if one.expires_at <= now]:
            self.drop(number)

    def create(self, now: datetime, seconds: float, filters: tuple[str, ...]) -> Subscription:
        """A new pull point with the present state of its topics queued. Raises SoapFault when there are too many."""
        self.expire(now)
        if len(self.subscriptions) >= self.limit:
            raise SoapFault("Receiver", "wsnt:SubscribeCreationFailedFault", f"at most {self.limit} subscriptions")
        one = Subscription(self._next, now + timedelta(seconds=seconds), filters)
        self._next += 1
        self.subscriptions[one.number] = one
        self.synchronize(one, now)
        return one

    def get(self, number: int, now: datetime) -> Subscription:
        """The pull point. Raises SoapFault when it is gone."""
        self.expire(now)
        if number not in self.subscriptions:
            raise SoapFault("Sender", "ter:InvalidArgVal", "unknown subscription")
        return self.subscriptions[number]

    def drop(self, number: int) -> None:
        """Forget one; a poll that waits on it returns."""
        one = self.subscriptions.pop(number, None)
        if one is not None:
            one.arrived.set()

    def drop_all(self) -> None:
        """Forget all."""
        for number in list(self.subscriptions):
            self.drop(number)

    def synchronize(self, one: Subscription, now: datetime) -> None:
        """Queue the state of every property as Initialized."""
        for kind, topic in self.topics.items():
            if one.wants(topic):
                one.put(notification(topic, self.states[kind], "Initialized", now, numeric=self.numeric))
        for path, sources, data in self.more():
            one.put(message(path, sources, data, "Initialized", now))

    def tell(self, path: str, sources: Items, data: Items, now: datetime, operation: str = "") -> None:
        """Queue one message for every subscription without a filter."""
        self.expire(now)
        for one in self.subscriptions.values():
            if not one.filters:
                one.put(message(path, sources, data, operation, now))

    def change(self, kind: str, on: bool, now: datetime) -> bool:
        """Set a topic's state; a real change is queued as Changed. False when it was so already."""
        if self.states[kind] == on:
            return False
        self.states[kind] = on
        self.expire(now)
        topic = TOPICS[kind]
        for one in self.subscriptions.values():
            if one.wants(topic):
                one.put(notification(topic, on, "Changed", now, numeric=self.numeric))
        return True
