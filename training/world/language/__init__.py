# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""All that is said about the world: captions, states, questions, and wrong answers.

It needs neither graphics nor geometry. Everything drawn takes a numpy Generator and depends on
nothing else. Here `questions`, `distractors` and `triplets` are the functions, not their modules.
"""

from training.world.language.captions import (
    ActionPhrase,
    Facts,
    action_phrase,
    action_phrases,
    caption,
    draw_action_phrase,
    draw_phrasing,
    parse_caption,
    phrasings,
)
from training.world.language.distractors import distractors, hard_negatives
from training.world.language.meanings import all_segments, draw_segment, possible
from training.world.language.queries import QUERIES, draw_query, query_phrasings
from training.world.language.questions import QUESTION_KINDS, Question, questions
from training.world.language.states import draw_state, relations, state_text
from training.world.language.triplets import TRIPLET_KINDS, Triplet, triplets
from training.world.language.vocabulary import combinations_of, unseen_in, words_of
from training.world.language.words import UNSEEN_WORDS

__all__ = [
    'QUERIES', 'QUESTION_KINDS', 'TRIPLET_KINDS', 'UNSEEN_WORDS', 'ActionPhrase', 'Facts',
    'Question', 'Triplet', 'action_phrase', 'action_phrases', 'all_segments', 'caption',
    'combinations_of', 'distractors', 'draw_action_phrase', 'draw_phrasing', 'draw_query',
    'draw_segment', 'draw_state', 'hard_negatives', 'parse_caption', 'phrasings', 'possible',
    'query_phrasings', 'questions', 'relations', 'state_text', 'triplets', 'unseen_in',
    'words_of',
]  # fmt: skip
