# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Real video files and folders of images become frames at the right moments."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip('cv2')

import cv2  # noqa: E402

from vljepa_ros.errors import ConfigurationError, ImageError, ResourceNotFoundError  # noqa: E402
from vljepa_ros.stream.video_source import Frame, VideoSource  # noqa: E402

FRAMES = 30  # of the video: one second


def picture(index: int) -> np.ndarray:
    """Return BGR: above, five black or white blocks tell the frame; below it is blue."""
    image = np.full((48, 80, 3), (230, 20, 10), np.uint8)
    for bit in range(5):
        image[:24, 16 * bit : 16 * (bit + 1)] = 255 * (index >> bit & 1)
    return image


def index_of(frame: Frame) -> int:
    """Return which frame this is, after lossy coding, and check its colours."""
    assert frame.image.shape == (48, 80, 3)
    assert frame.image.dtype == np.uint8
    red, green, blue = frame.image[30:].reshape(-1, 3).mean(axis=0)
    assert red < 60
    assert green < 60
    assert blue > 180
    bits = frame.image[8:16].reshape(8, 5, 16, 3).mean(axis=(0, 2, 3)) > 128
    return sum(1 << bit for bit in range(5) if bits[bit])


@pytest.fixture(scope='module')
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp('video') / 'counting.mp4'
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*'mp4v'), 30.0, (80, 48))
    if not writer.isOpened():
        pytest.skip('this OpenCV cannot write mp4')
    for index in range(FRAMES):
        writer.write(picture(index))
    writer.release()
    return path


@pytest.fixture(scope='module')
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp('images')
    for index in (3, 0, 2, 1):  # names decide, not the order of writing
        suffix = '.PNG' if index == 2 else '.png'
        assert cv2.imwrite(str(path / f'frame_{index:03}{suffix}'), picture(index))
    (path / 'notes.txt').write_text('no image')
    (path / 'thumbnails.png').mkdir()
    return path


@pytest.mark.parametrize('rate_hz', [0.0, 30.0, 10.0, 15.0, 25.0, 60.0, 7.5, 0.5])
def test_video_keeps_its_speed(video: Path, rate_hz: float) -> None:
    source = VideoSource(video, rate_hz=rate_hz)
    assert source.rate_hz == (rate_hz or 30.0)
    frames = list(source)
    assert len(frames) == math.ceil(source.rate_hz)  # one second
    for count, frame in enumerate(frames):
        assert frame.time_s == pytest.approx(count / source.rate_hz)
        assert index_of(frame) == math.floor(count / source.rate_hz * 30.0 + 1e-6)


@pytest.mark.parametrize('rate_hz', [10.0, 30.0, 25.0, 20.0])
def test_video_in_a_loop(video: Path, rate_hz: float) -> None:
    count = round(3.2 * rate_hz)
    frames = list(itertools.islice(VideoSource(video, rate_hz=rate_hz, loop=True), count))
    assert [frame.time_s for frame in frames] == pytest.approx(np.arange(count) / rate_hz)
    expected = [math.floor(index / rate_hz * 30.0 + 1e-6) % FRAMES for index in range(count)]
    assert [index_of(frame) for frame in frames] == expected


def test_a_source_can_be_played_again(video: Path) -> None:
    source = VideoSource(video, rate_hz=5.0)
    assert [index_of(frame) for frame in source] == [index_of(frame) for frame in source]


@pytest.mark.parametrize('rate_hz', [0.0, 10.0])
def test_every_image_of_a_folder_is_a_frame(folder: Path, rate_hz: float) -> None:
    source = VideoSource(str(folder), rate_hz=rate_hz)
    frames = list(source)
    assert [index_of(frame) for frame in frames] == [0, 1, 2, 3]
    rate_hz = rate_hz or 30.0
    assert [frame.time_s for frame in frames] == pytest.approx(np.arange(4) / rate_hz)


def test_folder_in_a_loop(folder: Path) -> None:
    frames = list(itertools.islice(VideoSource(folder, rate_hz=10.0, loop=True), 10))
    assert [index_of(frame) for frame in frames] == [0, 1, 2, 3, 0, 1, 2, 3, 0, 1]
    assert frames[-1].time_s == pytest.approx(0.9)


def test_grey_and_transparent_images_become_rgb(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / 'a.png'), np.full((5, 7), 90, np.uint8))
    cv2.imwrite(str(tmp_path / 'b.png'), np.full((5, 7, 4), 90, np.uint8))
    for frame in VideoSource(tmp_path):
        assert frame.image.shape == (5, 7, 3)
        assert (frame.image == 90).all()


def test_home_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('HOME', str(folder.parent))
    assert len(list(VideoSource(f'~/{folder.name}'))) == 4


@pytest.mark.parametrize('name', ['missing.mp4', 'missing'])
def test_missing(tmp_path: Path, name: str) -> None:
    with pytest.raises(ResourceNotFoundError, match=f'no video file or folder.*{name}'):
        VideoSource(tmp_path / name)


@pytest.mark.parametrize('kind', ['text', 'empty', 'truncated'])
def test_broken_video(video: Path, tmp_path: Path, kind: str) -> None:
    whole = video.read_bytes()
    content = {
        'text': b'no video at all\n' * 100,
        'empty': b'',
        'truncated': whole[: len(whole) // 2],
    }
    path = tmp_path / 'broken.mp4'
    path.write_bytes(content[kind])
    with pytest.raises(ImageError, match='broken.mp4.* cannot be decoded as a video'):
        VideoSource(path)


def test_folder_without_images(tmp_path: Path) -> None:
    (tmp_path / 'notes.txt').write_text('no image')
    with pytest.raises(ImageError, match=r'holds no image; looked for \*\.bmp'):
        VideoSource(tmp_path)


def test_broken_image_is_named_when_it_is_reached(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / 'a.png'), picture(0))
    (tmp_path / 'b.png').write_bytes(b'\x89PNG broken')
    frames = iter(VideoSource(tmp_path))
    assert index_of(next(frames)) == 0
    with pytest.raises(ImageError, match='b.png'):
        next(frames)


@pytest.mark.parametrize('rate_hz', [-1.0, math.nan, math.inf])
def test_wrong_rate(folder: Path, rate_hz: float) -> None:
    with pytest.raises(ConfigurationError, match='rate_hz'):
        VideoSource(folder, rate_hz=rate_hz)
