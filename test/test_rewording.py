# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Further words of training: they say the same, and are no words of the tests."""

from __future__ import annotations

import numpy as np
import pytest

from training.rewording import (
    draw_caption,
    draw_label,
    restore,
    reword,
    reword_question,
    reword_some,
)
from training.synonyms import LABELS, QUESTIONS, SENTENCES, WORDS
from training.world.language.captions import draw_phrasing
from training.world.language.filling import SEEN_TEMPLATES
from training.world.language.labels import SEEN_LABELS
from training.world.language.meanings import all_segments
from training.world.language.parsing import parse_exactly, read
from training.world.language.vocabulary import unseen_in
from training.world.language.words import (
    COLOUR_WORDS,
    KIND_WORDS,
    PLACE_WORDS,
    UNSEEN_WORDS,
    words_in,
)

SEGMENTS = tuple(all_segments(unseen=False))[::40]


def test_no_table_holds_a_word_of_the_tests():
    texts = [
        text for table in (WORDS, SENTENCES, LABELS) for some in table.values() for text in some
    ]
    texts += [text for _, _, others in QUESTIONS for text in others]
    assert not {word for text in texts for word in words_in(text)} & UNSEEN_WORDS


def test_every_concept_has_further_words_and_every_action_sentences():
    concepts = {*KIND_WORDS, *COLOUR_WORDS, *PLACE_WORDS}
    assert concepts <= set(WORDS)
    assert set(SENTENCES) == set(SEEN_TEMPLATES)
    assert set(LABELS) == set(SEEN_LABELS)


def test_a_further_word_stands_for_one_concept():
    said = [new for others in WORDS.values() for new in others]
    assert len(said) == len(set(said))
    known = {word for table in (KIND_WORDS, COLOUR_WORDS, PLACE_WORDS)
             for words in table.values() for word in words.seen}  # fmt: skip
    assert not known & set(said)


def test_captions_and_labels_name_nothing_that_is_kept_for_the_tests():
    rng = np.random.default_rng(0)
    for segment in SEGMENTS:
        texts = [draw_caption(segment, rng), draw_label(segment, rng) or '']
        assert unseen_in([restore(text) for text in texts]) == (set(), set()), texts
        assert unseen_in(texts)[0] == set()


def test_reworded_texts_are_read_back_with_their_first_words():
    rng = np.random.default_rng(1)
    changed = 0
    for segment in SEGMENTS:
        text = draw_phrasing(segment, rng)
        said = reword(text, rng)
        changed += said != text
        assert restore(said) == said or said != text
        assert parse_exactly(_plain(restore(said))) == parse_exactly(_plain(restore(text)))
    assert changed > len(SEGMENTS) / 2


def _plain(text: str) -> str:
    """Return a text with the articles that its words ask for."""
    words = text.split(' ')
    for number, word in enumerate(words[:-1]):
        if word.lower() in ('a', 'an'):
            new = 'an' if words[number + 1][0] in 'aeiou' else 'a'
            words[number] = new.capitalize() if word[0].isupper() else new
    return ' '.join(words)


@pytest.mark.parametrize(
    ('text', 'allowed'),
    [
        ('An orange can is lifted.', {'An amber can', 'A carrot-coloured drink can'}),
        ('put red cube in bowl', {'put maroon brick in pot'}),
    ],
)
def test_words_are_replaced_with_their_article(text, allowed):
    rng = np.random.default_rng(2)
    said = {reword(text, rng) for _ in range(400)}
    for start in allowed:
        assert any(one.startswith(start) for one in said), start
    assert not any(one.startswith(('A amber', 'An carrot')) for one in said)


def test_one_word_is_replaced_by_one_other_throughout():
    rng = np.random.default_rng(3)
    for _ in range(100):
        said = reword('The red cup is left of the blue cup.', rng)
        first, last = said[4:].split(' is left of the ')
        assert first.split(' ', 1)[1] == last.rstrip('.').split(' ', 1)[1]


def test_questions_ask_the_same():
    rng = np.random.default_rng(4)
    for text in ('How many cups and boxes are there?', 'Is there an orange cup?'):
        said = {reword_question(text, rng) for _ in range(300)}
        assert len(said) > 5
        for one in said:
            assert one[-1] in '?.'
            assert 'cup' in {kind for kind, _ in read(restore(one)).objects}, one
    assert reword_question('Does it snow?', rng) == 'Does it snow?'


def test_about_half_of_the_texts_stay():
    rng = np.random.default_rng(5)
    text = 'The red cube is on the table. The blue ball is in the bowl.'
    kept = sum(reword_some(text, rng) == text for _ in range(400))
    assert 180 < kept < 260
