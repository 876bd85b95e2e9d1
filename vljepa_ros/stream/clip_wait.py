# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Measures how long a camera's images have given no clip, and why."""

from __future__ import annotations

from vljepa_ros.stream.stamps import SECOND_NS

MARGIN_NS = SECOND_NS
# Images with one stamp give no time to measure.
STANDING_IMAGES = 50


class ClipWait:
    """Counts images since the last clip, in the clock of their stamps.

    A recording that is played slowly, or a slow simulation, is therefore no reason to worry.

    Attributes:
        jumps: how often time went backwards.
    """

    def __init__(self, span_ns: int) -> None:
        """Create a wait that has seen no image.

        Args:
            span_ns: time from a clip's first to its last frame in nanoseconds.
        """
        # A jump of time just before the first clip costs another span.
        self._patience_ns = 2 * span_ns + MARGIN_NS
        self._last_ns: int | None = None
        self.restart()

    def restart(self) -> None:
        """A clip has come: count anew."""
        self.jumps = self._standing = self._intervals = 0
        self._elapsed_ns = self._longest_ns = 0

    def add(self, stamp_ns: int) -> None:
        """Take the next image's stamp in nanoseconds."""
        previous_ns, self._last_ns = self._last_ns, stamp_ns
        if previous_ns is None:
            return
        interval_ns = stamp_ns - previous_ns
        self._standing = 0 if interval_ns else self._standing + 1
        if interval_ns > 0:
            self._intervals += 1
            self._elapsed_ns += interval_ns
            self._longest_ns = max(self._longest_ns, interval_ns)
        elif interval_ns < 0:
            self.jumps += 1

    @property
    def stands_still(self) -> bool:
        """Whether many images in a row had one stamp."""
        return self._standing >= STANDING_IMAGES

    @property
    def is_too_long(self) -> bool:
        """Whether a good camera would have given a clip, one pause allowed."""
        return self.stands_still or self._elapsed_ns - self._longest_ns > self._patience_ns

    @property
    def rate_hz(self) -> float:
        """Images a second; 0 before the second one."""
        return self._intervals * SECOND_NS / self._elapsed_ns if self._elapsed_ns else 0.0

    @property
    def longest_gap_s(self) -> float:
        """Longest time between two images in seconds."""
        return self._longest_ns / SECOND_NS
