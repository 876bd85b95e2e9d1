# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which words and combinations texts name, for the manifests of data sets."""

from __future__ import annotations

import re
from collections.abc import Iterable

from training.world.language.meanings import kinds_of
from training.world.language.parsing import parse_caption, parse_exactly, read
from training.world.language.words import UNSEEN_WORDS, words_in
from training.world.splits import UNSEEN_ACTIONS, UNSEEN_OBJECTS

_CLAUSES = re.compile(r'[.,;:!?]')


def words_of(texts: Iterable[str]) -> set[str]:
    """Return the words of texts in lower case; hyphens and punctuation part words."""
    return {word for text in texts for word in words_in(text)}


def combinations_of(texts: Iterable[str]) -> set[tuple[str, str]]:
    """Return the pairs (colour, kind) and (action, kind) that texts name, in canonical words."""
    found: set[tuple[str, str]] = set()
    for text in texts:
        found.update((colour, kind) for kind, colour in read(text).objects if kind and colour)
        exact = parse_exactly(text)
        # Others clause by clause, or a verb would be taken for one about another clause's object.
        every = [exact] if exact else [parse_caption(part) for part in _CLAUSES.split(text)]
        for facts in every:
            if facts.action and facts.kind and facts.kind in kinds_of(facts.action):
                found.add((facts.action, facts.kind))
    return found


def unseen_in(texts: Iterable[str]) -> tuple[set[str], set[tuple[str, str]]]:
    """Return the words and the combinations in texts that training must not show."""
    texts = list(texts)
    forbidden = {(item.colour, item.kind) for item in UNSEEN_OBJECTS} | set(UNSEEN_ACTIONS)
    return words_of(texts) & UNSEEN_WORDS, combinations_of(texts) & forbidden
