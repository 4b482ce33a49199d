"""The shapes of the estate's answers (times aware UTC)."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from pydantic import BaseModel, Field


class EstateItem(BaseModel):
    id: str
    code: str
    name: str
    time_zone: str


class EstateRow(EstateItem):
    dwellings: int
    blocks: int


class EstateList(BaseModel):
    items: list[EstateRow]


class Counts(BaseModel):
    dwellings: int
    occupied: int
    vacant: int
    allocated: int
    suspected: int
    unknown: int
    repair: int


class Conditions(BaseModel):
    online: int
    offline: int
    fault: int
    unknown: int


class EdgeItem(BaseModel):
    """`certificate_until`: when the box's certificate ends unless it is renewed; null: not known (enrolled by an older hub).
    `clock_trusted`, `disk_writes`: as the box last said."""

    id: str
    name: str
    online: bool
    state_since: datetime | None
    last_seen_at: datetime | None
    backlog: int
    certificate_until: datetime | None
    clock_trusted: bool
    disk_writes: bool


class SyncCounts(BaseModel):
    devices_in_step: int
    devices_total: int
    oldest_unconfirmed_removal_at: datetime | None


class Summary(BaseModel):
    """`open_cases` is null for those who may not see cases."""

    estate: EstateItem
    counts: Counts
    passes_today: int
    passes_last_hour: int
    doors_open: int
    door_alarms: int
    devices: Conditions
    edges: list[EdgeItem]
    sync: SyncCounts
    open_cases: int | None
    as_of: datetime


class DwellingCell(BaseModel):
    id: str
    code: str
    floor: int
    number: str
    status: str
    case_stage: str | None
    last_pass_day: date | None


class BlockItem(BaseModel):
    id: str
    code: str
    name: str
    floors: int
    dwellings_per_floor: int
    dwellings: list[DwellingCell]


class StatusCount(BaseModel):
    status: str
    count: int


class BlockTable(BaseModel):
    """楼盘表."""

    blocks: list[BlockItem]
    legend: list[StatusCount]


class AccessPointItem(BaseModel):
    """`in_service_since`, `in_service_until`: first and last local day on which people pass here; null: always, still.
    `unwatched`: people pass and the device that saw them is gone: its days count as not observed."""

    id: str
    code: str
    name: str
    side: str
    device_id: str | None
    device_name: str | None
    camera_id: str | None
    identifiers_accepted: list[str]
    necessity: str
    in_service_since: date | None
    in_service_until: date | None
    unwatched: bool


class LawItem(BaseModel):
    """What the law says to a set-up. `refused`: it must not be; otherwise a point that somebody has to settle."""

    code: str
    refused: bool
    text_zh: str


class EstateLawItem(LawItem):
    """`door`: its name, empty for the estate as a whole."""

    door: str


class EstateLaw(BaseModel):
    """`faces`: people of all estates with a face enrolled. `new_faces`: whether more may be."""

    items: list[EstateLawItem]
    faces: int
    new_faces: bool


class DoorItem(BaseModel):
    """`mode`: what its devices report they were told (`normal`, locked_down, locked_open, blocked; `unknown`: they cannot say).

    `commands`: what can be ordered at it now; `law`: what is open or wrong with its set-up; `hours`, `hours_en`: of an
    amenity, in words.
    """

    id: str
    code: str
    name: str
    scope: str
    block_id: str | None
    fail_mode: str
    escape_route: bool
    egress: str
    fire_release: str
    state: str
    alarm: str
    state_at: datetime | None
    known: bool
    mode: str
    mode_since: datetime | None
    mode_until: datetime | None
    mode_by: str
    mode_reason: str
    mode_cause: str
    commands: list[str]
    law: list[LawItem]
    schedule_id: str | None = None
    hours: str = ""
    hours_en: str = ""
    access_points: list[AccessPointItem]


class DoorList(BaseModel):
    items: list[DoorItem]


class ListState(BaseModel):
    """Wanted and held, side by side. `state`: in_step, pending, behind, refusals, unknown."""

    wanted_generation: int
    held_generation: int
    wanted: int
    confirmed: int
    assumed: int
    pending: int
    refused: int
    foreign: int
    decided_at_edge: bool
    read_back_at: datetime | None
    reported_at: datetime | None
    state: str


class DeviceItem(BaseModel):
    """`detail`: how it is, as the box or the device said it; `detail_zh`, `detail_en`: the words to show."""

    id: str
    code: str
    name: str
    kind: str
    edge_id: str
    edge_online: bool
    in_service: bool
    condition: str
    condition_since: datetime | None
    last_seen_at: datetime | None
    clock_offset_s: float | None
    model: str
    model_en: str
    firmware: str
    detail: str
    detail_zh: str
    detail_en: str
    root_cause: str | None
    list: ListState | None


class DeviceList(BaseModel):
    items: list[DeviceItem]


class Refusal(BaseModel):
    token: str
    label: str
    dwelling_id: str | None
    dwelling_number: str | None
    code: str
    message_zh: str
    message_en: str
    text: str
    text_en: str


class CoverageItem(BaseModel):
    """`reason`: a code, or as the box or the device said it; `reason_zh`, `reason_en`: the words to show."""

    state: str
    reason: str
    reason_zh: str
    reason_en: str
    from_at: datetime
    to_at: datetime | None


class DeviceDetail(DeviceItem):
    access_points: list[AccessPointItem]
    refusals: list[Refusal]
    coverage: list[CoverageItem]
    unreadable_count: int
    config: dict[str, Any]
    meters: int


class CommandRequest(BaseModel):
    """`key`: one a click, of the client's making: the same key again is the same command."""

    kind: str
    access_point_id: str | None = None
    reason: str
    key: str = Field(default="", max_length=80)


class Created(BaseModel):
    id: str


class CommandItem(BaseModel):
    """`outcome_text`: in the edge box's words (zh-CN); `outcome_text_en` where the phrase book knows them."""

    id: str
    kind: str
    device_id: str
    access_point_id: str | None
    door_id: str | None
    order_id: str | None
    actor: str
    reason: str
    issued_at: datetime
    expires_at: datetime
    outcome: str | None
    outcome_text: str
    outcome_text_en: str
    outcome_at: datetime | None


class PolicyChange(BaseModel):
    """`snapshot_days`: pictures are deleted when they are this old (7 without a word).

    `pia_id`: the impact assessment without which face enrolment is not switched on; `face_filing`: the number of the filing
    with the provincial authority. `mode_default_s`, `mode_max_s`: how long a door's lock-down or lock-open lasts, in seconds.
    `stranger_picture_hours`: how long a picture of somebody unknown may lie on the edge's box, where the law allows any.
    `face_checks`: a face beside a shown card is compared with its holder's; `face_requests`: who presses the button at a
    camera is looked for among those who agreed. Both only state facts.
    """

    snapshots: bool | None = None
    snapshot_days: int | None = Field(default=None, ge=1, le=30)
    policy_pack: str | None = None
    face_enrolment: bool | None = None
    pia_id: str | None = Field(default=None, max_length=100)
    face_filing: str | None = Field(default=None, max_length=100)
    mode_default_s: int | None = Field(default=None, ge=60, le=86_400)
    mode_max_s: int | None = Field(default=None, ge=60, le=86_400)
    stranger_picture_hours: int | None = Field(default=None, ge=0, le=72)
    face_checks: bool | None = None
    face_requests: bool | None = None
    reason: str


class PolicyItem(BaseModel):
    policy: dict[str, Any]
    policy_pack: str
