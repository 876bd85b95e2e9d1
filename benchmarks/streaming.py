# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Minutes of one camera: embeddings a second, the age of the frame used, memory.

    python -m benchmarks.streaming --minutes 5 --json benchmarks/results/streaming.json

A 640×480 video is played in a loop at 30 Hz by a camera process; the nodes run in another one;
this one subscribes as a planner would. The age is measured here, on arrival: now minus the stamp
of the newest frame of the embedding's clip.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np

from benchmarks.graph import camera, pipeline, prepare, process, resident_mb
from training.evaluation.intervals import exact
from training.evaluation.results import Results, add_result_arguments
from vljepa_ros.resources import find_resource

MINUTES = 5.0
QUICK_MINUTES = 1.5  # the least that has a first minute, and a second one to compare memory with


def measure(
    results: Results, video: Path, *, model: str, rate_hz: float, embedding_rate_hz: float
) -> None:
    """Play a video for some minutes; add the figures, every age and every memory reading."""
    minutes = float(results.settings['minutes'])
    from vljepa_ros.client import EmbeddingSample, VljepaClient

    ages: list[tuple[float, float]] = []
    memory: list[tuple[float, float]] = []

    def note(sample: EmbeddingSample) -> None:
        ages.append((time.monotonic(), (time.time_ns() - sample.stamp_ns) / 1e6))

    with (
        process(*pipeline(model, rate_hz=embedding_rate_hz)) as nodes,
        VljepaClient(name='benchmark') as client,
    ):
        for node in ('perception', 'event'):
            if not client.wait_until_active(node, timeout_s=120.0):
                raise SystemExit(f'The node {node} did not become active')
        client.on_embedding(note)
        with process(*camera(video, rate_hz=rate_hz, loop=True)):
            while not ages:
                time.sleep(0.1)
            start_s = time.monotonic()
            while (now_s := time.monotonic()) - start_s < minutes * 60.0:
                memory.append((now_s - start_s, resident_mb(nodes.pid)))
                time.sleep(1.0)
            health = client.diagnostics('perception')
    within = [(at_s - start_s, age) for at_s, age in ages if at_s - start_s <= minutes * 60.0]
    counted = {
        'frames_in': float(health['frames_in']),
        'samples_dropped': float(health['frames_dropped']),
    }
    for name, value in (summarise(within, memory, minutes=minutes) | counted).items():
        results.add(name, exact(value))
    results.raw |= {
        'ages_ms': [[round(at_s, 3), round(age, 2)] for at_s, age in within],
        'memory_mb': [[round(at_s, 1), round(mb, 2)] for at_s, mb in memory],
    }


def summarise(
    ages: list[tuple[float, float]], memory: list[tuple[float, float]], *, minutes: float
) -> dict[str, float]:
    """Compare the first minute with the last one."""
    times, values = np.array(ages).T
    clock, megabytes = np.array(memory).T
    first, last = times < 60.0, times >= (minutes - 1.0) * 60.0
    first_p99, last_p99 = np.percentile(values[first], 99), np.percentile(values[last], 99)
    # Memory after one minute, when everything is loaded, and at the end: medians of 10 s.
    after_one = float(np.median(megabytes[(clock >= 60.0) & (clock < 70.0)]))
    at_end = float(np.median(megabytes[clock >= minutes * 60.0 - 10.0]))
    return {
        'embeddings_per_s': len(values) / (minutes * 60.0),
        'age_p50_ms': float(np.percentile(values, 50)),
        'age_p99_first_minute_ms': float(first_p99),
        'age_p99_last_minute_ms': float(last_p99),
        'age_p99_ratio': float(last_p99 / first_p99),
        'memory_after_minute_1_mb': after_one,
        'memory_at_end_mb': at_end,
        'memory_growth': at_end / after_one - 1.0,
    }


def main() -> None:
    """Measure from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--video', type=Path, default=find_resource('samples/tabletop.mp4'))
    parser.add_argument('--model', default='tiny')
    parser.add_argument('--rate', type=float, default=30.0, help='images a second')
    parser.add_argument('--embedding-rate', type=float, default=7.5, help='asked for, a second')
    parser.add_argument('--minutes', type=float, default=MINUTES, help='more than 2')
    add_result_arguments(parser, quick=f'{QUICK_MINUTES:g} minutes')
    options = parser.parse_args()
    prepare(domain_id=91)
    settings = {
        'video': options.video.name,
        'model': options.model,
        'rate_hz': options.rate,
        'embedding_rate_hz': options.embedding_rate,
        'minutes': QUICK_MINUTES if options.quick else options.minutes,
    }
    results = Results('streaming', quick=options.quick, settings=settings)
    measure(
        results,
        options.video,
        model=options.model,
        rate_hz=options.rate,
        embedding_rate_hz=options.embedding_rate,
    )
    for name, score in results.scores.items():
        print(f'{name} {score.value:.3f}')
    if options.json is not None:
        results.write(options.json)


if __name__ == '__main__':
    main()
