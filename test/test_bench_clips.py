# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`vljepa bench clips`: the quiet camera it plays, and its sums on real files."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip('mcap', reason='recordings need mcap and rosbags: make test')
pytest.importorskip('rosbags', reason='recordings need mcap and rosbags: make test')

from benchmarks.clips import run  # noqa: E402
from benchmarks.command import parser  # noqa: E402
from benchmarks.quiet_camera import QuietCamera  # noqa: E402
from vljepa_ros.errors import ConfigurationError  # noqa: E402

GREYS = list(range(40, 200, 8))  # of a video of 2 s at 10 Hz


@pytest.fixture
def video(tmp_path) -> Path:
    path = tmp_path / 'video.avi'
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*'MJPG'), 10.0, (64, 48))
    for grey in GREYS:
        writer.write(np.full((48, 64, 3), grey, dtype=np.uint8))
    writer.release()
    return path


def test_a_quiet_camera_holds_still_between_its_plays(video):
    camera = QuietCamera(video, rate_hz=10.0, seconds=60.0, plays=2, noise=2.0, seed=0)
    frames = list(camera)
    assert camera.busy_seconds == 4.0
    assert [frame.time_s for frame in frames] == [step / 10 for step in range(600)]
    busy = [index for index, frame in enumerate(frames) if frame.busy]
    assert busy == [*range(140, 160), *range(440, 460)]
    greys = np.array([frame.image.mean() for frame in frames])
    # Forwards, then backwards: no step is larger than those of the video.
    np.testing.assert_allclose(greys[140:160], GREYS, atol=3.0)
    np.testing.assert_allclose(greys[440:460], GREYS[::-1], atol=3.0)
    assert np.abs(np.diff(greys)).max() < 9.0
    # The noise is that of a camera: new in every picture.
    still = np.stack([frame.image for frame in frames[:20]]).astype(float)
    assert still.std(axis=0).mean() == pytest.approx(2.0, abs=0.3)


def test_the_sums_are_those_of_the_files(video, tmp_path):
    pytest.importorskip('torch', reason='the model of the test needs PyTorch')
    from untrained import build_untrained_checkpoint

    model = build_untrained_checkpoint(tmp_path / 'model')
    command = ['clips', '--model', str(model), '--video', str(video), '--minutes', '1']
    results = run(parser().parse_args([*command, '--threads', '1']))
    score = {name: item.value for name, item in results.scores.items()}
    sizes = results.raw['bytes']
    assert score['clips.disk_ratio'] == pytest.approx(sizes['full'] / sizes['clips'])
    assert 1.0 < score['clips.disk_ratio'] < score['clips.disk_ratio.raw']
    # 600 images of 64 × 48 pixels, with what each takes besides.
    assert 600 * 64 * 48 * 3 < sizes['raw'] < 600 * (64 * 48 * 3 + 1000)
    assert score['clips.busy_s_per_hour'] == pytest.approx(2.0 * 60)
    assert score['clips.full_gb_per_day'] == pytest.approx(sizes['full'] * 1440 / 1e9)
    assert score['clips.clips_per_hour'] == 60 * len(results.raw['clips']) > 0
    assert 0.0 <= score['clips.busy_share_kept'] <= 1.0
    assert 'something happens 1 times, 2 s in all' in results.notes[0]


def test_more_than_the_stream_is_long_is_refused(video):
    command = ['clips', '--video', str(video), '--minutes', '1', '--plays', '31']
    with pytest.raises(ConfigurationError, match='31 plays of the video are 62 s'):
        run(parser().parse_args(command))
