"""Tenancy records a source pushes, signed, beside the pull: idempotent, in any order, through the same brake.

A push source stands in `sources.json` with `"push": {"algorithm": "ed25519" | "hmac-sha256", "key_file": …}`; the key file (path
relative to the hub's directory) holds base64: the 32-byte public key, or a shared secret of at least 32 bytes. The signature
covers `{timestamp}.{body}`; the timestamp keeps a recorded request from being played back later. Within its five minutes a
repetition does no harm: versions decide, not the order of arrival.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from hub import clock, moved
from hub.db import UnitOfWork
from hub.other_way import OtherWay
from hub.services import Hub
from hub.tables import SourceState
from hub.tenancy import onfile, refused, sync, write
from hub.tenancy.changes import ChangeSet
from hub.tenancy.held import held_json, merged
from hub.tenancy.judge import Told, judge, today_of
from hub.tenancy.records import RefusedRow, TenancyRecord, parse_tenancy
from hub.tenancy.sources import SourceConfig, SourceProblem, load_sources

MAX_BODY = 4 * 1024 * 1024
MAX_RECORDS = 2_000
LATE = timedelta(minutes=5)
MIN_SECRET = 32


class NotSigned(Exception):
    """The signature is missing, wrong, or too old; or there is no such push source. Which of them is not told."""


class PushBody(msgspec.Struct, frozen=True):
    """What is pushed; records are checked one by one later."""

    items: list[object]


@dataclass(frozen=True, slots=True)
class Outcome:
    """`held`: households of this push the brake stopped. `stale`: an older version of what is known."""

    accepted: int
    new: int
    changed: int
    ended: int
    unchanged: int
    stale: int
    refused: tuple[RefusedRow, ...]
    held: tuple[str, ...]
    ways: tuple[OtherWay, ...] = ()


def verified(hub: Hub, name: str, timestamp: str, signature: str, body: bytes) -> SourceConfig:
    """The source this body is from. Raises NotSigned."""
    source = next((s for s in load_sources(hub.config.dir) if s.name == name), None)
    if source is None or source.push is None:
        raise NotSigned("no such push source")
    try:
        at = datetime.fromtimestamp(int(timestamp), UTC)
        given = base64.b64decode(signature, validate=True)
    except (ValueError, OverflowError, OSError, binascii.Error) as error:
        raise NotSigned("timestamp or signature cannot be read") from error
    if abs(hub.now() - at) > LATE:
        raise NotSigned(f"timestamp is {abs(hub.now() - at)} away")
    key = read_push_key(hub.config.dir, source)
    content = timestamp.encode() + b"." + body
    if source.push.algorithm == "hmac-sha256":
        if not hmac.compare_digest(hmac.new(key, content, hashlib.sha256).digest(), given):
            raise NotSigned("wrong signature")
        return source
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(given, content)
    except (InvalidSignature, ValueError) as error:
        raise NotSigned("wrong signature") from error
    return source


def read_push_key(directory: Path, source: SourceConfig) -> bytes:
    """Raises SourceProblem when the file is missing, not base64, or too short: there is no default key."""
    if source.push is None:
        raise SourceProblem("config_bad", f"source {source.name} has no push key")
    try:
        key = base64.b64decode((directory / source.push.key_file).read_text(encoding="utf-8").strip(), validate=True)
    except (OSError, UnicodeDecodeError, binascii.Error) as error:
        raise SourceProblem("config_bad", f"push key_file: {error}") from error
    wanted = 32 if source.push.algorithm == "ed25519" else MIN_SECRET
    if len(key) < wanted:
        raise SourceProblem(
            "config_bad", f"push key_file {source.push.key_file}: {len(key)} bytes, {wanted} are needed"
        )
    return key


def take(hub: Hub, source: SourceConfig, items: list[object]) -> Outcome:
    """Records of one push in one unit of work. What is not in it is not missing; only versions say what is newer."""
    clock.look(hub)
    hub.right_of_way.take()  # it may end somebody's access
    with hub.db.unit_of_work(f"source:{source.name}", "tenancy records pushed", now=hub.now()) as uow:
        write.alone(uow.session)
        where, today = onfile.places(uow.session), today_of(uow)
        records: list[TenancyRecord] = []
        bad: list[RefusedRow] = []
        keys: set[str] = set()
        for position, raw in enumerate(items, start=1):
            parsed = parse_tenancy(raw, hub.keys.blind, today, position)
            bad += parsed.refused
            keys |= {row.key.split("/")[0] for row in parsed.refused}
            if (record := parsed.record) is None:
                continue
            keys.add(record.id)
            if why := sync.wrong_place(record.dwelling_code, source, where):
                bad.append(RefusedRow(record.id, why, raw={"dwelling_code": record.dwelling_code}))
            else:
                records.append(record)
        state = _state(uow, source)
        # A source that is also pulled is let pass by the pull, which sees everything.
        release = dict(state.detail.get("release") or {}) if source.kind == "push" else {}
        judged = judge(uow, source.name, Told(records, frozenset(keys), pushed=True), release)
        changes = judged.changes
        write.apply(uow, source.name, changes, where, judged.released)
        ways = hub.other_ways(uow)
        bad += changes.conflicts
        refused.keep(uow, source.name, bad, keys)
        _keep_state(uow, source, state, changes, frozenset(r.id for r in records))
    if changes.new or changes.changed or changes.ended:
        moved.tell(hub)
    else:
        hub.right_of_way.free()
    return Outcome(
        accepted=len(records),
        new=len(changes.new),
        changed=len(changes.changed),
        ended=len(changes.ended),
        unchanged=len(changes.unchanged),
        stale=len(changes.stale),
        refused=tuple(bad),
        held=tuple(h.tenancy for h in changes.held),
        ways=ways,
    )


def _state(uow: UnitOfWork, source: SourceConfig) -> SourceState:
    state = uow.session.get(SourceState, source.name, with_for_update=True)  # people say in it what may pass
    if state is None:
        state = SourceState(source=source.name, cursor="", last_error="", last_total=0, detail={})
        uow.session.add(state)
    return state


def _keep_state(
    uow: UnitOfWork, source: SourceConfig, state: SourceState, changes: ChangeSet, told: frozenset[str]
) -> None:
    """What the brake stopped waits for two persons: then the next full pull, or the same push again, takes it."""
    detail = {**state.detail, "kind": source.kind, "estate": source.estate, "pushed_at": uow.now.isoformat()}
    if changes.held:
        uow.record("tenancy.push_held", source.name, tenancies=[h.tenancy for h in changes.held][:50])
    if source.kind == "push":
        state.last_ok_at = uow.now
        now = held_json(uow, source.name, changes, state.held)
        state.held = merged(state.held, now, told)
    elif changes.held:
        detail["full_wanted"] = True
    state.detail = detail
