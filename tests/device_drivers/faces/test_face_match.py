"""Galleries: exact, of one estate and one model."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from device_drivers.faces.match import Gallery, NotComparable, Template


def people(count: int, numbers: int = 64, seed: int = 0) -> dict[str, Template]:
    rows = np.random.default_rng(seed).standard_normal((count, numbers))
    return {f"t{n}": Template.of(row, "m") for n, row in enumerate(rows)}


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 40), st.integers(0, 10_000))
def test_the_nearest_is_what_float64_arithmetic_says(count: int, seed: int) -> None:
    templates = people(count, seed=seed)
    probe = Template.of(np.random.default_rng(seed + 1).standard_normal(64), "m")
    scores = np.stack([t.vector for t in templates.values()]).astype(np.float64) @ probe.vector.astype(np.float64)
    found = Gallery.of("e", "m", templates).nearest(probe)
    assert found is not None
    ranked = np.sort(scores)[::-1]
    assert found.score == pytest.approx(ranked[0], abs=1e-5)
    assert found.token == f"t{int(scores.argmax())}"
    assert found.second == pytest.approx(ranked[1] if count > 1 else -1.0, abs=1e-5)


def test_an_empty_gallery_finds_nobody() -> None:
    assert Gallery.of("e", "m", {}).nearest(Template.of(np.ones(64), "m")) is None


def test_one_to_one() -> None:
    templates = people(3)
    gallery = Gallery.of("e", "m", templates)
    assert gallery.score("t1", templates["t1"]) == pytest.approx(1.0, abs=1e-5)
    assert gallery.score("t1", templates["t2"]) < 0.9
    with pytest.raises(KeyError):
        gallery.score("nobody", templates["t1"])


def test_faces_of_two_models_are_never_compared() -> None:
    templates = people(3)
    with pytest.raises(NotComparable):
        Gallery.of("e", "m", templates | {"x": Template.of(np.ones(64), "other")})
    with pytest.raises(NotComparable):
        Gallery.of("e", "m", templates | {"x": Template.of(np.ones(32), "m")})
    gallery = Gallery.of("e", "m", templates)
    for stranger in (Template.of(np.ones(64), "other"), Template.of(np.ones(32), "m")):
        with pytest.raises(NotComparable):
            gallery.nearest(stranger)
        with pytest.raises(NotComparable):
            gallery.score("t0", stranger)


def test_half_precision_keeps_the_face() -> None:
    for template in people(50, 512).values():
        content = template.to_bytes()
        assert len(content) == 1024
        again = Template.from_bytes(content, "m")
        assert float(again.vector @ template.vector) == pytest.approx(1.0, abs=1e-3)
        assert float(np.linalg.norm(again.vector)) == pytest.approx(1.0, abs=1e-5)


@given(hnp.arrays(np.float32, st.integers(0, 16), elements=st.floats(width=32)))
def test_any_numbers_make_a_unit_vector_or_are_refused(values: np.ndarray) -> None:
    with contextlib.suppress(NotComparable):
        assert float(np.linalg.norm(Template.of(values, "m").vector)) == pytest.approx(1.0, abs=1e-3)


def test_a_template_does_not_show_its_numbers() -> None:
    template = Template.of(np.arange(1, 9), "m")
    assert repr(template) == "Template(8 numbers of m)"
    assert "vector" not in str(Gallery.of("e", "m", {"t": template}))
