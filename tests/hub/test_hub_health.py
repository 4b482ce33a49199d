"""The health page claims nothing that nobody looked at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import update

from hub.estate.jobs import JOBS
from hub.health import Part, health
from hub.jobs import JobRunner
from hub.services import Hub
from hub.tables import Edge, JobRun, SourceState


def part(hub: Hub, name: str) -> Part:
    (found,) = [part for part in health(hub)["parts"] if part.name == name]
    return found  # type: ignore[no-any-return]


@pytest.fixture
def site(sqlite_hub: Hub, small_site: Callable[[Hub], None]) -> Hub:
    small_site(sqlite_hub)
    return sqlite_hub


@pytest.mark.parametrize("name", ["law", "jobs", "edges", "tenancy_source", "backup"])
def test_of_a_new_hub_it_is_not_known_whether_all_is_well(sqlite_hub: Hub, name: str) -> None:
    assert (part(sqlite_hub, name).ok, part(sqlite_hub, name).looked) == (True, False)
    assert health(sqlite_hub)["ok"], "nothing is known to be wrong"


def test_the_law_is_well_once_it_was_checked(site: Hub) -> None:
    assert (part(site, "law").looked, part(site, "law").detail) == (False, "not checked yet")
    assert JobRunner(site, JOBS).run_once("law.check")
    assert part(site, "law").looked
    assert part(site, "jobs").looked
    with site.db.unit_of_work("test", "fails", audit=False) as uow:
        uow.session.execute(update(JobRun).where(JobRun.job == "law.check").values(ok=False, detail="ValueError: x"))
    assert (part(site, "law").ok, part(site, "law").looked) == (False, True)


def test_a_box_that_was_enrolled_and_is_not_there_is_ill(site: Hub) -> None:
    with site.db.unit_of_work("test", "enrolled", audit=False) as uow:
        uow.session.execute(update(Edge).values(enrolled_at=None, online=False))
    assert not part(site, "edges").looked
    with site.db.unit_of_work("test", "enrolled", audit=False) as uow:
        uow.session.execute(update(Edge).values(enrolled_at=site.now()))
    assert (part(site, "edges").ok, part(site, "edges").looked) == (False, True)


def test_a_source_that_was_never_read_is_named(site: Hub) -> None:
    def source(**values: Any) -> tuple[bool, bool, str]:
        with site.db.unit_of_work("test", "source", audit=False) as uow:
            uow.session.merge(SourceState(source="back-office", **values))
        found = part(site, "tenancy_source")
        return found.ok, found.looked, found.detail

    assert source() == (True, False, "1 source; not read yet: back-office")
    assert source(last_error="timeout") == (False, True, "errors: back-office")
    assert source(last_error="", last_ok_at=site.now()) == (True, True, "1 source")


def test_backups_that_have_stopped_are_told(sqlite_hub: Hub, clock: Any) -> None:
    with sqlite_hub.db.unit_of_work("test", "backup", audit=False) as uow:
        uow.session.add(JobRun(job="backup", started_at=clock.at, finished_at=clock.at, ok=True))
    assert (part(sqlite_hub, "backup").ok, part(sqlite_hub, "backup").looked) == (True, True)
    clock.pass_(days=8)
    assert part(sqlite_hub, "backup").ok
    assert part(sqlite_hub, "backup").detail == "the last backup was made 8 days ago"
    clock.pass_(minutes=1)
    assert not part(sqlite_hub, "backup").ok
