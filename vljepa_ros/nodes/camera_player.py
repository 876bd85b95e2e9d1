# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Plays frames in time with a ROS clock, in a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

from rclpy.clock import ROSClock

from vljepa_ros.stream.stamps import SECOND_NS
from vljepa_ros.stream.video_source import Frame

# Later than this, frames are left out until the schedule is met again.
MAX_LATE_NS = SECOND_NS // 2
SIMULATED_CLOCK_POLL_S = 0.002


class Player:
    """Shows each frame when the clock reaches its time.

    The first frame is due at a whole second of the clock, and stamps are the times that the
    frames are due, not the times at which the thread woke: two players of one video have the same
    picture at the same fraction of a second, at whatever rate.
    """

    def __init__(
        self,
        frames: Iterable[Frame],
        *,
        clock: ROSClock,
        show: Callable[[Frame, int], None],
        is_ready: Callable[[], bool],
        on_end: Callable[[Exception | None, int], None],
    ) -> None:
        """Start to play.

        Args:
            frames: the frames in the order of their times.
            clock: the clock of the stamps; with simulated time it may stand still.
            show: takes a frame and its stamp in nanoseconds.
            is_ready: playing begins when it returns True.
            on_end: takes the error that ended the frames, if any, and the number of frames left
                out; is not called after `stop`.
        """
        self._frames = frames
        self._clock = clock
        self._show = show
        self._is_ready = is_ready
        self._on_end = on_end
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name='vljepa_player', daemon=True)
        self._thread.start()

    def stop(self, *, timeout_s: float = 1.0) -> None:
        """Stop, at once unless a frame is being decoded or shown."""
        self._stopped.set()
        self._thread.join(timeout_s)

    def _run(self) -> None:
        error: Exception | None = None
        left_out = 0
        try:
            left_out = self._play()
        except Exception as problem:
            error = problem
        if not self._stopped.is_set():
            self._on_end(error, left_out)

    def _play(self) -> int:
        while not self._is_ready():
            if self._stopped.wait(0.05):
                return 0
        while self._now_ns() == 0:  # simulated time has not begun
            if self._stopped.wait(SIMULATED_CLOCK_POLL_S):
                return 0
        left_out = 0
        start_ns = -(-self._now_ns() // SECOND_NS) * SECOND_NS
        for frame in self._frames:
            due_ns = start_ns + round(frame.time_s * SECOND_NS)
            if self._now_ns() - due_ns > MAX_LATE_NS:
                left_out += 1
                continue
            if not self._sleep_until(due_ns):
                break
            self._show(frame, due_ns)
        return left_out

    def _now_ns(self) -> int:
        return int(self._clock.now().nanoseconds)

    def _sleep_until(self, due_ns: int) -> bool:
        """Wait for a time of the clock; return False if the player was stopped.

        Not `Clock.sleep_until`: every call of it leaves a callback in the context for ever.
        """
        while (left_ns := due_ns - self._now_ns()) > 0:
            # Simulated time has no fixed relation to real time: look often.
            real = not self._clock.ros_time_is_active
            if self._stopped.wait(left_ns / SECOND_NS if real else SIMULATED_CLOCK_POLL_S):
                return False
        return not self._stopped.is_set()
