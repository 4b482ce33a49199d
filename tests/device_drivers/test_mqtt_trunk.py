"""Many devices over one connection: each hears its own topics, is told of losses, and the last one ends the link."""

from __future__ import annotations

from device_drivers.mqtt import Incoming, Link, MemoryBroker, MemoryLink
from device_drivers.mqtt_trunk import Branch, Trunk


class Listener:
    def __init__(self, trunk: Trunk, *topics: str) -> None:
        self.heard: list[str] = []
        self.states: list[tuple[bool, str]] = []
        self.branch = Branch(trunk)
        self.branch.subscribe(topics)
        self.branch.start(self.message, lambda up, why: self.states.append((up, why)))

    def message(self, message: Incoming) -> None:
        self.heard.append(message.topic)


def trunk_of(broker: MemoryBroker) -> tuple[Trunk, list[MemoryLink]]:
    made: list[MemoryLink] = []

    def make() -> Link:
        made.append(MemoryLink(broker))
        return made[-1]

    return Trunk(make), made


def test_a_topic_goes_to_who_asked_for_it_and_only_once_over_the_wire() -> None:
    broker = MemoryBroker()
    trunk, made = trunk_of(broker)
    one, two = Listener(trunk, "a/1/Rec", "a/beat"), Listener(trunk, "a/2/Rec", "a/beat")
    assert len(made) == 1, "one connection for both"
    for topic in ("a/1/Rec", "a/2/Rec", "a/beat", "a/3/Rec"):
        broker.route(topic, b"x", False)
    assert (one.heard, two.heard) == (["a/1/Rec", "a/beat"], ["a/2/Rec", "a/beat"])
    two.branch.subscribe(["a/own"])
    broker.route("a/own", b"x", False)
    assert (one.heard[2:], two.heard[2:]) == ([], ["a/own"])


def test_who_comes_later_is_told_how_things_stand_and_a_loss_goes_to_all() -> None:
    trunk, made = trunk_of(MemoryBroker())
    one, two = Listener(trunk, "a"), Listener(trunk, "b")
    assert (one.states[-1][0], two.states[-1][0]) == (True, True)
    made[0].cut()
    assert (one.states[-1], two.states[-1]) == ((False, "cut"), (False, "cut"))
    assert not one.branch.publish("x", b"")
    made[0].restore()
    assert one.states[-1][0]
    assert one.branch.publish("x", b"")


def test_who_leaves_hears_no_more_and_the_last_ends_the_link() -> None:
    broker = MemoryBroker()
    trunk, made = trunk_of(broker)
    one, two = Listener(trunk, "a", "both"), Listener(trunk, "b", "both")
    one.branch.stop()
    one.branch.stop()
    assert not made[0].wants("a"), "the broker need not send it any more"
    broker.route("both", b"x", False)
    assert (one.heard, two.heard) == ([], ["both"])
    two.branch.stop()
    assert (broker.links, trunk.connected) == ([], False)
    three = Listener(trunk, "c")
    broker.route("c", b"x", False)
    assert (len(made), three.heard) == (2, ["c"]), "a new connection for who comes then"


def test_a_topic_that_one_lets_go_still_reaches_the_other_and_then_nobody() -> None:
    broker = MemoryBroker()
    trunk, made = trunk_of(broker)
    one, two = Listener(trunk, "own", "both"), Listener(trunk, "both")
    one.branch.unsubscribe(["own", "both", "never asked for"])
    for topic in ("own", "both"):
        broker.route(topic, b"x", False)
    assert (one.heard, two.heard) == ([], ["both"])
    assert (made[0].wants("own"), made[0].wants("both")) == (False, True), "the broker need not send what nobody hears"
    one.branch.subscribe(["own"])
    broker.route("own", b"x", False)
    assert one.heard == ["own"], "asked for again"
    two.branch.unsubscribe(["both"])
    assert not made[0].wants("both")
