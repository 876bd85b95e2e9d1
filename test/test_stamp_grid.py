# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Cameras of different rates are sampled at the same moments of the stamps' clock."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from vljepa_ros.errors import ConfigurationError
from vljepa_ros.stream.stamp_grid import StampGrid
from vljepa_ros.stream.stamps import SECOND_NS


def samples(stamps_s, rate_hz: float) -> list[float]:
    grid = StampGrid(rate_hz)
    return [stamp_s for stamp_s in stamps_s if grid.is_due(round(stamp_s * SECOND_NS))]


@pytest.mark.parametrize('camera_hz', [10, 15, 30, 60])
@pytest.mark.parametrize('start_s', [0.0, 1_795_000_000.0])
def test_cameras_of_every_rate_give_the_same_moments(camera_hz, start_s):
    due = samples(start_s + np.arange(camera_hz * 3) / camera_hz, 5.0)
    np.testing.assert_allclose(np.array(due) - start_s, np.arange(1, 15) / 5.0, atol=1e-6)


def test_jitter_neither_doubles_nor_skips_a_moment():
    noise = np.random.default_rng(0).uniform(-0.004, 0.004, 300)
    due = samples(np.arange(300) / 30.0 + noise, 5.0)
    np.testing.assert_allclose(due, np.arange(1, len(due) + 1) / 5.0, atol=0.018)
    assert len(due) == 49


def test_a_slower_camera_gives_every_frame():
    assert len(samples(np.arange(10) / 2.0, 5.0)) == 9


def test_after_a_gap_one_sample_is_due():
    due = samples([0.0, 0.1, 0.2, 7.33, 7.43, 7.53, 7.63], 5.0)
    assert due == [0.2, 7.33, 7.63]


def test_a_jump_backwards_starts_anew():
    due = samples([*np.arange(0, 10) / 10.0 + 100.0, *np.arange(0, 10) / 10.0], 5.0)
    backwards = next(i for i, (a, b) in enumerate(itertools.pairwise(due)) if b < a)
    assert due[backwards + 1 :] == [0.2, 0.4, 0.6, 0.8]


@pytest.mark.parametrize('rate_hz', [0.0, -1.0, float('nan')])
def test_a_rate_must_be_positive(rate_hz):
    with pytest.raises(ConfigurationError, match='greater than 0'):
        StampGrid(rate_hz)
