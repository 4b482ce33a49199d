"""Comparing faces: templates of one model, and the gallery of one estate. Exact; nothing here keeps a probe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


class NotComparable(Exception):
    """Other model, other length, other estate, or no numbers: a mistake of the caller, never a non-match."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Template:
    """A face of one model: float32, unit length, shape (d,). Make it with `of` or `from_bytes`. Never printed."""

    vector: NDArray[np.float32]
    model: str

    @classmethod
    def of(cls, values: ArrayLike, model: str) -> Template:
        """Raises NotComparable for something that has no direction."""
        vector = np.asarray(values, dtype=np.float32).ravel()
        length = float(np.linalg.norm(vector)) if vector.size else 0.0
        if not np.isfinite(length) or length < 1e-6:
            raise NotComparable("a face vector without a direction")
        return cls(np.ascontiguousarray(vector / np.float32(length)), model)

    def to_bytes(self) -> bytes:
        """float16, little-endian: 1,024 bytes for 512 numbers; the cosine moves by less than 0.001."""
        return self.vector.astype("<f2").tobytes()

    @classmethod
    def from_bytes(cls, content: bytes, model: str) -> Template:
        """Raises NotComparable."""
        if len(content) % 2:
            raise NotComparable("a face vector cut in half")
        return cls.of(np.frombuffer(content, "<f2").astype(np.float32), model)

    def __repr__(self) -> str:
        return f"Template({self.vector.size} numbers of {self.model})"


@dataclass(frozen=True, slots=True)
class Nearest:
    """`second` is the next best score, -1.0 where there is only one entry."""

    token: str
    score: float
    second: float


class Gallery:
    """The enrolled faces of ONE estate: tokens and a float32 matrix (n, d), 2 kB an entry of 512 numbers."""

    def __init__(self, estate: str, model: str, tokens: tuple[str, ...], matrix: NDArray[np.float32]) -> None:
        self.estate, self.model, self.tokens, self._matrix = estate, model, tokens, matrix
        self._row = {token: n for n, token in enumerate(tokens)}

    @classmethod
    def of(cls, estate: str, model: str, templates: Mapping[str, Template]) -> Gallery:
        """Raises NotComparable for a template of another model or length."""
        if any(t.model != model for t in templates.values()):
            raise NotComparable(f"templates of another model than {model}")
        if len({t.vector.size for t in templates.values()}) > 1:
            raise NotComparable("templates of different length")
        width = next((t.vector.size for t in templates.values()), 0)
        matrix = np.empty((len(templates), width), np.float32)
        for row, template in enumerate(templates.values()):
            matrix[row] = template.vector
        return cls(estate, model, tuple(templates), matrix)

    def __len__(self) -> int:
        return len(self.tokens)

    def __contains__(self, token: object) -> bool:
        return token in self._row

    @property
    def nbytes(self) -> int:
        return self._matrix.nbytes

    def _fits(self, probe: Template) -> None:
        if probe.model != self.model or (len(self) and probe.vector.size != self._matrix.shape[1]):
            raise NotComparable(f"a probe of {probe.model} against a gallery of {self.model}")

    def nearest(self, probe: Template) -> Nearest | None:
        """1:N, every entry compared. None for an empty gallery. Raises NotComparable.

        `vecdot` runs one row at a time and so on one thread, whatever BLAS was told, at the speed memory is read.
        """
        self._fits(probe)
        if not len(self):
            return None
        scores = np.vecdot(self._matrix, probe.vector)
        best = int(scores.argmax())
        score = float(scores[best])
        scores[best] = -1.0
        return Nearest(self.tokens[best], score, float(scores.max()))

    def score(self, token: str, probe: Template) -> float:
        """1:1. The cosine. Raises KeyError for a token that is not enrolled, NotComparable."""
        self._fits(probe)
        return float(np.vecdot(self._matrix[self._row[token]], probe.vector))
