# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Draws batches of clips with the simulator's exact state, for the X-Encoder's pretraining.

The batch of step s depends only on (seed, s), so an interrupted training goes on with the very
batches that it would have had.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from training.augmentation import NARROW, Variety, View, augment_colours, draw_grey, draw_view
from training.clips import ClipIndex, may_mirror, mirror_segment
from training.episodes import FACTS, Episodes, segment_facts
from training.world.symbols import PLACES

NOT_VISIBLE = -2  # a fact that the picture does not tell
IS_COLOUR = np.array([name.endswith('colour') for name in FACTS])


@dataclass(frozen=True)
class Batch:
    """B clips of T frames, with what is to be read from them.

    Attributes:
        frames: uint8 [B, T, H, W, 3].
        facts: int64 [B, 7], what happens (`episodes.FACTS`), -1 where nothing is named,
            `NOT_VISIBLE` where the picture does not tell.
        is_transition: bool [B], True where the clip is two images, before and after.
        pixels: float32 [B, T, 4, 3], u, v and radius of the objects; NaN where there is none or
            it is out of sight in the closed drawer.
        furniture_pixels: float32 [B, T, 2, 3], the same of the furniture.
        gripper: float32 [B, T, 2], u and v of the fingertips.
        kind: int8 [B, 4], -1 where there is no object.
        colour: int8 [B, 4], -1 where there is no object.
        furniture: int8 [B, 2], -1 where there is none.
        places: int8 [B, T, 4], -1 where there is no object.
        lying: bool [B, T, 4].
        drawer: float32 [B, T], 0 closed .. 1 open; NaN without a drawer.
        grey: bool [B], True where the clip has lost its colours.
    """

    frames: np.ndarray
    facts: np.ndarray
    is_transition: np.ndarray
    pixels: np.ndarray
    furniture_pixels: np.ndarray
    gripper: np.ndarray
    kind: np.ndarray
    colour: np.ndarray
    furniture: np.ndarray
    places: np.ndarray
    lying: np.ndarray
    drawer: np.ndarray
    grey: np.ndarray


class BatchSampler:
    """Draws batches from episodes in memory."""

    def __init__(self, index: ClipIndex, *, seed: int, variety: Variety = NARROW) -> None:
        """Take the clips of `index`; `seed` is that of the whole training."""
        self._index = index
        self._seed = seed
        self._variety = variety

    def tubelets(self, step: int, *, count: int, frames: int) -> Batch:
        """Draw short pieces of `frames` neighbouring frames."""
        rng = np.random.default_rng([self._seed, step, 5])
        ends = rng.choice(self._index.inside, size=count)
        rows = ends[:, None] + np.arange(1 - frames, 1)
        return self._gather(rows, np.full(count, -1), transitions=0, rng=rng)

    def clips(self, step: int, *, clips: int, transitions: int) -> Batch:
        """Draw whole clips, the last `transitions` of them pairs of images."""
        rng = np.random.default_rng([self._seed, step, 6])
        index = self._index
        ends = index.draw_ends(rng, clips)
        pairs = index.draw_transitions(rng, transitions)
        rows = [index.clip(end) for end in ends]
        rows += [index.transition(pair, rng) for pair in pairs]
        segments = np.concatenate((index.segment_of[ends], pairs[:, 0]))
        return self._gather(np.stack(rows), segments, transitions=transitions, rng=rng)

    def _gather(
        self, rows: np.ndarray, segments: np.ndarray, *, transitions: int, rng: np.random.Generator
    ) -> Batch:
        """Collect the frames `rows` [B, T] and their labels, and vary the pictures."""
        episodes = self._index.episodes
        owner = episodes.episode_of[rows[:, -1]]
        places = episodes.places[rows]  # [B, T, 4]
        pixels = episodes.pixels[rows].copy()
        drawer = episodes.drawer[rows]
        pixels[(places == PLACES.index('drawer')) & (drawer[..., None] <= 0.5)] = np.nan
        furniture_pixels = episodes.furniture_pixels[rows].copy()
        gripper = episodes.gripper[rows].copy()
        frames, facts = [], np.full((len(rows), episodes.segment_facts.shape[1]), -1, np.int64)
        for number, row in enumerate(rows):
            segment = int(segments[number])
            mirror = segment < 0 or may_mirror(episodes.segment(segment))
            clip, view = cut_out(episodes, row, rng, mirror=mirror, variety=self._variety)
            frames.append(clip)
            for things in (pixels, furniture_pixels, gripper):
                view.places(things[number])
            if segment >= 0:
                facts[number] = facts_in(episodes, segment, view)
        grey = draw_grey(rng, len(rows), variety=self._variety)
        facts[grey[:, None] & IS_COLOUR] = NOT_VISIBLE
        changed = augment_colours(np.stack(frames), rng, variety=self._variety, grey=grey)
        return Batch(
            frames=changed,
            facts=facts,
            is_transition=np.arange(len(rows)) >= len(rows) - transitions,
            pixels=pixels,
            furniture_pixels=furniture_pixels,
            gripper=gripper,
            kind=episodes.kind[owner],
            colour=episodes.colour[owner],
            furniture=episodes.furniture[owner],
            places=places,
            lying=episodes.lying[rows],
            drawer=np.where(episodes.has_drawer[owner][:, None], drawer, np.nan),
            grey=grey,
        )


def cut_out(
    episodes: Episodes,
    row: np.ndarray,
    rng: np.random.Generator,
    *,
    mirror: bool,
    variety: Variety = NARROW,
) -> tuple[np.ndarray, View]:
    """Decode frames `row` [T] (a repeated one once) and look at them in a drawn view.

    `mirror` allows a mirrored one (`clips.may_mirror` of what the frames show).
    """
    decoded = {index: episodes.frame(index) for index in dict.fromkeys(row.tolist())}
    size = next(iter(decoded.values())).shape[0]
    view = draw_view(rng, size=size, mirror=mirror, variety=variety)
    seen = {index: view.frame(frame) for index, frame in decoded.items()}
    return np.stack([seen[index] for index in row.tolist()]), view


def facts_in(episodes: Episodes, segment: int, view: View) -> np.ndarray:
    """Return the facts of a segment as the view shows them, int8 [7]."""
    if not view.mirrored:
        return np.asarray(episodes.segment_facts[segment])
    return segment_facts(mirror_segment(episodes.segment(segment)))
