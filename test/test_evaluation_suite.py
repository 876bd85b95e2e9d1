# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`vljepa eval` as a whole: an untrained model on a few drawn episodes."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rendering import skip_without_graphics

from training.evaluation.results import Results
from training.world.splits import TEST_SPLITS
from vljepa_ros import cli
from vljepa_ros.errors import MissingDependencyError

pytest.importorskip('torch', reason='the evaluation needs PyTorch: make setup')
pytest.importorskip('pycocoevalcap', reason='needs pycocoevalcap: make setup')
if importlib.util.find_spec('mujoco') is None:
    pytest.skip('drawing needs MuJoCo: make setup', allow_module_level=True)

from evaluation_models import build_worldly_checkpoint  # noqa: E402 (needs torch)

from training.evaluation.dual_encoder import DualEncoder, answer_text  # noqa: E402
from training.evaluation.items import Request  # noqa: E402
from training.evaluation.observe import answer, embed_texts  # noqa: E402
from training.evaluation.suite import Sizes, Suite, add  # noqa: E402
from training.evaluation.test_set import Drawer  # noqa: E402
from vljepa_ros.inference import Engine, load_engine  # noqa: E402

METRICS = (
    'classification', 'retrieval_r1', 'retrieval_r5', 'vqa', 'anticipation', 'anticipation_early',
    'facts', 'cider', 'action4_clip', 'action4_text',
)  # fmt: skip


@pytest.fixture(scope='module')
def graphics() -> None:
    try:
        from training.world.renderer import shared_renderer

        shared_renderer(width=128, height=128, supersample=2)
    except MissingDependencyError as error:
        skip_without_graphics(error)


@pytest.fixture(scope='module')
def model(tmp_path_factory) -> Path:
    return build_worldly_checkpoint(tmp_path_factory.mktemp('model'))


@pytest.fixture(scope='module')
def engine(model) -> Iterator[Engine]:
    loaded = load_engine(model, threads=1)
    yield loaded
    loaded.close()


def test_answers_are_those_of_one_clip_and_one_query_at_a_time(engine):
    rng = np.random.default_rng(0)
    clips = rng.integers(0, 255, (19, 8, 128, 128, 3), dtype=np.uint8)
    requests = [
        Request(clip, ('caption', 'Is there a red cube?') if row % 3 else ('next',), ())
        for row, clip in enumerate(clips)
    ]
    found = [answers for _, answers in answer(engine, requests)]
    for request, answers in zip(requests[::6], found[::6], strict=True):
        features = engine.encode(request.clip[None])
        alone = [engine.predict(features, [query])[0, 0] for query in request.queries]
        assert answers == pytest.approx(np.stack(alone), abs=1e-4)


def test_a_question_that_is_too_long_has_no_answer_and_spoils_no_other(engine):
    clip = np.zeros((8, 128, 128, 3), np.uint8)
    long = 'Is there a red cube? ' * 40
    requests = [Request(clip, ('caption', long), ()), Request(clip, ('caption',), ())]
    (_, first), (_, second) = answer(engine, requests)
    assert np.isnan(first[1]).all()
    assert first[0] == pytest.approx(second[0], abs=1e-4)


def test_each_text_is_embedded_once(engine):
    texts = [f'the robot opens drawer {number % 70}' for number in range(140)]
    found = embed_texts(engine, texts)
    assert len(found) == 70
    assert found[texts[69]] == pytest.approx(engine.embed_text([texts[69]])[0], abs=1e-4)


def test_a_dual_encoder_has_one_embedding_a_clip(engine):
    dual = DualEncoder(engine)
    clips = np.random.default_rng(0).integers(0, 255, (2, 8, 128, 128, 3), dtype=np.uint8)
    answers = dual.predict(dual.encode(clips), ['caption', 'action', 'Is there a cube?'])
    assert answers.shape == (2, 3, engine.config.embedding_dim)
    assert (answers == answers[:, :1]).all()
    assert answer_text(dual, 'Is there a cube?', 'yes') == 'Is there a cube? yes'
    assert answer_text(engine, 'Is there a cube?', 'yes') == 'yes'


def measure(engine: Engine, folder: Path, *splits: str, world_seed: int = 0) -> Results:
    sizes = Sizes(episodes=2, choices=1, triplets=20, plans=5)
    results = Results(suite='eval', quick=True)
    with Drawer(1) as drawer:
        suite = Suite(sizes, drawer, world_seed=world_seed, folder=folder)
        suite.run(engine, list(splits), results, DualEncoder(engine))
    return results


@pytest.mark.render
@pytest.mark.slow
def test_every_task_is_measured_and_the_same_every_time(graphics, engine, tmp_path):
    results = measure(engine, tmp_path, 'iid', 'composition')
    for metric in METRICS:
        score = results.scores[f'{metric}.iid']
        assert score.interval is not None
        assert score.interval[0] <= score.value <= score.interval[1]
        assert f'{metric}.iid:chance' in results.scores
        assert f'{metric}.iid:majority' in results.scores
        assert f'{metric}.iid:blind' in results.scores
        if metric not in ('facts', 'cider'):  # a dual encoder writes nothing
            assert f'{metric}.iid:dual_encoder' in results.scores
    assert results.scores['triplets'].samples == 20
    assert 'vqa_presence.iid' in results.scores
    assert any('facts_nearest' in note for note in results.notes)  # it has no phrase bank
    for split in ('iid', 'composition'):
        shown = results.scores[f'classification.{split}'].samples
        assert 0 < shown == results.scores[f'facts.{split}'].samples
    again = measure(engine, tmp_path, 'iid')
    assert again.scores == {
        name: score for name, score in results.scores.items() if '.composition' not in name
    }
    assert again.raw == {
        name: rows for name, rows in results.raw.items() if '.composition' not in name
    }
    fresh = measure(engine, tmp_path, 'iid', world_seed=1)
    assert fresh.raw['facts.iid']['truth'] != results.raw['facts.iid']['truth']


@pytest.mark.render
@pytest.mark.slow
def test_what_a_checkpoint_cannot_be_asked_is_left_out_and_said(graphics, engine, tmp_path):
    class Captioner(DualEncoder):
        """Knows the query 'caption' alone."""

        def __init__(self) -> None:
            super().__init__(engine)
            self.config = replace(engine.config, queries={'caption': 'what happens'})

    results = Results(suite='eval', quick=True)
    sizes = Sizes(episodes=1, choices=1, triplets=5, plans=5)
    with Drawer(1) as drawer:
        Suite(sizes, drawer, folder=tmp_path).run(Captioner(), ['iid'], results)
    assert 'classification.iid' in results.scores
    asked = [name for name in results.scores if name.startswith(('anticipation', 'action4'))]
    assert not asked
    notes = '; '.join(results.notes)
    assert "anticipation, anticipation_early left out: the model has no query 'next'" in notes
    assert "action4_text, action4_clip left out: the model has no query 'action'" in notes


def test_scores_of_baseline_models_have_names_of_their_own():
    from training.evaluation.intervals import exact, rate_score
    from training.evaluation.measured import Measured

    measured = Measured({'vqa': exact(0.5), 'vqa:chance': exact(0.1)}, {'vqa': {'right': [1]}})
    results = Results(suite='eval', quick=True)
    add(results, measured, split='iid')
    add(results, measured, split='iid', baseline='dual_encoder')
    assert list(results.scores) == ['vqa.iid', 'vqa.iid:chance', 'vqa.iid:dual_encoder']
    assert list(results.raw) == ['vqa.iid']
    nothing = Measured({'facts': rate_score([], []), 'facts:chance': exact(0.1)})
    add(results, nothing, split='iid')
    assert not any(name.startswith('facts') for name in results.scores)
    assert results.notes == ['facts.iid: no sample']


# ---- the command --------------------------------------------------------------------------------


def test_the_options_are_explained(capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(['eval', '--help'])
    assert ended.value.code == 0
    text = capsys.readouterr().out
    for option in ('--json', '--quick', '--world-seed', '--manifest', '--dual-encoder', '--split'):
        assert option in text
    assert all(split in text for split in TEST_SPLITS)


@pytest.mark.parametrize(
    ('arguments', 'named'),
    [
        (['--model', '/no/model'], "No model '/no/model'"),
        (['--world-seed', '-1'], '--world-seed is -1'),
        (['--workers', '0'], '--workers 0'),
    ],
)
def test_mistakes_are_one_sentence_and_status_1(arguments, named, capsys):
    assert cli.main(['eval', *arguments]) == 1
    error = capsys.readouterr().err
    assert named in error
    assert len(error.splitlines()) == 1


def test_an_installed_package_without_the_source_tree_says_what_is_missing(tmp_path):
    installed = tmp_path / 'vljepa_ros'
    shutil.copytree(Path(cli.__file__).parent, installed)
    result = subprocess.run(
        [sys.executable, '-m', 'vljepa_ros.cli', 'eval', '--quick'],
        cwd=tmp_path,
        env={'PATH': '/usr/bin', 'PYTHONPATH': str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1
    assert 'needs the folder training/ of the source tree' in result.stderr
    assert 'scripts/run.py --test vljepa eval' in result.stderr


@pytest.mark.render
@pytest.mark.slow
def test_the_command_writes_the_results(graphics, model, tmp_path, monkeypatch, capsys):
    from training.evaluation import suite

    monkeypatch.setattr(suite, 'QUICK', Sizes(episodes=2, choices=1, triplets=10, plans=5))
    out = tmp_path / 'eval.json'
    arguments = ['--model', str(model), '--split', 'paraphrase', '--quick', '--workers', '1']
    arguments += ['--cache', str(tmp_path / 'cache'), '--json', str(out)]
    assert cli.main(['eval', *arguments]) == 0
    found = json.loads(out.read_text(encoding='utf-8'))
    assert found['quick'] is True
    assert found['seeds']['world_seed'] == 0
    assert found['seeds']['candidate_clips'] == [50_000, 50_003]
    assert found['settings']['splits'] == ['paraphrase']
    assert found['settings']['model'].startswith('tiny@')
    assert 'vqa.paraphrase' in found['metrics']
    assert 'mujoco' in found['versions']
    text = capsys.readouterr().out
    assert 'classification.paraphrase' in text
    assert 'note: dual_encoder: no checkpoint was given' in text
    again = ['--compare', str(out), '--world-seed', '1']
    assert cli.main(['eval', *arguments[:-2], *again]) == 0
    assert 'scores lie in the reported intervals' in capsys.readouterr().out
