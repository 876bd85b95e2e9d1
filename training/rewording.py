# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Says texts of the simulated world in further words, so that a text encoder learns many."""

from __future__ import annotations

import re

import numpy as np

from training.synonyms import LABELS, QUESTIONS, SENTENCES, WORDS
from training.world.language.captions import draw_phrasing
from training.world.language.filling import concepts, fill, template_key
from training.world.language.labels import draw_action_phrase
from training.world.language.words import KIND_WORDS, PLACE_WORDS, article, plural
from training.world.symbols import Segment

REWORDED_SHARE = 0.5  # of the texts of a training
WORD_SHARE = 0.5  # of the words in such a text that have others
_OTHERS = {**WORDS, **{plural(kind): tuple(map(plural, WORDS[kind])) for kind in KIND_WORDS}}
# With the article in front, which a word with another first letter may change.
_KNOWN = re.compile(rf'\b(?:(an?) )?({"|".join(_OTHERS)})\b', re.IGNORECASE)
_FIRST = {new: word for word, others in _OTHERS.items() for new in others}
_NEW = re.compile('|'.join(rf'\b{new}\b' for new in sorted(_FIRST, key=len, reverse=True)))


def restore(text: str) -> str:
    """Return a text with the canonical words, as far as words were replaced."""
    return _NEW.sub(lambda match: _FIRST[match.group()], text)


def reword(text: str, rng: np.random.Generator) -> str:
    """Return a text with some words replaced, one word by the same one throughout."""
    chosen: dict[str, str] = {}

    def other(match: re.Match[str]) -> str:
        before, word = match.group(1), match.group(2)
        key = word.lower()
        if key not in chosen:
            options = _OTHERS[key]
            keep = rng.random() >= WORD_SHARE
            chosen[key] = key if keep else options[int(rng.integers(len(options)))]
        if chosen[key] == key:
            return match.group(0)
        new = chosen[key]
        said = article(new) if before else new
        return said[0].upper() + said[1:] if match.group(0)[0].isupper() else said

    return _KNOWN.sub(other, text)


def reword_some(text: str, rng: np.random.Generator, *, share: float = REWORDED_SHARE) -> str:
    """Return a text, reworded in `share` of the cases."""
    return reword(text, rng) if rng.random() < share else text


def draw_caption(
    segment: Segment, rng: np.random.Generator, *, share: float = REWORDED_SHARE
) -> str:
    """Draw a way to say what a segment shows, `share` of them in further words."""
    if rng.random() >= share:
        return draw_phrasing(segment, rng)
    sentences = SENTENCES.get(template_key(segment), ())
    if not sentences or rng.random() < 0.5:
        return reword(draw_phrasing(segment, rng), rng)
    words = {slot: options.seen[0] for slot, options in concepts(segment)}
    sentence = sentences[int(rng.integers(len(sentences)))]
    return reword(fill(sentence, segment, words), rng)


def draw_label(
    segment: Segment, rng: np.random.Generator, *, share: float = REWORDED_SHARE
) -> str | None:
    """Draw a sentence about an action and a kind, as `draw_caption`; None for 'idle'."""
    plain = draw_action_phrase(segment, rng)
    if plain is None or rng.random() >= share:
        return plain
    if rng.random() < 0.5:
        return reword(plain, rng)
    thing = KIND_WORDS[segment.kind].seen[0] if segment.kind else '-'
    options = LABELS[segment.action]
    text = options[int(rng.integers(len(options)))].format(
        ao=article(thing),
        at=article(PLACE_WORDS['drawer'].seen[0]),
        s='left' if segment.action == 'put left of' else 'right',
    )
    return reword(text[0].upper() + text[1:] if text[-1] == '.' else text, rng)


def reword_question(text: str, rng: np.random.Generator, *, share: float = REWORDED_SHARE) -> str:
    """Return a question, in `share` of the cases in another form and further words."""
    if rng.random() >= share:
        return text
    for begin, end, others in QUESTIONS:
        if text.startswith(begin) and text.endswith(end) and rng.random() < 0.5:
            middle = reword(text[len(begin) : len(text) - len(end)], rng)
            asked = others[int(rng.integers(len(others)))].format(x=middle)
            return asked[0].upper() + asked[1:]
    return reword(text, rng)
