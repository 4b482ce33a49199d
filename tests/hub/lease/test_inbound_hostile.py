"""What the lease system sends may be nonsense: it is refused or kept, it never breaks, and it comes to the same however often."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, select

from hub import auth
from hub.services import Hub
from hub.tables import CaseEntry, InboundDecision, OutsideSign

BODIES: list[bytes] = [
    b"", b"null", b"[]", b'"x"', b"{}", b'{"id": "x"}', b'{"id": 1, "kind": "case_result"}', b"{", b"\xff\xfe",
    b'{"id": "n", "kind": "case_result", "result": NaN}',
    b'{"id": "n2", "kind": "case_result", "result": 1e999}',
    b'{"id": "z\\u0000", "kind": "case_result"}',
    b'{"id": "z2", "kind": "case\\u0000"}',
    b'{"id": "z3", "kind": "case_result", "case_number": "a\\u0000b", "result": "c\\u0000d"}',
    b'{"id": "z4", "kind": "unknown", "more": {"x\\u0000": "y\\u0000"}}',
    b'{"id": "s", "kind": "case_result", "result": "\\ud800"}',
    b'{"id": "s2\\ud800", "kind": "case_result"}',
    b'{"id": "l", "kind": "case_result", "case_number": {"a": 1}, "result": ["x"]}',
    b'{"id": "big", "kind": "other", "n": 123456789012345678901234567890}',
    b'{"id": "d", "kind": "outside_sign", "dwelling_code": "E001-B1-0101", "sign": "rent_paid", "on": "0001-01-01"}',
    b'{"id": "d2", "kind": "outside_sign", "dwelling_code": "E001-B1-0101", "sign": "rent_paid", "on": "9999-12-31"}',
    b'{"id": "d3", "kind": "outside_sign", "withdraws": "d3"}',
    b'{"id": "d4", "kind": "outside_sign", "dwelling_code": "a\\u0000", "sign": "rent_paid", "on": "2026-11-01"}',
    b'{"id": "d5", "kind": "outside_sign", "withdraws": "a\\u0000"}',
    b'{"id": "deep", "kind": "other", "x": ' + b"[" * 400 + b"]" * 400 + b"}",
]  # fmt: skip


@pytest.mark.parametrize("body", BODIES, ids=lambda body: body[:40].decode("latin-1"))
def test_nonsense_is_answered(
    hub: Hub, small_site: Callable[[Hub], None], client_for: Callable[[Hub], Any], body: bytes
) -> None:
    small_site(hub)
    client = client_for(hub)
    client.headers["X-Api-Key"] = auth.add_api_key(hub, "lease")
    said = []
    for _ in range(2):
        answer = client.post("/api/v1/lease/decisions", content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code in (202, 400, 409, 422), answer.text
        said.append((answer.status_code, answer.text if answer.status_code == 202 else ""))
    assert said[0] == said[1], "the same again comes to the same"
    with hub.db.reading() as session:
        kept = session.scalar(select(func.count()).select_from(InboundDecision))
        assert kept == (said[0][0] == 202)
        assert session.scalar(select(func.count()).select_from(CaseEntry)) == 0
        assert session.scalar(select(func.count()).select_from(OutsideSign)) == 0
    if said[0][0] == 202:
        assert json.loads(said[0][1])["result"].startswith("stored")
