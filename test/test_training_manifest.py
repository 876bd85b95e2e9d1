# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""No stage of a training sees a word or a combination that is kept for the tests."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip('torch', reason='training needs PyTorch: make setup')

from training.decoder_training import DecoderConfig
from training.run_config import DataConfig, RunConfig, SimulatorData
from training.sources import QueryAnswer
from training.text_manifest import text_contents
from training.trainer import TrainingConfig
from training.world.language.words import COLOUR_WORDS, KIND_WORDS, UNSEEN_WORDS, words_in
from training.world.splits import UNSEEN_ACTIONS, UNSEEN_OBJECTS, seen_objects
from training.world.symbols import WORLD_VERSION

MODELS = Path(__file__).parents[1] / 'models'


def forbidden(contents: dict) -> set:
    """Return what a manifest names of the words and combinations kept for the tests."""
    unseen_objects = {(item.kind, item.colour) for item in UNSEEN_OBJECTS}
    found: set = set(contents.get('words', ())) & UNSEEN_WORDS
    found |= {tuple(pair) for pair in contents['objects']} & unseen_objects
    found |= {tuple(pair) for pair in contents['actions']} & UNSEEN_ACTIONS
    return found


class Two:
    """Two clips with given answers."""

    fingerprint = 'two'

    def __init__(self, *answers: str) -> None:
        self._answers = answers

    def __len__(self) -> int:
        return len(self._answers)

    def pairs(self, index: int, rng: np.random.Generator) -> list[QueryAnswer]:
        return [QueryAnswer('What happens?', self._answers[index], 'x', ('a wrong answer',))]


def contents(*answers: str, sentence: str = 'The robot opens the drawer.') -> dict:
    config = RunConfig(
        DataConfig(simulator=SimulatorData()),
        training=TrainingConfig(steps=2, clips=2),
        decoder=DecoderConfig(steps=2, texts=2),
    )
    source = Two(*answers)
    return text_contents(config, source=source, sentences=lambda rng: (sentence, sentence))  # type: ignore[arg-type]


def test_the_manifest_of_texts_names_all_that_was_said():
    named = contents('The robot pushes the red cube.', 'A blue ball is on the table.')
    assert {'what', 'wrong', 'pushes', 'drawer'} <= set(named['words'])
    assert ['cube', 'red'] in named['objects']
    assert ['ball', 'blue'] in named['objects']
    assert named['actions'] == [['push', 'cube']]
    assert named['different_texts'] == 5
    assert not forbidden(named)


@pytest.mark.parametrize(
    ('answer', 'found'),
    [
        ('The robot lifts the crimson cone.', 'crimson'),
        ('The robot picks up the red ring.', ('ring', 'red')),
        ('The robot pushes the black pear to the left.', ('push', 'pear')),
    ],
)
def test_what_is_kept_for_the_tests_would_be_found(answer, found):
    assert found in forbidden(contents(answer, 'nothing'))
    assert found in forbidden(contents('nothing', 'nothing', sentence=answer))


def test_the_questions_of_calibration_say_nothing_that_is_kept_for_the_tests():
    from vljepa_ros.inference.torch_calibration import CALIBRATION_QUESTIONS

    for question in CALIBRATION_QUESTIONS:
        assert not forbidden(contents(question, 'nothing')), question


def test_no_shipped_model_has_seen_what_is_kept_for_the_tests():
    cards = sorted(MODELS.glob('*/card.md'))
    assert cards
    for card in cards:
        told = json.loads((card.parent / 'training.json').read_text(encoding='utf-8'))
        while told is not None:  # and what it went on from, to the first
            if told['settings']['data'].get('simulator') is not None:
                check_training_data(told['data'])
            told = told.get('before')


def check_training_data(data: dict) -> None:
    """Fail unless `training.json` names what training saw, and nothing that it must not see."""
    assert data['world_version'] == WORLD_VERSION
    assert data['split'] == 'train'
    texts = data['texts']
    assert texts['different_texts'] > 1000
    # Whoever names everything names every word for an object that training may use, and no other.
    spoken = set(texts['words'])
    for word in (
        words.seen[0] for table in (KIND_WORDS, COLOUR_WORDS) for words in table.values()
    ):
        assert set(words_in(word)) <= spoken, word
    shown = {tuple(pair) for pair in data['objects']}
    assert shown <= {(item.kind, item.colour) for item in seen_objects()}
    assert shown <= {tuple(pair) for pair in texts['objects']}, 'shown and never named'
    assert {tuple(pair) for pair in data['actions']} <= {tuple(pair) for pair in texts['actions']}
    assert not forbidden(data)
    assert not forbidden(texts)


def world_2_data() -> dict:
    """Return what `training.json` tells of a whole training."""
    tables = (KIND_WORDS, COLOUR_WORDS)
    words = {w for table in tables for own in table.values() for w in words_in(own.seen[0])}
    objects = [[item.kind, item.colour] for item in seen_objects()]
    return {
        'world_version': WORLD_VERSION,
        'split': 'train',
        'objects': objects,
        'actions': [['push', 'cube']],
        'texts': {
            'different_texts': 5000,
            'words': sorted(words | {'the', 'robot'}),
            'objects': objects,
            'actions': [['push', 'cube'], ['pick up', 'cube']],
        },
    }


def test_training_data_is_checked_part_by_part():
    check_training_data(world_2_data())
    unseen = next(iter(UNSEEN_OBJECTS))
    broken: list[tuple[str, object]] = [
        ('world_version', 1),
        ('split', 'iid'),
        ('objects', [[unseen.kind, unseen.colour]]),
        ('actions', [['pour', 'cup']]),  # never named
    ]
    texts: list[tuple[str, object]] = [
        ('different_texts', 5),
        ('words', ['crimson', *world_2_data()['texts']['words']]),
        ('words', ['the', 'robot']),
        ('objects', []),
        ('actions', [['push', 'cube'], ['push', 'pear']]),
    ]
    for key, value in broken:
        with pytest.raises(AssertionError):
            check_training_data(world_2_data() | {key: value})
    for key, value in texts:
        data = world_2_data()
        data['texts'][key] = value
        with pytest.raises(AssertionError):
            check_training_data(data)
