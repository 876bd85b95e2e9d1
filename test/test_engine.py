# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The Engine interface, by its reference backend on the CPU."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip('torch')
pytest.importorskip('tokenizers')

import torch  # noqa: E402
from untrained import TEXTS, build_untrained_checkpoint  # noqa: E402

import vljepa_ros  # noqa: E402
from vljepa_ros.errors import (  # noqa: E402
    CheckpointError,
    ConfigurationError,
    EngineError,
    ResourceNotFoundError,
)
from vljepa_ros.inference import ALL_COMPONENTS, Engine, load_engine  # noqa: E402
from vljepa_ros.model.checkpoint import weights_file  # noqa: E402

NEEDS_CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a CUDA device')
WITHOUT_CUDA = pytest.mark.skipif(torch.cuda.is_available(), reason='this machine has CUDA')


@pytest.fixture(scope='module')
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_untrained_checkpoint(tmp_path_factory.mktemp('checkpoint'))


@pytest.fixture(scope='module')
def engine(folder: Path) -> Iterator[Engine]:
    engine = load_engine(folder, device='cpu')
    yield engine
    engine.close()


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


def test_info(engine: Engine) -> None:
    assert (engine.info.backend, engine.info.device, engine.info.precision) == (
        'torch',
        'cpu',
        'fp32',
    )
    assert engine.info.threads >= 1


def test_memory_of_a_message_is_accepted(
    engine: Engine, clips: np.ndarray, recwarn: pytest.WarningsRecorder
) -> None:
    """Arrays over received bytes are read-only, and a flipped picture has negative strides."""
    received = np.frombuffer(clips.tobytes(), np.uint8).reshape(clips.shape)[..., ::-1]
    assert not received.flags.writeable
    features = engine.encode(received)
    expected = engine.encode(np.ascontiguousarray(clips[..., ::-1]))
    assert torch.equal(features, expected)
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
        ({'device': 'mps'}, "'mps' is not supported; allowed are"),
        ({'threads': -1}, 'threads is -1; allowed is 0'),
        ({'components': ['x_encoder', 'decoder']}, r"components are \['decoder', 'x_encoder'\]"),
        ({'components': []}, 'allowed are one or more of'),
        pytest.param({'device': 'cuda'}, 'sees no CUDA device', marks=WITHOUT_CUDA),
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
    parts = [load_engine(folder, device='cpu', components=[name]) for name in ALL_COMPONENTS]
    assert {part.model_id for part in parts} == {engine.model_id}
    with pytest.raises(EngineError, match="'predictor' is not loaded"):
        parts[2].predict(torch.zeros(1, 256, 192), ['caption'])


def test_text_alone_needs_no_video_weights_in_memory(folder: Path) -> None:
    engine = load_engine(folder, device='cpu', components=['y_encoder'])
    assert_unit(engine.embed_text(['red']), 1, 256)
    with pytest.raises(EngineError, match="'x_encoder' is not loaded"):
        engine.encode(np.zeros((1, 8, 128, 128, 3), np.uint8))


def test_other_weights_have_another_id(engine: Engine, tmp_path: Path) -> None:
    other = load_engine(build_untrained_checkpoint(tmp_path, seed=1), device='cpu')
    assert other.model_id.startswith('tiny@')
    assert other.model_id != engine.model_id


def test_damaged_weights_are_named(folder: Path, tmp_path: Path) -> None:
    build_untrained_checkpoint(tmp_path)
    (tmp_path / weights_file('y_decoder')).write_bytes(b'')
    with pytest.raises(CheckpointError, match='y_decoder.safetensors'):
        load_engine(tmp_path, device='cpu')


def test_closed_engine(folder: Path) -> None:
    engine = load_engine(folder, device='cpu', components=['y_encoder'])
    engine.close()
    engine.close()
    with pytest.raises(EngineError, match='closed'):
        engine.embed_text(['red'])


@NEEDS_CUDA
def test_cuda_equals_cpu(folder: Path, engine: Engine, clips: np.ndarray) -> None:
    cuda = load_engine(folder, device='cuda')
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
    load_engine(sys.argv[1])
except MissingDependencyError as error:
    print(error)
"""


@pytest.mark.parametrize(('policy', 'expected'), [(None, 'PASSIVE'), ('ACTIVE', 'ACTIVE')])
def test_threads_wait_passively(tmp_path: Path, policy: str | None, expected: str) -> None:
    """The OpenMP library reads the variable once, when torch loads it: it must be set before."""
    environment = {key: value for key, value in os.environ.items() if key != 'OMP_WAIT_POLICY'}
    environment['PYTHONPATH'] = os.pathsep.join(
        [str(Path(vljepa_ros.__file__).parent.parent), environment.get('PYTHONPATH', '')]
    )
    if policy:
        environment['OMP_WAIT_POLICY'] = policy
    ran = subprocess.run(
        [sys.executable, '-c', WITHOUT_TORCH, str(tmp_path)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    lines = ran.stdout.splitlines()
    assert lines[:2] == ['interface imported', f'torch looked for with {expected}'], ran.stderr
    assert 'pip install' in lines[2]
