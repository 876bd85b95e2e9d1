# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Triplets of texts that test what a text encoder takes for the same."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from training.world.language.captions import CHANCES, phrase
from training.world.language.distractors import differ_in
from training.world.language.meanings import SIDES, draw_segment
from training.world.splits import is_unseen
from training.world.symbols import Segment

TRIPLET_KINDS = (
    'colour', 'kind', 'verb', 'target', 'left/right', 'in/out', 'open/close',
)  # fmt: skip


@dataclass(frozen=True)
class Triplet:
    """Two texts of one meaning, and one that differs in a single fact of the given kind."""

    positive1: str
    positive2: str
    negative: str
    kind: str


def _left_right(rng: np.random.Generator) -> tuple[Segment, Segment]:
    if rng.random() < 0.5:
        side = int(rng.integers(2))
        segment = draw_segment(rng, SIDES[side])
        return segment, replace(segment, action=SIDES[1 - side])
    segment = replace(draw_segment(rng, 'push'), target='left')
    other = replace(segment, target='right')
    return (segment, other) if rng.random() < 0.5 else (other, segment)


def _in_out(rng: np.random.Generator) -> tuple[Segment, Segment]:
    inside = replace(draw_segment(rng, 'put in'), success=True)
    outside = replace(inside, action='take out')
    return (inside, outside) if rng.random() < 0.5 else (outside, inside)


def _open_close(rng: np.random.Generator) -> tuple[Segment, Segment]:
    pair = [replace(draw_segment(rng, name), success=True) for name in ('open', 'close')]
    first = int(rng.integers(2))
    return pair[first], pair[1 - first]


_PAIRS = {'left/right': _left_right, 'in/out': _in_out, 'open/close': _open_close}


def _pair(kind: str, rng: np.random.Generator) -> tuple[Segment, Segment]:
    """Draw two meanings that differ in one fact."""
    if kind in _PAIRS:
        return _PAIRS[kind](rng)
    while True:
        segment = draw_segment(rng)
        if segment.item is not None and (other := differ_in(segment, kind, rng)) is not None:
            return segment, other


def triplets(rng: np.random.Generator, count: int, *, unseen: bool = False) -> list[Triplet]:
    """Draw triplets, each kind of `TRIPLET_KINDS` equally often.

    In half of them the negative has the structure and the other words of the first positive where
    its action has them too.

    Args:
        rng: The source of chance.
        count: How many.
        unseen: In words of the split 'paraphrase'.
    """
    found = []
    for index in range(count):
        kind = TRIPLET_KINDS[index % len(TRIPLET_KINDS)]
        while True:
            segment, other = _pair(kind, rng)
            if is_unseen(segment) or is_unseen(other):
                continue
            first, second, third = rng.random((3, CHANCES)).tolist()
            texts = (
                phrase(segment, first, unseen=unseen),
                phrase(segment, second, unseen=unseen),
                phrase(other, first if rng.random() < 0.5 else third, unseen=unseen),
            )
            if len(set(texts)) == 3:
                break
        found.append(Triplet(*texts, kind))
    return found
