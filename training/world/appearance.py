# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""How an episode looks: light, table, shades of arm and furniture, exact object colours."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from training.world.palette import (
    FURNITURE_COLOURS,
    OBJECT_JITTER,
    OBJECT_RGB,
    TABLES,
    UNSEEN_FURNITURE_COLOURS,
    UNSEEN_TABLES,
    Rgb,
    brightness,
)
from training.world.symbols import ObjectInfo
from training.world.textures import SEEN_TEXTURES, UNSEEN_TEXTURES

_APART = 0.12  # in brightness, between a piece of furniture and the table


@dataclass(frozen=True)
class Light:
    """Strengths and directions of the light.

    Attributes:
        ambient: Brightness of the light from everywhere.
        key: Brightness of the light that casts shadows.
        key_direction: Unit vector along which it shines.
        fill: Brightness of the light without shadows.
        fill_direction: Unit vector along which it shines.
        tint: Its colour; white is (1, 1, 1).
    """

    ambient: float
    key: float
    key_direction: Rgb
    fill: float
    fill_direction: Rgb
    tint: Rgb


@dataclass(frozen=True)
class Paint:
    """Colours of one piece of furniture.

    Attributes:
        name: One of `symbols.FURNITURE`.
        main: Colour of its main part.
        second: Colour of its edges, frame, inside or lining.
        front: Colour of a drawer's front.
        handle: Colour of a drawer's handle.
    """

    name: str
    main: Rgb
    second: Rgb
    front: Rgb
    handle: Rgb


@dataclass(frozen=True)
class Appearance:
    """Look of one episode. Colours are RGB in 0..1.

    Attributes:
        texture: One of `textures.TEXTURES`, for the table.
        furniture: For each piece of furniture its paint.
        object_rgb: One colour for each object of the episode.
        light: The light.
    """

    texture: str
    table_rgb: Rgb
    floor_rgb: Rgb
    arm_rgb: Rgb
    joint_rgb: Rgb
    dark_rgb: Rgb
    finger_rgb: Rgb
    furniture: tuple[Paint, ...]
    object_rgb: tuple[Rgb, ...]
    light: Light


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


def _paint(name: str, table: Rgb, colours: tuple[Rgb, ...], rng: np.random.Generator) -> Paint:
    apart = [rgb for rgb in colours if abs(brightness(rgb) - brightness(table)) > _APART]
    main = _shade(_pick(tuple(apart), rng), 0.02, rng)
    # The second part is the darker one of a light piece and the lighter one of a dark piece.
    gain = rng.uniform(0.62, 0.75) if brightness(main) > 0.45 else rng.uniform(1.35, 1.55)
    # The drawer's front stands out from the cabinet, and the handle from the front.
    dark = brightness(main) > 0.4
    return Paint(
        name=name,
        main=main,
        second=_shade(main, 0.01, rng, gain=float(gain)),
        front=_shade(main, 0.0, rng, gain=float(rng.uniform(1.12, 1.25))),
        handle=_grey(0.12, 0.22, rng) if dark else _grey(0.60, 0.75, rng),
    )


def _object_rgb(colour: str, rng: np.random.Generator) -> Rgb:
    rgb = OBJECT_RGB[colour]
    gain = 1.0 if colour in ('white', 'black') else float(rng.uniform(0.9, 1.04))
    return _shade(rgb, OBJECT_JITTER * max(rgb), rng, gain=gain)


def _draw_light(rng: np.random.Generator, *, unseen: bool) -> Light:
    if unseen:
        # From behind the objects, or lower than in training: both throw long shadows.
        azimuth = -math.pi / 2 + float(rng.uniform(-1.2, 1.2))
        tilt = float(rng.uniform(0.45, 0.85))
        ambient, key, fill = rng.uniform(0.42, 0.52), rng.uniform(0.30, 0.45), 0.25
        top = float(rng.uniform(0.76, 0.83) if rng.random() < 0.5 else rng.uniform(1.10, 1.16))
        warm = float(rng.choice((-1.0, 1.0)) * rng.uniform(0.03, 0.045))
    else:
        # From the camera's side or from the flanks, so that what the camera sees is lit.
        azimuth = math.pi / 2 + float(rng.uniform(-1.6, 1.6))
        tilt = float(rng.uniform(0.25, 0.8))
        ambient, key, fill = rng.uniform(0.30, 0.45), rng.uniform(0.45, 0.75), 0.15
        top = float(rng.uniform(0.86, 1.06))
        warm = float(rng.uniform(-0.025, 0.025))
    fill *= float(rng.uniform(0.4, 1.4))
    fill_tilt = float(rng.uniform(0.3, 1.0))
    # Brightness is set by what lands on the table, so that no colour burns out or drowns.
    gain = top / float(ambient + key * math.cos(tilt) + fill * math.cos(fill_tilt))
    fill_azimuth = math.pi / 2 if unseen else float(rng.uniform(0, 2 * math.pi))
    return Light(
        ambient=float(ambient) * gain,
        key=float(key) * gain,
        key_direction=_down(azimuth, tilt),
        fill=fill * gain,
        fill_direction=_down(fill_azimuth, fill_tilt),
        tint=(1.0 + warm, 1.0, 1.0 - warm),
    )


def draw_appearance(
    objects: Sequence[ObjectInfo],
    furniture: Sequence[str],
    rng: np.random.Generator,
    *,
    unseen: bool,
) -> Appearance:
    """Draw the look of an episode.

    Args:
        objects: Its objects.
        furniture: Names of its pieces of furniture.
        rng: Source of randomness.
        unseen: Take textures, colours of table and furniture, and light that training never shows.
    """
    textures = UNSEEN_TEXTURES if unseen else SEEN_TEXTURES
    table = _shade(_pick(UNSEEN_TABLES if unseen else TABLES, rng), 0.02, rng)
    colours = UNSEEN_FURNITURE_COLOURS if unseen else FURNITURE_COLOURS
    arm = _grey(0.40, 0.85, rng)
    hand = _grey(0.12, 0.45, rng)
    return Appearance(
        texture=textures[int(rng.integers(len(textures)))],
        table_rgb=table,
        floor_rgb=_grey(0.08, 0.5, rng),
        arm_rgb=arm,
        joint_rgb=_shade(arm, 0.0, rng, gain=0.45),
        dark_rgb=hand,
        finger_rgb=_shade(hand, 0.0, rng, gain=float(rng.uniform(0.7, 1.0))),
        furniture=tuple(_paint(name, table, colours, rng) for name in furniture),
        object_rgb=tuple(_object_rgb(item.colour, rng) for item in objects),
        light=_draw_light(rng, unseen=unseen),
    )
