# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Finds a way to draw without a display, and loads MuJoCo with it."""

from __future__ import annotations

import ctypes
import os
from types import ModuleType

from vljepa_ros.errors import MissingDependencyError

GL_HELP = (
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
            raise MissingDependencyError(GL_HELP)
    # One thread for each process: software rendering of small pictures gets slower with more.
    os.environ.setdefault('LP_NUM_THREADS', '0')
    try:
        import mujoco
    except ModuleNotFoundError as error:
        if error.name != 'mujoco':
            raise MissingDependencyError(f'{GL_HELP} ({error})') from error
        raise MissingDependencyError(
            'The simulator needs MuJoCo: `pip install mujoco`.'
        ) from error
    except (ImportError, AttributeError, RuntimeError) as error:
        raise MissingDependencyError(f'{GL_HELP} ({error})') from error
    module: ModuleType = mujoco
    return module
