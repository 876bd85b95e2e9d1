# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Varies pictures without changing what they show."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

GRAIN = 64  # how far the picture of noise reaches beyond a frame, in pixels


@dataclass(frozen=True)
class Variety:
    """How far pictures are varied.

    Attributes:
        shift_px: across and down.
        zoom: larger or smaller, as a share.
        turn_deg: about the line of sight.
        shear: of the right angle between across and down.
        gain: of the brightness, as a share.
        tint: of each colour's brightness, as a share.
        noise: standard deviation of the noise, in grey levels.
        gamma: of the tone curve, as a share.
        light: how unevenly the picture is lit, as a share.
        blur_px: standard deviation of a blur.
        grey_share: of the clips without colour; there nothing but the shape tells the kind.
    """

    shift_px: float = 6.0
    zoom: float = 0.08
    turn_deg: float = 0.0
    shear: float = 0.0
    gain: float = 0.22
    tint: float = 0.05
    noise: float = 6.0
    gamma: float = 0.0
    light: float = 0.0
    blur_px: float = 0.0
    grey_share: float = 0.0


NARROW = Variety()
# For a room, a camera and a light that the data does not show.
WIDE = Variety(
    shift_px=9.0, zoom=0.15, turn_deg=8.0, shear=0.08, gain=0.35, tint=0.09, noise=9.0, gamma=0.3,
    light=0.35, blur_px=0.9, grey_share=0.35,
)  # fmt: skip


@dataclass(frozen=True)
class View:
    """A crop of the picture: the same for all frames of a clip.

    Attributes:
        matrix: float64 [2, 3], from places in the old picture to places in the new one.
        mirrored: left and right have changed places.
    """

    matrix: np.ndarray
    mirrored: bool

    def frame(self, frame: np.ndarray) -> np.ndarray:
        """Cut out a frame uint8 [H, W, 3]."""
        size = (frame.shape[1], frame.shape[0])
        return np.asarray(
            cv2.warpAffine(frame, self.matrix, size, borderMode=cv2.BORDER_REPLICATE)
        )

    def places(self, places: np.ndarray) -> None:
        """Move u and v (and scale the radius, if any) of [..., 2 or 3] in place."""
        places[..., :2] = places[..., :2] @ self.matrix[:, :2].T + self.matrix[:, 2]
        if places.shape[-1] == 3:
            places[..., 2] *= np.sqrt(abs(np.linalg.det(self.matrix[:, :2])))


def draw_view(
    rng: np.random.Generator, *, size: int, mirror: bool = True, variety: Variety = NARROW
) -> View:
    """Draw a view of pictures of side `size`, mirrored in half of the cases if allowed."""
    zoom = 1.0 + rng.uniform(-variety.zoom, variety.zoom)
    mirrored = bool(mirror and rng.random() < 0.5)
    shift = rng.uniform(-variety.shift_px, variety.shift_px, size=2)
    linear = np.array([[-zoom if mirrored else zoom, 0.0], [0.0, zoom]])
    if variety.turn_deg or variety.shear:
        angle = np.deg2rad(rng.uniform(-variety.turn_deg, variety.turn_deg))
        cos, sin = np.cos(angle), np.sin(angle)
        sheared = np.array([[1.0, rng.uniform(-variety.shear, variety.shear)], [0.0, 1.0]])
        linear = np.array([[cos, -sin], [sin, cos]]) @ sheared @ linear
    middle = np.full(2, (size - 1) / 2)
    return View(np.column_stack((linear, middle - linear @ middle + shift)), mirrored)


def draw_grey(rng: np.random.Generator, count: int, *, variety: Variety) -> np.ndarray:
    """Draw which of `count` clips lose their colours, bool [count]."""
    if not variety.grey_share:
        return np.zeros(count, bool)
    return np.asarray(rng.random(count) < variety.grey_share)


def augment_colours(
    frames: np.ndarray,
    rng: np.random.Generator,
    *,
    variety: Variety = NARROW,
    grey: np.ndarray | None = None,
) -> np.ndarray:
    """Vary brightness, contrast, white balance, light and noise of clips.

    The white balance moves little: red must not become orange.

    Args:
        frames: uint8 [B, T, H, W, 3].
        rng: draws how.
        variety: how far.
        grey: bool [B], which clips lose their colours; None is none. How much each of the three
            colours counts for the grey is drawn, so that no colour has a grey of its own.
    """
    levels = np.arange(256, dtype=np.float32)[:, None]
    # One noise picture, cut out at another place for each frame: drawing it anew takes too long.
    height, width = frames.shape[2:4]
    grain = rng.standard_normal((height + GRAIN, width + GRAIN, 3), dtype=np.float32)
    out = np.empty_like(frames)
    for number, (clip, result) in enumerate(zip(frames, out, strict=True)):
        gain = rng.uniform(1.0 - variety.gain, 1.0 + variety.gain)
        tints = gain * rng.uniform(1.0 - variety.tint, 1.0 + variety.tint, 3)
        toned = levels * tints + rng.uniform(-16.0, 16.0)
        noise = (grain * rng.uniform(0.0, variety.noise)).astype(np.int16)
        light = None
        if variety != NARROW:
            gamma = np.exp(rng.uniform(-variety.gamma, variety.gamma))
            toned = 255.0 * (np.clip(toned, 0.0, 255.0) / 255.0) ** gamma
            light = _draw_light(rng, (height, width), variety.light)
            blur_px = rng.uniform(0.0, variety.blur_px)
        table = np.clip(toned, 0.0, 255.0).astype(np.uint8).reshape(1, 256, 3)
        weights = rng.dirichlet(np.full(3, 2.0)) if grey is not None and grey[number] else None
        for index, frame in enumerate(clip):
            picture = cv2.LUT(frame, table)
            if light is not None:
                picture = cv2.multiply(picture, light, dtype=cv2.CV_8U)
                if blur_px > 0.3:  # less is not seen
                    picture = cv2.GaussianBlur(picture, (5, 5), blur_px)
            if weights is not None:
                picture = cv2.transform(picture, np.tile(weights, (3, 1)))
            top, left = rng.integers(0, GRAIN, 2)
            patch = np.ascontiguousarray(noise[top : top + height, left : left + width])
            cv2.add(picture, patch, dst=result[index], dtype=cv2.CV_8U)
    return out


def _draw_light(rng: np.random.Generator, shape: tuple[int, int], share: float) -> np.ndarray:
    """Draw how brightly each place is lit, float32 [H, W, 3]: smooth, now and then a shadow."""
    coarse = np.exp(rng.uniform(-share, share, (3, 3))).astype(np.float32)
    light = cv2.resize(coarse, shape[::-1], interpolation=cv2.INTER_CUBIC)
    if rng.random() < 0.3 and share:
        angle = rng.uniform(0.0, 2.0 * np.pi)
        down, across = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
        side = np.cos(angle) * (across - shape[1] / 2) + np.sin(angle) * (down - shape[0] / 2)
        edge = rng.uniform(-0.4, 0.4) * shape[0]
        light = light * np.where(side > edge, rng.uniform(0.55, 0.9), 1.0).astype(np.float32)
    return np.repeat(light[..., None], 3, axis=2)
