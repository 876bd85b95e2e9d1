# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Chooses the frames of a stream at which the model runs, by stamp and not by count."""

from __future__ import annotations

from vljepa_ros.errors import ConfigurationError
from vljepa_ros.stream.stamps import SECOND_NS


class StampGrid:
    """Picks the frame nearest to each multiple of `1 / rate_hz` of the stamps' clock.

    Recordings of one scene at 10, 15 and 30 Hz therefore give samples at the same moments.
    """

    def __init__(self, rate_hz: float) -> None:
        """Create a grid.

        Args:
            rate_hz: samples a second, at most; a slower camera gives one for each frame.

        Raises:
            ConfigurationError: the rate is not positive.
        """
        if not rate_hz > 0.0:
            raise ConfigurationError(f'rate_hz is {rate_hz}; it must be greater than 0')
        self.rate_hz = rate_hz
        self._step_ns = round(SECOND_NS / rate_hz)
        self._last_ns: int | None = None
        self._last_moment = 0

    def is_due(self, stamp_ns: int) -> bool:
        """Take the next frame's stamp; return whether this frame is a sample.

        The first frame never is one, nor the first after time has jumped backwards.
        """
        previous_ns, self._last_ns = self._last_ns, stamp_ns
        if previous_ns is None or stamp_ns < previous_ns:
            self._last_moment = stamp_ns // self._step_ns
            return False
        # A moment belongs to this frame rather than to the next one from half an interval ahead.
        ahead_ns = min(stamp_ns - previous_ns, self._step_ns) // 2
        moment = (stamp_ns + ahead_ns) // self._step_ns
        if moment <= self._last_moment:
            return False
        self._last_moment = moment
        return True
