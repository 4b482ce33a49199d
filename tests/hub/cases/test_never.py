"""What must never come of a case: impossible by construction, and looked for here."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.cases import reasons
from hub.cases.guards import Context
from hub.cases.record import Record
from hub.cases.states import KINDS_ZH, STATES_ZH, State
from hub.cases.steps import ACTIONS, HARDSHIP
from hub.lease.feed import KINDS_ZH as FEED_KINDS
from hub.tables import CaseFile, Finding

ROOT = Path(__file__).resolve().parents[3]
ROOMS = ("hub/cases", "hub/catalogue", "hub/occupancy", "hub/lease", "hub/evidence")
ACCESS_TABLES = {"CredentialRow", "CredentialIdentifierRow", "DesiredList", "ReportedList", "CommandRow", "Device"}
READERS = {
    "hub/catalogue/load.py": {"CredentialRow", "CredentialIdentifierRow"},
    "hub/occupancy/load.py": {"CredentialRow"},
    "hub/occupancy/recognised.py": {"CredentialRow"},
    "hub/occupancy/door_doubts.py": {"CredentialRow"},
    "hub/occupancy/former.py": {"CredentialRow"},
    "hub/evidence/collect.py": {"Device"},
    "hub/evidence/reviews.py": {"Device"},
}
"""Who may look at which of them; the test below sees that they only look."""

DECIDES_ACCESS = ("hub.access", "hub.estate.commands", "hub.estate.orders", "hub.edge_api", "hub.broker")
FORBIDDEN = re.compile(
    r"access|credential|card|revoke|lock|lift|water|power|heat|gas\b|cut_|publish|neighbo|employer|credit|police|face|(^|_)age(_|$)|"
    r"origin|benefit|断水|断电|断气|停水|停电|停梯|电梯|门禁权限|撤权|禁止通行|公示|公告|邻居|邻里|单位通报|征信|黑名单|人脸|年龄|籍贯"
)


def _files() -> list[Path]:
    found = [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]
    assert len(found) > 30, "the checks below look at nothing"
    return found


def _imports(path: Path) -> Iterator[tuple[str, set[str]]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, set()) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names = {alias.name for alias in node.names}
            yield node.module or "", names
            yield from ((f"{node.module}.{name}", set()) for name in names)


@pytest.mark.parametrize("path", _files(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_lead_and_no_case_reaches_access(path: Path) -> None:
    short = path.relative_to(ROOT).as_posix()
    for module, names in _imports(path):
        assert not module.startswith(DECIDES_ACCESS), (
            f"{short} imports {module}: nothing here may remove or shorten access"
        )
        written = ACCESS_TABLES & names - READERS.get(short, set())
        assert not written, f"{short} uses {written}: access is not its business"
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute):
            assert node.attr != "send", f"{short} sends a message to an edge"


@pytest.mark.parametrize("reader", sorted(READERS))
def test_readers_of_access_only_read(reader: str) -> None:
    text = (ROOT / reader).read_text(encoding="utf-8")
    calls = {ast.unparse(node.func) for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)}
    written = {"insert", "update", "delete", "session.add", "session.add_all", "session.delete", "session.merge"}
    assert not calls & written, f"{reader} only looks at access"


def test_the_pure_workflow_reaches_nothing_at_all() -> None:
    """The workflow, what it imports, and what that imports: its own room, the contact codes and the rules as data."""
    waiting, seen = ["hub.cases.workflow"], set[str]()
    while waiting:
        module = waiting.pop()
        path = ROOT / (module.replace(".", "/") + ".py")
        if module in seen or not path.exists():
            continue
        seen.add(module)
        waiting += [name for name, _ in _imports(path) if name.startswith(("hub", "device_drivers"))]
    assert seen <= {f"hub.cases.{name}" for name in
                    ("workflow", "forms", "guards", "states", "steps", "record", "reasons", "calendar")} | {
                        "hub.occupancy.contacts", "hub.occupancy.catalogue"}  # fmt: skip


def test_no_step_has_a_field_a_choice_or_a_message_for_it() -> None:
    for action, rule in ACTIONS.items():
        words = [action.value, rule.label_zh, rule.opinion_zh, rule.feed or ""]
        for one in rule.fields:
            words += [one.name, one.label_zh, *one.choices, *one.choices.values()]
        words += [*rule.reason_codes]
        for word in words:
            if word == "以门禁、表计记录作为认定依据":
                continue
            assert not FORBIDDEN.search(word), f"{action}: {word}"
    for kind, label in FEED_KINDS.items():
        assert not FORBIDDEN.search(kind + label), kind
    for label in (*STATES_ZH.values(), *KINDS_ZH.values()):
        assert not FORBIDDEN.search(label), label


def test_grounds_are_the_laws_and_no_others() -> None:
    assert set(reasons.GROUNDS) == {"G_SUBLET", "G_USE", "G_IDLE", "G_NOT_MOVED_IN", "G_NONE"}
    for label in reasons.GROUNDS.values():
        assert not FORBIDDEN.search(label), label


def test_a_case_has_no_place_to_keep_what_somebody_is() -> None:
    columns = {column.name for table in (CaseFile, Finding) for column in table.__table__.columns}
    for name in columns | set(Context.__dataclass_fields__) | set(Record.__dataclass_fields__):
        assert not FORBIDDEN.search(name), name
    assert set(HARDSHIP) == {"lone_elderly", "disabled", "minors", "illness", "victim"}


def test_no_word_accuses() -> None:
    """疑似, 待核实: never 违规户 or 黑名单 (the wording advice of the catalogue)."""
    for path in _files():
        text = re.sub("ACCUSING = .*", "", path.read_text(encoding="utf-8"))
        assert not re.search("违规户|黑名单|违法户|问题住户", text), path.name


def test_ending_states_end_the_case_and_not_the_tenancy() -> None:
    assert not {state.value for state in State} & {"evicted", "revoked", "locked_out", "tenancy_ended"}
