# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which embeddings of a stream are kept: a still camera must not fill a disk."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from vljepa_ros.errors import ConfigurationError
from vljepa_ros.memory.row import Row
from vljepa_ros.stream.stamps import SECOND_NS

# A row that lasts is written anew that often.
STEP_NS = SECOND_NS


@dataclass(frozen=True)
class ThinningConfig:
    """What is kept of a stream.

    Attributes:
        min_interval_s: least time between the beginnings of two rows.
        max_interval_s: longest time that one row stands for.
        min_change: cosine distance from the last row below which a sample only lengthens it.
    """

    min_interval_s: float = 1.0
    max_interval_s: float = 60.0
    min_change: float = 0.05

    def __post_init__(self) -> None:
        """Reject values outside their ranges."""
        if not 0.0 <= self.min_interval_s <= self.max_interval_s < math.inf:
            raise ConfigurationError(
                f'min_interval_s is {self.min_interval_s}, max_interval_s {self.max_interval_s}; '
                'allowed is 0 ≤ min_interval_s ≤ max_interval_s'
            )
        if not 0.0 <= self.min_change <= 2.0:
            raise ConfigurationError(f'min_change is {self.min_change}; allowed is 0 to 2')


class Thinning:
    """Follows the samples of one stream (one camera, query and model).

    Attributes:
        row: the last one that was kept, lengthened by the samples that are like it.
    """

    def __init__(self) -> None:
        """Begin with nothing."""
        self.row: Row | None = None
        self._newest_ns = 0

    def take(self, sample: Row, config: ThinningConfig) -> bool:
        """Take the next sample.

        Args:
            sample: as a row.
            config: present settings.

        Returns:
            True if it is a row of its own; else `row` is another one if it has become longer.
        """
        row, newest_ns = self.row, self._newest_ns
        self._newest_ns = sample.stamp_ns
        if row is None or self._is_new(row, sample, newest_ns, config):
            self.row = sample
            return True
        lasts = sample.end_ns - row.end_ns >= STEP_NS
        if lasts and _distance(row, sample) <= config.min_change:
            self.row = replace(row, end_ns=sample.end_ns)
        return False

    def _is_new(self, row: Row, sample: Row, newest_ns: int, config: ThinningConfig) -> bool:
        if sample.stamp_ns < newest_ns:  # time has jumped back: a recording begins again
            return True
        since_s = (sample.stamp_ns - row.stamp_ns) / SECOND_NS
        silent_s = (sample.stamp_ns - newest_ns) / SECOND_NS
        if max(since_s, silent_s) >= config.max_interval_s:
            return True
        return since_s >= config.min_interval_s and _distance(row, sample) > config.min_change


def _distance(row: Row, sample: Row) -> float:
    return 1.0 - float(np.dot(row.vector, sample.vector))
