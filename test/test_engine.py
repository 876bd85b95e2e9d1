# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The Engine interface, on all backends of the CPU."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip('torch')
pytest.importorskip('tokenizers')
pytest.importorskip('onnxscript')

import torch  # noqa: E402
from untrained import TEXTS, build_untrained_checkpoint  # noqa: E402

import vljepa_ros  # noqa: E402
from vljepa_ros.errors import (  # noqa: E402
    CheckpointError,
    ConfigurationError,
    EngineError,
    ResourceNotFoundError,
)
from vljepa_ros.inference import COMPONENTS, Engine, load_engine  # noqa: E402
from vljepa_ros.model.checkpoint_folder import weights_file  # noqa: E402
from vljepa_ros.model.phrases import PHRASES_FILE, save_phrases  # noqa: E402

NEEDS_CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a CUDA device')
WITHOUT_CUDA = pytest.mark.skipif(torch.cuda.is_available(), reason='this machine has CUDA')


@pytest.fixture(scope='module')
def folder(checkpoint_with_graphs: Path) -> Path:
    return checkpoint_with_graphs


@pytest.fixture(scope='module', params=['torch', 'onnxruntime', 'openvino'])
def engine(folder: Path, request: pytest.FixtureRequest) -> Iterator[Engine]:
    pytest.importorskip(request.param)
    engine = load_engine(folder, backend=request.param, precision='fp32', device='cpu', threads=1)
    yield engine
    engine.close()


def load(folder: Path, **options: Any) -> Engine:
    """Load a checkpoint on the reference backend."""
    return load_engine(folder, backend='torch', device='cpu', **options)


@pytest.fixture(scope='module')
def clips(engine: Engine) -> np.ndarray:
    shape = (2, engine.config.clip_frames, engine.config.image_size, engine.config.image_size, 3)
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def assert_unit(vectors: np.ndarray, *shape: int) -> None:
    assert vectors.shape == shape
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=-1), 1.0, atol=1e-5)


def test_predict(engine: Engine, clips: np.ndarray) -> None:
    features = engine.encode(clips)
    assert len(features) == 2
    answers = engine.predict(features, ['caption', 'action', 'Is it red?'])
    assert_unit(answers, 2, 3, engine.config.embedding_dim)
    alone = engine.predict(engine.encode(clips[1:]), ['action'])
    np.testing.assert_allclose(alone[0, 0], answers[1, 1], atol=1e-5)


def test_embed_text(engine: Engine) -> None:
    assert_unit(engine.embed_text(TEXTS), len(TEXTS), engine.config.embedding_dim)


def test_decode(engine: Engine) -> None:
    decoded = engine.decode(engine.embed_text(TEXTS))
    assert len(decoded) == len(TEXTS)
    assert all(type(item.text) is str for item in decoded)
    assert all(type(item.score) is float and 0.0 <= item.score <= 1.0 for item in decoded)
    assert engine.decode(np.zeros((0, engine.config.embedding_dim), np.float32)) == []


def test_transition(engine: Engine) -> None:
    dim = engine.config.embedding_dim
    states, actions = engine.embed_text(TEXTS[:3]), engine.embed_text(TEXTS)
    after = engine.transition(states, actions)
    assert_unit(after, 3, len(TEXTS), dim)
    alone = engine.transition(states[1:2], actions[2:3])
    np.testing.assert_allclose(alone[0, 0], after[1, 2], atol=1e-5)
    assert engine.transition(states, actions[:0]).shape == (3, 0, dim)


def test_inverse(engine: Engine) -> None:
    states = engine.embed_text(TEXTS)
    actions = engine.inverse(states[:4], states[1:])
    assert_unit(actions, 4, engine.config.embedding_dim)
    np.testing.assert_allclose(engine.inverse(states[2:3], states[3:4])[0], actions[2], atol=1e-5)
    assert np.abs(engine.inverse(states[1:], states[:4]) - actions).max() > 1e-3


def test_wrong_planning_arguments(engine: Engine) -> None:
    right, wrong = np.zeros((2, 256), np.float32), np.zeros((2, 255), np.float32)
    calls: list[tuple[Callable[[], np.ndarray], str]] = [
        (lambda: engine.transition(wrong, right), r'states must have the shape \[N, 256\], not'),
        (lambda: engine.transition(right, right[0]), r'actions must .* not \[256\]'),
        (lambda: engine.inverse(wrong, right), r'initial must have the shape'),
        (lambda: engine.inverse(right, wrong), r'goal must have the shape'),
        (lambda: engine.inverse(right, right[:1]), 'the same length.* They have 2 and 1'),
    ]
    for call, message in calls:
        with pytest.raises(EngineError, match=message):
            call()


def test_checkpoint_without_planning_heads(folder: Path, tmp_path: Path) -> None:
    """The nodes load all components; that must not need what a checkpoint may lack."""
    copy = shutil.copytree(folder, tmp_path / 'copy')
    config = json.loads((copy / 'config.json').read_text())
    del config['transition'], config['inverse']
    (copy / 'config.json').write_text(json.dumps(config))
    engine = load(copy, components=COMPONENTS)
    states = engine.embed_text(TEXTS)
    with pytest.raises(EngineError, match="'tiny' has no 'transition'"):
        engine.transition(states, states)
    with pytest.raises(EngineError, match="'tiny' has no 'inverse'"):
        engine.inverse(states, states)


@pytest.fixture(scope='module')
def bank(folder: Path, engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    copy = shutil.copytree(folder, tmp_path_factory.mktemp('bank') / 'copy')
    save_phrases(copy, [*TEXTS, 'drückt 红'], engine.embed_text([*TEXTS, 'red']))
    return copy


class TestNearest:
    def test_finds_the_phrases(self, bank: Path, engine: Engine) -> None:
        other = load(bank, components=['y_decoder'])
        assert other.model_id == engine.model_id, 'a bank does not change the space'
        embeddings = engine.embed_text([*TEXTS[::-1], 'red'])
        found = other.nearest(embeddings)
        assert [item.text for item in found] == [*TEXTS[::-1], 'drückt 红']
        assert all(type(item.score) is float for item in found)
        assert [item.score for item in found] == pytest.approx([1.0] * 6, abs=2e-3)
        assert {item.score for item in other.nearest(-10.0 * embeddings)} <= {0.0}
        assert other.nearest(embeddings[:0]) == []

    def test_score_is_the_cosine(self, bank: Path, engine: Engine) -> None:
        phrases = engine.embed_text(TEXTS)
        query = engine.embed_text(['the robot pushes the drawer'])
        (found,) = load(bank, components=['y_decoder']).nearest(query)
        assert found.score == pytest.approx(float((query @ phrases.T).max()), abs=2e-3)

    def test_many(self, folder: Path, tmp_path: Path) -> None:
        copy = shutil.copytree(folder, tmp_path / 'copy')
        noise = np.random.default_rng(0).normal(size=(2000, 256))
        phrases = (noise / np.linalg.norm(noise, axis=1, keepdims=True)).astype(np.float32)
        save_phrases(copy, [f'phrase {index}' for index in range(2000)], phrases)
        engine = load(copy, components=['transition'])
        order = np.random.default_rng(1).permutation(2000)[:700]
        assert [item.text for item in engine.nearest(phrases[order])] == [
            f'phrase {index}' for index in order
        ]
        engine.close()
        with pytest.raises(EngineError, match='closed'):
            engine.nearest(phrases[:1])

    def test_no_bank(self, engine: Engine) -> None:
        with pytest.raises(
            CheckpointError, match=r'no phrase bank: phrases.safetensors is missin'
        ):
            engine.nearest(np.zeros((1, 256), np.float32))
        with pytest.raises(EngineError, match=r'shape \[N, 256\]'):
            engine.nearest(np.zeros((1, 3), np.float32))

    @pytest.mark.parametrize('content', [b'', b'PK\x03\x04' + bytes(500)])
    def test_damaged(self, folder: Path, tmp_path: Path, content: bytes) -> None:
        copy = shutil.copytree(folder, tmp_path / 'copy')
        (copy / PHRASES_FILE).write_bytes(content)
        with pytest.raises(CheckpointError, match='phrases.safetensors is damaged'):
            load(copy).nearest(np.zeros((1, 256), np.float32))

    def test_bank_of_other_weights(self, bank: Path, tmp_path: Path) -> None:
        other = build_untrained_checkpoint(tmp_path, seed=1)
        shutil.copy(bank / PHRASES_FILE, other)
        with pytest.raises(CheckpointError, match=r'belongs to the model tiny@\w+, not to tiny@'):
            load(other).nearest(np.zeros((1, 256), np.float32))

    @pytest.mark.parametrize(
        ('texts', 'shape', 'message'),
        [
            ([], (0, 256), 'got 0'),
            (['red', ' '], (2, 256), r"wrong are \[' '\]"),
            (['red\nblue'], (1, 256), 'one line each'),
            (['red\u2028blue'], (1, 256), 'one line each'),
            (['red'], (2, 256), r'shape \[1, 256\], not \[2, 256\]'),
            (['red'], (1, 255), r'shape \[1, 256\], not \[1, 255\]'),
            (['red'], (1, 256), 'unit vectors; their lengths are 16 to 16'),
        ],
    )
    def test_wrong_phrases(
        self, folder: Path, texts: list[str], shape: tuple[int, int], message: str
    ) -> None:
        with pytest.raises(ConfigurationError, match=message):
            save_phrases(folder, texts, np.ones(shape, np.float32))
        assert not (folder / PHRASES_FILE).exists()


def test_info(engine: Engine) -> None:
    assert (engine.info.device, engine.info.precision, engine.info.threads) == ('cpu', 'fp32', 1)


def test_memory_of_a_message_is_accepted(
    engine: Engine, clips: np.ndarray, recwarn: pytest.WarningsRecorder
) -> None:
    """Arrays over received bytes are read-only, and a flipped picture has negative strides."""
    received = np.frombuffer(clips.tobytes(), np.uint8).reshape(clips.shape)[..., ::-1]
    assert not received.flags.writeable
    features = engine.encode(received)
    expected = engine.encode(np.ascontiguousarray(clips[..., ::-1]))
    np.testing.assert_array_equal(np.asarray(features), np.asarray(expected))
    assert not recwarn.list


@pytest.mark.parametrize(
    'wrong',
    [
        np.zeros((1, 8, 128, 128, 3), np.float32),
        np.zeros((1, 8, 128, 128, 3), np.int8),
        np.zeros((8, 128, 128, 3), np.uint8),
        np.zeros((1, 4, 128, 128, 3), np.uint8),
        np.zeros((1, 8, 3, 128, 128), np.uint8),
        np.zeros((1, 8, 64, 64, 3), np.uint8),
        np.zeros((1, 8, 128, 128, 4), np.uint8),
        np.zeros((0, 8, 128, 128, 3), np.uint8),
        np.zeros((), np.uint8),
    ],
    ids=lambda array: f'{array.dtype}{list(array.shape)}',
)
def test_wrong_clips(engine: Engine, wrong: np.ndarray) -> None:
    with pytest.raises(EngineError, match=r'uint8 of shape \[B, 8, 128, 128, 3\]') as caught:
        engine.encode(wrong)
    assert f'not {wrong.dtype} {list(wrong.shape)}' in str(caught.value)


@pytest.mark.parametrize('shape', [(256,), (1, 255), (1, 1, 256)], ids=str)
def test_wrong_embeddings(engine: Engine, shape: tuple[int, ...]) -> None:
    with pytest.raises(EngineError, match=r'shape \[N, 256\], not'):
        engine.decode(np.zeros(shape, np.float32))


@pytest.mark.parametrize(
    ('texts', 'message'),
    [([], 'at least one'), ([''], 'empty'), (['red', ' '], 'empty'), (['red ' * 99], 'at most')],
)
def test_wrong_texts(engine: Engine, clips: np.ndarray, texts: list[str], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        engine.embed_text(texts)
    with pytest.raises(ConfigurationError, match=message):
        engine.predict(engine.encode(clips[:1]), texts)


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        ({'backend': 'tensorflow'}, r"Unknown backend 'tensorflow'; allowed are \['auto'"),
        ({'device': 'gpu'}, "Unknown device 'gpu'; allowed are 'auto', 'cpu'"),
        ({'device': ''}, "Unknown device ''"),
        ({'device': 'cuda:x'}, "Unknown device 'cuda:x'"),
        ({'device': 'mps'}, "Unknown device 'mps'"),
        ({'precision': 'fp8'}, r"Unknown precision 'fp8'; allowed are \['auto', 'fp32'"),
        (
            {'backend': 'torch', 'precision': 'bf16', 'device': 'cpu'},
            "'torch' does not run in precision 'bf16' on the CPU; there are onnxruntime fp32",
        ),
        ({'threads': -1}, 'threads is -1; allowed is 0'),
        ({'components': ['x_encoder', 'decoder']}, r"components are \['decoder', 'x_encoder'\]"),
        ({'components': []}, 'allowed are one or more of'),
        pytest.param({'device': 'cuda'}, 'no NVIDIA driver is installed', marks=WITHOUT_CUDA),
        pytest.param({'device': 'cuda:99'}, "no device 'cuda:99'", marks=NEEDS_CUDA),
    ],
    ids=str,
)
def test_wrong_arguments(folder: Path, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        load_engine(folder, **arguments)


def test_unknown_model(tmp_path: Path) -> None:
    with pytest.raises(ResourceNotFoundError, match='huge'):
        load_engine('huge')
    with pytest.raises(CheckpointError, match='no VL-JEPA checkpoint'):
        load_engine(tmp_path)


def test_model_id_is_the_same_whatever_is_loaded(folder: Path, engine: Engine) -> None:
    parts = [load(folder, components=[name]) for name in COMPONENTS]
    assert {part.model_id for part in parts} == {engine.model_id}
    with pytest.raises(EngineError, match="'predictor' is not loaded"):
        parts[2].predict(torch.zeros(1, 256, 192), ['caption'])


def test_text_alone_needs_no_video_weights_in_memory(folder: Path) -> None:
    engine = load(folder, components=['y_encoder'])
    assert_unit(engine.embed_text(['red']), 1, 256)
    with pytest.raises(EngineError, match="'x_encoder' is not loaded"):
        engine.encode(np.zeros((1, 8, 128, 128, 3), np.uint8))


def test_other_weights_have_another_id(engine: Engine, tmp_path: Path) -> None:
    other = load(build_untrained_checkpoint(tmp_path, seed=1))
    assert other.model_id.startswith('tiny@')
    assert other.model_id != engine.model_id


def test_damaged_weights_are_named(folder: Path, tmp_path: Path) -> None:
    build_untrained_checkpoint(tmp_path)
    (tmp_path / weights_file('y_decoder')).write_bytes(b'')
    with pytest.raises(CheckpointError, match='y_decoder.safetensors'):
        load(tmp_path)


def test_closed_engine(folder: Path) -> None:
    engine = load(folder, components=['y_encoder'])
    engine.close()
    engine.close()
    with pytest.raises(EngineError, match='closed'):
        engine.embed_text(['red'])


@NEEDS_CUDA
def test_cuda_equals_cpu(folder: Path, engine: Engine, clips: np.ndarray) -> None:
    cuda = load_engine(folder, backend='torch', device='cuda')
    expected = engine.predict(engine.encode(clips), ['caption', 'action'])
    answers = cuda.predict(cuda.encode(clips), ['caption', 'action'])
    np.testing.assert_allclose(answers, expected, atol=1e-3)
    np.testing.assert_allclose(cuda.embed_text(TEXTS), engine.embed_text(TEXTS), atol=1e-3)


WITHOUT_TORCH = """
import os, sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name == 'torch':
            print('torch looked for with', os.environ.get('OMP_WAIT_POLICY'))
            raise ImportError('refused')

sys.meta_path.insert(0, Refuse())
from vljepa_ros.errors import MissingDependencyError
from vljepa_ros.inference import load_engine
print('interface imported')
try:
    load_engine(sys.argv[1], backend='torch')
except MissingDependencyError as error:
    print(error)
"""


@pytest.mark.parametrize(('policy', 'expected'), [(None, 'PASSIVE'), ('ACTIVE', 'ACTIVE')])
def test_threads_wait_passively(folder: Path, policy: str | None, expected: str) -> None:
    """The OpenMP library reads the variable once, when torch loads it: it must be set before."""
    environment = {key: value for key, value in os.environ.items() if key != 'OMP_WAIT_POLICY'}
    environment['PYTHONPATH'] = os.pathsep.join(
        [str(Path(vljepa_ros.__file__).parent.parent), environment.get('PYTHONPATH', '')]
    )
    if policy:
        environment['OMP_WAIT_POLICY'] = policy
    ran = subprocess.run(
        [sys.executable, '-c', WITHOUT_TORCH, str(folder)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    lines = ran.stdout.splitlines()
    assert lines[:2] == ['interface imported', f'torch looked for with {expected}'], ran.stderr
    assert 'pip install' in lines[2]
