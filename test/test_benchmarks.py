# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the benchmarks make of their samples; the measurements themselves need real nodes."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.camera_rates import add_cosines
from benchmarks.streaming import QUICK_MINUTES, summarise
from training.evaluation.results import Results


@pytest.mark.parametrize('minutes', [5.0, QUICK_MINUTES])
def test_streaming_compares_the_first_minute_with_the_last(minutes):
    seconds = minutes * 60.0
    ages = [(at_s, 100.0 if at_s < 60.0 else 150.0) for at_s in np.arange(0.0, seconds, 0.5)]
    memory = [(at_s, 400.0 + (8.0 if at_s > 75.0 else 0.0)) for at_s in np.arange(0.0, seconds)]
    found = summarise(ages, memory, minutes=minutes)
    assert found['embeddings_per_s'] == pytest.approx(2.0)
    assert found['age_p99_first_minute_ms'] == 100.0
    assert found['age_p99_last_minute_ms'] == 150.0
    assert found['memory_after_minute_1_mb'] == 400.0
    assert found['memory_growth'] == pytest.approx(0.02)


def test_camera_rates_compare_the_same_moments():
    vectors = np.eye(4, dtype=np.float32)
    times_s = np.array([0.0, 0.2, 0.4, 0.6])
    plays = {10.0: (vectors, times_s), 30.0: (vectors[:3], times_s[:3] + 0.01)}
    results = Results('camera_rates', quick=True)
    add_cosines(results, plays)
    assert results.scores['compared.10_30'].value == 3  # the fourth moment is in one play only
    assert results.scores['cosine_median.10_30'].value == 1.0
    assert results.raw['cosines.10_30'] == [1.0, 1.0, 1.0]
