# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The tasks of the evaluation, on embeddings whose right answers are known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from training.evaluation.action_choice import candidate_texts, score_choices
from training.evaluation.action_items import (
    ActionItem,
    action_items,
    can_be_shown,
    different_fact,
    near_misses,
)
from training.evaluation.baselines import AnswerPrior, train_prior
from training.evaluation.captions import cider_scores, facts_of, score_captions, tokens
from training.evaluation.choices import most_central, nearest
from training.evaluation.classification import score_classification
from training.evaluation.items import TransitionItem
from training.evaluation.measured import by_frequency, majority_share
from training.evaluation.retrieval import draw_pools, ranks_in_pool, score_retrieval
from training.evaluation.triplets import are_right, score_triplets
from training.evaluation.vqa import score_vqa
from training.world.language import UNSEEN_WORDS, Triplet, caption, phrasings
from training.world.language.questions import Question
from training.world.splits import is_unseen
from training.world.symbols import ObjectInfo, Scene, Segment

PICK = Segment(1.0, 3.0, 'pick up', 'cube', 'red')
PUT = Segment(3.0, 5.0, 'put in', 'cube', 'red', 'bowl')
SCENE = Scene(
    objects=(ObjectInfo('cube', 'red'), ObjectInfo('cone', 'blue'), ObjectInfo('pear', 'green')),
    places=('table', 'table', 'bowl'),
    supports=(-1, -1, -1),
    lying=(False, False, False),
    across=(-0.1, 0.1, 0.2),
    furniture=('bowl', 'drawer'),
    drawer_open=False,
)


def unit(rng: np.random.Generator, *shape: int) -> np.ndarray:
    vectors = rng.normal(size=(*shape, 32))
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


# ---- classification -----------------------------------------------------------------------------


def test_classification_counts_the_nearest_label():
    labels = [('pick up', 'cube'), ('push', 'cube'), ('push', 'ball')]
    embeddings = unit(np.random.default_rng(0), 3)
    truth = [labels[0], labels[1], labels[2], labels[2]]
    measured = score_classification(
        'classification',
        embeddings[[0, 1, 2, 1]],  # the last one is taken for a cube
        truth,
        episodes=[0, 0, 1, 1],
        labels=labels,
        label_embeddings=embeddings,
        prior={labels[1]: 10.0},
    )
    scores = {name: score.value for name, score in measured.scores.items()}
    assert scores == {
        'classification': 0.75,
        'classification:chance': pytest.approx(1 / 3),
        'classification:majority': 0.5,
        'classification:blind': 0.25,
    }
    answers = ['pick up cube', 'push cube', 'push ball', 'push cube']
    assert measured.raw['classification']['answer'] == answers


def test_the_most_frequent_candidate_is_shared_among_ties():
    assert by_frequency(['a', 'b', 'c'], {'b': 2.0, 'a': 1.0}) == [0.0, 1.0, 0.0]
    assert by_frequency(['a', 'b'], {}) == [0.5, 0.5]
    assert majority_share(['x', 'x', 'y']) == pytest.approx(2 / 3)


# ---- retrieval ----------------------------------------------------------------------------------


def test_a_pool_has_one_clip_a_caption_and_the_wanted_size():
    captions = [f'caption {index % 40}' for index in range(100)]
    pools = draw_pools(captions, size=30)
    assert len(pools) == 5
    for pool in pools:
        assert len({captions[index] for index in pool}) == len(pool) == 30
    assert any(set(pool) != set(pools[0]) for pool in pools[1:])
    assert [pool.tolist() for pool in draw_pools(captions, size=30)] == [p.tolist() for p in pools]
    assert [len(pool) for pool in draw_pools(captions, size=300)] == [40]


def test_queried_clips_come_into_a_pool_first():
    captions = [f'caption {index // 2}' for index in range(100)]
    queried = [index % 2 == 1 and index < 20 for index in range(100)]
    for pool in draw_pools(captions, size=20, preferred=queried):
        assert set(range(1, 20, 2)) <= set(pool.tolist())


def test_ranks_count_the_better_clips_and_ties_against_the_model():
    clips = np.eye(3)
    assert ranks_in_pool(clips, clips).tolist() == [0, 0, 0]
    assert ranks_in_pool(clips[[1, 1, 2]], clips).tolist() == [2, 0, 0]
    assert ranks_in_pool(np.eye(3), np.ones((3, 3))).tolist() == [2, 2, 2]


def test_retrieval_scores_the_queried_clips_only():
    rng = np.random.default_rng(0)
    clips = unit(rng, 10)
    texts = clips.copy()
    texts[:4] = clips[4:8]  # four texts are nearer to another clip
    queried = [index < 8 for index in range(10)]
    pools = draw_pools([str(index) for index in range(10)], size=10)
    measured = score_retrieval(clips, texts, pools, episodes=range(10), queried=queried)
    assert measured.scores['retrieval_r1'].value == 0.5
    assert measured.scores['retrieval_r1'].samples == 8
    assert measured.scores['retrieval_r5:chance'].value == 0.5
    assert measured.scores['retrieval_r1:blind'].value == 0.1


# ---- questions ----------------------------------------------------------------------------------


def test_vqa_by_kind_and_a_blind_answer_by_the_text():
    yes_no = ('yes', 'no')
    questions = [
        Question('presence', 'Is there a red cube?', 'yes', yes_no),
        Question('presence', 'Is there a blue cube?', 'no', yes_no),
        Question('count', 'How many?', 'two', ('one', 'two', 'three')),
    ]
    rng = np.random.default_rng(0)
    candidates = [unit(rng, len(question.candidates)) for question in questions]
    predicted = np.stack([candidates[0][0], candidates[1][0], candidates[2][1]])
    prior = AnswerPrior()
    for question in (questions[0], questions[0], replace(questions[1], answer='yes')):
        prior.add(question)
    measured = score_vqa(predicted, questions, candidates, episodes=[0, 0, 1], prior=prior)
    scores = {name: score.value for name, score in measured.scores.items()}
    assert scores['vqa'] == pytest.approx(2 / 3)
    assert scores['vqa_presence'] == 0.5
    assert scores['vqa_count'] == 1.0
    assert scores['vqa:chance'] == pytest.approx((0.5 + 0.5 + 1 / 3) / 3)
    assert scores['vqa_presence:majority'] == 0.5
    assert scores['vqa_presence:blind'] == 0.5
    assert scores['vqa_count:blind'] == pytest.approx(1 / 3)  # never counted: all are equal
    assert measured.raw['vqa']['right'] == [1, 0, 1]
    predicted[:] = np.nan  # too long to be read: the first candidate would be 'yes'
    unread = score_vqa(predicted, questions, candidates, episodes=[0, 0, 1], prior=prior)
    assert unread.scores['vqa'].value == 0.0


def test_what_training_shows_holds_no_test_combination_and_no_test_word():
    prior = train_prior(20)
    assert prior.labels.total() == prior.captions.total() > 40
    for action, kind in prior.labels:
        assert not is_unseen(Segment(0.0, 1.0, action, kind, None))
    words = set(tokens(' '.join([*prior.captions, *prior.answers.texts])).split())
    assert not words & UNSEEN_WORDS
    unseen = set(tokens(' '.join(prior.unseen_answers.texts)).split())
    assert unseen & UNSEEN_WORDS


# ---- captions -----------------------------------------------------------------------------------


def test_tokens_are_lower_case_words_and_digits():
    assert tokens('The robot, at 3 o’clock,  PICKS-up it.') == 'the robot at 3 o clock picks up it'


def test_cider_prefers_the_right_text():
    pytest.importorskip('pycocoevalcap', reason='needs pycocoevalcap: make setup')
    segments = [
        PICK,
        PUT,
        replace(PICK, colour='blue'),
        Segment(0.0, 1.0, 'open', target='drawer'),
    ]
    references = [phrasings(segment) for segment in segments]
    right = cider_scores([caption(segment) for segment in segments], references)
    turned = cider_scores([caption(segment) for segment in segments[::-1]], references)
    assert (right > turned).all()
    alone = cider_scores(['a b c d', 'e f g h'], [['A b, c d!'], ['e f g h']])
    assert alone == pytest.approx([10.0, 10.0])  # a perfect match of a single reference


def test_facts_must_all_be_right():
    pytest.importorskip('pycocoevalcap', reason='needs pycocoevalcap: make setup')
    segments = [PUT, PUT, PUT, PUT]
    texts = [
        caption(PUT),
        phrasings(PUT)[-1],
        caption(replace(PUT, target='basket')),
        'nothing that one could read',
    ]
    measured = score_captions(
        texts, segments, episodes=[0, 1, 2, 3], unseen=False, prior={caption(PUT): 1.0}
    )
    assert measured.raw['facts']['right'] == [1, 1, 0, 0]
    assert measured.scores['facts'].value == 0.5
    assert measured.scores['facts:blind'].value == 1.0
    assert measured.scores['facts:chance'].value == 1.0
    assert facts_of(PUT) == ('put in', 'cube', 'red', 'bowl', None)


def test_the_nearest_decoder_has_names_of_its_own():
    pytest.importorskip('pycocoevalcap', reason='needs pycocoevalcap: make setup')
    measured = score_captions(
        [caption(PUT)], [PUT], episodes=[0], unseen=False, prior={}, decoder='_nearest'
    )
    assert set(measured.scores) == {'facts_nearest', 'cider_nearest'}


# ---- action inference ---------------------------------------------------------------------------


def test_the_nearest_candidate_is_chosen_whatever_their_number():
    rng = np.random.default_rng(0)
    candidates = [unit(rng, 4), unit(rng, 2)]
    predicted = np.stack([candidates[0][3], candidates[1][1]])
    assert nearest(predicted, candidates) == [3, 1]


def test_the_most_central_candidate_is_seen_without_a_picture():
    hub = np.array([[1.0, 1.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    hub /= np.linalg.norm(hub, axis=-1, keepdims=True)
    assert most_central([hub]) == [0]


@pytest.mark.parametrize(
    'segment',
    [
        PICK,
        PUT,
        Segment(0.0, 2.0, 'push', 'cone', 'blue', 'left'),
        Segment(0.0, 2.0, 'open', target='drawer'),
        Segment(0.0, 2.0, 'put left of', 'pear', 'green', reference=ObjectInfo('cone', 'blue')),
    ],
)
def test_near_misses_differ_from_the_truth_in_the_same_one_fact(segment):
    facts = set()
    for seed in range(12):
        found = near_misses(segment, SCENE, np.random.default_rng(seed), split='iid')
        assert found is not None
        fact, others = found
        facts.add(fact)
        assert len(set(others)) == 3
        assert {different_fact(segment, other) for other in others} == {fact}
        assert all(facts_of(other) != facts_of(segment) for other in others)
        assert all(can_be_shown(other, 'iid') for other in others)
    if segment.kind is not None:
        assert len(facts) > 1  # not always the same fact


def test_choices_are_drawn_the_same_every_time_and_the_truth_lies_anywhere():
    transitions = [TransitionItem(seed, PICK, SCENE) for seed in range(40)]
    items = action_items(transitions, limit=30, seed=0, split='iid')
    assert items == action_items(transitions, limit=30, seed=0, split='iid')
    assert items != action_items(transitions, limit=30, seed=1, split='iid')
    assert len({item.row for item in items}) == len(items) == 30
    assert {item.answer for item in items} == {0, 1, 2, 3}
    assert all(facts_of(item.candidates[item.answer]) == facts_of(PICK) for item in items)


def test_action_choice_with_its_baselines():
    candidates = (PICK, replace(PICK, colour='blue'), replace(PICK, colour='green'), PUT)
    items = [ActionItem(row, candidates, 0, 'colour') for row in range(4)]
    rng = np.random.default_rng(0)
    embeddings = [unit(rng, 4) for _ in items]
    predicted = np.stack([own[0] for own in embeddings[:3]] + [embeddings[3][2]])
    measured = score_choices(
        'action4_text',
        predicted,
        embeddings,
        items,
        episodes=[0, 1, 2, 3],
        prior={('pick up', 'cube'): 5.0},
    )
    scores = {name: score.value for name, score in measured.scores.items()}
    assert scores['action4_text'] == 0.75
    assert scores['action4_text:chance'] == 0.25
    assert scores['action4_text:blind'] == pytest.approx(1 / 3)  # three picks are equally likely
    assert measured.raw['action4_text']['chosen'][3] == caption(candidates[2])


def test_candidates_of_a_paraphrase_are_in_unseen_words():
    candidates = tuple(replace(PICK, colour=c) for c in ('red', 'blue', 'green', 'white'))
    items = [ActionItem(row, candidates, 0, 'colour') for row in range(5)]
    for row in candidate_texts(items, unseen=True):
        assert len(set(row)) == 4
        assert all(set(tokens(text).split()) & UNSEEN_WORDS for text in row)
    assert candidate_texts(items[:1], unseen=False)[0][0] == caption(PICK)


# ---- triplets -----------------------------------------------------------------------------------


def test_a_triplet_needs_both_comparisons():
    angles = np.deg2rad([[0.0, 10.0, 90.0], [0.0, 30.0, 50.0], [0.0, 40.0, -20.0]])
    embeddings = np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    assert are_right(embeddings).tolist() == [True, False, False]


def test_triplets_by_kind_and_by_words_in_common():
    triplets = [
        Triplet('a red cube', 'one red cube', 'the blue ball', 'colour'),
        Triplet('pick up the cube', 'lift it', 'pick up the ball', 'kind'),
    ]
    angles = np.deg2rad([[0.0, 10.0, 90.0], [0.0, 50.0, 20.0]])
    embeddings = np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    measured = score_triplets(embeddings, triplets)
    scores = {name: score.value for name, score in measured.scores.items()}
    assert scores['triplets'] == 0.5
    assert (scores['triplets_colour'], scores['triplets_kind']) == (1.0, 0.0)
    assert scores['triplets:blind'] == 0.5
    assert scores['triplets:chance'] == pytest.approx(1 / 3)
