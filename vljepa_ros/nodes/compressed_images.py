# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""sensor_msgs/CompressedImage (JPEG, PNG) → pictures."""

from __future__ import annotations

import cv2
import numpy as np
from sensor_msgs.msg import CompressedImage

from vljepa_ros.errors import ImageError
from vljepa_ros.stream.image_ops import BGR, Picture

JPEG_START, JPEG_END = b'\xff\xd8', b'\xff\xd9'
PNG_START, PNG_END = b'\x89PNG\r\n\x1a\n', b'IEND\xaeB`\x82'
# Markers of a JPEG that hold its size: SOF0 to SOF15 without DHT, JPG and DAC.
FRAME_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
# A JPEG can be decoded at a half, a quarter or an eighth of its size, much faster.
REDUCED = {
    1: cv2.IMREAD_COLOR,
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}


def decompress(message: CompressedImage, *, least_side: int = 0) -> Picture:
    """Decode a compressed image.

    Args:
        message: a JPEG or a PNG, which its first bytes tell, whatever its format says.
        least_side: a JPEG whose shorter side is at least twice as many pixels may be decoded
            smaller, but not below this; 0 keeps its size.

    Returns:
        The picture, 8 bits a channel.

    Raises:
        ImageError: it is empty, neither JPEG nor PNG, cut off or damaged.
    """
    data = bytes(message.data)
    if data.startswith(JPEG_START):
        reduction = _reduction(_jpeg_side(data), least_side)
        # Drivers may send their whole buffer, filled up with zeros.
        complete = data.rstrip(b'\0').endswith(JPEG_END)
    elif data.startswith(PNG_START):
        reduction, complete = 1, PNG_END in data[-64:]
    else:
        raise ImageError(
            f'A compressed image of {len(data)} bytes (format {message.format!r}) is neither JPEG '
            'nor PNG. Set the format of image_transport to jpeg or png, or subscribe to raw '
            'images (image_transport: raw)'
        )
    if not complete:  # OpenCV would show the missing part in grey
        raise ImageError(
            f'A compressed image of {len(data)} bytes (format {message.format!r}) is cut off: its '
            'end is missing. Check the camera driver and the network'
        )
    flags = REDUCED[reduction] | cv2.IMREAD_IGNORE_ORIENTATION
    try:
        pixels = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), flags)
    except cv2.error as error:
        raise ImageError(f'A compressed image cannot be decoded: {error}') from error
    if pixels is None:
        raise ImageError(
            f'A compressed image of {len(data)} bytes (format {message.format!r}) is damaged. '
            'Check the camera driver and the network'
        )
    return Picture(np.asarray(pixels, dtype=np.uint8), BGR)


def _reduction(side: int, least_side: int) -> int:
    """Return by how much a JPEG of a shorter side may be reduced."""
    if not least_side:
        return 1
    return max(factor for factor in REDUCED if factor == 1 or side >= factor * least_side)


def _jpeg_side(data: bytes) -> int:
    """Return the shorter side of a JPEG in pixels, 0 if it does not tell."""
    at = len(JPEG_START)
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker in FRAME_MARKERS:
            height, width = data[at + 5 : at + 7], data[at + 7 : at + 9]
            return min(int.from_bytes(height, 'big'), int.from_bytes(width, 'big'))
        # Any number of 0xFF may precede a marker; all others before the frame have a length.
        at += 1 if marker == 0xFF else 2 + int.from_bytes(data[at + 2 : at + 4], 'big')
    return 0
