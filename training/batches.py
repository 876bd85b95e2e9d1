# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Draws training batches: clips with captions and states, image pairs with the action between.

The batch of step s depends only on (seed, s), so an interrupted training goes on with the very
batches that it would have had.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from training.dataset import FPS, Episodes
from training.world import COLOURS, KINDS, ObjectInfo
from training.world.language import all_captions, parse_caption, state_caption

# A clip shows the segment that fills at least this share of it; mixed clips are left out.
MIN_SEGMENT_SHARE = 0.6
# How often each action is drawn; in the episodes half of all time is idle.
ACTION_SHARES = {'idle': 0.18, 'pick up': 0.24, 'put in': 0.24, 'push': 0.22, 'open': 0.12}
MAX_SHIFT_PX = 6.0
MAX_ZOOM = 0.08


@dataclass(frozen=True)
class Batch:
    """B = clips + transitions examples.

    Attributes:
        frames: uint8 [B, T, H, W, 3]; the transitions come last.
        captions: int [B], index into `all_captions()`: what happens in the clip, or the action
            between the two images of a transition.
        states: texts of the clips' last moments, one for each clip that is no transition.
        pixels: float32 [B, T, 3, 3], u, v and radius of the objects, NaN where none.
        gripper: float32 [B, T, 2], u and v of the fingertips.
        kind: int8 [B, 3], -1 where there is no object.
        colour: int8 [B, 3], -1 where there is no object.
        held: int8 [B, T], index of the held object, -1 if none.
        drawer: float32 [B, T], 0 closed .. 1 open.
    """

    frames: np.ndarray
    captions: np.ndarray
    states: list[str]
    pixels: np.ndarray
    gripper: np.ndarray
    kind: np.ndarray
    colour: np.ndarray
    held: np.ndarray
    drawer: np.ndarray


class BatchSampler:
    """Draws batches from episodes in memory."""

    def __init__(
        self,
        episodes: Episodes,
        *,
        clip_frames: int,
        clips: int,
        transitions: int,
        seed: int,
        augment: bool = True,
    ) -> None:
        """Find every clip and every transition of the episodes.

        Args:
            episodes: rendered at `FPS`, which must be the model's clip rate.
            clip_frames: T.
            clips: clips a batch.
            transitions: image pairs a batch.
            seed: of the whole training.
            augment: shift, zoom and mirror the pictures.
        """
        self._episodes = episodes
        self._clip_frames = clip_frames
        self._clips = clips
        self._transitions = transitions
        self._seed = seed
        self._augment = augment
        self._episode_of = np.repeat(
            np.arange(len(episodes)), np.diff(episodes.frame_end, prepend=0)
        )
        self._caption_of, self._pairs = self._label()
        same = self._episode_of[clip_frames:] == self._episode_of[:-clip_frames]
        self._inside = clip_frames + np.flatnonzero(same)  # frames with a whole clip before them
        actions = [parse_caption(text)[0] for text in all_captions()]
        self._ends: dict[str, np.ndarray] = {}
        for action in ACTION_SHARES:
            wanted = [index for index, name in enumerate(actions) if name == action]
            self._ends[action] = np.flatnonzero(np.isin(self._caption_of, wanted))

    def _label(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the caption of the clip that ends at each frame (-1: none) and all transitions.

        A transition is (caption, first and last possible initial frame, first and last possible
        goal frame).
        """
        episodes = self._episodes
        captions = np.full(len(self._episode_of), -1, np.int64)
        pairs: list[tuple[int, int, int, int, int]] = []
        idle = next(i for i, text in enumerate(all_captions()) if parse_caption(text)[0] == 'idle')
        frame, segment = 0, 0
        for frame_end, segment_end in zip(episodes.frame_end, episodes.segment_end, strict=True):
            times = episodes.times_s[frame:frame_end]
            for index in range(segment, segment_end):
                start_s = float(episodes.segment_start_s[index])
                end_s = float(episodes.segment_end_s[index])
                caption = int(episodes.segment_caption[index])
                inside = (times >= start_s) & (times < end_s)
                count = np.convolve(inside, np.ones(self._clip_frames))[: len(times)]
                count[: self._clip_frames - 1] = 0  # the clip would begin before the episode
                captions[frame:frame_end][count >= MIN_SEGMENT_SHARE * self._clip_frames] = caption
                if caption != idle:
                    before = frame + np.flatnonzero((times >= start_s - 0.8) & (times <= start_s))
                    after = frame + np.flatnonzero((times >= end_s) & (times <= end_s + 0.8))
                    if len(before) and len(after):
                        pairs.append((caption, before[0], before[-1], after[0], after[-1]))
            frame, segment = int(frame_end), int(segment_end)
        return captions, np.array(pairs, np.int64)

    def batch(self, step: int) -> Batch:
        """Draw the batch of a training step."""
        rng = np.random.default_rng([self._seed, step])
        actions = rng.choice(list(ACTION_SHARES), size=self._clips, p=list(ACTION_SHARES.values()))
        ends = np.array([rng.choice(self._ends[action]) for action in actions])
        indices = [end + np.arange(1 - self._clip_frames, 1) for end in ends]
        captions = list(self._caption_of[ends])
        half = self._clip_frames // 2
        for pair in rng.choice(self._pairs, size=self._transitions):
            initial = rng.integers(pair[1], pair[2] + 1)
            goal = rng.integers(pair[3], pair[4] + 1)
            indices.append(np.repeat([initial, goal], half))
            captions.append(pair[0])
        return self.gather(
            np.stack(indices),
            np.array(captions),
            states=self._clips,
            rng=rng if self._augment else None,
        )

    def tubelets(self, step: int, *, count: int, frames: int) -> Batch:
        """Draw short pieces of `frames` neighbouring frames for the pretraining."""
        rng = np.random.default_rng([self._seed, step, 5])
        ends = rng.choice(self._inside, size=count)
        indices = ends[:, None] + np.arange(1 - frames, 1)
        return self.gather(indices, self._caption_of[ends], states=0, rng=rng)

    def gather(
        self,
        indices: np.ndarray,
        captions: np.ndarray,
        *,
        states: int,
        rng: np.random.Generator | None,
    ) -> Batch:
        """Collect frames and labels.

        Args:
            indices: frame numbers [B, T].
            captions: caption numbers [B].
            states: for how many of the first examples state texts are wanted.
            rng: for augmentation; None for none.
        """
        episodes = self._episodes
        owner = self._episode_of[indices[:, -1]]
        pixels = episodes.pixels[indices].copy()  # [B, T, 3, 3]
        gripper = episodes.gripper[indices].copy()  # [B, T, 2]
        frames = []
        for row, pixel, tip in zip(indices, pixels, gripper, strict=True):
            # A transition repeats its two images: each is decoded once.
            decoded = {index: episodes.frame(index) for index in set(row.tolist())}
            clip = np.stack([decoded[index] for index in row.tolist()])
            frames.append(clip if rng is None else augment_geometry(clip, pixel, tip, rng))
        return Batch(
            frames=np.stack(frames),
            captions=captions,
            states=[self._state_text(row[-1]) for row in indices[:states]],
            pixels=pixels,
            gripper=gripper,
            kind=episodes.kind[owner],
            colour=episodes.colour[owner],
            held=episodes.held[indices],
            drawer=episodes.drawer[indices],
        )

    def _state_text(self, frame: int) -> str:
        episodes = self._episodes
        owner = self._episode_of[frame]
        present = np.flatnonzero(episodes.kind[owner] >= 0)
        colours = list(COLOURS)
        objects = [
            ObjectInfo(KINDS[episodes.kind[owner, i]], colours[episodes.colour[owner, i]])
            for i in present
        ]
        places = [int(place) for place in episodes.places[frame, present]]
        return state_caption(objects, places, drawer_open=bool(episodes.drawer[frame] > 0.5))


def augment_geometry(
    clip: np.ndarray, pixels: np.ndarray, gripper: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Shift, zoom and mirror a clip [T, H, W, 3] as one; the places in it move along in place.

    No caption names left or right, so the mirrored world is as true as the first one.

    Args:
        clip: uint8 [T, H, W, 3].
        pixels: u, v and radius [T, N, 3], changed.
        gripper: u and v [T, 2], changed.
        rng: draws the changes.
    """
    size = clip.shape[1]
    zoom = 1.0 + rng.uniform(-MAX_ZOOM, MAX_ZOOM)
    mirror = -1.0 if rng.random() < 0.5 else 1.0
    middle = (size - 1) / 2
    shift = rng.uniform(-MAX_SHIFT_PX, MAX_SHIFT_PX, size=2)
    matrix = np.array(
        [
            [zoom * mirror, 0.0, middle - zoom * mirror * middle + shift[0]],
            [0.0, zoom, middle - zoom * middle + shift[1]],
        ]
    )
    for places in (pixels, gripper):
        places[..., 0] = matrix[0, 0] * places[..., 0] + matrix[0, 2]
        places[..., 1] = matrix[1, 1] * places[..., 1] + matrix[1, 2]
    pixels[..., 2] *= zoom
    return np.stack(
        [
            cv2.warpAffine(frame, matrix, (size, size), borderMode=cv2.BORDER_REPLICATE)
            for frame in clip
        ]
    )


def augment_colours(frames: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Vary brightness, contrast, white balance and noise of clips uint8 [B, T, H, W, 3].

    The white balance moves little: red must not become yellow.
    """
    levels = np.arange(256, dtype=np.float32)[:, None]
    # One noise picture, cut out at another place for each frame: drawing it anew takes too long.
    height, width = frames.shape[2:4]
    grain = rng.standard_normal((height + 64, width + 64, 3), dtype=np.float32)
    out = np.empty_like(frames)
    for clip, result in zip(frames, out, strict=True):
        gain = rng.uniform(0.75, 1.25) * rng.uniform(0.94, 1.06, 3)
        table = np.clip(levels * gain + rng.uniform(-18.0, 18.0), 0.0, 255.0).astype(np.uint8)
        noise = (grain * rng.uniform(0.0, 6.0)).astype(np.int16)
        for index, frame in enumerate(clip):
            toned = cv2.LUT(frame, table.reshape(1, 256, 3))
            top, left = rng.integers(0, 64, 2)
            patch = np.ascontiguousarray(noise[top : top + height, left : left + width])
            cv2.add(toned, patch, dst=result[index], dtype=cv2.CV_8U)
    return out


def check_rate(clip_fps: float) -> None:
    """Make sure that neighbouring frames of the data are neighbouring frames of a clip."""
    if clip_fps != FPS:
        raise ValueError(f'The data set has {FPS} frames a second, the model wants {clip_fps}')
