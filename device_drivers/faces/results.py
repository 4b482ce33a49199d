"""What the face engine answers, and its settings. Values only; no embedding of a probe is ever among them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from device_drivers.faces.words import FaceReason, OffReason, face_zh

if TYPE_CHECKING:
    from device_drivers.faces.match import Template


class PictureLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Checked on the file's header, before a decoder sees it. A 12-megapixel telephone picture passes.

    `scans`: a progressive JPEG may repeat its scans thousands of times over (seconds of CPU in a few kilobytes).
    """

    max_bytes: int = 4 << 20
    max_pixels: int = 16_000_000
    max_side: int = 8_000
    scans: int = 100


class EnrolmentLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a photograph for the list must satisfy. Defaults are engineering values, not a standard's.

    `face_px`: shorter side of the face in the picture; below it the 112-pixel crop would be invented pixels.
    `sharpness`: variance of the second difference ÷ variance of the grey 112-pixel crop, in the poorer of the two
    directions (a moved picture is sharp along its movement). Two sharp real faces gave 0.048 and 0.053; blurred by 1
    pixel 0.006 and 0.004, by 1.5 pixels 0.002 and 0.002; moved by 5 pixels 0.004 and 0.003, by 7 pixels 0.002.
    `turn`: nose off the middle of the eyes, in eye distances (0.25 is about 25°); `nod`: the nose's place between
    eyes and mouth (0.49 when frontal), as distance from that; `roll`: degrees.
    `dark`, `bright`: mean grey 0..255 of the crop, low enough for dark skin; `contrast`: its standard deviation;
    `uneven`: difference of the two halves' means.
    """

    face_px: float = 112.0
    sharpness: float = 0.003
    turn: float = 0.25
    nod: float = 0.20
    roll: float = 20.0
    dark: float = 40.0
    bright: float = 215.0
    contrast: float = 15.0
    uneven: float = 90.0


class FaceSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`same`: cosine from which two pictures are one person; `margin`: lead of the best over the second in 1:N.

    Both depend on the pack and are the operator's to set from its data sheet; the defaults lean to refusing.
    `probe_px`: smallest face that is compared at a gate. `threads`: of each model, pinned. `waiting`: pictures in line.
    """

    same: float = 0.45
    margin: float = 0.05
    probe_px: float = 60.0
    detection: float = 0.6
    detection_side: int = 640
    threads: int = 1
    waiting: int = 8
    picture: PictureLimits = PictureLimits()
    enrolment: EnrolmentLimits = EnrolmentLimits()


@dataclass(frozen=True, slots=True)
class FaceState:
    """For the device page. `model` names the pack, `licence` is the first line of its note."""

    on: bool
    reason: OffReason | None = None
    text: str = ""
    model: str = ""
    licence: str = ""

    @property
    def zh(self) -> str:
        return face_zh(self.reason) if self.reason else f"人脸识别已启用（模型 {self.model}）"


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A photograph's check. `template` where `ok`; `reasons` otherwise, the most important first."""

    reasons: tuple[FaceReason, ...] = ()
    template: Template | None = None
    measures: dict[str, float] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        return self.template is not None

    @property
    def zh(self) -> str:
        return "".join(face_zh(r) for r in self.reasons) or "照片合格。"


@dataclass(frozen=True, slots=True)
class Verification:
    """1:1. `score` is a cosine, None where no face could be compared (`why`)."""

    same: bool
    score: float | None = None
    why: FaceReason | None = None


@dataclass(frozen=True, slots=True)
class Identification:
    """1:N. `token` of the one credential that is clearly the nearest, else None. `ambiguous`: two are equally near."""

    token: str | None = None
    score: float | None = None
    ambiguous: bool = False
    why: FaceReason | None = None
