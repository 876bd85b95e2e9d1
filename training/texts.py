# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The texts that the text-only stages learn from: what training shows, in all its words."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from training.clips import mirror_scene
from training.episodes import Episodes
from training.rewording import REWORDED_SHARE, draw_caption, reword_some
from training.world.language.captions import caption
from training.world.language.labels import draw_action_phrase
from training.world.language.meanings import draw_segment
from training.world.language.queries import query_phrasings
from training.world.language.questions import questions
from training.world.language.states import draw_state, state_text
from training.world.symbols import Scene
from vljepa_ros.model.presets import TINY_QUERIES

STATE_SHARE = 0.25
ANSWER_SHARE = 0.1


class SimulatorTexts:
    """Draws sentences for the Y-Decoder: actions of the seen language, scenes of the data."""

    def __init__(self, episodes: Episodes, *, reworded: float = REWORDED_SHARE) -> None:
        """Take the scenes of some episodes.

        Args:
            episodes: with the scenes.
            reworded: share of the sentences to embed that are said in further words.
        """
        self._episodes = episodes
        self._reworded = reworded

    def _scene(self, rng: np.random.Generator) -> Scene:
        scene = self._episodes.scene(int(rng.integers(len(self._episodes.times_s))))
        return mirror_scene(scene) if rng.random() < 0.5 else scene

    def draw(self, rng: np.random.Generator) -> tuple[str, str]:
        """Return a sentence to embed and the canonical sentence to write."""
        return self._draw(rng, self._reworded)

    def _draw(self, rng: np.random.Generator, reworded: float) -> tuple[str, str]:
        share = rng.random()
        if share < STATE_SHARE:
            scene = self._scene(rng)
            return reword_some(draw_state(scene, rng), rng, share=reworded), state_text(scene)
        if share < STATE_SHARE + ANSWER_SHARE:
            asked = questions(self._scene(rng), rng)
            answer = asked[int(rng.integers(len(asked)))].answer
            return reword_some(answer, rng, share=reworded), answer
        segment = draw_segment(rng)
        return draw_caption(segment, rng, share=reworded), caption(segment)

    def corpus(self, count: int, *, seed: int) -> Iterator[str]:
        """Yield `count` drawn sentences, their canonical forms, and every query."""
        rng = np.random.default_rng([seed, 4])
        for _ in range(count):
            yield from self._draw(rng, 0.0)
            yield draw_action_phrase(draw_segment(rng), rng) or ''
        for name in TINY_QUERIES:
            yield from query_phrasings(name)
