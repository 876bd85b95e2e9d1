# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Candidates are ranked by their cosine to the predicted action (with an untrained model)."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip('torch')
pytest.importorskip('tokenizers')
pytest.importorskip('cv2')

from untrained import TEXTS, build_untrained_checkpoint  # noqa: E402

from vljepa_ros.errors import ConfigurationError, ImageError  # noqa: E402
from vljepa_ros.inference import Engine, load_engine  # noqa: E402
from vljepa_ros.world.action_inference import infer_action, transition_clip  # noqa: E402

COMPONENTS = ('x_encoder', 'predictor', 'y_encoder')
INITIAL = np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)
GOAL = np.random.default_rng(1).integers(0, 256, (200, 100, 3), dtype=np.uint8)


@pytest.fixture(scope='module')
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_untrained_checkpoint(tmp_path_factory.mktemp('checkpoint'))


@pytest.fixture(scope='module')
def engine(folder: Path) -> Iterator[Engine]:
    engine = load_engine(folder, device='cpu', components=COMPONENTS)
    yield engine
    engine.close()


def test_all_candidates_best_first(engine: Engine) -> None:
    ranked = infer_action(engine, INITIAL, GOAL, TEXTS)
    assert sorted(item.text for item in ranked) == sorted(TEXTS)
    scores = [item.score for item in ranked]
    assert all(type(score) is float and -1.0 <= score <= 1.0 for score in scores)
    assert scores == sorted(scores, reverse=True)
    assert scores[0] > scores[-1]


def test_score_is_the_cosine_to_the_answer_of_the_action_query(engine: Engine) -> None:
    config = engine.config
    clip = transition_clip(
        INITIAL, GOAL, clip_frames=config.clip_frames, image_size=config.image_size
    )
    (predicted,) = engine.predict(engine.encode(clip[None]), [config.queries['action']])[0]
    for item in infer_action(engine, INITIAL, GOAL, TEXTS):
        (embedding,) = engine.embed_text([item.text])
        assert item.score == pytest.approx(float(embedding @ predicted), abs=1e-5)


def test_order_of_the_candidates_makes_no_difference(engine: Engine) -> None:
    forwards = infer_action(engine, INITIAL, GOAL, TEXTS)
    backwards = infer_action(engine, INITIAL, GOAL, TEXTS[::-1])
    assert [item.text for item in forwards] == [item.text for item in backwards]


def test_initial_and_goal_are_not_the_same(engine: Engine) -> None:
    forwards = infer_action(engine, INITIAL, GOAL, TEXTS)
    backwards = {item.text: item.score for item in infer_action(engine, GOAL, INITIAL, TEXTS)}
    assert any(abs(item.score - backwards[item.text]) > 1e-6 for item in forwards)


def test_equal_candidates_all_stay(engine: Engine) -> None:
    ranked = infer_action(engine, INITIAL, GOAL, ['push it', 'push it'])
    assert [item.text for item in ranked] == ['push it', 'push it']


def test_one_candidate(engine: Engine) -> None:
    assert [item.text for item in infer_action(engine, INITIAL, GOAL, ['push it'])] == ['push it']


@pytest.mark.parametrize(
    ('candidates', 'message'),
    [
        ([], 'No candidate action'),
        (['push it', ''], 'empty'),
        (['push it', 'push it ' * 60], 'at most 64'),
    ],
)
def test_wrong_candidates(engine: Engine, candidates: list[str], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        infer_action(engine, INITIAL, GOAL, candidates)


@pytest.mark.parametrize('wrong', [INITIAL[..., 0], INITIAL.astype(np.float32), INITIAL[:0]])
def test_wrong_picture(engine: Engine, wrong: np.ndarray) -> None:
    for initial, goal in ((wrong, GOAL), (INITIAL, wrong)):
        with pytest.raises(ImageError, match='uint8'):
            infer_action(engine, initial, goal, TEXTS)


def test_model_without_an_action_query(folder: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(folder, tmp_path / 'copy')
    config = json.loads((copy / 'config.json').read_text())
    del config['queries']['action']
    (copy / 'config.json').write_text(json.dumps(config))
    with pytest.raises(ConfigurationError, match="no query 'action', only .*'caption'"):
        infer_action(load_engine(copy, components=COMPONENTS), INITIAL, GOAL, TEXTS)


@pytest.mark.parametrize(('clip_frames', 'first'), [(8, 4), (2, 1), (5, 3)])
def test_transition_clip(clip_frames: int, first: int) -> None:
    black, white = np.zeros((9, 5, 3), np.uint8), np.full((4, 30, 3), 255, np.uint8)
    clip = transition_clip(black, white, clip_frames=clip_frames, image_size=6)
    assert clip.shape == (clip_frames, 6, 6, 3)
    assert clip.dtype == np.uint8
    assert not clip[:first].any()
    assert (clip[first:] == 255).all()
