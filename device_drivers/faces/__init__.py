"""Faces at the edge, with a model pack the operator supplies. Importing this loads neither NumPy, OpenCV nor insightface."""

from device_drivers.faces.engine import FaceEngine
from device_drivers.faces.results import Enrolment, FaceState, Identification, Verification
from device_drivers.faces.words import FaceBusy, FaceFailed, FaceOff, FaceReason, OffReason, face_zh

__all__ = [
    "Enrolment",
    "FaceBusy",
    "FaceEngine",
    "FaceFailed",
    "FaceOff",
    "FaceReason",
    "FaceState",
    "Identification",
    "OffReason",
    "Verification",
    "face_zh",
]
