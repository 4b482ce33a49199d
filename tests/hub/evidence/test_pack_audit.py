"""What a pack takes of the audit trail: what it says of this case, and of nobody else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from test_pack import RARE, _files, _make

from hub.cases.service import follow
from hub.services import Hub
from hub.tables import Finding


def test_who_fled_is_not_told_by_the_trail_of_a_decision(hub: Hub, case: str, sign_in: Any) -> None:
    official = sign_in(hub, "housing_official")
    said = {"action": "good_cause", "reason_code": "IE11", "opinion": "因家庭暴力离家。", "fields": {}}
    assert official.post(f"/api/v1/cases/{case}/decisions", json=said).status_code == 200
    masked = _make(hub, case)
    leaks = [n for n, c in _files(masked.zip).items() if "IE11" in c.decode("utf-8", "replace")]
    assert not leaks, leaks


def test_the_reason_of_an_unmasked_pack_is_masked_in_the_next(hub: Hub, case: str, sign_in: Any) -> None:
    official = sign_in(hub, "housing_official")
    wish = {"form": "zip", "unmasked": True, "reason": f"应{RARE}本人申请"}
    assert official.post(f"/api/v1/cases/{case}/evidence", json=wish).status_code == 200
    masked = _make(hub, case)
    leaks = [n for n, c in _files(masked.zip).items() if RARE in c.decode("utf-8", "replace")]
    assert not leaks, leaks


def test_a_pack_names_no_case_of_another_household(
    hub: Hub, small_site: Callable[[Hub], None], found: Callable[[Hub], Finding]
) -> None:
    """One night's unit of work opens the cases of many households; its audit row goes whole into each one's pack."""
    small_site(hub)
    with hub.db.unit_of_work("system", "occupancy analysis", estate_id="E001", now=hub.now()) as uow:
        one, two = found(hub), found(hub)
        two.id, two.dwelling_id, two.kind = "finding-2", "E001.E001-B1-0202", "vacancy"
        uow.session.add_all([one, two])
        uow.session.flush()
        a = follow(uow, uow.session.get_one(Finding, "finding-1"), "tenancy-1")
        b = follow(uow, uow.session.get_one(Finding, "finding-2"), None)
        assert a is not None
        assert b is not None
        mine, other, number = a.id, b.id, b.number
    leaks = [
        n
        for n, c in _files(_make(hub, mine).zip).items()
        if other in (t := c.decode("utf-8", "replace")) or number in t
    ]
    assert not leaks, leaks
