"""The two networks of a pack, through insightface. Blocking, one caller at a time, threads pinned, no sockets."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from device_drivers.faces.match import NotComparable, Template
from device_drivers.faces.pack import FacePack
from device_drivers.faces.picture import open_cv
from device_drivers.faces.quality import DetectedFace
from device_drivers.faces.results import FaceSettings
from device_drivers.faces.words import FaceFailed, FaceOff, OffReason

cv2 = open_cv()  # before insightface loads it: the ceiling on pixels is read only once

import insightface.utils.face_align  # noqa: E402
import onnxruntime  # noqa: E402
from insightface.app import FaceAnalysis  # noqa: E402
from onnxruntime.capi import onnxruntime_pybind11_state as ort  # noqa: E402

ORT_ERRORS = tuple(
    getattr(ort, name)
    for name in (
        "Fail", "InvalidArgument", "InvalidGraph", "InvalidProtobuf", "ModelLoaded", "NoModel", "NoSuchFile",
        "NotImplemented", "RuntimeException", "EngineError", "EPFail",
    )
)  # fmt: skip
LIBRARY_ERRORS = (
    *ORT_ERRORS, cv2.error, AssertionError, ArithmeticError, AttributeError, LookupError, OSError, RuntimeError,
    TypeError, ValueError, MemoryError, np.linalg.LinAlgError, NotComparable,
)  # fmt: skip
"""What insightface lets through for a graph of another shape than it expects: its own checks are assertions and indices."""


class FaceModels:
    """`load` is the only way to one."""

    def __init__(self, pack: FacePack, analysis: Any, settings: FaceSettings) -> None:
        self.pack, self._analysis, self._settings = pack, analysis, settings

    @classmethod
    def load(cls, pack: FacePack, settings: FaceSettings) -> FaceModels:
        """Loads both graphs and runs each once, so that a wrong one is found here and not at a door. Raises FaceOff."""
        try:
            # An existing directory: with any other name insightface would download.
            analysis = FaceAnalysis(
                name=str(pack.folder.resolve(strict=True)),
                allowed_modules=["detection", "recognition"],
                providers=["CPUExecutionProvider"],
                sess_options=_session_options(settings.threads),
            )
            side = settings.detection_side
            analysis.prepare(ctx_id=-1, det_thresh=settings.detection, det_size=(side, side))
            models = cls(pack, analysis, settings)
            models._try_out()
        except (*LIBRARY_ERRORS, FaceFailed) as error:
            raise FaceOff(OffReason.PACK_BROKEN, f"{type(error).__name__}: {str(error)[:300]}") from error
        return models

    def _try_out(self) -> None:
        detector = self._analysis.models["detection"]
        if not detector.use_kps:
            raise ValueError("the detector gives no five points: faces cannot be aligned")
        self.faces(np.zeros((112, 112, 3), np.uint8))
        declared = self._analysis.model_package.task("recognition").metadata["embedding_dimension"]
        grey = np.random.default_rng(0).integers(0, 255, (112, 112, 3), np.uint8)
        points = insightface.utils.face_align.arcface_dst
        given = self.template(grey, DetectedFace((0, 0, 112, 112), points, 1.0)).vector.size
        if given != declared:
            raise ValueError(f"the recogniser gives {given} numbers, the manifest says {declared}")

    def faces(self, image: NDArray[np.uint8]) -> list[DetectedFace]:
        """All faces, the largest first. Raises FaceFailed."""
        try:
            boxes, points = self._analysis.det_model.detect(image)
            found = [_face(box, five) for box, five in zip(boxes, points, strict=True)] if len(boxes) else []
        except LIBRARY_ERRORS as error:
            raise FaceFailed(f"detection: {type(error).__name__}: {str(error)[:300]}") from error
        return sorted((f for f in found if np.isfinite(f.points).all()), key=lambda f: -f.side)

    def template(self, image: NDArray[np.uint8], face: DetectedFace) -> Template:
        """Aligned by the five points, then embedded. Raises FaceFailed."""
        recogniser = self._analysis.models["recognition"]
        try:
            crop = insightface.utils.face_align.norm_crop(image, face.points, recogniser.input_size[0])
            return Template.of(recogniser.get_feat(crop), self.pack.fingerprint)
        except LIBRARY_ERRORS as error:
            raise FaceFailed(f"recognition: {type(error).__name__}: {str(error)[:300]}") from error


def _face(box: NDArray[np.float32], points: NDArray[np.float32]) -> DetectedFace:
    left, top, right, bottom, score = (float(v) for v in box)
    return DetectedFace((left, top, right, bottom), np.asarray(points, np.float32), score)


def _session_options(threads: int) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Waiting threads sleep: the box serves doors beside this.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options
