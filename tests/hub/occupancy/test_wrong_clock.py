"""Days that were judged by a clock that was wrong."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import select

from hub.cases.nightly import analyse
from hub.services import Hub
from hub.tables import PresenceDay
from simulators.residents import Layout


def test_what_a_wrong_clock_judged_is_judged_again(sqlite_hub: Hub, simulate: Any, clock: Any) -> None:
    """A hub that was started in the wrong year: set right, its nights go on, and no day of the future is left."""
    hub = sqlite_hub
    clock.at = datetime(2026, 11, 21, 1, 0, tzinfo=UTC)
    simulate(hub, end=date(2026, 11, 21), layout=Layout(blocks=1, floors=6, per_floor=2))

    def found() -> tuple[str, list[tuple[str, str, str]]]:
        said = analyse.__wrapped__(hub)  # type: ignore[attr-defined]
        with hub.db.reading() as session:
            days = session.execute(
                select(PresenceDay.dwelling_id, PresenceDay.day, PresenceDay.state).order_by(
                    *PresenceDay.__table__.primary_key
                )
            )
            return said, [(home, day.isoformat(), state) for home, day, state in days]

    right = found()[1]
    clock.jump(days=200)
    assert len(found()[1]) > len(right)
    clock.jump(days=-200)
    said, again = found()
    assert said.startswith("12 dwellings"), said
    assert again == right
