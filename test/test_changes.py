# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What holds for every detector of changes, on made streams of clear meanings.

A stream is a text: each letter is a sample of one of eight meanings, all at right angles, with a
little noise. Five samples are a second.
"""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from vljepa_ros.errors import ConfigurationError, StreamError
from vljepa_ros.stream.changes.change import Change
from vljepa_ros.stream.changes.choice import DETECTORS, detector
from vljepa_ros.stream.changes.cusum import CusumConfig
from vljepa_ros.stream.changes.detector import CommonConfig, SegmentDetector
from vljepa_ros.stream.changes.offline import segments_of
from vljepa_ros.stream.changes.pace import PaceConfig
from vljepa_ros.stream.changes.surprise import SurpriseConfig
from vljepa_ros.stream.changes.variance import VarianceConfig
from vljepa_ros.stream.changes.ward import WardConfig

SECOND = 1_000_000_000
HZ = 5
WIDTH = 32
MEANINGS = dict(zip('ABCDEFGH', np.eye(8, WIDTH), strict=True))


def samples(letters: str, *, noise: float = 0.02, seed: int = 0) -> np.ndarray:
    """Return unit vectors float32 [N, WIDTH]."""
    rng = np.random.default_rng(seed)
    vectors = np.stack([MEANINGS[letter] for letter in letters])
    vectors = vectors + rng.normal(scale=noise, size=vectors.shape)
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def stamp(index: int) -> int:
    return index * SECOND // HZ


def changes(found_by: SegmentDetector, vectors: np.ndarray) -> list[Change]:
    """Return the changes after the first sample, which starts the first segment."""
    found = [found_by.update(stamp(index), vector) for index, vector in enumerate(vectors)]
    assert found[0] == Change(0, 0, 0.0)
    return [change for change in found[1:] if change is not None]


def starts(found: list[Change]) -> list[float]:
    return [round(change.start_ns / SECOND * HZ, 3) for change in found]


@pytest.fixture(params=list(DETECTORS))
def name(request) -> str:
    return str(request.param)


@pytest.mark.parametrize('seed', range(3))
def test_a_still_stream_has_no_change(name, seed):
    assert changes(detector(name), samples('A' * 1000, seed=seed)) == []


def test_each_step_is_one_change_at_its_place(name):
    letters = 'A' * 20 + 'B' * 15 + 'C' * 40 + 'A' * 10 + 'D' * 30
    found = changes(detector(name), samples(letters))
    assert len(found) == 4
    within = 3.0 if name == 'variance' else 1.0  # that one takes the middle of its window
    np.testing.assert_allclose(starts(found), [20, 35, 75, 85], atol=within)
    for change in found:
        assert 0 <= change.detected_ns - change.start_ns <= 1 * SECOND
        assert change.before is not None
    befores = [int(np.argmax(np.asarray(change.before))) for change in found]
    assert [list(MEANINGS)[number] for number in befores] == ['A', 'B', 'C', 'A']


@pytest.mark.parametrize('mixed', [4, 7])
def test_a_step_that_takes_its_time_is_one_change(name, mixed):
    """Clips overlap: as a change passes through them, meanings are mixed."""
    sharp = samples('A' * 60 + 'B' * 60, noise=0.0)
    kernel = np.ones(mixed) / mixed
    vectors = np.stack([np.convolve(column, kernel, mode='valid') for column in sharp.T], axis=1)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    found = changes(detector(name, CommonConfig(blur_s=mixed / HZ / 2)), vectors)
    assert len(found) == 1
    assert abs(starts(found)[0] - (60 - mixed / 2)) <= mixed / 2
    if name != 'surprise':  # it is sure at once, when a mean of what follows is not there yet
        assert found[0].distance > 0.5


def test_the_means_leave_out_what_sees_both_sides():
    sharp = samples('A' * 60 + 'B' * 60, noise=0.0)
    kernel = np.ones(6) / 6
    vectors = np.stack([np.convolve(column, kernel, mode='valid') for column in sharp.T], axis=1)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)

    def clear(blur_s: float) -> tuple[float, float]:
        found_by = detector('ward', CommonConfig(blur_s=blur_s))
        (change,) = changes(found_by, vectors)
        assert change.before is not None and found_by.segment_mean is not None
        parts = (change.before @ MEANINGS['A'], found_by.segment_mean @ MEANINGS['B'])
        return float(parts[0]), float(parts[1])

    blurred, left_out = clear(0.0), clear(0.6)
    assert left_out[0] > 0.999 and left_out[1] > 0.999
    assert left_out > blurred


def test_sensitivity_finds_smaller_changes(name):
    near = 0.95 * MEANINGS['A'] + np.sqrt(1 - 0.95**2) * MEANINGS['B']
    vectors = samples('A' * 60, noise=0.0)
    vectors[30:] = near
    assert changes(detector(name), vectors) == []
    assert len(changes(detector(name, CommonConfig(sensitivity=20.0)), vectors)) >= 1


class TestPace:
    LETTERS = ''.join(letter * 10 for letter in 'ABCDEFGH')  # a change every 2 s

    def found(self, name: str, pace: PaceConfig, letters: str = LETTERS) -> list[Change]:
        return changes(detector(name, CommonConfig(pace=pace)), samples(letters))

    def test_all_without_limits(self, name):
        assert len(self.found(name, PaceConfig())) == 7

    def test_least_interval(self, name):
        found = self.found(name, PaceConfig(min_interval_s=5.0))
        detected = [0, *(change.detected_ns for change in found)]
        gaps = [after - before for before, after in itertools.pairwise(detected)]
        assert 1 <= len(found) <= 3
        assert min(gaps) >= 5 * SECOND

    def test_a_change_that_comes_too_early_is_found_late(self):
        found = self.found('ward', PaceConfig(min_interval_s=3.0), 'A' * 10 + 'B' * 20)
        assert starts(found) == [10]
        assert found[0].detected_ns == 3 * SECOND

    def test_greatest_interval(self, name):
        found = self.found(name, PaceConfig(max_interval_s=4.0), 'A' * 101)
        assert [change.detected_ns // SECOND for change in found] == [4, 8, 12, 16, 20]
        assert all(change.distance < 0.1 for change in found)

    def test_budget(self, name):
        minutes = ''.join(letter * 5 for letter in 'ABCDEFGH' * 30)  # 60 changes a minute for 4
        found = self.found(name, PaceConfig(per_minute=10.0), minutes)
        assert len(found) + 1 <= 10 + 4 * 10
        if name != 'surprise':  # to which so many changes are nothing unusual
            assert len(found) >= 20

    def test_a_budget_that_is_not_touched_changes_nothing(self, name):
        slow = ''.join(letter * 100 for letter in 'ABCDEFGH')
        assert self.found(name, PaceConfig(per_minute=30.0), slow) == self.found(
            name, PaceConfig(), slow
        )

    @pytest.mark.parametrize(
        ('settings', 'named'),
        [
            ({'min_interval_s': -1.0}, 'min_interval_s is -1.0'),
            ({'max_interval_s': float('nan')}, 'max_interval_s is nan'),
            ({'per_minute': float('inf')}, 'per_minute is inf'),
            ({'per_minute': 0.5}, 'use 1 or more'),
            ({'min_interval_s': 3.0, 'max_interval_s': 2.0}, 'less than min_interval_s'),
        ],
    )
    def test_wrong_settings(self, settings, named):
        with pytest.raises(ConfigurationError, match=named):
            PaceConfig(**settings)


WRONG = {
    'NaN': np.full(WIDTH, np.nan, np.float32),
    'infinity': np.array([np.inf] + [0.0] * (WIDTH - 1)),
    'shorter': np.ones(WIDTH - 1),
    'longer': np.ones(WIDTH + 1),
    'two dimensions': np.ones((1, WIDTH)),
    'no dimension': np.array(1.0),
}


@pytest.mark.parametrize('wrong', WRONG.values(), ids=WRONG.keys())
def test_an_error_leaves_the_state_unchanged(name, wrong):
    """The changes are those of a stream without the wrong vectors."""
    vectors = samples('A' * 10 + 'B' * 10)
    found_by, found = detector(name), []
    for index, vector in enumerate(vectors):
        found.append(found_by.update(stamp(index), vector))
        with pytest.raises(StreamError, match=r'NaN or infinity|stream of vectors of length 32'):
            found_by.update(stamp(index) + 1, wrong)
    assert [change for change in found[1:] if change] == changes(detector(name), vectors)


@pytest.mark.parametrize('wrong', ['NaN', 'infinity', 'two dimensions', 'no dimension'])
def test_an_error_before_the_first_sample(name, wrong):
    found_by = detector(name)
    with pytest.raises(StreamError):
        found_by.update(0, WRONG[wrong])
    assert found_by.segment_mean is None
    assert found_by.update(5, samples('A')[0]) == Change(5, 5, 0.0)


def test_reset_forgets_everything(name):
    vectors = samples('A' * 20 + 'B' * 20)
    fresh, used = detector(name), detector(name)
    changes(used, samples('C' * 30 + 'D' * 7 + 'E', seed=1))
    used.reset()
    assert used.segment_mean is None
    assert used.evidence == 0.0
    assert changes(used, vectors) == changes(fresh, vectors)
    fresh.reset()
    assert fresh.update(0, np.ones(3)) is not None, 'another stream may have another length'


def test_the_callers_array_may_be_used_again(name):
    found_by, shared = detector(name), samples('A')[0].copy()
    found_by.update(0, shared)
    shared[:] = 7.0
    assert found_by.segment_mean is not None
    np.testing.assert_allclose(found_by.segment_mean, samples('A')[0], atol=1e-6)


def test_evidence_grows_towards_a_change(name):
    found_by = detector(name)
    vectors = samples('A' * 30 + 'B' * 3)
    for index, vector in enumerate(vectors[:30]):
        found_by.update(stamp(index), vector)
        assert 0.0 <= found_by.evidence < 0.7
    later = enumerate(vectors[30:], start=30)
    assert any(found_by.update(stamp(index), vector) for index, vector in later)
    assert found_by.evidence >= 1.0


@pytest.mark.parametrize('rate_hz', [1.0, 10.0, 100.0])
def test_every_rate_of_samples_works(name, rate_hz):
    found_by = detector(name)
    vectors = samples('A' * 200 + 'B' * 200)
    found = [
        found_by.update(round(index * SECOND / rate_hz), vector)
        for index, vector in enumerate(vectors)
    ]
    assert 1 <= sum(change is not None for change in found[1:]) <= 2


def test_an_unknown_detector_is_named():
    with pytest.raises(ConfigurationError, match="detector is 'wards'; use one of ward, drift"):
        detector('wards')


@pytest.mark.parametrize(
    ('kind', 'settings', 'named'),
    [
        (CommonConfig, {'sensitivity': 0.0}, 'sensitivity is 0.0'),
        (CommonConfig, {'blur_s': -0.1}, 'blur_s is -0.1'),
        (WardConfig, {'threshold': 0.0}, 'threshold 0.0'),
        (WardConfig, {'least': 17}, '1 <= least <= most_after <= 32'),
        (WardConfig, {'most_after': 33}, '1 <= least <= most_after <= 32'),
        (WardConfig, {'most_before': 0}, 'most_before 0'),
        (CusumConfig, {'allowance': 2.0}, 'allowance 2.0'),
        (CusumConfig, {'threshold': float('nan')}, 'threshold nan'),
        (VarianceConfig, {'threshold': 1.0}, 'threshold 1.0'),
        (VarianceConfig, {'samples': 33}, 'use 2 to 32'),
        (SurpriseConfig, {'memory': 1.0}, 'memory 1.0'),
        (SurpriseConfig, {'smoothing': 0.0}, 'smoothing 0.0'),
    ],
)
def test_wrong_settings(kind, settings, named):
    with pytest.raises(ConfigurationError, match=named):
        kind(**settings)


class TestOffline:
    def test_the_borders_of_a_recording(self):
        vectors = samples('A' * 20 + 'B' * 5 + 'A' * 30 + 'C' * 9, noise=0.1)
        found = segments_of(vectors, 4)
        assert [(part.start, part.stop) for part in found] == [
            (0, 20),
            (20, 25),
            (25, 55),
            (55, 64),
        ]
        # The shortest segment is the cheapest to merge.
        assert [part.start for part in segments_of(vectors, 2)] == [0, 55]

    @pytest.mark.parametrize(('size', 'count', 'expected'), [(1, 1, 1), (1, 5, 1), (3, 9, 3)])
    def test_short_recordings(self, size, count, expected):
        assert len(segments_of(samples('ABC'[:size]), count)) == expected

    @pytest.mark.parametrize(('size', 'count'), [(3, 0), (0, 1)])
    def test_nothing_to_divide(self, size, count):
        with pytest.raises(ConfigurationError, match='use 1 or more of each'):
            segments_of(np.zeros((size, WIDTH)), count)
