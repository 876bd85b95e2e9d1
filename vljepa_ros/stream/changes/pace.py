# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""How often changes may come: a least and a greatest time between them, and a budget."""

from __future__ import annotations

import math
from dataclasses import dataclass

from vljepa_ros.errors import ConfigurationError
from vljepa_ros.stream.stamps import SECOND_NS

MINUTE_NS = 60 * SECOND_NS
FREE_SHARE = 0.5  # of the budget; spending it changes nothing
STRICTEST = 4.0  # how much more a change must be worth just before the budget is spent


@dataclass(frozen=True)
class PaceConfig:
    """Settings of `Pace`.

    Attributes:
        min_interval_s: a change that comes earlier after the last one waits, and is found late or,
            if the meaning comes back, not at all.
        max_interval_s: after so long a segment is ended, and a new one started; 0 is never.
        per_minute: changes a minute that are allowed in the long run; as many may come at once.
            The nearer they come to it, the more a change must be worth. 0 is any number.
    """

    min_interval_s: float = 0.0
    max_interval_s: float = 0.0
    per_minute: float = 0.0

    def __post_init__(self) -> None:
        """Reject values outside their ranges."""
        for name in ('min_interval_s', 'max_interval_s', 'per_minute'):
            if not 0.0 <= getattr(self, name) < math.inf:
                raise ConfigurationError(f'{name} is {getattr(self, name)}; use 0 or more')
        if 0.0 < self.max_interval_s < self.min_interval_s:
            raise ConfigurationError(
                f'max_interval_s {self.max_interval_s} is less than min_interval_s '
                f'{self.min_interval_s}; use at least as much, or 0 for no limit'
            )
        if 0.0 < self.per_minute < 1.0:
            raise ConfigurationError(
                f'changes_per_minute is {self.per_minute}; use 1 or more, or 0'
            )


class Pace:
    """Keeps account of the changes: a bucket that each fills by one, and that leaks."""

    def __init__(self, config: PaceConfig) -> None:
        """Create an account without changes."""
        self.config = config
        self._last_ns: int | None = None
        self._spent, self._spent_ns = 0.0, 0

    def note(self, stamp_ns: int) -> None:
        """Note a change."""
        self._spent = self._level(stamp_ns) + 1.0
        self._spent_ns = self._last_ns = stamp_ns

    def strictness(self, stamp_ns: int) -> float:
        """Return how much more than usual a change must be worth now: 1 or more; inf is none."""
        least_ns = self.config.min_interval_s * SECOND_NS
        if self._last_ns is not None and stamp_ns - self._last_ns < least_ns:
            return math.inf
        budget = self.config.per_minute
        if not budget:
            return 1.0
        level = self._level(stamp_ns)
        if level + 1.0 > budget + 1e-9:
            return math.inf
        used = max(0.0, level / budget - FREE_SHARE) / (1.0 - FREE_SHARE)
        return 1.0 + (STRICTEST - 1.0) * used

    def is_overdue(self, stamp_ns: int) -> bool:
        """Return whether the segment has lasted long enough."""
        longest_ns = self.config.max_interval_s * SECOND_NS
        overdue = longest_ns > 0 and self._last_ns is not None
        return overdue and stamp_ns - (self._last_ns or 0) >= longest_ns

    def _level(self, stamp_ns: int) -> float:
        leaked = self.config.per_minute * (stamp_ns - self._spent_ns) / MINUTE_NS
        return max(0.0, self._spent - leaked)
