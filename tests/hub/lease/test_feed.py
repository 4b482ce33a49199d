"""The words of the feed: canonical, the same id for the same thing, nobody's name."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime

import pytest

from hub.lease.feed import KINDS_ZH, Subject, message

AT = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)
SUBJECT = Subject("E001.d", "E001-B1-0101", "E001", "T-1")


def test_a_message_is_canonical() -> None:
    one = message("dwelling.moved_in", "tenancy-1", SUBJECT, AT, {"first_day": date(2026, 11, 2), "b": 1})
    two = message("dwelling.moved_in", "tenancy-1", SUBJECT, AT, {"b": 1, "first_day": date(2026, 11, 2)})
    assert one == two
    assert one.id == "dwelling.moved_in:tenancy-1"
    assert json.loads(one.body) == {
        "schema": 1,
        "id": one.id,
        "kind": "dwelling.moved_in",
        "at": "2026-11-21T04:00:00Z",
        "estate_code": "E001",
        "dwelling_code": "E001-B1-0101",
        "tenancy_id": "T-1",
        "first_day": "2026-11-02",
        "b": 1,
    }


@pytest.mark.parametrize("kind", sorted(KINDS_ZH))
def test_every_kind_has_an_idempotency_key_the_inbox_takes(kind: str) -> None:
    assert 8 <= len(message(kind, "x", SUBJECT, AT, {}).id) <= 200


def test_unknown_kinds_and_values_do_not_travel() -> None:
    with pytest.raises(ValueError, match="unknown feed message"):
        message("case.punish", "1", SUBJECT, AT, {})
    with pytest.raises(TypeError, match="does not travel"):
        message("case.opened", "1", SUBJECT, AT, {"x": object()})
