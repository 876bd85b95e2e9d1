# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Every segment starts once and ends once, and the segments leave no gap."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from vljepa_ros.errors import StreamError
from vljepa_ros.stream.changes.detector import CommonConfig
from vljepa_ros.stream.changes.drift import DriftConfig, DriftDetector
from vljepa_ros.stream.segment_tracker import Phase, SegmentTracker, SegmentUpdate

SECOND = 1_000_000_000
STARTED, ENDED = Phase.STARTED, Phase.ENDED
MEANINGS = dict(zip('ABCD', np.eye(4, dtype=np.float32), strict=True))  # all 1 apart


def make_tracker() -> SegmentTracker:
    config = DriftConfig(threshold=0.4, release=0.75, confirm_s=0.5)
    return SegmentTracker(DriftDetector(config, CommonConfig(blur_s=0.0)))


def feed(
    tracker: SegmentTracker, letters: str, *, start_s: float = 0.0, rate_hz: float = 5.0
) -> list[SegmentUpdate]:
    """Feed one sample a letter and return all updates."""
    updates = []
    for index, letter in enumerate(letters):
        stamp_ns = round((start_s + index / rate_hz) * SECOND)
        updates += tracker.update(stamp_ns, MEANINGS[letter])
    return updates


def nearest(embedding: np.ndarray) -> str:
    return max(MEANINGS, key=lambda letter: float(MEANINGS[letter] @ embedding))


def summary(updates: Sequence[SegmentUpdate]) -> list[tuple[Phase, int, float, float, str]]:
    """Return phase, id, start and end in seconds, and the letter of each update."""
    for update in updates:
        assert update.embedding.dtype == np.float32
        assert np.linalg.norm(update.embedding) == pytest.approx(1.0, abs=1e-6)
    return [
        (
            update.phase,
            update.segment_id,
            update.start_ns / SECOND,
            update.end_ns / SECOND,
            nearest(update.embedding),
        )
        for update in updates
    ]


def test_still_stream_is_one_start() -> None:
    tracker = make_tracker()
    assert summary(feed(tracker, 'A' * 100)) == [(STARTED, 0, 0.0, 0.0, 'A')]
    assert summary(tracker.flush()) == [(ENDED, 0, 0.0, 19.8, 'A')]


def test_one_strange_sample_is_no_event_and_hardly_colours_the_segment() -> None:
    tracker = make_tracker()
    assert len(feed(tracker, 'AAAAABAAAAA')) == 1
    (ended,) = tracker.flush()
    assert float(ended.embedding @ MEANINGS['A']) > 0.99


@pytest.mark.parametrize(
    ('letters', 'expected'),
    [
        (
            'A' * 10 + 'B' * 10,
            [
                (STARTED, 0, 0.0, 0.0, 'A'),
                (ENDED, 0, 0.0, 2.0, 'A'),
                (STARTED, 1, 2.0, 2.6, 'B'),
                (ENDED, 1, 2.0, 3.8, 'B'),
            ],
        ),
        (
            'A' * 10 + 'B' * 5 + 'A' * 5,
            [
                (STARTED, 0, 0.0, 0.0, 'A'),
                (ENDED, 0, 0.0, 2.0, 'A'),
                (STARTED, 1, 2.0, 2.6, 'B'),
                (ENDED, 1, 2.0, 3.0, 'B'),
                (STARTED, 2, 3.0, 3.6, 'A'),
                (ENDED, 2, 3.0, 3.8, 'A'),
            ],
        ),
        (  # what is not confirmed at the end belongs to the last segment
            'A' * 10 + 'B',
            [(STARTED, 0, 0.0, 0.0, 'A'), (ENDED, 0, 0.0, 2.0, 'A')],
        ),
        (  # between two meanings there is a moment of something else
            'A' * 5 + 'CD' + 'B' * 5,
            [
                (STARTED, 0, 0.0, 0.0, 'A'),
                (ENDED, 0, 0.0, 1.4, 'A'),
                (STARTED, 1, 1.4, 2.0, 'B'),
                (ENDED, 1, 1.4, 2.2, 'B'),
            ],
        ),
        ('A', [(STARTED, 0, 0.0, 0.0, 'A'), (ENDED, 0, 0.0, 0.0, 'A')]),
        ('', []),
    ],
)
def test_segments(letters: str, expected: list[tuple[Phase, int, float, float, str]]) -> None:
    tracker = make_tracker()
    assert summary(feed(tracker, letters) + tracker.flush()) == expected


@pytest.mark.parametrize('rate_hz', [2.0, 5.0, 10.0, 30.0])
def test_start_does_not_depend_on_the_rate(rate_hz: float) -> None:
    count = round(3 * rate_hz)
    updates = feed(make_tracker(), 'A' * count + 'B' * count, rate_hz=rate_hz)
    assert [update.start_ns for update in updates] == [0, 0, 3 * SECOND]


def test_change_is_the_distance_to_the_segment_before() -> None:
    tracker = make_tracker()
    updates = feed(tracker, 'A' * 10 + 'B' * 10) + tracker.flush()
    assert [update.change for update in updates] == pytest.approx([0.0, 0.0, 1.0, 1.0], abs=1e-6)


@pytest.mark.parametrize('seed', range(10))
def test_no_gap_in_a_long_noisy_stream(seed: int) -> None:
    """Whatever comes: starts and ends alternate, each end is the next start, ids count up."""
    generator = np.random.default_rng(seed)
    letters = ''.join(
        str(letter) * int(count)
        for letter, count in zip(
            generator.choice(list('ABCD'), 60), generator.integers(1, 12, 60), strict=True
        )
    )
    tracker = make_tracker()
    updates = []
    for index, letter in enumerate(letters):
        noisy = MEANINGS[letter] + generator.normal(scale=0.15, size=4)
        updates += tracker.update(index * SECOND // 5, noisy / np.linalg.norm(noisy))
    updates += tracker.flush()
    starts, ends = updates[::2], updates[1::2]
    assert len(starts) > 10
    assert {update.phase for update in starts} == {STARTED}
    assert {update.phase for update in ends} == {ENDED}
    assert [update.segment_id for update in starts] == list(range(len(starts)))
    assert [update.segment_id for update in ends] == list(range(len(ends)))
    assert [update.start_ns for update in starts] == [update.start_ns for update in ends]
    assert [update.end_ns for update in ends[:-1]] == [update.start_ns for update in starts[1:]]
    assert updates[0].start_ns == 0
    assert updates[-1].end_ns == (len(letters) - 1) * SECOND // 5


def test_time_jumping_backwards_ends_the_segment_and_starts_anew() -> None:
    tracker = make_tracker()
    feed(tracker, 'A' * 10, start_s=100.0)
    updates = feed(tracker, 'A' * 10, start_s=50.0)
    assert summary(updates) == [(ENDED, 0, 100.0, 101.8, 'A'), (STARTED, 1, 50.0, 50.0, 'A')]
    assert updates[1].change == 0.0
    assert summary(tracker.flush()) == [(ENDED, 1, 50.0, 51.8, 'A')]


def test_a_suspicion_does_not_survive_the_jump() -> None:
    tracker = make_tracker()
    feed(tracker, 'A' * 10 + 'BB', start_s=100.0)
    updates = feed(tracker, 'A' + 'BB' + 'A' * 9, start_s=50.0)
    assert [update.phase for update in updates] == [ENDED, STARTED]


def test_equal_stamps_are_no_jump() -> None:
    tracker = make_tracker()
    updates = [*tracker.update(7, MEANINGS['A']), *tracker.update(7, MEANINGS['A'])]
    assert [update.phase for update in updates] == [STARTED]


def test_flush_forgets_the_stream() -> None:
    tracker = make_tracker()
    assert tracker.flush() == []
    feed(tracker, 'AAA')
    assert len(tracker.flush()) == 1
    assert tracker.flush() == []
    updates = tracker.update(0, np.array([0.0, 1.0]))  # another model, another length
    assert [(update.phase, update.segment_id) for update in updates] == [(STARTED, 1)]


@pytest.mark.parametrize(
    'wrong',
    [np.full(4, np.nan), np.array([np.inf, 0, 0, 0]), np.ones(3), np.ones((4, 1))],
    ids=['NaN', 'infinity', 'wrong length', 'wrong shape'],
)
@pytest.mark.parametrize('stamp_s', [1.0, 30.0], ids=['time backwards', 'time forwards'])
def test_error_leaves_the_state_unchanged(wrong: np.ndarray, stamp_s: float) -> None:
    """The updates are those of a stream without the wrong vector."""
    tracker, expected = make_tracker(), make_tracker()
    first, second = 'A' * 10 + 'B', 'B' * 10
    updates = feed(tracker, first, start_s=20.0)
    with pytest.raises(StreamError):
        tracker.update(round(stamp_s * SECOND), wrong)
    updates += feed(tracker, second, start_s=22.2) + tracker.flush()
    wanted = feed(expected, first, start_s=20.0)
    wanted += feed(expected, second, start_s=22.2) + expected.flush()
    assert summary(updates) == summary(wanted)
    assert len(updates) == 4
