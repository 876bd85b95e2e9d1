# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""How an episode looks: light, table, shades of arm and furniture, exact object colours."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.world.scene import TEXTURES

Rgb = tuple[float, float, float]

OBJECT_RGB: dict[str, Rgb] = {
    'red': (0.82, 0.09, 0.08),
    'green': (0.10, 0.58, 0.16),
    'blue': (0.08, 0.22, 0.80),
    'yellow': (0.95, 0.78, 0.06),
}
_TABLES: tuple[Rgb, ...] = (
    (0.72, 0.58, 0.42), (0.52, 0.40, 0.30), (0.80, 0.78, 0.74), (0.58, 0.60, 0.62),
    (0.36, 0.36, 0.39), (0.66, 0.64, 0.56), (0.60, 0.56, 0.64), (0.48, 0.56, 0.58),
)  # fmt: skip
_CABINETS: tuple[Rgb, ...] = (
    (0.82, 0.80, 0.75), (0.42, 0.29, 0.20), (0.58, 0.58, 0.62), (0.28, 0.28, 0.31),
    (0.66, 0.50, 0.35), (0.52, 0.44, 0.58), (0.50, 0.56, 0.58),
)  # fmt: skip
_BOWLS: tuple[Rgb, ...] = (
    (0.93, 0.93, 0.90), (0.62, 0.62, 0.64), (0.45, 0.32, 0.24), (0.76, 0.70, 0.62),
)  # fmt: skip


@dataclass(frozen=True)
class Appearance:
    """Look of one episode. Colours are RGB in 0..1, directions are unit vectors.

    Attributes:
        texture: One of `scene.TEXTURES`, for the table.
        object_rgb: One colour for each object of the episode.
        ambient: Brightness of the light from everywhere.
        key: Brightness of the light that casts shadows.
        fill: Brightness of the light without shadows.
    """

    texture: str
    table_rgb: Rgb
    floor_rgb: Rgb
    arm_rgb: Rgb
    joint_rgb: Rgb
    dark_rgb: Rgb
    finger_rgb: Rgb
    cabinet_rgb: Rgb
    drawer_rgb: Rgb
    handle_rgb: Rgb
    bowl_rgb: Rgb
    object_rgb: tuple[Rgb, ...]
    ambient: float
    key: float
    key_direction: Rgb
    fill: float
    fill_direction: Rgb


def _shade(rgb: Rgb, jitter: float, rng: np.random.Generator, *, gain: float = 1.0) -> Rgb:
    values = np.clip(np.array(rgb) * gain + rng.uniform(-jitter, jitter, 3), 0.02, 1.0)
    return float(values[0]), float(values[1]), float(values[2])


def _grey(low: float, high: float, rng: np.random.Generator) -> Rgb:
    value = float(rng.uniform(low, high))
    return value, value, value * float(rng.uniform(0.96, 1.04))


def _pick(choices: tuple[Rgb, ...], rng: np.random.Generator) -> Rgb:
    return choices[int(rng.integers(len(choices)))]


def _down(azimuth: float, tilt: float) -> Rgb:
    """Unit vector `tilt` radians away from straight down, towards `azimuth`."""
    return (
        math.sin(tilt) * math.cos(azimuth),
        math.sin(tilt) * math.sin(azimuth),
        -math.cos(tilt),
    )


def draw_appearance(colours: tuple[str, ...], rng: np.random.Generator) -> Appearance:
    """Draw the look of an episode.

    Args:
        colours: Colour names of its objects.
        rng: Source of randomness.
    """
    cabinet = _shade(_pick(_CABINETS, rng), 0.03, rng)
    arm = _grey(0.35, 0.95, rng)
    hand = _grey(0.10, 0.50, rng)
    return Appearance(
        texture=TEXTURES[int(rng.integers(len(TEXTURES)))],
        table_rgb=_shade(_pick(_TABLES, rng), 0.05, rng),
        floor_rgb=_grey(0.08, 0.5, rng),
        arm_rgb=arm,
        joint_rgb=_shade(arm, 0.0, rng, gain=0.45),
        dark_rgb=hand,
        finger_rgb=_shade(hand, 0.0, rng, gain=float(rng.uniform(0.7, 1.0))),
        cabinet_rgb=cabinet,
        # The drawer's face stands out from the cabinet, and the handle from the face.
        drawer_rgb=_shade(cabinet, 0.0, rng, gain=float(rng.uniform(1.15, 1.3))),
        handle_rgb=_grey(0.05, 0.2, rng) if max(cabinet) > 0.4 else _grey(0.75, 0.95, rng),
        bowl_rgb=_shade(_pick(_BOWLS, rng), 0.03, rng),
        object_rgb=tuple(_shade(OBJECT_RGB[name], 0.05, rng) for name in colours),
        ambient=float(rng.uniform(0.28, 0.42)),
        key=float(rng.uniform(0.45, 0.75)),
        # From the camera's side or from the flanks, so that what the camera sees is lit.
        key_direction=_down(math.pi / 2 + float(rng.uniform(-1.6, 1.6)), rng.uniform(0.25, 0.8)),
        fill=float(rng.uniform(0.05, 0.2)),
        fill_direction=_down(float(rng.uniform(0, 2 * math.pi)), rng.uniform(0.3, 1.0)),
    )


def table_pixels(texture: str) -> NDArray[np.uint8]:
    """Draw a table texture, uint8 [256, 256, 3], light so that a colour can tint it."""
    rng = np.random.default_rng(TEXTURES.index(texture))
    rows, columns = np.mgrid[0:256, 0:256] / 256.0
    if texture == 'wood':
        bend = 0.02 * np.sin(2 * np.pi * rows * 2) + 0.012 * np.sin(2 * np.pi * rows * 5 + 1)
        grain = np.sin(2 * np.pi * 14 * (columns + bend)) * 0.5
        planks = np.where((columns * 4) % 1.0 < 0.03, 0.75, 1.0)
        value = (0.86 + 0.09 * grain + 0.03 * rng.standard_normal((256, 256))) * planks
    elif texture == 'speckle':
        value = 0.88 + 0.10 * rng.standard_normal((128, 128)).repeat(2, 0).repeat(2, 1)
    elif texture == 'checker':
        value = np.where(((rows * 4).astype(int) + (columns * 4).astype(int)) % 2, 0.95, 0.78)
    elif texture == 'cloth':
        value = 0.86 + 0.07 * (np.sin(2 * np.pi * 32 * rows) + np.sin(2 * np.pi * 32 * columns))
    else:
        value = np.full((256, 256), 0.92)
    grey = np.clip(value * 255, 0, 255).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)
