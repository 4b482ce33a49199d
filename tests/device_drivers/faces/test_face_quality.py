"""The enrolment check on a real face (the astronaut that comes with scikit-image), its five points placed by eye."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from skimage import data

from device_drivers.faces.quality import DetectedFace, examine, pose
from device_drivers.faces.results import EnrolmentLimits
from device_drivers.faces.words import FaceReason

Image = NDArray[np.uint8]
POINTS = 2 * np.array([[203.8, 101.3], [246.3, 103.3], [225.5, 125], [206, 140.5], [244.5, 141]], np.float32)
FACE = DetectedFace((354, 124, 568, 326), POINTS, 0.9)


@pytest.fixture(scope="module")
def astronaut() -> Image:
    small = cv2.cvtColor(data.astronaut(), cv2.COLOR_RGB2BGR)  # type: ignore[no-untyped-call]
    twice: Image = np.array(cv2.resize(small, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC), np.uint8)
    return twice


def reasons(image: Image, *faces: DetectedFace) -> tuple[FaceReason, ...]:
    return examine(image, faces, EnrolmentLimits())[0]


def scaled(image: Image, factor: float, plus: float = 0.0) -> Image:
    changed: Image = np.asarray(np.clip(image.astype(np.float32) * factor + plus, 0, 255), np.uint8)
    return changed


def test_a_good_portrait_passes(astronaut: Image) -> None:
    found, measures = examine(astronaut, [FACE], EnrolmentLimits())
    assert found == (), f"refused for {found}: {measures}"
    assert measures["face_px"] == 202
    assert abs(measures["roll"]) < 5


def side_lit(image: Image) -> Image:
    shade = np.linspace(1.6, 0.0, 214)[None, :, None]
    lit = image.copy()
    lit[:, 354:568] = np.clip(image[:, 354:568] * shade, 0, 255).astype(np.uint8)
    return lit


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda i: cv2.GaussianBlur(i, (0, 0), 5), FaceReason.BLURRED),
        (lambda i: cv2.blur(i, (25, 1)), FaceReason.BLURRED),  # moved while it was taken
        (lambda i: scaled(i, 0.2), FaceReason.DARK),
        (lambda i: scaled(i, 1.0, 120), FaceReason.BRIGHT),
        (lambda i: scaled(i, 0.15, 110), FaceReason.FLAT),
        (side_lit, FaceReason.UNEVEN),
    ],
)
def test_a_spoilt_portrait_is_refused_for_what_is_wrong(
    astronaut: Image, spoil: Callable[[Image], Image], reason: FaceReason
) -> None:
    assert reason in reasons(np.asarray(spoil(astronaut), np.uint8), FACE)


def test_jpeg_compression_is_no_fault(astronaut: Image) -> None:
    for quality in (60, 80, 95):
        coded = cv2.imencode(".jpg", astronaut, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        assert reasons(np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8), FACE) == ()


def test_exactly_one_face(astronaut: Image) -> None:
    assert reasons(astronaut) == (FaceReason.NO_FACE,)
    assert reasons(astronaut, FACE, FACE) == (FaceReason.MANY_FACES,)


def test_a_small_face_and_one_cut_by_the_edge(astronaut: Image) -> None:
    small = DetectedFace((354, 124, 454, 224), POINTS, 0.9)
    assert FaceReason.FACE_SMALL in reasons(astronaut, small)
    assert FaceReason.FACE_CUT in reasons(np.ascontiguousarray(astronaut[:, 440:]), _moved(-440))


def _moved(x: float) -> DetectedFace:
    left, top, right, bottom = FACE.box
    return DetectedFace((left + x, top, right + x, bottom), POINTS + np.array([x, 0], np.float32), 0.9)


@pytest.mark.parametrize("sign", [-1, 1])
@pytest.mark.parametrize(("measure", "x", "y"), [("turn", 26, 0), ("nod", 0, 26)])
def test_a_turned_or_nodding_head(astronaut: Image, measure: str, x: int, y: int, sign: int) -> None:
    points = POINTS.copy()
    points[2] += np.array([x, y], np.float32) * sign
    angles = pose(points)
    assert angles is not None
    assert np.sign(angles[measure]) == sign
    assert reasons(astronaut, DetectedFace(FACE.box, points, 0.9)) == (FaceReason.POSE,)


def test_a_tilted_head_and_an_upside_down_one(astronaut: Image) -> None:
    turn = cv2.getRotationMatrix2D((450, 240), 30, 1)
    tilted = np.asarray(POINTS @ turn[:, :2].T + turn[:, 2], np.float32)
    angles = pose(tilted)
    assert angles is not None
    assert abs(abs(angles["roll"] - 2.7) - 30) < 0.5
    assert abs(angles["turn"]) < 0.1, "tilting is not turning"
    assert FaceReason.POSE in reasons(astronaut, DetectedFace(FACE.box, tilted, 0.9))
    upside_down = np.array([900, 480], np.float32) - POINTS
    assert FaceReason.POSE in reasons(astronaut, DetectedFace(FACE.box, upside_down, 0.9))


@pytest.mark.parametrize(
    "points", [np.zeros((5, 2)), np.full((5, 2), np.nan), POINTS[[0, 0, 2, 3, 4]], POINTS[[0, 1, 2, 0, 1]]]
)
def test_points_that_are_no_face_are_refused(astronaut: Image, points: NDArray[np.float32]) -> None:
    assert reasons(astronaut, DetectedFace(FACE.box, points.astype(np.float32), 0.9)) == (FaceReason.POSE,)
