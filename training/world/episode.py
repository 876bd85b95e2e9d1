# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Episodes: a plan, its pictures and its labels."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.world.appearance import draw_appearance
from training.world.geometry import SHAPES
from training.world.planner import Wanted, draw_plan
from training.world.script import Plan, WorldState
from training.world.sensor import draw_sensor
from training.world.splits import SPLIT_CODE
from training.world.symbols import ObjectInfo, Scene, Segment
from vljepa_ros.errors import ConfigurationError

MAX_ACTIONS = 15
MAX_SECONDS = 3600.0
# What counts as the size of a piece of furniture in the picture, half its width in metres.
FURNITURE_RADIUS = 0.08


@dataclass(frozen=True)
class Episode:
    """A drawn episode with labels for every frame.

    Attributes:
        frames: uint8 [T, height, width, 3] RGB.
        times_s: float64 [T], seconds from the start of the plan.
        fps: Frames per second.
        seed: The number it was drawn from.
        split: One of `splits.SPLIT_CODE`.
        plan: What happens.
        states: The world at each frame.
        pixels: float32 [T, n_objects, 3]: u, v of the middle and apparent radius, in pixels.
        furniture_pixels: float32 [T, n_furniture, 3], the same of the furniture.
        gripper_pixel: float32 [T, 2]: u, v of the fingertips in pixels.
    """

    frames: NDArray[np.uint8]
    times_s: NDArray[np.float64]
    fps: float
    seed: int
    split: str
    plan: Plan
    states: tuple[WorldState, ...]
    pixels: NDArray[np.float32]
    furniture_pixels: NDArray[np.float32]
    gripper_pixel: NDArray[np.float32]

    @property
    def segments(self) -> tuple[Segment, ...]:
        """What happens; covers the whole time without gaps."""
        return self.plan.segments

    @property
    def objects(self) -> tuple[ObjectInfo, ...]:
        """The movable objects."""
        return self.plan.objects

    def scene(self, index: int) -> Scene:
        """Return what is true at frame `index`."""
        return self.plan.scene_of(self.states[index])


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
    *,
    seed: int,
    split: str = 'iid',
    actions: int | None = None,
    seconds: float | None = None,
    wanted: Wanted | None = None,
) -> Plan:
    """Draw what happens in an episode, without pictures (needs no graphics).

    Args:
        seed: Number of the episode, 0 or more.
        split: One of `splits.SPLIT_CODE`; the same seed gives another episode in each.
        actions: Number of actions, 0 (a still scene) to 15; None draws 3 to 7.
        seconds: Length. Actions that do not fit are left out, the last idle time is drawn out.
            None leaves the length to chance.
        wanted: The one action to show, instead of a number of actions.

    Raises:
        ConfigurationError: An argument is outside its allowed values.
    """
    if actions is not None and not 0 <= actions <= MAX_ACTIONS:
        raise ConfigurationError(f'actions is {actions}; use 0 to {MAX_ACTIONS}.')
    if seconds is not None and not 1.0 <= seconds <= MAX_SECONDS:
        raise ConfigurationError(f'seconds is {seconds}; use 1 to {MAX_SECONDS:g}.')
    rng, _ = _generators(seed, split)
    return draw_plan(rng, split=split, actions=actions, seconds=seconds, wanted=wanted)


def render_episode(
    *,
    seed: int,
    split: str = 'iid',
    fps: float = 5.0,
    width: int = 128,
    height: int = 128,
    supersample: int = 2,
    actions: int | None = None,
    seconds: float | None = None,
    wanted: Wanted | None = None,
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
        wanted: See `plan_episode`.
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
    plan = plan_episode(seed=seed, split=split, actions=actions, seconds=seconds, wanted=wanted)
    if not 0.0 <= start_offset_s < plan.duration_s:
        raise ConfigurationError(
            f'start_offset_s is {start_offset_s}; use 0 up to the length {plan.duration_s:.2f}.'
        )
    _, look_rng = _generators(seed, split)
    layout, unseen = plan.layout, split == 'scene'
    names = tuple(piece.name for piece in layout.furniture)
    look = draw_appearance(plan.objects, names, look_rng, unseen=unseen)
    sensor = draw_sensor(look_rng, unseen=unseen)
    # The small number keeps a last frame that rounding puts a hair past the end.
    total = math.floor((plan.duration_s - start_offset_s) * fps - 1e-6) + 1
    times = start_offset_s + np.arange(total) / fps
    states = tuple(plan.state(float(time)) for time in times)
    renderer = shared_renderer(width=width, height=height, supersample=supersample)
    renderer.start(layout, plan.objects, look)
    frames = np.empty((total, height, width, 3), dtype=np.uint8)
    pixels = np.empty((total, len(plan.objects), 3), np.float32)
    furniture = np.empty((total, len(names), 3), np.float32)
    gripper = np.empty((total, 2), np.float32)
    radii = np.array([SHAPES[item.kind].half_width for item in plan.objects])
    places = np.array([(piece.x, piece.y, 0.03) for piece in layout.furniture])
    for index, (time, state) in enumerate(zip(times, states, strict=True)):
        camera = layout.camera.at(float(time))
        frames[index] = sensor.apply(renderer.draw(state, camera), index)
        middles = np.array([pose[:3] for pose in state.objects])
        pixels[index] = camera.project(middles, width=width, height=height)
        furniture[index] = camera.project(places, width=width, height=height)
        gripper[index] = camera.project(np.array(state.tip), width=width, height=height)[:2]
        if progress is not None:
            progress(index + 1, total)
    pixels[..., 2] *= radii
    furniture[..., 2] *= FURNITURE_RADIUS
    return Episode(
        frames=frames,
        times_s=times,
        fps=fps,
        seed=seed,
        split=split,
        plan=plan,
        states=states,
        pixels=pixels,
        furniture_pixels=furniture,
        gripper_pixel=gripper,
    )
