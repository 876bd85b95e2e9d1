# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""JPEG and PNG messages: right colours, reduced where that is enough, damage named."""

from __future__ import annotations

import array

import cv2
import numpy as np
import pytest

pytest.importorskip('rclpy', reason='needs ROS 2: make test, or source an installation')

from sensor_msgs.msg import CompressedImage  # noqa: E402

from vljepa_ros.errors import ImageError  # noqa: E402
from vljepa_ros.nodes.compressed_images import decompress  # noqa: E402
from vljepa_ros.nodes.transports import TRANSPORTS  # noqa: E402
from vljepa_ros.stream.image_ops import to_model_view  # noqa: E402


def picture(width: int, height: int) -> np.ndarray:
    """Return RGB with a red, a green and a blue third, and a gradient downwards."""
    image = np.zeros((height, width, 3), dtype=np.uint8)
    for channel in range(3):
        image[:, channel * width // 3 : (channel + 1) * width // 3, channel] = 200
    image += np.linspace(0, 50, height).astype(np.uint8)[:, None, None]
    return image


def encoded(image: np.ndarray, suffix: str = '.jpg', *, quality: int = 95) -> bytes:
    bgr = image if image.ndim == 2 else image[:, :, ::-1]
    flags = [cv2.IMWRITE_JPEG_QUALITY, quality] if suffix == '.jpg' else []
    return bytes(cv2.imencode(suffix, bgr, flags)[1])


def message(data: bytes, format_: str = 'jpeg') -> CompressedImage:
    return CompressedImage(format=format_, data=array.array('B', data))


@pytest.mark.parametrize(('suffix', 'tolerance'), [('.jpg', 6), ('.png', 0)])
def test_colours_and_size(suffix, tolerance):
    image = picture(96, 64)
    found = decompress(message(encoded(image, suffix))).rgb()
    assert found.shape == image.shape
    # Beside the edges of the thirds, where JPEG mixes colours.
    for column in (16, 48, 80):
        difference = found[:, column].astype(int) - image[:, column]
        assert np.abs(difference).max() <= tolerance


def test_grey():
    grey = picture(64, 64)[:, :, 0]
    found = decompress(message(encoded(grey, '.png'))).rgb()
    np.testing.assert_array_equal(found, np.repeat(grey[:, :, None], 3, axis=2))


@pytest.mark.parametrize(
    ('width', 'height', 'least_side', 'side'),
    [
        (640, 480, 0, 480),
        (640, 480, 128, 240),
        (640, 480, 240, 240),
        (640, 480, 241, 480),
        (480, 640, 160, 240),
        (1920, 1080, 128, 135),
    ],
)
def test_a_large_jpeg_is_decoded_smaller_but_not_too_small(width, height, least_side, side):
    found = decompress(message(encoded(picture(width, height))), least_side=least_side)
    assert min(found.pixels.shape[:2]) == side
    whole = decompress(message(encoded(picture(width, height))))
    views = [to_model_view(item, 120).astype(int) for item in (found, whole)]
    assert np.abs(views[0] - views[1]).mean() < 2.0


def test_filling_zeros_after_the_end_are_no_damage():
    image = picture(96, 64)
    assert decompress(message(encoded(image) + bytes(100))).pixels.shape == image.shape


@pytest.mark.parametrize(
    ('data', 'named'),
    [
        (b'', 'neither JPEG nor PNG'),
        (b'BM' + bytes(200), 'neither JPEG nor PNG'),
        (encoded(picture(96, 64))[:-300], 'is cut off'),
        (encoded(picture(96, 64), '.png')[:-30], 'is cut off'),
        (b'\xff\xd8\xff\xe0nothing that means anything\xff\xd9', 'is damaged'),
    ],
    ids=['empty', 'bitmap', 'truncated JPEG', 'truncated PNG', 'nonsense'],
)
def test_what_is_damaged_is_named(data, named):
    with pytest.raises(ImageError, match=named):
        decompress(message(data))


@pytest.mark.parametrize(
    ('transport', 'image', 'topic'),
    [
        ('raw', '/camera/image_raw', '/camera/image_raw'),
        ('compressed', '/camera/image_raw', '/camera/image_raw/compressed'),
        ('compressed', 'camera/compressed', 'camera/compressed'),
    ],
)
def test_topics_are_named_as_image_transport_names_them(transport, image, topic):
    assert TRANSPORTS[transport].topic(image) == topic
