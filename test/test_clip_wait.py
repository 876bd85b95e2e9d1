# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A camera that cannot give clips is noticed; one that can is left in peace, whatever happens."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest

pytest.importorskip('cv2')

from vljepa_ros.stream.clip_buffer import Arrival, ClipBuffer  # noqa: E402
from vljepa_ros.stream.clip_wait import STANDING_IMAGES, ClipWait  # noqa: E402

SECOND = 1_000_000_000
PICTURE = np.zeros((4, 4, 3), np.uint8)


class Camera:
    """A buffer for clips of 8 frames at 5 Hz (1.4 s), and what is said about it."""

    def __init__(self) -> None:
        self.buffer = ClipBuffer(clip_frames=8, clip_fps=5.0, image_size=4)
        self.wait = ClipWait(self.buffer.span_ns)

    def play(self, times_s: Iterable[float]) -> list[bool]:
        """Return after each image whether the wait for a clip is too long."""
        found = []
        for seconds in times_s:
            stamp_ns = round(seconds * SECOND)
            arrival = self.buffer.push(stamp_ns, PICTURE)
            if arrival is not Arrival.LATE:
                self.wait.add(stamp_ns)
            if arrival is not Arrival.REPEATED and self.buffer.clip() is not None:
                self.wait.restart()
            found.append(self.wait.is_too_long)
        return found


def steady(rate_hz: float, *, start_s: float = 0.0, length_s: float = 30.0) -> np.ndarray:
    return start_s + np.arange(round(length_s * rate_hz) + 1) / rate_hz


@pytest.mark.parametrize('rate_hz', [0.2, 0.5, 1.0, 1.5])
def test_a_slow_camera_is_noticed(rate_hz: float) -> None:
    camera = Camera()
    found = camera.play(steady(rate_hz))
    assert not any(found[:2])
    assert found[-1]
    assert camera.wait.rate_hz == pytest.approx(rate_hz)
    assert camera.wait.longest_gap_s == pytest.approx(1.0 / rate_hz)
    assert 1.0 / rate_hz > camera.buffer.longest_interval_s


@pytest.mark.parametrize('rate_hz', [2.5, 5.0, 15.0, 30.0])
def test_a_camera_that_is_fast_enough_is_not(rate_hz: float) -> None:
    camera = Camera()
    assert 1.0 / rate_hz <= camera.buffer.longest_interval_s
    assert not any(camera.play(steady(rate_hz)))


@pytest.mark.parametrize('start_s', [0.1, 0.7, 1.3, 5.0])
def test_a_pause_is_no_reason(start_s: float) -> None:
    camera = Camera()
    before = steady(30.0, length_s=start_s)
    assert not any(camera.play([*before, *steady(30.0, start_s=1000.0)]))


def test_a_jump_of_time_is_no_reason() -> None:
    camera = Camera()
    assert not any(camera.play([*steady(30.0, start_s=500.0, length_s=1.3), *steady(30.0)]))


def test_a_clip_ends_the_wait() -> None:
    camera = Camera()
    assert camera.play(steady(1.0))[-1]
    found = camera.play(steady(30.0, start_s=30.0))
    assert found[0]
    assert not any(found[60:])


@pytest.mark.parametrize('rate_hz', [5.0, 30.0])
def test_a_looped_recording_shorter_than_a_clip_is_noticed(rate_hz: float) -> None:
    camera = Camera()
    found = camera.play([*steady(rate_hz, length_s=1.0)] * 20)
    assert found[-1]
    assert camera.wait.jumps > 0


@pytest.mark.parametrize('seconds_before', [0.0, 1.0, 20.0])
def test_a_stamp_that_stands_still_is_noticed(seconds_before: float) -> None:
    camera = Camera()
    before = steady(30.0, length_s=seconds_before)
    found = camera.play([*before, *[before[-1]] * STANDING_IMAGES])
    assert found[-1]
    assert camera.wait.stands_still
    assert not any(found[:-1])
    assert not camera.play([before[-1] + 0.1])[-1]


def test_images_that_come_twice_are_no_reason() -> None:
    camera = Camera()
    assert not any(camera.play(np.repeat(steady(30.0), 2)))
