# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""How far the meaning of a stream strayed in its last seconds."""

from __future__ import annotations

from collections import deque

import cv2
import numpy as np

from vljepa_ros.stream.stamps import SECOND_NS
from vljepa_ros.view.lettering import Colour

SPAN_S = 30.0
MOST_POINTS = 3000  # 100 a second
MARK = 0.5  # the dashed line
LEAST_TOP = 0.6  # where the upper edge is at least
GROUND: Colour = (38, 41, 46)
DASHES: Colour = (126, 133, 143)
LINE: Colour = (91, 170, 226)
CHANGE: Colour = (240, 160, 60)


class ChangeCurve:
    """The last seconds of a stream: distances from its segments' means, and the changes."""

    def __init__(self) -> None:
        """Create a curve without points."""
        self._points: deque[tuple[int, float]] = deque(maxlen=MOST_POINTS)
        self._changes: deque[int] = deque(maxlen=MOST_POINTS)

    @property
    def newest_ns(self) -> int | None:
        """The moment of the newest point."""
        return self._points[-1][0] if self._points else None

    @property
    def points(self) -> list[tuple[int, float]]:
        """The moments in nanoseconds and the distance at each, the oldest first."""
        return list(self._points)

    @property
    def changes(self) -> list[int]:
        """The moments of the changes in nanoseconds, in the order in which they were found."""
        return list(self._changes)

    def add(self, moment_ns: int, distance: float) -> None:
        """Add a point; time that jumps backwards begins anew.

        Args:
            moment_ns: in nanoseconds.
            distance: of the sample to the mean of its segment before it, 0 to 2.
        """
        newest_ns = self.newest_ns
        if newest_ns is not None and moment_ns < newest_ns:
            self._points.clear()
            self._changes.clear()
        self._points.append((moment_ns, distance))
        oldest_ns = moment_ns - round(SPAN_S * SECOND_NS)
        while self._points[0][0] < oldest_ns:
            self._points.popleft()
        while self._changes and self._changes[0] < oldest_ns:
            self._changes.popleft()

    def copy(self) -> ChangeCurve:
        """Return the curve as it is now."""
        other = ChangeCurve()
        other._points, other._changes = self._points.copy(), self._changes.copy()
        return other

    def mark(self, moment_ns: int) -> None:
        """Note that there was a change."""
        self._changes.append(moment_ns)

    def draw(self, image: np.ndarray, *, now_ns: int) -> None:
        """Fill an image with the curve; the right edge is now.

        Args:
            image: RGB uint8 [H, W, 3]; it is changed.
            now_ns: in nanoseconds.
        """
        height, width = image.shape[:2]
        image[:] = GROUND
        span_ns = SPAN_S * SECOND_NS
        top = max(LEAST_TOP, *(1.05 * distance for _, distance in self._points), 0.0)

        def x(moment_ns: int) -> int:
            return round((width - 1) * (1.0 - (now_ns - moment_ns) / span_ns))

        def y(distance: float) -> int:
            return round((height - 1) * (1.0 - max(distance, 0.0) / top))

        mark, dash = y(MARK), max(2, width // 100)
        for left in range(0, width, 2 * dash):
            image[mark, left : left + dash] = DASHES
        stroke = max(1, height // 30)
        for moment_ns in self._changes:
            if moment_ns <= now_ns:
                place = x(moment_ns)
                cv2.line(image, (place, 0), (place, height - 1), CHANGE, stroke)
        path = np.array(
            [(x(moment), y(distance)) for moment, distance in self._points if moment <= now_ns],
            dtype=np.int32,
        )
        if len(path) > 1:
            cv2.polylines(image, [path], False, LINE, stroke, cv2.LINE_AA)
