"""ONVIF replies as cameras send them: topics kept, odd values kept as text, no payload crashes the reader."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_drivers import onvif_events, onvif_xml
from device_drivers.onvif_media import with_credentials

PULL = b"""<?xml version="1.0"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"
 xmlns:wsnt="http://docs.oasis-open.org/wsn/b-2" xmlns:tt="http://www.onvif.org/ver10/schema"><s:Body><r>
<wsnt:NotificationMessage><wsnt:Topic Dialect="d"> tns1:RuleEngine/CellMotionDetector/Motion </wsnt:Topic>
<wsnt:Message><tt:Message UtcTime="2026-05-01T08:00:00Z" PropertyOperation="Changed"><tt:Source>
<tt:SimpleItem Name="Rule" Value="R1"/></tt:Source><tt:Data><tt:SimpleItem Name="IsMotion" Value="1"/></tt:Data>
</tt:Message></wsnt:Message></wsnt:NotificationMessage>
<wsnt:NotificationMessage><wsnt:Topic>tns1:Device/Trigger/Relay</wsnt:Topic>
<wsnt:Message><tt:Message UtcTime="0000-00-00T00:00:00Z" PropertyOperation="Initialized"><tt:Data>
<tt:SimpleItem Name="LogicalState" Value="active"/></tt:Data></tt:Message></wsnt:Message></wsnt:NotificationMessage>
</r></s:Body></s:Envelope>"""
SUBSCRIBED = b"""<s:Envelope xmlns:s="e" xmlns:a="http://www.w3.org/2005/08/addressing"><s:Body><x>
<SubscriptionReference><a:Address>http://10.0.0.9/onvif/sub/7</a:Address><a:ReferenceParameters>
<Id xmlns="urn:v">7</Id></a:ReferenceParameters></SubscriptionReference>
<CurrentTime>2026-05-01T08:00:00Z</CurrentTime><TerminationTime>2026-05-01T08:01:00Z</TerminationTime>
</x></s:Body></s:Envelope>"""


def test_topics_items_and_times_are_read() -> None:
    motion, relay = onvif_events.parse_messages(PULL)
    assert motion.topic == "tns1:RuleEngine/CellMotionDetector/Motion"
    assert (motion.operation, motion.source, motion.data) == ("Changed", {"Rule": "R1"}, {"IsMotion": "1"})
    assert motion.at == datetime(2026, 5, 1, 8, tzinfo=UTC)
    assert not motion.is_state
    assert relay.is_state, "Initialized tells how things stand"
    assert relay.at is None, "0000-00-00 is no time"
    assert onvif_xml.is_true(relay.data["LogicalState"])


def test_a_subscription_keeps_its_reference_parameters() -> None:
    found = onvif_events.parse_subscription(SUBSCRIBED)
    assert (found.address, found.lasts_s) == ("http://10.0.0.9/onvif/sub/7", 60.0)
    assert len(found.reference) == 1
    assert ">7<" in found.reference[0]


def test_an_entity_bomb_is_not_expanded() -> None:
    bomb = b'<!DOCTYPE a [<!ENTITY b "%s">]><Envelope><Topic>&b;</Topic></Envelope>' % (b"x" * 1000)
    assert onvif_events.parse_messages(bomb) == ()


@pytest.mark.parametrize("raw", [b"", b"<html>", b"<html></html>", b"500", b"\xff\xd8"])
def test_what_is_no_soap_is_refused(raw: bytes) -> None:
    for parse in (onvif_events.parse_messages, onvif_events.parse_subscription, onvif_xml.fault_of):
        with pytest.raises(onvif_xml.NotXml):
            parse(raw)  # type: ignore[operator]


@given(st.binary(max_size=200), st.integers(0, len(PULL)))
def test_damaged_replies_never_crash(noise: bytes, at: int) -> None:
    for raw in (noise, PULL[:at], PULL[:at] + noise + PULL[at:]):
        try:
            onvif_events.parse_messages(raw)
        except onvif_xml.NotXml:
            continue


def test_secrets_in_a_stream_address_are_encoded() -> None:
    assert with_credentials("rtsp://h:554/s?x=1", "a:b", "p@/") == "rtsp://a%3Ab:p%40%2F@h:554/s?x=1"


@pytest.mark.parametrize(
    ("told", "allowed", "host"),
    [
        ("rtsp://10.0.0.5:8554/live", "", "10.0.0.5"),
        ("rtsp://192.168.9.9:8554/live", "", "10.0.0.5"),
        ("rtsp://user:secret@evil.example:8554/live", "", "10.0.0.5"),
        ("rtsp://192.168.9.9:8554/live", "192.168.9.9", "192.168.9.9"),
        ("rtsp://evil.example:8554/live", "192.168.9.9", "10.0.0.5"),
        ("rtsp://NVR.local:8554/live", "nvr.local", "nvr.local"),
        ("http://192.168.9.9:8554/live", "192.168.9.9", "192.168.9.9"),
        ("rtsp://[fd00::9]:8554/live", "fd00::9", "[fd00::9]"),
    ],
)
def test_a_stream_on_another_host_is_followed_only_where_that_is_a_setting(told: str, allowed: str, host: str) -> None:
    """The camera's password goes with it: to the configured host, and to one other that a person named."""
    from device_drivers.onvif_media import Media

    media = Media(SimpleNamespace(host="10.0.0.5"), "", allowed)  # type: ignore[arg-type]
    media.stream_uri = lambda: told  # type: ignore[method-assign]
    assert media.streams() == [f"rtsp://{host}:8554/live", f"rtsp://{host}:554/live"]
