"""Back-office records of made-up people, and a handle on the simulated back office."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from patience import PATIENCE_S

from hub.trust import trusted
from simulators.people import with_check_digit

KEY = "office-key-of-this-test"
HOUSEHOLDS = 40


def id_number(serial: int, birth: str = "19800101") -> str:
    """A valid number of a made-up person."""
    return with_check_digit(f"990000{birth}{serial:03d}")


def member(number: int, **changed: Any) -> dict[str, Any]:
    """One member of a back-office record."""
    given = {"at": "2026-01-05T10:00:00+08:00", "notice": "v1"}
    return {
        "person_id": f"P-{number:06d}",
        "name": "张三丰",
        "id_number": id_number(number % 1000),
        "relation": "applicant",
        "from": "2026-01-05",
        "to": None,
        "birth_date": "1980-01-01",
        "cards": [f"{3_000_000 + number:010d}"],
        "face_photo": {"sha256": f"{number:064x}"},
        "consents": {"a": given, "b": None, "c": None},
        **changed,
    }


def tenancy(number: int, **changed: Any) -> dict[str, Any]:
    """One back-office record: an applicant and a spouse in dwelling `number`."""
    return {
        "id": f"T-{number:06d}",
        "version": 1,
        "state": "active",
        "dwelling_code": code(number),
        "from": "2026-01-05",
        "to": "2029-01-04",
        "handover_at": "2026-01-06",
        "end_decision": None,
        "members": [member(2 * number), member(2 * number + 1, relation="spouse", face_photo=None, name="李四")],
        "updated_at": "2026-01-05T17:30:00+08:00",
        **changed,
    }


def code(number: int) -> str:
    return f"E001-B1-{number // 4 + 1:02d}{number % 4 + 1:02d}"


@dataclass
class Office:
    """`office.control("feed", mode="empty")`; `office.url`, `office.site` (its directory)."""

    url: str
    site: Path

    def control(self, what: str, **body: Any) -> Any:
        url, key, trust = f"{self.url}/control/{what}", {"X-Api-Key": KEY}, trusted(trust_env=False)
        answer = httpx.post(url, json=body, headers=key, timeout=PATIENCE_S, trust_env=False, verify=trust)
        assert answer.status_code == 200, answer.text
        return answer.json()
