# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Draws world states with MuJoCo. Purely kinematic: no physics is stepped."""

from __future__ import annotations

import atexit
import ctypes
import math
import os
from functools import lru_cache
from types import ModuleType
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from training.world.appearance import Appearance, table_pixels
from training.world.arm import joint_angles
from training.world.camera import FOV_Y_DEG, Camera
from training.world.geometry import DRAWER_TRAVEL, FINGER_HALF_THICKNESS, KINDS, MAX_OBJECTS
from training.world.scene import TEXTURES, build_mjcf
from training.world.script import Plan, WorldState
from vljepa_ros.errors import MissingDependencyError

_GL_HELP = (
    'Rendering needs EGL or OSMesa. Install one of them: '
    '`apt-get install libegl1 libegl-mesa0 libgl1-mesa-dri`, or `apt-get install libosmesa6` '
    'with MUJOCO_GL=osmesa. A program that imports mujoco by itself must set MUJOCO_GL first.'
)


def _egl_has_device() -> bool:
    """Tell whether EGL offers a device; the dispatch library alone (libegl1) has none."""
    try:
        egl = ctypes.CDLL('libEGL.so.1')
    except OSError:
        return False
    egl.eglGetProcAddress.restype = ctypes.c_void_p
    egl.eglGetProcAddress.argtypes = (ctypes.c_char_p,)
    address = egl.eglGetProcAddress(b'eglQueryDevicesEXT')
    if not address:
        return False
    count = ctypes.c_int(0)
    query = ctypes.CFUNCTYPE(
        ctypes.c_uint, ctypes.c_int, ctypes.c_void_p, ctypes.POINTER(ctypes.c_int)
    )(address)
    return bool(query(0, None, ctypes.byref(count))) and count.value > 0


def _has_library(name: str) -> bool:
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


def load_mujoco() -> ModuleType:
    """Import MuJoCo with a way to draw without a display.

    An environment variable MUJOCO_GL that is set already is kept. Otherwise EGL is taken, and
    OSMesa where EGL has no device.

    Raises:
        MissingDependencyError: MuJoCo is not installed, or neither EGL nor OSMesa works.
    """
    if not os.environ.get('MUJOCO_GL'):
        if _egl_has_device():
            os.environ['MUJOCO_GL'] = 'egl'
        elif _has_library('libOSMesa.so.8') or _has_library('libOSMesa.so'):
            os.environ['MUJOCO_GL'] = 'osmesa'
        else:
            raise MissingDependencyError(_GL_HELP)
    # One thread for each process: software rendering of small pictures gets slower with more.
    os.environ.setdefault('LP_NUM_THREADS', '0')
    try:
        import mujoco
    except ModuleNotFoundError as error:
        if error.name != 'mujoco':
            raise MissingDependencyError(f'{_GL_HELP} ({error})') from error
        raise MissingDependencyError(
            'The simulator needs MuJoCo: `pip install mujoco`.'
        ) from error
    except (ImportError, AttributeError, RuntimeError) as error:
        raise MissingDependencyError(f'{_GL_HELP} ({error})') from error
    module: ModuleType = mujoco
    return module


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
            raise MissingDependencyError(f'{_GL_HELP} ({error})') from error
        self._camera = mujoco.MjvCamera()
        self._joint = {
            name: int(model.joint(name).qposadr[0])
            for name in (
                'base', 'shoulder', 'elbow', 'wrist', 'roll', 'left', 'right', 'drawer'
            )
        }  # fmt: skip
        self._mocap = {
            (kind, slot): int(model.body(f'{kind}{slot}').mocapid[0])
            for kind in KINDS
            for slot in range(MAX_OBJECTS)
        }
        self._used: list[int] = []
        self._last: tuple[WorldState, NDArray[np.uint8]] | None = None

    def _paint_material(self, name: str, rgb: tuple[float, float, float]) -> None:
        self._model.mat_rgba[self._model.material(name).id, :3] = rgb

    def start(self, plan: Plan, look: Appearance, camera: Camera) -> None:
        """Set up the model for an episode."""
        model = self._model
        self._last = None
        for name in (
            'arm',
            'joint',
            'dark',
            'finger',
            'cabinet',
            'drawer',
            'handle',
            'bowl',
            'floor',
        ):
            self._paint_material(name, getattr(look, f'{name}_rgb'))
        self._paint_material(f'table_{look.texture}', look.table_rgb)
        model.geom_matid[model.geom('table').id] = model.material(f'table_{look.texture}').id
        model.vis.headlight.ambient[:] = look.ambient
        model.vis.headlight.diffuse[:] = 0.08
        model.vis.headlight.specular[:] = 0.0
        for name, bright, direction in (
            ('key', look.key, look.key_direction),
            ('fill', look.fill, look.fill_direction),
        ):
            light = model.light(name).id
            model.light_diffuse[light] = bright
            model.light_specular[light] = 0.3 * bright
            model.light_ambient[light] = 0.0
            model.light_dir[light] = direction
            model.light_pos[light] = -1.5 * np.array(direction)
        model.body_pos[model.body('bowl').id, :2] = plan.layout.bowl
        model.body_pos[model.body('cabinet').id, :2] = plan.layout.cabinet
        self._place_slots(plan, look)
        self._camera.azimuth = camera.azimuth_deg
        self._camera.elevation = -camera.elevation_deg
        self._camera.distance = camera.distance
        self._camera.lookat[:] = camera.look_at

    def _place_slots(self, plan: Plan, look: Appearance) -> None:
        model = self._model
        self._used = []
        for slot in range(MAX_OBJECTS):
            for kind in KINDS:
                body = model.body(f'{kind}{slot}')
                first = int(body.geomadr[0])
                geoms = range(first, first + int(body.geomnum[0]))
                used = slot < len(plan.objects) and plan.objects[slot].kind == kind
                for geom in geoms:
                    model.geom_group[geom] = 0 if used else 5  # group 5 is not drawn
                    if used and model.geom_matid[geom] < 0:
                        model.geom_rgba[geom, :3] = look.object_rgb[slot]
            if slot < len(plan.objects):
                self._used.append(self._mocap[plan.objects[slot].kind, slot])

    def draw(self, state: WorldState) -> NDArray[np.uint8]:
        """Draw a state as uint8 RGB [height, width, 3]."""
        if self._last is not None and self._last[0] == state:
            return self._last[1]  # nothing moved, which is so in about half of the frames
        data, joint = self._data, self._joint
        base, shoulder, elbow, wrist, roll = joint_angles(*state.tip, state.yaw)
        finger = state.finger_gap / 2 + FINGER_HALF_THICKNESS
        for name, value in (
            ('base', base), ('shoulder', shoulder), ('elbow', elbow), ('wrist', wrist),
            ('roll', roll), ('left', finger), ('right', finger),
            ('drawer', state.drawer * DRAWER_TRAVEL),
        ):  # fmt: skip
            data.qpos[joint[name]] = value
        for mocap, (x, y, z, yaw) in zip(self._used, state.objects, strict=True):
            data.mocap_pos[mocap] = (x, y, z)
            data.mocap_quat[mocap] = (math.cos(yaw / 2), 0.0, 0.0, math.sin(yaw / 2))
        self._mujoco.mj_kinematics(self._model, data)
        self._mujoco.mj_camlight(self._model, data)
        self._renderer.update_scene(data, camera=self._camera)
        picture: NDArray[Any] = self._renderer.render()
        if self._supersample > 1:
            picture = cv2.resize(picture, self._size, interpolation=cv2.INTER_AREA)
        frame = np.ascontiguousarray(picture, dtype=np.uint8)
        self._last = (state, frame)
        return frame


@lru_cache(maxsize=2)
def _renderer_of(pid: int, width: int, height: int, supersample: int) -> WorldRenderer:
    del pid  # a drawing context does not survive a fork, so it is part of the key
    return WorldRenderer(width=width, height=height, supersample=supersample)


# While the interpreter shuts down it is too late for MuJoCo to free its context.
atexit.register(_renderer_of.cache_clear)


def shared_renderer(*, width: int, height: int, supersample: int) -> WorldRenderer:
    """Return this process's renderer for a picture size (building one takes 0.1 s)."""
    return _renderer_of(os.getpid(), width, height, supersample)
