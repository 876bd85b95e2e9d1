# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Tries a loaded engine: how long a clip takes, and whether texts are read and written."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass

import numpy as np

from vljepa_ros.errors import EngineError
from vljepa_ros.inference.engine import Engine

COUNT = 5
TEXT = 'the robot opens the drawer'
LONGEST_ERROR = 1e-2  # of a unit vector's length, in half precision


@dataclass(frozen=True)
class ClipTimes:
    """Milliseconds of a clip with one query, through X-Encoder and Predictor.

    Attributes:
        first_ms: of the first clip, in which libraries do what they do once.
        median_ms: of those that followed.
        count: how many followed.
    """

    first_ms: float
    median_ms: float
    count: int

    def __str__(self) -> str:
        """Return them in words."""
        return (
            f'the first clip took {self.first_ms:.0f} ms, the following ones {self.median_ms:.1f} '
            f'ms (median of {self.count})'
        )


def try_text(engine: Engine) -> None:
    """Embed a text and write it.

    Raises:
        EngineError: the engine failed.
    """
    engine.decode(engine.embed_text([TEXT]))


def time_clips(engine: Engine, *, count: int = COUNT) -> ClipTimes:
    """Run clips of noise.

    Args:
        engine: with X-Encoder and Predictor.
        count: clips after the first one.

    Raises:
        EngineError: the engine failed, or an answer is no unit vector.
    """
    config = engine.config
    size = config.image_size
    rng = np.random.default_rng(0)
    clip = rng.integers(0, 256, (1, config.clip_frames, size, size, 3), dtype=np.uint8)
    query = next(iter(config.queries), 'What is seen?')
    times = []
    for _ in range(1 + count):
        start = time.perf_counter()
        answer = engine.predict(engine.encode(clip), [query])
        times.append(1000.0 * (time.perf_counter() - start))
        length = float(np.linalg.norm(answer))
        if abs(length - 1.0) > LONGEST_ERROR:
            raise EngineError(
                f'An answer has the length {length:.3g} instead of 1 on {engine.info.backend} in '
                f'{engine.info.precision}. Use another backend or precision'
            )
    return ClipTimes(times[0], statistics.median(times[1:]), count)
