"""What somebody got who took back the consent to his face and had no other way in (`hub.access.other_way` makes it)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class OtherWay:
    """`tenancy`, `person`: as their source numbers them. `secret`: of the phone's link, to be shown once; empty where it has
    one already. `warnings`: doors on the way home that no phone opens."""

    tenancy: str
    person: str
    secret: str
    warnings: tuple[str, ...] = ()


def phone_link(public_url: str | None, secret: str) -> str:
    """As a person opens it: the secret stands behind `#`, where no server logs it. Empty without a secret."""
    return f"{public_url or ''}/pass#{secret}" if secret else ""
