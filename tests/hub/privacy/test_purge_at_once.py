"""Who comes back in the moment in which his data would be let go keeps them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from meeting import after, meeting
from sqlalchemy import select, update

from hub.privacy import purge
from hub.services import Hub
from hub.tables import CredentialRow, HouseholdMember, Person, Tenancy
from hub.tenancy import write


def test_who_comes_back_is_not_erased(
    postgres_hub: Hub, small_site: Callable[[Hub], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = postgres_hub
    small_site(hub)
    long_ago = hub.now() - timedelta(days=4000)
    with hub.db.unit_of_work("test", "moved out long ago", audit=False) as uow:
        lease = uow.session.get_one(Tenancy, "tenancy-1")
        lease.state, lease.ended_at = "ended", long_ago
        uow.session.get_one(HouseholdMember, "member-1").to_date = long_ago.date()
        uow.session.execute(update(CredentialRow).values(state="ended", ended_at=long_ago))

    def comes_back() -> None:
        with hub.db.unit_of_work("source:test", "records", now=hub.now()) as uow:
            session, today = uow.session, hub.now().date()
            write.alone(session)
            lease = Tenancy(id="T-9", source="test", source_id="T-9", version=1, estate_id="E001", state="active")
            lease.dwelling_id, lease.from_date = "E001.E001-B1-0102", today
            session.add(lease)
            session.flush()
            known = session.scalar(select(Person.id).where(Person.source == "test", Person.source_id == "P-1"))
            if known is None:
                known = "person-new"
                session.add(Person(id=known, source="test", source_id="P-1", name="李建华"))
                session.flush()
            offered = {"cards": ["4455"], "photo": None}
            member = HouseholdMember(id="M9", tenancy_id="T-9", person_id=known, relation="applicant", offered=offered)
            member.from_date = today
            session.add(member)

    met = meeting(hub, comes_back)
    after(monkeypatch, purge.people, "due", met)
    purge.purge(hub)
    met.over()
    with hub.db.reading() as session:
        mine = session.get_one(HouseholdMember, "M9")
        assert session.get_one(Person, mine.person_id).erased_at is None, "a tenant of today"
        assert mine.offered["cards"] == ["4455"], "with the card that opens the door"
