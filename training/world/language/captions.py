# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Sentences about what happens in a segment, canonical and in other phrasings."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from training.world.language.filling import (
    SEEN_TEMPLATES,
    UNSEEN_TEMPLATES,
    concepts,
    fill,
    template_key,
)
from training.world.language.labels import (
    ActionPhrase,
    action_phrase,
    action_phrases,
    draw_action_phrase,
)
from training.world.language.parsing import Facts, parse_caption
from training.world.symbols import Segment

__all__ = [
    'ActionPhrase', 'Facts', 'action_phrase', 'action_phrases', 'caption', 'draw_action_phrase',
    'draw_phrasing', 'parse_caption', 'phrase', 'phrasings',
]  # fmt: skip

CHANCES = 8  # numbers that choose a phrasing: structure, new or not, and up to six words


def caption(segment: Segment) -> str:
    """Return the canonical sentence, e.g. 'The robot puts the red cube into the bowl.'."""
    words = {slot: words.seen[0] for slot, words in concepts(segment)}
    return fill(SEEN_TEMPLATES[template_key(segment)][0], segment, words)


def phrase(segment: Segment, chances: Sequence[float], *, unseen: bool = False) -> str:
    """Return the phrasing that eight numbers in 0..1 choose.

    The first chooses the structure, so the same numbers say two meanings in one structure.
    """
    key, parts = template_key(segment), concepts(segment)
    words = {
        slot: options.choose(chance, unseen=unseen)
        for (slot, options), chance in zip(parts, chances[2:], strict=False)
    }
    if not unseen:
        templates = SEEN_TEMPLATES[key]
    elif chances[1] < 0.5 or not parts:
        templates = UNSEEN_TEMPLATES[key]
    else:
        # A seen structure: at least one word has to be new. Every colour has a new word.
        templates = SEEN_TEMPLATES[key]
        slot, options = parts[0]
        words[slot] = options.unseen[int(chances[2] * len(options.unseen))]
    return fill(templates[int(chances[0] * len(templates))], segment, words)


def draw_phrasing(segment: Segment, rng: np.random.Generator, *, unseen: bool = False) -> str:
    """Draw one of the ways to say what a segment shows.

    Args:
        segment: What happens.
        rng: The source of chance.
        unseen: Use words and structures of the split 'paraphrase'; each text has at least one
            word that no seen text has.
    """
    return phrase(segment, rng.random(CHANCES).tolist(), unseen=unseen)


def phrasings(segment: Segment, *, unseen: bool = False) -> list[str]:
    """Return ways to say what a segment shows, always in one order.

    The canonical sentence is first, then all structures with canonical words, then every other
    word once. `draw_phrasing` also mixes them.

    Args:
        segment: What happens.
        unseen: Return phrasings of the split 'paraphrase': new structures with new words, then
            the seen structures with new words.
    """
    key, parts = template_key(segment), concepts(segment)
    seen, new = SEEN_TEMPLATES[key], UNSEEN_TEMPLATES[key]
    templates = new if unseen else seen
    first = {slot: words.first(unseen=unseen) for slot, words in parts}
    texts = [fill(template, segment, first) for template in templates]
    turn = 0
    for slot, words in parts:
        for word in (words.unseen if unseen else words.seen)[1:]:
            turn += 1
            texts.append(fill(templates[turn % len(templates)], segment, first | {slot: word}))
    if unseen and parts:
        texts += [fill(template, segment, first) for template in seen]
    return list(dict.fromkeys(texts))
