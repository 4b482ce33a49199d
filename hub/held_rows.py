"""What one person asked for and a second one has to confirm: written down, with the digest that the audit keeps of it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy.orm import Session

from hub.db import UnitOfWork
from hub.ids import new_id
from hub.tables import HeldAction


@dataclass(frozen=True, slots=True)
class Kind:
    """An action of another room that the brake on people weighs (`hub.access.held`); `hub.rooms` names them all.

    `weight`: how many changes of access it is; `about`: what it is, for the second person; `perform`: done, gives what it was
    done to; `follow`: what happens after it was saved (with the hub); `households`: whom it takes something from, each of them.
    """

    action: type[msgspec.Struct]
    weight: Callable[[Session, Any], int]
    about: Callable[[Session, str, Any], str]
    perform: Callable[[UnitOfWork, str, Any], str]
    follow: Callable[[Any], None]
    households: Callable[[Session, str, Any, datetime], list[HouseholdLoses]] | None = None


@dataclass(frozen=True, slots=True)
class HouseholdLoses:
    """A household the action takes something from, as things stand now. `loses`: (masked name, or empty for all; what)."""

    dwelling_code: str
    loses: tuple[tuple[str, str], ...]


Kinds = Mapping[str, Kind]


def by_tag(*kinds: Kind) -> Kinds:
    return {str(kind.action.__struct_config__.tag): kind for kind in kinds}


def hold(
    uow: UnitOfWork,
    who: str,
    estate_id: str,
    action: msgspec.Struct,
    label: str,
    weight: int,
    dwelling: str | None = None,
) -> str:
    """The row's id. `who`: the asker's id; `weight`: how many changes of access it is."""
    payload = msgspec.to_builtins(action, builtin_types=())
    row = HeldAction(
        id=new_id("held"),
        estate_id=estate_id,
        dwelling_id=dwelling,
        kind=payload["type"],
        payload=payload,
        label=label,
        weight=weight,
        asked_by_id=who,
        asked_by=uow.actor,
        asked_at=uow.now,
        reason=uow.reason,
        state="held",
    )
    uow.session.add(row)
    uow.record(
        "held_action.asked", row.id, kind=row.kind, dwelling=dwelling or "", weight=weight, digest=digest(payload)
    )
    return row.id


def digest(payload: Mapping[str, Any]) -> str:
    """Which action it was, provable to who has it still: a decided row keeps neither names nor numbers."""
    return hashlib.sha256(msgspec.json.encode(payload, order="sorted")).hexdigest()
