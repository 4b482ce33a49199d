"""`face.search`: one face against 10,000 enrolled ones, exactly, against the time it takes to read those bytes at all."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from device_drivers.faces.match import Gallery, Template
from tools.bench.figure import Figure, percentile

FACES = 10_000
NUMBERS = 512
QUERIES = 300
GENUINE = 0.6  # cosine of two pictures of one person


def _milliseconds(work: Callable[[], object]) -> float:
    began = time.perf_counter_ns()
    work()
    return (time.perf_counter_ns() - began) / 1e6


def build(rng: np.random.Generator) -> tuple[Gallery, list[tuple[str, Template]]]:
    """A gallery of random directions and probes at the genuine cosine, each with the token it must find."""
    templates = {
        f"token{n:05d}": Template.of(v, "bench")
        for n, v in enumerate(rng.standard_normal((FACES, NUMBERS), np.float32))
    }
    gallery, tokens = Gallery.of("bench", "bench", templates), list(templates)
    probes = []
    for token in rng.choice(tokens, QUERIES):
        own = templates[str(token)].vector
        other = rng.standard_normal(NUMBERS).astype(np.float32)
        other -= own * np.dot(own, other)
        other /= np.linalg.norm(other)
        probes.append((str(token), Template.of(GENUINE * own + (1 - GENUINE**2) ** 0.5 * other, "bench")))
    return gallery, probes


def measure() -> list[Figure]:
    """Median ms a search on one thread; the reference reads as many bytes with the fastest of three NumPy reductions."""
    rng = np.random.default_rng(11)
    gallery, probes = build(rng)
    words = np.frombuffer(rng.bytes(gallery.nbytes), np.uint64)
    readers: tuple[Callable[[], object], ...] = (
        lambda: np.bitwise_or.reduce(words),
        lambda: words.max(),
        lambda: words.view(np.uint8).max(),
    )
    searches: list[float] = []
    reads: list[list[float]] = [[] for _ in readers]
    right = 0
    for token, probe in probes:  # in turns, so that both meet the same machine
        began = time.perf_counter_ns()
        found = gallery.nearest(probe)
        searches.append((time.perf_counter_ns() - began) / 1e6)
        right += found is not None and found.token == token
        for times, read in zip(reads, readers, strict=True):
            times.append(_milliseconds(read))
    if right != QUERIES:
        raise RuntimeError(f"{QUERIES - right} of {QUERIES} faces were not found: an exact search finds all")
    search, reading = percentile(searches, 0.5), min(percentile(times, 0.5) for times in reads)
    megabytes, ratio = gallery.nbytes / 1e6, search / reading
    return [
        Figure(
            "face.search",
            round(search, 3),
            f"ms median, exact 1:N of {FACES:,} × {NUMBERS} float32, rank-1 {right}/{QUERIES}",
            f"reading the same {megabytes:.1f} MB: {reading:.3f} ms ({megabytes / reading:.1f} GB/s)",
            round(ratio, 2),
            "≤ 2 × bytes ÷ measured read bandwidth",
            ratio <= 2.0,
        ),
    ]
