# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The camera of an episode as a pinhole, equal to MuJoCo's free camera, and how it moves."""

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


@dataclass(frozen=True)
class CameraPath:
    """A camera that stays, or sways slowly about a middle view.

    Attributes:
        base: The middle view.
        azimuth_deg: Amplitude of the heading.
        elevation_deg: Amplitude of the elevation.
        distance: Amplitude of the distance, metres.
        shift: Amplitude of `look_at`, metres.
        period_s: Time of a whole swing.
        phase: Where in the swing time 0 is, radians.
    """

    base: Camera
    azimuth_deg: float = 0.0
    elevation_deg: float = 0.0
    distance: float = 0.0
    shift: tuple[float, float, float] = (0.0, 0.0, 0.0)
    period_s: float = 10.0
    phase: float = 0.0

    @property
    def moves(self) -> bool:
        """Whether the view changes at all."""
        return any((self.azimuth_deg, self.elevation_deg, self.distance, *self.shift))

    def at(self, time_s: float) -> Camera:
        """Return the view at a moment (seconds, any real number)."""
        if not self.moves:
            return self.base
        turn = 2.0 * math.pi * time_s / self.period_s + self.phase
        # The second, slower wave keeps all parts from turning back at the same moment.
        swing, drift = math.sin(turn), math.sin(0.62 * turn + 1.3)
        x, y, z = self.base.look_at
        dx, dy, dz = self.shift
        return Camera(
            azimuth_deg=self.base.azimuth_deg + swing * self.azimuth_deg,
            elevation_deg=self.base.elevation_deg + drift * self.elevation_deg,
            distance=self.base.distance + drift * self.distance,
            look_at=(x + swing * dx, y + drift * dy, z + drift * dz),
        )


def _outside(
    rng: np.random.Generator, below: tuple[float, float], above: tuple[float, float]
) -> float:
    return float(rng.uniform(*(below if rng.random() < 0.5 else above)))


def draw_camera(rng: np.random.Generator, *, unseen: bool) -> Camera:
    """Draw the view of an episode.

    Args:
        rng: Source of randomness.
        unseen: Take azimuth, elevation and distance outside the ranges of training.
    """
    if unseen:
        azimuth = _outside(rng, (-32.0, -24.0), (24.0, 32.0))
        elevation = _outside(rng, (29.0, 33.0), (57.0, 64.0))
        distance = float(rng.uniform(0.765, 0.785))
    else:
        azimuth = float(rng.uniform(-20.0, 20.0))
        elevation = float(rng.uniform(35.0, 55.0))
        distance = float(rng.uniform(0.70, 0.76))
    return Camera(
        azimuth_deg=90.0 + azimuth,
        elevation_deg=elevation,
        distance=distance,
        look_at=(float(rng.uniform(-0.02, 0.02)), float(rng.uniform(0.0, 0.05)), 0.075),
    )


def draw_motion(rng: np.random.Generator, camera: Camera) -> CameraPath:
    """Let about a third of the cameras sway or pan by a few degrees and centimetres."""
    chance = rng.random()
    if chance > 0.34:
        return CameraPath(camera)
    slow = chance > 0.17  # a pan takes longer than an episode's action, a sway does not
    signs = rng.choice((-1.0, 1.0), size=4)
    return CameraPath(
        camera,
        azimuth_deg=float(signs[0] * rng.uniform(1.0, 3.0)),
        elevation_deg=float(signs[1] * rng.uniform(0.3, 1.5)),
        distance=float(rng.uniform(0.0, 0.008)),
        shift=(
            float(signs[2] * rng.uniform(0.002, 0.012)),
            float(signs[3] * rng.uniform(0.0, 0.006)),
            float(rng.uniform(0.0, 0.004)),
        ),
        period_s=float(rng.uniform(14.0, 30.0) if slow else rng.uniform(4.0, 9.0)),
        phase=float(rng.uniform(0.0, 2.0 * math.pi)),
    )
