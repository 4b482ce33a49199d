"""`estate-hub case …`: a named person at a terminal sees and does what the console lets them, and nothing more."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import Result
from sqlalchemy import select
from typer.testing import CliRunner

from hub import auth, migrations
from hub.cases.service import follow
from hub.cli import app
from hub.config import Config
from hub.evidence.verify import verify
from hub.services import Hub, open_hub
from hub.tables import AuditRow, CaseEntry, Finding, Tenancy, UserSession

HOME = "E001.E001-B1-0101"
NUMBER = "E001-2026-0001"
PASSWORD = "a long enough one"


@pytest.fixture
def directory(tmp_path: Path, made: Path) -> Path:
    """A hub's directory of this test's own: a copy."""
    return shutil.copytree(made, tmp_path, dirs_exist_ok=True)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, small_site: Callable[[Hub], None]) -> Path:
    """A migrated hub with four users, who have passwords, and a case. Nothing works on it."""
    directory = tmp_path_factory.mktemp("made")
    hub = open_hub(Config(dir=directory))
    migrations.upgrade(hub.db)
    small_site(hub)
    for name, role in (
        ("zhao", "housing_official"),
        ("qian", "housing_official"),
        ("sun", "auditor"),
        ("li", "administrator"),
    ):
        auth.add_user(hub, name, name, role, [], PASSWORD, "test")
    with hub.db.unit_of_work("test", "a yellow lead", now=hub.now()) as uow:
        today = uow.now.date()
        finding = Finding(
            id="f-1", estate_id="E001", dwelling_id=HOME, kind="vacancy", rule="V2", rule_version="2026.2",
            policy_version="national 2026.1", stage="yellow", families=["F1"], window_from=today - timedelta(days=60),
            window_to=today, coverage=0.99, because=["历史数据没有联系记录：须先完成人工联系。"], against=[], refuted_by=[],
            evidence=[], inputs_hash="0" * 64, opened_at=uow.now, updated_at=uow.now,
        )  # fmt: skip
        uow.session.add(finding)
        uow.session.flush()
        case = follow(uow, finding, uow.session.scalars(select(Tenancy.id).where(Tenancy.dwelling_id == HOME)).first())
        assert case is not None
        case.number = NUMBER
    hub.db.close()
    return directory


def run(directory: Path, *args: str, password: str = PASSWORD) -> Result:
    return CliRunner().invoke(app, ["case", *args, "--dir", str(directory)], input=f"{password}\n")


def ask(directory: Path, name: str, *more: str, password: str = PASSWORD) -> Result:
    words = ("--opinion", "您好，近期是否外出？", "--set", "channel=phone")
    return run(directory, "step", NUMBER, "ask", "--as", name, *words, *more, password=password)


def test_a_named_person_reads_and_takes_a_step(directory: Path) -> None:
    listed = run(directory, "list", "--as", "zhao")
    assert listed.exit_code == 0, listed.output
    assert NUMBER in listed.output
    form = run(directory, "form", NUMBER, "ask", "--as", "zhao")
    assert "--set channel=…" in form.output
    assert "offered" in form.output
    assert (
        "--set channel=…  Channel: phone Phone"
        in run(directory, "form", NUMBER, "ask", "--as", "zhao", "--english").output
    )
    taken = ask(directory, "zhao")
    assert taken.exit_code == 0, taken.output
    shown = run(directory, "show", NUMBER, "--as", "sun", "--english")
    assert "people must get in touch first" in shown.output
    assert "zhao  ask" in shown.output, "the log names who did it"
    assert "the system  opened" in shown.output, "also that it was the program, in the reader's language"
    assert "系统  立案" in run(directory, "show", NUMBER, "--as", "sun").output
    hub = open_hub(Config(dir=directory))
    with hub.db.reading() as session:
        entry = session.scalars(select(CaseEntry).where(CaseEntry.action == "ask")).one()
        assert entry.actor.startswith("user-"), "the user's id, as from the console"
        assert all(row.ended_at is not None for row in session.scalars(select(UserSession))), "each command signs out"
        assert any(row.actor == entry.actor for row in session.scalars(select(AuditRow)))


def test_what_the_console_refuses_is_refused_with_its_words(directory: Path) -> None:
    accusing = run(
        directory,
        "step",
        NUMBER,
        "ask",
        "--as",
        "zhao",
        "--opinion",
        "您涉嫌转租",
        "--set",
        "channel=phone",
        "--english",
    )
    assert accusing.exit_code == 1
    assert "A question must be neutral" in accusing.output
    early = run(directory, "step", NUMBER, "agree", "--as", "qian", "--opinion", "同意这一结论")
    assert early.exit_code == 1
    assert "wrong_state" in early.output
    assert "there is no step" in run(directory, "step", NUMBER, "evict", "--as", "zhao", "--opinion", "立即清退").output
    assert "name=value" in ask(directory, "zhao", "--set", "nonsense").output
    assert "没有填写项" in ask(directory, "zhao", "--set", "revoke=yes").output


@pytest.mark.parametrize("name", ["sun", "li"])
def test_who_may_not_decide_does_not_at_a_terminal_either(directory: Path, name: str) -> None:
    """Who keeps the machine does not decide; the keeper does not even read."""
    refused = ask(directory, name)
    assert refused.exit_code == 1
    assert "forbidden" in refused.output
    assert (run(directory, "list", "--as", name).exit_code == 0) == (name == "sun")
    assert (run(directory, "show", NUMBER, "--as", name).exit_code == 0) == (name == "sun")


def test_nobody_acts_under_another_name(directory: Path) -> None:
    assert ask(directory, "zhao", password="not the password").exit_code == 1
    hub = open_hub(Config(dir=directory))
    link = auth.make_sign_in_link(hub, "qian")
    hub.db.close()
    other = ask(directory, "zhao", "--link", f"http://hub.example{link}")
    assert "not zhao's" in other.output, "a link signs in its own person alone"
    again = ask(directory, "qian", "--link", f"http://hub.example{link}")
    assert "used up" in again.output
    hub = open_hub(Config(dir=directory))
    with hub.db.reading() as session:
        assert session.scalars(select(CaseEntry.id).where(CaseEntry.action == "ask")).all() == []


def test_the_pack_is_exported_and_noted(directory: Path, tmp_path: Path) -> None:
    out = tmp_path / "pack.zip"
    made = run(directory, "export", NUMBER, "--as", "sun", "--out", str(out))
    assert made.exit_code == 0, made.output
    assert verify(out.read_bytes(), None).holds
    whole = run(directory, "export", NUMBER, "--as", "sun", "--out", str(out), "--unmasked", "--reason", "移送法院")
    assert "forbidden" in whole.output, "an auditor takes no names with them"
    assert ".pdf or .zip" in run(directory, "export", NUMBER, "--as", "sun", "--out", "x.docx").output
    hub = open_hub(Config(dir=directory))
    with hub.db.reading() as session:
        assert len(session.scalars(select(CaseEntry.id).where(CaseEntry.action == "pack_made")).all()) == 1
