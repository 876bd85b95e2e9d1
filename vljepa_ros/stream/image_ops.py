# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""From a camera's picture to the square view that the model sees."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from vljepa_ros.errors import ImageError

RGB = (0, 1, 2)
BGR = (2, 1, 0)


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture with its channels in the order in which the camera gave them.

    Putting them in order copies every pixel, so that is left until the picture is small.

    Attributes:
        pixels: uint8 [H, W, C] with at least one pixel; may be a view of a message's data.
        channels: which of the C are red, green and blue.
    """

    pixels: np.ndarray
    channels: tuple[int, int, int] = RGB

    def rgb(self) -> np.ndarray:
        """Return RGB uint8 [H, W, 3]; may be a view."""
        return _in_order(self.pixels, self.channels)


def check_rgb(image: np.ndarray) -> None:
    """Check that an array is a picture.

    Raises:
        ImageError: not uint8 [H, W, 3] with H, W ≥ 1.
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
        raise ImageError(
            f'A frame must be RGB, uint8 [H, W, 3] with at least one pixel, not {image.dtype} '
            f'{list(image.shape)}. Convert it first'
        )


def to_model_view(image: np.ndarray | Picture, size: int) -> np.ndarray:
    """Cut the central square and scale it to the model's input size.

    Area interpolation averages the pixels away, as an antialiasing filter would; enlarging is
    bilinear.

    Args:
        image: RGB uint8 [H, W, 3], or a picture with its channels in another order.
        size: side of the result in pixels.

    Returns:
        RGB uint8 [size, size, 3], a new contiguous array.

    Raises:
        ImageError: the array is not a picture.
    """
    if not isinstance(image, Picture):
        check_rgb(image)
        image = Picture(image)
    height, width, count = image.pixels.shape
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    view = image.pixels[top : top + side, left : left + side]
    if side != size:
        method = cv2.INTER_AREA if side > size else cv2.INTER_LINEAR
        # OpenCV drops the dimension of a single channel.
        view = cv2.resize(view, (size, size), interpolation=method).reshape(size, size, count)
    return np.array(_in_order(view, image.channels), dtype=np.uint8, order='C')


def still_clip(image: np.ndarray | Picture, *, clip_frames: int, image_size: int) -> np.ndarray:
    """Return a clip uint8 [T, S, S, 3] of a scene that stands still.

    Args:
        image: as for `to_model_view`.
        clip_frames: T.
        image_size: S.

    Raises:
        ImageError: the array is not a picture.
    """
    return np.repeat(to_model_view(image, image_size)[None], clip_frames, axis=0)


def _in_order(pixels: np.ndarray, channels: tuple[int, int, int]) -> np.ndarray:
    if pixels.shape[2] == 3 and channels == RGB:
        return pixels
    return pixels[:, :, channels]
