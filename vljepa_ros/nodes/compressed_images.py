# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""sensor_msgs/CompressedImage (JPEG, PNG) → pictures."""

from __future__ import annotations

from sensor_msgs.msg import CompressedImage

from vljepa_ros.stream.encoded_images import decode_image
from vljepa_ros.stream.image_ops import Picture


def decompress(message: CompressedImage, *, least_side: int = 0) -> Picture:
    """Decode a compressed image; `least_side` and errors as in `decode_image`."""
    return decode_image(bytes(message.data), message.format, least_side=least_side)
