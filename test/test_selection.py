# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`backend: auto`: the fastest that is right, measured once, and said."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip('torch')
pytest.importorskip('onnxscript')
pytest.importorskip('onnxruntime')

from vljepa_ros.errors import EngineError, MissingDependencyError  # noqa: E402
from vljepa_ros.inference import load_engine  # noqa: E402
from vljepa_ros.inference.backend import Backend, EngineInfo  # noqa: E402
from vljepa_ros.inference.cache import write_atomically  # noqa: E402
from vljepa_ros.inference.graphs import graph_file  # noqa: E402
from vljepa_ros.inference.selection import Choice, choose, machine_key, measure  # noqa: E402
from vljepa_ros.inference.torch_backend import TorchBackend  # noqa: E402
from vljepa_ros.model.checkpoint_folder import load_config  # noqa: E402
from vljepa_ros.model.config import ModelConfig  # noqa: E402

A, B, C = Choice('a', 'fp32'), Choice('b', 'fp32'), Choice('c', 'bf16')


@pytest.fixture(scope='module')
def folder(checkpoint_with_graphs: Path) -> Path:
    return checkpoint_with_graphs


@pytest.fixture(scope='module')
def config(folder: Path) -> ModelConfig:
    return load_config(folder)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / 'cache'
    monkeypatch.setenv('VLJEPA_CACHE', str(path))
    return path


class Repeating(Backend):
    """Runs the model `times` over, and adds `wrong` to its answers."""

    def __init__(self, folder: Path, *, times: int, wrong: float = 0.0) -> None:
        self.info = EngineInfo('test', 'cpu', 'fp32', 1)
        self._inner = TorchBackend(folder, ('x_encoder', 'predictor'), device='cpu', threads=1)
        self._times, self._wrong = times, wrong
        self.closed = False

    def run(self, graph: str, *inputs: object) -> object:
        for _ in range(self._times):
            output = self._inner.run(graph, *inputs)
        if graph == 'x_encoder':
            return output
        answers = output.numpy() + self._wrong * np.random.default_rng(0).normal(size=output.shape)
        return answers / np.linalg.norm(answers, axis=-1, keepdims=True)

    def close(self) -> None:
        self.closed = True


class Loader:
    """Loads `Repeating` backends, and counts."""

    def __init__(self, folder: Path, **options: dict[str, float]) -> None:
        self.loaded: list[Repeating] = []
        self._folder, self._options = folder, options

    def __call__(self, choice: Choice, components: tuple[str, ...]) -> Backend:
        assert components == ('x_encoder', 'predictor')
        if choice.backend not in self._options:
            raise MissingDependencyError(f'{choice.backend} is not installed')
        options = self._options[choice.backend]
        self.loaded.append(
            Repeating(self._folder, times=int(options['times']), wrong=options.get('wrong', 0.0))
        )
        return self.loaded[-1]


def test_takes_the_fastest_and_remembers(folder: Path, config: ModelConfig, cache: Path) -> None:
    load = Loader(folder, a={'times': 6}, c={'times': 1})
    said: list[str] = []
    assert choose([A, B, C], load, config, key='k', say=said.append) == C
    assert len(load.loaded) == 2
    assert all(backend.closed for backend in load.loaded)
    assert 'Taken is c bf16' in said[0]
    assert said[1] == 'Left out: b fp32: b is not installed'
    assert choose([A, B, C], load, config, key='k', say=said.append) == C
    assert len(load.loaded) == 2, 'it was remembered'
    assert len(said) == 2
    assert choose([A, B], load, config, key='k', say=said.append) == A, 'c is not allowed now'
    assert choose([A, C], load, config, key='other', say=said.append) == C
    assert len(load.loaded) == 5
    (first, second) = cache.iterdir()
    assert {oct(path.stat().st_mode)[-3:] for path in (first, second)} == {'600'}


def test_a_wrong_answer_is_never_taken(folder: Path, config: ModelConfig) -> None:
    load = Loader(folder, a={'times': 6}, c={'times': 1, 'wrong': 1.0})
    assert choose([A, C], load, config, key='k', say=print) == A
    results, problems = measure([A, C], load, config)
    assert [result.choice for result in results] == [A, C]
    assert results[0].cosine == pytest.approx(1.0, abs=1e-5)
    assert results[1].cosine < 0.9
    assert results[1].milliseconds < results[0].milliseconds
    assert problems == []


def test_what_answers_differently_is_said(folder: Path, config: ModelConfig) -> None:
    said: list[str] = []
    load = Loader(folder, a={'times': 1}, c={'times': 1, 'wrong': 1.0})
    assert choose([A, C], load, config, key='k', say=said.append) == A
    assert said[1].startswith('Left out: c bf16: it answers differently, cosine 0.')


def test_answers_that_are_no_numbers(folder: Path, config: ModelConfig, cache: Path) -> None:
    """They are no reference either."""
    nan = float('nan')
    load = Loader(folder, a={'times': 1, 'wrong': nan}, b={'times': 1}, c={'times': 1})
    said: list[str] = []
    assert choose([A, B, C], load, config, key='k', say=said.append) in (B, C)
    assert said[1:] == ['Left out: a fp32: its answers are no numbers']
    with pytest.raises(EngineError, match='a fp32: its answers are no numbers'):
        choose([A], load, config, key='other', say=said.append)
    assert len([*cache.iterdir()]) == 1


@pytest.mark.parametrize(
    'content',
    ['', '{', '[]', '{"choice": {"backend": "z", "precision": "fp32"}}', '{"choice": 3}'],
)
def test_a_damaged_memory_is_made_anew(
    folder: Path, config: ModelConfig, cache: Path, content: str
) -> None:
    cache.mkdir()
    (cache / 'choice-k.json').write_text(content)
    assert choose([A], Loader(folder, a={'times': 1}), config, key='k', say=print) == A
    assert json.loads((cache / 'choice-k.json').read_text())['choice']['backend'] == 'a'


def test_a_folder_that_cannot_be_written(folder: Path, config: ModelConfig, cache: Path) -> None:
    cache.write_text('in the way')
    said: list[str] = []
    assert choose([A], Loader(folder, a={'times': 1}), config, key='k', say=said.append) == A
    assert 'measured at each start' in said[-1]
    with pytest.raises(OSError):
        write_atomically(cache / 'file', b'')


def test_nothing_loads(folder: Path, config: ModelConfig) -> None:
    with pytest.raises(EngineError, match='a fp32: a is not installed; b fp32: b is not'):
        choose([A, B], Loader(folder), config, key='k', say=print)


def test_key() -> None:
    key = machine_key('tiny@1', threads=2)
    assert key == machine_key('tiny@1', threads=2)
    others = [
        machine_key('tiny@2', threads=2),
        machine_key('tiny@1', threads=1),
        machine_key('tiny@1', threads=2, libraries=('numpy',)),
    ]
    assert len({key, *others}) == 4


@pytest.mark.skipif(sys.platform != 'linux', reason='reads the cores that it may use')
def test_auto(folder: Path, cache: Path) -> None:
    said: list[str] = []
    components = ('x_encoder', 'predictor')
    cores = os.sched_getaffinity(0)
    engine = load_engine(folder, device='cpu', components=components, say=said.append)
    assert engine.info.backend in ('onnxruntime', 'openvino')
    assert engine.info.threads == len(cores)
    assert f'Taken is {engine.info.backend} {engine.info.precision}' in said[0]
    assert [path.name.partition('-')[0] for path in cache.iterdir()] == ['choice']
    clips = np.zeros((1, 8, 128, 128, 3), np.uint8)
    reference = load_engine(folder, backend='torch', device='cpu', components=components)
    cosine = (
        engine.predict(engine.encode(clips), ['caption'])
        * reference.predict(reference.encode(clips), ['caption'])
    ).sum()
    assert cosine > 0.99


def test_auto_without_graphs_takes_torch(folder: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(folder, tmp_path / 'copy')
    (copy / graph_file('predictor', 'fp32')).unlink()
    said: list[str] = []
    engine = load_engine(copy, device='cpu', components=('predictor',), say=said.append)
    assert engine.info.backend == 'torch'
    assert said[0].startswith('PyTorch runs the model. No backend can run the model: onnxruntime')
    assert 'vljepa export' in said[0]
