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
from training.world.language.words import UNSEEN_WORDS
from training.world.splits import UNSEEN_ACTIONS, UNSEEN_OBJECTS

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


def test_no_shipped_model_has_seen_what_is_kept_for_the_tests():
    for path in MODELS.glob('*/training.json'):
        data = json.loads(path.read_text(encoding='utf-8'))['data']
        if 'world_version' not in data:
            continue  # trained on recordings
        assert data['split'] == 'train'
        assert data['objects']
        assert data['texts']['words']
        assert not forbidden(data)
        assert not forbidden(data['texts'])
