"""A policy pack tried on an estate's own history: day by day, beside the pack in force, changing nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select
from typer.testing import CliRunner

from hub import cli
from hub.english.phrases import english
from hub.occupancy import trials, try_pack
from hub.occupancy.detect import detect
from hub.occupancy.finding import Stage
from hub.occupancy.fitted import model
from hub.occupancy.outcomes import Learned, Outcomes, Track
from hub.occupancy.pack import PolicyPack
from hub.occupancy.policy import PolicyPackInvalid, calendar, pack_named, packs, parse_pack
from hub.occupancy.presence import presence
from hub.occupancy.trial import Past, opened
from hub.occupancy.values import CredentialUse, DeclaredAbsence, DwellingRecord, Household, Member, ObservedDay
from hub.services import Hub
from hub.tables import AuditRow, Coverage, Estate, Finding, PassDay, PolicyTrial, PresenceDay

HOME = "E001.E001-B1-0101"
START = date(2026, 3, 25)
POINTS = frozenset({"gate"})
SEEN = (CredentialUse("tok", True, identified=1),)


def _past(lived: int, silent: int, absences: Sequence[DeclaredAbsence] = (), declared: date | None = None) -> Past:
    """So many days lived in, then so many without a pass or a litre."""
    days = [
        ObservedDay(START + timedelta(days=n), {}, SEEN if n < lived else (), 0.2 if n < lived else 0.0, None)
        for n in range(lived + silent)
    ]
    household = Household(
        "t", START, None, (Member("m", True, True, frozenset({"tok"}), START),), absences=tuple(absences)
    )
    record = DwellingRecord(HOME, household, tuple(presence(days, POINTS)), POINTS, {"water": "w"})
    known = {a.id: declared or a.first for a in absences}
    return Past(record, known, [True] * len(days), [None] * len(days))


def _tiers(past: Past, pack: str) -> list[tuple[str, dict[str, int], bool]]:
    leads, _blind = opened(past, pack_named(pack), calendar(), model())
    return [
        (lead.kind, {stage.value: (day - START).days for stage, day in lead.entered.items()}, lead.standing is not None)
        for lead in leads
    ]


def test_a_rule_that_cases_held_back_is_held_back_in_a_trial_too() -> None:
    """As in the night: from the day on which it was known, and no day before."""
    known = START + timedelta(days=140)
    wrong = Learned(tracks={("V3", Stage.ORANGE): Track(1, 20)}, held_back=frozenset({("V3", Stage.ORANGE)}))
    pack = pack_named("national")
    for since, standing in ((known, Stage.YELLOW), (START + timedelta(days=400), Stage.ORANGE)):
        past = _past(30, 130)
        leads, _blind = opened(past, pack, calendar(), model(), Outcomes(((since, wrong),)))
        (lead,) = leads
        assert Stage.ORANGE in lead.entered, "it was orange on day 119, before anybody knew"
        today = detect(past.record, pack, calendar(), model(), Outcomes(((since, wrong),)))
        assert [found.stage for found in today] == [lead.standing] == [standing], "the same as the night says"
    early = Outcomes(((START, wrong),))
    (lead,) = opened(_past(30, 130), pack, calendar(), model(), early)[0]
    assert Stage.ORANGE not in lead.entered


def test_each_tier_is_entered_on_the_day_it_would_have_been() -> None:
    past = _past(30, 130)
    assert _tiers(past, "national") == [("vacancy", {"yellow": 89, "orange": 119}, True)]
    assert _tiers(past, "hong_kong") == [("vacancy", {"yellow": 89, "orange": 104, "red": 152}, True)]


def test_a_measured_pack_speaks_as_it_would_have_night_by_night() -> None:
    """Every day of the past gives what judging the record up to that day gives: the model's own chances, not the plain rules."""
    past, pack = _past(60, 300), pack_named("national_measured")
    assert past.record.household
    four = tuple(Member(f"m{n}", True, True, frozenset({f"tok{n}"} if n else {"tok"}), START) for n in range(4))
    past = replace(past, record=replace(past.record, household=replace(past.record.household, members=four)))
    by_night: dict[str, int] = {}
    for n in range(61, 361):
        record = replace(past.record, days=past.record.days[:n], contacts_kept=False, traced=False)
        for found in detect(record, pack, calendar(), model()):
            by_night.setdefault(found.stage.value, n - 1)
    assert set(by_night) == {"yellow", "orange", "red"}, "a home of four that stands empty for 300 days"
    assert _tiers(past, "national_measured") == [("vacancy", by_night, True)]


def test_an_absence_counts_from_the_day_it_was_declared() -> None:
    """What became known later must not hide what the pack would have opened before."""
    away = DeclaredAbsence("a", START + timedelta(days=30), START + timedelta(days=200), "work")
    assert _tiers(_past(30, 120, [away]), "national") == []
    late = _tiers(_past(30, 120, [away], START + timedelta(days=100)), "national")
    assert late == [("vacancy", {"yellow": 89}, False)]


def test_days_that_could_not_be_seen_open_nothing_and_are_counted() -> None:
    seen = _past(30, 5)
    blind = [ObservedDay(START + timedelta(days=n), {"gate": 0.02}, SEEN if n < 30 else (), None) for n in range(150)]
    blind = [ObservedDay(d.day, {"gate": 1.0} if n >= 31 and n % 3 == 0 else {}, d.uses) for n, d in enumerate(blind)]
    record = DwellingRecord(HOME, seen.record.household, tuple(presence(blind, POINTS)), POINTS, {})
    leads, days = opened(Past(record, {}, [True] * 150, [None] * 150), pack_named("national"), calendar(), model())
    assert leads == []
    assert days > 30


@pytest.mark.parametrize("name", sorted(packs()))
def test_every_pack_names_what_its_thresholds_rest_on(name: str) -> None:
    pack = pack_named(name)
    about = {anchor.about for anchor in pack.anchors}
    assert {"vacancy", "sublet", "contacts", "bar"} <= about, "a threshold without a legal anchor"
    assert all(anchor.source or anchor.mark == "A" for anchor in pack.anchors), "where was it read?"
    assert pack.bar_years is not None
    if pack.confidence == "primary":
        assert any(anchor.about == "vacancy" and anchor.mark == "P" for anchor in pack.anchors)


@pytest.mark.parametrize(
    ("name", "shape", "red", "bar"),
    [
        ("national", "consecutive", 180, 5),
        ("beijing", "days_lived", 92, 5),
        ("shenzhen", "consecutive", 180, 0),
        ("hangzhou_qiantang", "cumulative", 180, 2),
        ("xiamen", "consecutive", 180, 5),
        ("hong_kong", "consecutive", 93, 5),
    ],
)
def test_the_law_of_each_place(name: str, shape: str, red: int, bar: int) -> None:
    pack = pack_named(name)
    assert (pack.vacancy.shape, pack.vacancy.red_days, pack.bar_years) == (shape, red, bar)


def test_beijing_arranges_two_visits_a_month_and_counts_four_failed_ones() -> None:
    contacts = pack_named("beijing").vacancy.contacts
    assert (contacts.appointments_per_month, contacts.failed, contacts.within_days) == (2, 4, 92)


def test_the_schema_refuses_what_is_no_pack() -> None:
    text = json.loads((Path(cli.__file__).parent / "occupancy/policies/national.json").read_text(encoding="utf-8"))
    text["anchors"][0]["mark"] = "sure"
    with pytest.raises(PolicyPackInvalid, match="mark"):
        parse_pack(json.dumps(text), "national.json")
    assert PolicyPack.model_json_schema()["properties"]["anchors"]["type"] == "array"


# --- the estate's own history -----------------------------------------------------------------------------------------


@pytest.fixture
def silent(sqlite_hub: Hub, small_site: Callable[[Hub], None]) -> Hub:
    """Dwelling 101 was lived in for 40 days, then silent for 80; the gate observed throughout."""
    small_site(sqlite_hub)
    today = sqlite_hub.now().date()
    with sqlite_hub.db.unit_of_work("test", "history", audit=False) as uow:
        begin = sqlite_hub.now() - timedelta(days=121)
        uow.session.add(Coverage(estate_id="E001", device_id="E001.face-g1", state="ok", from_at=begin))
        uow.session.add_all(
            PassDay(
                dwelling_id=HOME, day=today - timedelta(days=n), credential="tok-x", holder_class="resident", other=2
            )
            for n in range(81, 121)
        )
    return sqlite_hub


WHERE = "/api/v1/estates/E001/policy-trials"
SignIn = Callable[..., TestClient]


def test_a_trial_is_asked_for_played_and_read(silent: Hub, sign_in: SignIn) -> None:
    admin = sign_in(silent, "administrator")
    assert admin.post(WHERE, json={"policy_pack": "atlantis"}).status_code == 400
    asked = admin.post(WHERE, json={"policy_pack": "hong_kong"})
    assert asked.status_code == 202
    assert admin.post(WHERE, json={"policy_pack": "beijing"}).json()["error"]["code"] == "trial_running"
    assert trials.play(silent) == "1 trials played"
    (item,) = admin.get(WHERE).json()["items"]
    assert (item["id"], item["state"], item["done"], item["total"]) == (asked.json()["id"], "done", 4, 4)
    result = item["result"]
    assert (result["tried"]["pack"], result["in_force"]["pack"]) == ("hong_kong", "national")
    assert result["tried"]["opened"] == {"yellow": 1, "orange": 0, "red": 0}, "no meter: at most a question"
    assert result["in_force"]["opened"] == {"yellow": 1, "orange": 0, "red": 0}
    assert result["in_force"]["standing"] == {"yellow": 1, "orange": 0, "red": 0}
    with silent.db.reading() as session:
        assert session.scalar(select(func.count()).select_from(Finding)) == 0, "a trial opened a lead"
        assert session.scalar(select(func.count()).select_from(PresenceDay)) == 0
        assert session.get_one(Estate, "E001").policy_pack == "national"


def test_who_may_not_see_cases_sees_no_dwelling(silent: Hub, sign_in: SignIn) -> None:
    with silent.db.unit_of_work("test", "a pack that asks later", audit=False) as uow:
        uow.session.query(PassDay).filter(PassDay.day < silent.now().date() - timedelta(days=100)).delete()
        uow.session.get_one(Estate, "E001").policy_pack = "national_measured"
    trials.ask(silent, "E001", "hong_kong", "test")
    with silent.db.unit_of_work("test", "shorter", audit=False) as uow:
        uow.session.query(Coverage).update({"from_at": silent.now() - timedelta(days=101)})
        uow.session.query(PassDay).filter(PassDay.day > silent.now().date() - timedelta(days=62)).delete()
        uow.session.add_all(
            PassDay(
                dwelling_id=HOME,
                day=silent.now().date() - timedelta(days=n),
                credential="tok-y",
                holder_class="resident",
                other=1,
            )
            for n in range(62, 101)
        )
    trials.play(silent)
    official = sign_in(silent, "housing_official").get(WHERE).json()["items"][0]["result"]
    assert official["only_tried"] == [{"dwelling_id": HOME, "lead": "vacancy:yellow"}]
    admin = sign_in(silent, "administrator").get(WHERE).json()["items"][0]["result"]
    assert (admin["only_tried"], admin["only_tried_count"]) == ([], 1)


def test_only_who_makes_policy_asks(silent: Hub, sign_in: SignIn) -> None:
    assert sign_in(silent, "estate_manager").post(WHERE, json={"policy_pack": "beijing"}).status_code == 403
    assert sign_in(silent, "estate_manager", ["E001"]).get(WHERE).json() == {"items": []}


def test_putting_in_force_is_audited_with_the_trial(silent: Hub, sign_in: SignIn) -> None:
    admin = sign_in(silent, "administrator")
    trial = admin.post(WHERE, json={"policy_pack": "hong_kong"}).json()["id"]
    trials.play(silent)
    done = admin.patch("/api/v1/estates/E001/policy", json={"policy_pack": "hong_kong", "reason": "试算后采用"})
    assert done.json()["policy_pack"] == "hong_kong"
    with silent.db.reading() as session:
        rows = session.scalars(select(AuditRow.changes)).all()
    (said,) = [change for changes in rows for change in changes if change.get("what") == "policy.pack"]
    assert (said["pack"], said["tried"]) == ("hong_kong", trial)


@pytest.mark.parametrize("error", re.findall(r'error="(\w[^"]+)"', Path(trials.__file__).read_text(encoding="utf-8")))
def test_why_a_trial_failed_has_english_words(error: str) -> None:
    assert not re.search("[\u4e00-\u9fff]", english(error)), error


def test_a_lead_that_another_pack_would_raise_is_a_difference(silent: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Silent for so long that one pack asks and the other would have people look: "no difference" would be wrong."""
    trials.ask(silent, "E001", "hong_kong", "test")
    real = try_pack.opened

    def graver(past: Past, pack: PolicyPack, *more: Any) -> Any:
        leads, blind = real(past, pack, *more)
        return [
            replace(lead, stage=Stage.ORANGE, standing=Stage.ORANGE) if pack.name == "hong_kong" else lead
            for lead in leads
        ], blind

    monkeypatch.setattr(try_pack, "opened", graver)
    trials.play(silent)
    with silent.db.reading() as session:
        result = session.scalars(select(PolicyTrial.result)).one()
    assert result is not None
    assert (result["only_tried_count"], result["only_in_force_count"], result["otherwise_count"]) == (0, 0, 1)


def test_an_estate_without_history_says_so(
    sqlite_hub: Hub, small_estate: Callable[[Hub], None], sign_in: SignIn
) -> None:
    small_estate(sqlite_hub)
    trials.ask(sqlite_hub, "E001", "beijing", "test")
    trials.play(sqlite_hub)
    with sqlite_hub.db.reading() as session:
        row = session.scalars(select(PolicyTrial)).one()
    assert (row.state, row.error) == ("failed", "小区还没有可用的观测记录，无法试算。")
    (item,) = sign_in(sqlite_hub, "administrator").get(WHERE).json()["items"]
    assert item["error_en"].startswith("Nothing was observed on this estate yet"), "said in English too"


def test_a_trial_that_was_cut_short_ends_after_two_hours(silent: Hub, clock: Any) -> None:
    trials.ask(silent, "E001", "beijing", "test")
    clock.pass_(hours=3)
    trials.ask(silent, "E001", "beijing", "test")
    assert trials.play(silent) == "1 trials played"
    with silent.db.reading() as session:
        assert sorted(session.scalars(select(PolicyTrial.state))) == ["done", "failed"]


def test_the_command_line(silent: Hub, tmp_path: Path) -> None:
    runner = CliRunner()
    listed = runner.invoke(cli.app, ["policy", "list"])
    assert "hong_kong" in listed.output
    assert json.loads(runner.invoke(cli.app, ["policy", "schema"]).output)["title"] == "PolicyPack"
    bad = tmp_path / "mars.json"
    bad.write_text("{}")
    assert runner.invoke(cli.app, ["policy", "check", str(bad)]).exit_code == 1
    out = tmp_path / "result.json"
    lines = list(cli.try_on(silent, "E001", "hong_kong", out))
    assert any(line.startswith("tried") and "yellow 1" in line for line in lines)
    assert json.loads(out.read_text(encoding="utf-8"))["tried"]["standing"]["yellow"] == 1
    for estate, pack in (("E999", "national"), ("E001", "atlantis")):
        with pytest.raises(cli.TrialRefused):
            list(cli.try_on(silent, estate, pack, None))


def test_a_pack_that_is_not_installed_is_tried_from_its_file(silent: Hub, tmp_path: Path) -> None:
    """Tried before it is installed: that is when somebody wants to know."""
    pack = json.loads(pack_named("hong_kong").model_dump_json())
    file = tmp_path / "mars.json"
    file.write_text(json.dumps(pack | {"name": "mars", "version": "2027.1"}), encoding="utf-8")
    lines = list(cli.try_on(silent, "E001", str(file), None))
    assert any(line.startswith("tried     mars 2027.1: opened yellow 1") for line in lines)
    for name, text, said in (
        ("venus.json", "{}", "venus.json"),
        ("away.json", None, "no policy pack .*away.json"),
        ("pluto.json", json.dumps(pack | {"name": "mars"}), "the file must be mars.json"),
    ):
        if text is not None:
            (tmp_path / name).write_text(text, encoding="utf-8")
        with pytest.raises(cli.TrialRefused, match=said):
            list(cli.try_on(silent, "E001", str(tmp_path / name), None))
    with pytest.raises(cli.TrialRefused, match="directory"):
        list(cli.try_on(silent, "E001", str(tmp_path), None))
