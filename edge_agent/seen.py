"""What a device holds as far as this box knows, and what of it is not as the box left it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from device_drivers.contract.device import DeviceInventory, HeldCredential
from device_drivers.plan import Part

OTHER = "other"  # the fingerprint of an entry that was read back and is not what was written
GRACE = timedelta(minutes=2)  # a terminal whose clock runs ahead deletes what is about to end


@dataclass(slots=True)
class Seen:
    """`proved` was read from the device, the rest of `held` is what it said yes to. `applied`: as this box left it; `once`:
    what it took off not long ago.

    `held` and `applied` are kept up to date while the round writes.
    """

    held: dict[str, str | None]
    proved: frozenset[str]
    applied: dict[str, str]
    read_at: datetime | None
    complete: bool
    once: frozenset[str] = frozenset()

    def inventory(self, now: datetime) -> DeviceInventory:
        held = tuple([HeldCredential(t, f) for t, f in self.held.items()])
        return DeviceInventory(held, self.read_at or now)


def unread(applied: dict[str, str]) -> Seen:
    """A device that cannot be read: what it said yes to, and what was begun and not answered, for that must go as well."""
    return Seen({t: f or None for t, f in applied.items()}, frozenset(), applied, None, False)


def read(
    inventory: DeviceInventory, applied: dict[str, str], taken: Collection[str], once: frozenset[str] = frozenset()
) -> Seen:
    """`taken`: taken off while it was read. Tokens are spelled as we wrote them, whatever the device made of their case."""
    spelled: dict[str, str] | None = None
    held: dict[str, str | None] = {}
    for one in inventory.held:
        token = one.token
        if token not in applied:
            if spelled is None:
                spelled = {t.casefold(): t for t in (*once, *applied)}
            token = spelled.get(token.casefold(), token)
        if token not in taken:
            held[token] = one.fingerprint
    proved = frozenset(held)
    if not inventory.complete:  # what it did not name may still be there
        held |= dict.fromkeys(t for t, f in applied.items() if f and t not in held and t not in taken)
    return Seen(held, proved, applied, inventory.read_at, inventory.complete, once)


def emptied(seen: Seen) -> bool:
    """Nothing of ours stands in it any more: another device in its place, or one that begins anew."""
    ours = [t for t, f in seen.applied.items() if f]
    return seen.complete and bool(ours) and not any(t in seen.held for t in ours)


def off(
    seen: Seen, listed: Mapping[str, Part], ours: Collection[str], wanted: Collection[str], now: datetime
) -> set[str]:
    """Missing, changed, or ours and back again. Not: what ended and deleted itself, what nobody wants any more, foreign ones.

    `ours`: tokens of our last lists; `wanted`: of them, who should be there now. A box that has forgotten everything cannot
    tell drift from its own writes.
    """
    found = {t for t, f in seen.held.items() if f is not None and seen.applied.get(t, f) not in ("", f)}
    if seen.complete:
        gone = (t for t, f in seen.applied.items() if f and t not in seen.held and t in wanted)
        found |= {t for t in gone if not _self_deleted(listed.get(t), now)}
    if seen.applied:
        found |= {t for t in seen.held if t not in seen.applied and t in ours and t not in wanted}
    return found


def _self_deleted(part: Part | None, now: datetime) -> bool:
    if part is None:
        return False
    end = part.listed.validity.not_after
    return part.listed.uses is not None or (end is not None and end <= now + GRACE)


def stale(seen: Seen, wanted: Iterable[str]) -> list[str]:
    """Remembered as written, and neither held nor wanted any more: nothing is left to remember."""
    if not seen.complete:
        return []
    return list(seen.applied.keys() - seen.held.keys() - set(wanted))
