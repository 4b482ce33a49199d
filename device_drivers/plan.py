"""Desired × actual × capabilities → operations, and what was skipped and why. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from device_drivers.contract.access import AccessList, Credential, credential_fingerprint
from device_drivers.contract.device import Capabilities, DeviceInventory
from device_drivers.contract.words import IdentifierType
from device_drivers.driver import Remove, Upsert


@dataclass(frozen=True, slots=True)
class Plan:
    """Removals come first: a revocation jumps every queue. `skipped` is (token, reason)."""

    removals: tuple[Remove, ...]
    upserts: tuple[Upsert, ...]
    confirmed: tuple[str, ...]
    assumed: tuple[str, ...]
    skipped: tuple[tuple[str, str], ...]
    foreign: tuple[str, ...]

    @property
    def in_step(self) -> bool:
        return not self.removals and not self.upserts


def plan(
    desired: AccessList,
    actual: DeviceInventory,
    applied: Mapping[str, str],
    capabilities: Capabilities,
    *,
    remove_foreign: bool = False,
    refused: Mapping[str, str] | None = None,
) -> Plan:
    """`applied`: token → fingerprint last written with the device's yes; `refused`: token → fingerprint it refused.

    A token that we never wrote and do not want is foreign: it is left alone unless a person chose `remove_foreign`.
    A refused credential is tried again only when it changed.
    """
    wanted = {c.token: (c, credential_fingerprint(c, desired)) for c in desired.credentials if not c.blocked}
    # Terminals may change the case of the ids they keep; the plan speaks of them as we wrote them.
    spelled = {token.casefold(): token for token in (*applied, *wanted)}
    held = {spelled.get(h.token.casefold(), h.token): h.fingerprint for h in actual.held}
    skipped = {token: why for token, (c, _) in wanted.items() if (why := _unsupported(c, capabilities))}
    refused = refused or {}
    removals: list[Remove] = []
    foreign: list[str] = []
    for token in sorted(held):
        if token in wanted and token not in skipped:
            continue
        ours = token in applied
        if ours or remove_foreign:
            removals.append(Remove(token, foreign=not ours))
        else:
            foreign.append(token)
    upserts: list[Upsert] = []
    confirmed: list[str] = []
    assumed: list[str] = []
    for token, (credential, fingerprint) in sorted(wanted.items()):
        if token in skipped:
            continue
        if token in held and fingerprint == (held[token] or applied.get(token)):
            (confirmed if capabilities.reads_back else assumed).append(token)
        elif refused.get(token) == fingerprint:
            skipped[token] = "refused before, unchanged"
        else:
            upserts.append(Upsert(credential, fingerprint))
    return Plan(
        tuple(removals),
        tuple(upserts),
        tuple(confirmed),
        tuple(assumed),
        tuple(sorted(skipped.items())),
        tuple(foreign),
    )


def _unsupported(credential: Credential, capabilities: Capabilities) -> str:
    types = {i.type for i in credential.identifiers}
    usable = (capabilities.photos and IdentifierType.FACE in types) or (
        capabilities.cards and IdentifierType.CARD in types
    )
    return "" if usable else f"no identifier this device can hold (has {', '.join(sorted(types)) or 'none'})"
