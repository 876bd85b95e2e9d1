# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Meshes made by code: turned, extruded and swept bodies, and sets of boxes.

One mesh costs less to draw than the same faces as several geoms. All surfaces have an outside
only (counter-clockwise faces), so a vessel needs an inner wall of its own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_CREASE = math.cos(math.radians(50.0))  # a sharper bend of a profile stays an edge

Point2 = tuple[float, float]
Point3 = tuple[float, float, float]


@dataclass(frozen=True)
class Mesh:
    """Triangles with a normal at each vertex.

    Attributes:
        vertices: float64 [N, 3], metres.
        normals: float64 [N, 3], unit vectors.
        faces: int64 [M, 3], indices of vertices, counter-clockwise from outside.
    """

    vertices: NDArray[np.float64]
    normals: NDArray[np.float64]
    faces: NDArray[np.int64]

    def moved(self, tilt: float, turn: float, offset: Point3) -> Mesh:
        """Return the mesh tilted about y, shifted, then turned about z (radians, metres)."""
        cos_t, sin_t, cos_z, sin_z = math.cos(tilt), math.sin(tilt), math.cos(turn), math.sin(turn)
        lean = np.array([(cos_t, 0.0, sin_t), (0.0, 1.0, 0.0), (-sin_t, 0.0, cos_t)])
        spin = np.array([(cos_z, -sin_z, 0.0), (sin_z, cos_z, 0.0), (0.0, 0.0, 1.0)])
        vertices = (self.vertices @ lean.T + np.array(offset)) @ spin.T
        return Mesh(vertices, self.normals @ lean.T @ spin.T, self.faces)

    def xml(self, name: str) -> str:
        """Return the mesh as an asset of MJCF."""
        vertices, normals, faces = (
            ' '.join(format(value, '.5g') for value in array.reshape(-1))
            for array in (self.vertices, self.normals, self.faces)
        )
        # The inertia of the shell is defined for open surfaces too. It is never used.
        return (
            f'<mesh name="{name}" inertia="shell" vertex="{vertices}" normal="{normals}" '
            f'face="{faces}"/>'
        )


def joined(meshes: Sequence[Mesh]) -> Mesh:
    """Return several meshes as one."""
    starts = np.cumsum([0, *(len(mesh.vertices) for mesh in meshes[:-1])])
    return Mesh(
        np.concatenate([mesh.vertices for mesh in meshes]),
        np.concatenate([mesh.normals for mesh in meshes]),
        np.concatenate([mesh.faces + at for mesh, at in zip(meshes, starts, strict=True)]),
    )


def _grid_faces(rows: int, columns: int) -> NDArray[np.int64]:
    """Faces of a grid of `rows` x `columns` cells whose columns close to a ring."""
    row, column = np.mgrid[0:rows, 0:columns].reshape(2, -1)
    right = (column + 1) % columns
    a, b = row * columns + column, row * columns + right
    c, d = a + columns, b + columns
    return np.concatenate([np.stack([a, b, d], 1), np.stack([a, d, c], 1)])


def _without_empty(mesh: Mesh) -> Mesh:
    corners = mesh.vertices[mesh.faces]
    area = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    return Mesh(mesh.vertices, mesh.normals, mesh.faces[np.linalg.norm(area, axis=1) > 1e-12])


def lathe(profile: Sequence[Point2], *, segments: int = 16) -> Mesh:
    """Turn a profile about the z axis.

    Args:
        profile: (radius, z) of its points, so ordered that the outside is on the right of the
            way: a solid body goes from the bottom's middle outwards, up, and back to the axis.
        segments: Number of faces around.
    """
    points = np.asarray(profile, dtype=np.float64)
    steps = np.diff(points, axis=0)
    across = np.stack([steps[:, 1], -steps[:, 0]], axis=1)
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    turn = 2 * np.pi * np.arange(segments) / segments
    bands = []
    for index in range(len(steps)):
        ends = []
        for neighbour in (index - 1, index + 1):
            normal = across[index]
            if 0 <= neighbour < len(steps) and normal @ across[neighbour] > _CREASE:
                normal = normal + across[neighbour]
            ends.append(normal / np.linalg.norm(normal))
        rings = [
            (np.outer(np.cos(turn), [1, 0, 0]) + np.outer(np.sin(turn), [0, 1, 0])) * radial
            + np.array([0, 0, axial])
            for radial, axial in (*points[index : index + 2], *ends)
        ]
        bands.append(
            Mesh(np.concatenate(rings[:2]), np.concatenate(rings[2:]), _grid_faces(1, segments))
        )
    return _without_empty(joined(bands))


def tube(path: Sequence[Point3], radii: Sequence[float], *, segments: int = 10) -> Mesh:
    """Sweep a circle along a path that lies in a plane of constant z; the ends stay open.

    Args:
        path: Points of the middle line.
        radii: Radius at each point.
        segments: Number of faces around.
    """
    points = np.asarray(path, dtype=np.float64)
    ahead = np.gradient(points, axis=0)
    ahead /= np.linalg.norm(ahead, axis=1, keepdims=True)
    up = np.array([0.0, 0.0, 1.0])
    side = np.cross(up, ahead)
    turn = 2 * np.pi * np.arange(segments) / segments
    normals = np.cos(turn)[None, :, None] * side[:, None] + np.sin(turn)[None, :, None] * up
    vertices = points[:, None] + np.asarray(radii)[:, None, None] * normals
    faces = _grid_faces(len(points) - 1, segments)
    return _without_empty(Mesh(vertices.reshape(-1, 3), normals.reshape(-1, 3), faces))


def torus(major: float, minor: float, *, segments: int = 20, around: int = 8) -> Mesh:
    """Return a ring that lies flat, with the given radii of its middle line and its tube."""
    turn = 2 * np.pi * np.arange(around + 1) / around
    # Clockwise in (radius, z) has the outside on the left, so go counter-clockwise.
    profile = [(major + minor * math.cos(angle), minor * math.sin(angle)) for angle in turn]
    return lathe(profile, segments=segments)


def extruded(outline: Sequence[Point2], half_height: float) -> Mesh:
    """Extrude a star-shaped outline (seen whole from the origin), counter-clockwise, along z."""
    around = np.asarray(outline, dtype=np.float64)
    count = len(around)
    parts = []
    for sign in (1.0, -1.0):
        flat = np.concatenate([around, np.full((count, 1), sign * half_height)], axis=1)
        vertices = np.concatenate([flat, [[0.0, 0.0, sign * half_height]]])
        order = np.arange(count)
        edge = (order, (order + 1) % count) if sign > 0 else ((order + 1) % count, order)
        faces = np.stack([*edge, np.full(count, count)], axis=1)
        parts.append(Mesh(vertices, np.tile([0.0, 0.0, sign], (count + 1, 1)), faces))
    for index in range(count):
        (ax, ay), (bx, by) = around[index], around[(index + 1) % count]
        vertices = np.array(
            [(ax, ay, -half_height), (bx, by, -half_height), (bx, by, half_height),
             (ax, ay, half_height)]
        )  # fmt: skip
        normal = np.array([by - ay, ax - bx, 0.0]) / math.hypot(bx - ax, by - ay)
        parts.append(Mesh(vertices, np.tile(normal, (4, 1)), np.array([[0, 1, 2], [0, 2, 3]])))
    return joined(parts)


def boxes(parts: Sequence[tuple[Point3, Point3]]) -> Mesh:
    """Return boxes, each given by its half sizes and its middle, as one mesh."""
    meshes = []
    for half, middle in parts:
        x, y, _ = half
        mesh = extruded([(-x, -y), (x, -y), (x, y), (-x, y)], half[2])
        meshes.append(Mesh(mesh.vertices + np.array(middle), mesh.normals, mesh.faces))
    return joined(meshes)
