# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The ways in which images come in, as `image_transport` names them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sensor_msgs.msg import CompressedImage, Image

from vljepa_ros.nodes.compressed_images import decompress
from vljepa_ros.nodes.images import to_picture
from vljepa_ros.stream.image_ops import Picture


@dataclass(frozen=True)
class Transport:
    """One of them.

    Attributes:
        kind: type of the messages.
        suffix: what image_transport adds to the name of the topic.
        read: a message and the side of the model's view in pixels → the picture; raises
            ImageError.
        form: size and encoding of a message's image, in words.
    """

    kind: Any
    suffix: str
    read: Callable[[Any, int], Picture]
    form: Callable[[Any], str]

    def topic(self, image: str) -> str:
        """Return the topic of a camera whose raw images are on `image`."""
        return image if image.endswith(self.suffix) else image + self.suffix


TRANSPORTS = {
    'raw': Transport(
        Image,
        '',
        lambda message, size: to_picture(message),
        lambda message: f'{message.width}×{message.height} {message.encoding}',
    ),
    'compressed': Transport(
        CompressedImage,
        '/compressed',
        lambda message, size: decompress(message, least_side=size),
        lambda message: message.format or 'no format',
    ),
}
