# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The training texts: every meaning by number, in all its phrasings."""

from __future__ import annotations

import itertools
from functools import cache

import numpy as np

from training.world import COLOURS, KINDS, PLACES, ObjectInfo
from training.world.language import all_captions, all_segments, paraphrases, state_caption


@cache
def captions() -> tuple[str, ...]:
    """Return the canonical caption of each meaning."""
    return tuple(all_captions())


@cache
def phrasings() -> tuple[tuple[str, ...], ...]:
    """Return for each meaning its canonical caption followed by its paraphrases."""
    return tuple(tuple(paraphrases(segment)) for segment in all_segments())


def draw_phrasing(meaning: int, rng: np.random.Generator) -> str:
    """Draw one of a meaning's phrasings."""
    options = phrasings()[meaning]
    return options[int(rng.integers(len(options)))]


def draw_state(rng: np.random.Generator) -> str:
    """Draw a state of the scene in words: two or three objects, their places, the drawer."""
    things = list(itertools.product(KINDS, COLOURS))
    chosen = rng.choice(len(things), size=int(rng.integers(2, 4)), replace=False)
    objects = [ObjectInfo(*things[index]) for index in chosen]
    places = [int(rng.integers(len(PLACES))) for _ in objects]
    return state_caption(objects, places, drawer_open=bool(rng.random() < 0.5))
