# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What is said about the world: every sentence reads back, and no unseen word is seen."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from dataclasses import fields, replace

import numpy as np
import pytest

from training.world.language.captions import (
    Facts,
    action_phrases,
    caption,
    draw_action_phrase,
    draw_phrasing,
    parse_caption,
    phrasings,
)
from training.world.language.distractors import distractors, hard_negatives
from training.world.language.filling import SEEN_TEMPLATES, UNSEEN_TEMPLATES
from training.world.language.meanings import all_segments, draw_segment, make, possible
from training.world.language.parsing import parse_exactly
from training.world.language.queries import QUERIES, draw_query, query_phrasings
from training.world.language.questions import QUESTION_KINDS, Question, questions
from training.world.language.states import draw_state, relations, state_text
from training.world.language.triplets import TRIPLET_KINDS, triplets
from training.world.language.vocabulary import combinations_of, unseen_in, words_of
from training.world.language.words import (
    COLOUR_WORDS,
    KIND_WORDS,
    PLACE_WORDS,
    UNSEEN_WORDS,
    words_in,
)
from training.world.splits import UNSEEN_ACTIONS, UNSEEN_OBJECTS, is_unseen, seen_objects
from training.world.symbols import (
    ACTIONS,
    COLOURS,
    FAILURES,
    FURNITURE,
    KINDS,
    TALL,
    ObjectInfo,
    Scene,
    Segment,
)

ALL = tuple(all_segments())
CUBE, BALL, CAN = ObjectInfo('cube', 'red'), ObjectInfo('ball', 'blue'), ObjectInfo('can', 'green')
SCENE = Scene(
    objects=(CUBE, BALL, CAN),
    places=('bowl', 'table', 'table'),
    supports=(-1, -1, -1),
    lying=(False, False, True),
    across=(0.2, 0.1, -0.1),
    furniture=('bowl', 'drawer'),
    drawer_open=False,
)


def _scene(rng: np.random.Generator, *, unseen: bool = False) -> Scene:
    """Draw a scene without regard to what can stand where."""
    pool = sorted(UNSEEN_OBJECTS, key=str) if unseen else seen_objects()
    count = int(rng.integers(2, 5))
    objects = tuple(pool[i] for i in rng.choice(len(pool), count, replace=False))
    pieces = tuple(rng.choice(FURNITURE, 2, replace=False).tolist())
    places: list[str] = []
    supports: list[int] = []
    for index in range(count):
        options = ['table', 'table', *pieces]
        options += ['gripper'] if 'gripper' not in places else []
        options += ['object'] if index and places[0] == 'table' else []
        places.append(options[int(rng.integers(len(options)))])
        supports.append(0 if places[-1] == 'object' else -1)
    return Scene(
        objects,
        tuple(places),
        tuple(supports),
        tuple(bool(item.kind in TALL and rng.random() < 0.3) for item in objects),
        tuple(rng.uniform(-0.2, 0.2, count).tolist()),
        pieces,
        bool(rng.random() < 0.5) if 'drawer' in pieces else None,
    )


def _language(*, unseen: bool) -> list[str]:
    """Return texts of every kind: all structures, all words, many mixtures."""
    rng = np.random.default_rng(7)
    some = [s for i, s in enumerate(ALL) if s.item is None or i % 5 == 0]
    texts = [text for segment in some for text in phrasings(segment, unseen=unseen)]
    texts += [draw_phrasing(segment, rng, unseen=unseen) for segment in ALL[::3]]
    texts += [phrase.text for phrase in action_phrases(unseen=unseen)]
    for segment in some:
        text = draw_action_phrase(segment, rng, unseen=unseen)
        texts += [text] if text else []
    for _ in range(1500):
        scene = _scene(rng)
        texts.append(draw_state(scene, rng, unseen=unseen))
        texts += [] if unseen else [state_text(scene)]
        texts += [question.text for question in questions(scene, rng, unseen=unseen)]
    for name in QUERIES:
        texts += query_phrasings(name, unseen=unseen)
    return texts


def _answers(*, unseen: bool) -> list[str]:
    rng = np.random.default_rng(8)
    asked = [q for _ in range(300) for q in questions(_scene(rng), rng, unseen=unseen)]
    return [text for question in asked for text in (question.answer, *question.candidates)]


# ---- captions -----------------------------------------------------------------------------------


def test_canonical_sentences_are_unique_and_read_back() -> None:
    captions = [caption(segment) for segment in ALL]
    assert len(set(captions)) == len(captions) > 20_000
    for segment, text in zip(ALL, captions, strict=True):
        assert parse_caption(text) == Facts.of(segment), text


@pytest.mark.parametrize('unseen', [False, True])
def test_every_phrasing_reads_back(unseen: bool) -> None:
    rng = np.random.default_rng(0)
    # Every meaning without a second object, a part of the many with one.
    some = [s for i, s in enumerate(ALL) if s.reference is None or i % 40 == 0]
    for segment in some:
        texts = phrasings(segment, unseen=unseen)
        assert len(set(texts)) == len(texts)
        assert unseen or texts[0] == caption(segment)
        for text in [*texts, draw_phrasing(segment, rng, unseen=unseen)]:
            assert parse_exactly(text) == Facts.of(segment), text


def test_there_are_many_structures() -> None:
    assert {key.removeprefix('failed ') for key in SEEN_TEMPLATES} >= set(ACTIONS)
    assert {f'failed {action}' for action in FAILURES} <= set(SEEN_TEMPLATES)
    assert set(SEEN_TEMPLATES) == set(UNSEEN_TEMPLATES)
    for key, templates in SEEN_TEMPLATES.items():
        assert len(set(templates)) >= 8
        assert len(set(UNSEEN_TEMPLATES[key]) - set(templates)) >= 5


def test_example_sentences() -> None:
    put = make('put in', CUBE, 'bowl')
    assert caption(put) == 'The robot puts the red cube into the bowl.'
    assert 'A red cube is placed in the bowl by the robot arm.' in phrasings(put)
    assert 'put red cube in bowl' in phrasings(put)
    failed = make('pick up', CUBE, success=False)
    assert caption(failed) == 'The robot tries to pick up the red cube, but it slips.'
    assert caption(make('push', CAN, 'closer')) == (
        'The robot pushes the green can towards the camera.'
    )
    assert caption(make('put left of', ObjectInfo('cube', 'orange'), reference=BALL)) == (
        'The robot puts the orange cube to the left of the blue ball.'
    )
    assert 'An orange cube is lifted by the robot.' in phrasings(
        make('pick up', ObjectInfo('cube', 'orange'))
    )


def test_other_sentences_are_read_as_well_as_possible() -> None:
    assert parse_caption('a cat') == Facts()
    facts = parse_caption('The arm slowly puts a red cube down in the blue-striped bowl')
    assert (facts.action, facts.kind, facts.colour, facts.target) == (
        'put in', 'cube', 'red', 'bowl',
    )  # fmt: skip
    assert parse_caption('it is quickly knocking the black bottle over').action == 'knock over'
    assert parse_caption('nothing happens at all').action == 'idle'
    assert not parse_caption('it tries hard to open the drawer').success


def test_action_phrases() -> None:
    phrases = action_phrases()
    assert len(phrases) >= 100
    for unseen in (False, True):
        texts = [phrase.text for phrase in action_phrases(unseen=unseen)]
        assert len(set(texts)) == len(texts) == len(phrases)
        for phrase, text in zip(phrases, texts, strict=True):
            facts = parse_exactly(text)
            assert facts is not None
            assert (facts.action, facts.kind, facts.colour) == (phrase.action, phrase.kind, None)
    assert {(phrase.action, phrase.kind) for phrase in phrases} >= UNSEEN_ACTIONS


# ---- words --------------------------------------------------------------------------------------


def test_no_seen_text_has_an_unseen_word() -> None:
    seen = words_of([*_language(unseen=False), *_answers(unseen=False), *QUERIES.values()])
    assert not seen & UNSEEN_WORDS
    new = words_of([*_language(unseen=True), *_answers(unseen=True)])
    assert new - seen == UNSEEN_WORDS


def test_every_text_of_paraphrase_has_an_unseen_word() -> None:
    for text in _language(unseen=True):
        assert UNSEEN_WORDS.intersection(words_in(text)), text


def test_words_name_one_concept_each() -> None:
    tables = (KIND_WORDS, COLOUR_WORDS, PLACE_WORDS)
    every = [word for table in tables for words in table.values() for word in words.seen]
    every += [word for table in tables for words in table.values() for word in words.unseen]
    assert len(set(every)) == len(every)
    assert set(KIND_WORDS) == set(KINDS)
    assert set(COLOUR_WORDS) == set(COLOURS)
    for words in (*KIND_WORDS.values(), *COLOUR_WORDS.values()):
        assert 2 <= len(words.seen) <= 4
    assert all(words.unseen for words in COLOUR_WORDS.values())


def test_most_words_drawn_are_canonical() -> None:
    rng = np.random.default_rng(1)
    texts = [draw_phrasing(make('pick up', CUBE), rng) for _ in range(1000)]
    canonical = np.mean(['red' in words_in(text) for text in texts])
    assert 0.6 < canonical < 0.9


def test_same_chance_same_texts() -> None:
    def draw() -> list[object]:
        rng = np.random.default_rng(3)
        segments = [draw_segment(rng) for _ in range(30)]
        scene = _scene(rng)
        return [
            [draw_phrasing(segment, rng) for segment in segments],
            [distractors(segment, scene, rng) for segment in segments],
            draw_state(scene, rng),
            questions(scene, rng),
            triplets(rng, 20),
            draw_query('state', rng),
        ]

    assert draw() == draw()


# ---- states -------------------------------------------------------------------------------------


def test_state_text() -> None:
    assert state_text(SCENE) == (
        'From left to right on the table are the green can and the blue ball. '
        'The red cube is in the bowl. The green can lies on its side. The drawer is closed.'
    )
    assert relations(SCENE) == (
        ('red cube', 'in', 'bowl'),
        ('blue ball', 'on', 'table'),
        ('green can', 'on', 'table'),
        ('green can', 'is', 'lying'),
        ('green can', 'left of', 'blue ball'),
        ('drawer', 'is', 'closed'),
    )


def test_state_does_not_depend_on_the_order_of_objects() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        scene = _scene(rng)
        order = rng.permutation(len(scene.objects)).tolist()
        turned = replace(
            scene,
            objects=tuple(scene.objects[i] for i in order),
            places=tuple(scene.places[i] for i in order),
            supports=tuple(
                order.index(scene.supports[i]) if scene.supports[i] >= 0 else -1 for i in order
            ),
            lying=tuple(scene.lying[i] for i in order),
            across=tuple(scene.across[i] for i in order),
        )
        assert state_text(turned) == state_text(scene)


def test_hidden_objects_are_not_mentioned() -> None:
    hidden = replace(SCENE, places=('drawer', 'table', 'table'))
    rng = np.random.default_rng(0)
    texts = [state_text(hidden), *(draw_state(hidden, rng) for _ in range(50))]
    assert not any({'cube', 'cubic'} & words_of([text]) for text in texts)
    assert ('red cube', 'in', 'drawer') not in relations(hidden)
    opened = replace(hidden, drawer_open=True)
    assert 'The red cube is in the drawer.' in state_text(opened)
    for _ in range(200):
        for question in questions(hidden, rng):
            words = words_of([question.text])
            assert question.kind == 'count' or not ({'red', 'scarlet'} & words and 'cube' in words)


@pytest.mark.parametrize('unseen', [False, True])
def test_drawn_states_name_the_same_objects(unseen: bool) -> None:
    rng = np.random.default_rng(2)
    for _ in range(500):
        scene = _scene(rng)
        canonical = combinations_of([state_text(scene)])
        assert combinations_of([draw_state(scene, rng, unseen=unseen)]) == canonical


# ---- questions ----------------------------------------------------------------------------------


def _asked(scene: Scene, kind: str, rng: np.random.Generator) -> list[Question]:
    drawn = (questions(scene, rng) for _ in range(150))
    return [question for asked in drawn for question in asked if question.kind == kind]


def test_answers_are_right() -> None:
    rng = np.random.default_rng(0)
    for question in _asked(SCENE, 'presence', rng):
        pairs = combinations_of([question.text])
        there = {(item.colour, item.kind) for item in SCENE.objects}
        assert len(pairs) == 1
        assert question.answer == ('yes' if pairs <= there else 'no')
        assert any(a == c or b == d for a, b in pairs for c, d in there)
    answers = {'cube': 'red', 'ball': 'blue', 'can': 'green'}
    for question in _asked(SCENE, 'colour', rng):
        kind = next(k for k in answers if set(words_in(' '.join(KIND_WORDS[k].seen)))
                    & set(words_in(question.text)))  # fmt: skip
        assert question.answer == answers[kind]
    assert {question.answer for question in _asked(SCENE, 'where', rng)} == {
        'in the bowl', 'on the table',
    }  # fmt: skip
    assert {question.answer for question in _asked(SCENE, 'drawer', rng)} == {'closed'}
    assert {question.answer for question in _asked(SCENE, 'held', rng)} == {'nothing'}
    holding = replace(SCENE, places=('gripper', 'table', 'table'), drawer_open=None)
    assert {question.answer for question in _asked(holding, 'held', rng)} == {'the red cube'}
    assert not _asked(holding, 'drawer', rng)


def test_counts_are_right() -> None:
    rng = np.random.default_rng(0)
    plurals = {'cube': 'cubes', 'ball': 'balls', 'can': 'cans', 'cubic': 'cubes', 'orb': 'balls'}
    for question in _asked(SCENE, 'count', rng):
        words = words_of([question.text])
        total = sum(
            bool({plurals[kind], *names} & words)
            for kind, names in (('cube', ['cubic']), ('ball', ['orbs']), ('can', []))
        )
        assert question.answer == question.candidates[total], question


def test_questions_are_well_formed_and_at_least_one() -> None:
    rng = np.random.default_rng(4)
    kinds = set()
    for index in range(2000):
        asked = questions(_scene(rng, unseen=index % 4 == 0), rng, unseen=index % 2 == 0)
        assert asked
        assert len({question.kind for question in asked}) == len(asked)
        for question in asked:
            kinds.add(question.kind)
            assert question.answer in question.candidates
            assert len(set(question.candidates)) == len(question.candidates) >= 2
            assert '{' not in question.text
    assert kinds == set(QUESTION_KINDS)


def test_the_text_of_a_question_tells_little() -> None:
    """A guesser that knows each text's structure and length is close to the majority."""
    rng = np.random.default_rng(5)
    found: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    for _ in range(6000):
        for question in questions(_scene(rng), rng):
            answer = question.answer
            if question.kind == 'held':
                answer = 'nothing' if answer == 'nothing' else 'something'
            text = question.text
            key = text if question.kind in ('drawer', 'held') else f'{text[:8]}{text.count(",")}'
            found[question.kind][key][answer] += 1
    limits = {'presence': 0.55, 'colour': 0.2, 'count': 0.33, 'where': 0.35, 'drawer': 0.6}
    for kind, limit in limits.items():
        best = sum(max(answers.values()) for answers in found[kind].values())
        assert best / sum(sum(answers.values()) for answers in found[kind].values()) < limit, kind


def test_training_questions_name_no_unseen_pair() -> None:
    rng = np.random.default_rng(6)
    for _ in range(1500):
        for question in questions(_scene(rng), rng):
            words, pairs = unseen_in([question.text, *question.candidates])
            assert not words
            assert not pairs, question


def test_queries() -> None:
    assert set(QUERIES) == {'caption', 'action', 'state', 'next'}
    rng = np.random.default_rng(0)
    for name, text in QUERIES.items():
        assert query_phrasings(name)[0] == text
        drawn = {draw_query(name, rng) for _ in range(200)}
        assert drawn == set(query_phrasings(name))


# ---- wrong answers ------------------------------------------------------------------------------


def _differences(first: Segment, second: Segment) -> set[str]:
    names = {f.name for f in fields(Segment)} - {'start_s', 'end_s'}
    found = {name for name in names if getattr(first, name) != getattr(second, name)}
    return {'target' if name == 'reference' else name for name in found}


def test_distractors_differ_in_one_fact() -> None:
    rng = np.random.default_rng(0)
    for index in range(4000):
        scene = _scene(rng)
        segment = draw_segment(rng, unseen=index % 3 == 0)
        others = distractors(segment, scene, rng)
        assert len({segment, *others}) == 4
        for other in others:
            assert possible(other), other
            assert is_unseen(segment) or not is_unseen(other)
            if segment.item is None:
                continue
            difference = _differences(segment, other)
            # Another verb takes other things with it; what is acted on stays.
            assert len(difference) == 1 or 'action' in difference
            if 'action' in difference:
                assert not difference & {'kind', 'colour'} or other.item is None


def test_distractors_prefer_the_scene_and_are_wrong() -> None:
    rng = np.random.default_rng(1)
    scene = replace(SCENE, places=('table', 'table', 'table'), furniture=('bowl', 'basket'))
    targets = Counter(
        other.target
        for _ in range(300)
        for other in distractors(make('put in', CUBE, 'bowl'), scene, rng)
        if other.action == 'put in' and other.target != 'bowl'
    )
    assert set(targets) == {'basket'}
    # The can is far left of the ball, so what is left of the ball may be right of the can.
    segment = make('put right of', CUBE, reference=CAN)
    others = [o for _ in range(300) for o in distractors(segment, scene, rng)]
    assert any(other.reference == BALL for other in others if other.action == 'put right of')
    segment = make('put left of', CUBE, reference=CAN)
    others = [o for _ in range(300) for o in distractors(segment, scene, rng)]
    assert not any(other.reference == BALL for other in others if other.action == 'put left of')


def test_hard_negatives_of_training_are_seen() -> None:
    rng = np.random.default_rng(2)
    for _ in range(2000):
        segment = draw_segment(rng)
        others = hard_negatives(segment, rng, 3)
        assert len({segment, *others}) == 4
        assert not any(is_unseen(other) for other in others)


def test_triplets() -> None:
    rng = np.random.default_rng(0)
    for unseen, triplet in itertools.chain(
        ((False, t) for t in triplets(rng, 700)),
        ((True, t) for t in triplets(rng, 350, unseen=True)),
    ):
        first, second, other = (
            parse_exactly(text)
            for text in (triplet.positive1, triplet.positive2, triplet.negative)
        )
        assert first == second != other
        assert first is not None
        assert other is not None
        assert triplet.positive1 != triplet.positive2
        if triplet.kind in ('colour', 'kind'):
            assert replace(other, **{triplet.kind: getattr(first, triplet.kind)}) == first
        if not unseen:
            texts = [triplet.positive1, triplet.positive2, triplet.negative]
            assert unseen_in(texts) == (set(), set())
    assert Counter(t.kind for t in triplets(rng, 70)) == dict.fromkeys(TRIPLET_KINDS, 10)


# ---- the vocabulary of manifests ----------------------------------------------------------------


def test_combinations_are_found() -> None:
    texts = ['The robot stacks the scarlet cup on the green can.', 'A ruby dice, seen']
    assert combinations_of(texts) == {
        ('red', 'cup'), ('green', 'can'), ('stack', 'cup'), ('red', 'cube'),
    }  # fmt: skip
    assert unseen_in(['The arm pushes a red can leftwards.', 'a mug']) == (
        {'mug'},
        {('red', 'can'), ('push', 'can')},
    )


def test_every_unseen_combination_is_found() -> None:
    rng = np.random.default_rng(3)
    named = [s for i, s in enumerate(ALL) if s.reference is None or i % 40 == 0]
    for segment in named:
        assert bool(unseen_in([draw_phrasing(segment, rng)])[1]) == is_unseen(segment), segment


def test_states_and_questions_name_no_action() -> None:
    rng = np.random.default_rng(4)
    for index in range(1500):
        scene, unseen = _scene(rng), index % 2 == 0
        texts = [state_text(scene), draw_state(scene, rng, unseen=unseen)]
        texts += [question.text for question in questions(scene, rng, unseen=unseen)]
        for text in texts:
            assert not {pair for pair in combinations_of([text]) if pair[0] in ACTIONS}, text
