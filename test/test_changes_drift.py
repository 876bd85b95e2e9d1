# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Cosine drift: changes are found once, at the right moment, and not where there are none.

The meanings are directions in a plane of a 16-dimensional space, written as angles in degrees; two
of them are 1 - cos(angle between them) apart: 45° is 0.29, 50° 0.36, 55° 0.43, 90° 1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest

from vljepa_ros.errors import ConfigurationError
from vljepa_ros.stream.changes.change import Change
from vljepa_ros.stream.changes.detector import CommonConfig
from vljepa_ros.stream.changes.drift import DriftConfig, DriftDetector

SECOND = 1_000_000_000
BASIS = np.linalg.qr(np.random.default_rng(0).normal(size=(16, 2)))[0].T  # two unit vectors
CONFIG = DriftConfig(threshold=0.4, release=0.75, confirm_s=0.5)
SHARP = CommonConfig(blur_s=0.0)  # every sample belongs to one side of a border


def meaning(degrees: float) -> np.ndarray:
    angle = math.radians(degrees)
    vector: np.ndarray = math.cos(angle) * BASIS[0] + math.sin(angle) * BASIS[1]
    return vector.astype(np.float32)


def run(
    degrees: Sequence[float], *, rate_hz: float = 5.0, config: DriftConfig = CONFIG
) -> list[Change]:
    """Return the changes that a stream of these angles makes after its first sample."""
    detector = DriftDetector(config, SHARP)
    changes = [
        detector.update(round(index * SECOND / rate_hz), meaning(angle))
        for index, angle in enumerate(degrees)
    ]
    assert changes[0] == Change(0, 0, 0.0), 'the first sample starts the first segment'
    return [change for change in changes[1:] if change is not None]


def times(changes: Sequence[Change]) -> list[tuple[float, float]]:
    return [
        (round(change.start_ns / SECOND, 6), round(change.detected_ns / SECOND, 6))
        for change in changes
    ]


@pytest.mark.parametrize(
    'degrees',
    [
        [0] * 50,
        [0] * 10 + [90] + [0] * 10,
        [0] * 10 + [180] + [0] * 10,
        [0] * 10 + [90, 90] + [0] * 10,  # 0.2 s, less than confirm_s
        [0, 90] * 20,
        [0] * 10 + [90, 180, 270, 90, 180, 270, 90, 180, 270] + [0] * 10,  # nothing lasts
        [0] * 10 + [50] * 20,  # within the threshold
        [0, 45] * 20,
        [0] + [90] + [0] * 10,
    ],
    ids=[
        'still',
        'one strange sample',
        'one opposite sample',
        'two strange samples',
        'strange every second sample',
        'strange samples that disagree',
        'a step below the threshold',
        'small steps to and fro',
        'strange second sample',
    ],
)
def test_no_change(degrees: Sequence[float]) -> None:
    assert run(degrees) == []


@pytest.mark.parametrize('seed', range(5))
def test_noise(seed: int) -> None:
    """The noise is 0.6 as long as the signal, so the samples lie some 0.15 beside the mean."""
    generator = np.random.default_rng(seed)
    detector = DriftDetector(CONFIG, SHARP)
    for index in range(300):
        sample = meaning(0) + generator.normal(scale=0.15, size=16)
        change = detector.update(index * SECOND // 5, sample / np.linalg.norm(sample))
        assert (change is not None) == (index == 0)


@pytest.mark.parametrize(
    ('degrees', 'rate_hz', 'expected'),
    [
        ([0] * 10 + [90] * 10, 5.0, [(2.0, 2.6)]),
        ([0] * 20 + [90] * 20, 10.0, [(2.0, 2.5)]),
        ([0] * 60 + [90] * 60, 30.0, [(2.0, 2.5)]),
        ([0] * 2 + [90] * 2, 1.0, [(2.0, 3.0)]),
        ([0] + [90] * 9, 5.0, [(0.2, 0.8)]),
        ([0] * 10 + [90] * 10 + [0] * 10, 5.0, [(2.0, 2.6), (4.0, 4.6)]),
        ([0] * 10 + [90, 0] + [90] * 10, 5.0, [(2.4, 3.0)]),  # counted from the second time
        ([0] * 10 + [90, 180, 180, 180, 180], 5.0, [(2.2, 2.8)]),  # from where it is stable
        ([0] * 10 + [90, 100, 80, 95], 5.0, [(2.0, 2.6)]),  # roughly the same meaning
    ],
)
def test_step(
    degrees: Sequence[float], rate_hz: float, expected: list[tuple[float, float]]
) -> None:
    assert times(run(degrees, rate_hz=rate_hz)) == expected


@pytest.mark.parametrize('degrees', [60, 90, 180])
def test_distance_is_the_one_between_the_meanings(degrees: float) -> None:
    (change,) = run([0] * 10 + [degrees] * 10)
    assert change.distance == pytest.approx(1 - math.cos(math.radians(degrees)), abs=1e-5)


class TestHysteresis:
    """50° (0.36) lies between release and threshold, 55° (0.43) above, 40° (0.23) below."""

    @pytest.mark.parametrize(
        ('degrees', 'expected'),
        [
            ([0] * 10 + [50] * 4, []),  # raises no suspicion
            ([0] * 10 + [55] + [50] * 3, [(2.0, 2.6)]),  # but does not end it either
            ([0] * 10 + [55, 40, 55, 55], []),  # the old meaning again: suspicion ends
            ([0] * 10 + [70, 30, 70, 70, 70, 70], [(2.4, 3.0)]),
        ],
    )
    def test_between(self, degrees: Sequence[float], expected: list[tuple[float, float]]) -> None:
        assert times(run(degrees)) == expected

    def test_without_hysteresis_the_middle_ends_a_suspicion(self) -> None:
        plain = DriftConfig(threshold=0.4, release=1.0, confirm_s=0.5)
        assert run([0] * 10 + [55] + [50] * 3, config=plain) == []


def test_slow_drift_is_a_change_in_the_end() -> None:
    changes = run([2 * index for index in range(90)])  # 180° in 18 s
    assert len(changes) >= 1
    assert all(change.distance > 0.4 for change in changes)


def test_without_confirmation_the_first_sample_counts() -> None:
    immediate = DriftConfig(confirm_s=0.0)
    assert times(run([0] * 5 + [90] + [0] * 5, config=immediate)) == [(1.0, 1.0), (1.2, 1.2)]


@pytest.mark.parametrize(
    ('threshold', 'release', 'confirm_s'),
    [
        (0.0, 0.0, 0.5),
        (2.0, 0.3, 0.5),
        (0.4, 1.1, 0.5),
        (0.4, 0.0, 0.5),
        (0.4, -0.1, 0.5),
        (math.nan, 0.3, 0.5),
        (0.4, math.nan, 0.5),
        (0.4, 0.3, -0.1),
        (0.4, 0.3, math.nan),
        (0.4, 0.3, math.inf),
    ],
)
def test_wrong_settings(threshold: float, release: float, confirm_s: float) -> None:
    with pytest.raises(ConfigurationError, match=r'threshold .* must lie in \(0, 2\)'):
        DriftConfig(threshold=threshold, release=release, confirm_s=confirm_s)
