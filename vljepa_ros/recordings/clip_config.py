# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a recorder keeps, and what it counts."""

from __future__ import annotations

import math
from dataclasses import dataclass

from vljepa_ros.errors import ConfigurationError

MEGABYTE = 1_000_000


@dataclass(frozen=True)
class ClipConfig:
    """What is kept.

    Attributes:
        before_s: seconds before a change.
        after_s: seconds after an event, unless its segment ends before.
        max_clip_s: longest clip; what goes on longer goes on in the next one.
        buffer_bytes: of messages in memory: of the seconds before, and of what waits for the disk.
    """

    before_s: float = 5.0
    after_s: float = 5.0
    max_clip_s: float = 60.0
    buffer_bytes: int = 256 * MEGABYTE

    def __post_init__(self) -> None:
        """Reject values outside their ranges."""
        good = 0.0 <= self.before_s < math.inf and 0.0 <= self.after_s < math.inf
        if not good or not self.max_clip_s > 0.0 or self.buffer_bytes < 1:
            raise ConfigurationError(
                f'before_s {self.before_s} and after_s {self.after_s} must be 0 or more and '
                f'finite, max_clip_s {self.max_clip_s} and buffer_bytes {self.buffer_bytes} '
                'greater than 0'
            )


@dataclass
class ClipCounts:
    """What has been done so far.

    Attributes:
        clips: complete ones.
        messages: written ones.
        written_bytes: of the messages in complete clips.
        lost: messages that did not fit the buffer, since the disk was too slow.
    """

    clips: int = 0
    messages: int = 0
    written_bytes: int = 0
    lost: int = 0
