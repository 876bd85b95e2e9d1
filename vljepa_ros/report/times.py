# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Moments in words, and the marks of a time axis."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone

from vljepa_ros.stream.stamps import SECOND_NS

STEPS_S = (
    1,
    2,
    5,
    10,
    15,
    30,
    60,
    120,
    300,
    600,
    900,
    1800,
    3600,
    7200,
    14400,
    21600,
    43200,
    86400,
)
MOST_MARKS = 6
# Stamps after this are those of a clock, and not the time since a start.
CLOCK_NS = 315_532_800 * SECOND_NS  # 1980


@dataclass(frozen=True)
class Period:
    """From the first to the last moment of a report, in nanoseconds."""

    first_ns: int
    last_ns: int

    @property
    def length_ns(self) -> int:
        """At least a nanosecond."""
        return max(1, self.last_ns - self.first_ns)

    @property
    def has_clock(self) -> bool:
        """Whether the moments are those of a clock."""
        return self.first_ns > CLOCK_NS

    def share(self, moment_ns: int) -> float:
        """Return where a moment lies, 0 to 1."""
        return min(1.0, max(0.0, (moment_ns - self.first_ns) / self.length_ns))

    def since(self, moment_ns: int) -> str:
        """Return a moment as the time since the first, such as 1:02:03.4."""
        return clock_time((moment_ns - self.first_ns) / SECOND_NS)

    def marks(self) -> list[tuple[float, str]]:
        """Return round moments for an axis: where they lie, 0 to 1, and how they are called."""
        length_s = self.length_ns / SECOND_NS
        step_s = next((step for step in STEPS_S if length_s / step <= MOST_MARKS), 0)
        step_s = step_s or 86400 * (1 + int(length_s / MOST_MARKS / 86400))
        count = int(length_s / step_s)
        return [
            (n * step_s / length_s, clock_time(n * step_s, tenths=False)) for n in range(count + 1)
        ]


def clock_time(seconds: float, *, tenths: bool = True) -> str:
    """Return seconds as 2:03.4, or 1:02:03.4 from an hour on."""
    count = round(max(0.0, seconds) * 10)
    whole, tenth = divmod(count, 10)
    hours, rest = divmod(whole, 3600)
    minutes, second = divmod(rest, 60)
    text = f'{hours}:{minutes:02d}:{second:02d}' if hours else f'{minutes}:{second:02d}'
    return f'{text}.{tenth}' if tenths else text


def date_time(moment_ns: int) -> str:
    """Return a moment of a clock in UTC, to the second."""
    moment = datetime.fromtimestamp(moment_ns // SECOND_NS, timezone.utc)
    return f'{moment:%Y-%m-%d %H:%M:%S}'
