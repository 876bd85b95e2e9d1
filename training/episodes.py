# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Many rendered episodes in memory: frames as JPEG, labels as flat arrays of numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property

import cv2
import numpy as np

from training.world.symbols import (
    ACTIONS,
    COLOURS,
    DIRECTIONS,
    FURNITURE,
    KINDS,
    PLACES,
    ObjectInfo,
    Scene,
    Segment,
)

MAX_FURNITURE = 2
TARGETS = ('table', *FURNITURE, *DIRECTIONS)
# The columns of `segment_facts` and the words that their numbers stand for; -1 is None.
FACTS: dict[str, Sequence[str]] = {
    'action': ACTIONS,
    'kind': KINDS,
    'colour': COLOURS,
    'target': TARGETS,
    'reference_kind': KINDS,
    'reference_colour': COLOURS,
    'success': ('no', 'yes'),
}


def encode_index(words: Sequence[str | None], known: Sequence[str], width: int) -> np.ndarray:
    """Return the places of words in a list as int8 [width], -1 for None and past the end."""
    numbers = [-1 if word is None else list(known).index(word) for word in words]
    return np.array(numbers + [-1] * (width - len(numbers)), np.int8)


def segment_facts(segment: Segment) -> np.ndarray:
    """Return the facts of a segment as int8 [7], see `FACTS`."""
    other = segment.reference
    values = (
        segment.action,
        segment.kind,
        segment.colour,
        segment.target,
        other.kind if other else None,
        other.colour if other else None,
        'yes' if segment.success else 'no',
    )
    pairs = zip(values, FACTS.values(), strict=True)
    return np.array([-1 if v is None else list(known).index(v) for v, known in pairs], np.int8)


@dataclass(frozen=True)
class Episodes:
    """Many episodes as flat arrays; F frames, E episodes, S segments in all.

    Attributes:
        jpeg: uint8, all encoded frames one after another.
        jpeg_end: int64 [F], where each ends.
        frame_end: int64 [E], index after each episode's last frame.
        segment_end: int64 [E], index after each episode's last segment.
        times_s: float32 [F], time within the episode.
        pixels: float32 [F, 4, 3], u, v and radius of each object in pixels, NaN where none.
        furniture_pixels: float32 [F, 2, 3], the same of the furniture.
        gripper: float32 [F, 2], u and v of the fingertips in pixels.
        drawer: float32 [F], 0 closed .. 1 open.
        places: int8 [F, 4], index into `PLACES`, -1 where there is no object.
        supports: int8 [F, 4], index of the object below, -1 if none.
        lying: bool [F, 4].
        across: float32 [F, 4], position along the picture's right direction in metres.
        kind: int8 [E, 4], index into `KINDS`, -1 where there is no object.
        colour: int8 [E, 4], index into `COLOURS`, -1 where there is no object.
        furniture: int8 [E, 2], index into `FURNITURE`, -1 where none.
        segment_start_s: float32 [S].
        segment_end_s: float32 [S].
        segment_facts: int8 [S, 7], see `FACTS`.
    """

    jpeg: np.ndarray
    jpeg_end: np.ndarray
    frame_end: np.ndarray
    segment_end: np.ndarray
    times_s: np.ndarray
    pixels: np.ndarray
    furniture_pixels: np.ndarray
    gripper: np.ndarray
    drawer: np.ndarray
    places: np.ndarray
    supports: np.ndarray
    lying: np.ndarray
    across: np.ndarray
    kind: np.ndarray
    colour: np.ndarray
    furniture: np.ndarray
    segment_start_s: np.ndarray
    segment_end_s: np.ndarray
    segment_facts: np.ndarray

    @classmethod
    def columns(cls) -> list[str]:
        """Return the names of the arrays."""
        return [field.name for field in fields(cls)]

    def __len__(self) -> int:
        """Return the number of episodes."""
        return len(self.frame_end)

    @cached_property
    def episode_of(self) -> np.ndarray:
        """The episode of each frame, int64 [F]."""
        return np.repeat(np.arange(len(self)), np.diff(self.frame_end, prepend=0))

    @cached_property
    def held(self) -> np.ndarray:
        """The object in the gripper at each frame, int64 [F], -1 if none."""
        in_gripper = self.places == PLACES.index('gripper')
        return np.where(in_gripper.any(1), in_gripper.argmax(1), -1)

    @cached_property
    def has_drawer(self) -> np.ndarray:
        """Whether each episode has a drawer, bool [E]."""
        return np.asarray((self.furniture == FURNITURE.index('drawer')).any(1))

    def frame(self, index: int) -> np.ndarray:
        """Decode one frame, RGB uint8 [H, W, 3]."""
        start = int(self.jpeg_end[index - 1]) if index else 0
        image = cv2.imdecode(self.jpeg[start : int(self.jpeg_end[index])], cv2.IMREAD_COLOR)
        assert image is not None
        return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB))

    def segment(self, index: int) -> Segment:
        """Return a segment in words."""
        facts = self.segment_facts[index].tolist()
        action, kind, colour, target, other_kind, other_colour, success = (
            None if number < 0 else known[number]
            for number, known in zip(facts, FACTS.values(), strict=True)
        )
        assert action is not None
        reference = None
        if other_kind is not None and other_colour is not None:
            reference = ObjectInfo(other_kind, other_colour)
        return Segment(
            float(self.segment_start_s[index]),
            float(self.segment_end_s[index]),
            action,
            kind,
            colour,
            target,
            reference,
            success != 'no',
        )

    def objects(self, episode: int) -> tuple[ObjectInfo, ...]:
        """Return the objects of an episode."""
        pairs = zip(self.kind[episode].tolist(), self.colour[episode].tolist(), strict=True)
        return tuple(
            ObjectInfo(KINDS[kind], COLOURS[colour]) for kind, colour in pairs if kind >= 0
        )

    def scene(self, frame: int) -> Scene:
        """Return what is true at a frame, in words."""
        episode = int(self.episode_of[frame])
        objects = self.objects(episode)
        count = len(objects)
        furniture = tuple(FURNITURE[n] for n in self.furniture[episode].tolist() if n >= 0)
        return Scene(
            objects=objects,
            places=tuple(PLACES[number] for number in self.places[frame, :count].tolist()),
            supports=tuple(self.supports[frame, :count].tolist()),
            lying=tuple(self.lying[frame, :count].tolist()),
            across=tuple(self.across[frame, :count].tolist()),
            furniture=furniture,
            drawer_open=bool(self.drawer[frame] > 0.5) if self.has_drawer[episode] else None,
        )
