# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The look of the object kinds: meshes and geoms around the middle of the bounding height.

A geom's material says which tone of the object's colour it takes (`TONES`); other materials are
parts that have a colour of their own, such as a can's lid.
"""

from __future__ import annotations

import math

from training.world.geometry import BOX_HALF, SHAPES
from training.world.meshes import Mesh, extruded, joined, lathe, torus, tube
from training.world.mjcf import geom, mesh_geom

# Materials of geoms that are painted anew in each episode.
TONES = ('own', 'own_inner', 'own_contrast')


def _ellipse(
    radius: float, half: float, middle: float, angles: tuple[int, ...]
) -> list[tuple[float, float]]:
    """Points of an upright ellipse at these angles (degrees, -90 = bottom)."""
    return [
        (radius * math.cos(math.radians(angle)), middle + half * math.sin(math.radians(angle)))
        for angle in angles
    ]


def _lowered(profile: list[tuple[float, float]], kind: str) -> list[tuple[float, float]]:
    """Move a profile that stands on z = 0 so that its middle is the origin."""
    return [(max(radius, 0.0), z - SHAPES[kind].height / 2) for radius, z in profile]


def _bottle() -> Mesh:
    radius = SHAPES['bottle'].half_width
    profile = [
        (0.0, 0.0), (radius, 0.0), (radius, 0.078), (0.92 * radius, 0.090),
        (0.62 * radius, 0.102), (0.014, 0.112), (0.0135, 0.137), (0.0, 0.137),
    ]  # fmt: skip
    return lathe(_lowered(profile, 'bottle'))


def _cup() -> tuple[Mesh, Mesh]:
    top, bottom, height, wall = SHAPES['cup'].half_width, 0.029, SHAPES['cup'].height, 0.004
    outside = [(0.0, 0.0), (bottom, 0.0), (top, height), (top - wall, height)]
    inside = [(top - wall, height), (bottom - wall, 0.010), (0.0, 0.010)]
    return lathe(_lowered(outside, 'cup'), segments=20), lathe(_lowered(inside, 'cup'))


def _cone() -> Mesh:
    radius, height = SHAPES['cone'].half_width, SHAPES['cone'].height
    profile = [
        (0.0, 0.0), (radius, 0.0), (radius, 0.007), (0.80 * radius, 0.007), (0.004, height),
        (0.0, height),
    ]  # fmt: skip
    return lathe(_lowered(profile, 'cone'), segments=18)


def _pear() -> Mesh:
    radius = SHAPES['pear'].half_width
    belly = _ellipse(radius, 0.034, 0.034, (-90, -60, -30, 0, 30))
    profile = [
        *belly,
        (0.0225, 0.062),
        (0.0165, 0.073),
        (0.0125, 0.080),
        (0.007, 0.086),
        (0, 0.087),
    ]
    return lathe(_lowered(profile, 'pear'))


def _mushroom() -> tuple[Mesh, Mesh, Mesh]:
    radius, height = SHAPES['mushroom'].half_width, SHAPES['mushroom'].height
    edge = 0.045  # so high that the stem is seen below it from above
    dome = _ellipse(radius, height - edge, edge, (0, 22, 45, 68, 90))
    cap = [(0.0, edge), (radius - 0.004, edge - 0.004), *dome]
    stem = [(0.0, 0.0), (0.023, 0.0), (0.018, 0.014), (0.016, edge)]
    # Spots tell the cap from a ball.
    spots = []
    for turn, angle, size in (
        (0, 90, 0.009), (20, 38, 0.0085), (95, 34, 0.007), (160, 42, 0.0085), (230, 36, 0.008),
        (300, 40, 0.0075),
    ):  # fmt: skip
        ((out, z),) = _ellipse(radius, height - edge, edge, (angle,))
        tilt = math.atan2(out / radius**2, (z - edge) / (height - edge) ** 2)
        disc = lathe([(size, 0.0), (0.55 * size, 0.0018), (0.0, 0.0022)], segments=7)
        spots.append(
            disc.moved(tilt, math.radians(turn), (out, 0.0, z - SHAPES['mushroom'].height / 2))
        )
    return (
        lathe(_lowered(cap, 'mushroom'), segments=18),
        lathe(_lowered(stem, 'mushroom'), segments=10),
        joined(spots),
    )


def _banana() -> tuple[Mesh, Mesh]:
    bend, reach, thick = 0.052, math.radians(62.0), SHAPES['banana'].height / 2
    half = SHAPES['banana'].half_width

    def at(turn: float) -> tuple[float, float, float]:
        # The thick middle stays near the origin, where the fingers close on it.
        scale = (half - 0.003) / math.sin(reach)
        return scale * math.sin(turn), bend * (math.cos(turn) - 1.0) + 0.005, 0.0

    steps = [-1.0, -0.8, -0.5, -0.17, 0.17, 0.5, 0.8, 1.0]
    wide = [0.40, 0.66, 0.90, 1.0, 1.0, 0.90, 0.66, 0.40]
    body = tube([at(step * reach) for step in steps], [thick * share for share in wide])
    tips = []
    for end in (-1.0, 1.0):
        # A blunt end, closed by a point a little further on.
        path = [at(end * (reach + further)) for further in (0.0, 0.11, 0.16)]
        radii = [0.40 * thick, 0.30 * thick, 0.0]
        if end < 0:
            path, radii = path[::-1], radii[::-1]
        tips.append(tube(path, radii, segments=8))
    return body, joined(tips)


def _star(points: int = 5) -> Mesh:
    outer = SHAPES['star'].half_width / math.cos(math.radians(18.0))
    outline = []
    for index in range(2 * points):
        radius = outer if index % 2 == 0 else 0.44 * outer
        angle = math.pi / 2 + math.pi * index / points
        outline.append((radius * math.cos(angle), radius * math.sin(angle)))
    return extruded(outline, SHAPES['star'].height / 2)


def object_meshes() -> dict[str, Mesh]:
    """Return the meshes that `object_geoms` names."""
    cup, cup_inside = _cup()
    cap, stem, spots = _mushroom()
    banana, tips = _banana()
    ring = SHAPES['ring']
    tube_radius = ring.height / 2
    return {
        'bottle': _bottle(), 'cup': cup, 'cup_inside': cup_inside, 'cone': _cone(),
        'pear': _pear(), 'mushroom': cap, 'mushroom_stem': stem,
        'mushroom_spots': spots, 'banana': banana, 'banana_tips': tips, 'star': _star(),
        'ring': torus(ring.half_width - tube_radius, tube_radius),
    }  # fmt: skip


def _can() -> str:
    half, radius = SHAPES['can'].height / 2, SHAPES['can'].half_width
    metal = ''.join(
        geom('cylinder', f'{radius - 0.003} 0.003', f'0 0 {sign * (half - 0.003)}',
             material='metal')
        + geom('cylinder', f'{radius - 0.001} 0.0015', f'0 0 {sign * (half - 0.007)}',
               material='metal')
        for sign in (-1, 1)
    )  # fmt: skip
    tab = geom('box', '0.011 0.006 0.0015', f'0.004 0 {half}', material='stem')
    return geom('cylinder', f'{radius} {half - 0.007}', material='own') + metal + tab


def _carton() -> str:
    x, y = BOX_HALF
    half, tape = SHAPES['box'].height / 2, 0.0007
    return geom('box', f'{x} {y} {half}', material='own') + geom(
        'box', f'{x + tape} {0.26 * y} {half + tape}', material='tape'
    )


def _handle(sign: float = -1.0) -> str:
    """Return the cup's handle; behind the heading, so that it stays in sight in a fallen cup."""
    points = [(0.030, 0.020), (0.050, 0.018), (0.056, -0.002), (0.047, -0.018), (0.028, -0.020)]
    return ''.join(
        f'<geom type="capsule" size="0.0055" material="own" '
        f'fromto="{sign * ax} 0 {az} {sign * bx} 0 {bz}"/>'
        for (ax, az), (bx, bz) in zip(points, points[1:], strict=False)
    )


def object_geoms(kind: str) -> str:
    """Return the geoms of one kind."""
    half, radius = SHAPES[kind].height / 2, SHAPES[kind].half_width
    if kind == 'cube':
        return geom('box', f'{radius} {radius} {half}', material='own')
    if kind == 'ball':
        return geom('sphere', f'{radius}', material='own')
    if kind == 'can':
        return _can()
    if kind == 'box':
        return _carton()
    body = mesh_geom(kind, material='own')
    if kind == 'bottle':
        cap = geom('cylinder', '0.0165 0.0075', f'0 0 {half - 0.0075}', material='own_contrast')
        return body + cap
    if kind == 'cup':
        return body + mesh_geom('cup_inside', material='own_inner') + _handle()
    if kind == 'pear':
        stem = '<geom type="capsule" size="0.003" material="stem" fromto="0 0 {} 0.004 0 {}"/>'
        return body + stem.format(half - 0.011, half - 0.003)
    if kind == 'mushroom':
        spots = mesh_geom('mushroom_spots', material='own_contrast')
        return body + mesh_geom('mushroom_stem', material='flesh') + spots
    if kind == 'banana':
        return body + mesh_geom('banana_tips', material='stem')
    return body
