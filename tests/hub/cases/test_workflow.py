"""Every state, action and role of a case walked; and that nothing in these rooms can touch anybody's access."""

from __future__ import annotations

import ast
from datetime import UTC, date, datetime, timedelta
from itertools import product
from pathlib import Path

import pytest

from hub.auth import PERMISSIONS
from hub.cases import reasons
from hub.cases.workflow import (
    ACTIONS,
    CASE_STAGES,
    LIVE,
    QUIET,
    STATES_ZH,
    Action,
    ClosedCase,
    Facts,
    OnFacts,
    Refused,
    State,
    actions_in,
    decide,
    on_due,
    on_facts,
    on_facts_gone,
)

ROOT = Path(__file__).resolve().parents[3]
NOW = datetime(2026, 11, 21, tzinfo=UTC)
OFFICIAL = PERMISSIONS["housing_official"]
TO = {
    (State.OPEN, Action.DISMISS): State.DISMISSED,
    (State.OPEN, Action.RECHECK): State.RECHECK_REQUESTED,
    (State.OPEN, Action.GOOD_CAUSE): State.GOOD_CAUSE,
    (State.OPEN, Action.NOTE): State.OPEN,
    (State.RECHECK_REQUESTED, Action.DISMISS): State.DISMISSED,
    (State.RECHECK_REQUESTED, Action.GOOD_CAUSE): State.GOOD_CAUSE,
    (State.RECHECK_REQUESTED, Action.NOTE): State.RECHECK_REQUESTED,
}


def _reason(action: Action) -> str:
    return next(iter(ACTIONS[action].reason_codes))


@pytest.mark.parametrize(("role", "state", "action"), list(product(PERMISSIONS, State, Action)))
def test_the_whole_machine(role: str, state: State, action: Action) -> None:
    permissions = PERMISSIONS[role]
    wanted = TO.get((state, action)) if role == "housing_official" else None
    assert (action in actions_in(state, permissions)) == (wanted is not None)
    if wanted is None:
        with pytest.raises(Refused):
            decide(state, action, _reason(action), "意见意见", permissions, NOW)
        return
    step = decide(state, action, _reason(action), "意见意见", permissions, NOW)
    assert step.state is wanted
    assert step.closed == (wanted not in LIVE)
    assert step.quiet_until == (NOW + QUIET if step.closed else None)
    assert step.feed == ACTIONS[action].feed


@pytest.mark.parametrize("action", list(Action))
@pytest.mark.parametrize(
    ("reason", "opinion", "code"),
    [(None, "   ", "opinion_needed"), (None, "好", "opinion_needed"), ("X", "意见意见", "unknown_reason")],
)
def test_every_decision_needs_a_known_reason_and_a_written_opinion(
    action: Action, reason: str | None, opinion: str, code: str
) -> None:
    with pytest.raises(Refused) as refused:
        decide(State.OPEN, action, reason or _reason(action), opinion, OFFICIAL, NOW)
    assert refused.value.code == code


def test_every_innocent_explanation_is_a_reason_to_dismiss() -> None:
    assert {f"IE{n:02d}" for n in range(1, 33)} <= set(reasons.DISMISS)
    assert set(reasons.GOOD_CAUSE) <= set(reasons.INNOCENT)


def test_every_state_has_a_name_and_can_be_reached() -> None:
    assert set(STATES_ZH) == set(State)
    reached = {State.OPEN, *TO.values()}
    step = on_facts_gone(State.OPEN)
    assert step is not None
    assert reached | {step.state} == set(State)


FACTS = Facts("orange", date(2026, 8, 1), frozenset({"F1", "F2"}))
CLOSED = ClosedCase(date(2026, 11, 1), datetime(2027, 1, 30, tzinfo=UTC), FACTS)


@pytest.mark.parametrize(
    ("facts", "open_stage", "last", "wanted"),
    [
        (FACTS, None, None, OnFacts.OPEN),
        (FACTS, "orange", None, OnFacts.REFRESH),
        (FACTS, "yellow", None, OnFacts.STAGE),
        (Facts("note", date(2026, 8, 1), frozenset({"F1"})), None, None, OnFacts.NOTHING),
        (Facts("insufficient_data", date(2026, 8, 1), frozenset()), "yellow", None, OnFacts.NOTHING),
        (FACTS, None, CLOSED, OnFacts.NOTHING),
        (Facts("red", date(2026, 8, 1), frozenset({"F1", "F2"})), None, CLOSED, OnFacts.NOTHING),
        (Facts("orange", date(2026, 8, 1), frozenset({"F1", "F2", "F3"})), None, CLOSED, OnFacts.OPEN),
        (Facts("yellow", date(2026, 11, 1), frozenset({"F1"})), None, CLOSED, OnFacts.NOTHING),
        (Facts("yellow", date(2026, 11, 2), frozenset({"F1"})), None, CLOSED, OnFacts.OPEN),
        (FACTS, None, ClosedCase(CLOSED.closed_on, NOW, FACTS), OnFacts.OPEN),
        (FACTS, None, ClosedCase(CLOSED.closed_on, NOW + timedelta(seconds=1), FACTS), OnFacts.NOTHING),
        (FACTS, None, ClosedCase(CLOSED.closed_on, None, FACTS), OnFacts.OPEN),
    ],
)
def test_what_facts_do(facts: Facts, open_stage: str | None, last: ClosedCase | None, wanted: OnFacts) -> None:
    assert on_facts(facts, open_stage, last, NOW) is wanted


def test_facts_that_go_end_only_what_nobody_has_taken_up() -> None:
    assert [state for state in State if on_facts_gone(state)] == [State.OPEN]


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("live", [True, False])
@pytest.mark.parametrize("due", [None, NOW - timedelta(days=1), NOW, NOW + timedelta(seconds=1)])
def test_time_ends_a_case_without_facts(state: State, live: bool, due: datetime | None) -> None:
    step = on_due(state, due, live, NOW)
    assert (step is not None) == (state in LIVE and not live and due is not None and due <= NOW)


# --- what must be impossible --------------------------------------------------------------------------------------------

READS_CREDENTIALS = {"load.py", "recognised.py"}  # whose credential a pass was, and nothing more
ACCESS_TABLES = {"CredentialRow", "CredentialIdentifierRow", "DesiredList", "ReportedList", "CommandRow", "Device"}
ROOMS = ("hub/cases", "hub/occupancy", "hub/lease")


def _files() -> list[Path]:
    found = [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]
    assert len(found) > 20, "the check below looks at nothing"
    return found


@pytest.mark.parametrize("path", _files(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_lead_and_no_case_reaches_access(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
        module = node.module or "" if isinstance(node, ast.ImportFrom) else ""
        for name in (module, *(f"{module}.{n}" if module else n for n in names)):
            assert not name.startswith(("hub.access", "hub.estate.commands", "hub.edge_api")), (
                f"{path.name} imports {name}: nothing here may remove or shorten access"
            )
        written = ACCESS_TABLES & set(names) - ({"CredentialRow"} if path.name in READS_CREDENTIALS else set())
        assert not written, f"{path.name} uses {written}: access is not its business"
        if isinstance(node, ast.Attribute):
            assert node.attr != "send", f"{path.name} sends a message to an edge"


def test_the_one_reader_of_credentials_only_reads() -> None:
    text = (ROOT / "hub/occupancy/load.py").read_text(encoding="utf-8")
    calls = {ast.unparse(node.func) for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)}
    assert not calls & {"insert", "update", "delete", "session.add", "session.add_all", "session.delete"}


def test_stages_that_make_cases() -> None:
    assert CASE_STAGES == ("yellow", "orange", "red")
