# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Four candidate actions for each pair of pictures: the true one and three near misses.

A distractor differs from the truth in exactly one fact. If each of the three differed in another
fact, the truth would be the one most like the others, and no picture would be needed to find it.
So where the world allows it all three differ in the same fact: then the four are alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import islice

import numpy as np

from training.evaluation.items import TransitionItem
from training.evaluation.test_set import WANTED_FROM
from training.world import Wanted, plan_episode
from training.world.language.distractors import distractors
from training.world.splits import is_unseen
from training.world.symbols import Scene, Segment
from vljepa_ros.errors import ConfigurationError

CANDIDATES = 4
# Distractors are drawn by chance; after so many draws most have turned up.
DRAWS = 12
ANY_SCENE = Scene((), (), (), (), (), (), None)


@dataclass(frozen=True)
class ActionItem:
    """One choice.

    Attributes:
        row: number of the transition among those that were observed.
        candidates: four segments, their times are of no meaning.
        answer: which of them is the truth.
        fact: what the distractors differ in; 'mixed' if not all in the same.
    """

    row: int
    candidates: tuple[Segment, ...]
    answer: int
    fact: str


def action_items(
    transitions: Sequence[TransitionItem], *, limit: int, seed: int, split: str
) -> list[ActionItem]:
    """Draw up to `limit` transitions, spread over the episodes, each with its candidates.

    Args:
        transitions: to draw from.
        limit: how many at most.
        seed: of the draw.
        split: in which all candidates can be shown.
    """
    rng = np.random.default_rng([seed, 4])
    order = rng.permutation(len(transitions))
    items: list[ActionItem] = []
    for row in order:
        item = transitions[row]
        found = near_misses(item.segment, item.scene, rng, split=split)
        if found is None:
            continue
        fact, others = found
        answer = int(rng.integers(CANDIDATES))
        candidates = list(others)
        candidates.insert(answer, item.segment)
        items.append(ActionItem(int(row), tuple(candidates), answer, fact))
        if len(items) == limit:
            break
    return items


def near_misses(
    segment: Segment, scene: Scene, rng: np.random.Generator, *, split: str
) -> tuple[str, list[Segment]] | None:
    """Draw three distractors and say in which fact they differ; None if there are no three."""
    by_fact: dict[str, dict[Segment, None]] = {}
    # What the scene holds comes first; where that is too little, anything the world can show.
    for given in [scene] * DRAWS + [ANY_SCENE] * DRAWS:
        for other in distractors(segment, given, rng):
            timeless = replace(other, start_s=0.0, end_s=0.0)
            by_fact.setdefault(different_fact(segment, other), {})[timeless] = None
    everything: list[Segment] = []
    for fact in rng.permutation(sorted(by_fact)):
        shown = (other for other in by_fact[fact] if can_be_shown(other, split))
        found = list(islice(shown, CANDIDATES - 1))
        if len(found) == CANDIDATES - 1:
            return str(fact), found
        everything += found
    if len(everything) < CANDIDATES - 1:
        return None
    chosen = rng.choice(len(everything), CANDIDATES - 1, replace=False)
    return 'mixed', [everything[index] for index in chosen]


def wanted_of(segment: Segment) -> Wanted:
    """Return what must be drawn so that an action is seen."""
    return Wanted(
        action=segment.action,
        kind=segment.kind,
        colour=segment.colour,
        target=segment.target,
        reference=segment.reference,
        success=segment.success,
    )


def split_for(segment: Segment, split: str) -> str:
    """Return the split in which a candidate is drawn.

    `composition` shows nothing but unseen combinations; its looks are those of `iid`.
    """
    return 'iid' if split == 'composition' and not is_unseen(segment) else split


@cache
def can_be_shown(segment: Segment, split: str) -> bool:
    """Tell whether the world has an episode with an action; the language allows a few more."""
    try:
        plan_episode(seed=WANTED_FROM, split=split_for(segment, split), wanted=wanted_of(segment))
    except ConfigurationError:
        return False
    return True


def different_fact(one: Segment, other: Segment) -> str:
    """Return the first fact in which two segments differ."""
    if one.action != other.action:
        return 'verb'
    if one.kind != other.kind:
        return 'object'
    if one.colour != other.colour:
        return 'colour'
    return 'target'
