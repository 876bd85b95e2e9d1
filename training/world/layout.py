# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Where things stand at the start and from where they are seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from training.world.camera import CameraPath, draw_camera, draw_motion
from training.world.footprint import Piece, Point, Pose

__all__ = ['Layout', 'Piece', 'draw_furniture', 'draw_stage']


@dataclass(frozen=True)
class Layout:
    """Places on the table, metres.

    Attributes:
        furniture: The pieces, left one first.
        camera: The view and how it moves.
        home: Fingertips when the arm rests.
        hold: Where the arm keeps a lifted object.
        objects: Poses of the objects at the start.
    """

    furniture: tuple[Piece, ...]
    camera: CameraPath
    home: tuple[float, float, float]
    hold: Point
    objects: tuple[Pose, ...] = ()

    def piece(self, name: str) -> Piece:
        """Return a piece of furniture.

        Raises:
            KeyError: The scene has no such piece.
        """
        for piece in self.furniture:
            if piece.name == name:
                return piece
        raise KeyError(name)

    def has(self, name: str) -> bool:
        """Tell whether the scene has a piece of furniture."""
        return any(piece.name == name for piece in self.furniture)


# Chances to be drawn first, which give each piece a share of 0.31 of the scenes, and the drawer
# 0.44, since four actions need it. The two tall pieces never meet.
_WEIGHTS = {
    'bowl': 0.080, 'plate': 0.122, 'tray': 0.122, 'basket': 0.122, 'shelf': 0.216, 'drawer': 0.292
}  # fmt: skip
# How far a piece's middle (cabinet: front) stands from the middle of the table.
_RANGE_Y = {'drawer': (0.125, 0.145), 'shelf': (0.125, 0.150)}


def draw_furniture(rng: np.random.Generator, *, wanted: tuple[str, ...] = ()) -> tuple[str, str]:
    """Draw two different pieces; the drawer and the shelf never stand together.

    Args:
        rng: Source of randomness.
        wanted: Pieces that must be there, at most two.
    """
    names, weights = list(_WEIGHTS), np.array(list(_WEIGHTS.values()))
    while True:
        first, second = (
            names[i] for i in rng.choice(len(names), 2, replace=False, p=weights / weights.sum())
        )
        if len(wanted) == 1 and wanted[0] not in (first, second):
            first = wanted[0]
        if len(wanted) == 2:
            first, second = wanted
        if first != second and {first, second} != {'drawer', 'shelf'}:
            return (first, second) if rng.random() < 0.5 else (second, first)


def draw_stage(furniture: tuple[str, str], rng: np.random.Generator, *, unseen: bool) -> Layout:
    """Draw the furniture's places, the camera, and where the arm rests; no objects yet.

    Args:
        furniture: The left and the right piece.
        rng: Source of randomness.
        unseen: Whether the camera stands where training never puts it.
    """
    camera = draw_motion(rng, draw_camera(rng, unseen=unseen))
    pieces = []
    for name, side in zip(furniture, (-1.0, 1.0), strict=True):
        nearest = 0.148 + (0.022 if name == 'tray' else 0.0)
        x = side * float(rng.uniform(nearest, 0.172))
        pieces.append(Piece(name, x, float(rng.uniform(*_RANGE_Y.get(name, (0.105, 0.145))))))
    return Layout(
        furniture=tuple(pieces),
        camera=camera,
        home=(
            float(rng.uniform(-0.008, 0.008)),
            float(rng.uniform(0.150, 0.180)),
            float(rng.uniform(0.155, 0.175)),
        ),
        hold=(float(rng.uniform(-0.010, 0.010)), float(rng.uniform(0.100, 0.130))),
    )
