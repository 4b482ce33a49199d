"""What the hub is told of a device's list, made from a plan. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import msgspec

from device_drivers.contract.messages import CredentialRefusal
from device_drivers.plan import Plan


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


def without(report: ListReport, final: Plan, token: str) -> tuple[ListReport, Plan]:
    """After a credential was taken off by itself: `report` was made of `final`, neither names it any more."""
    change = msgspec.structs.replace
    if token in final.confirmed:
        kept = tuple(t for t in final.confirmed if t != token)
        return change(report, wanted=report.wanted - 1, confirmed=report.confirmed - 1), replace(final, confirmed=kept)
    if token in final.at_edge:
        kept = tuple(t for t in final.at_edge if t != token)
        return change(report, wanted=report.wanted - 1, confirmed=report.confirmed - 1), replace(final, at_edge=kept)
    if token in final.assumed:
        kept = tuple(t for t in final.assumed if t != token)
        return change(report, wanted=report.wanted - 1, assumed=report.assumed - 1), replace(final, assumed=kept)
    if any(r.token == token for r in report.refused):
        refused = tuple(r for r in report.refused if r.token != token)
        return change(report, wanted=report.wanted - 1, refused=refused), final
    return report, final
