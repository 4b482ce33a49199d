"""Enumerations that travel. A value this release does not know keeps its text and reads as `OTHER`."""

from __future__ import annotations

from enum import StrEnum
from typing import Self


class Word(StrEnum):
    """A string enumeration that never refuses a value: the wire grows, and an old hub must still read a new edge."""

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, str):
            return None
        stranger = str.__new__(cls, value)
        stranger._name_ = "OTHER"
        stranger._value_ = value
        return stranger

    @property
    def is_other(self) -> bool:
        """True for a value that this release does not know."""
        return self._name_ == "OTHER"


class IdentifierType(Word):
    """How a person shows a credential. ONVIF Credential service: CredentialIdentifierType."""

    CARD = "card"
    PIN = "pin"
    FACE = "face"
    QR = "qr"
    ID_CARD = "id_card"  # 身份证 read at a terminal


class HolderClass(Word):
    """Why somebody may pass. Only a resident keeps the way in however long an outage lasts."""

    RESIDENT = "resident"
    VISITOR = "visitor"
    STAFF = "staff"
    CONTRACTOR = "contractor"


class AccessOutcome(Word):
    """ONVIF access control: the decision (granted, denied) and the passage (taken, not taken) are different things.

    `GRANTED`: allowed, passage not observed. `TAKEN`: allowed and passage observed.
    """

    GRANTED = "granted"
    TAKEN = "taken"
    NOT_TAKEN = "not_taken"
    DENIED = "denied"


class DenyReason(Word):
    """ONVIF `tns1:AccessControl/Denied` reasons, and what terminals say."""

    UNKNOWN_CREDENTIAL = "unknown_credential"
    NOT_YET_VALID = "not_yet_valid"
    EXPIRED = "expired"
    OUT_OF_SCHEDULE = "out_of_schedule"
    WRONG_ACCESS_POINT = "wrong_access_point"
    BLOCKED = "blocked"
    LOCKED_DOWN = "locked_down"
    NO_LIST = "no_list"  # the edge never received a list for this device
    CLOCK_UNSURE = "clock_unsure"  # no trusted time after a reboot: visitors wait, residents pass
    CODE_EXPIRED = "code_expired"  # a phone's code that is too old: the page shows a new one
    CODE_USED = "code_used"  # a phone's code that opened this door before
    TOO_MANY_TRIES = "too_many_tries"  # at a keypad: PINs wait a while there, every other way goes on
    USED_UP = "used_up"  # a pass with a count has been used as often as it says


class Direction(Word):
    IN = "in"
    OUT = "out"
    UNKNOWN = "unknown"


class DoorState(Word):
    """What a door monitor shows (ONVIF DoorPhysicalState). An observation, never an intent."""

    OPEN = "open"
    CLOSED = "closed"
    UNKNOWN = "unknown"
    FAULT = "fault"


class DoorMode(Word):
    """What a door was told to do (ONVIF DoorMode). An intent, never an observation."""

    LOCKED = "locked"
    UNLOCKED = "unlocked"
    ACCESSED = "accessed"
    BLOCKED = "blocked"
    LOCKED_DOWN = "locked_down"
    LOCKED_OPEN = "locked_open"
    UNKNOWN = "unknown"


class FailMode(Word):
    """What a lock does without power. A door on an escape route is `fail_safe`."""

    FAIL_SAFE = "fail_safe"  # opens (a magnet that loses its current)
    FAIL_SECURE = "fail_secure"  # stays locked (a strike that needs current to open); a key or the handle inside opens


class ModeCause(Word):
    """Why a door is in its mode."""

    COMMAND = "command"
    FIRE = "fire"
    ENDED = "ended"  # the time given with the command is over: back to normal by itself


class FireInput(Word):
    """A board's fire contact. What cannot be read is `UNKNOWN`, never `QUIET`."""

    NONE = "none"  # no contact is wired, or the device has no such input
    QUIET = "quiet"
    FIRE = "fire"
    UNKNOWN = "unknown"


class DoorAlarm(Word):
    """ONVIF DoorAlarmState, plus tamper of the reader or board."""

    NORMAL = "normal"
    FORCED_OPEN = "forced_open"
    HELD_OPEN = "held_open"
    TAMPER = "tamper"


class Quantity(Word):
    WATER = "water"  # m³, cumulative
    ELECTRICITY = "electricity"  # kWh, cumulative


class ObservationState(Word):
    """Whether a device could observe. What no interval covers was not observed."""

    OK = "ok"
    DOWN = "down"
    PROPPED = "propped"  # the door stood open: people pass unseen
    CLOCK = "clock"  # the device's time cannot be trusted


class DeviceCondition(Word):
    """What the edge knows of a device. `UNKNOWN` is not `ONLINE`."""

    ONLINE = "online"
    OFFLINE = "offline"
    FAULT = "fault"
    UNKNOWN = "unknown"


class CommandKind(Word):
    """ONVIF door control: AccessDoor, LockDownDoor, LockOpenDoor, BlockDoor, and their releases."""

    MOMENTARY_ACCESS = "momentary_access"
    LOCK_DOWN = "lock_down"
    LOCK_OPEN = "lock_open"
    BLOCK = "block"
    RELEASE = "release"
    READ_BACK = "read_back"
    SNAPSHOT = "snapshot"


class CommandOutcome(Word):
    DONE = "done"
    REFUSED = "refused"
    EXPIRED = "expired"
    UNREACHABLE = "unreachable"
    UNSUPPORTED = "unsupported"
    UNCERTAIN = "uncertain"  # sent, no answer: a door pulse is never sent twice


class FaceOutcome(Word):
    """What a look at a face said. Never a reason to refuse anybody: whoever shows a valid card passes."""

    SAME = "same"  # 1:1: the holder of what was shown
    DIFFERENT = "different"  # 1:1: somebody else, as far as a picture tells
    KNOWN = "known"  # 1:N: one resident of this estate who agreed to be known by face
    UNKNOWN = "unknown"  # 1:N: nobody of them
    UNSEEN = "unseen"  # no face, too small, or a picture that cannot be shown to be of now


class PictureProof(Word):
    """By what a picture is known to be of now. `NONE`: by nothing, and it is shown as that."""

    DEVICE_TIME = "device_time"  # the device said when it took it, and its clock is measured
    CHANGED = "changed"  # asked twice at once, the answers differ: it is no stored picture
    STREAM = "stream"  # a frame of the running stream, decoded after it was asked for
    ON_DEMAND = "on_demand"  # the answer to a command to take one
    NONE = "none"
