# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The gate before the model: still scenes are known in spite of noise, small motion is seen."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from vljepa_ros.stream.clip_buffer import Clip
from vljepa_ros.stream.stamps import SECOND_NS
from vljepa_ros.stream.still_gate import REFRESH_NS, StillGate

SIZE, FRAMES = 128, 8
STEP_NS = SECOND_NS // 5
THRESHOLD = 3.0


def room() -> np.ndarray:
    """Return a picture with large and small patterns."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(40, 216, (8, 8, 3), dtype=np.uint8)
    image = cv2.resize(coarse, (SIZE, SIZE), interpolation=cv2.INTER_CUBIC).astype(int)
    return np.clip(image + rng.integers(-20, 21, image.shape), 0, 255).astype(np.uint8)


def clip(frames: np.ndarray, *, end_ns: int) -> Clip:
    stamps = tuple(end_ns - step * STEP_NS for step in range(FRAMES - 1, -1, -1))
    return Clip(frames, stamps)


def still(image: np.ndarray, *, end_ns: int = 0, noise: float = 0.0, seed: int = 0) -> Clip:
    rng = np.random.default_rng(seed)
    frames = image + rng.normal(0.0, noise or 1e-9, (FRAMES, *image.shape))
    return clip(np.clip(frames.round(), 0, 255).astype(np.uint8), end_ns=end_ns)


def with_ball(image: np.ndarray, *, x: int, radius: int = 4) -> np.ndarray:
    shown = image.copy()
    cv2.circle(shown, (x, SIZE // 2), radius, (200, 30, 30), -1)
    return shown


@pytest.mark.parametrize('noise', [0.0, 1.0, 3.0])
def test_a_still_scene_is_still_in_spite_of_noise(noise):
    gate = StillGate()
    answers = [
        gate.is_still(
            still(room(), end_ns=index * STEP_NS, noise=noise, seed=index), threshold=THRESHOLD
        )
        for index in range(10)
    ]
    assert answers == [False] + [True] * 9


@pytest.mark.parametrize(
    ('before', 'after'),
    [
        (room(), with_ball(room(), x=60)),
        (with_ball(room(), x=60), with_ball(room(), x=64)),
        (room(), np.clip(room().astype(int) + 6, 0, 255).astype(np.uint8)),
    ],
    ids=['a small thing appears', 'it moves by half its width', 'it becomes brighter'],
)
def test_what_changes_is_seen_in_a_single_frame(before, after):
    gate = StillGate()
    gate.is_still(still(before, noise=2.0), threshold=THRESHOLD)
    frames = still(before, noise=2.0, seed=1).frames.copy()
    frames[-1] = after
    assert not gate.is_still(clip(frames, end_ns=STEP_NS), threshold=THRESHOLD)


def test_slow_changes_add_up():
    gate = StillGate()
    levels = [
        still(np.full((SIZE, SIZE, 3), 100 + index, np.uint8), end_ns=index * STEP_NS)
        for index in range(9)
    ]
    answers = [gate.is_still(item, threshold=THRESHOLD) for item in levels]
    assert answers == [False, True, True, True, False, True, True, True, False]


def test_the_model_looks_again_after_a_while():
    gate = StillGate()
    image = room()
    assert not gate.is_still(still(image), threshold=THRESHOLD)
    assert gate.is_still(still(image, end_ns=REFRESH_NS - 1), threshold=THRESHOLD)
    assert not gate.is_still(still(image, end_ns=REFRESH_NS), threshold=THRESHOLD)


def test_time_that_jumps_back_is_looked_at():
    gate = StillGate()
    gate.is_still(still(room(), end_ns=100 * STEP_NS), threshold=THRESHOLD)
    assert not gate.is_still(still(room()), threshold=THRESHOLD)


def test_a_threshold_of_zero_lets_everything_through():
    gate = StillGate()
    assert not any(gate.is_still(still(room()), threshold=0.0) for _ in range(3))
    assert not gate.is_still(still(room()), threshold=THRESHOLD)
    assert gate.is_still(still(room()), threshold=THRESHOLD)


def test_a_clip_with_motion_is_no_measure_for_the_stillness_after_it():
    gate = StillGate()
    images = [with_ball(room(), x=30 + 5 * step) for step in range(FRAMES)]
    images += [images[-1]] * (FRAMES + 2)
    answers = [
        gate.is_still(
            clip(np.stack(images[end - FRAMES : end]), end_ns=end * STEP_NS), threshold=THRESHOLD
        )
        for end in range(FRAMES, len(images) + 1)
    ]
    # Still only once the whole clip shows the end, and has been looked at.
    assert answers == [False] * FRAMES + [True] * 3
