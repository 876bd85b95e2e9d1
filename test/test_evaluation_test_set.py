# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which clips are asked what, and how drawn episodes are kept."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rendering import skip_without_graphics

from training.evaluation.action_choice import candidate_jobs
from training.evaluation.action_items import ActionItem, wanted_of
from training.evaluation.clips import clip_until, segment_clip, transition_frames
from training.evaluation.items import (
    NextItem,
    QuestionItem,
    SegmentItem,
    TransitionItem,
    requests_of,
)
from training.evaluation.stored import StoredEpisode, load_episode
from training.evaluation.test_set import Drawer, Job, View, load_all, seeds_of, world_folder
from training.world import Wanted, plan_episode
from training.world.splits import is_unseen
from training.world.symbols import ObjectInfo, Segment
from vljepa_ros.errors import MissingDependencyError

VIEW = View(fps=5.0, size=128, clip_frames=8)
QUERIES = ('caption', 'action', 'state', 'next')
TIMES = np.arange(60) / 5.0


# ---- which frames -------------------------------------------------------------------------------


@pytest.mark.parametrize('start_s', [0.0, 0.37, 3.2, 9.4])
def test_the_clip_of_a_segment_lies_in_its_middle(start_s):
    segment = Segment(start_s, start_s + 2.6, 'pick up', 'cube', 'red')
    frames = segment_clip(TIMES, segment, 8)
    assert frames is not None
    assert np.diff(frames).tolist() == [1] * 7
    assert abs(TIMES[frames].mean() - (segment.start_s + segment.end_s) / 2) <= 0.11


def test_a_segment_that_fills_too_little_has_no_clip():
    assert segment_clip(TIMES, Segment(3.0, 3.79, 'idle'), 8) is None  # 4 of 8 frames
    assert segment_clip(TIMES, Segment(3.0, 3.99, 'idle'), 8) is not None  # 5 of 8
    assert segment_clip(TIMES[:7], Segment(0.0, 1.4, 'idle'), 8) is None


def test_a_clip_until_a_moment_shows_nothing_later():
    frames = clip_until(TIMES, 2.5, 8)
    assert frames is not None
    assert TIMES[frames[-1]] == pytest.approx(2.4)
    same = clip_until(TIMES, 2.4, 8)
    assert same is not None
    assert same.tolist() == frames.tolist()
    assert clip_until(TIMES, 1.3, 8) is None


def test_a_transition_repeats_the_frames_around_an_action():
    frames = transition_frames(TIMES, Segment(2.05, 4.1, 'push', 'cube', 'red', 'left'), 8)
    assert frames is not None
    assert frames.tolist() == [10] * 4 + [21] * 4
    assert transition_frames(TIMES, Segment(2.0, 13.0, 'idle'), 8) is None
    odd = transition_frames(TIMES, Segment(2.0, 4.0, 'idle'), 5)
    assert odd is not None
    assert odd.tolist() == [10, 10, 10, 20, 20]


# ---- what is asked ------------------------------------------------------------------------------


def planned(seed: int, split: str = 'iid') -> StoredEpisode:
    """An episode with labels and no picture."""
    plan = plan_episode(seed=seed, split=split)
    times_s = np.arange(int(plan.duration_s * 5.0)) / 5.0
    return StoredEpisode(
        seed=seed,
        split=split,
        frames=np.arange(len(times_s), dtype=np.uint8).reshape(-1, 1, 1, 1),
        times_s=times_s,
        segments=plan.segments,
        scenes=tuple(plan.scene(float(time_s)) for time_s in times_s),
    )


def test_every_clip_is_asked_everything_at_once():
    asked = [
        request
        for seed in range(5)
        for request in requests_of(planned(seed), clip_frames=8, queries=QUERIES)
    ]
    items = [item for request in asked for item in request.items]
    assert all(len(request.queries) == len(request.items) for request in asked)
    assert all(request.clip.shape == (8, 1, 1, 1) for request in asked)
    for kind in (SegmentItem, QuestionItem, NextItem, TransitionItem):
        assert sum(isinstance(item, kind) for item in items) > 5
    for request in asked:
        for query, item in zip(request.queries, request.items, strict=True):
            if isinstance(item, QuestionItem):
                assert query == item.question.text
                assert item.question.answer in item.question.candidates


def test_what_a_model_cannot_be_asked_is_left_out():
    asked = list(requests_of(planned(0), clip_frames=8, queries=('caption',)))
    assert {request.queries[0] for request in asked} == {'caption'}


def test_a_clip_before_an_action_does_not_show_it():
    for seed in range(5):
        episode = planned(seed)
        for request in requests_of(episode, clip_frames=8, queries=QUERIES):
            if isinstance(request.items[0], NextItem):
                last_s = episode.times_s[request.clip[-1].item()]
                assert (
                    last_s <= request.items[0].segment.start_s - request.items[0].before_s + 1e-5
                )


def test_an_action_that_leaves_no_trace_is_not_inferred():
    for seed in range(20):
        for request in requests_of(planned(seed), clip_frames=8, queries=QUERIES):
            for item in request.items:
                if isinstance(item, TransitionItem):
                    assert item.segment.action not in ('idle', 'pour')
                    assert item.segment.success


# ---- seeds --------------------------------------------------------------------------------------


def test_worlds_share_no_seed():
    seen: set[int] = set()
    for world_seed in range(3):
        for wanted in (False, True):
            seeds = set(seeds_of(world_seed, 1200, wanted=wanted))
            assert len(seeds) == 1200
            assert not seen & seeds
            seen |= seeds
    assert seeds_of(0, 3) == range(3)
    with pytest.raises(ValueError, match='world_seed is -1'):
        seeds_of(-1, 3)


def test_each_candidate_is_another_scene_and_never_unseen_outside_composition():
    segment = Segment(0.0, 2.0, 'pick up', 'cube', 'red')
    candidates = tuple(replace(segment, colour=c) for c in ('red', 'orange', 'green', 'blue'))
    items = [ActionItem(0, candidates, 1, 'colour')]
    seeds = seeds_of(0, 4, wanted=True)
    jobs = candidate_jobs(items, folder=Path('x'), split='composition', seeds=seeds, view=VIEW)
    assert [job.seed for job in jobs[0]] == list(seeds)
    assert len({job.path for job in jobs[0]}) == 4
    assert is_unseen(candidates[1])
    assert [job.split for job in jobs[0]] == ['iid', 'composition', 'iid', 'iid']
    assert jobs[0][0].wanted == wanted_of(segment) == Wanted('pick up', 'cube', 'red')


# ---- on disk ------------------------------------------------------------------------------------


@pytest.fixture(scope='module')
def graphics() -> None:
    try:
        from training.world.renderer import shared_renderer

        shared_renderer(width=128, height=128, supersample=2)
    except MissingDependencyError as error:
        skip_without_graphics(error)


@pytest.mark.render
def test_a_drawn_episode_comes_back_from_disk(graphics, tmp_path):
    from training.world import render_episode

    job = Job(world_folder(tmp_path), 'scene', 3, VIEW)
    with Drawer(1) as drawer:
        drawer.draw_missing([job], title='draw')
        stamp = job.path.stat().st_mtime_ns
        drawer.draw_missing([job], title='draw')
    assert job.path.stat().st_mtime_ns == stamp  # drawn once
    (episode,) = load_all([job])
    assert episode is not None
    truth = render_episode(seed=3, split='scene')
    assert (episode.seed, episode.split) == (3, 'scene')
    assert episode.segments == truth.segments
    assert episode.scenes == tuple(truth.scene(index) for index in range(len(truth.frames)))
    assert episode.times_s.tolist() == truth.times_s.tolist()
    difference = np.abs(episode.frames.astype(int) - truth.frames)
    assert difference.mean() < 4.0  # JPEG


@pytest.mark.render
def test_a_wanted_action_is_kept_as_one_clip(graphics, tmp_path):
    wanted = Wanted('push', 'cone', 'green', target='left')
    jobs = [
        Job(tmp_path, 'iid', 50_000, VIEW, wanted),
        Job(tmp_path, 'iid', 50_001, VIEW, Wanted('pour', 'ball', 'red', target='bowl')),
    ]
    with Drawer(1) as drawer:
        drawer.draw_missing(jobs, title='draw')
    episode, impossible = load_all(jobs)
    assert impossible is None
    assert load_episode(jobs[1].path) is None
    assert episode is not None
    assert episode.frames.shape == (8, 128, 128, 3)
    shown = next(segment for segment in episode.segments if segment.action == 'push')
    assert (shown.item, shown.target) == (ObjectInfo('cone', 'green'), 'left')
    assert shown.start_s <= episode.times_s.mean() <= shown.end_s
