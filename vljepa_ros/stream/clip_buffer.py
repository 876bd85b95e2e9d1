# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Collects a camera's frames and cuts clips out of them, by stamp and not by count."""

from __future__ import annotations

import enum
import math
from collections import deque
from dataclasses import dataclass

import numpy as np

from vljepa_ros.errors import ConfigurationError
from vljepa_ros.stream.image_ops import Picture, to_model_view
from vljepa_ros.stream.stamps import SECOND_NS

# Frames kept for each frame of a clip: a faster camera is thinned out, so memory is bounded.
# With 16, clips of 4 Hz or more choose among all the frames of a 60 Hz camera.
FRAMES_KEPT_PER_STEP = 16
# So many late frames in a row are not out of order, but of another time: queues of images, ROS's
# among them, rarely hold more, so one frame does not overtake more.
LATE_FRAMES_OF_A_JUMP = 5


class Arrival(enum.Enum):
    """What became of a frame.

    ADDED: it is the newest now. REPEATED: left out, the newest has the same stamp. LATE: left out,
    a newer one came before it. RESTARTED: time has jumped backwards; it is the only one now.
    """

    ADDED = 1
    REPEATED = 2
    LATE = 3
    RESTARTED = 4


@dataclass(frozen=True)
class Clip:
    """One clip: frames uint8 [T, S, S, 3], RGB, and the stamp of each in nanoseconds."""

    frames: np.ndarray
    stamps_ns: tuple[int, ...]

    @property
    def first_stamp_ns(self) -> int:
        """Stamp of the oldest frame."""
        return self.stamps_ns[0]

    @property
    def last_stamp_ns(self) -> int:
        """Stamp of the newest frame."""
        return self.stamps_ns[-1]


class ClipBuffer:
    """A ring of shrunk frames.

    A clip ends at the newest frame and reaches back in steps of `1 / clip_fps`; for each step the
    frame nearest in time is taken. A 15 Hz and a 30 Hz camera therefore give the same clips.

    Attributes:
        image_size: side of the frames in pixels.
    """

    def __init__(
        self,
        *,
        clip_frames: int,
        clip_fps: float,
        image_size: int,
        max_gap_s: float | None = None,
    ) -> None:
        """Create an empty buffer.

        Args:
            clip_frames: frames of a clip, T.
            clip_fps: frames a second within a clip.
            image_size: side S of the square frames in pixels.
            max_gap_s: how far a frame may lie from the moment that it stands for; the default is
                one step, `1 / clip_fps`.

        Raises:
            ConfigurationError: a value is not positive and finite.
        """
        values = (clip_frames, clip_fps, image_size, 1.0 if max_gap_s is None else max_gap_s)
        if not all(0 < value < math.inf for value in values):
            raise ConfigurationError(
                f'clip_frames {clip_frames}, clip_fps {clip_fps}, image_size {image_size} and '
                f'max_gap_s {max_gap_s} must all be positive and finite'
            )
        self.image_size = image_size
        self._step_ns = round(SECOND_NS / clip_fps)
        self._clip_frames = clip_frames
        self._max_gap_ns = self._step_ns if max_gap_s is None else round(max_gap_s * SECOND_NS)
        self._frames: deque[tuple[int, np.ndarray]] = deque()
        self._late_in_a_row = 0

    def __len__(self) -> int:
        """Return the number of frames held."""
        return len(self._frames)

    @property
    def span_ns(self) -> int:
        """Time from a clip's first to its last moment in nanoseconds."""
        return (self._clip_frames - 1) * self._step_ns

    @property
    def longest_interval_s(self) -> float:
        """How far images may be apart, in seconds, so that every clip is complete."""
        return 2 * self._max_gap_ns / SECOND_NS

    @property
    def newest_ns(self) -> int | None:
        """Stamp of the newest frame, None while empty."""
        return self._frames[-1][0] if self._frames else None

    def clear(self) -> None:
        """Forget all frames."""
        self._frames.clear()
        self._late_in_a_row = 0

    def push(self, stamp_ns: int, image: np.ndarray | Picture) -> Arrival:
        """Add a frame if it is newer than the others.

        An older one is late, unless it shows that time has jumped backwards: it is older than all
        frames held or by more than a clip, or only older ones have come for a while, as from a
        recording that is shorter than a clip and starts again.

        Args:
            stamp_ns: the frame's stamp in nanoseconds.
            image: RGB uint8 [H, W, 3] of any size, or a picture.

        Returns:
            What became of it.

        Raises:
            ImageError: the array is not a picture; the buffer is unchanged.
        """
        if stamp_ns == self.newest_ns:
            return Arrival.REPEATED
        view = to_model_view(image, self.image_size)
        if self._is_late(stamp_ns):
            self._late_in_a_row += 1
            if self._late_in_a_row < LATE_FRAMES_OF_A_JUMP:
                return Arrival.LATE
        jumped = self.newest_ns is not None and stamp_ns < self.newest_ns
        if jumped:
            self.clear()
        self._append(stamp_ns, view)
        return Arrival.RESTARTED if jumped else Arrival.ADDED

    def _is_late(self, stamp_ns: int) -> bool:
        if not self._frames:
            return False
        oldest_ns, newest_ns = self._frames[0][0], self._frames[-1][0]
        return max(oldest_ns, newest_ns - self.span_ns) <= stamp_ns < newest_ns

    def _append(self, stamp_ns: int, view: np.ndarray) -> None:
        self._late_in_a_row = 0
        # The newest frame always stays, its predecessor goes if it is too near to the one before.
        spacing = self._step_ns // FRAMES_KEPT_PER_STEP
        if len(self._frames) > 1 and self._frames[-1][0] - self._frames[-2][0] < spacing:
            self._frames.pop()
        self._frames.append((stamp_ns, view))
        # One frame stays from before the clip's first moment: it may be the nearest to it.
        while len(self._frames) > 1 and self._frames[1][0] <= stamp_ns - self.span_ns:
            self._frames.popleft()

    def clip(self) -> Clip | None:
        """Return the clip that ends at the newest frame.

        Returns:
            None while the frames do not reach back far enough or leave a gap longer than
            `max_gap_s`.
        """
        if not self._frames:
            return None
        stamps = np.array([stamp for stamp, _ in self._frames], dtype=np.int64)
        steps = np.arange(self._clip_frames - 1, -1, -1, dtype=np.int64)
        wanted = stamps[-1] - steps * self._step_ns  # [T], oldest first
        distance = np.abs(stamps[None, :] - wanted[:, None])  # [T, frames]
        nearest = distance.argmin(axis=1)
        if distance[np.arange(self._clip_frames), nearest].max() > self._max_gap_ns:
            return None
        # A camera that has just started does not reach back yet, even within the allowed gap.
        if stamps[0] - wanted[0] > self._step_ns // 4:
            return None
        return Clip(
            frames=np.stack([self._frames[index][1] for index in nearest]),
            stamps_ns=tuple(int(stamps[index]) for index in nearest),
        )
