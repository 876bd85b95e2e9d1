# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Table textures, grey so that a colour can tint them; some are kept back for unseen looks."""

from __future__ import annotations

import zlib

import cv2
import numpy as np
from numpy.typing import NDArray

SEEN_TEXTURES = ('plain', 'wood', 'speckle', 'checker', 'cloth', 'tiles', 'planks', 'clouds')
UNSEEN_TEXTURES = ('marble', 'stripes', 'dots', 'grass', 'bricks')
TEXTURES = SEEN_TEXTURES + UNSEEN_TEXTURES
SIZE = 256

_Image = NDArray[np.floating]


def _smooth_noise(rng: np.random.Generator, cells: int) -> _Image:
    """Noise of `cells` waves across that goes on at the other side, about -1..1."""
    coarse = rng.standard_normal((cells, cells))
    wrapped = np.pad(coarse, 2, mode='wrap').astype(np.float32)
    scale = SIZE // cells
    large = cv2.resize(wrapped, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    cut = 2 * scale
    return np.asarray(large[cut : cut + SIZE, cut : cut + SIZE], dtype=np.float64) * 0.6


def _seen(name: str, rows: _Image, columns: _Image, rng: np.random.Generator) -> _Image:
    fine = rng.standard_normal((SIZE, SIZE))
    if name == 'wood':
        bend = 0.02 * np.sin(2 * np.pi * rows * 2) + 0.012 * np.sin(2 * np.pi * rows * 5 + 1)
        return 0.86 + 0.045 * np.sin(2 * np.pi * 14 * (columns + bend)) + 0.03 * fine
    if name == 'planks':
        board = np.floor(rows * 6).astype(int)
        tone = np.array([0.84, 0.93, 0.80, 0.90, 0.86, 0.95])[board]
        return np.where((rows * 6) % 1.0 < 0.05, 0.55, tone + 0.02 * _smooth_noise(rng, 32))
    if name == 'speckle':
        return 0.88 + 0.10 * rng.standard_normal((SIZE // 2, SIZE // 2)).repeat(2, 0).repeat(2, 1)
    if name == 'checker':
        return np.where(((rows * 4).astype(int) + (columns * 4).astype(int)) % 2, 0.95, 0.78)
    if name == 'cloth':
        return 0.86 + 0.07 * (np.sin(2 * np.pi * 32 * rows) + np.sin(2 * np.pi * 32 * columns))
    if name == 'tiles':
        joint = ((rows * 3) % 1.0 < 0.05) | ((columns * 3) % 1.0 < 0.05)
        return np.where(joint, 0.62, 0.92)
    if name == 'clouds':
        return 0.86 + 0.07 * _smooth_noise(rng, 4) + 0.04 * _smooth_noise(rng, 16)
    return np.full((SIZE, SIZE), 0.92)


def _unseen(name: str, rows: _Image, columns: _Image, rng: np.random.Generator) -> _Image:
    if name == 'marble':
        warp = 0.10 * _smooth_noise(rng, 4) + 0.04 * _smooth_noise(rng, 16)
        veins = np.abs(np.sin(np.pi * (3 * columns + 2 * rows + 4 * warp)))
        return 0.94 - 0.34 * np.exp(-((veins / 0.16) ** 2)) + 0.03 * _smooth_noise(rng, 8)
    if name == 'stripes':
        return np.where((columns * 6 + rows * 6) % 1.0 < 0.5, 0.98, 0.74)
    if name == 'dots':
        x, y = (columns * 8) % 1.0 - 0.5, (rows * 8) % 1.0 - 0.5
        return np.where(x * x + y * y < 0.06, 0.68, 0.95)
    if name == 'grass':
        blades = cv2.GaussianBlur(rng.standard_normal((SIZE, SIZE)), (0, 0), 0.8, sigmaY=3.5)
        return 0.78 + 0.14 * np.asarray(blades) / float(np.std(blades))
    row = np.floor(rows * 8)
    joint = ((rows * 8) % 1.0 < 0.10) | ((columns * 4 + 0.5 * (row % 2)) % 1.0 < 0.05)
    bricks = 0.78 + 0.04 * _smooth_noise(rng, 32)
    bricks[joint] = 1.0
    return bricks


def table_pixels(texture: str) -> NDArray[np.uint8]:
    """Draw a texture of `TEXTURES`, uint8 [256, 256, 3], light so that a colour can tint it."""
    rng = np.random.default_rng(zlib.crc32(texture.encode()))
    rows, columns = np.mgrid[0:SIZE, 0:SIZE] / SIZE
    draw = _seen if texture in SEEN_TEXTURES else _unseen
    value = draw(texture, rows, columns, rng)
    grey = np.clip(value * 255, 0, 255).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)
