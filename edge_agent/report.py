"""What the hub is told of a device's list, made from a plan: never more than is known. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import msgspec

from device_drivers.contract.access import AccessList
from device_drivers.contract.device import DeviceStatus
from device_drivers.contract.messages import CredentialRefusal
from device_drivers.plan import Plan

REFUSED_SHOWN, PENDING_SHOWN, STRAYS_SHOWN = 200, 50, 200
OF_A_HUB = re.compile(r"[0-9a-z]{20}")


class ListReport(msgspec.Struct, frozen=True):
    """The list's part of a `DeviceReported`."""

    generation: int = 0
    digest: str = ""
    wanted: int = 0
    confirmed: int = 0
    assumed: int = 0
    pending: int = 0
    foreign: int = 0
    refused: tuple[CredentialRefusal, ...] = ()
    pending_tokens: tuple[str, ...] = ()
    decided_at_edge: bool = False
    read_back_at: datetime | None = None
    drift: int = 0
    drift_at: datetime | None = None
    strays: tuple[str, ...] = ()


def wanted(access_list: AccessList) -> int:
    return sum([not c.blocked for c in access_list.credentials])


def progress(
    report: ListReport, work: Plan, left: int, refused: tuple[CredentialRefusal, ...], ended: Collection[str]
) -> ListReport:
    """What was planned is confirmed, still waits, or is refused; what was written since shows with the read-back.

    `report` names the list, what it wants and the drift; `left`: writes to come; `ended`: revoked since, so held no more.
    A removal waits until it is read back: only then it is known.
    """
    return msgspec.structs.replace(
        report,
        confirmed=_held(work.confirmed, ended) + _held(work.at_edge, ended),
        assumed=_held(work.assumed, ended),
        pending=len(work.removals) + left + max(0, len(work.skipped) - REFUSED_SHOWN),
        foreign=len(work.foreign),
        refused=refused,
    )


def _held(tokens: tuple[str, ...], ended: Collection[str]) -> int:
    return sum([t not in ended for t in tokens]) if ended else len(tokens)


def whole(
    report: ListReport, final: Plan, proved: Collection[str], refused: tuple[CredentialRefusal, ...]
) -> ListReport:
    """After a round: `proved` was read back; what was said yes to and not named in the read-back is only assumed."""
    todo = waiting(final)
    confirmed = sum([t in proved for t in final.confirmed])
    # A refusal that does not fit into the message must not look held.
    unsaid = max(0, len(final.skipped) - REFUSED_SHOWN)
    return msgspec.structs.replace(
        report,
        confirmed=confirmed + len(final.at_edge),
        assumed=len(final.assumed) + len(final.confirmed) - confirmed,
        pending=len(todo) + unsaid,
        foreign=len(final.foreign),
        strays=strays(final.foreign),
        refused=refused,
        pending_tokens=tuple(todo[:PENDING_SHOWN]),
    )


def strays(foreign: Collection[str]) -> tuple[str, ...]:
    """Of entries this box knows nothing of: those that bear a token as hubs make them, in our spelling."""
    return tuple(sorted(t for token in foreign if OF_A_HUB.fullmatch(t := token.casefold())))[:STRAYS_SHOWN]


def with_ended(report: ListReport, tokens: Sequence[str]) -> ListReport:
    """`tokens`: listed, and ended by an order. Of a hub that forgot it (a restored backup) they are wanted and refused here,
    never held; a hub that remembers leaves them out."""
    if not tokens:
        return report
    room = max(0, REFUSED_SHOWN - len(report.refused))
    told = tuple(CredentialRefusal(token, "revoked", "") for token in tokens[:room])
    return msgspec.structs.replace(
        report,
        wanted=report.wanted + len(tokens),
        refused=(*report.refused, *told),
        pending=report.pending + len(tokens) - len(told),
    )


def waiting(plan: Plan) -> list[str]:
    """Tokens whose removal or write has not been done."""
    return [r.token for r in plan.removals] + [u.credential.token for u in plan.upserts]


def without(report: ListReport, final: Plan, token: str) -> tuple[ListReport, Plan]:
    """After a credential was taken off by itself: `report` was made of `final`, neither names it any more."""
    change = msgspec.structs.replace
    if token in final.confirmed:
        left = replace(final, confirmed=_others(final.confirmed, token))
        return change(report, wanted=report.wanted - 1, confirmed=report.confirmed - 1), left
    if token in final.at_edge:
        left = replace(final, at_edge=_others(final.at_edge, token))
        return change(report, wanted=report.wanted - 1, confirmed=report.confirmed - 1), left
    if token in final.assumed:
        left = replace(final, assumed=_others(final.assumed, token))
        return change(report, wanted=report.wanted - 1, assumed=report.assumed - 1), left
    if any(r.token == token for r in report.refused):
        refused = tuple(r for r in report.refused if r.token != token)
        return change(report, wanted=report.wanted - 1, refused=refused), final
    return report, final


def _others(tokens: tuple[str, ...], token: str) -> tuple[str, ...]:
    return tuple([t for t in tokens if t != token])


@dataclass(frozen=True, slots=True)
class _Still:
    condition: str
    detail: str
    clock_wrong: bool
    firmware: str


def still(status: DeviceStatus) -> _Still:
    """What of a status is worth a message."""
    return _Still(status.condition, status.detail, abs(status.clock_offset_s or 0.0) > 10.0, status.firmware)
