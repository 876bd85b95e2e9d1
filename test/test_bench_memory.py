# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`vljepa bench memory`: the streams it makes up, and its sums on a small real memory."""

from __future__ import annotations

import os

import numpy as np
import pytest

pytest.importorskip('lancedb', reason='the memory needs lancedb')
pytest.importorskip('tqdm', reason='the benchmarks show a bar')

from benchmarks.command import parser  # noqa: E402
from benchmarks.memory import run  # noqa: E402
from benchmarks.memory_streams import World  # noqa: E402
from vljepa_ros.errors import ConfigurationError  # noqa: E402


def test_neighbours_are_as_alike_as_the_page_says():
    world = World.draw(dim=256, seed=0)
    vectors = np.concatenate(list(world.stream(0, 5000)))
    assert vectors.shape == (5000, 256)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)
    cosines = (vectors[1:] * vectors[:-1]).sum(axis=1)
    assert np.median(cosines) == pytest.approx(0.98, abs=0.005)
    scenes = world.scenes.reshape(-1, 256)
    nearest = (world.searches(200) @ scenes.T).max(axis=1)
    assert np.median(nearest[::2]) == pytest.approx(0.7, abs=0.05)
    assert np.median(nearest[1::2]) > 0.9


def test_a_small_memory_finds_all_that_is_nearest(tmp_path):
    cores = os.sched_getaffinity(0)
    command = ['memory', '--rows', '800', '--dim', '16', '--searches', '4', '--rounds', '2']
    try:
        results = run(parser().parse_args([*command, '--folder', str(tmp_path / 'memory')]))
    finally:
        os.sched_setaffinity(0, cores)
    score = {name: item.value for name, item in results.scores.items()}
    assert score['memory.recall10'] == pytest.approx(1.0), 'without an index nothing is missed'
    assert len(results.raw['memory.search_ms']) == 8
    assert score['memory.search_p95_ms'] >= score['memory.search_p50_ms'] > 0.0
    size = sum(path.stat().st_size for path in (tmp_path / 'memory').rglob('*') if path.is_file())
    assert score['memory.size_mb'] <= size / 1e6
    assert score['memory.bytes_per_row'] == pytest.approx(score['memory.size_mb'] * 1e6 / 800)


@pytest.mark.parametrize('wrong', [['--rows', '7'], ['--searches', '0'], ['--dim', '0']])
def test_too_little_is_refused(wrong):
    with pytest.raises(ConfigurationError, match='allowed are'):
        run(parser().parse_args(['memory', *wrong]))
