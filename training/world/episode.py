# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Episodes: a plan, its pictures and its labels."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.world.actions import draw_plan
from training.world.appearance import draw_appearance
from training.world.geometry import SHAPES
from training.world.script import ObjectInfo, Plan, Segment
from vljepa_ros.errors import ConfigurationError

# The code goes into the seed, so a number gives three different episodes and no test episode can
# turn up in training.
SPLIT_CODE = {'train': 1, 'val': 2, 'test': 3}
MAX_ACTIONS = 6


@dataclass(frozen=True)
class Episode:
    """A drawn episode with labels for every frame.

    Attributes:
        frames: uint8 [T, height, width, 3] RGB.
        times_s: float64 [T], seconds from the start of the plan.
        fps: Frames per second.
        seed: The number it was drawn from.
        split: 'train', 'val' or 'test'.
        segments: What happens; covers the whole time without gaps.
        objects: The movable objects.
        pixels: float32 [T, n_objects, 3]: u, v of the middle and apparent radius, in pixels.
        gripper_pixel: float32 [T, 2]: u, v of the fingertips in pixels.
        held: int64 [T], index of the object in the gripper, -1 if none.
        drawer: float32 [T], 0 closed .. 1 open.
        places: int64 [T, n_objects], indices into `geometry.PLACES`.
    """

    frames: NDArray[np.uint8]
    times_s: NDArray[np.float64]
    fps: float
    seed: int
    split: str
    segments: tuple[Segment, ...]
    objects: tuple[ObjectInfo, ...]
    pixels: NDArray[np.float32]
    gripper_pixel: NDArray[np.float32]
    held: NDArray[np.int64]
    drawer: NDArray[np.float32]
    places: NDArray[np.int64]


def _generators(seed: int, split: str) -> tuple[np.random.Generator, np.random.Generator]:
    """Return one generator for the plan and one for the look."""
    if split not in SPLIT_CODE:
        raise ConfigurationError(f'split is {split!r}; use one of {", ".join(SPLIT_CODE)}.')
    if seed < 0:
        raise ConfigurationError(f'seed is {seed}; use a whole number of 0 or more.')
    sequence = np.random.SeedSequence([SPLIT_CODE[split], seed])
    plan, look = sequence.spawn(2)
    return np.random.default_rng(plan), np.random.default_rng(look)


def plan_episode(
    *, seed: int, split: str = 'test', actions: int | None = None, seconds: float | None = None
) -> Plan:
    """Draw what happens in an episode, without pictures (needs no graphics).

    Args:
        seed: Number of the episode, 0 or more.
        split: 'train', 'val' or 'test'; the same seed gives another episode in each.
        actions: Number of actions, 0 (a still scene) to 6; None draws 2 to 4. Fewer are done
            where the scene has no room for more.
        seconds: Length. Actions that do not fit are left out, the last idle time is drawn out.
            None leaves the length to chance.

    Raises:
        ConfigurationError: An argument is outside its allowed values.
    """
    if actions is not None and not 0 <= actions <= MAX_ACTIONS:
        raise ConfigurationError(f'actions is {actions}; use 0 to {MAX_ACTIONS}.')
    if seconds is not None and not 1.0 <= seconds <= 600.0:
        raise ConfigurationError(f'seconds is {seconds}; use 1 to 600.')
    rng, _ = _generators(seed, split)
    count = int(rng.integers(2, 5))
    return draw_plan(rng, actions=count if actions is None else actions, seconds=seconds)


def render_episode(
    *,
    seed: int,
    split: str = 'test',
    fps: float = 5.0,
    width: int = 128,
    height: int = 128,
    supersample: int = 2,
    actions: int | None = None,
    seconds: float | None = None,
    start_offset_s: float = 0.0,
    progress: Callable[[int, int], None] | None = None,
) -> Episode:
    """Draw an episode. The same arguments give the same bytes.

    The motion is a function of time, so `fps` only samples it. A wide picture has the same
    vertical field of view as a square one of the same height, so its middle square is the square
    picture.

    Args:
        seed: See `plan_episode`.
        split: See `plan_episode`.
        fps: Frames per second.
        width: Picture width in pixels.
        height: Picture height in pixels.
        supersample: Each pixel is the mean of supersample x supersample drawn ones.
        actions: See `plan_episode`.
        seconds: See `plan_episode`.
        start_offset_s: Time of the first frame.
        progress: Called with the number of frames drawn and the number in all.

    Raises:
        ConfigurationError: An argument is outside its allowed values.
        MissingDependencyError: Nothing on this machine can draw.
    """
    from training.world.renderer import shared_renderer

    if not 0.1 <= fps <= 240.0:
        raise ConfigurationError(f'fps is {fps}; use 0.1 to 240.')
    if not (16 <= width <= 4096 and 16 <= height <= 4096 and 1 <= supersample <= 8):
        raise ConfigurationError(
            f'width, height, supersample are {width}, {height}, {supersample}; '
            'use 16 to 4096 pixels and a supersample of 1 to 8.'
        )
    plan = plan_episode(seed=seed, split=split, actions=actions, seconds=seconds)
    if not 0.0 <= start_offset_s < plan.duration_s:
        raise ConfigurationError(
            f'start_offset_s is {start_offset_s}; use 0 up to the length {plan.duration_s:.2f}.'
        )
    _, look_rng = _generators(seed, split)
    look = draw_appearance(tuple(item.colour for item in plan.objects), look_rng)
    # The small number keeps a last frame that rounding puts a hair past the end.
    total = math.floor((plan.duration_s - start_offset_s) * fps - 1e-6) + 1
    times = start_offset_s + np.arange(total) / fps
    states = [plan.state(float(time)) for time in times]
    camera = plan.layout.camera
    renderer = shared_renderer(width=width, height=height, supersample=supersample)
    renderer.start(plan, look, camera)
    frames = np.empty((total, height, width, 3), dtype=np.uint8)
    for index, state in enumerate(states):
        frames[index] = renderer.draw(state)
        if progress is not None:
            progress(index + 1, total)
    middles = np.array([[pose[:3] for pose in state.objects] for state in states])
    pixels = camera.project(middles, width=width, height=height)
    pixels[..., 2] *= np.array([SHAPES[item.kind].half_width for item in plan.objects])
    tips = np.array([state.tip for state in states])
    return Episode(
        frames=frames,
        times_s=times,
        fps=fps,
        seed=seed,
        split=split,
        segments=plan.segments,
        objects=plan.objects,
        pixels=pixels.astype(np.float32),
        gripper_pixel=camera.project(tips, width=width, height=height)[:, :2].astype(np.float32),
        held=np.array([state.held for state in states], dtype=np.int64),
        drawer=np.array([state.drawer for state in states], dtype=np.float32),
        places=np.array([state.places for state in states], dtype=np.int64),
    )
