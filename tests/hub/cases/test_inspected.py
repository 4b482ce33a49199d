"""The hub's own closed cases as what they teach: which count, what had been stated by then, and where it is shown."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hub.cases.inspected import inspected_cases, outcomes_of
from hub.cli import measured_rules_command
from hub.occupancy.finding import Stage
from hub.occupancy.outcomes import NO_OUTCOMES
from hub.services import Hub
from hub.tables import CaseEntry, CaseFile, Finding

HOME = "E001.E001-B1-0101"
CLOSED = datetime(2026, 10, 1, 4, tzinfo=UTC)


def close(hub: Hub, number: int, outcome: str, *, looked: bool = True, stage: str = "red", rule: str = "S1") -> None:
    """One closed case with its finding, which went on to another stage after the closing."""
    said = [{"on": "2026-08-01", "rule": rule, "stage": stage, "chance": 0.9, "fitted": 0.9}]
    said.append({"on": "2026-11-01", "rule": rule, "stage": "yellow", "chance": 0.4, "fitted": 0.4})
    at = CLOSED + timedelta(minutes=number)
    with hub.db.unit_of_work("test", "a closed case", now=hub.now()) as uow:
        add = uow.session.add
        add(
            CaseFile(
                id=f"case-{number}", number=f"E001-2026-{number:04d}", estate_id="E001", dwelling_id=HOME, kind="sublet",
                stage=stage, state=outcome, outcome=outcome, opened_at=CLOSED - timedelta(days=40), closed_at=at,
            )
        )  # fmt: skip
        uow.session.flush()
        add(
            Finding(
                id=f"fnd-{number}", estate_id="E001", dwelling_id=HOME, case_id=f"case-{number}", kind="sublet", rule=rule,
                rule_version="1", policy_version="p 1", stage=stage, families=[], window_from=at.date(), window_to=at.date(),
                coverage=1.0, because=[], against=[], refuted_by=[], evidence=[], inputs_hash="", stated=said,
                opened_at=CLOSED - timedelta(days=60), updated_at=at, closed_at=at,
            )
        )  # fmt: skip
        action, actor = ("visited", "赵一") if looked else ("closed_unproven", "system")
        add(CaseEntry(case_id=f"case-{number}", at=at, actor=actor, action=action))


def test_a_case_nobody_looked_into_teaches_nothing(hub: Hub, small_site: Callable[[Hub], None]) -> None:
    small_site(hub)
    close(hub, 1, "closed_unproven", looked=False)
    close(hub, 2, "closed_unproven")
    close(hub, 3, "upheld")
    close(hub, 4, "rectified")
    close(hub, 5, "good_cause")
    close(hub, 6, "dismissed")
    with hub.db.reading() as session:
        found = inspected_cases(session)
    results = [case.result for case in found]
    assert results == ["unfounded", "confirmed", "confirmed", "good_cause", "unfounded"]
    assert all([s.stage for s in case.stated] == [Stage.RED] for case in found), (
        "what was stated after the closing counts"
    )
    assert {case.family for case in found} == {"others"}


def test_rules_that_are_mostly_wrong_are_held_back_and_shown(
    hub: Hub, small_site: Callable[[Hub], None], sign_in: Any, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    small_site(hub)
    for number in range(1, 26):
        close(hub, number, "dismissed", rule="S2")
        close(hub, number + 100, "upheld", rule="S1")
    after = CLOSED.date() + timedelta(days=10)
    learned = outcomes_of(hub.db, after).on(after)
    # half of what was stated so high is not confirmed: what it was worth is a visit
    assert learned.lowered("S2", Stage.ORANGE) is Stage.YELLOW
    assert learned.lowered("S1", Stage.ORANGE) is Stage.ORANGE
    assert outcomes_of(hub.db, CLOSED.date()).on(CLOSED.date()) == NO_OUTCOMES.on(after), "nothing is known beforehand"
    monkeypatch.setattr(hub, "now", lambda: CLOSED + timedelta(days=10))
    answer = sign_in(hub, "housing_official").get("/api/v1/rule-records")
    assert answer.status_code == 200, answer.text
    shown = {(r["rule"], r["stage"]): r for r in answer.json()["rules"]}
    assert sum(r["inspected"] for r in shown.values()) == 50, "each case counts once"
    assert [c["family"] for c in answer.json()["corrections"]] == ["others"]
    monkeypatch.setattr("hub.cli.open_directory", lambda _directory: hub)
    monkeypatch.setattr(hub.db, "close", lambda: None)
    measured_rules_command()
    printed = capsys.readouterr().out
    assert "S2 orange  0 of 25 confirmed: 0.23, promised 0.80  HELD BACK" in printed
    assert "S1 orange  25 of 25 confirmed: 0.94, promised 0.80\n" in printed
