# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Finds the clips and the transitions in episodes, and draws them in balance."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from training.episodes import Episodes
from training.world.splits import is_unseen
from training.world.symbols import ACTIONS, Scene, Segment

# A clip shows the segment that fills at least this share of it; mixed clips are left out.
MIN_SEGMENT_SHARE = 0.6
# Half of all time is idle, but one sentence is enough for it; the actions share the rest evenly.
IDLE_SHARE = 0.1
# An initial image is taken up to this long before the action, a goal image as long after it.
AROUND_S = 0.8


class ClipIndex:
    """Where clips and transitions are.

    Attributes:
        segment_of: int64 [F], the segment that the clip ending at a frame shows, -1 if it shows
            none or would begin before its episode.
        inside: int64 [K], the frames with a whole clip before them.
        transitions: int64 [P, 5]: segment, first and last possible initial frame, first and last
            possible goal frame.
    """

    def __init__(self, episodes: Episodes, *, clip_frames: int) -> None:
        """Go through the episodes.

        Args:
            episodes: at the model's clip rate.
            clip_frames: T.
        """
        self.episodes = episodes
        self.clip_frames = clip_frames
        self.segment_of, self.transitions = self._label()
        same = (
            episodes.episode_of[clip_frames - 1 :]
            == (episodes.episode_of[: len(episodes.episode_of) - clip_frames + 1])
        )
        self.inside = clip_frames - 1 + np.flatnonzero(same)
        action = episodes.segment_facts[:, 0]
        shown = np.where(self.segment_of >= 0, action[self.segment_of], -1)
        self._ends = [np.flatnonzero(shown == number) for number in range(len(ACTIONS))]
        acts = action[self.transitions[:, 0]]
        self._pairs = [np.flatnonzero(acts == number) for number in range(len(ACTIONS))]

    def _label(self) -> tuple[np.ndarray, np.ndarray]:
        episodes, length = self.episodes, self.clip_frames
        shown = np.full(len(episodes.episode_of), -1, np.int64)
        transitions: list[tuple[int, ...]] = []
        frame, segment = 0, 0
        for frame_end, segment_end in zip(episodes.frame_end, episodes.segment_end, strict=True):
            times = episodes.times_s[frame:frame_end]
            for index in range(segment, segment_end):
                start_s = float(episodes.segment_start_s[index])
                end_s = float(episodes.segment_end_s[index])
                inside = (times >= start_s) & (times < end_s)
                count = np.convolve(inside, np.ones(length))[: len(times)]
                count[: length - 1] = 0  # the clip would begin before the episode
                shown[frame:frame_end][count >= MIN_SEGMENT_SHARE * length] = index
                if episodes.segment_facts[index, 0] != ACTIONS.index('idle'):
                    before = np.flatnonzero((times >= start_s - AROUND_S) & (times <= start_s))
                    after = np.flatnonzero((times >= end_s) & (times <= end_s + AROUND_S))
                    if len(before) and len(after):
                        ends = (before[0], before[-1], after[0], after[-1])
                        transitions.append((index, *(frame + end for end in ends)))
            frame, segment = int(frame_end), int(segment_end)
        return shown, np.array(transitions, np.int64).reshape(-1, 5)

    def draw_ends(self, rng: np.random.Generator, count: int) -> np.ndarray:
        """Draw last frames of clips that show one segment, int64 [count], actions in balance."""
        return self._balanced(rng, count, self._ends, idle=IDLE_SHARE)

    def draw_transitions(self, rng: np.random.Generator, count: int) -> np.ndarray:
        """Draw rows of `transitions`, int64 [count, 5], actions in balance."""
        return self.transitions[self._balanced(rng, count, self._pairs, idle=0.0)]

    @staticmethod
    def _balanced(
        rng: np.random.Generator, count: int, groups: list[np.ndarray], *, idle: float
    ) -> np.ndarray:
        present = np.array([len(group) > 0 for group in groups], np.float64)
        present[ACTIONS.index('idle')] = 0.0
        shares = (1.0 - idle) * present / max(present.sum(), 1.0)
        shares[ACTIONS.index('idle')] = idle
        chosen = rng.choice(len(groups), size=count, p=shares / shares.sum())
        return np.array([rng.choice(groups[number]) for number in chosen], np.int64)

    def clip(self, end: int) -> np.ndarray:
        """Return the frames of the clip that ends at a frame, int64 [T]."""
        return end + np.arange(1 - self.clip_frames, 1)

    def transition(self, row: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Draw the two images of a transition and repeat each for half a clip, int64 [T]."""
        initial = rng.integers(row[1], row[2] + 1)
        goal = rng.integers(row[3], row[4] + 1)
        return np.repeat([initial, goal], self.clip_frames // 2)


_MIRRORED = {
    'put left of': 'put right of', 'put right of': 'put left of', 'left': 'right', 'right': 'left'
}  # fmt: skip


def mirror_segment(segment: Segment) -> Segment:
    """Return what happens in the mirrored picture: left and right change places."""
    target = segment.target
    return replace(
        segment,
        action=_MIRRORED.get(segment.action, segment.action),
        target=_MIRRORED.get(target, target) if target else target,
    )


def may_mirror(segment: Segment) -> bool:
    """Tell whether the mirrored picture shows nothing that is kept for the tests.

    A cube put to the right of a ball is, mirrored, one put to its left; where training must not
    see the one, it must not mirror the other.
    """
    return not is_unseen(mirror_segment(segment))


def mirror_scene(scene: Scene) -> Scene:
    """Return what is true in the mirrored picture."""
    return replace(scene, across=tuple(-x for x in scene.across))
