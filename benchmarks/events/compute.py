# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What following a stream takes in all: embedding, detecting and decoding."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from benchmarks.events.quiet_streams import HOUR_S
from training.evaluation.intervals import exact
from training.evaluation.results import Results
from training.evaluation.streams import Stream
from vljepa_ros.inference import Engine
from vljepa_ros.stream.changes.choice import DEFAULT, DETECTORS
from vljepa_ros.stream.changes.detector import CommonConfig

DETECTOR_ROUNDS = 2000  # samples that the detector's cost is measured with
ENGINE_ROUNDS = 20


def add_compute(
    results: Results, engine: Engine, stream: Stream, *, decodes_per_hour: float
) -> None:
    """Add the detector's cost, and what an hour of a stream takes.

    Args:
        results: get the metrics.
        engine: the model.
        stream: what the detector's cost is measured on.
        decodes_per_hour: of the node as it is set by default.
    """
    config = engine.config
    clip = np.zeros(
        (1, config.clip_frames, config.image_size, config.image_size, 3), dtype=np.uint8
    )
    embed_s = _median_s(lambda: engine.predict(engine.encode(clip), ['caption']))
    decode_s = _median_s(lambda: engine.decode(np.eye(1, config.embedding_dim, dtype=np.float32)))
    samples = config.clip_fps * HOUR_S
    sample_us = detector_us(stream)
    parts = {
        'embedding': samples * embed_s,
        'detector': samples * sample_us / 1e6,
        'decoding': decodes_per_hour * decode_s,
        'decoding_uniform_1hz': HOUR_S * decode_s,
    }
    results.add('events.detector_us', exact(sample_us, DETECTOR_ROUNDS))
    for name, seconds in parts.items():
        results.add(f'events.compute_s_per_hour.{name}', exact(seconds))


def detector_us(stream: Stream) -> float:
    """Return the median microseconds that the default detector takes for a sample."""
    found = DETECTORS[DEFAULT](CommonConfig())
    times = []
    for number in range(DETECTOR_ROUNDS):
        embedding = stream.embeddings[number % len(stream.embeddings)]
        start_ns = time.perf_counter_ns()
        found.update(number * 200_000_000, embedding)
        times.append((time.perf_counter_ns() - start_ns) / 1e3)
    return float(np.median(times))


def _median_s(call: Callable[[], object]) -> float:
    times = []
    for _ in range(ENGINE_ROUNDS):
        start_s = time.perf_counter()
        call()
        times.append(time.perf_counter() - start_s)
    return float(np.median(times))
