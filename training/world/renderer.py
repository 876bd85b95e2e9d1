# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Draws world states with MuJoCo. Purely kinematic: no physics is stepped."""

from __future__ import annotations

import atexit
import math
import os
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from training.world.appearance import Appearance, Light
from training.world.arm import joint_angles
from training.world.camera import FOV_Y_DEG, Camera
from training.world.geometry import DRAWER_TRAVEL, FINGER_HALF_THICKNESS
from training.world.graphics import GL_HELP, load_mujoco
from training.world.palette import Rgb, brightness
from training.world.scene import build_mjcf
from training.world.shapes import TONES
from training.world.symbols import FURNITURE, KINDS, MAX_OBJECTS, ObjectInfo
from training.world.textures import TEXTURES, table_pixels
from vljepa_ros.errors import MissingDependencyError

if TYPE_CHECKING:
    from training.world.layout import Layout
    from training.world.script import WorldState

_SHOWN, _HIDDEN = 0, 5  # geom groups; MuJoCo does not draw group 5
_SHUT = 0.02  # a drawer open by less hides what it holds, even seen through its gaps


def _tones(rgb: Rgb) -> dict[str, Rgb]:
    """Return the tones of an object's colour, see `shapes.TONES`."""
    # The inside of a vessel differs from its outside, else nobody sees that it is open.
    inner = (0.32, 0.32, 0.33) if brightness(rgb) < 0.08 else tuple(0.45 * part for part in rgb)
    contrast = (0.30, 0.30, 0.31) if min(rgb) > 0.7 else (0.88, 0.88, 0.87)
    return dict(zip(TONES, (rgb, (inner[0], inner[1], inner[2]), contrast), strict=True))


class WorldRenderer:
    """One compiled model and one drawing context for any number of episodes.

    Args:
        width: Width of the returned pictures in pixels.
        height: Height of the returned pictures in pixels.
        supersample: Each returned pixel is the mean of supersample x supersample drawn ones.

    Raises:
        MissingDependencyError: Nothing on this machine can draw.
    """

    def __init__(self, *, width: int, height: int, supersample: int) -> None:
        mujoco = self._mujoco = load_mujoco()
        self._size = (width, height)
        self._supersample = supersample
        self._model = model = mujoco.MjModel.from_xml_string(build_mjcf())
        self._data = mujoco.MjData(model)
        model.vis.global_.offwidth = width * supersample
        model.vis.global_.offheight = height * supersample
        model.vis.global_.fovy = FOV_Y_DEG
        for name in TEXTURES:
            index = model.texture(name).id
            pixels = table_pixels(name).reshape(-1)
            start = model.tex_adr[index]
            model.tex_data[start : start + pixels.size] = pixels
        try:
            self._renderer = mujoco.Renderer(model, height * supersample, width * supersample)
        except Exception as error:  # the back ends raise types of their own
            raise MissingDependencyError(f'{GL_HELP} ({error})') from error
        self._camera = mujoco.MjvCamera()
        self._joint = {
            name: int(model.joint(name).qposadr[0])
            for name in (
                'base', 'shoulder', 'elbow', 'wrist', 'roll', 'left', 'right', 'drawer'
            )
        }  # fmt: skip
        self._tone = {model.material(name).id: name for name in TONES}
        names = [f'{kind}{slot}' for slot in range(MAX_OBJECTS) for kind in KINDS]
        self._mocap = {name: int(model.body(name).mocapid[0]) for name in names}
        self._geoms = {name: self._geoms_of(name) for name in (*names, *FURNITURE)}
        self._used: tuple[str, ...] = ()
        self._last: tuple[WorldState, Camera, NDArray[np.uint8]] | None = None

    def _geoms_of(self, body: str) -> NDArray[np.intp]:
        """Indices of the geoms of a body and of the bodies fixed to it by a joint."""
        model, own = self._model, self._model.body(body).id
        parent = model.body_parentid[model.geom_bodyid]
        return np.flatnonzero((model.geom_bodyid == own) | (parent == own))

    def _show(self, body: str, *, shown: bool) -> None:
        self._model.geom_group[self._geoms[body]] = _SHOWN if shown else _HIDDEN

    def _paint(self, material: str, rgb: Rgb) -> None:
        self._model.mat_rgba[self._model.material(material).id, :3] = rgb

    def start(self, layout: Layout, objects: Sequence[ObjectInfo], look: Appearance) -> None:
        """Set up the model for an episode.

        Args:
            layout: Where the furniture stands.
            objects: The movable objects, at most `MAX_OBJECTS`.
            look: Made for these objects and this furniture.
        """
        model = self._model
        self._last = None
        for name in ('arm', 'joint', 'dark', 'finger', 'floor'):
            self._paint(name, getattr(look, f'{name}_rgb'))
        self._paint(f'table_{look.texture}', look.table_rgb)
        model.geom_matid[model.geom('table').id] = model.material(f'table_{look.texture}').id
        self._set_light(look.light)
        for name in FURNITURE:
            self._show(name, shown=False)
        for piece in layout.furniture:
            self._show(piece.name, shown=True)
            model.body_pos[model.body(piece.name).id, :2] = (piece.x, piece.y)
        for paint in look.furniture:
            self._paint(f'{paint.name}_main', paint.main)
            self._paint(f'{paint.name}_second', paint.second)
            if paint.name == 'drawer':
                self._paint('drawer_front', paint.front)
                self._paint('drawer_handle', paint.handle)
        self._place_slots(objects, look)

    def _set_light(self, light: Light) -> None:
        model, tint = self._model, np.array(light.tint)
        model.vis.headlight.ambient[:] = light.ambient * tint
        model.vis.headlight.diffuse[:] = 0.06 * tint
        model.vis.headlight.specular[:] = 0.0
        for name, bright, direction in (
            ('key', light.key, light.key_direction),
            ('fill', light.fill, light.fill_direction),
        ):
            index = model.light(name).id
            model.light_diffuse[index] = bright * tint
            model.light_specular[index] = 0.3 * bright * tint
            model.light_ambient[index] = 0.0
            model.light_dir[index] = direction
            model.light_pos[index] = -1.5 * np.array(direction)

    def _place_slots(self, objects: Sequence[ObjectInfo], look: Appearance) -> None:
        model = self._model
        for body in self._mocap:
            self._show(body, shown=False)
        self._used = tuple(f'{item.kind}{slot}' for slot, item in enumerate(objects))
        for body, rgb in zip(self._used, look.object_rgb, strict=True):
            self._show(body, shown=True)
            tones = _tones(rgb)
            for geom in self._geoms[body]:
                tone = self._tone.get(int(model.geom_matid[geom]))
                if tone is not None:  # a geom's own colour goes before its material's
                    model.geom_rgba[geom, :3] = tones[tone]

    def draw(self, state: WorldState, camera: Camera) -> NDArray[np.uint8]:
        """Draw a state as uint8 RGB [height, width, 3].

        Where nothing has changed since the last call, the last picture is returned.
        """
        if self._last is not None and self._last[:2] == (state, camera):
            return self._last[2]
        self._pose(state)
        view = self._camera
        view.azimuth, view.elevation = camera.azimuth_deg, -camera.elevation_deg
        view.distance = camera.distance
        view.lookat[:] = camera.look_at
        self._mujoco.mj_kinematics(self._model, self._data)
        self._mujoco.mj_camlight(self._model, self._data)
        self._renderer.update_scene(self._data, camera=view)
        picture: NDArray[Any] = self._renderer.render()
        if self._supersample > 1:
            picture = cv2.resize(picture, self._size, interpolation=cv2.INTER_AREA)
        frame = np.ascontiguousarray(picture, dtype=np.uint8)
        self._last = (state, camera, frame)
        return frame

    def _pose(self, state: WorldState) -> None:
        data, joint = self._data, self._joint
        base, shoulder, elbow, wrist, roll = joint_angles(*state.tip, state.yaw)
        finger = state.finger_gap / 2 + FINGER_HALF_THICKNESS
        for name, value in (
            ('base', base), ('shoulder', shoulder), ('elbow', elbow), ('wrist', wrist),
            ('roll', roll), ('left', finger), ('right', finger),
            ('drawer', state.drawer * DRAWER_TRAVEL),
        ):  # fmt: skip
            data.qpos[joint[name]] = value
        for body, pose, place in zip(self._used, state.objects, state.places, strict=True):
            x, y, z, yaw, tilt = pose
            mocap = self._mocap[body]
            cos_y, sin_y, cos_t, sin_t = (
                math.cos(yaw / 2), math.sin(yaw / 2), math.cos(tilt / 2), math.sin(tilt / 2),
            )  # fmt: skip
            data.mocap_pos[mocap] = (x, y, z)
            # Rz(yaw) Ry(tilt) as a quaternion.
            data.mocap_quat[mocap] = (cos_y * cos_t, -sin_y * sin_t, cos_y * sin_t, sin_y * cos_t)
            self._show(body, shown=place != 'drawer' or state.drawer > _SHUT)


@lru_cache(maxsize=2)
def _renderer_of(pid: int, width: int, height: int, supersample: int) -> WorldRenderer:
    del pid  # a drawing context does not survive a fork, so it is part of the key
    return WorldRenderer(width=width, height=height, supersample=supersample)


# While the interpreter shuts down it is too late for MuJoCo to free its context.
atexit.register(_renderer_of.cache_clear)


def shared_renderer(*, width: int, height: int, supersample: int) -> WorldRenderer:
    """Return this process's renderer for a picture size (building one takes time)."""
    return _renderer_of(os.getpid(), width, height, supersample)
