"""(P) The records inside a bundle, checked once more by themselves: the case's log link by link, each audit row by its hash.

The manifest proves that the hub signed them; this shows that nobody had changed them in the hub before.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec

_json = msgspec.json.Encoder(order="sorted")  # as the log and the audit trail write what they hash
LOG, AUDIT = "log.json", "audit.json"


def check_log(entries: Mapping[str, bytes]) -> list[str]:
    """What does not hold, each with its place."""
    problems: list[str] = []
    if LOG in entries and AUDIT in entries:
        log, audit = (msgspec.json.decode(entries[name]) for name in (LOG, AUDIT))
        problems += [
            f"{LOG}: an entry that {AUDIT} knows is missing ({one[:16]})"
            for one in missing_entries(log["entries"], audit["rows"])
        ]
    if LOG in entries:
        problems += _log(msgspec.json.decode(entries[LOG])["entries"])
    if AUDIT in entries:
        problems += _audit(msgspec.json.decode(entries[AUDIT])["rows"])
    return problems


def missing_entries(log: list[dict[str, Any]], audit: list[dict[str, Any]]) -> list[str]:
    """Hashes of entries that the audit trail tells of and the log has not: the last one taken away leaves a chain that holds."""
    kept = {one["hash"] for one in log}
    told = (one for row in audit for one in row["changes"] if one.get("what") == "case.entry")
    return [str(one["hash"]) for one in told if one.get("hash") and one["hash"] not in kept]


def _log(rows: list[dict[str, Any]]) -> list[str]:
    """Where words were masked the entry cannot be recomputed: its hash stands, and the next follows from it."""
    problems, before = [], ""
    for number, row in enumerate(rows, start=1):
        if row["chained"] and not row["masked"]:
            content = (
                before, row["case_id"], row["at"], row["actor"], row["action"], row["reason_code"], row["opinion"],
                row["data"],
            )  # fmt: skip
            if hashlib.sha256(_json.encode(content)).hexdigest() != row["hash"]:
                problems.append(f"{LOG}: entry {number} does not follow from the one before")
        before = row["hash"]
    return problems


def _audit(rows: list[dict[str, Any]]) -> list[str]:
    """A row that is not shown whole cannot be recomputed: its hash stands for what the hub has."""
    problems = []
    for row in rows:
        if row.get("masked"):
            continue
        content = (row["previous_hash"], row["at"], row["actor"], row["reason"], row["estate_id"], row["changes"])
        if hashlib.sha256(_json.encode(content)).hexdigest() != row["hash"]:
            problems.append(f"{AUDIT}: row {row['id']} does not have the hash it should")
    return problems
