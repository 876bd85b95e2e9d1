# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The bytes of an image as messages carry them (rows of pixels, JPEG, PNG) ↔ pictures."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from vljepa_ros.errors import ImageError
from vljepa_ros.stream.image_ops import BGR, RGB, Picture

# Bytes of a pixel, and where its red, green and blue are.
PLAIN_ENCODINGS: dict[str, tuple[int, tuple[int, int, int]]] = {
    'rgb8': (3, RGB),
    'bgr8': (3, BGR),
    'rgba8': (4, RGB),
    'bgra8': (4, BGR),
    'mono8': (1, (0, 0, 0)),
}
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


def plain_picture(
    data: Any, *, height: int, width: int, encoding: str, step: int
) -> Picture | None:
    """Return the picture in rows of pixels; may be a view of `data`.

    Args:
        data: a buffer of bytes.
        height: rows.
        width: pixels a row.
        encoding: as in sensor_msgs/Image.
        step: bytes a row.

    Returns:
        None if the encoding is none of PLAIN_ENCODINGS.

    Raises:
        ImageError: the image is empty, or its data is too short.
    """
    if not height or not width:
        raise ImageError(
            f'An image of {width}×{height} pixels (encoding {encoding!r}) has nothing to show; '
            'width and height must be at least 1'
        )
    if encoding not in PLAIN_ENCODINGS:
        return None
    channels, order = PLAIN_ENCODINGS[encoding]
    row = width * channels
    if step < row or len(data) < step * height:
        raise ImageError(
            f'An image of {width}×{height} pixels in {encoding!r} needs rows (step) of at least '
            f'{row} bytes and step × height bytes of data; it has step {step} and '
            f'{len(data)} bytes'
        )
    flat = np.frombuffer(data, dtype=np.uint8, count=step * height)
    pixels = flat.reshape(height, step)[:, :row].reshape(height, width, channels)
    return Picture(pixels, order)


def encode_jpeg(picture: Picture, *, quality: int) -> bytes:
    """Return a picture as JPEG; a grey one stays grey.

    Args:
        picture: any.
        quality: 1 to 100.
    """
    pixels = picture.pixels
    if pixels.shape[2] > 1:
        red, green, blue = picture.channels
        in_order = pixels.shape[2] == 3 and picture.channels == BGR
        pixels = pixels if in_order else np.ascontiguousarray(pixels[:, :, (blue, green, red)])
    encoded, data = cv2.imencode('.jpg', pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not encoded:
        raise ImageError(
            f'An image of {pixels.shape[1]}×{pixels.shape[0]} pixels cannot be a JPEG'
        )
    return bytes(data)


def decode_image(data: bytes, form: str, *, least_side: int = 0) -> Picture:
    """Decode a compressed image.

    Args:
        data: a JPEG or a PNG, which its first bytes tell.
        form: what the message calls it.
        least_side: a JPEG whose shorter side is at least twice as many pixels may be decoded
            smaller, but not below this; 0 keeps its size.

    Returns:
        The picture, 8 bits a channel.

    Raises:
        ImageError: it is empty, neither JPEG nor PNG, cut off or damaged.
    """
    if data.startswith(JPEG_START):
        reduction = _reduction(_jpeg_side(data), least_side)
        # Drivers may send their whole buffer, filled up with zeros.
        complete = data.rstrip(b'\0').endswith(JPEG_END)
    elif data.startswith(PNG_START):
        reduction, complete = 1, PNG_END in data[-64:]
    else:
        raise ImageError(
            f'A compressed image of {len(data)} bytes (format {form!r}) is neither JPEG '
            'nor PNG. Set the format of image_transport to jpeg or png, or subscribe to raw '
            'images (image_transport: raw)'
        )
    if not complete:  # OpenCV would show the missing part in grey
        raise ImageError(
            f'A compressed image of {len(data)} bytes (format {form!r}) is cut off: its '
            'end is missing. Check the camera driver and the network'
        )
    flags = REDUCED[reduction] | cv2.IMREAD_IGNORE_ORIENTATION
    try:
        pixels = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), flags)
    except cv2.error as error:
        raise ImageError(f'A compressed image cannot be decoded: {error}') from error
    if pixels is None:
        raise ImageError(
            f'A compressed image of {len(data)} bytes (format {form!r}) is damaged. '
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
