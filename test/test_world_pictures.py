# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The pictures of the simulated world: shapes, colours, looks, cameras and sensors."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from rendering import skip_without_graphics

from training.world.appearance import Appearance, draw_appearance
from training.world.camera import Camera, CameraPath, draw_camera, draw_motion
from training.world.geometry import SHAPES
from training.world.layout import Layout, Piece
from training.world.meshes import Mesh, boxes, extruded, lathe, torus
from training.world.palette import OBJECT_RGB
from training.world.renderer import WorldRenderer, shared_renderer
from training.world.script import WorldState
from training.world.sensor import Sensor, draw_sensor
from training.world.shapes import object_meshes
from training.world.symbols import COLOURS, FURNITURE, KINDS, MAX_OBJECTS, ObjectInfo
from training.world.textures import SEEN_TEXTURES, TEXTURES, UNSEEN_TEXTURES, table_pixels
from vljepa_ros.errors import MissingDependencyError

VIEW = Camera(90.0, 45.0, 0.73, (0.0, 0.025, 0.075))
PIECES = (Piece('bowl', -0.17, 0.12), Piece('drawer', 0.17, 0.12))
Pose = tuple[float, float, float, float, float]
Picture = NDArray[np.uint8]


@pytest.fixture(scope='session')
def renderer() -> WorldRenderer:
    """Return the shared renderer, or skip where nothing can draw."""
    try:
        return shared_renderer(width=128, height=128, supersample=2)
    except MissingDependencyError as error:
        skip_without_graphics(error)


def layout(pieces: tuple[Piece, ...] = PIECES) -> Layout:
    return Layout(
        furniture=pieces, camera=CameraPath(VIEW), home=(0.0, 0.16, 0.165), hold=(0.0, 0.1)
    )


def look_of(objects: tuple[ObjectInfo, ...], seed: int = 0, *, unseen: bool = False) -> Appearance:
    names = [piece.name for piece in PIECES]
    return draw_appearance(objects, names, np.random.default_rng(seed), unseen=unseen)


def state(poses: tuple[Pose, ...], *, places: tuple[str, ...] = (), drawer: float = 0.0):
    return WorldState(
        tip=(0.0, 0.16, 0.165), yaw=0.0, finger_gap=0.06, drawer=drawer, objects=poses,
        places=places or ('table',) * len(poses), supports=(-1,) * len(poses),
        lying=tuple(pose[4] > 0.1 for pose in poses),
    )  # fmt: skip


def standing(kind: str, x: float, y: float, yaw: float = 0.0) -> Pose:
    return x, y, SHAPES[kind].height / 2, yaw, 0.0


def changed(before: Picture, after: Picture) -> NDArray[np.bool_]:
    return np.abs(before.astype(int) - after).max(-1) > 12


def hue(rgb: NDArray[np.float64]) -> str:
    """Name the colour of a patch by fixed rules, independent of the palette."""
    red, green, blue = rgb
    if max(rgb) < 40:
        return 'black'
    if min(rgb) > 0.70 * max(rgb):
        return 'white'
    if blue > max(red, green):
        return 'purple' if red > 1.6 * green else 'blue'
    if green > 1.25 * red:
        return 'green'
    share = green / red
    return 'red' if share < 0.25 else 'orange' if share < 0.63 else 'yellow'


# ---- meshes -------------------------------------------------------------------------------------


def volume(mesh: Mesh) -> float:
    a, b, c = (mesh.vertices[mesh.faces[:, index]] for index in range(3))
    return float(np.einsum('ij,ij->i', np.cross(a, b), c).sum() / 6)


def test_closed_meshes_have_the_right_volume_and_face_outwards() -> None:
    can = lathe([(0, -1), (0.5, -1), (0.5, 1), (0, 1)], segments=64)
    assert volume(can) == pytest.approx(math.pi * 0.25 * 2, rel=0.01)
    ring = torus(1.0, 0.2, segments=64, around=32)
    assert volume(ring) == pytest.approx(2 * math.pi**2 * 0.04, rel=0.02)
    assert volume(extruded([(-1, -1), (1, -1), (1, 1), (-1, 1)], 0.5)) == pytest.approx(4.0)
    assert volume(boxes([((1, 1, 1), (5, 0, 0)), ((1, 2, 3), (0, 9, 0))])) == pytest.approx(56)


@pytest.mark.parametrize('name', sorted(object_meshes()))
def test_normals_agree_with_the_faces(name: str) -> None:
    mesh = object_meshes()[name]
    corners = mesh.vertices[mesh.faces]
    faces = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    assert (np.einsum('ij,ikj->ik', faces, mesh.normals[mesh.faces]) > 0).all()
    assert np.allclose(np.linalg.norm(mesh.normals, axis=1), 1.0)


def test_shapes_keep_to_their_sizes() -> None:
    for name, mesh in object_meshes().items():
        if name in SHAPES:
            size = np.abs(mesh.vertices).max(axis=0)
            assert size[2] <= SHAPES[name].height / 2 + 1e-6, name
            assert max(size[:2]) <= SHAPES[name].half_width * 1.09, name


# ---- looks, cameras, sensors --------------------------------------------------------------------


def test_unseen_looks_share_nothing_with_training() -> None:
    assert len(SEEN_TEXTURES) >= 6
    assert len(UNSEEN_TEXTURES) >= 4
    assert len({table_pixels(name).tobytes() for name in TEXTURES}) == len(TEXTURES)
    item = (ObjectInfo('cube', 'red'),)
    seen = [look_of(item, seed) for seed in range(200)]
    unseen = [look_of(item, seed, unseen=True) for seed in range(200)]
    assert {look.texture for look in seen} == set(SEEN_TEXTURES)
    assert {look.texture for look in unseen} == set(UNSEEN_TEXTURES)
    warmth = [[abs(look.light.tint[0] - 1) for look in looks] for looks in (seen, unseen)]
    assert max(warmth[0]) < min(warmth[1])
    share = [[look.light.ambient / look.light.key for look in looks] for looks in (seen, unseen)]
    assert np.median(share[0]) < np.percentile(share[1], 5)


def test_unseen_cameras_stand_outside_the_ranges_of_training() -> None:
    rng = np.random.default_rng(0)
    seen = [draw_camera(rng, unseen=False) for _ in range(200)]
    for camera in (draw_camera(rng, unseen=True) for _ in range(200)):
        for name in ('azimuth_deg', 'elevation_deg', 'distance'):
            values = [getattr(other, name) for other in seen]
            assert not min(values) <= getattr(camera, name) <= max(values), name


def test_camera_paths_are_slow_and_a_third_moves() -> None:
    rng = np.random.default_rng(0)
    paths = [draw_motion(rng, VIEW) for _ in range(300)]
    moving = [path for path in paths if path.moves]
    assert 0.25 < len(moving) / len(paths) < 0.45
    point = np.array([0.1, 0.0, 0.03])
    for path in moving:
        assert path.base == VIEW
        views = [path.at(step / 5) for step in range(100)]
        pixels = np.array([view.project(point, width=128, height=128)[:2] for view in views])
        assert 0.1 < np.abs(pixels - pixels.mean(0)).max() < 9
        assert np.abs(np.diff(pixels, axis=0)).max() < 2.5
    still = next(path for path in paths if not path.moves)
    assert still.at(0.0) is still.at(99.0) is VIEW


def test_sensor_repeats_itself_and_leaves_its_input() -> None:
    frame = np.random.default_rng(0).integers(0, 256, (96, 128, 3), dtype=np.uint8)
    copy = frame.copy()
    sensor = Sensor((1.03, 1.0, 0.97), 1.1, 0.5, 3.0, 80, seed=4)
    first = sensor.apply(frame, 0)
    assert first.shape == frame.shape
    assert first.dtype == np.uint8
    assert np.array_equal(first, sensor.apply(frame, 0))
    assert not np.array_equal(first, sensor.apply(frame, 1))
    assert np.array_equal(frame, copy)
    assert np.array_equal(Sensor(seed=3).apply(frame, 0), frame)


@pytest.mark.parametrize(
    'change', [{'balance': (1.05, 1.0, 0.95)}, {'gamma': 1.2}, {'blur_px': 0.5}, {'noise': 2.0},
               {'jpeg_quality': 60}],
)  # fmt: skip
def test_each_fault_of_a_sensor_shows(change: dict[str, object]) -> None:
    frame = np.random.default_rng(0).integers(30, 220, (128, 128, 3), dtype=np.uint8)
    picture = replace(Sensor(), **change).apply(frame, 0)  # type: ignore[arg-type]
    assert not np.array_equal(picture, frame)


def test_sensors_of_training_are_often_perfect_and_never_worse_than_unseen_ones() -> None:
    rng = np.random.default_rng(0)
    seen = [draw_sensor(rng, unseen=False) for _ in range(200)]
    unseen = [draw_sensor(rng, unseen=True) for _ in range(200)]
    assert 0.25 < np.mean([sensor.noise == 0 and sensor.gamma == 1 for sensor in seen]) < 0.55
    assert max(sensor.noise for sensor in seen) < min(sensor.noise for sensor in unseen)


# ---- rendering ----------------------------------------------------------------------------------


@pytest.mark.render
@pytest.mark.parametrize('unseen', [False, True])
def test_every_colour_keeps_its_name_in_every_light(renderer: WorldRenderer, unseen: bool) -> None:
    assert tuple(OBJECT_RGB) == COLOURS
    rng = np.random.default_rng(1)
    spots = (-0.15, -0.05, 0.05, 0.15)
    assert len(spots) == MAX_OBJECTS
    for seed in range(24):
        names = rng.permutation(COLOURS)[:MAX_OBJECTS]
        objects = tuple(ObjectInfo('ball', str(name)) for name in names)
        renderer.start(layout(), objects, look_of(objects, seed, unseen=unseen))
        frame = renderer.draw(state(tuple(standing('ball', x, -0.1) for x in spots)), VIEW)
        frame = draw_sensor(rng, unseen=unseen).apply(frame, 0)
        for item, x in zip(objects, spots, strict=True):
            u, v, _ = VIEW.project(np.array([x, -0.1, 0.037]), width=128, height=128)
            patch = frame[int(v) - 2 : int(v) + 3, int(u) - 2 : int(u) + 3].reshape(-1, 3)
            assert hue(np.median(patch, axis=0)) == item.colour, (seed, item)


@pytest.mark.render
@pytest.mark.parametrize('kind', KINDS)
def test_objects_appear_where_they_should_and_large(renderer: WorldRenderer, kind: str) -> None:
    objects = (ObjectInfo(kind, 'red'),)
    look = look_of(objects)
    # The finest view: no shadow of the object counts as the object.
    look = replace(look, light=replace(look.light, key_direction=(0.0, 0.0, -1.0)))
    renderer.start(layout(), objects, look)
    empty = renderer.draw(state((standing(kind, 0.0, -5.0),)), VIEW)
    frame = renderer.draw(state((standing(kind, 0.02, -0.06),)), VIEW)
    _, columns = np.nonzero(changed(empty, frame))
    assert np.ptp(columns) + 1 >= 14
    rows, columns = np.nonzero(changed(empty, frame) & (frame[..., 0] > 2 * frame[..., 1]))
    middle = np.array([0.02, -0.06, SHAPES[kind].height / 2])
    u, v, _ = VIEW.project(middle, width=128, height=128)
    assert abs(columns.mean() - u) < 3.5
    assert abs(rows.mean() - v) < 6


@pytest.mark.render
def test_a_fallen_object_lies_with_its_top_towards_the_heading(renderer: WorldRenderer) -> None:
    objects = (ObjectInfo('cone', 'red'),)
    renderer.start(layout(), objects, look_of(objects))
    for yaw, sign in ((0.0, 1.0), (math.pi, -1.0)):
        frame = renderer.draw(state(((0.0, -0.06, 0.04, yaw, math.pi / 2),)), VIEW).astype(int)
        red = frame[..., 0] > 2 * frame[..., 1] + 20
        left, right = red[:, :64].sum(), red[:, 64:].sum()
        assert sign * (left - right) > 20  # the foot of a cone is wider than its top


@pytest.mark.render
def test_each_piece_of_furniture_is_drawn_where_it_stands(renderer: WorldRenderer) -> None:
    for name in FURNITURE:
        both = []
        for y in (0.12, 9.0):
            rest = (Piece(name, -0.16, y),)
            look = draw_appearance((), [name], np.random.default_rng(2), unseen=False)
            renderer.start(layout(rest), (), look)
            both.append(renderer.draw(state(()), VIEW))
        rows, columns = np.nonzero(changed(both[0], both[1]))
        middle = (-0.16, 0.18, 0.06) if name == 'drawer' else (-0.16, 0.12, 0.02)
        u, v, _ = VIEW.project(np.array(middle), width=128, height=128)
        assert abs(columns.mean() - u) < 8, name
        assert abs(rows.mean() - v) < 8, name
        assert len(rows) > 350, name


@pytest.mark.render
def test_the_drawer_opens_towards_the_camera_and_hides_when_shut(renderer: WorldRenderer) -> None:
    objects = (ObjectInfo('cup', 'red'),)
    renderer.start(layout(), objects, look_of(objects))
    places = ('drawer',)

    def reds(drawer: float) -> int:
        pose = (0.17, 0.18 - 0.11 * drawer, 0.05, 0.0, 0.0)
        picture = renderer.draw(state((pose,), places=places, drawer=drawer), VIEW)
        return int((picture[..., 0] > 2.5 * picture[..., 1] + 10).sum())

    assert reds(0.0) == 0
    assert reds(1.0) > 60


@pytest.mark.render
def test_pictures_repeat_themselves(renderer: WorldRenderer) -> None:
    objects = tuple(ObjectInfo(kind, 'green') for kind in ('cup', 'mushroom', 'ring', 'star'))
    others = (ObjectInfo('bottle', 'white'), ObjectInfo('banana', 'black'))
    xs = (-0.15, -0.05, 0.05, 0.15)

    def draw(items: tuple[ObjectInfo, ...], seed: int) -> list[bytes]:
        renderer.start(layout(), items, look_of(items, seed))
        poses = tuple(standing(item.kind, x, -0.1) for item, x in zip(items, xs, strict=False))
        moved = replace(VIEW, azimuth_deg=95.0)
        return [renderer.draw(state(poses), view).tobytes() for view in (VIEW, moved)]

    first = draw(objects, 0)
    assert first[0] != first[1]
    assert draw(others, 1)[0] != first[0]
    assert draw(objects, 0) == first
