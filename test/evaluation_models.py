# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""An untrained checkpoint that reads the words of the simulated world in few tokens."""

from __future__ import annotations

from pathlib import Path

import pytest
import untrained


def build_worldly_checkpoint(folder: Path) -> Path:
    """Write an untrained checkpoint whose tokenizers know the world's words."""
    import numpy as np

    from training.world.language import action_phrases, all_segments, phrasings
    from training.world.language.questions import questions
    from training.world.language.words import (
        COLOUR_WORDS,
        DIRECTION_WORDS,
        KIND_WORDS,
        PLACE_WORDS,
        plural,
    )
    from training.world.splits import seen_objects
    from training.world.symbols import Scene

    tables = (COLOUR_WORDS, DIRECTION_WORDS, KIND_WORDS, PLACE_WORDS)
    words = [word for table in tables for own in table.values() for word in own.seen + own.unseen]
    texts = [*words, *(plural(word) for word in words)]
    by_action = {(one.action, one.success): one for one in all_segments()}
    for unseen in (False, True):
        texts += [phrase.text for phrase in action_phrases(unseen=unseen)]
        for segment in by_action.values():
            texts += phrasings(segment, unseen=unseen)
        rng = np.random.default_rng(0)
        objects = tuple(seen_objects()[:3])
        scene = Scene(
            objects, ('table',) * 3, (-1,) * 3, (False,) * 3, (0.0,) * 3, ('drawer',), False
        )
        texts += [asked.text for _ in range(60) for asked in questions(scene, rng, unseen=unseen)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(untrained, 'TEXTS', (*untrained.TEXTS, *texts))
        return untrained.build_untrained_checkpoint(folder)
