# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Means of a stream's embeddings over any time that has passed."""

from __future__ import annotations

import bisect

import numpy as np

# At 5 Hz the last three minutes sample by sample, and hours more coarsely.
MOST = 1024


class RunningMeans:
    """Keeps sums of a stream's vectors in constant space; older times are kept more coarsely."""

    def __init__(self) -> None:
        """Begin with nothing."""
        # The moment of a sample, and the sum and number of all samples until then.
        self._moments: list[int] = []
        self._sums: list[np.ndarray] = []
        self._counts: list[int] = []

    def add(self, moment_ns: int, vector: np.ndarray) -> None:
        """Take the next sample.

        Args:
            moment_ns: its moment; where time runs back, all before is forgotten.
            vector: [D].
        """
        values = vector.astype(np.float64)
        if self._moments and (moment_ns < self._moments[-1] or len(self._sums[-1]) != len(values)):
            self._moments, self._sums, self._counts = [], [], []
        self._sums.append(values + self._sums[-1] if self._sums else values)
        self._counts.append(1 + (self._counts[-1] if self._counts else 0))
        self._moments.append(moment_ns)
        if len(self._moments) >= MOST:
            older = MOST // 2
            self._moments[:older] = self._moments[:older:2]
            self._sums[:older] = self._sums[:older:2]
            self._counts[:older] = self._counts[:older:2]

    def mean(self, start_ns: int, end_ns: int) -> np.ndarray | None:
        """Return the mean float32 [D] of the samples in a time.

        Args:
            start_ns: first moment.
            end_ns: last moment.

        Returns:
            None if there is no sample in it.
        """
        first = bisect.bisect_left(self._moments, start_ns)
        after = bisect.bisect_right(self._moments, end_ns)
        if after <= first:
            return None
        total, count = self._sums[after - 1], self._counts[after - 1]
        if first:
            total, count = total - self._sums[first - 1], count - self._counts[first - 1]
        return (total / count).astype(np.float32)
