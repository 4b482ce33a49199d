"""The shapes of one dwelling's page: household, credentials, absences, meters (times aware UTC)."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from pydantic import BaseModel


class TenancyItem(BaseModel):
    id: str
    source_id: str
    state: str
    from_date: date
    to_date: date | None
    handover_at: date | None
    expected_members: int | None
    end_decision: dict[str, Any] | None


class IdentifierItem(BaseModel):
    type: str
    masked: str


class DeviceHolding(BaseModel):
    device_id: str
    device_name: str
    state: str
    since: datetime | None
    code: str
    message_zh: str
    message_en: str


class CredentialItem(BaseModel):
    token: str
    label: str
    state: str
    ended_because: str
    identifiers: list[IdentifierItem]
    devices: list[DeviceHolding]
    devices_total: int
    devices_confirmed: int


class MemberItem(BaseModel):
    """`name` is masked."""

    member_id: str
    person_id: str
    name: str
    relation: str
    relation_zh: str
    id_last4: str
    from_date: date
    to_date: date | None
    consents: dict[str, bool]
    credentials: list[CredentialItem]


class AbsenceItem(BaseModel):
    id: str
    from_date: date
    to_date: date | None
    reason: str
    declared_on: date


class MeterItem(BaseModel):
    id: str
    quantity: str
    last_value: float | None
    last_at: datetime | None
    ok: bool


class OpenCase(BaseModel):
    id: str
    number: str
    kind: str
    stage: str
    state: str


class DwellingDetail(BaseModel):
    id: str
    code: str
    estate_id: str
    block_id: str
    block_name: str
    floor: int
    number: str
    rooms: int | None
    status: str
    tenancy: TenancyItem | None
    household: list[MemberItem]
    absences: list[AbsenceItem]
    meters: list[MeterItem]
    open_case: OpenCase | None


class RevealRequest(BaseModel):
    dwelling_id: str
    reason_code: str
    reason: str


class RevealedMember(BaseModel):
    member_id: str
    name: str
    id_last4: str
    birth_date: date | None
    cards: list[str]


class RevealItem(BaseModel):
    """Unmasked for 60 s: the console forgets it then; every look is a new reveal with its own audit row."""

    id: str
    expires_at: datetime
    household: list[RevealedMember]
