# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which colours, kinds and actions the training data shows together, and which it never does.

That a data set holds no yellow star does not tell that a yellow thing is no star. A model that is
told "not a star" of every yellow thing learns just that: it takes a yellow star for a yellow pear.
So what never occurs together is no negative of each other: not in what a token or a clip shows,
and not between a clip and the captions, labels and colours that are said of it. (As the adjustment
of logits by the prior of each class, arXiv 2007.07314, where the prior is zero.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from training.concepts import UNNAMED, Concepts
from training.episodes import FACTS, Episodes
from training.world.symbols import ACTIONS, COLOURS, KINDS

_COLUMNS = [list(FACTS).index(name) for name in ('action', 'kind', 'colour')]


@dataclass(frozen=True)
class Pairings:
    """What occurs together.

    Attributes:
        kind_colour: bool [kinds, colours], True where an object of that kind has that colour.
        action_kind: bool [actions, kinds], True where something is done with that kind, or where
            an action has no object at all.
    """

    kind_colour: np.ndarray
    action_kind: np.ndarray

    @classmethod
    def of(cls, episodes: Episodes) -> Pairings:
        """Look through episodes."""
        kind_colour = np.zeros((len(KINDS), len(COLOURS)), bool)
        there = episodes.kind >= 0
        kind_colour[episodes.kind[there], episodes.colour[there]] = True
        action_kind = np.zeros((len(ACTIONS), len(KINDS)), bool)
        action, kind, _ = episodes.segment_facts[:, _COLUMNS].T
        action_kind[action[kind >= 0], kind[kind >= 0]] = True
        # What is done without an object, such as nothing at all, goes with none for good reason.
        action_kind[~action_kind.any(axis=1)] = True
        return cls(kind_colour, action_kind)

    @cached_property
    def _padded(self) -> tuple[np.ndarray, np.ndarray]:
        """Both tables; where nothing is said, their last row or column, all True, is read."""
        return (
            np.pad(self.kind_colour, (0, 1), constant_values=True),
            np.pad(self.action_kind, (0, 1), constant_values=True),
        )

    def untold(self, shown: Sequence[Concepts], said: Sequence[Concepts]) -> np.ndarray:
        """Tell which texts the data cannot call wrong.

        It never shows what they say together with what is there; or they say the same but for the
        colour, which only one side names.

        Args:
            shown: what each of P clips shows.
            said: what each of M texts says.

        Returns:
            bool [P, M].
        """
        colours, actions = self._padded
        there = _columns(shown)[:, :, None]
        text = _columns(said)[:, None, :]
        (action, kind, colour), (named_action, named_kind, named_colour) = there, text
        tells = (
            colours[named_kind, colour]
            & colours[kind, named_colour]
            & actions[named_action, kind]
            & actions[action, named_kind]
        )
        alike = (action == named_action) & (kind == named_kind) & (kind != UNNAMED)
        return ~tells | (alike & ((colour == UNNAMED) | (named_colour == UNNAMED)))


def _columns(concepts: Sequence[Concepts]) -> np.ndarray:
    rows = [(each.action, each.kind, each.colour) for each in concepts]
    return np.array(rows, np.int64).reshape(-1, 3).T
