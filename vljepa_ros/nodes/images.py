# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""sensor_msgs/Image ↔ RGB arrays.

The 8-bit colour and grey encodings are a matter of bytes and need no library. Everything else
goes through the distribution's cv_bridge where it works, else through rosbags-image (PyPI).
"""

from __future__ import annotations

import array
import functools
import importlib
import sys
from collections.abc import Callable

import numpy as np
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from vljepa_ros.errors import ImageError
from vljepa_ros.stream import encoded_images
from vljepa_ros.stream.image_ops import Picture

PLAIN_ENCODINGS = encoded_images.PLAIN_ENCODINGS
WANTED = (
    'it must be an array of uint8 [H, W, 3], RGB, 0 to 255 '
    '(numbers in 0..1: (255 * image).astype(np.uint8))'
)
Converter = Callable[[Image], np.ndarray]


def to_picture(message: Image) -> Picture:
    """Return the picture in an image message; may be a view of its data.

    Raises:
        ImageError: the image is empty, its data is too short, or its encoding is unknown.
    """
    picture = encoded_images.plain_picture(
        message.data,
        height=message.height,
        width=message.width,
        encoding=message.encoding,
        step=message.step,
    )
    return Picture(_convert(message)) if picture is None else picture


def to_rgb(message: Image) -> np.ndarray:
    """Return an image message as RGB uint8 [H, W, 3]; errors as `to_picture`."""
    return to_picture(message).rgb()


def picture_in(field: str, message: Image) -> Picture:
    """Return the picture in a field of a request, as `to_picture`; errors name the field."""
    try:
        return to_picture(message)
    except ImageError as error:
        raise ImageError(f'{field}: {error}') from error


def to_message(image: np.ndarray, header: Header, *, name: str = 'image') -> Image:
    """Return RGB uint8 [H, W, 3] as a message in rgb8.

    Args:
        image: the picture.
        header: of the message.
        name: what an error calls it.

    Raises:
        ImageError: it is something else; its bytes would be shown as a wrong picture.
    """
    if not isinstance(image, np.ndarray):
        raise ImageError(f'{name} is of type {type(image).__name__}; {WANTED}')
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
        raise ImageError(f'{name} is {image.dtype} {list(image.shape)}; {WANTED}')
    height, width = image.shape[:2]
    data = array.array('B')  # rclpy takes it as it is; lists and arrays of NumPy are copied slowly
    data.frombytes(np.ascontiguousarray(image).data.cast('B'))
    return Image(
        header=header,
        height=height,
        width=width,
        encoding='rgb8',
        is_bigendian=0,
        step=3 * width,
        data=data,
    )


def _convert(message: Image) -> np.ndarray:
    try:
        image = np.asarray(_converter()[1](message))
    except ImageError:
        raise
    except Exception as error:  # each library raises its own kinds
        raise ImageError(
            f'Cannot convert an image of {message.width}×{message.height} pixels in the encoding '
            f'{message.encoding!r} to rgb8 ({type(error).__name__}: {error}). Supported are '
            f'{", ".join(PLAIN_ENCODINGS)} and the colour, grey, Bayer and YUV encodings of '
            'sensor_msgs that can be shown as a colour image'
        ) from error
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise ImageError(f'The encoding {message.encoding!r} cannot be shown as a colour image')
    return image


def converter_name() -> str:
    """Return what converts the encodings that are not plain.

    Raises:
        ImageError: nothing does.
    """
    return _converter()[0]


@functools.cache
def _converter() -> tuple[str, Converter]:
    """Return the first converter that works here, and its name."""
    for name, load in (('cv_bridge', _cv_bridge), ('rosbags-image', _rosbags_image)):
        try:
            converter = load()
            _try_out(converter)
        except Exception:  # missing, or built for another NumPy: the next one
            continue
        return name, converter
    raise ImageError(
        f'Encodings other than {", ".join(PLAIN_ENCODINGS)} need cv_bridge (on a ROS '
        f'installation: sudo apt install ros-$ROS_DISTRO-cv-bridge) or rosbags-image '
        f'({sys.executable} -m pip install rosbags-image); neither works here'
    )


def _cv_bridge() -> Converter:
    bridge = importlib.import_module('cv_bridge').CvBridge()

    def convert(message: Image) -> np.ndarray:
        image: np.ndarray = bridge.imgmsg_to_cv2(message, desired_encoding='rgb8')
        return image

    return convert


def _rosbags_image() -> Converter:
    to_cvimage = importlib.import_module('rosbags.image').message_to_cvimage

    def convert(message: Image) -> np.ndarray:
        image: np.ndarray = to_cvimage(message, 'rgb8')
        return image

    return convert


def _try_out(converter: Converter) -> None:
    """Convert a pixel: PyPI's cv-bridge, for one, imports well and raises then."""
    pixel = Image(height=1, width=1, encoding='bgr8', step=3, data=array.array('B', [1, 2, 3]))
    if np.asarray(converter(pixel)).ravel().tolist() != [3, 2, 1]:
        raise ImageError('wrong colours')
