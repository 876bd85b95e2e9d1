# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The camera of an episode as a pinhole, equal to MuJoCo's free camera."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FOV_Y_DEG = 40.0


@dataclass(frozen=True)
class Camera:
    """Free camera that looks at a point.

    Attributes:
        azimuth_deg: Heading of the view; 90 looks along +y.
        elevation_deg: Angle of the camera above the table plane, 0..90.
        distance: Metres between the camera and `look_at`.
        look_at: World point in the middle of the picture, metres.
    """

    azimuth_deg: float
    elevation_deg: float
    distance: float
    look_at: tuple[float, float, float]

    @property
    def right(self) -> tuple[float, float]:
        """Unit vector on the table that points right in the picture."""
        azimuth = math.radians(self.azimuth_deg)
        return math.sin(azimuth), -math.cos(azimuth)

    def project(
        self, points: NDArray[np.float64], *, width: int, height: int
    ) -> NDArray[np.float64]:
        """Project world points.

        Args:
            points: [..., 3] in metres.
            width: Picture width in pixels.
            height: Picture height in pixels.

        Returns:
            [..., 3]: u (right) and v (down) in pixels from the top left corner, and pixels per
            metre at that depth.
        """
        azimuth, elevation = math.radians(self.azimuth_deg), math.radians(self.elevation_deg)
        cos_e, sin_e = math.cos(elevation), math.sin(elevation)
        cos_a, sin_a = math.cos(azimuth), math.sin(azimuth)
        forward = np.array([cos_e * cos_a, cos_e * sin_a, -sin_e])
        right = np.array([sin_a, -cos_a, 0.0])
        up = np.array([sin_e * cos_a, sin_e * sin_a, cos_e])
        offset = np.asarray(points, dtype=np.float64) - np.array(self.look_at)
        depth = offset @ forward + self.distance
        scale = 0.5 * height / math.tan(math.radians(FOV_Y_DEG) / 2) / depth
        return np.stack(
            [width / 2 + (offset @ right) * scale, height / 2 - (offset @ up) * scale, scale],
            axis=-1,
        )
