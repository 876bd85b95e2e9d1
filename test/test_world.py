# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Whole episodes: pictures with labels, splits, the sample command."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from rendering import skip_without_graphics

from training import sample
from training.world import SPLIT_CODE, Wanted, plan_episode, render_episode
from training.world.arm import joint_angles
from training.world.geometry import BASE_Y, GRIPPER_LENGTH, LINK, SHOULDER_Z
from training.world.language.captions import caption
from vljepa_ros.errors import ConfigurationError, MissingDependencyError


@pytest.fixture(scope='session')
def graphics() -> None:
    """Skip where nothing can draw, with the line that installs it."""
    try:
        from training.world.renderer import shared_renderer

        shared_renderer(width=128, height=128, supersample=2)
    except MissingDependencyError as error:
        skip_without_graphics(error)


def test_splits_and_seeds_give_different_episodes() -> None:
    plans = [plan_episode(seed=seed, split=split) for split in SPLIT_CODE for seed in (0, 1)]
    assert len({str(plan.segments) for plan in plans}) == len(plans)
    again = plan_episode(seed=1, split='scene')
    assert again.segments == plan_episode(seed=1, split='scene').segments


def test_length_and_number_of_actions_can_be_chosen() -> None:
    still = plan_episode(seed=3, actions=0, seconds=20.0)
    assert [segment.action for segment in still.segments] == ['idle']
    assert still.duration_s == pytest.approx(20.0)
    busy = plan_episode(seed=3, actions=8)
    assert sum(segment.action != 'idle' for segment in busy.segments) == 8
    assert plan_episode(seed=3, seconds=300.0).duration_s == pytest.approx(300.0)


@pytest.mark.parametrize(
    ('arguments', 'word'),
    [
        ({'seed': -1}, 'seed'),
        ({'seed': 0, 'split': 'dev'}, 'composition'),
        ({'seed': 0, 'actions': 99}, 'actions'),
        ({'seed': 0, 'seconds': 0.1}, 'seconds'),
        ({'seed': 0, 'wanted': Wanted('stack', 'pear', 'red')}, 'stack'),
    ],
)
def test_bad_arguments_are_named(arguments: dict[str, object], word: str) -> None:
    with pytest.raises(ConfigurationError, match=word):
        plan_episode(**arguments)  # type: ignore[arg-type]


def test_inverse_kinematics_reaches_the_target() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        x, y, z = rng.uniform((-0.25, -0.2, 0.0), (0.25, 0.2, 0.3))
        base, shoulder, elbow, wrist, _ = joint_angles(x, y, z, 0.0)
        reach = LINK * (np.cos(shoulder) + np.cos(shoulder + elbow))
        height = SHOULDER_Z + LINK * (np.sin(shoulder) + np.sin(shoulder + elbow))
        assert shoulder + elbow + wrist == pytest.approx(0.0)
        assert height - GRIPPER_LENGTH == pytest.approx(z, abs=1e-9)
        assert reach * np.cos(base) == pytest.approx(x, abs=1e-9)
        assert BASE_Y + reach * np.sin(base) == pytest.approx(y, abs=1e-9)


@pytest.mark.usefixtures('graphics')
@pytest.mark.parametrize('split', ['train', 'scene'])
def test_same_arguments_give_the_same_bytes(split: str) -> None:
    first, second = (render_episode(seed=5, split=split, actions=1) for _ in range(2))
    assert first.frames.tobytes() == second.frames.tobytes()
    assert first.segments == second.segments
    other = render_episode(seed=6, split=split, actions=1)
    assert other.frames.tobytes() != first.frames.tobytes()


@pytest.mark.usefixtures('graphics')
def test_the_wanted_action_is_shown() -> None:
    wanted = Wanted('put in', 'banana', 'yellow', target='bowl')
    episode = render_episode(seed=2, wanted=wanted)
    acted = [segment for segment in episode.segments if segment.action != 'idle']
    assert [caption(segment) for segment in acted] == [
        'The robot puts the yellow banana into the bowl.'
    ]
    before, after = episode.scene(0), episode.scene(len(episode.frames) - 1)
    banana = [str(item) for item in episode.objects].index('yellow banana')
    assert before.places[banana] == 'gripper'
    assert after.places[banana] == 'bowl'
    difference = np.abs(episode.frames[0].astype(int) - episode.frames[-1]).mean()
    assert difference > 1.0


@pytest.mark.usefixtures('graphics')
def test_places_in_the_picture_are_where_things_are_drawn() -> None:
    """A coloured object's middle pixel has its colour in most still pictures."""
    hits = []
    primary = ('red', 'green', 'blue')
    for seed in range(24):
        episode = render_episode(seed=seed, split='train', actions=0, seconds=1.0)
        places = episode.scene(0).places
        for item, place, (u, v, _) in zip(
            episode.objects, places, episode.pixels[0].round().astype(int), strict=True
        ):
            solid = item.kind in ('cube', 'ball', 'can', 'box')
            if solid and item.colour in primary and place == 'table':
                hits.append(episode.frames[0, v, u].argmax() == primary.index(item.colour))
    assert len(hits) >= 4
    assert np.mean(hits) >= 0.8


@pytest.mark.usefixtures('graphics')
def test_wide_picture_contains_the_square_one() -> None:
    square = render_episode(seed=1, width=96, height=96, actions=0, seconds=1.0)
    wide = render_episode(seed=1, width=128, height=96, actions=0, seconds=1.0)
    difference = np.abs(square.frames[0].astype(int) - wide.frames[0, :, 16:112])
    assert difference.mean() < 12.0
    np.testing.assert_allclose(square.pixels[0, :, 0] + 16, wide.pixels[0, :, 0], atol=1e-3)


def test_bad_picture_arguments_are_named() -> None:
    with pytest.raises(ConfigurationError, match='fps'):
        render_episode(seed=0, fps=0.0)
    with pytest.raises(ConfigurationError, match='supersample'):
        render_episode(seed=0, width=4)
    with pytest.raises(ConfigurationError, match='start_offset_s'):
        render_episode(seed=0, seconds=2.0, start_offset_s=3.0)


@pytest.mark.usefixtures('graphics')
def test_sample_writes_video_and_labels(tmp_path: Path) -> None:
    import cv2

    out = tmp_path / 'sample'
    assert sample.main(['--seed', '3', '--out', str(out), '--fps', '5', '--actions', '1']) == 0
    labels = json.loads((out / 'labels.json').read_text(encoding='utf-8'))
    video = cv2.VideoCapture(str(out / 'camera.mp4'))
    assert int(video.get(cv2.CAP_PROP_FRAME_COUNT)) == labels['frames']
    assert (labels['width'], labels['height']) == (640, 480)
    segments = labels['segments']
    assert segments[0]['start_s'] == 0.0
    assert segments[-1]['end_s'] == labels['duration_s']
    assert [segment['caption'] for segment in segments if segment['action'] != 'idle']
    assert len(labels['furniture']) == 2
    for state in labels['states']:
        assert len(state['places']) == len(labels['objects'])
        assert all(question['answer'] in question['candidates'] for question in state['questions'])
    # Something has changed by the action, so there is more than one state.
    assert len(labels['states']) >= 2


def test_sample_reports_errors(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / 'file'
    file.write_text('x')
    assert sample.main(['--seed', '0', '--out', str(file)]) == 2
    assert 'name a folder' in capsys.readouterr().err
    assert sample.main(['--seed', '-3', '--out', str(tmp_path / 'a')]) == 2
    assert 'whole number' in capsys.readouterr().err
