# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The simulated world: plans, pictures, sentences, and the sample command."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from rendering import skip_without_graphics

from training import sample
from training.world import (
    ACTIONS,
    COLOURS,
    KINDS,
    PLACES,
    ObjectInfo,
    Segment,
    WorldState,
    all_captions,
    all_segments,
    caption,
    paraphrases,
    parse_caption,
    plan_episode,
    render_episode,
    state_caption,
)
from training.world.arm import joint_angles
from training.world.geometry import BASE_Y, GRIPPER_LENGTH, LINK, SHAPES, SHOULDER_Z
from vljepa_ros.errors import ConfigurationError, MissingDependencyError


@pytest.fixture(scope='session')
def graphics() -> None:
    """Skip where nothing can draw, with the line that installs it."""
    try:
        from training.world.renderer import shared_renderer

        shared_renderer(width=128, height=128, supersample=2)
    except MissingDependencyError as error:
        skip_without_graphics(error)


# ---- plans --------------------------------------------------------------------------------------


@pytest.mark.parametrize('seed', range(12))
def test_segments_cover_the_whole_time(seed: int) -> None:
    plan = plan_episode(seed=seed)
    assert plan.segments[0].start_s == 0.0
    assert plan.segments[-1].end_s == plan.duration_s
    for before, after in pairwise(plan.segments):
        assert before.end_s == after.start_s
        assert before.end_s > before.start_s
        assert (before.action == 'idle') != (after.action == 'idle')
    for segment in plan.segments:
        if segment.action != 'idle':
            assert 2.0 <= segment.end_s - segment.start_s <= 3.2


def test_all_actions_occur_and_put_in_follows_pick_up() -> None:
    seen = set()
    for seed in range(40):
        done: list[Segment] = []
        for segment in plan_episode(seed=seed, split='train').segments:
            seen.add(segment.action)
            if segment.action == 'put in':
                assert (done[-1].action, done[-1].kind) == ('pick up', segment.kind)
            if segment.action != 'idle':
                done.append(segment)
        assert 1 <= len(done) <= 4
    assert seen == set(ACTIONS)


def _states(seed: int) -> list[tuple[Segment, WorldState]]:
    plan = plan_episode(seed=seed, split='val')
    times = np.arange(0, plan.duration_s, 0.05)
    return [(plan.segment_at(float(time)), plan.state(float(time))) for time in times]


def test_drawer_moves_only_while_it_is_opened() -> None:
    opened = 0
    for seed in range(30):
        states = _states(seed)
        for (_, before), (segment, now) in pairwise(states):
            assert 0.0 <= before.drawer <= now.drawer <= 1.0
            if now.drawer != before.drawer:
                assert segment.action == 'open'
        acts = {segment.action for segment, _ in states}
        assert states[-1][1].drawer == (1.0 if 'open' in acts else 0.0)
        opened += 'open' in acts
    assert opened > 0


def test_objects_move_only_while_they_are_acted_on() -> None:
    for seed in range(15):
        plan = plan_episode(seed=seed, split='val')
        states = _states(seed)
        for (earlier, before), (segment, now) in pairwise(states):
            for item, a, b in zip(plan.objects, before.objects, now.objects, strict=True):
                moved = max(abs(p - q) for p, q in zip(a[:3], b[:3], strict=True))
                if moved > 1e-9:
                    acted_on = {(part.kind, part.colour) for part in (earlier, segment)}
                    assert (item.kind, item.colour) in acted_on
                    assert moved < 0.1  # no jumps


def test_actions_end_where_they_should() -> None:
    pushes = puts = 0
    for seed in range(40):
        plan = plan_episode(seed=seed, split='val')
        for segment in plan.segments:
            item = ObjectInfo(str(segment.kind), str(segment.colour))
            before, after = plan.state(segment.start_s), plan.state(segment.end_s)
            if segment.action == 'push':
                index = plan.objects.index(item)
                moved = np.subtract(after.objects[index], before.objects[index])[:3]
                assert 0.08 - 1e-6 <= np.linalg.norm(moved) <= 0.12 + 1e-6
                assert abs(moved[2]) < 1e-9
                pushes += 1
            elif segment.action == 'pick up':
                assert after.held == plan.objects.index(item)
                bottom = after.objects[after.held][2] - SHAPES[item.kind].height / 2
                assert bottom > 0.1
            elif segment.action == 'put in':
                index = plan.objects.index(item)
                assert (before.held, after.held) == (index, -1)
                assert PLACES[after.places[index]] == 'bowl'
                assert np.allclose(after.objects[index][:2], plan.layout.bowl, atol=0.01)
                puts += 1
    assert pushes > 5
    assert puts > 5


def test_objects_are_distinct_and_keep_their_distance() -> None:
    for seed in range(20):
        plan = plan_episode(seed=seed, split='train')
        assert 2 <= len(plan.objects) == len(set(plan.objects)) <= 3
        for segment in plan.segments:
            poses = np.array(plan.state(segment.end_s).objects)[:, :3]
            for i in range(len(poses)):
                for j in range(i):
                    assert np.linalg.norm(poses[i] - poses[j]) > 0.08


def test_splits_and_seeds_give_different_episodes() -> None:
    plans = [plan_episode(seed=3, split=split) for split in ('train', 'val', 'test')]
    plans.append(plan_episode(seed=4, split='test'))
    assert len({plan.layout for plan in plans}) == 4
    assert plan_episode(seed=3, split='train') == plans[0]


def test_length_and_number_of_actions_can_be_chosen() -> None:
    still = plan_episode(seed=1, actions=0, seconds=5.0)
    assert [segment.action for segment in still.segments] == ['idle']
    assert still.duration_s == pytest.approx(5.0)
    long = plan_episode(seed=1, actions=1, seconds=30.0)
    assert [segment.action for segment in long.segments][::2] == ['idle', 'idle']
    assert long.duration_s == pytest.approx(30.0)
    short = plan_episode(seed=1, actions=4, seconds=9.0)
    assert short.duration_s == pytest.approx(9.0)


@pytest.mark.parametrize(
    ('arguments', 'word'),
    [
        ({'seed': -1}, 'seed'),
        ({'seed': 0, 'split': 'dev'}, 'split'),
        ({'seed': 0, 'actions': 7}, 'actions'),
        ({'seed': 0, 'seconds': 0.0}, 'seconds'),
    ],
)
def test_bad_arguments_are_named(arguments: dict[str, object], word: str) -> None:
    with pytest.raises(ConfigurationError, match=word):
        plan_episode(**arguments)  # type: ignore[arg-type]


def test_inverse_kinematics_reaches_the_target() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        x, y, z = rng.uniform((-0.2, -0.18, 0.02), (0.2, 0.2, 0.25))
        base, shoulder, elbow, wrist, roll = joint_angles(x, y, z, 0.3)
        reach = LINK * (np.cos(shoulder) + np.cos(shoulder + elbow))
        rise = LINK * (np.sin(shoulder) + np.sin(shoulder + elbow))
        assert shoulder + elbow + wrist == pytest.approx(0.0)
        assert base + roll == pytest.approx(0.3)
        assert SHOULDER_Z + rise - GRIPPER_LENGTH == pytest.approx(z)
        assert (reach * np.cos(base), BASE_Y + reach * np.sin(base)) == pytest.approx((x, y))


# ---- sentences ----------------------------------------------------------------------------------


def test_every_sentence_reads_back() -> None:
    for segment in all_segments():
        phrases = paraphrases(segment)
        assert len(phrases) == len(set(phrases)) >= 6
        assert phrases[0] == caption(segment)
        for text in phrases:
            action, kind, colour, target = parse_caption(text)
            assert (action, kind, colour) == (segment.action, segment.kind, segment.colour), text
            if segment.target is not None:
                assert target == segment.target, text


def test_there_are_fifty_different_captions() -> None:
    captions = all_captions()
    assert len(captions) == len(set(captions)) == 3 * len(KINDS) * len(COLOURS) + 2
    assert 'The robot puts the red cube in the bowl.' in captions
    assert 'Nothing happens.' in captions


def test_unclear_text_parses_to_none() -> None:
    assert parse_caption('a cat') == (None, None, None, None)
    assert parse_caption('the red or the blue ball') == (None, 'ball', None, None)


def test_state_caption() -> None:
    objects = (ObjectInfo('cube', 'red'), ObjectInfo('ball', 'blue'), ObjectInfo('can', 'green'))
    places = [PLACES.index(place) for place in ('bowl', 'table', 'gripper')]
    assert state_caption(objects, places, drawer_open=True) == (
        'The red cube is in the bowl, the blue ball is on the table, '
        'the green can is in the gripper, the drawer is open.'
    )


# ---- pictures -----------------------------------------------------------------------------------


@pytest.mark.render
@pytest.mark.usefixtures('graphics')
def test_same_arguments_give_the_same_bytes() -> None:
    first = render_episode(seed=5, actions=1)
    render_episode(seed=6, actions=1)  # the renderer is shared: nothing may be left over
    second = render_episode(seed=5, actions=1)
    assert first.frames.tobytes() == second.frames.tobytes()
    assert first.pixels.tobytes() == second.pixels.tobytes()
    other = render_episode(seed=5, split='train', actions=1)
    assert other.frames[0].tobytes() != first.frames[0].tobytes()


@pytest.mark.render
@pytest.mark.usefixtures('graphics')
def test_frame_rate_only_samples_the_motion() -> None:
    slow = render_episode(seed=2, fps=5.0, actions=1)
    fast = render_episode(seed=2, fps=10.0, actions=1)
    count = min(len(slow.frames), len(fast.frames[::2]))
    assert np.array_equal(slow.frames[:count], fast.frames[::2][:count])
    shifted = render_episode(seed=2, fps=5.0, actions=1, start_offset_s=0.1)
    assert np.array_equal(shifted.frames[:5], fast.frames[1:11:2])


@pytest.mark.render
@pytest.mark.usefixtures('graphics')
def test_objects_are_large_inside_and_in_their_colour() -> None:
    near = {'red': (0,), 'green': (1,), 'blue': (2,), 'yellow': (0, 1)}
    for seed in range(20):
        episode = render_episode(seed=seed, actions=0, seconds=1.0, fps=1.0)
        assert episode.frames.shape == (1, 128, 128, 3)
        assert (2 * episode.pixels[..., 2] >= 14).all()
        for item, (u, v, radius) in zip(episode.objects, episode.pixels[0], strict=True):
            assert radius <= u <= 128 - radius
            low = int(v + 0.4 * radius)  # below the middle: a can's lid is grey
            patch = episode.frames[0, low : low + 3, int(u) - 1 : int(u) + 2]
            mean = patch.reshape(-1, 3).mean(0)
            strong = [mean[i] for i in near[item.colour]]
            weak = [mean[i] for i in range(3) if i not in near[item.colour]]
            assert min(strong) > 1.2 * max(weak), (seed, item, mean)


@pytest.mark.render
@pytest.mark.usefixtures('graphics')
def test_object_size_holds_throughout_episodes() -> None:
    for seed in range(4):
        episode = render_episode(seed=seed, split='train', fps=4.0)
        free = episode.places != PLACES.index('gripper')
        assert (2 * episode.pixels[..., 2][free] >= 14).all()
        total = len(episode.times_s)
        assert len(episode.frames) == len(episode.held) == len(episode.drawer) == total
        assert episode.gripper_pixel.shape == (total, 2)


@pytest.mark.render
@pytest.mark.usefixtures('graphics')
def test_wide_picture_contains_the_square_one() -> None:
    square = render_episode(seed=9, actions=0, seconds=1.0, fps=1.0, width=120, height=120)
    wide = render_episode(seed=9, actions=0, seconds=1.0, fps=1.0, width=160, height=120)
    middle = wide.frames[:, :, 20:140].astype(float)
    assert np.abs(middle - square.frames).mean() < 1.0


@pytest.mark.render
@pytest.mark.usefixtures('graphics')
def test_bad_picture_arguments_are_named() -> None:
    with pytest.raises(ConfigurationError, match='fps'):
        render_episode(seed=0, fps=0.0)
    with pytest.raises(ConfigurationError, match='supersample'):
        render_episode(seed=0, supersample=0)
    with pytest.raises(ConfigurationError, match='start_offset_s'):
        render_episode(seed=0, start_offset_s=1000.0)


@pytest.mark.render
@pytest.mark.usefixtures('graphics')
def test_sample_writes_video_and_labels(tmp_path: Path) -> None:
    av = pytest.importorskip('av', reason='needs PyAV: pip install av')
    out = tmp_path / 'sample'
    options = ['--seed', '3', '--out', str(out), '--actions', '1', '--fps', '6']
    assert sample.main(options) == 0
    content = json.loads((out / 'labels.json').read_text())
    with av.open(str(out / 'camera.mp4')) as container:
        frames = [frame.to_ndarray(format='rgb24') for frame in container.decode(video=0)]
        assert float(container.streams.video[0].average_rate) == 6.0
    assert len(frames) == content['frames']
    assert frames[0].shape == (480, 640, 3)
    assert [segment['action'] for segment in content['segments']][::2] == ['idle', 'idle']
    assert content['states'][0]['time_s'] == 0.0
    assert len(content['states'][0]['places']) == len(content['objects'])


def test_sample_reports_errors(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a_file = tmp_path / 'file'
    a_file.touch()
    assert sample.main(['--seed', '3', '--out', str(a_file)]) == 2
    assert 'name a folder' in capsys.readouterr().err
    assert sample.main(['--seed', '-3', '--out', str(tmp_path / 'x')]) == 2
    assert 'seed' in capsys.readouterr().err
