# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Pictures of any size become the square view of the model."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip('cv2')

from vljepa_ros.errors import ImageError  # noqa: E402
from vljepa_ros.stream.image_ops import check_rgb, to_model_view  # noqa: E402


def noise(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize('size', [1, 7, 128])
@pytest.mark.parametrize(
    'shape', [(1, 1), (1, 640), (640, 1), (7, 7), (31, 97), (480, 640), (1080, 1920), (128, 128)]
)
def test_shape(shape: tuple[int, int], size: int) -> None:
    view = to_model_view(noise(*shape), size)
    assert view.shape == (size, size, 3)
    assert view.dtype == np.uint8
    assert view.flags.c_contiguous


@pytest.mark.parametrize('upright', [False, True])
@pytest.mark.parametrize('size', [5, 10, 20])
def test_the_centre_is_cut_out(size: int, upright: bool) -> None:
    image = np.zeros((10, 30, 3), np.uint8)
    image[:, 10:20] = (200, 100, 50)
    view = to_model_view(image.transpose(1, 0, 2) if upright else image, size)
    assert (view == (200, 100, 50)).all()


def test_orientation_and_colours_stay() -> None:
    image = np.zeros((40, 40, 3), np.uint8)
    image[:20, :20, 0] = 200  # red top left
    image[20:, 20:, 2] = 100  # blue bottom right
    view = to_model_view(image, 4)
    assert view[0, 0].tolist() == [200, 0, 0]
    assert view[3, 3].tolist() == [0, 0, 100]
    assert view[0, 3].tolist() == view[3, 0].tolist() == [0, 0, 0]


def test_shrinking_averages() -> None:
    """Every second pixel is white; a view of single pixels would be black or white."""
    image = np.zeros((64, 64, 3), np.uint8)
    image[::2, ::2] = image[1::2, 1::2] = 255
    assert np.abs(to_model_view(image, 16).astype(int) - 127.5).max() <= 1.0


def test_same_size_is_the_same_picture_but_a_copy() -> None:
    image = noise(16, 16)
    view = to_model_view(image, 16)
    assert np.array_equal(view, image)
    assert not np.shares_memory(view, image)


@pytest.mark.parametrize('size', [8, 16])
def test_memory_layout_makes_no_difference(size: int) -> None:
    image = noise(16, 32)
    wide = noise(16, 64)
    wide[:, ::2] = image
    received = np.frombuffer(image.tobytes(), np.uint8).reshape(image.shape)
    flipped = np.ascontiguousarray(image[..., ::-1])[..., ::-1]
    fortran = np.asfortranarray(image)
    for other in (wide[:, ::2], received, flipped, fortran):
        assert np.array_equal(to_model_view(other, size), to_model_view(image, size))


@pytest.mark.parametrize(
    'wrong',
    [
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 1), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((3, 4, 4), np.uint8),
        np.zeros((4, 4, 3), np.float32),
        np.zeros((4, 4, 3), np.uint16),
        np.zeros((0, 4, 3), np.uint8),
        np.zeros((4, 0, 3), np.uint8),
        np.zeros((), np.uint8),
    ],
    ids=lambda array: f'{array.dtype}{list(array.shape)}',
)
def test_no_picture(wrong: np.ndarray) -> None:
    for function in (check_rgb, lambda image: to_model_view(image, 8)):
        with pytest.raises(ImageError, match=r'uint8 \[H, W, 3\].*, not') as caught:
            function(wrong)
        assert f'not {wrong.dtype} {list(wrong.shape)}' in str(caught.value)
