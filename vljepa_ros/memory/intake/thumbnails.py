# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Small pictures that show what a row was made from."""

from __future__ import annotations

import cv2
import numpy as np

from vljepa_ros.stream.encoded_images import encode_jpeg
from vljepa_ros.stream.image_ops import Picture

QUALITY = 75


def thumbnail_of(picture: Picture, *, longest_side: int) -> bytes:
    """Return a picture as a small JPEG.

    Args:
        picture: any; one that is smaller already keeps its size.
        longest_side: in pixels, at least 1.

    Raises:
        ImageError: it cannot be a JPEG.
    """
    height, width, count = picture.pixels.shape
    scale = longest_side / max(height, width)
    pixels = picture.pixels
    if scale < 1.0:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        # OpenCV drops the dimension of a single channel.
        pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
        pixels = np.asarray(pixels, dtype=np.uint8).reshape(size[1], size[0], count)
    return encode_jpeg(Picture(pixels, picture.channels), quality=QUALITY)
