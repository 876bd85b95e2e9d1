# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""From a camera's picture to the square view that the model sees."""

from __future__ import annotations

import cv2
import numpy as np

from vljepa_ros.errors import ImageError


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


def to_model_view(image: np.ndarray, size: int) -> np.ndarray:
    """Cut the central square and scale it to the model's input size.

    Area interpolation averages the pixels away, as an antialiasing filter would; enlarging is
    bilinear.

    Args:
        image: RGB uint8 [H, W, 3].
        size: side of the result in pixels.

    Returns:
        RGB uint8 [size, size, 3], a new contiguous array.

    Raises:
        ImageError: the array is not a picture.
    """
    check_rgb(image)
    height, width = image.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = image[top : top + side, left : left + side]
    if side == size:
        return np.array(square, order='C')
    method = cv2.INTER_AREA if side > size else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(square, (size, size), interpolation=method), dtype=np.uint8)
