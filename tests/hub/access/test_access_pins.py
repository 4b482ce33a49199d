"""A PIN is nobody's card number: some keypads send what was typed as a card's number, and one must not open as the other."""

from __future__ import annotations

import secrets

import pytest
from access_site import Setup, change
from sqlalchemy import select

from hub.access import numbers, publish
from hub.services import Hub
from hub.tables import CredentialIdentifierRow


def test_a_pin_is_never_the_number_of_a_card(sqlite_hub: Hub, estate: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    hub = sqlite_hub
    estate(hub)
    publish.publish(hub)

    def seven_digits(session: object) -> None:
        query = select(CredentialIdentifierRow).where(CredentialIdentifierRow.type == "card")
        session.scalars(query).first().value = "1234567"  # type: ignore[attr-defined]

    change(hub, seven_digits)
    drawn = iter([234_567, 7_654_321 - 1_000_000])
    monkeypatch.setattr(secrets, "randbelow", lambda _most: next(drawn))
    with hub.db.reading() as session:
        assert numbers.new_pin(session, hub.keys, "E001").shown == "7654321", "the first one drawn is a card's"
