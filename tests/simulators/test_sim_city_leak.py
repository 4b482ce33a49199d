"""The leak test: finds a leak that is put in, and finds none in the city."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import msgspec
import numpy as np
import pytest

from simulators.city.generate import generate
from simulators.city.plan import Settings
from simulators.city.world import builtin_world
from tools.leak_test import ALLOWED, FEATURES, LONGEST, SHORTEST, Matrix, leak, read_history, samples, single_features

Sample = tuple[Matrix, np.ndarray, np.ndarray]


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A city with ten times as many vacancies, so that some hundred dwellings tell."""
    directory = tmp_path_factory.mktemp("leak")
    world = builtin_world("dev")
    violations = msgspec.structs.replace(world.violations, vacancy=0.1)
    world = msgspec.structs.replace(world, violations=violations)
    generate(Settings(world, seed=3, dwellings=2200, days=300, start=date(2025, 7, 1)), directory, parquet=True)
    return directory


@pytest.fixture(scope="module")
def part(city: Path) -> Sample:
    return samples(read_history(city))


def test_samples_are_absences_of_fifteen_to_fortyfive_days(part: Sample) -> None:
    features, labels, groups = part
    empty = features[:, FEATURES.index("days_empty")]
    assert features.shape == (len(labels), len(FEATURES))
    assert empty.min() >= SHORTEST
    assert empty.max() <= LONGEST
    assert len(set(groups[labels == 1].tolist())) >= 80, "too few new vacancies to judge"
    assert (labels == 0).sum() > 300, "too few honest absences to judge"


def test_honest_absence_and_new_vacancy_look_alike(part: Sample) -> None:
    result = leak([part])
    told = ", ".join(f"{name} {auc:.2f}" for name, auc in single_features([part])[:5])
    assert result.best <= ALLOWED, f"the city gives the answer away: {result.auc}; loudest alone: {told}"
    assert result.best > 0.55, f"{result.auc}: the models learn nothing at all, so they would not see a leak either"


def test_a_leak_is_seen_and_named(part: Sample) -> None:
    """As in two of three first tries elsewhere: only violators' short visits use water."""
    features, labels, groups = part[0].copy(), part[1], part[2]
    column = FEATURES.index("water_days")
    known = np.isfinite(features[:, column])
    features[known & (labels == 0), column] = 0
    features[known & (labels == 1), column] = 0.2
    result = leak([(features, labels, groups)])
    assert result.best > ALLOWED, f"a planted leak was not seen: {result.auc}"
    assert single_features([(features, labels, groups)])[0][0] == "water_days"


def test_too_few_vacancies_are_told(part: Sample) -> None:
    features, labels, groups = part
    with pytest.raises(ValueError, match="too few"):
        leak([(features, np.zeros_like(labels), groups)])
