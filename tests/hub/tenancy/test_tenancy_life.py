"""What happens in people's lives, from the lease system's record to the credentials: nobody is locked out on the way."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select
from tenancy_feed import access, opens
from tenancy_office import Office, code, member

from hub.access import publish
from hub.services import Hub
from hub.tables import AuditRow, Consent, CredentialRow, HouseholdMember, Person, SourceState, Tenancy
from hub.tenancy import sync

Setup = Callable[[Hub], None]
HERE, THERE, FREE = code(0), code(1), code(45)
MINE, YOURS = {"3000000", "3000001"}, {"3000002", "3000003"}


@pytest.fixture
def living(request: pytest.FixtureRequest, configured: Setup, office: Office) -> Hub:
    """A hub whose day is the office's, with 40 households."""
    hub: Hub = request.getfixturevalue(getattr(request, "param", "sqlite_hub"))
    hub.clock.at = datetime.now(UTC)  # type: ignore[attr-defined]
    configured(hub)
    pulled(hub)
    assert access(hub)[HERE] == MINE
    return hub


def pulled(hub: Hub) -> str:
    told = sync.run(hub)
    publish.publish(hub)
    return told


def happens(office: Office, kind: str, dwelling: str = HERE, to: str = "") -> list[dict[str, Any]]:
    return list(office.control("event", kind=kind, dwelling_code=dwelling, to=to)["tenancies"])


def causes(hub: Hub) -> list[str]:
    """Why credentials ended."""
    with hub.db.reading() as session:
        rows = session.scalars(select(CredentialRow.ended_because).where(CredentialRow.state == "ended"))
        return sorted(why.split(":")[0] for why in rows)


def state(hub: Hub) -> SourceState:
    with hub.db.reading() as session:
        return session.get_one(SourceState, "back-office")


def test_a_move_inside_the_estate_gives_the_new_home_and_takes_the_old(living: Hub, office: Office) -> None:
    happens(office, "move", HERE, FREE)
    pulled(living)
    now = access(living)
    assert HERE not in now
    assert now[FREE] == MINE, "the same cards, in the same moment"
    assert causes(living) == ["end_decision", "end_decision"]


def test_a_move_that_begins_before_the_old_home_is_given_back(living: Hub, office: Office) -> None:
    """Additions first: for days the new tenancy stands beside the old one, and the card opens both homes."""
    old = office.control("edit-member", tenancy="T-000000", person_id="P-000000", name="张三丰")
    office.control("put-tenancy", **(old | {"id": "T-000099", "version": 0, "dwelling_code": FREE}))
    pulled(living)
    assert opens(living)["3000000"] == {HERE, FREE}
    office.control("end-tenancy", id="T-000000", decision=DECISION)
    pulled(living)
    assert opens(living)["3000000"] == {FREE}
    assert access(living)[FREE] == MINE


@pytest.mark.parametrize("living", ["sqlite_hub", "postgres_hub"], indirect=True)
def test_a_record_that_goes_to_another_dwelling_takes_its_household_along(living: Hub, office: Office) -> None:
    happens(office, "transfer", HERE, FREE)
    pulled(living)
    now = access(living)
    assert (HERE in now, now[FREE]) == (False, MINE)
    with living.db.reading() as session:
        homes = set(session.scalars(select(CredentialRow.dwelling_id).where(CredentialRow.state == "active")))
    assert f"E001.{FREE}" in homes, "passes through doors are counted for the new home"
    assert f"E001.{HERE}" not in homes


@pytest.mark.parametrize("between", [False, True])
def test_a_swap_of_two_households(living: Hub, office: Office, between: bool) -> None:
    """In one page, or in two pulls: for a while both live in one dwelling, and nobody in none."""
    if between:
        happens(office, "transfer", HERE, THERE)
        pulled(living)
        assert access(living)[THERE] == MINE | YOURS
        office.control("event", kind="transfer", dwelling_code=THERE, to=HERE)
        pulled(living)
        moved = access(living)
        assert moved[HERE] | moved[THERE] == MINE | YOURS
    else:
        happens(office, "swap", HERE, THERE)
        assert "held" not in pulled(living)
        now = access(living)
        assert (now[HERE], now[THERE]) == (YOURS, MINE)
    assert causes(living) == [], "nobody's credential ends by a swap"


def test_after_a_death_the_co_residents_stay(living: Hub, office: Office) -> None:
    happens(office, "death")
    pulled(living)
    assert access(living)[HERE] == {"3000001"}
    assert causes(living) == ["left_household"], "by the record, and nobody else's ends"


def test_a_tenancy_ended_by_death_does_not_lock_out_who_lives_there(living: Hub, office: Office) -> None:
    """Civil Code 732. A decision for another ground ends it for all."""
    happens(office, "death_decision")
    for _ in range(2):
        pulled(living)
        assert access(living)[HERE] == {"3000001"}
        held = state(living).held
        assert held is not None
        assert [(h["tenancy"], h["reason"]) for h in held["households"]] == [("T-000000", "death_coresidents")]
        assert "732" in held["reason_zh"]
    with living.db.reading() as session:
        assert session.scalar(select(Tenancy.state).where(Tenancy.source_id == "T-000000")) == "active"
    office.control("end-tenancy", id="T-000000", decision=DECISION)
    pulled(living)
    assert HERE not in access(living)


DECISION = {
    "number": "青房退〔2026〕99号", "date": "2026-02-01", "move_out_completed_on": "2026-03-01", "kind": "surrender",
    "signed_by": "虚构市住房保障中心",
}  # fmt: skip


def test_a_child_is_born_with_no_card_and_a_guardians_consent(living: Hub, office: Office) -> None:
    (record,) = happens(office, "birth")
    pulled(living)
    assert access(living)[HERE] == MINE
    child = record["members"][-1]["person_id"]
    with living.db.reading() as session:
        person = session.scalars(select(Person).where(Person.source_id == child)).one()
        token = session.scalar(select(CredentialRow.token).where(CredentialRow.person_id == person.id))
        consent = session.scalars(select(Consent).where(Consent.person_id == person.id)).one()
        assert token is not None, "the right does not hang on the means"
        assert (consent.purpose, consent.guardian) == ("a", "张三丰")


@pytest.mark.parametrize("to", ["", FREE])
def test_a_divorce(living: Hub, office: Office, to: str) -> None:
    happens(office, "divorce", HERE, to)
    pulled(living)
    now = access(living)
    assert now[HERE] == {"3000000"}
    assert now.get(FREE, set()) == ({"3000001"} if to else set()), "her card opens her new home in the same moment"
    assert causes(living) == ["left_household"]


def test_a_marriage_after_a_divorce_and_one_who_comes_back(living: Hub, office: Office) -> None:
    happens(office, "divorce")
    happens(office, "marriage")
    pulled(living)
    assert len(access(living)[HERE]) == 2
    record = office.control("edit-member", tenancy="T-000000", person_id="P-000000", name="张三丰")
    back = [*record["members"], member(1, face_photo=None, name="李四", relation="other")]
    office.control("put-tenancy", **(record | {"members": back}))
    pulled(living)
    assert "3000001" in access(living)[HERE], "who returns has a new credential with her card"


def test_an_adult_child_leaves(living: Hub, office: Office) -> None:
    record = office.control("edit-member", tenancy="T-000000", person_id="P-000000", name="张三丰")
    child = member(90, face_photo=None, relation="child", birth_date="2004-02-01", id_number="")
    office.control("put-tenancy", **(record | {"members": [*record["members"], child]}))
    pulled(living)
    assert access(living)[HERE] == {*MINE, "3000090"}
    happens(office, "child_leaves")
    pulled(living)
    assert access(living)[HERE] == MINE
    assert causes(living) == ["left_household"]


def test_a_card_handed_from_one_to_the_other_opens_without_a_gap(living: Hub, office: Office) -> None:
    happens(office, "card_handed")
    pulled(living)
    assert access(living)[HERE] == MINE, "one run: the card left one and reached the other"
    with living.db.reading() as session:
        taker = session.scalars(
            select(HouseholdMember)
            .join(Person, Person.id == HouseholdMember.person_id)
            .where(Person.source_id == "P-000001")
        ).one()
        assert set(taker.offered["cards"]) == MINE


def test_a_renewal_under_a_new_number_leaves_no_gap(living: Hub, office: Office) -> None:
    new, _ = happens(office, "renewal")
    assert "held" not in pulled(living)
    assert access(living)[HERE] == MINE
    with living.db.reading() as session:
        assert session.scalar(select(Tenancy.state).where(Tenancy.source_id == new["id"])) == "active"


def test_a_household_split_over_two_tenancies(living: Hub, office: Office) -> None:
    happens(office, "split")
    pulled(living)
    assert access(living)[HERE] == MINE
    assert causes(living) == ["left_household"]


def test_an_announced_end_may_be_withdrawn_and_an_ended_one_goes_on_after_an_appeal(
    living: Hub, office: Office
) -> None:
    happens(office, "announced")
    pulled(living)
    assert access(living)[HERE] == MINE
    happens(office, "withdrawn")
    pulled(living)
    living.clock.pass_(days=60)  # type: ignore[attr-defined]
    pulled(living)
    assert access(living)[HERE] == MINE, "the day of a decision that was withdrawn is a day like any other"
    office.control("end-tenancy", id="T-000000", decision=DECISION)
    pulled(living)
    assert HERE not in access(living)
    happens(office, "appeal")
    pulled(living)
    assert access(living)[HERE] == MINE


def test_every_loss_has_its_audit_row(living: Hub, office: Office) -> None:
    happens(office, "divorce")
    pulled(living)
    with living.db.reading() as session:
        changes = [c for row in session.scalars(select(AuditRow)) for c in row.changes]
    assert [c["left"] for c in changes if c["what"] == "tenancy.changed"] == [["P-000001"]]
    assert [c["cause"] for c in changes if c["what"] == "credential.ended"] == ["left_household"]
