# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The start of the nodes: time to the first embedding, memory, and what must be installed."""

from __future__ import annotations

import statistics
import time

from benchmarks.environment_size import closure, required, sizes_mb
from benchmarks.graph import process, resident_mb
from benchmarks.load import peak_resident_mb
from benchmarks.node_setup import SIZES, START_TIMEOUT_S, Setup, listener, source, up
from training.evaluation.intervals import exact
from training.evaluation.results import Results

CAMERA_RATE_HZ = 30.0
FOREVER_S = 3600.0


def measure_start(
    results: Results, setup: Setup, *, starts: int, rate_hz: float, settle_s: float
) -> None:
    """Start the nodes some times beside a camera that runs already, and add `start.*`.

    The first start, which may have to measure the backends, only warms the caches.

    Args:
        results: get the metrics.
        setup: what is started.
        starts: how many are measured.
        rate_hz: embeddings a second that are asked for.
        settle_s: seconds from the first embedding until the memory is read.
    """
    firsts_s, spans_s, resident, peak = [], [], [], []
    play = source(
        ['front'],
        size=SIZES['640x480'],
        transport='raw',
        rate_hz=CAMERA_RATE_HZ,
        seconds=FOREVER_S,
        report=setup.folder / 'start.json',
        wait=False,
    )
    with listener() as (_, arrivals), process(*play) as camera:
        for number in range(1 + starts):
            print(f'start {number} of {starts}', flush=True)
            arrivals.clear()
            begin_ns = time.time_ns()
            with process(*up(setup, ['front'], rate_hz=rate_hz)) as nodes:
                first, *_ = arrivals.wait_for(
                    len, 'The first embedding', timeout_s=START_TIMEOUT_S
                )
                if number == 0:
                    continue
                time.sleep(settle_s)
                resident.append(resident_mb(nodes.pid))
                peak.append(peak_resident_mb(nodes.pid))
            firsts_s.append((first.at_ns - begin_ns) / 1e9)
            spans_s.append(first.span_s)
        if camera.poll() is not None:
            results.notes.append('start: the camera ended too early')
    first_s, span_s = statistics.median(firsts_s), statistics.median(spans_s)
    results.add('start.first_embedding_s', exact(first_s, starts), raw=firsts_s)
    results.add('start.clip_s', exact(span_s, starts))
    results.add('start.first_embedding_less_clip_s', exact(first_s - span_s, starts))
    results.add('start.rss_mb', exact(statistics.median(resident), starts), raw=resident)
    results.add('start.peak_rss_mb', exact(statistics.median(peak), starts), raw=peak)


def measure_environment(results: Results) -> None:
    """Add the size of the packages that the robot's environment has beside ROS."""
    packages = closure(required())
    sizes = sizes_mb(packages.items())
    results.add('start.env_mb', exact(sum(sizes.values()), len(sizes)), raw=sizes)
    for name in sorted(set(packages) - set(sizes)):
        results.notes.append(f'{name} lists no files, its size is not counted')
