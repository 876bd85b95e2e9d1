# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which words and combinations the texts of a training used: all of them, drawn once more.

The texts of a step depend on the seed and the step alone, so they need not be kept to be known.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tqdm import tqdm

from training.decoder_training import DrawTexts, draw_sentences
from training.rewording import restore
from training.run_config import RunConfig
from training.sources import ClipSource
from training.trainer import draw
from training.world.language.vocabulary import combinations_of, words_of
from training.world.symbols import ACTIONS, COLOURS


def training_texts(
    config: RunConfig, *, source: ClipSource, sentences: DrawTexts
) -> Iterator[set[str]]:
    """Yield the different texts of each step of the joint training and of the decoder's.

    Args:
        config: of the run.
        source: the clips and their questions.
        sentences: draws the decoder's sentences.
    """
    joint = config.training
    for step in range(joint.steps):
        _, asked = draw(source, step, clips=joint.clips, seed=joint.seed)
        yield {text for _, pair in asked for text in (pair.query, pair.answer, *pair.negatives)}
    for step in range(config.decoder.steps):
        read, written = draw_sentences(sentences, step, config=config.decoder)
        yield {*read, *written}


def text_contents(
    config: RunConfig, *, source: ClipSource, sentences: DrawTexts
) -> dict[str, Any]:
    """Return what the texts name: words, objects as [kind, colour], actions as [action, kind]."""
    texts: set[str] = set()
    steps = training_texts(config, source=source, sentences=sentences)
    total = config.training.steps + config.decoder.steps
    for some in tqdm(steps, total=total, desc='texts', unit='step', dynamic_ncols=True):
        texts |= some
    read = {restore(text) for text in texts}
    pairs = combinations_of(tqdm(read, desc='read back', unit='text', dynamic_ncols=True))
    return {
        'different_texts': len(texts),
        'words': sorted(words_of(texts)),
        'objects': sorted([kind, colour] for colour, kind in pairs if colour in COLOURS),
        'actions': sorted([action, kind] for action, kind in pairs if action in ACTIONS),
    }
