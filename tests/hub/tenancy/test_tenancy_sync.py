"""The tenancy feed over real HTTP, on both databases: what is taken, what is held, what an ill feed changes (nothing)."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from tenancy_office import HOUSEHOLDS, Office, tenancy

from hub.access.desk import withdraw_consent
from hub.db import UnitOfWork
from hub.errors import Conflict
from hub.services import Hub
from hub.tables import Absence, AuditRow, Consent, DirtyDay, HouseholdMember, Person, SourceRow, SourceState, Tenancy
from hub.tenancy import held as brake
from hub.tenancy import sync
from hub.tenancy.sources import SourceProblem

Setup = Callable[[Hub], None]
DECISION = {
    "number": "青房退〔2026〕12号", "date": "2026-11-01", "move_out_completed_on": "2026-11-15", "kind": "surrender",
    "signed_by": "虚构市住房保障中心",
}  # fmt: skip


def state(hub: Hub) -> SourceState:
    with hub.db.reading() as session:
        return session.get_one(SourceState, "back-office")


def states(hub: Hub) -> dict[str, str]:
    with hub.db.reading() as session:
        return dict(session.execute(select(Tenancy.source_id, Tenancy.state)).all())


def count(hub: Hub, table: Any) -> int:
    with hub.db.reading() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def test_first_pull_takes_everything_and_the_second_nothing(hub: Hub, configured: Setup) -> None:
    configured(hub)
    signals: list[str] = []
    hub.signaller = signals.append
    assert "+40 ~0 -0, 1 absences, 0 refused" in sync.run(hub)
    assert count(hub, Tenancy) == HOUSEHOLDS
    assert count(hub, HouseholdMember) == count(hub, Person) == 2 * HOUSEHOLDS
    assert signals == ["access.revoke", "access.publish"]
    with hub.db.reading() as session:
        person = session.scalars(select(Person).where(Person.source_id == "P-000001")).one()
        row = session.scalars(select(Tenancy).where(Tenancy.source_id == "T-000000")).one()
        assert person.id_number_hash != "", "the number is found by its keyed hash"
        assert len(person.id_number_last4) == 4
        assert row.end_decision is None
        absence = session.scalars(select(Absence)).one()
        assert (absence.reason, str(absence.from_date)) == ("hospital", "2026-11-01")
        mark = session.get_one(DirtyDay, absence.dwelling_id)
        assert mark.from_day == row.from_date < absence.from_date, "news reaches back to the day since which it is true"
        assert mark.marks == 1, (
            "all at once, in one order: marks in two orders wait for each other (ingest marks as well)"
        )
        everything = json.dumps([list(map(str, r)) for r in session.execute(select(Person.__table__))])
        assert "99000019800101" not in everything, "no ID number is kept"
    audits = count(hub, AuditRow)
    for _ in range(2):
        assert "+0 ~0 -0, 0 absences, 0 refused" in sync.run(hub)
    hub.clock.pass_(hours=7)  # type: ignore[attr-defined]
    assert "+0 ~0 -0, 0 absences, 0 refused" in sync.run(hub), "a full pull of the same changes nothing"
    assert count(hub, AuditRow) == audits, "nothing changed: nothing to audit"
    assert state(hub).last_full_at == hub.now()


def test_a_tenancy_ends_by_a_complete_decision_only(hub: Hub, configured: Setup, office: Office) -> None:
    configured(hub)
    sync.run(hub)
    office.control("end-tenancy", id="T-000005", decision=None)
    assert "-0" in sync.run(hub)
    assert states(hub)["T-000005"] == "active", "ended without a decision: access stays"
    held = state(hub).held
    assert held is not None
    assert held["reason"] == "incomplete_decision"
    assert [h["tenancy"] for h in held["households"]] == ["T-000005"]
    assert held["households"][0]["dwelling_id"] == "E001.E001-B1-0202"
    office.control("end-tenancy", id="T-000005", decision=DECISION)
    assert "-1" in sync.run(hub)
    assert states(hub)["T-000005"] == "ended"
    assert state(hub).held is None
    with hub.db.reading() as session:
        row = session.scalars(select(Tenancy).where(Tenancy.source_id == "T-000005")).one()
        assert row.end_decision is not None
        assert row.end_decision["number"] == DECISION["number"]
        offered = session.scalars(select(HouseholdMember.offered).where(HouseholdMember.tenancy_id == row.id)).all()
        assert [o["photo"] for o in offered] == [None, None], "no photo reference outlives the tenancy"
        assert row.ended_at == hub.now()
        changes = session.scalars(select(AuditRow).order_by(AuditRow.id.desc())).first()
    assert changes is not None
    assert {
        "what": "tenancy.ended",
        "subject": "T-000005",
        "version": 3,
        "decision": DECISION["number"],
    } in changes.changes


def test_a_decision_whose_move_out_lies_ahead_ends_on_its_day(hub: Hub, configured: Setup, office: Office) -> None:
    configured(hub)
    sync.run(hub)
    office.control("end-tenancy", id="T-000006", decision=DECISION | {"move_out_completed_on": "2026-11-23"})
    sync.run(hub)
    held = state(hub).held
    assert states(hub)["T-000006"] == "active"
    assert held is not None
    assert held["reason"] == "move_out_pending"
    hub.clock.pass_(days=2)  # type: ignore[attr-defined]
    sync.run(hub)
    assert states(hub)["T-000006"] == "ended", "the day of the completed move-out has come"


@pytest.mark.parametrize(("mode", "reason", "held"), [("empty", "empty_feed", 40), ("half", "half_feed", 20)])
def test_an_empty_or_halved_feed_takes_off_nothing_and_shows_why(
    hub: Hub, configured: Setup, office: Office, mode: str, reason: str, held: int
) -> None:
    configured(hub)
    sync.run(hub)
    before = states(hub)
    office.control("feed", mode=mode)
    for _ in range(2):
        sync.run(hub)
    assert states(hub) == before
    shown = state(hub).held
    assert shown is not None
    assert (shown["reason"], shown["removals"]) == (reason, held)
    assert "没有撤销" in shown["reason_zh"]
    office.control("feed", mode="normal")
    sync.run(hub)
    assert state(hub).held is None, "the feed is well again"
    assert states(hub) == before


@pytest.mark.parametrize(
    ("mode", "reason"),
    [("500", "server_error"), ("html", "not_json"), ("cut_body", "not_json"), ("cut_page", "cut_page")],
)
def test_an_ill_feed_leaves_a_clear_error_and_changes_nothing(
    hub: Hub, configured: Setup, office: Office, mode: str, reason: str
) -> None:
    configured(hub)
    sync.run(hub)
    before, cursor = states(hub), state(hub).cursor
    office.control("feed", mode=mode)
    hub.clock.pass_(hours=7)  # type: ignore[attr-defined]
    sync.run(hub)
    assert state(hub).last_error.startswith(reason)
    assert (states(hub), state(hub).cursor) == (before, cursor)
    office.control("feed", mode="normal")
    sync.run(hub)
    assert state(hub).last_error == ""
    assert state(hub).last_full_at == hub.now(), "after an error everything is read again"


def test_each_change_of_a_source_is_logged_once_and_names_nobody(
    sqlite_hub: Hub, configured: Setup, office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    hub = sqlite_hub
    configured(hub)
    caplog.set_level("INFO", "hub.tenancy.sync")
    told: list[list[tuple[str, str]]] = []
    for mode in ("normal", "empty", "500", "normal"):
        office.control("feed", mode=mode)
        caplog.clear()
        for _ in range(2):
            sync.run(hub)
        told.append([(r.levelname, r.getMessage()) for r in caplog.records if r.name == "hub.tenancy.sync"])
    assert told[0] == []
    assert told[1] == [("WARNING", "source back-office: removals are held: empty_feed")]
    ((level, message),) = told[2]
    assert (level, message.startswith("source back-office: server_error")) == ("WARNING", True)
    assert told[3] == [
        ("INFO", "source back-office answers again"),
        ("INFO", "source back-office: nothing is held any more"),
    ]


def test_unreachable_and_wrong_key(hub: Hub, configured: Setup, office: Office) -> None:
    configured(hub)
    (hub.config.dir / "office.key").write_text("wrong")
    assert "wrong_key" in sync.run(hub)
    (hub.config.dir / "office.key").write_text("")
    assert "config_bad" in sync.run(hub)
    source = json.loads((hub.config.dir / "sources.json").read_text())[0]
    (hub.config.dir / "office.key").write_text("x")
    (hub.config.dir / "sources.json").write_text(json.dumps([source | {"url": "http://127.0.0.1:1"}]))
    assert "unreachable" in sync.run(hub)
    (hub.config.dir / "sources.json").write_text('[{"name": "x", "urls": 1}]')
    with pytest.raises(SourceProblem, match="urls"):
        sync.run(hub)
    assert count(hub, Tenancy) == 0


def test_mass_removal_is_held_until_a_person_lets_it_pass(hub: Hub, configured: Setup, office: Office) -> None:
    configured(hub)
    sync.run(hub)
    for number in range(10, 14):  # 4 of 40; 3 are allowed a day
        office.control("end-tenancy", id=f"T-{number:06d}", decision=DECISION)
    office.control("move-in", dwelling_code="E001-B1-1104", members=[{"name": "新住户"}])
    told = sync.run(hub)
    assert "+1 ~0 -0" in told, "additions go on"
    assert "held: mass_removal" in told
    assert list(states(hub).values()).count("ended") == 0
    held = state(hub).held
    assert held is not None
    assert [h["tenancy"] for h in held["households"]] == [f"T-{n:06d}" for n in range(10, 14)]
    assert "+0 ~0 -0" in sync.run(hub), "the held set is the same on every run"
    with hub.db.unit_of_work("official", "逐户核对无误") as uow:
        assert brake.release(uow, uow.session.get_one(SourceState, "back-office"), "official", uow.now) == 4
    office.control("end-tenancy", id="T-000020", decision=DECISION)
    sync.run(hub)
    gone = [f"T-{n:06d}" for n in (10, 11, 12, 13, 20)]
    assert sorted(k for k, s in states(hub).items() if s == "ended") == gone
    assert state(hub).held is None
    for number in (21, 22, 23):  # the one before counts, those let pass by a person do not
        office.control("end-tenancy", id=f"T-{number:06d}", decision=DECISION)
    sync.run(hub)
    assert sorted(k for k, s in states(hub).items() if s == "ended") == gone, "a day's limit, not a run's"
    hub.clock.pass_(hours=25)  # type: ignore[attr-defined]
    sync.run(hub)
    assert list(states(hub).values()).count("ended") == 8
    assert state(hub).held is None


def test_members_leave_and_withdraw_consent(hub: Hub, configured: Setup, office: Office) -> None:
    configured(hub)
    sync.run(hub)
    office.control("edit-member", tenancy="T-000001", person_id="P-000002", consents={"a": None, "b": None, "c": None})
    office.control("edit-member", tenancy="T-000002", person_id="P-000005", to="2026-11-10")
    assert "~2" in sync.run(hub)
    with hub.db.reading() as session:
        person = session.scalars(select(Person).where(Person.source_id == "P-000002")).one()
        consent = session.scalars(select(Consent).where(Consent.person_id == person.id)).one()
        assert consent.withdrawn_at == hub.now(), "the ledger keeps the consent and its withdrawal"
        member = session.scalars(select(HouseholdMember).where(HouseholdMember.person_id == person.id)).one()
        assert member.offered == {"cards": ["3000002"], "photo": None}, "no photo is kept without consent (a)"
        gone = session.scalars(select(Person).where(Person.source_id == "P-000005")).one()
        left = session.scalars(select(HouseholdMember).where(HouseholdMember.person_id == gone.id)).one()
        assert str(left.to_date) == "2026-11-10"


def test_what_was_given_at_the_counter_outlives_every_record(hub: Hub, configured: Setup, office: Office) -> None:
    configured(hub)
    sync.run(hub)
    query = select(HouseholdMember).join(Person, Person.id == HouseholdMember.person_id)
    mine = query.where(Person.source_id == "P-000002")
    given = {"desk_cards": ["77"], "id_card": "hash of an identity card"}
    with hub.db.unit_of_work("desk", "本人到窗口办理", now=hub.now()) as uow:
        row = uow.session.scalars(mine).one()
        row.offered = {**row.offered, **given}
    office.control("edit-member", tenancy="T-000001", person_id="P-000002", cards=["4444444"])
    assert "~1" in sync.run(hub)
    with hub.db.reading() as session:
        offered = session.scalars(mine).one().offered
    assert offered["cards"] == ["4444444"]
    assert {name: offered.get(name) for name in given} == given, (
        "the lease system knows nothing of it and takes none away"
    )


def test_bad_records_are_kept_with_their_reason_and_the_rest_goes_on(
    hub: Hub, configured: Setup, office: Office
) -> None:
    configured(hub)
    office.control("move-in", dwelling_code="E001-B9-0101", members=[{}])
    office.control("edit-member", tenancy="T-000003", person_id="P-000007", cards=["0000000000"])
    assert "+40" in sync.run(hub)
    with hub.db.reading() as session:
        rows = {row.key: row for row in session.scalars(select(SourceRow))}
    assert {key: row.reason for key, row in rows.items()} == {
        "T-000040": "dwelling_unknown",
        "T-000003/P-000007": "card_bad",
    }
    assert rows["T-000003/P-000007"].raw["name"].endswith("*"), "masked"
    office.control("edit-member", tenancy="T-000003", person_id="P-000007", cards=["123"])
    assert "~1" in sync.run(hub)
    with hub.db.reading() as session:
        assert list(session.scalars(select(SourceRow.key))) == ["T-000040"], "taken now: no longer refused"


def test_a_record_that_vanishes_from_the_full_feed_is_shown_and_keeps_access(
    hub: Hub, configured: Setup, office: Office
) -> None:
    configured(hub)
    with hub.db.unit_of_work("test", "a tenancy the source does not have") as uow:
        uow.session.flush()
    sync.run(hub)
    with hub.db.unit_of_work("test", "renamed") as uow:
        uow.session.scalars(select(Tenancy).where(Tenancy.source_id == "T-000007")).one().source_id = "T-999999"
    hub.clock.at += timedelta(hours=7)  # type: ignore[attr-defined]
    sync.run(hub)
    assert state(hub).detail["missing"] == ["T-999999"]
    assert states(hub)["T-999999"] == "active"
    assert tenancy(7)["id"] in states(hub)


def confirm(uow: UnitOfWork, row: SourceState) -> int | None:
    """By somebody who looks at what is shown now."""
    return brake.confirm(uow, row, (row.held or {}).get("set", ""))


def refuse(uow: UnitOfWork, row: SourceState) -> None:
    brake.refuse(uow, row, (row.held or {}).get("set", ""))


class Official:
    """A unit of work of a named person."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub

    def say(self, who: str, what: Callable[..., Any]) -> Any:
        with self.hub.db.unit_of_work(who, "逐户核对", now=self.hub.now()) as uow:
            return what(uow, uow.session.get_one(SourceState, "back-office"))


def mass_removal(hub: Hub, office: Office, *numbers: int) -> None:
    for number in numbers:
        office.control("end-tenancy", id=f"T-{number:06d}", decision=DECISION)
    sync.run(hub)


def test_two_persons_let_exactly_what_they_saw_pass(hub: Hub, configured: Setup, office: Office) -> None:
    configured(hub)
    sync.run(hub)
    mass_removal(hub, office, 10, 11, 12, 13)
    people = Official(hub)
    assert people.say("王官员", confirm) is None, "one person is not enough"
    sync.run(hub)
    assert "ended" not in states(hub).values()
    assert state(hub).held["asked_by"] == "王官员"  # type: ignore[index]
    with pytest.raises(Conflict, match="same_person"):
        people.say("王官员", confirm)
    with pytest.raises(Conflict, match="same_person"):
        people.say("王官员", refuse)
    assert people.say("李官员", confirm) == 4
    sync.run(hub)
    assert list(states(hub).values()).count("ended") == 4
    assert state(hub).held is None
    with hub.db.reading() as session:
        whats = [c["what"] for row in session.scalars(select(AuditRow)) for c in row.changes]
    assert [w for w in whats if w.startswith("tenancy.held_")] == ["tenancy.held_asked", "tenancy.held_released"]


def test_a_word_is_void_when_the_feed_says_something_else_and_after_a_day(
    hub: Hub, configured: Setup, office: Office
) -> None:
    configured(hub)
    sync.run(hub)
    mass_removal(hub, office, 10, 11, 12, 13)
    people = Official(hub)
    people.say("王官员", confirm)
    mass_removal(hub, office, 14)
    assert state(hub).held["asked_by"] == "", "nobody has seen this set"  # type: ignore[index]
    assert people.say("李官员", confirm) is None, "so the second is the first again"
    hub.clock.pass_(hours=25)  # type: ignore[attr-defined]
    assert people.say("赵官员", confirm) is None, "a day later too"
    sync.run(hub)
    assert "ended" not in states(hub).values()


def test_a_release_of_what_is_no_longer_held_is_void(hub: Hub, configured: Setup, office: Office) -> None:
    configured(hub)
    sync.run(hub)
    mass_removal(hub, office, 10, 11, 12, 13)
    people = Official(hub)
    people.say("王官员", confirm)
    people.say("李官员", confirm)
    office.control("feed", mode="empty")
    sync.run(hub)
    assert "ended" not in states(hub).values(), "confirmed was another set than the empty feed"
    assert state(hub).held["reason"] == "empty_feed"  # type: ignore[index]
    office.control("feed", mode="normal")
    sync.run(hub)
    sync.run(hub)
    assert "ended" not in states(hub).values(), "the word was for then; now it is asked anew"
    assert state(hub).held["asked_by"] == ""  # type: ignore[index]


def test_a_refused_set_stays_refused_until_the_feed_changes(hub: Hub, configured: Setup, office: Office) -> None:
    configured(hub)
    sync.run(hub)
    mass_removal(hub, office, 10, 11, 12, 13)
    people = Official(hub)
    people.say("王官员", refuse)
    sync.run(hub)
    assert state(hub).held["refused_by"] == "王官员"  # type: ignore[index]
    with pytest.raises(Conflict, match="held_refused"):
        people.say("李官员", confirm)
    office.control("move-in", dwelling_code="E001-B1-1104", members=[{"name": "新住户"}])
    assert "+1 " in sync.run(hub), "additions go on"
    assert "ended" not in states(hub).values()
    mass_removal(hub, office, 15)
    assert state(hub).held["refused_by"] == "", "another set, another word"  # type: ignore[index]


def test_who_starts_the_run_has_seen_no_set_yet(hub: Hub, configured: Setup, office: Office) -> None:
    configured(hub)
    sync.run(hub)
    people = Official(hub)
    mass_removal(hub, office, 10, 11, 12, 13)
    people.say("王官员", lambda uow, row: sync.want_full(uow, row))
    assert people.say("李官员", confirm) is None, "a run somebody wants is no word about this set"
    sync.run(hub)
    assert "ended" not in states(hub).values()
    assert people.say("王官员", confirm) == 4


def test_a_word_about_another_set_than_the_one_held_is_not_taken(hub: Hub, configured: Setup, office: Office) -> None:
    configured(hub)
    sync.run(hub)
    mass_removal(hub, office, 10, 11, 12, 13)
    shown = state(hub).held["set"]  # type: ignore[index]
    people = Official(hub)
    mass_removal(hub, office, 14)
    for what in (brake.confirm, brake.refuse):
        with pytest.raises(Conflict, match="held_changed"):
            people.say("王官员", lambda uow, row, what=what: what(uow, row, shown))
    held = state(hub).held
    assert held is not None
    assert (held["asked_by"], held["refused_by"]) == ("", "")
    assert people.say("王官员", confirm) is None
    with pytest.raises(Conflict, match="held_changed"):
        people.say("李官员", lambda uow, row: brake.confirm(uow, row, shown))
    sync.run(hub)
    assert "ended" not in states(hub).values(), "two persons, but not of one set"


def test_a_shrunken_feed_two_persons_accepted_goes_on_and_removes_nobody(
    hub: Hub, configured: Setup, office: Office
) -> None:
    configured(hub)
    sync.run(hub)
    office.control("feed", mode="empty")
    sync.run(hub)
    people = Official(hub)
    people.say("王官员", confirm)
    people.say("李官员", confirm)
    sync.run(hub)
    assert set(states(hub).values()) == {"active"}, "what is missing keeps its access all the same"
    assert state(hub).held is None


def test_a_consent_taken_back_at_the_counter_is_not_revived_by_an_old_record(
    hub: Hub, configured: Setup, office: Office
) -> None:
    configured(hub)
    sync.run(hub)
    with hub.db.reading() as session:
        query = select(HouseholdMember).join(Person, Person.id == HouseholdMember.person_id)
        member = session.scalars(query.where(Person.source_id == "P-000000")).one()
    with hub.db.unit_of_work("desk", "本人到窗口撤回", now=hub.now()) as uow:
        withdraw_consent(uow, "E001", member.id, "a")
    for _ in range(2):
        with hub.db.unit_of_work("test", "all again") as uow:
            sync.want_full(uow, uow.session.get_one(SourceState, "back-office"))
        assert "+0 ~0 -0" in sync.run(hub), "the old record changes nothing, however often it comes"
    with hub.db.reading() as session:
        live = select(Consent).where(Consent.person_id == member.person_id, Consent.withdrawn_at.is_(None))
        assert session.scalars(live).all() == []
        assert session.get_one(HouseholdMember, member.id).offered["photo"] is None
        assert session.get_one(HouseholdMember, member.id).offered["cards"], "other ways in stay"


def during_the_pull(monkeypatch: pytest.MonkeyPatch, what: Callable[[], Any]) -> None:
    """`what` happens while the next run is pulling, after it looked at where it stands."""
    pull, left = sync.sources.pull, [what]

    def pulled(*args: Any) -> Any:
        if left:
            left.pop()()
        return pull(*args)

    monkeypatch.setattr(sync.sources, "pull", pulled)


def test_a_refusal_spoken_during_the_pull_counts(
    sqlite_hub: Hub, configured: Setup, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    configured(sqlite_hub)
    sync.run(sqlite_hub)
    mass_removal(sqlite_hub, office, 10, 11, 12, 13)
    people = Official(sqlite_hub)
    people.say("王官员", confirm)
    assert people.say("李官员", confirm) == 4
    during_the_pull(monkeypatch, lambda: people.say("张官员", refuse))
    sync.run(sqlite_hub)
    sync.run(sqlite_hub)
    assert "ended" not in states(sqlite_hub).values(), "refused before anything was written"
    assert state(sqlite_hub).held["refused_by"] == "张官员"  # type: ignore[index]


def test_what_two_persons_let_pass_during_a_pull_is_for_the_next_and_not_forgotten(
    sqlite_hub: Hub, configured: Setup, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    configured(sqlite_hub)
    sync.run(sqlite_hub)
    mass_removal(sqlite_hub, office, 10, 11, 12, 13)
    people = Official(sqlite_hub)
    people.say("王官员", confirm)
    during_the_pull(monkeypatch, lambda: people.say("李官员", confirm))
    sync.run(sqlite_hub)
    assert list(states(sqlite_hub).values()).count("ended") == 0
    sync.run(sqlite_hub)
    assert list(states(sqlite_hub).values()).count("ended") == 4
