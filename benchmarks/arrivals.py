# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Embeddings as a planner gets them, with the moments at which they came."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from vljepa_ros.errors import EngineError

if TYPE_CHECKING:
    from vljepa_ros.client_types import EmbeddingSample


@dataclass(frozen=True)
class Arrival:
    """One embedding: its camera, the stamps of its clip and when it came, all in nanoseconds."""

    camera: str
    at_ns: int
    first_ns: int
    last_ns: int

    @property
    def latency_ms(self) -> float:
        """From the stamp of the newest image to the arrival of the embedding."""
        return (self.at_ns - self.last_ns) / 1e6

    @property
    def span_s(self) -> float:
        """From the oldest to the newest image of the clip."""
        return (self.last_ns - self.first_ns) / 1e9


class Arrivals:
    """Notes what comes; give `note` to `VljepaClient.on_embedding`."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._items: list[Arrival] = []
        self._changed = threading.Condition()

    def note(self, sample: EmbeddingSample) -> None:
        """Note an embedding."""
        now_ns = time.time_ns()  # the clock of the cameras' stamps
        item = Arrival(sample.camera, now_ns, sample.clip_start_ns, sample.clip_end_ns)
        with self._changed:
            self._items.append(item)
            self._changed.notify_all()

    def clear(self) -> None:
        """Forget what has come."""
        with self._changed:
            self._items.clear()

    def between(self, start_ns: int, end_ns: int) -> list[Arrival]:
        """Return what came within some time."""
        with self._changed:
            return [item for item in self._items if start_ns <= item.at_ns <= end_ns]

    def wait_for(
        self, enough: Callable[[Sequence[Arrival]], object], what: str, *, timeout_s: float
    ) -> list[Arrival]:
        """Wait until enough has come, and return it.

        Raises:
            EngineError: it has not; `what` says what was waited for.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: enough(self._items), timeout_s):
                raise EngineError(f'{what} has not come within {timeout_s:.0f} s')
            return list(self._items)


def percentile(values: Sequence[float], share: float) -> float:
    """Return a percentile; NaN of nothing."""
    return float(np.percentile(values, share)) if len(values) else float('nan')
