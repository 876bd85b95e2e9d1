# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A camera's images in the form in which the recorder keeps them."""

from __future__ import annotations

import array
from typing import Any

from rclpy.serialization import serialize_message
from sensor_msgs.msg import CompressedImage

from vljepa_ros.nodes.images import to_picture
from vljepa_ros.nodes.stamps import to_ns
from vljepa_ros.recordings.ring import Record, Topic
from vljepa_ros.stream.encoded_images import encode_jpeg
from vljepa_ros.stream.stamp_grid import StampGrid


class ImageRecords:
    """Thins out the images of one topic and compresses them if asked."""

    def __init__(self, name: str, kind: type[Any], *, rate_hz: float, image_format: str) -> None:
        """Take the parameters.

        Args:
            name: of the topic, in full.
            kind: of its messages.
            rate_hz: images kept a second; 0 keeps all.
            image_format: 'jpeg' compresses what is not compressed.
        """
        self._encode = kind is not CompressedImage and image_format == 'jpeg'
        self._grid = StampGrid(rate_hz) if rate_hz else None
        self.topic = (
            Topic(f'{name}/compressed', 'sensor_msgs/msg/CompressedImage')
            if self._encode
            else Topic(name, f'sensor_msgs/msg/{kind.__name__}')
        )

    def record(self, message: Any, now_ns: int, *, jpeg_quality: int) -> Record | None:
        """Return what is kept of an image; None if it is not its turn.

        Args:
            message: the image.
            now_ns: when it came.
            jpeg_quality: 1 to 100.

        Raises:
            ImageError: it cannot be compressed.
        """
        due_ns = to_ns(message.header.stamp) or now_ns
        if self._grid is not None and not self._grid.is_due(due_ns):
            return None
        kept = _compressed(message, jpeg_quality) if self._encode else message
        return Record(self.topic, now_ns, serialize_message(kept))


def _compressed(message: Any, jpeg_quality: int) -> CompressedImage:
    data = array.array('B')
    data.frombytes(encode_jpeg(to_picture(message), quality=jpeg_quality))
    return CompressedImage(header=message.header, format='jpeg', data=data)
