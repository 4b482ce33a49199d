"""What a device's page says: since when it cannot be seen, and only secrets hidden."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from device_drivers.contract.messages import EdgeStatus
from hub.estate import edges
from hub.services import Hub
from hub.tables import Device

GATE = "E001.face-g1"


@pytest.fixture
def site(hub: Hub, small_site: Callable[[Hub], None]) -> Hub:
    small_site(hub)
    return hub


def changed(hub: Hub, **values: object) -> None:
    with hub.db.unit_of_work("test", "a device") as uow:
        for name, value in values.items():
            setattr(uow.session.get_one(Device, GATE), name, value)


def shown(client: TestClient) -> dict[str, Any]:
    items = client.get("/api/v1/estates/E001/devices").json()["items"]
    return next(one for one in items if one["id"] == GATE)


def test_a_device_behind_a_box_that_went_is_unknown_since_the_box_went(site: Hub, sign_in: Any, clock: Any) -> None:
    """Not since the device came online, hours before: nothing was unknown then."""
    edges.take_status(site, "edge-aaaa", EdgeStatus(True, "ep"))
    changed(site, condition="online", condition_since=clock())
    clock.pass_(hours=3)
    edges.take_status(site, "edge-aaaa", EdgeStatus(False, "ep"))
    gone_at = clock()
    clock.pass_(minutes=5)
    behind = shown(sign_in(site, "estate_manager"))
    assert (behind["condition"], behind["condition_since"]) == ("unknown", stamp(gone_at))


def test_a_device_that_failed_before_its_box_went_is_so_since_then(site: Hub, sign_in: Any, clock: Any) -> None:
    """A box that never said anything leaves the device's own time."""
    client = sign_in(site, "estate_manager")
    changed(site, condition="offline", condition_since=clock() - timedelta(hours=1))
    assert shown(client)["condition_since"] == stamp(clock() - timedelta(hours=1))


def test_a_keypad_is_no_key(site: Hub, sign_in: Any) -> None:
    changed(site, config={"keypad": "keys4", "api_key": "k", "Password": "p", "deep": {"token": "t", "port": 502}})
    page = sign_in(site, "estate_manager").get(f"/api/v1/devices/{GATE}").json()
    assert page["config"] == {
        "keypad": "keys4",
        "api_key": "******",
        "Password": "******",
        "deep": {"token": "******", "port": 502},
    }


def stamp(at: Any) -> str:
    return str(at.isoformat().replace("+00:00", "Z"))
