# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A user's recordings as training data: manifests, LeRobot data sets, clips, splits."""

import dataclasses
from collections import Counter

import numpy as np
import pytest

pytest.importorskip('torch', reason='training needs PyTorch: make setup')
pytest.importorskip('av', reason='reading videos needs PyAV: pip install av')

from training_data import (
    BLUE,
    CAMERA,
    FPS,
    GREEN,
    RED,
    Episode,
    moving_square,
    write_lerobot,
    write_lines,
    write_video,
)

from training.manifest_source import read_manifest
from training.recording_source import RecordingSource, draw_clips, split_recordings
from training.recordings import Frames, Recording, Skipped, prepare
from training.run_config import ManifestData
from training.video_decoding import at_rate, decode
from vljepa_ros.errors import ConfigurationError, ImageError, ResourceNotFoundError

SETTINGS = ManifestData(file='unused', clips=3)
PUSH, LIFT = 'push the red block', 'lift the blue block'


def read_lerobot(*args, **kwargs):
    pytest.importorskip('pyarrow', reason='LeRobot data sets need pyarrow: pip install pyarrow')
    from training.lerobot_source import read_lerobot as read

    return read(*args, **kwargs)


@pytest.fixture(scope='module')
def lerobot(tmp_path_factory):
    """Write three episodes in one video file."""
    pytest.importorskip('pyarrow', reason='LeRobot data sets need pyarrow: pip install pyarrow')
    episodes = [
        Episode((PUSH,)),
        Episode((LIFT,), colour=BLUE, frames=16),
        Episode((PUSH, LIFT), colour=GREEN),
    ]
    return write_lerobot(tmp_path_factory.mktemp('lerobot'), episodes)


@pytest.fixture(scope='module')
def video(tmp_path_factory):
    """Write a video of 2.4 s."""
    return write_video(tmp_path_factory.mktemp('video') / 'a.mp4', moving_square(RED, 24))


def square_of(image):
    """Return the mean colour of the middle of the square in a model view of side 64."""
    pixels = image.reshape(-1, 3).astype(int)
    coloured = pixels[pixels.max(1) - pixels.min(1) > 60]
    return coloured.mean(0)


def test_lerobot_episodes_are_cut_where_the_metadata_says(lerobot):
    skipped = Skipped()
    found = read_lerobot(lerobot, skipped)
    assert not skipped.reasons
    parts = [(r.captions[0], round(r.start_s, 3), round(r.end_s, 3), r.group) for r in found]
    assert parts == [
        (PUSH, 0.0, 2.4, 'episode 0'),
        (LIFT, 2.4, 4.0, 'episode 1'),
        (PUSH, 4.0, 5.2, 'episode 2'),  # its second half has another task
        (LIFT, 5.2, 6.4, 'episode 2'),
    ]
    assert {r.video.name for r in found} == {'file-000.mp4'}
    assert all(r.action == r.captions[0] for r in found)


def test_frames_of_an_episode_are_its_own(lerobot, tmp_path):
    found = read_lerobot(lerobot, Skipped())
    usable = prepare(found[:3], tmp_path, fps=5.0, size=64, skipped=Skipped())
    for (_, frames), colour, count in zip(usable, (RED, BLUE, GREEN), (12, 8, 6), strict=True):
        assert len(frames.times_s) == count
        images = frames.read([0, count - 1])
        assert images.shape == (2, 64, 64, 3)
        for image in images:
            np.testing.assert_allclose(square_of(image), colour, atol=25)


def test_lerobot_of_version_2_names_the_conversion(tmp_path):
    pytest.importorskip('pyarrow', reason='LeRobot data sets need pyarrow: pip install pyarrow')
    folder = write_lerobot(tmp_path, [Episode((PUSH,))], version='v2.1')
    with pytest.raises(ConfigurationError, match='convert_dataset_v21_to_v30'):
        read_lerobot(folder, Skipped())


def test_lerobot_unknown_camera_and_missing_folder(lerobot, tmp_path):
    with pytest.raises(ConfigurationError, match=CAMERA):
        read_lerobot(lerobot, Skipped(), cameras=('observation.images.wrist',))
    with pytest.raises(ResourceNotFoundError, match=r'meta/info\.json'):
        read_lerobot(tmp_path, Skipped())


def test_depth_videos_are_left_out(lerobot):
    with pytest.raises(ConfigurationError, match='depth'):
        read_lerobot(lerobot, Skipped(), cameras=('observation.images.depth',))


def test_lerobot_bad_episodes_are_skipped_and_counted(tmp_path):
    pytest.importorskip('pyarrow', reason='LeRobot data sets need pyarrow: pip install pyarrow')
    episodes = [
        Episode((PUSH,)),
        Episode((' ',)),
        Episode((LIFT,), file=1),
        Episode((LIFT,), file=2),
    ]
    folder = write_lerobot(tmp_path / 'data', episodes)
    (folder / f'videos/{CAMERA}/chunk-000/file-001.mp4').write_bytes(b'no video')
    (folder / f'videos/{CAMERA}/chunk-000/file-002.mp4').unlink()
    skipped = Skipped()
    found = read_lerobot(folder, skipped)
    usable = prepare(found, tmp_path / 'frames', fps=5.0, size=32, skipped=skipped)
    assert [recording.name for recording, _ in usable] == [f'episode 0 of {CAMERA}']
    assert len(skipped) == 3
    report = skipped.report()
    assert 'episode 1 of' in report
    assert 'the text is empty' in report
    assert 'file-001.mp4' in report
    assert 'file-002.mp4' in report


def test_manifest_lines_become_recordings(tmp_path, video):
    path = write_lines(
        tmp_path / 'list.jsonl',
        [
            {'video': str(video), 'caption': [PUSH, 'shove the red block'], 'label': 'push'},
            {'video': str(video), 'start_s': 0.5, 'end_s': 1.5, 'caption': LIFT, 'split': 'val'},
            {
                'video': str(video),
                'question': 'Is it red?',
                'answer': 'yes',
                'candidates': ['yes', 'no'],
                'action': 'push',
                'initial_s': 0.2,
                'goal_s': 2.0,
            },
            {'video': str(video), 'caption': '  '},
            {'video': 'missing.mp4', 'caption': PUSH},
            'no json',
            {'video': str(video), 'caption': PUSH, 'split': 'test'},
        ],
    )
    skipped = Skipped()
    first, second, third = read_manifest(path, skipped)
    assert first.captions == (PUSH, 'shove the red block')
    assert (second.start_s, second.end_s, second.split) == (0.5, 1.5, 'val')
    assert third.questions[0].candidates == ('yes', 'no')
    assert (third.action, third.initial_s, third.goal_s) == ('push', 0.2, 2.0)
    assert [reason.split(':')[0] for reason in skipped.reasons] == [
        f'list.jsonl line {number}' for number in (4, 5, 6, 7)
    ]


def test_decode_yields_the_part_with_its_times(video):
    times = [time_s for time_s, _ in decode(video, 0.5, 1.0)]
    np.testing.assert_allclose(times, np.arange(5, 10) / FPS, atol=1e-3)


def test_decode_names_the_broken_file(tmp_path):
    path = tmp_path / 'broken.mp4'
    path.write_bytes(b'\x00' * 100)
    with pytest.raises(ImageError, match=r'broken\.mp4'):
        list(decode(path, 0.0, 1.0))


@pytest.mark.parametrize(
    ('times', 'fps', 'expected'),
    [
        ([0.0, 0.1, 0.2, 0.3, 0.4], 5.0, [0, 2, 4]),
        ([0.0, 0.333, 0.667, 1.0], 5.0, [0, 0, 1, 1, 2, 3]),  # slower than the clips' rate
        ([0.05, 0.15, 0.25], 10.0, [0, 0, 1]),  # the latest picture, never a later one
        ([0.0], 5.0, [0]),
        ([], 5.0, []),
    ],
)
def test_at_rate_shows_what_a_camera_would(times, fps, expected):
    frames = ((time_s, np.full(1, number)) for number, time_s in enumerate(times))
    picked = list(at_rate(frames, fps=fps, start_s=0.0))
    assert [int(image[0]) for _, image in picked] == expected
    np.testing.assert_allclose([time_s for time_s, _ in picked], np.arange(len(picked)) / fps)


def recordings(texts, tmp_path, *, count=12):
    """Return recordings with frames that nobody reads."""
    frames = Frames(tmp_path / 'none.npz', np.arange(count) / 5.0)
    return [
        (Recording(str(n), f'group {n}', tmp_path, captions=(text,), action=text), frames)
        for n, text in enumerate(texts)
    ]


def test_every_repeated_text_is_in_both_splits(tmp_path):
    usable = recordings([PUSH] * 10 + [LIFT] * 3 + ['once'], tmp_path)
    train, val = split_recordings(usable, share=0.2, seed=0)
    assert Counter(r.meaning for r, _ in val) == {PUSH: 2, LIFT: 1}
    assert len(train) == 11
    assert split_recordings(usable, share=0.2, seed=0)[1] == val


def test_texts_that_occur_once_are_shared_out(tmp_path):
    usable = recordings([f'text {n}' for n in range(20)], tmp_path)
    train, val = split_recordings(usable, share=0.1, seed=0)
    assert (len(train), len(val)) == (18, 2)


def test_a_group_stays_together(tmp_path):
    usable = recordings([PUSH, LIFT] * 8, tmp_path)
    paired = [
        (dataclasses.replace(recording, group=f'episode {number // 4}'), frames)
        for number, (recording, frames) in enumerate(usable)
    ]
    train, val = split_recordings(paired, share=0.25, seed=0)
    assert val
    assert not {r.group for r, _ in train} & {r.group for r, _ in val}


def test_named_splits_are_kept(tmp_path):
    usable = recordings([PUSH, LIFT, PUSH], tmp_path)
    named = [
        (dataclasses.replace(recording, split=split), frames)
        for (recording, frames), split in zip(usable, ('', 'val', 'train'), strict=True)
    ]
    train, val = split_recordings(named, share=0.5, seed=0)
    assert [r.name for r, _ in val] == ['1']
    assert [r.name for r, _ in train] == ['0', '2']


def test_too_few_recordings_say_what_to_do(tmp_path):
    with pytest.raises(ConfigurationError, match='Record more'):
        split_recordings(recordings([PUSH], tmp_path), share=0.1, seed=0)


def test_clips_lie_within_the_recording_at_its_rate():
    rows = np.arange(10, 40)
    clips = draw_clips(rows, 8, SETTINGS, np.random.default_rng(0))
    assert len(clips) == 3
    for clip in clips:
        assert np.all(np.diff(clip) == 1)
        assert clip[0] >= 10
        assert clip[-1] < 40
    assert clips[0][0] < clips[1][0] < clips[2][0]


def test_short_recordings_and_uniform_sampling_spread_the_frames():
    short = draw_clips(np.arange(3), 4, SETTINGS, np.random.default_rng(0))
    assert [clip.tolist() for clip in short] == [[0, 1, 1, 2]]
    uniform = dataclasses.replace(SETTINGS, sampling='uniform')
    (clip,) = draw_clips(np.arange(100), 4, uniform, np.random.default_rng(0))
    assert clip.tolist() == [0, 33, 66, 99]


@pytest.fixture
def source(tmp_path, video):
    """Return the clips of one real video with all kinds of texts."""
    path = write_lines(
        tmp_path / 'list.jsonl',
        [
            {'video': str(video), 'caption': [PUSH, 'shove it'], 'label': 'push', 'action': LIFT},
            {
                'video': str(video),
                'question': 'Is it red?',
                'answer': 'yes',
                'candidates': ['yes', 'no'],
            },
        ],
    )
    usable = prepare(
        read_manifest(path, Skipped()), tmp_path / 'frames', fps=5.0, size=32, skipped=Skipped()
    )
    return RecordingSource(
        usable, SETTINGS, clip_frames=8, queries={'caption': 'What?'}, seed=0, augment=True
    )


def test_source_asks_what_each_recording_can_answer(source):
    assert len(source) == 3 + 1 + 3
    rng = np.random.default_rng(0)
    said = {pair.answer for _ in range(40) for pair in source.pairs(0, rng)}
    assert said == {PUSH, 'shove it', 'push'}
    first = [pair for _ in range(40) for pair in source.pairs(0, rng)]
    assert {pair.query for pair in first} == {'What?'}
    assert {pair.meaning for pair in first if pair.answer != 'push'} == {PUSH}
    (action,) = source.pairs(3, rng)
    assert action.answer == LIFT
    assert action.query == 'Which action leads from the first image to the last one?'
    (question,) = source.pairs(4, rng)
    assert (question.query, question.answer, question.negatives) == ('Is it red?', 'yes', ('no',))
    assert source.phrases() == [PUSH, 'push', LIFT]


def test_source_clips_are_fixed_and_a_transition_shows_two_images(source):
    clip = source.clip(3)
    assert clip.shape == (8, 32, 32, 3)
    np.testing.assert_array_equal(clip, source.clip(3))
    # The square has moved; noise of the augmentation is smaller than that.
    change = np.abs(np.diff(clip.astype(int), axis=0)).mean((1, 2, 3))
    assert change.argmax() == 3
    assert change[3] > 3 * np.delete(change, 3).max()


def test_fingerprint_follows_the_clips(source, tmp_path):
    usable = source._usable
    again = RecordingSource(usable, SETTINGS, clip_frames=8, queries={}, seed=0, augment=True)
    other = RecordingSource(usable, SETTINGS, clip_frames=8, queries={}, seed=1, augment=True)
    assert again.fingerprint == source.fingerprint
    assert other.fingerprint != source.fingerprint


def test_draw_text_writes_the_first_phrasing(source):
    rng = np.random.default_rng(0)
    drawn = {source.draw_text(rng) for _ in range(200)}
    assert drawn == {
        (PUSH, PUSH), ('shove it', PUSH), ('push', 'push'), (LIFT, LIFT), ('yes', 'yes')
    }  # fmt: skip
