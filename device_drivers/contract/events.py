"""What happened at a device. Every event keeps the device's own time, the edge's receive time and the offset between."""

from __future__ import annotations

from datetime import datetime

import msgspec

from device_drivers.contract.words import (
    AccessOutcome,
    DenyReason,
    Direction,
    DoorAlarm,
    DoorMode,
    DoorState,
    FaceOutcome,
    IdentifierType,
    ModeCause,
    ObservationState,
    PictureProof,
    Quantity,
)


class EventId(msgspec.Struct, frozen=True, order=True):
    """An event's place in an edge's journal. `epoch` changes when the journal file is new (a lost disk)."""

    epoch: str
    seq: int


class AccessEvent(msgspec.Struct, frozen=True, tag="access", omit_defaults=True, gc=False):
    """A decision at an access point. `credential` is the hub's token; None when the holder is not known.

    A driver names the device's own `point`; the edge replaces it by the `access_point` id. `record` is the device's own
    record number, kept for de-duplication. `snapshot` is the SHA-256 of a picture kept by policy only.
    """

    outcome: AccessOutcome
    point: str = ""
    access_point: str = ""
    credential: str | None = None
    identifier: IdentifierType | None = None
    reason: DenyReason | None = None
    direction: Direction = Direction.UNKNOWN
    record: str = ""
    similarity: float | None = None
    text: str = ""


class DoorEvent(msgspec.Struct, frozen=True, tag="door", omit_defaults=True, gc=False):
    """A door's observed state, its intent where it is known, and an alarm. Egress (REX) is `request_to_exit`.

    `mode_cause` and `mode_until` stand on the event that tells a change of the mode.
    """

    state: DoorState = DoorState.UNKNOWN
    alarm: DoorAlarm = DoorAlarm.NORMAL
    mode: DoorMode = DoorMode.UNKNOWN
    point: str = ""
    access_point: str = ""
    request_to_exit: bool = False
    text: str = ""
    mode_cause: ModeCause | None = None
    mode_until: datetime | None = None


class MeterReading(msgspec.Struct, frozen=True, tag="meter", omit_defaults=True, gc=False):
    """A cumulative reading, m³ or kWh. `ok` is False where the meter reports a fault: never an absence of use."""

    quantity: Quantity
    value: float | None
    point: str = ""
    meter: str = ""
    ok: bool = True
    text: str = ""


class CameraEvent(msgspec.Struct, frozen=True, tag="camera", omit_defaults=True, gc=False):
    """An ONVIF event: topic as sent, property operation, source and data items as text."""

    topic: str
    operation: str = ""
    source: dict[str, str] = {}
    data: dict[str, str] = {}
    point: str = ""
    access_point: str = ""


class SnapshotTaken(msgspec.Struct, frozen=True, tag="snapshot", omit_defaults=True, gc=False):
    """A picture for the access event `of_seq` of the same epoch, kept because the estate's policy allows it.

    `taken_at`: when it was taken, by the edge's clock (a device's own time is corrected by its measured offset); `proof`: how
    that is known.
    """

    sha256: str
    size: int
    access_point: str = ""
    of_seq: int | None = None
    camera: str = ""
    taken_at: datetime | None = None
    proof: PictureProof = PictureProof.NONE


class FaceCheck(msgspec.Struct, frozen=True, tag="face_check", omit_defaults=True, gc=False):
    """What the box saw when somebody asked to be seen: a fact beside the event `of_seq` of the same epoch, decides nothing.

    `credential`: of the 1:1 check the one that was shown, of a 1:N search the one that was found. The picture is not kept.
    """

    outcome: FaceOutcome
    access_point: str = ""
    of_seq: int | None = None
    camera: str = ""
    credential: str | None = None
    taken_at: datetime | None = None
    proof: PictureProof = PictureProof.NONE
    text: str = ""


class ObservationChanged(msgspec.Struct, frozen=True, tag="observation", omit_defaults=True, gc=False):
    """From the event's device time on, the device could (`ok`) or could not observe. Missing data is never absence."""

    state: ObservationState
    reason: str = ""
    point: str = ""


class EdgeNote(msgspec.Struct, frozen=True, tag="edge", omit_defaults=True, gc=False):
    """Something the edge says of itself: `started`, `gap`, `clock_jump`, `conflict`, `disk`, `break_glass` …"""

    what: str
    text: str = ""


class Unreadable(msgspec.Struct, frozen=True, tag="unreadable", omit_defaults=True, gc=False):
    """A device's message that could not be read: kept raw (cut to 4 KiB), counted, shown on the device's page."""

    channel: str
    raw: str
    error: str = ""


EventBody = (
    AccessEvent
    | DoorEvent
    | MeterReading
    | CameraEvent
    | SnapshotTaken
    | ObservationChanged
    | EdgeNote
    | Unreadable
    | FaceCheck
)


class Event(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """One line of an edge's journal.

    `device_at`: the device's own time, aware; None where it has none. `received_at`: the edge's clock. `clock_offset_s`:
    device minus edge in seconds, None where it could not be measured. `late`: replayed or imported, not seen live.
    """

    seq: int
    device: str
    received_at: datetime
    body: EventBody
    device_at: datetime | None = None
    clock_offset_s: float | None = None
    late: bool = False

    @property
    def at(self) -> datetime:
        """The best time we have for it: the device's, else the edge's."""
        return self.device_at or self.received_at
