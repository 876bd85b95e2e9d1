# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What happens in the simulated world: plans without pictures."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise

import numpy as np
import pytest

from training.world.footprint import FORMS, cover, gap_between, gap_to_piece, top
from training.world.geometry import DRAWER_TRAVEL, FINGER_LENGTH, SHAPES
from training.world.planner import Wanted, draw_plan
from training.world.room import View
from training.world.script import Plan, WorldState, lying_tilt
from training.world.splits import SPLIT_CODE, is_unseen, is_unseen_object
from training.world.symbols import (
    ACTIONS,
    DIRECTIONS,
    FAILURES,
    FITS_DRAWER,
    FLAT_TOPS,
    FURNITURE,
    INSIDE,
    KINDS,
    MAX_OBJECTS,
    ONTO,
    PLACES,
    POSSIBLE_KINDS,
    TALL,
    ObjectInfo,
    Segment,
)
from vljepa_ros.errors import ConfigurationError

ACTS = ACTIONS[1:]


@lru_cache(maxsize=512)
def _plan(seed: int, split: str = 'train', actions: int | None = 5) -> Plan:
    return draw_plan(np.random.default_rng([11, seed]), split=split, actions=actions)


@lru_cache(maxsize=2)
def _streams(count: int) -> tuple[Plan, ...]:
    return tuple(
        draw_plan(np.random.default_rng([12, seed]), split='iid', seconds=300.0)
        for seed in range(count)
    )


def _moments(plan: Plan, step_s: float = 0.1) -> Iterator[tuple[Segment, WorldState]]:
    for time_s in np.arange(0.0, plan.duration_s, step_s).tolist():
        yield plan.segment_at(time_s), plan.state(time_s)


def _acts(plan: Plan) -> list[Segment]:
    return [segment for segment in plan.segments if segment.action != 'idle']


# ---- time ---------------------------------------------------------------------------------------


@pytest.mark.parametrize('split', SPLIT_CODE)
def test_segments_cover_the_whole_time(split: str) -> None:
    for seed in range(20):
        plan = _plan(seed, split)
        assert plan.segments[0].start_s == 0.0
        assert plan.segments[-1].end_s == plan.duration_s
        for before, after in pairwise(plan.segments):
            assert before.end_s == after.start_s
            assert (before.action == 'idle') != (after.action == 'idle')
        assert len(_acts(plan)) == 5
        for segment in plan.segments:
            seconds = segment.end_s - segment.start_s
            low, high = (0.8, 4.5) if segment.action == 'idle' else (1.8, 3.2)
            assert low <= seconds <= high
            middle = (segment.start_s + segment.end_s) / 2
            assert plan.segment_at(middle) is segment


def test_length_and_number_of_actions_can_be_chosen() -> None:
    def plan(actions: int | None, seconds: float | None) -> Plan:
        rng = np.random.default_rng(3)
        return draw_plan(rng, split='val', actions=actions, seconds=seconds)

    still = plan(0, 5.0)
    assert [segment.action for segment in still.segments] == ['idle']
    assert still.duration_s == pytest.approx(5.0)
    assert len(_acts(plan(1, 30.0))) == 1
    assert plan(1, 30.0).duration_s == pytest.approx(30.0)
    assert plan(None, 9.0).duration_s == pytest.approx(9.0)
    assert 3 <= len(_acts(plan(None, None))) <= 7
    assert len(_acts(plan(15, None))) == 15
    assert plan(4, None) == plan(4, None)


def test_streams_are_half_idle_and_never_stop() -> None:
    streams = _streams(20)
    idle = active = 0.0
    for plan in streams:
        assert plan.duration_s == pytest.approx(300.0)
        times = [segment.end_s for segment in _acts(plan)]
        assert times[-1] > 285.0
        for segment in plan.segments:
            seconds = segment.end_s - segment.start_s
            idle += seconds if segment.action == 'idle' else 0.0
            active += seconds if segment.action != 'idle' else 0.0
        assert len({segment.action for segment in _acts(plan)}) >= 4
    assert 0.45 < idle / (idle + active) < 0.55
    assert 0.36 < sum(len(_acts(plan)) for plan in streams) / active < 0.44


# ---- what is shown ------------------------------------------------------------------------------


def test_no_action_is_rare_or_too_frequent() -> None:
    for plans in ([_plan(seed) for seed in range(400)], _streams(60)):
        count = Counter(segment.action for plan in plans for segment in _acts(plan))
        total = sum(count.values())
        assert set(count) == set(ACTS)
        for action in ACTS:
            assert 0.026 < count[action] / total < 0.26, (action, count[action] / total)


def test_failures_are_some_of_the_tries() -> None:
    acts = [segment for plan in _streams(60) for segment in _acts(plan)]
    for action in FAILURES:
        tries = [segment.success for segment in acts if segment.action == action]
        assert 0.04 < tries.count(False) / len(tries) < 0.20, action
    assert all(segment.success or segment.action in FAILURES for segment in acts)


def test_furniture_is_balanced() -> None:
    plans = [_plan(seed) for seed in range(400)]
    count = Counter(piece.name for plan in plans for piece in plan.layout.furniture)
    for name in FURNITURE:
        share = count[name] / len(plans)
        assert 0.23 < share < 0.52, (name, share)
    assert count['drawer'] / len(plans) > 0.38
    for plan in plans:
        names = [piece.name for piece in plan.layout.furniture]
        assert len(names) == len(set(names)) == 2
        assert names != ['drawer', 'shelf'] != names[::-1]
        assert plan.layout.furniture[0].x < plan.layout.furniture[1].x
        assert 2 <= len(plan.objects) == len(set(plan.objects)) <= MAX_OBJECTS


def _combinations_unseen(plan: Plan) -> bool:
    return any(is_unseen(segment) for segment in plan.segments)


@pytest.mark.parametrize('split', SPLIT_CODE)
def test_held_out_combinations_are_in_composition_only(split: str) -> None:
    for seed in range(60):
        plan = _plan(seed, split)
        if split == 'composition':
            assert _combinations_unseen(plan)
        else:
            assert not _combinations_unseen(plan)
            assert not any(is_unseen_object(item) for item in plan.objects)
    if split != 'composition':
        stream = draw_plan(np.random.default_rng([13, 1]), split=split, seconds=300.0)
        assert not _combinations_unseen(stream)


def test_still_composition_scenes_have_an_unseen_object() -> None:
    for seed in range(20):
        assert any(is_unseen_object(item) for item in _plan(seed, 'composition', 0).objects)


# ---- one wanted action --------------------------------------------------------------------------


def _possible_wishes() -> list[Wanted]:
    wishes = [Wanted('open'), Wanted('open', success=False), Wanted('close')]
    green = {kind: ObjectInfo(kind, 'green') for kind in KINDS}
    for action in ACTS:
        if action in ('open', 'close'):
            continue
        for kind in POSSIBLE_KINDS.get(action, KINDS):
            targets: Sequence[str] = {
                'put in': [name for name in INSIDE if name != 'drawer' or kind in FITS_DRAWER],
                'take out': [name for name in INSIDE if name != 'drawer' or kind in FITS_DRAWER],
                'put on': [*ONTO, 'table'], 'push': [*DIRECTIONS], 'pour': ['bowl'],
            }.get(action, [])  # fmt: skip
            others = {
                'put left of': KINDS, 'put right of': KINDS, 'stack': FLAT_TOPS, 'pour': ('cup',)
            }.get(action, ())  # fmt: skip
            for success in (True, False) if action in FAILURES else (True,):
                wishes += [Wanted(action, kind, 'red', t, None, success) for t in targets]
                wishes += [Wanted(action, kind, 'red', None, green[o], success) for o in others]
                if not targets and not others:
                    wishes.append(Wanted(action, kind, 'red', success=success))
    return wishes


@pytest.mark.parametrize('action', ACTS)
def test_every_possible_action_can_be_wanted(action: str) -> None:
    wishes = [wish for wish in _possible_wishes() if wish.action == action]
    assert wishes
    for at, wish in enumerate(wishes):
        rng = np.random.default_rng([14, at])
        plan = draw_plan(rng, split='composition', wanted=wish)
        first, act, last = plan.segments
        assert first.action == last.action == 'idle'
        assert (act.action, act.kind, act.colour) == (wish.action, wish.kind, wish.colour)
        assert act.success == wish.success
        if wish.target is not None:
            assert act.target == wish.target
        assert act.reference == wish.reference
        _check_outcome(plan, act)


def test_open_wishes_are_drawn() -> None:
    targets, references = set(), set()
    for seed in range(30):
        rng = np.random.default_rng([15, seed])
        act = draw_plan(rng, split='val', wanted=Wanted('put in', 'cube', 'red')).segments[1]
        targets.add(act.target)
        stack = draw_plan(rng, split='val', wanted=Wanted('stack', 'cup', 'red')).segments[1]
        assert stack.reference is not None
        references.add(stack.reference.kind)
    assert targets == set(INSIDE)
    assert references == set(FLAT_TOPS)


@pytest.mark.parametrize(
    ('wish', 'split'),
    [
        (Wanted('idle'), 'composition'),
        (Wanted('dance', 'cube', 'red'), 'composition'),
        (Wanted('pour', 'ball', 'red'), 'composition'),
        (Wanted('push', 'cube', 'pink'), 'composition'),
        (Wanted('push', 'cube', 'red', 'up'), 'composition'),
        (Wanted('put in', 'bottle', 'red', 'drawer'), 'composition'),
        (Wanted('stack', 'cup', 'red', None, ObjectInfo('ball', 'red')), 'composition'),
        (Wanted('put left of', 'cup', 'red', None, ObjectInfo('cup', 'red')), 'composition'),
        (Wanted('open', 'cup', 'red'), 'composition'),
        (Wanted('push', 'cube', 'red', success=False), 'composition'),
        (Wanted('push', 'cube', 'black'), 'iid'),
        (Wanted('push', 'pear', 'red'), 'train'),
    ],
)
def test_impossible_wishes_are_refused(wish: Wanted, split: str) -> None:
    with pytest.raises(ConfigurationError, match=wish.action):
        draw_plan(np.random.default_rng(0), split=split, wanted=wish)


def test_bad_arguments_are_named() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(ConfigurationError, match='split'):
        draw_plan(rng, split='dev')
    with pytest.raises(ConfigurationError, match='actions'):
        draw_plan(rng, split='val', actions=-1)
    with pytest.raises(ConfigurationError, match='seconds'):
        draw_plan(rng, split='val', seconds=0.2)


# ---- what actions do ----------------------------------------------------------------------------


def _check_outcome(plan: Plan, act: Segment) -> None:
    """Check that an action does what its words say."""
    before, after = plan.state(act.start_s), plan.state(act.end_s)
    if act.item is None:
        wanted = float(act.action == 'open' and act.success)
        assert (before.drawer, after.drawer) == (float(act.action == 'close'), wanted)
        return
    index = plan.objects.index(act.item)
    other = -1 if act.reference is None else plan.objects.index(act.reference)
    right = plan.layout.camera.base.right
    moved = np.subtract(after.objects[index], before.objects[index])[:2]
    place = after.places[index]
    if not act.success:
        assert before.places[index] == place if act.action == 'pick up' else place == 'table'
        assert after.held == -1
    elif act.action in ('pick up', 'take out'):
        assert before.places[index] not in (
            'gripper',
            *(() if act.action == 'take out' else INSIDE),
        )
        assert after.held == index
        assert after.objects[index][2] - SHAPES[act.item.kind].height / 2 > 0.09
    elif act.action in ('put in', 'put on'):
        assert (before.held, after.held, place) == (index, -1, act.target)
    elif act.action == 'stack':
        assert (place, after.supports[index]) == ('object', other)
    elif act.action in ('put left of', 'put right of'):
        gap = np.dot(np.subtract(after.objects[index], after.objects[other])[:2], right)
        assert gap < -0.05 if act.action == 'put left of' else gap > 0.05
        assert place == 'table'
    elif act.action == 'push':
        away = (-right[1], right[0])
        along = {'right': np.dot(moved, right), 'away': np.dot(moved, away)}
        along |= {'left': -along['right'], 'closer': -along['away']}
        assert max(along, key=lambda name: along[name]) == act.target
        assert 0.07 < np.linalg.norm(moved) < 0.13
    elif act.action == 'pour':
        assert before.held == after.held == index
        assert after.objects[index][4] == 0.0
        times = np.linspace(act.start_s, act.end_s, 40).tolist()
        steepest = max(plan.state(t).objects[index][4] for t in times)
        assert steepest > math.radians(100)
    else:
        fell = act.action == 'knock over'
        assert (before.lying[index], after.lying[index]) == (not fell, fell)
        tilt = lying_tilt(act.item.kind)
        assert after.objects[index][4] == pytest.approx(tilt if fell else 0.0, abs=1e-6)


def test_actions_do_what_their_words_say() -> None:
    for plan in [_plan(seed, 'composition') for seed in range(40)] + [*_streams(20)]:
        for act in _acts(plan):
            _check_outcome(plan, act)


def test_at_most_one_object_is_held_and_only_what_is_acted_on_moves() -> None:
    for seed in range(60):
        plan = _plan(seed, 'composition')
        before: WorldState | None = None
        for segment, state in _moments(plan, 0.05):
            assert state.places.count('gripper') <= 1
            for index, item in enumerate(plan.objects):
                if before is None or before.objects[index] == state.objects[index]:
                    continue
                step = math.dist(before.objects[index][:3], state.objects[index][:3])
                assert step < 0.09  # no jumps
                drawer_moves = segment.action in ('open', 'close')
                acted = plan.segment_at(segment.start_s - 0.06).item
                if step > 1e-9:
                    assert item in (segment.item, acted) or (
                        drawer_moves and state.places[index] == 'drawer'
                    )
            before = state


def test_drawer_moves_only_while_it_is_opened_or_closed() -> None:
    for seed in range(60):
        plan = _plan(seed)
        for (_, before), (segment, now) in pairwise(_moments(plan)):
            assert 0.0 <= now.drawer <= 1.0
            if now.drawer != before.drawer:
                assert segment.action in ('open', 'close', 'idle')
                handle = plan.layout.piece('drawer').y - now.drawer * DRAWER_TRAVEL
                assert -0.08 < now.tip[1] - handle < 0.0  # the hand is at the handle


def test_places_agree_with_poses() -> None:
    for seed in range(80):
        plan = _plan(seed, 'composition')
        for segment in plan.segments:
            state = plan.state(segment.end_s)
            for index, item in enumerate(plan.objects):
                _check_place(plan, state, index, item.kind)


def _check_place(plan: Plan, state: WorldState, index: int, kind: str) -> None:
    place, pose = state.places[index], state.objects[index]
    assert place in PLACES
    assert (state.supports[index] >= 0) == (place == 'object')
    assert not state.lying[index] or (kind in TALL and place == 'table')
    low = pose[2] - SHAPES[kind].height / 2
    if place == 'gripper':
        assert low > 0.09
    elif place == 'table':
        assert (top(kind, pose) if state.lying[index] else low) == pytest.approx(
            2 * SHAPES[kind].half_width if state.lying[index] else 0.0, abs=1e-6
        )
    elif place == 'object':
        below = state.supports[index]
        base = state.objects[below]
        assert math.dist(base[:2], pose[:2]) < 1e-6
        assert low == pytest.approx(top(plan.objects[below].kind, base))
    else:
        piece = plan.layout.piece(place)
        assert low == pytest.approx(FORMS[place].floor)
        assert abs(pose[0] - piece.x) < FORMS[place].half[0]
        back = 0.055 - state.drawer * DRAWER_TRAVEL if place == 'drawer' else 0.0
        assert abs(pose[1] - piece.y - back) < 0.03


def test_scene_says_what_the_state_is() -> None:
    for seed in range(30):
        plan = _plan(seed)
        right = plan.layout.camera.base.right
        for segment in plan.segments:
            time_s = (segment.start_s + segment.end_s) / 2
            scene, state = plan.scene(time_s), plan.state(time_s)
            assert scene.objects == plan.objects
            assert (scene.places, scene.supports, scene.lying) == (
                state.places, state.supports, state.lying
            )  # fmt: skip
            assert scene.across == pytest.approx([np.dot(p[:2], right) for p in state.objects])
            names = tuple(piece.name for piece in plan.layout.furniture)
            assert scene.furniture == names
            assert (scene.drawer_open is None) == ('drawer' not in names)
            assert (scene.held if scene.held is not None else -1) == state.held


# ---- room ---------------------------------------------------------------------------------------


def test_what_stands_on_the_table_keeps_its_distance() -> None:
    for plan in [_plan(seed, 'composition') for seed in range(100)] + [*_streams(20)]:
        for segment in plan.segments:
            state = plan.state(segment.end_s)
            covers = [
                cover(item.kind, pose)
                for item, pose, place in zip(
                    plan.objects, state.objects, state.places, strict=True
                )
                if place == 'table'
            ]
            for at, circles in enumerate(covers):
                assert all(gap_between(circles, other) > 0.02 for other in covers[:at])
                for piece in plan.layout.furniture:
                    assert all(gap_to_piece(circle, piece) > 0.015 for circle in circles)


def _gap_in_space(plan: Plan, state: WorldState, a: int, b: int) -> float:
    """Least horizontal gap of two objects, or how far one is above the other if that is more."""
    kinds = plan.objects[a].kind, plan.objects[b].kind
    poses = state.objects[a], state.objects[b]
    level = gap_between(cover(kinds[0], poses[0]), cover(kinds[1], poses[1]))
    spans = []
    for kind, pose in zip(kinds, poses, strict=True):
        shape = SHAPES[kind]
        cos, sin = abs(math.cos(pose[4])), abs(math.sin(pose[4]))
        half = shape.height / 2 * cos + shape.half_width * sin
        spans.append((pose[2] - half, pose[2] + half))
    return max(level, spans[0][0] - spans[1][1], spans[1][0] - spans[0][1])


def test_objects_do_not_pass_through_each_other() -> None:
    for seed in range(200):
        plan = _plan(seed, 'composition')
        for segment, state in _moments(plan):
            for a in range(len(plan.objects)):
                for b in range(a):
                    # Covers are somewhat larger than the objects.
                    gap = _gap_in_space(plan, state, a, b)
                    assert gap > -0.012, (seed, segment, plan.objects[a], plan.objects[b])


def test_the_hand_passes_above_other_things() -> None:
    """The fingers are two boxes; what they hold or come to take does not count."""
    for seed in range(200):
        plan = _plan(seed, 'composition')
        for segment, state in _moments(plan):
            cos, sin = math.cos(state.yaw), math.sin(state.yaw)
            x, y, z = state.tip
            assert z > 0.004
            reach = state.finger_gap / 2 + 0.006
            fingers = [(x + s * reach * cos, y + s * reach * sin, 0.007) for s in (-1, 1)]
            for index, (item, pose) in enumerate(zip(plan.objects, state.objects, strict=True)):
                hidden = state.places[index] == 'drawer' and state.drawer < 0.1
                if item == segment.item or index == state.held or hidden:
                    continue
                if z < top(item.kind, pose) and z + FINGER_LENGTH > pose[2]:
                    for finger in fingers:
                        gap = gap_between((finger,), cover(item.kind, pose))
                        assert gap > -0.006, (seed, segment, item)


# ---- the picture --------------------------------------------------------------------------------


@pytest.mark.parametrize('split', ['train', 'scene'])
def test_objects_are_large_and_in_view_whatever_the_camera_does(split: str) -> None:
    for seed in range(60):
        plan = _plan(seed, split)
        for segment in plan.segments:
            state, view = plan.state(segment.end_s), View(plan.layout.camera.at(segment.end_s))
            for item, pose, place in zip(plan.objects, state.objects, state.places, strict=True):
                if place == 'table':
                    u, v, scale = view.project(*pose[:3])
                    assert 2 * SHAPES[item.kind].half_width * scale > 13.6
                    radius = SHAPES[item.kind].half_width * scale
                    assert radius - 4 < u < 132 - radius
                    assert 0 < v < 128


def test_the_hand_is_seen_while_it_acts() -> None:
    for seed in range(60):
        plan = _plan(seed)
        view = View(plan.layout.camera.base)
        for segment in _acts(plan):
            times = np.linspace(segment.start_s, segment.end_s, 9).tolist()
            points = [view.project(*plan.state(time_s).tip) for time_s in times]
            seen = [0 <= u <= 128 and 0 <= v <= 128 for u, v, _ in points]
            assert sum(seen) >= 7, (seed, segment)


def test_view_is_the_cameras_projection() -> None:
    for seed in range(5):
        camera = _plan(seed).layout.camera.base
        points = np.random.default_rng(seed).uniform(-0.2, 0.2, (6, 3))
        expected = camera.project(points, width=128, height=128)
        for point, row in zip(points.tolist(), expected.tolist(), strict=True):
            assert View(camera).project(*point) == pytest.approx(row)
