# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Every encoding arrives as the RGB picture that it stands for."""

from __future__ import annotations

import array
import sys
import types

import numpy as np
import pytest

pytest.importorskip('sensor_msgs', reason='needs ROS 2: make test, or source an installation')

from sensor_msgs.msg import Image  # noqa: E402
from std_msgs.msg import Header  # noqa: E402

from vljepa_ros.errors import ImageError  # noqa: E402
from vljepa_ros.nodes import images  # noqa: E402

PICTURE = np.random.default_rng(0).integers(0, 256, (4, 6, 3), dtype=np.uint8)
GREY = PICTURE[:, :, :1]
OPAQUE = np.full((4, 6, 1), 200, dtype=np.uint8)


def message(pixels: np.ndarray, encoding: str, *, padding: int = 0) -> Image:
    """Return pixels [H, W, C] or [H, W] as a message, rows filled up with padding bytes."""
    rows = pixels.reshape(pixels.shape[0], -1).view(np.uint8)
    rows = np.pad(rows, ((0, 0), (0, padding)), constant_values=77)
    return Image(
        height=pixels.shape[0],
        width=pixels.shape[1],
        encoding=encoding,
        step=rows.shape[1],
        data=array.array('B', rows.tobytes()),
    )


@pytest.fixture(autouse=True)
def fresh_converter():
    images._converter.cache_clear()
    yield
    images._converter.cache_clear()


@pytest.mark.parametrize('padding', [0, 5])
@pytest.mark.parametrize(
    ('encoding', 'pixels', 'expected'),
    [
        ('rgb8', PICTURE, PICTURE),
        ('bgr8', PICTURE[:, :, ::-1], PICTURE),
        ('rgba8', np.concatenate((PICTURE, OPAQUE), axis=2), PICTURE),
        ('bgra8', np.concatenate((PICTURE[:, :, ::-1], OPAQUE), axis=2), PICTURE),
        ('mono8', GREY, np.repeat(GREY, 3, axis=2)),
    ],
)
def test_plain_encodings(encoding, pixels, expected, padding):
    rgb = images.to_rgb(message(pixels, encoding, padding=padding))
    np.testing.assert_array_equal(rgb, expected)


def test_a_message_of_our_own_comes_back():
    sent = images.to_message(PICTURE, Header(frame_id='lens'))
    assert (sent.encoding, sent.height, sent.width, sent.step) == ('rgb8', 4, 6, 18)
    assert sent.header.frame_id == 'lens'
    np.testing.assert_array_equal(images.to_rgb(sent), PICTURE)


def test_a_part_of_a_picture_becomes_a_message():
    part = PICTURE[1:, ::2]
    np.testing.assert_array_equal(images.to_rgb(images.to_message(part, Header())), part)


@pytest.mark.parametrize('size', [(0, 6), (4, 0), (0, 0)])
def test_an_image_without_pixels_is_refused(size):
    height, width = size
    with pytest.raises(ImageError, match=f"{width}×{height} pixels .*'rgb8'.*at least 1"):
        images.to_rgb(Image(height=height, width=width, encoding='rgb8'))


def test_too_little_data_is_refused():
    short = message(PICTURE, 'bgr8')
    short.data = short.data[:-1]
    with pytest.raises(ImageError, match="'bgr8'.*71 bytes"):
        images.to_rgb(short)


def test_a_step_below_the_row_is_refused():
    narrow = message(PICTURE, 'rgb8')
    narrow.step = 17
    with pytest.raises(ImageError, match='at least 18'):
        images.to_rgb(narrow)


def rosbags_image() -> None:
    pytest.importorskip('rosbags.image', reason='needs rosbags-image: pip install rosbags-image')


@pytest.mark.parametrize('pixel', [0, 90, 255])
def test_mono16_by_rosbags_image(monkeypatch, pixel):
    rosbags_image()
    monkeypatch.setitem(sys.modules, 'cv_bridge', None)
    grey = np.full((4, 6), pixel * 257, dtype=np.uint16)
    rgb = images.to_rgb(message(grey, 'mono16'))
    np.testing.assert_allclose(rgb, pixel, atol=1)
    assert rgb.shape == (4, 6, 3)
    assert rgb.dtype == np.uint8


@pytest.mark.parametrize('pattern', ['rggb', 'bggr', 'gbrg', 'grbg'])
def test_bayer_by_rosbags_image(monkeypatch, pattern):
    rosbags_image()
    monkeypatch.setitem(sys.modules, 'cv_bridge', None)
    colour = {'r': 200, 'g': 100, 'b': 30}
    cell = np.array([colour[letter] for letter in pattern], dtype=np.uint8).reshape(2, 2)
    rgb = images.to_rgb(message(np.tile(cell, (4, 4)), f'bayer_{pattern}8'))
    np.testing.assert_array_equal(rgb[4, 4], [200, 100, 30])


@pytest.mark.parametrize(('encoding', 'order'), [('yuv422', 'uyvy'), ('yuv422_yuy2', 'yuyv')])
def test_yuv_by_rosbags_image(monkeypatch, encoding, order):
    rosbags_image()
    monkeypatch.setitem(sys.modules, 'cv_bridge', None)
    value = {'y': 81, 'u': 90, 'v': 240}  # pure red in BT.601
    pair = np.array([value[letter] for letter in order], dtype=np.uint8).reshape(1, 2, 2)
    rgb = images.to_rgb(message(np.tile(pair, (4, 3, 1)), encoding))
    np.testing.assert_allclose(rgb[0, 0], [254, 0, 0], atol=2)


@pytest.mark.parametrize('encoding', ['nonsense', '', '32FC1'])
def test_an_encoding_that_is_no_colour_image_is_refused(encoding):
    with pytest.raises(ImageError, match=f"'{encoding}'.*"):
        images.to_rgb(message(np.zeros((4, 6, 4), dtype=np.uint8), encoding))


def stand_in(name: str, monkeypatch: pytest.MonkeyPatch, convert) -> None:
    """Put a module in the place of cv_bridge.

    The real one comes with a ROS installation only, so this tests which library is chosen, not
    the conversion.
    """
    bridge = types.SimpleNamespace(imgmsg_to_cv2=convert)
    module = types.ModuleType(name)
    module.CvBridge = lambda: bridge  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, name, module)


def reverse_bytes(image, desired_encoding):
    assert desired_encoding == 'rgb8'
    return np.frombuffer(image.data, dtype=np.uint8).reshape(image.height, image.width, 3)[
        ..., ::-1
    ]


def test_a_working_cv_bridge_comes_first(monkeypatch):
    stand_in('cv_bridge', monkeypatch, reverse_bytes)
    odd = message(PICTURE, 'known_to_the_stand_in')
    np.testing.assert_array_equal(images.to_rgb(odd), PICTURE[:, :, ::-1])


def broken(image, desired_encoding):
    raise KeyError(desired_encoding)


def test_a_broken_cv_bridge_is_passed_over(monkeypatch):
    rosbags_image()
    stand_in('cv_bridge', monkeypatch, broken)
    grey = np.full((4, 6), 90 * 257, dtype=np.uint16)
    np.testing.assert_allclose(images.to_rgb(message(grey, 'mono16')), 90, atol=1)


def test_without_any_library_the_error_names_the_commands(monkeypatch):
    monkeypatch.setitem(sys.modules, 'cv_bridge', None)
    monkeypatch.setitem(sys.modules, 'rosbags.image', None)
    np.testing.assert_array_equal(images.to_rgb(message(PICTURE, 'rgb8')), PICTURE)
    with pytest.raises(ImageError, match='cv-bridge.*pip install rosbags-image'):
        images.to_rgb(message(np.zeros((4, 6), dtype=np.uint16), 'mono16'))


def test_the_real_cv_bridge(monkeypatch):
    bridge = pytest.importorskip('cv_bridge', reason='comes with a ROS installation only')
    try:
        images._try_out(images._cv_bridge())
    except Exception as error:
        pytest.skip(f'the cv_bridge at {bridge.__file__} does not work: {error!r}')
    monkeypatch.setitem(sys.modules, 'rosbags.image', None)
    grey = np.full((4, 6), 90 * 257, dtype=np.uint16)
    np.testing.assert_allclose(images.to_rgb(message(grey, 'mono16')), 90, atol=1)


@pytest.mark.parametrize(
    ('image', 'named'),
    [
        (PICTURE / 255.0, r'goal is float64 \[\d+, \d+, 3\]; .*astype'),
        (PICTURE[..., 0], r'goal is uint8 \[\d+, \d+\]; it must be'),
        (PICTURE[:0], r'goal is uint8 \[0, \d+, 3\]'),
        ('picture.png', 'goal is of type str; it must be'),
    ],
)
def test_what_is_no_picture_becomes_no_message(image, named):
    with pytest.raises(ImageError, match=named):
        images.to_message(image, Header(), name='goal')
