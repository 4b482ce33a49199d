"""Every table of the hub. Times are aware UTC; ids are text; money and documents are the lease system's, not ours.

Ids of places and devices imported from an installer's hand-over are `{estate code}.{code}`; others are `{prefix}-{random}`.
"""

from __future__ import annotations

from hub.tables.access import (
    AccessChange,
    AccessPass,
    CredentialIdentifierRow,
    CredentialRow,
    HeldAction,
    PassLink,
    RoleAssignment,
    StaffRole,
)
from hub.tables.base import LARGE, Base, UtcDateTime
from hub.tables.cases import CaseEntry, CaseFile, DeviceReview, Finding
from hub.tables.commands import CommandOrder, CommandRow
from hub.tables.devices import Coverage, Device, Edge, EnrolmentToken, Meter
from hub.tables.estate import AccessPoint, Block, Door, DoorDoubt, Dwelling, Estate, PointService, ScheduleRow
from hub.tables.events import DeadLetter, EventRow, FaceLook, IngestCursor, Snapshot
from hub.tables.house import AuditRow, ClockState, HubKey, JobRun, RetentionRun
from hub.tables.lease import InboundDecision, LifeFactRow, OutboxMessage
from hub.tables.lists import AccessMoved, AccessSweep, DesiredEntry, DesiredList, ReportedList, Revocation
from hub.tables.occupancy import (
    AskingWeek,
    DirtyDay,
    DoorDay,
    DwellingMemory,
    MeterDay,
    OutsideSign,
    PassDay,
    PolicyTrial,
    PresenceDay,
    RecognitionDay,
)
from hub.tables.tenancy import (
    Absence,
    Consent,
    HouseholdLoss,
    HouseholdMember,
    Person,
    PersonLink,
    SourceRow,
    SourceState,
    Tenancy,
)
from hub.tables.users import ApiKey, HubUser, Reveal, SignInLink, UserEstate, UserSession
from hub.tables.welfare import CareCall, CareWatch

__all__ = [
    "LARGE",
    "Absence",
    "AccessChange",
    "AccessMoved",
    "AccessPass",
    "AccessPoint",
    "AccessSweep",
    "ApiKey",
    "AskingWeek",
    "AuditRow",
    "Base",
    "Block",
    "CareCall",
    "CareWatch",
    "CaseEntry",
    "CaseFile",
    "ClockState",
    "CommandOrder",
    "CommandRow",
    "Consent",
    "Coverage",
    "CredentialIdentifierRow",
    "CredentialRow",
    "DeadLetter",
    "DesiredEntry",
    "DesiredList",
    "Device",
    "DeviceReview",
    "DirtyDay",
    "Door",
    "DoorDay",
    "DoorDoubt",
    "Dwelling",
    "DwellingMemory",
    "Edge",
    "EnrolmentToken",
    "Estate",
    "EventRow",
    "FaceLook",
    "Finding",
    "HeldAction",
    "HouseholdLoss",
    "HouseholdMember",
    "HubKey",
    "HubUser",
    "InboundDecision",
    "IngestCursor",
    "JobRun",
    "LifeFactRow",
    "Meter",
    "MeterDay",
    "OutboxMessage",
    "OutsideSign",
    "PassDay",
    "PassLink",
    "Person",
    "PersonLink",
    "PointService",
    "PolicyTrial",
    "PresenceDay",
    "RecognitionDay",
    "ReportedList",
    "RetentionRun",
    "Reveal",
    "Revocation",
    "RoleAssignment",
    "ScheduleRow",
    "SignInLink",
    "Snapshot",
    "SourceRow",
    "SourceState",
    "StaffRole",
    "Tenancy",
    "UserEstate",
    "UserSession",
    "UtcDateTime",
]
