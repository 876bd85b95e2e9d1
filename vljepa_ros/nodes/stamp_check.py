# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Whether a camera's stamps are of the node's clock, and what to do where they are not."""

from __future__ import annotations

import time
from collections.abc import Callable

from vljepa_ros.nodes.health import Health
from vljepa_ros.stream.stamps import SECOND_NS

# Further from the node's clock no delay lies: these are stamps of another clock.
OTHER_CLOCK_NS = 60 * SECOND_NS
# A simulated clock is heard sooner than this, if there is one.
SILENT_S = 2.0
LATENCY = 'latency'


def age_s(stamp_ns: int, *, now_ns: int) -> float | None:
    """Return how old a stamp is in seconds; None where the clock does not run or is another one.

    Args:
        stamp_ns: of an image, in nanoseconds.
        now_ns: the node's clock; a simulated one stands at 0 until it is heard.
    """
    age_ns = now_ns - stamp_ns
    return age_ns / SECOND_NS if now_ns and abs(age_ns) < OTHER_CLOCK_NS else None


class StampCheck:
    """Reports one camera whose stamps are of another clock, as long as they are."""

    def __init__(
        self, *, name: str, topic: str, health: Health, now_ns: Callable[[], int]
    ) -> None:
        """Create a check that has seen nothing.

        Args:
            name: the camera's name.
            topic: its topic, for messages.
            health: where it is reported.
            now_ns: the node's clock.
        """
        self._key = f'clock {name}'
        self._topic = topic
        self._health = health
        self._now_ns = now_ns
        self._silent_since_s: float | None = None
        self._is_apart = False

    def note(self, stamp_ns: int) -> None:
        """Look at the stamp of a new image."""
        now_ns = self._now_ns()
        if not now_ns:
            self._note_silence()
        elif age_s(stamp_ns, now_ns=now_ns) is None:
            self._silent_since_s = None
            self._report(self._other_clock(now_ns - stamp_ns))
        else:
            self._silent_since_s = None
            self._is_apart = False
            self._health.resolve(
                self._key, f"The stamps on {self._topic} are of this node's clock now"
            )

    def close(self) -> None:
        """Take back what is reported."""
        self._health.resolve(self._key)

    def _note_silence(self) -> None:
        now_s = time.monotonic()
        if self._silent_since_s is None:
            self._silent_since_s = now_s
        if now_s - self._silent_since_s >= SILENT_S:
            self._report(
                f'Images come in on {self._topic}, but no time on /clock, and use_sim_time is '
                'true. Latency is not measured. Play a recording with its clock (ros2 bag play '
                '--clock), or start the nodes with use_sim_time:=false'
            )

    def _report(self, sentence: str) -> None:
        if not self._is_apart:
            self._is_apart = True
            self._health.forget(LATENCY)  # what was measured before says nothing about now
        self._health.trouble(self._key, sentence)

    def _other_clock(self, apart_ns: int) -> str:
        side = 'before' if apart_ns > 0 else 'ahead of'
        return (
            f'Images on {self._topic} are stamped {abs(apart_ns) / SECOND_NS:.0f} s {side} this '
            "node's clock. Events carry the images' time; their latency is not measured. For a "
            'simulation or a recording, start the nodes with use_sim_time:=true, and play a '
            'recording with its clock (ros2 bag play --clock); for a camera, set the clocks of '
            'both machines alike'
        )
