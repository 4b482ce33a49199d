"""Whether a photograph will do for the list: one face, large, whole, frontal, well lit, sharp."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from device_drivers.faces.picture import open_cv
from device_drivers.faces.results import EnrolmentLimits
from device_drivers.faces.words import FaceReason

FRONTAL_NOSE = 0.49  # the nose between eyes (0) and mouth (1) in the ArcFace alignment template
CROP = 112


@dataclass(frozen=True, slots=True, eq=False)
class DetectedFace:
    """`box`: left, top, right, bottom. `points` (5, 2): left eye, right eye, nose, left and right corner of the mouth.

    Pixels of the picture, x then y; "left" as seen by the viewer.
    """

    box: tuple[float, float, float, float]
    points: NDArray[np.float32]
    score: float

    @property
    def side(self) -> float:
        """Shorter side, in pixels."""
        left, top, right, bottom = self.box
        return min(right - left, bottom - top)


def pose(points: NDArray[np.float32]) -> dict[str, float] | None:
    """`turn` (eye distances), `nod` (share of eyes-to-mouth), `roll` (degrees). None for points that are no face."""
    left, right, nose, mouth = points[0], points[1], points[2], (points[3] + points[4]) / 2
    across = right - left
    distance = float(np.hypot(*across))
    if not np.isfinite(points).all() or distance < 1.0:
        return None
    along = across / distance
    down = np.array([-along[1], along[0]])  # y grows downwards
    middle = (left + right) / 2
    height = float(np.dot(mouth - middle, down))
    if height < 0.2 * distance:  # the mouth beside or above the eyes
        return None
    return {
        "turn": float(np.dot(nose - middle, along)) / distance,
        "nod": float(np.dot(nose - middle, down)) / height - FRONTAL_NOSE,
        "roll": math.degrees(math.atan2(float(across[1]), float(across[0]))),
    }


def light(image: NDArray[np.uint8], points: NDArray[np.float32]) -> dict[str, float]:
    """Of the aligned grey crop of 112 × 112: `brightness`, `contrast`, `uneven`, `sharpness`."""
    from insightface.utils import face_align

    cv2 = open_cv()
    grey = cv2.cvtColor(face_align.norm_crop(image, points, CROP), cv2.COLOR_BGR2GRAY).astype(np.float32)
    variance = float(grey.var())
    bend = np.array([[1, -2, 1]], np.float32)
    detail = min(float(cv2.filter2D(grey, -1, kernel).var()) for kernel in (bend, bend.T))
    return {
        "brightness": float(grey.mean()),
        "contrast": math.sqrt(variance),
        "uneven": abs(float(grey[:, : CROP // 2].mean()) - float(grey[:, CROP // 2 :].mean())),
        "sharpness": detail / max(variance, 1.0),
    }


def examine(
    image: NDArray[np.uint8], faces: Sequence[DetectedFace], limits: EnrolmentLimits
) -> tuple[tuple[FaceReason, ...], dict[str, float]]:
    """Everything that is wrong, the most important first, and what was measured. No reason: the picture will do."""
    if len(faces) != 1:
        return (FaceReason.MANY_FACES if faces else FaceReason.NO_FACE,), {"faces": float(len(faces))}
    face = faces[0]
    measures = {"face_px": face.side, "score": face.score}
    angles = pose(face.points)
    if angles is None:
        return (FaceReason.POSE,), measures
    measures |= angles
    measures |= light(image, face.points)
    return tuple(r for r, wrong in _faults(face, image.shape, measures, limits) if wrong), measures


def _faults(
    face: DetectedFace, shape: tuple[int, ...], m: dict[str, float], limits: EnrolmentLimits
) -> list[tuple[FaceReason, bool]]:
    height, width = shape[:2]
    inside = (face.points >= 0).all() and (face.points[:, 0] < width).all() and (face.points[:, 1] < height).all()
    left, top, right, bottom = face.box
    slack = 0.1 * face.side  # detectors draw generous boxes
    cut = left < -slack or top < -slack or right > width + slack or bottom > height + slack
    turned = abs(m["turn"]) > limits.turn or abs(m["nod"]) > limits.nod or abs(m["roll"]) > limits.roll
    return [
        (FaceReason.FACE_SMALL, face.side < limits.face_px),
        (FaceReason.FACE_CUT, bool(cut or not inside)),
        (FaceReason.POSE, turned),
        (FaceReason.DARK, m["brightness"] < limits.dark),
        (FaceReason.BRIGHT, m["brightness"] > limits.bright),
        (FaceReason.UNEVEN, m["uneven"] > limits.uneven),
        (FaceReason.FLAT, m["contrast"] < limits.contrast),
        (FaceReason.BLURRED, m["sharpness"] < limits.sharpness),
    ]
