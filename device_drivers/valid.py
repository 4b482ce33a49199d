"""What of a list is in force at one moment, and when that changes by itself. Pure.

A device with `validity_dates` gets an entry ahead of its begin, with its dates; any other one when it begins. What is over
goes from every device on time, link or no link: a terminal deletes it at the next recognition at best.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

import msgspec

from device_drivers.contract.access import AccessList, Credential, ValidityPeriod
from device_drivers.contract.words import HolderClass

ALWAYS = ValidityPeriod()


def in_force(
    desired: AccessList, as_of: datetime, *, dates: bool, clock_trusted: bool = True, ended: Collection[str] = ()
) -> AccessList:
    """The list without what is over, has not begun (where the device keeps no dates) or is among `ended` (revoked).

    Without a trusted clock `as_of` is a lower bound: what is over is over, and a resident does not wait for a begin.
    """

    def now(credential: Credential) -> bool:
        validity = credential.validity
        if validity.not_after is not None and validity.not_after <= as_of:
            return False
        return dates or validity.not_before is None or _begun(credential, as_of, clock_trusted)

    left = tuple([c for c in desired.credentials if c.token not in ended and (c.validity == ALWAYS or now(c))])
    if len(left) == len(desired.credentials):
        return desired
    return msgspec.structs.replace(desired, credentials=left)


def _begun(credential: Credential, as_of: datetime, clock_trusted: bool) -> bool:
    begin = credential.validity.not_before
    if begin is None or begin <= as_of:
        return True
    return not clock_trusted and credential.holder_class is HolderClass.RESIDENT


def lasting(credential: Credential, as_of: datetime, *, clock_trusted: bool = True) -> Credential:
    """As it is written: a resident whose right has begun has no dates, so that no wrong clock locks anybody out."""
    open_end = credential.validity.not_after is None and credential.validity.not_before is not None
    if open_end and credential.holder_class is HolderClass.RESIDENT and _begun(credential, as_of, clock_trusted):
        return msgspec.structs.replace(credential, validity=ALWAYS)
    return credential


def over_at(credentials: Iterable[Credential], as_of: datetime) -> list[str]:
    """Tokens of entries that have ended, and are not blocked anyway."""
    return [
        c.token
        for c in credentials
        if c.validity.not_after is not None and c.validity.not_after <= as_of and not c.blocked
    ]


def next_change(credentials: Iterable[Credential], as_of: datetime, *, dates: bool) -> datetime | None:
    """The next end, and where the device keeps no dates the next begin, after `as_of`; None when nothing will change."""
    coming: datetime | None = None
    for credential in credentials:
        validity = credential.validity
        for at in (validity.not_after, None if dates else validity.not_before):
            if at is not None and at > as_of and (coming is None or at < coming):
                coming = at
    return coming
