"""Pictures go by age, signs of sessions when they have ended; a change of policy has the homes judged anew."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from hub import auth, enrol
from hub.retention import purge
from hub.services import Hub
from hub.tables import AuditRow, DirtyDay, EnrolmentToken, Estate, Reveal, SignInLink, Snapshot, UserSession


@pytest.fixture
def site(hub: Hub, small_site: Any) -> Hub:
    small_site(hub)
    return hub


def picture(hub: Hub, name: str, days: float) -> str:
    file = hub.config.dir / "snapshots" / name[:2] / f"{name}.jpg"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"x")
    with hub.db.unit_of_work("test", "picture", audit=False) as uow:
        at = hub.now() - timedelta(days=days)
        uow.session.add(
            Snapshot(
                sha256=name, estate_id="E001", edge_id="edge-aaaa", taken_at=at, received_at=at, size=1,
                file=str(file.relative_to(hub.config.dir)),
            )
        )  # fmt: skip
    return name


def held(hub: Hub) -> tuple[set[str], set[str]]:
    """Names of rows, names of files."""
    with hub.db.reading() as session:
        rows = set(session.scalars(select(Snapshot.sha256)))
    return rows, {file.stem for file in (hub.config.dir / "snapshots").glob("*/*.jpg")}


@pytest.mark.parametrize(("policy", "stay"), [({}, {"aa1", "aa2"}), ({"snapshot_days": 3}, {"aa1"})])
def test_pictures_go_by_age(site: Hub, policy: dict[str, Any], stay: set[str]) -> None:
    with site.db.unit_of_work("test", "policy", audit=False) as uow:
        uow.session.get_one(Estate, "E001").policy = policy
    for name, days in (("aa1", 2.9), ("aa2", 6.9), ("bb3", 7.1)):
        picture(site, name, days)
    purge(site)
    assert held(site) == (stay, stay)
    with site.db.reading() as session:
        (row,) = session.scalars(select(AuditRow))
    assert row.changes == [
        {"what": "snapshot.deleted", "subject": "E001", "count": 3 - len(stay), "days": policy.get("snapshot_days", 7)}
    ]
    assert row.estate_id == "E001"
    purge(site)
    with site.db.reading() as session:
        assert len(session.scalars(select(AuditRow)).all()) == 1, "where nothing goes nothing is written"


def test_a_file_without_its_row_goes_when_it_is_old(site: Hub) -> None:
    folder = site.config.dir / "snapshots" / "cc"
    folder.mkdir(parents=True)
    for name in ("cc-old", "cc-new"):
        (folder / f"{name}.jpg").write_bytes(b"x")
    os.utime(folder / "cc-old.jpg", (1_000_000_000, 1_000_000_000))
    purge(site)
    assert held(site)[1] == {"cc-new"}, "an upload may be under way"


def test_signs_that_have_ended_go_and_living_ones_stay(site: Hub, clock: Any) -> None:
    user = auth.add_user(site, "li", "李", "housing_official", [], None, "test")
    old = auth.open_session(site, user)
    auth.make_sign_in_link(site, "li")
    enrol.enrolment_token(site, "edge-aaaa", "test")
    with site.db.unit_of_work("test", "reveal", audit=False) as uow:
        gone = {"dwelling_id": "w", "reason_code": "contact", "at": site.now(), "expires_at": site.now()}
        uow.session.add(Reveal(id="reveal-1", user_id=user, **gone))
    clock.pass_(hours=11)
    fresh = auth.open_session(site, user)
    clock.pass_(hours=2)
    purge(site)
    with site.db.reading() as session:
        assert list(session.scalars(select(UserSession.token_hash))) == [auth.token_hash(fresh)]
        assert auth.token_hash(old) != auth.token_hash(fresh)
        for table in (SignInLink, EnrolmentToken, Reveal):
            assert session.scalars(select(table)).all() == [], table.__tablename__


def test_another_policy_pack_has_every_home_judged_anew(site: Hub, sign_in: Any) -> None:
    admin = sign_in(site, "administrator")
    wanted: list[str] = []
    site.signaller = wanted.append
    packs = [pack["name"] for pack in sign_in(site, "housing_official").get("/api/v1/policy-packs").json()["items"]]
    where = "/api/v1/estates/E001/policy"

    def marks() -> set[str]:
        with site.db.reading() as session:
            return set(session.scalars(select(DirtyDay.dwelling_id)))

    current = admin.get(where).json()["policy_pack"]
    assert admin.patch(where, json={"policy_pack": current, "reason": "维持不变"}).status_code == 200
    assert marks() == set(), "the same pack changes nothing"
    other = next(name for name in packs if name != current)
    assert admin.patch(where, json={"policy_pack": other, "reason": "按地方新规"}).status_code == 200
    assert len(marks()) == 4
    assert "occupancy.analyse" in wanted
    assert admin.patch(where, json={"snapshot_days": 400, "reason": "保存更久"}).status_code == 422
