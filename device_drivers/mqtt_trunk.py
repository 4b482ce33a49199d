"""One connection to a broker that many devices share: a message goes to those who asked for its topic, and to nobody else.

Three hundred terminals with a connection each are three hundred threads, and every beat of one is told to all of them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

from device_drivers.mqtt import Incoming, Link, OnMessage, OnState


class Trunk:
    """`make` gives the link when the first branch starts; it is stopped with the last. Topics are exact, without wildcards."""

    def __init__(self, make: Callable[[], Link]) -> None:
        self._make = make
        self._lock = threading.RLock()
        self._link: Link | None = None
        self._state: tuple[bool, str] | None = None
        self._branches: set[Branch] = set()
        self._by_topic: dict[str, tuple[Branch, ...]] = {}

    @property
    def connected(self) -> bool:
        link = self._link
        return link is not None and link.connected

    def join(self, branch: Branch) -> None:
        with self._lock:
            self._branches.add(branch)
            first = self._link is None
            if self._link is None:
                self._link, self._state = self._make(), None
            link, state = self._link, self._state
            self.listen(branch, branch.topics)
            if first:
                link.start(self._received, lambda up, why: self._changed(link, up, why))
        if state:
            branch.on_state(*state)

    def listen(self, branch: Branch, topics: Iterable[str]) -> None:
        with self._lock:
            if branch not in self._branches or self._link is None:
                return
            for topic in topics:
                others = self._by_topic.get(topic, ())
                if branch not in others:
                    self._by_topic[topic] = (*others, branch)
            self._link.subscribe(topics)

    def let_go(self, branch: Branch, topics: Iterable[str]) -> None:
        with self._lock:
            if branch in self._branches and self._link is not None:
                self._link.unsubscribe(self._unwanted(branch, topics))

    def _unwanted(self, branch: Branch, topics: Iterable[str]) -> list[str]:
        """Of these, which this branch lets go, those that no other one listens to."""
        unwanted = []
        for topic in topics:
            others = tuple(b for b in self._by_topic.get(topic, ()) if b is not branch)
            if others:
                self._by_topic[topic] = others
            elif self._by_topic.pop(topic, None):
                unwanted.append(topic)
        return unwanted

    def leave(self, branch: Branch) -> None:
        """Blocks until the link has ended where it was the last."""
        with self._lock:
            if branch not in self._branches:
                return
            self._branches.discard(branch)
            unwanted = self._unwanted(branch, branch.topics)
            link = self._link
            if link is not None and not self._branches:
                self._link = None
            elif link is not None:
                link.unsubscribe(unwanted)
                link = None
        if link is not None:  # outside: its thread may wait for the lock
            link.stop()

    def publish(self, topic: str, payload: bytes, *, qos: int, retain: bool) -> bool:
        link = self._link
        return link is not None and link.publish(topic, payload, qos=qos, retain=retain)

    # On the link's thread

    def _received(self, message: Incoming) -> None:
        for branch in self._by_topic.get(message.topic, ()):
            branch.on_message(message)

    def _changed(self, link: Link, up: bool, why: str) -> None:
        with self._lock:
            if link is not self._link:
                return
            self._state = up, why
            branches = tuple(self._branches)
        for branch in branches:
            branch.on_state(up, why)


class Branch:
    """A `Link` of one device over a trunk."""

    def __init__(self, trunk: Trunk) -> None:
        self.trunk = trunk
        self.topics: dict[str, None] = {}
        self.on_message: OnMessage = lambda _: None
        self.on_state: OnState = lambda _up, _why: None

    @property
    def connected(self) -> bool:
        return self.trunk.connected

    def start(self, on_message: OnMessage, on_state: OnState) -> None:
        self.on_message, self.on_state = on_message, on_state
        self.trunk.join(self)

    def subscribe(self, filters: Iterable[str]) -> None:
        fresh = [f for f in filters if f not in self.topics]
        self.topics.update(dict.fromkeys(fresh))
        self.trunk.listen(self, fresh)

    def unsubscribe(self, filters: Iterable[str]) -> None:
        gone = [f for f in filters if f in self.topics]
        for topic in gone:
            del self.topics[topic]
        self.trunk.let_go(self, gone)

    def publish(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False) -> bool:
        return self.trunk.publish(topic, payload, qos=qos, retain=retain)

    def stop(self) -> None:
        self.trunk.leave(self)
