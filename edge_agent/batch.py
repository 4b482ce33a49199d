"""One batch of a device's work: what of it may still be written when its turn comes, and what its results mean."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from device_drivers.contract.access import AccessList, Credential
from device_drivers.contract.device import Capabilities
from device_drivers.contract.words import IdentifierType
from device_drivers.driver import Applied, CredentialRefused, Operation, Remove, Upsert
from device_drivers.plan import without
from device_drivers.valid import lasting
from edge_agent import refusals
from edge_agent.state import Refusal


def ready(
    batch: Sequence[Operation], revoked: Collection[str], owed: Collection[str], now: datetime, *, clock_trusted: bool
) -> tuple[Operation, ...]:
    """Without what was revoked since it was planned (`owed`: removals that another has in hand), with ends of validity."""
    found: list[Operation] = []
    for one in batch:
        if isinstance(one, Remove):
            if one.token not in owed:
                found.append(one)
        elif one.credential.token not in revoked:
            written = lasting(one.credential, now, clock_trusted=clock_trusted)
            found.append(one if written is one.credential else one.of(written))
    return tuple(found)


def without_refused(
    results: Sequence[Applied],
    wanted: AccessList,
    listed: Mapping[str, Credential],
    stands: Mapping[str, str],
    capabilities: Capabilities,
) -> tuple[Operation, ...]:
    """Cards of those whose photo was refused, at once: nobody stands outside because of a picture; and faces of those whose card
    was. Who has nothing else loses the older entry, which opens by what is not wanted any more.

    `listed`: the entries as they are on the list; `stands`: token → fingerprint of what the device has already.
    """
    found: list[Operation] = []
    for result in results:
        operation = result.operation
        error = result.error
        if not isinstance(operation, Upsert) or operation.partial or not (error and (error.of_photo or error.of_card)):
            continue
        token = operation.credential.token
        what = IdentifierType.FACE if error.of_photo else IdentifierType.CARD
        rest = without(what, listed.get(token, operation.credential), wanted, capabilities)
        if rest is None and token in stands:
            found.append(Remove(token, outdated=True))
        elif rest and stands.get(token) != rest.fingerprint:
            found.append(rest)
    return tuple(found)


@dataclass(slots=True)
class Settled:
    """What a batch did. `partial`: tokens of which the refused photo stays remembered. `retry`: what did not work and is
    tried again; `failed`: tokens that were not written.
    """

    written: dict[str, Applied] = field(default_factory=dict)
    fingerprints: dict[str, str] = field(default_factory=dict)
    removed: list[str] = field(default_factory=list)
    refused: dict[str, Refusal] = field(default_factory=dict)
    partial: set[str] = field(default_factory=set)
    failed: set[str] = field(default_factory=set)
    retry: list[CredentialRefused] = field(default_factory=list)

    @property
    def contents(self) -> dict[str, str]:
        return {token: result.content for token, result in self.written.items()}


def needs_before(results: Sequence[Applied]) -> bool:
    """Whether what was refused before has to be known: of a photo that is refused and whose card is too."""
    return any(isinstance(r.operation, Upsert) and r.operation.partial and r.error for r in results)


def settled(results: Sequence[Applied], before: Mapping[str, Refusal]) -> Settled:
    found = Settled()
    for result in results:
        operation, error = result.operation, result.error
        if isinstance(operation, Remove):
            if error is None:
                found.removed.append(operation.token)
                found.partial |= {operation.token} if operation.outdated else set()
            else:
                found.retry.append(error)
            continue
        token = operation.credential.token
        if error is None:
            found.written[token], found.fingerprints[token] = result, operation.fingerprint
            found.partial |= {token} if operation.partial else set()
            continue
        found.failed.add(token)
        if error.retry:
            found.retry.append(error)
        else:
            found.refused[token] = refusals.remember(operation, error, before.get(token))
    return found
