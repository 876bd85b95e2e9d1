# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Clips hold the same moments whatever the camera does, and memory stays bounded."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest

pytest.importorskip('cv2')

from vljepa_ros.errors import ConfigurationError, ImageError  # noqa: E402
from vljepa_ros.stream.clip_buffer import LATE_FRAMES_OF_A_JUMP, Arrival, ClipBuffer  # noqa: E402

SECOND = 1_000_000_000
SIZE = 4
START_NS = 1_700_000_000 * SECOND  # stamps of a wall clock, beyond what a float resolves


def make_buffer(clip_fps: float = 5.0, max_gap_s: float | None = None) -> ClipBuffer:
    """Return a buffer for clips of 8 frames; at 5 Hz they span 1.4 s."""
    return ClipBuffer(clip_frames=8, clip_fps=clip_fps, image_size=SIZE, max_gap_s=max_gap_s)


def picture(seconds: float) -> np.ndarray:
    """Return a picture whose colour tells its time, to 10 ms and up to 10 s."""
    return np.full((SIZE, SIZE, 3), (0, *divmod(round(seconds * 100), 100)), np.uint8)


def feed(buffer: ClipBuffer, times_s: Iterable[float]) -> list[Arrival]:
    return [
        buffer.push(START_NS + round(seconds * SECOND), picture(seconds)) for seconds in times_s
    ]


def camera(rate_hz: float, *, start_s: float = 0.0, end_s: float) -> list[float]:
    count = round((end_s - start_s) * rate_hz)
    return [start_s + index / rate_hz for index in range(count + 1)]


def moments(buffer: ClipBuffer) -> list[float] | None:
    """Return the times of the clip's frames in seconds, checked against the pictures."""
    clip = buffer.clip()
    if clip is None:
        return None
    assert clip.frames.shape == (8, SIZE, SIZE, 3)
    assert clip.frames.dtype == np.uint8
    assert (clip.first_stamp_ns, clip.last_stamp_ns) == (clip.stamps_ns[0], clip.stamps_ns[-1])
    times = [(stamp - START_NS) / SECOND for stamp in clip.stamps_ns]
    for frame, seconds in zip(clip.frames, times, strict=True):
        assert np.array_equal(frame, picture(seconds)), 'a frame and its stamp differ'
    return times


@pytest.mark.parametrize('clip_fps', [5.0, 4.0])
@pytest.mark.parametrize('rate_hz', [10, 15, 25, 30, 60])
def test_frames_lie_on_the_grid(rate_hz: float, clip_fps: float) -> None:
    buffer = make_buffer(clip_fps)
    feed(buffer, camera(rate_hz, end_s=3.0))
    wanted = [3.0 - step / clip_fps for step in range(7, -1, -1)]
    # Five divides all these rates, so the moments are the same exactly.
    tolerance = 1e-6 if clip_fps == 5.0 else 0.5 / rate_hz + 1e-6
    assert moments(buffer) == pytest.approx(wanted, abs=tolerance)


@pytest.mark.parametrize('rate_hz', [10, 15, 25, 30, 60])
def test_newest_frame_is_always_the_last(rate_hz: float) -> None:
    buffer = make_buffer()
    for index, seconds in enumerate(camera(rate_hz, end_s=4.0)):
        feed(buffer, [seconds])
        times = moments(buffer)
        if times is None:
            continue
        assert times[-1] == pytest.approx(seconds, abs=1e-6)
        wanted = [seconds - step / 5.0 for step in range(7, -1, -1)]
        tolerance = 0.5 / rate_hz if index > 2 * rate_hz else 0.05  # a quarter step at the start
        assert times == pytest.approx(wanted, abs=tolerance + 1e-6)


@pytest.mark.parametrize('rate_hz', [10, 30, 60])
def test_jitter(rate_hz: float) -> None:
    noise = np.random.default_rng(0).uniform(-0.2, 0.2, 1000)
    buffer = make_buffer()
    times = np.array(camera(rate_hz, end_s=5.0))
    feed(buffer, times + noise[: len(times)] / rate_hz)
    found = moments(buffer)
    assert found is not None
    wanted = [found[-1] - step / 5.0 for step in range(7, -1, -1)]
    assert found == pytest.approx(wanted, abs=1.0 / rate_hz)


@pytest.mark.parametrize('rate_hz', [5, 10, 15, 30, 60, 200])
def test_first_clip_comes_after_the_full_span(rate_hz: float) -> None:
    buffer = make_buffer()
    first = None
    for seconds in camera(rate_hz, end_s=2.0):
        feed(buffer, [seconds])
        if first is None and buffer.clip() is not None:
            first = seconds
    assert first is not None
    assert 1.4 - 0.05 <= first <= 1.4 + 1e-6  # a quarter step early at most


def test_empty() -> None:
    buffer = make_buffer()
    assert buffer.clip() is None
    assert buffer.newest_ns is None


@pytest.mark.parametrize(
    ('rate_hz', 'max_gap_s', 'has_clip'),
    [
        (5.0, None, True),
        (4.0, None, True),
        (3.0, None, True),
        (2.5, None, True),  # every frame stands for two moments, one step away at most
        (2.0, 0.15, False),
        (1.0, None, False),
        (1.0, 0.5, True),
    ],
)
def test_slow_camera(rate_hz: float, max_gap_s: float | None, has_clip: bool) -> None:
    buffer = make_buffer(max_gap_s=max_gap_s)
    feed(buffer, camera(rate_hz, end_s=6.0))
    times = moments(buffer)
    assert (times is not None) == has_clip
    if times is not None:
        wanted = [6.0 - step / 5.0 for step in range(7, -1, -1)]
        assert times == pytest.approx(wanted, abs=0.5 / rate_hz + 1e-6)


@pytest.mark.parametrize(('pause_s', 'has_clip'), [(0.1, True), (0.35, True), (0.6, False)])
def test_pause(pause_s: float, has_clip: bool) -> None:
    """No moment of a clip is further than one step, 0.2 s, from the frame that shows it."""
    buffer = make_buffer()
    feed(buffer, camera(30, end_s=2.0))
    feed(buffer, camera(30, start_s=2.0 + pause_s, end_s=2.5 + pause_s))
    assert (moments(buffer) is not None) == has_clip


def test_clips_come_back_a_span_after_a_long_pause() -> None:
    """The span may lack one step, which the first frame after the pause stands for."""
    buffer = make_buffer()
    feed(buffer, camera(30, end_s=2.0))
    for seconds in camera(30, start_s=4.0, end_s=6.0):
        feed(buffer, [seconds])
        times = moments(buffer)
        if seconds < 4.0 + 1.4 - 0.2 - 1e-6:
            assert times is None
        if seconds >= 4.0 + 1.4:
            assert times is not None
            assert min(times) >= 4.0


def test_time_jumping_backwards_starts_anew() -> None:
    buffer = make_buffer()
    feed(buffer, camera(30, start_s=3.0, end_s=6.0))
    assert buffer.clip() is not None
    assert feed(buffer, [1.0]) == [Arrival.RESTARTED]
    assert buffer.clip() is None
    assert buffer.newest_ns == START_NS + SECOND
    feed(buffer, camera(30, start_s=1.0 + 1 / 30, end_s=3.0))
    times = moments(buffer)
    assert times is not None
    assert max(times) == pytest.approx(3.0)


def test_duplicate_stamp_is_ignored() -> None:
    buffer = make_buffer()
    feed(buffer, camera(10, end_s=2.0))
    before = moments(buffer)
    repeated = buffer.push(START_NS + 2 * SECOND, np.zeros((SIZE, SIZE, 3), np.uint8))
    assert repeated is Arrival.REPEATED
    assert moments(buffer) == before


@pytest.mark.parametrize('back_s', [0.01, 0.1, 1.39])
def test_a_late_frame_is_left_out(back_s: float) -> None:
    buffer = make_buffer()
    assert set(feed(buffer, camera(30, end_s=2.0))) == {Arrival.ADDED}
    before = moments(buffer)
    assert before is not None
    assert feed(buffer, [2.0 - back_s]) == [Arrival.LATE]
    assert moments(buffer) == before
    assert feed(buffer, [2.1]) == [Arrival.ADDED]
    assert moments(buffer) is not None


def test_frames_in_disorder_give_the_clips_of_those_in_order() -> None:
    swapped, ordered = make_buffer(), make_buffer()
    times = camera(30, end_s=4.0)[:-1]
    for first, second in zip(times[::2], times[1::2], strict=True):
        assert feed(swapped, [second, first])[0] is Arrival.ADDED
    feed(ordered, times[1::2])
    assert moments(swapped) == moments(ordered)
    assert moments(swapped) is not None


def test_a_second_of_late_frames_between_newer_ones_changes_nothing() -> None:
    """Two cameras on one topic, the clock of one a second behind: that of the other counts."""
    buffer = make_buffer()
    feed(buffer, camera(30, end_s=2.0))
    for seconds in camera(30, start_s=2.1, end_s=4.0):
        assert feed(buffer, [seconds, seconds - 1.0]) == [Arrival.ADDED, Arrival.LATE]
    assert moments(buffer) is not None


def test_further_back_than_a_clip_is_a_jump() -> None:
    buffer = make_buffer()
    feed(buffer, camera(10, end_s=2.0))
    # A frame from before the clip is held, so this one is not older than all.
    assert len(buffer) > 1
    assert feed(buffer, [0.59]) == [Arrival.RESTARTED]
    assert len(buffer) == 1


def test_older_than_the_oldest_frame_is_a_jump() -> None:
    buffer = make_buffer()
    feed(buffer, [1.0, 1.1, 1.2])
    assert feed(buffer, [0.95, 1.0]) == [Arrival.RESTARTED, Arrival.ADDED]


@pytest.mark.parametrize('rate_hz', [5, 10, 30, 60])
@pytest.mark.parametrize('length_s', [0.4, 1.0])
def test_a_recording_shorter_than_a_clip_that_starts_again_is_a_jump(
    length_s: float, rate_hz: float
) -> None:
    buffer = make_buffer()
    recording = camera(rate_hz, end_s=length_s)
    feed(buffer, recording)
    again = feed(buffer, recording * LATE_FRAMES_OF_A_JUMP)
    assert again[0] is Arrival.LATE
    assert Arrival.RESTARTED in again


def test_after_a_small_jump_clips_come_back() -> None:
    buffer = make_buffer()
    feed(buffer, camera(30, end_s=3.0))
    arrivals = feed(buffer, camera(30, start_s=2.0, end_s=4.0))
    assert arrivals.count(Arrival.LATE) == LATE_FRAMES_OF_A_JUMP - 1
    assert arrivals.count(Arrival.RESTARTED) == 1
    times = moments(buffer)
    assert times is not None
    assert min(times) > 2.1


def test_clear() -> None:
    buffer = make_buffer()
    feed(buffer, camera(10, end_s=2.0))
    buffer.clear()
    assert (buffer.clip(), buffer.newest_ns) == (None, None)


def test_memory_of_a_fast_camera_is_bounded() -> None:
    size, rate_hz, seconds = 16, 1000, 6
    buffer = ClipBuffer(clip_frames=8, clip_fps=5.0, image_size=size)
    image = np.zeros((size, size, 3), np.uint8)
    tracemalloc.start()
    try:
        for index in range(rate_hz * seconds):
            buffer.push(index * SECOND // rate_hz, image)
        used, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    frames_kept = used / image.nbytes
    # 16 frames a step, 7 steps, some more; each has some bytes beside its pixels.
    assert frames_kept < 1.6 * 16 * 8
    clip = buffer.clip()
    assert clip is not None
    wanted = [clip.last_stamp_ns - step * SECOND // 5 for step in range(7, -1, -1)]
    assert np.abs(np.subtract(clip.stamps_ns, wanted)).max() <= SECOND // 5 // 16


@pytest.mark.parametrize('shape', [(1, 1), (1, 500), (97, 31), (480, 640), (3, 4), (4, 4)])
def test_pictures_of_any_size(shape: tuple[int, int]) -> None:
    buffer = make_buffer()
    for index in range(8):
        buffer.push(index * SECOND // 5, np.full((*shape, 3), 10 * index, np.uint8))
    clip = buffer.clip()
    assert clip is not None
    assert clip.frames.shape == (8, SIZE, SIZE, 3)
    assert clip.frames[:, 0, 0, 0].tolist() == [10 * index for index in range(8)]


def test_size_may_change_on_the_way() -> None:
    buffer = make_buffer()
    for index in range(8):
        buffer.push(index * SECOND // 5, np.zeros((8 + index, 90 - index, 3), np.uint8))
    assert buffer.clip() is not None


def test_pictures_are_copied() -> None:
    buffer = make_buffer()
    image = np.zeros((SIZE, SIZE, 3), np.uint8)
    for index in range(8):
        image[:] = index
        buffer.push(index * SECOND // 5, image)
    clip = buffer.clip()
    assert clip is not None
    assert clip.frames[:, 0, 0, 0].tolist() == list(range(8))
    clip.frames[:] = 99
    again = buffer.clip()
    assert again is not None
    assert again.frames.max() == 7


@pytest.mark.parametrize(
    'wrong',
    [
        np.zeros((4, 4, 3), np.float32),
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((0, 4, 3), np.uint8),
    ],
    ids=lambda array: f'{array.dtype}{list(array.shape)}',
)
@pytest.mark.parametrize('stamp_s', [2.1, 0.0])
def test_wrong_picture_leaves_the_buffer_unchanged(wrong: np.ndarray, stamp_s: float) -> None:
    buffer = make_buffer()
    feed(buffer, camera(10, end_s=2.0))
    before = moments(buffer)
    with pytest.raises(ImageError, match='uint8'):
        buffer.push(START_NS + round(stamp_s * SECOND), wrong)
    assert before is not None
    assert moments(buffer) == before


@pytest.mark.parametrize('clip_frames', [1, 2])
def test_short_clips(clip_frames: int) -> None:
    buffer = ClipBuffer(clip_frames=clip_frames, clip_fps=5.0, image_size=SIZE)
    buffer.push(0, picture(0.0))
    clip = buffer.clip()
    assert (clip is not None) == (clip_frames == 1)


@pytest.mark.parametrize(
    'wrong',
    [
        {'clip_frames': 0},
        {'clip_fps': 0.0},
        {'clip_fps': -5.0},
        {'clip_fps': float('nan')},
        {'clip_fps': float('inf')},
        {'image_size': 0},
        {'max_gap_s': 0.0},
        {'max_gap_s': float('nan')},
    ],
    ids=str,
)
def test_wrong_settings(wrong: dict[str, float]) -> None:
    settings: dict[str, Any] = {'clip_frames': 8, 'clip_fps': 5.0, 'image_size': SIZE} | wrong
    with pytest.raises(ConfigurationError, match=next(iter(wrong))):
        ClipBuffer(**settings)
