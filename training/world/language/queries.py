# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The questions that every clip can be asked, in several phrasings."""

from __future__ import annotations

import numpy as np

_SEEN: dict[str, tuple[str, ...]] = {
    'caption': (
        'Describe what happens in the video.',
        'What happens in the video?',
        'What does the robot do?',
        'What is going on?',
        'Describe the video.',
        'Caption the video.',
    ),
    'action': (
        'Which action leads from the first image to the last one?',
        'What did the robot do between the first and the last image?',
        'What action changes the first image into the last one?',
        'How does the robot get from the first image to the last one?',
        'Which action was done between the two images?',
    ),
    'state': (
        'What does the scene look like now?',
        'What is the state of the scene?',
        'Where are the things now?',
        'Describe the scene.',
        'Describe what is where at the end of the video.',
    ),
    'next': (
        'What will the robot do next?',
        'What happens next?',
        'Which action comes next?',
        'What is the next action?',
        'What is the robot about to do?',
    ),
}
_UNSEEN: dict[str, tuple[str, ...]] = {
    'caption': (
        'What event is portrayed?',
        'What activity does the machine perform in the video?',
        'Which event occurs in the video?',
    ),
    'action': (
        'Which operation transfers the first image to the last one?',
        'Identify the operation between the two images.',
        'What event occurred between the first and the last image?',
    ),
    'state': (
        'What is the current arrangement of the scene?',
        'Describe the current situation.',
        'What configuration does the scene have?',
    ),
    'next': (
        'What will the machine do subsequently?',
        'Predict the upcoming action.',
        'Which operation is forthcoming?',
    ),
}

QUERIES: dict[str, str] = {name: texts[0] for name, texts in _SEEN.items()}


def query_phrasings(name: str, *, unseen: bool = False) -> tuple[str, ...]:
    """Return the phrasings of a query of `QUERIES`, the canonical one first.

    Args:
        name: 'caption', 'action', 'state' or 'next'.
        unseen: Return those of the split 'paraphrase'.
    """
    return (_UNSEEN if unseen else _SEEN)[name]


def draw_query(name: str, rng: np.random.Generator, *, unseen: bool = False) -> str:
    """Draw a phrasing of a query; half of the seen ones drawn are canonical."""
    texts = query_phrasings(name, unseen=unseen)
    chance = float(rng.random())
    if not unseen:
        chance = max(0.0, 2 * chance - 1)
    return texts[int(chance * len(texts))]


phrasings = query_phrasings
