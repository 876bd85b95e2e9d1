# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The data card says what the world is."""

from __future__ import annotations

from pathlib import Path

from training.data_card import card
from training.world.language.words import UNSEEN_WORDS, words_in
from training.world.splits import UNSEEN_ACTIONS, UNSEEN_OBJECTS

PAGE = Path(__file__).parents[1] / 'docs' / 'data_card.md'


def test_the_page_is_what_the_command_prints():
    assert PAGE.read_text(encoding='utf-8') == card()


def test_every_held_back_combination_and_noun_is_named():
    page = card()
    assert all(str(item) in page for item in UNSEEN_OBJECTS)
    assert all(f'{action} ({kind})' in page for action, kind in UNSEEN_ACTIONS)
    last_column = ' '.join(
        line.split('|')[4] for line in page.splitlines() if line.count('|') == 5
    )
    named = set(words_in(last_column)) & UNSEEN_WORDS
    assert {'crimson', 'mug', 'violet', 'basin'} <= named
