# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The look of the furniture: one body a piece, its origin as `geometry` says.

Each piece is painted with two materials, `furniture` and `furniture_edge`.
"""

from __future__ import annotations

from training.world.geometry import (
    BASKET_FLOOR,
    BASKET_HALF,
    BASKET_HEIGHT,
    BOWL_FLOOR,
    BOWL_HEIGHT,
    BOWL_RADIUS,
    CABINET_DEPTH,
    CABINET_HEIGHT,
    CABINET_WIDTH,
    DRAWER_FLOOR,
    HANDLE_OUT,
    HANDLE_Z,
    PLATE_FLOOR,
    PLATE_HEIGHT,
    PLATE_RADIUS,
    SHELF_HALF,
    SHELF_HEIGHT,
    TRAY_FLOOR,
    TRAY_HALF,
    TRAY_HEIGHT,
)
from training.world.meshes import Mesh, Point3, boxes, lathe
from training.world.mjcf import body, geom, joint, mesh_geom
from training.world.symbols import FURNITURE

_Boxes = list[tuple[Point3, Point3]]
_WALL = 0.004  # half thickness of the cabinet's boards
_PANEL = (0.010, 0.088)  # bottom and top of the drawer's front


def _bowl() -> tuple[Mesh, Mesh]:
    rim, foot = BOWL_RADIUS, 0.62 * BOWL_RADIUS
    outside = lathe(
        [(0.0, 0.0), (foot, 0.0), (0.86 * rim, 0.40 * BOWL_HEIGHT), (rim, BOWL_HEIGHT),
         (rim - 0.006, BOWL_HEIGHT)], segments=24,
    )  # fmt: skip
    inside = lathe(
        [(rim - 0.006, BOWL_HEIGHT), (0.84 * rim, 0.45 * BOWL_HEIGHT), (foot, BOWL_FLOOR),
         (0.0, BOWL_FLOOR)], segments=24,
    )  # fmt: skip
    return outside, inside


def _plate() -> tuple[Mesh, Mesh]:
    rim, well = PLATE_RADIUS, 0.68 * PLATE_RADIUS
    border = lathe(
        [(0.7 * well, 0.0), (rim, PLATE_HEIGHT - 0.003), (rim, PLATE_HEIGHT),
         (well, PLATE_FLOOR)], segments=24,
    )  # fmt: skip
    return border, lathe([(well, PLATE_FLOOR), (0.0, PLATE_FLOOR)], segments=24)


def _rim(half: tuple[float, float], bottom: float, top: float, wall: float) -> _Boxes:
    """Return four upright boards around a rectangle; `wall` is their half thickness."""
    (x, y), height, middle = half, (top - bottom) / 2, (top + bottom) / 2
    parts: _Boxes = []
    for sign in (-1.0, 1.0):
        parts.append(((wall, y - 2 * wall, height), (sign * (x - wall), 0.0, middle)))
        parts.append(((x, wall, height), (0.0, sign * (y - wall), middle)))
    return parts


def _tray() -> tuple[Mesh, Mesh]:
    x, y = TRAY_HALF
    grips: _Boxes = []
    for sign in (-1.0, 1.0):
        grips.append(((0.004, 0.028, 0.004), (sign * (x + 0.018), 0.0, TRAY_HEIGHT)))
        grips += [
            ((0.010, 0.004, 0.004), (sign * (x + 0.008), end * 0.024, TRAY_HEIGHT))
            for end in (-1.0, 1.0)
        ]
    floor = boxes([((x - 0.004, y - 0.004, TRAY_FLOOR / 2), (0.0, 0.0, TRAY_FLOOR / 2))])
    return floor, boxes(_rim(TRAY_HALF, 0.0, TRAY_HEIGHT, 0.003) + grips)


def _basket() -> tuple[Mesh, Mesh]:
    x, y = BASKET_HALF
    slats = _rim(BASKET_HALF, 0.004, 0.013, 0.0025) + _rim(BASKET_HALF, 0.021, 0.030, 0.0025)
    slats.append(((x - 0.002, y - 0.002, BASKET_FLOOR / 2), (0.0, 0.0, BASKET_FLOOR / 2)))
    frame = _rim((x + 0.002, y + 0.002), BASKET_HEIGHT - 0.012, BASKET_HEIGHT, 0.0035)
    post = (BASKET_HEIGHT - 0.010) / 2
    for sign in (-1.0, 1.0):
        for share in (-1.0, -0.34, 0.34, 1.0):
            frame.append(((0.004, 0.0025, post), (share * (x - 0.003), sign * y, post)))
            frame.append(((0.0025, 0.004, post), (sign * x, share * (y - 0.003), post)))
    return boxes(slats), boxes(frame)


def _shelf() -> tuple[Mesh, Mesh]:
    x, y = SHELF_HALF
    top, side = 0.005, (SHELF_HEIGHT - 0.010) / 2
    sides: _Boxes = [
        ((0.004, y - 0.004, side), (sign * (x - 0.012), 0.0, side)) for sign in (-1, 1)
    ]
    sides.append(((x - 0.016, 0.003, 0.010), (0.0, y - 0.010, SHELF_HEIGHT - 0.020)))
    sides.append(((x - 0.016, y - 0.010, 0.004), (0.0, 0.0, 0.024)))
    return boxes([((x, y, top), (0.0, 0.0, SHELF_HEIGHT - top))]), boxes(sides)


def _cabinet() -> tuple[Mesh, Mesh]:
    width, depth, height = CABINET_WIDTH / 2, CABINET_DEPTH / 2, CABINET_HEIGHT / 2
    lip, side = 0.001, height - 2 * _WALL  # faces in one plane would flicker
    shell: _Boxes = [
        ((width, depth, _WALL), (0.0, depth, _WALL)),
        ((width, depth, _WALL), (0.0, depth, 2 * height - _WALL)),
        ((_WALL, depth, side), (width - _WALL - lip, depth, height)),
        ((_WALL, depth, side), (_WALL + lip - width, depth, height)),
        ((width - lip, _WALL, side), (0.0, 2 * depth - _WALL - lip, height)),
        ((width - 2 * _WALL, 0.003, 0.0065), (0.0, 0.004, 2 * height - 2 * _WALL - 0.0065)),
    ]
    inner = width - 0.012
    lining: _Boxes = [
        ((inner, depth - 0.008, 0.0015), (0.0, depth - 0.008, DRAWER_FLOOR - 0.0015)),
        ((0.002, depth - 0.008, 0.024), (inner, depth - 0.008, DRAWER_FLOOR + 0.024)),
        ((0.002, depth - 0.008, 0.024), (-inner, depth - 0.008, DRAWER_FLOOR + 0.024)),
        ((inner, 0.002, 0.024), (0.0, 2 * depth - 0.018, DRAWER_FLOOR + 0.024)),
    ]
    return boxes(shell), boxes(lining)


def _handle() -> Mesh:
    parts: _Boxes = [((0.036, 0.0055, 0.0055), (0.0, -HANDLE_OUT, HANDLE_Z))]
    parts += [
        ((0.005, HANDLE_OUT / 2, 0.005), (x, -HANDLE_OUT / 2, HANDLE_Z)) for x in (-0.031, 0.031)
    ]
    return boxes(parts)


def furniture_meshes() -> dict[str, Mesh]:
    """Return the meshes that `furniture_bodies` names."""
    meshes = {}
    for name, make in (
        ('bowl', _bowl), ('plate', _plate), ('tray', _tray), ('basket', _basket),
        ('shelf', _shelf), ('drawer', _cabinet),
    ):  # fmt: skip
        meshes[f'{name}_main'], meshes[f'{name}_second'] = make()
    meshes['drawer_handle'] = _handle()
    return meshes


def furniture_bodies() -> str:
    """Return one body for each piece, named as in `symbols.FURNITURE`.

    Their materials are the piece's name with `_main` and `_second`; the drawer's front and handle
    have their own.
    """
    bodies = []
    for name in FURNITURE:
        main = mesh_geom(f'{name}_main', material=f'{name}_main')
        second = mesh_geom(f'{name}_second', material=f'{name}_second')
        if name == 'drawer':
            low, high = _PANEL
            front = geom(
                'box', f'{CABINET_WIDTH / 2 - 0.010} 0.004 {(high - low) / 2}',
                f'0 -0.002 {(high + low) / 2}', material='drawer_front',
            )  # fmt: skip
            handle = mesh_geom('drawer_handle', material='drawer_handle')
            second = body(
                'slide', '0 0 0', joint('drawer', '0 -1 0', 'slide') + front + second + handle
            )
        bodies.append(body(name, '0 0.12 0', main + second))
    return ''.join(bodies)
