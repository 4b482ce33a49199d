"""What a device holds is shown as known only for as long as somebody could have seen it."""

from __future__ import annotations

from datetime import timedelta

from access_site import GATE, Setup, change, desired, report, token_of
from sqlalchemy import update

from device_drivers.contract.access import list_digest
from device_drivers.contract.device import DeviceStatus
from device_drivers.contract.messages import CredentialRefusal, DeviceReported
from device_drivers.contract.words import DeviceCondition
from hub.access import publish
from hub.access.credentials import end_by_token
from hub.access.lifecycle import Cause
from hub.access.states import credential_states, device_lists
from hub.estate.devices import take_report
from hub.services import Hub
from hub.tables import DesiredEntry, Device, Edge, ReportedList


def shown(hub: Hub) -> tuple[str, str]:
    """(the gate's state, that of its first person there)."""
    token = token_of(hub, "P1")
    with hub.db.reading() as session:
        (gate,) = device_lists(session, devices=[GATE])
        states = {s.device_id: s.state for s in credential_states(session, [token])[token]}
    assert gate.in_step == (gate.state == "in_step")
    return gate.state, states[GATE]


def since(hub: Hub, seconds: float) -> None:
    def put(session: object) -> None:
        session.get_one(Device, GATE).condition_since = hub.now() + timedelta(seconds=seconds)  # type: ignore[attr-defined]

    change(hub, put)


def test_a_device_that_was_lost_after_its_read_back_is_not_known(sqlite_hub: Hub, estate: Setup) -> None:
    estate(sqlite_hub)
    publish.publish(sqlite_hub)
    report(sqlite_hub, GATE)
    since(sqlite_hub, -60)
    assert shown(sqlite_hub) == ("in_step", "confirmed"), "read since it came online"
    since(sqlite_hub, 1)
    assert shown(sqlite_hub) == ("unknown", "unknown"), "lost, or back and not yet read: it may have restarted empty"


def test_refusals_do_not_hide_that_a_device_came_back_unread(sqlite_hub: Hub, estate: Setup) -> None:
    """A terminal set back to an older list said nothing but its old refusals, and who had left was shown as gone from it."""
    hub = sqlite_hub
    estate(hub)
    publish.publish(hub)
    refused = (CredentialRefusal(token_of(hub, "P1"), "card_too_long", ""),)
    take_report(hub, "edge-aaaa", told(hub, -10, confirmed=len(desired(hub, GATE).credentials) - 1, refused=refused))
    since(hub, -60)
    assert shown(hub)[0] == "refusals"
    since(hub, 1)
    assert shown(hub)[0] == "unknown", "nobody has looked at what stands there since it came back"


def test_an_edge_that_started_anew_has_seen_nothing_yet(sqlite_hub: Hub, estate: Setup) -> None:
    estate(sqlite_hub)
    publish.publish(sqlite_hub)
    report(sqlite_hub, GATE)
    started = sqlite_hub.now() + timedelta(seconds=1)
    change(sqlite_hub, lambda s: s.execute(update(Edge).values(started_at=started)))
    assert shown(sqlite_hub) == ("unknown", "unknown"), "its first words come before it has looked at its devices"


def told(hub: Hub, at: float, **changed: object) -> DeviceReported:
    now, wanted = hub.now() + timedelta(seconds=at), desired(hub, GATE)
    status = DeviceStatus(DeviceCondition.ONLINE, hub.now() - timedelta(minutes=5))
    count = len(wanted.credentials)
    fields = {"wanted": count, "confirmed": count, "read_back_at": now, "reported_at": now} | changed
    return DeviceReported(GATE, wanted.generation, list_digest(wanted), status, **fields)  # type: ignore[arg-type]


def test_a_report_that_comes_late_does_not_hide_a_newer_one(sqlite_hub: Hub, estate: Setup) -> None:
    hub = sqlite_hub
    estate(hub)
    publish.publish(hub)
    old, new = told(hub, -30), told(hub, -10, confirmed=0, pending=3)
    take_report(hub, "edge-aaaa", old)
    assert shown(hub)[0] == "in_step"
    take_report(hub, "edge-aaaa", new)
    take_report(hub, "edge-aaaa", old)
    assert shown(hub)[0] == "pending", "the broker gave an old retained report again"


def test_reports_of_a_clock_that_was_ahead_do_not_silence_the_edge(sqlite_hub: Hub, estate: Setup) -> None:
    hub = sqlite_hub
    estate(hub)
    publish.publish(hub)
    take_report(hub, "edge-aaaa", told(hub, 3600, confirmed=0, pending=3))
    take_report(hub, "edge-aaaa", told(hub, 0))
    with hub.db.reading() as session:
        assert session.get_one(ReportedList, GATE).pending == 0, "the box's clock was put right: it is heard at once"


def test_a_hub_that_forgot_an_end_is_told_and_one_that_remembers_is_not_bothered(
    sqlite_hub: Hub, estate: Setup
) -> None:
    """Restored from a copy made before somebody gave access back: list and number are the same on both sides, and yet the box
    that followed the order lets nobody in by that credential."""
    hub = sqlite_hub
    estate(hub)
    publish.publish(hub)
    one = token_of(hub, "P1")
    since(hub, -60)
    count = len(desired(hub, GATE).credentials)
    of_the_box = told(hub, 0, confirmed=count - 1, refused=(CredentialRefusal(one, "revoked", ""),))
    take_report(hub, "edge-aaaa", of_the_box)
    assert shown(hub) == ("refusals", "refused"), "nobody ended it here"
    with hub.db.unit_of_work("desk", "card lost") as uow:
        end_by_token(uow, one, Cause.REPLACED_AFTER_INCIDENT, "挂失单 7")
    take_report(hub, "edge-aaaa", of_the_box)
    with hub.db.reading() as session:
        row = session.get_one(ReportedList, GATE)
        assert (row.wanted, row.confirmed, row.refused) == (count - 1, count - 1, []), "ended here too: wanted nowhere"
        assert session.get_one(DesiredEntry, (GATE, one)).confirmed_at is None, "and not called held"
