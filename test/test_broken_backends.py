# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What is broken is left out and said where another backend may run, else it is a clear error."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip('torch')
pytest.importorskip('onnxscript')
pytest.importorskip('onnxruntime')

import onnx  # noqa: E402
from full_disk import files_of_at_most  # noqa: E402
from graph_inputs import least_cosine  # noqa: E402
from safetensors.numpy import load_file, save_file  # noqa: E402

import vljepa_ros.inference  # noqa: E402
from vljepa_ros.errors import CheckpointError, EngineError, VljepaError  # noqa: E402
from vljepa_ros.inference import Engine, load_engine  # noqa: E402
from vljepa_ros.inference.graphs import graph_file  # noqa: E402
from vljepa_ros.inference.torch_export import export_graphs  # noqa: E402
from vljepa_ros.model.checkpoint_folder import weights_file  # noqa: E402

CLIP = np.random.default_rng(0).integers(0, 256, (1, 8, 128, 128, 3), dtype=np.uint8)
COMPONENTS = ('x_encoder', 'predictor', 'y_encoder')


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / 'cache'
    monkeypatch.setenv('VLJEPA_CACHE', str(path))
    return path


@pytest.fixture
def folder(checkpoint_with_graphs: Path, tmp_path: Path) -> Path:
    return shutil.copytree(checkpoint_with_graphs, tmp_path / 'checkpoint')


def load(folder: Path, said: list[str] | None = None, **options: Any) -> Engine:
    """Load what gives and compares embeddings, on the processor."""
    options = {'components': COMPONENTS, 'device': 'cpu', 'threads': 1, **options}
    return load_engine(folder, say=(said if said is not None else []).append, **options)


def answers(engine: Engine) -> np.ndarray:
    return engine.predict(engine.encode(CLIP), ['caption'])[0]


def nonsense(path: Path) -> None:
    path.write_bytes(b'\x08\x0anonsense')


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def of_another_network(path: Path) -> None:
    shutil.copyfile(path.with_name(graph_file('inverse', 'fp32')), path)


def without_its_record(path: Path) -> None:
    graph = onnx.load(path, load_external_data=False)
    del graph.metadata_props[:]
    onnx.save(graph, path)


def of_weights_before(path: Path) -> None:
    """Train a little further: the graph loads as before."""
    weights = path.with_name(weights_file(path.name.partition('.')[0]))
    state = load_file(weights)
    save_file({name: value * np.float32(1.1) for name, value in state.items()}, weights)


@pytest.mark.parametrize('component', ['predictor', 'y_encoder'])
@pytest.mark.parametrize(
    ('damage', 'reason'),
    [
        (Path.unlink, 'has no graph'),
        (nonsense, 'cannot be loaded'),
        (cut, ''),
        (of_another_network, ''),
        (without_its_record, 'does not say that it belongs to those beside it'),
        (of_weights_before, 'was written for other weights than those beside it'),
    ],
    ids=['missing', 'nonsense', 'cut', 'another', 'unknown', 'stale'],
)
def test_a_broken_graph(
    folder: Path, component: str, damage: Callable[[Path], None], reason: str
) -> None:
    path = folder / graph_file(component, 'fp32')
    damage(path)
    with pytest.raises(CheckpointError) as error:
        load(folder, backend='onnxruntime', precision='fp32')
    assert all(part in str(error.value) for part in (path.name, reason, 'vljepa export'))
    said: list[str] = []
    engine = load(folder, said)
    assert engine.info.backend == 'torch'
    assert sum(path.name in sentence for sentence in said) == 1
    assert 'onnxruntime fp32' in said[-1]
    reference = load(folder, backend='torch')
    assert least_cosine(answers(engine), answers(reference)) > 0.9999
    if damage is of_weights_before:
        export_graphs(folder, components=(component,))
        assert load(folder, backend='onnxruntime', precision='fp32')


def test_a_graph_that_breaks_after_the_choice(folder: Path) -> None:
    """What was remembered does not hide it, and is not forgotten."""
    first = load(folder)
    nonsense(folder / graph_file('predictor', 'fp32'))
    said: list[str] = []
    assert load(folder, said).info.backend == 'torch'
    assert said[0].startswith('torch fp32 runs the model. Left out: ')
    assert len(said) == 1
    export_graphs(folder, components=('predictor',))
    said.clear()
    assert load(folder, said).info == first.info
    assert said == []


def fixed(path: Path, port: str, axis: int, size: int) -> None:
    """Let a graph take one size only."""
    graph = onnx.load(path, load_external_data=False)
    (found,) = [value for value in graph.graph.input if value.name == port]
    found.type.tensor_type.shape.dim[axis].dim_value = size
    onnx.save(graph, path)


def test_a_shape_that_a_graph_does_not_take(folder: Path) -> None:
    expected = answers(load(folder, backend='torch'))
    fixed(folder / graph_file('x_encoder', 'fp32'), 'clip_frames', 0, 1)
    engine = load(folder, backend='onnxruntime', precision='fp32')
    assert least_cosine(answers(engine), expected) > 0.9999
    with pytest.raises(EngineError, match=r'ONNX Runtime failed in x_encoder: .*clip_frames'):
        engine.encode(np.concatenate([CLIP, CLIP]))
    assert least_cosine(answers(engine), expected) > 0.9999
    for port in ('query_ids', 'query_mask'):
        fixed(folder / graph_file('predictor', 'fp32'), port, 1, 3)
    with pytest.raises(EngineError, match=r'ONNX Runtime failed in predictor: .*query_(ids|mask)'):
        answers(load(folder, backend='onnxruntime', precision='fp32'))
    said: list[str] = []
    engine = load(folder, said)
    assert 'onnxruntime fp32: ONNX Runtime failed in predictor' in said[0]
    assert least_cosine(answers(engine), expected) > 0.9999


LIBRARIES = {
    'missing': 'raise ModuleNotFoundError("No module named \'onnxruntime\'")',
    'broken': "raise ImportError('libonnxruntime.so.1: cannot open shared object file')",
    'other': "raise OSError('cannot allocate memory in static TLS block')",
    'empty': '',
}


@pytest.mark.parametrize('code', LIBRARIES.values(), ids=LIBRARIES)
def test_a_library_that_does_not_load(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    (tmp_path / 'first' / 'onnxruntime').mkdir(parents=True)
    (tmp_path / 'first' / 'onnxruntime' / '__init__.py').write_text(code)
    monkeypatch.syspath_prepend(tmp_path / 'first')
    for name in [*sys.modules]:
        if name.partition('.')[0] == 'onnxruntime' or name.endswith('.onnxruntime_backend'):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.delattr(vljepa_ros.inference, 'onnxruntime_backend', raising=False)
    with pytest.raises(VljepaError, match='(?i)onnxruntime.*[Ii]nstall'):
        load(folder, backend='onnxruntime', precision='fp32')
    said: list[str] = []
    engine = load(folder, said)
    assert engine.info.backend in ('openvino', 'torch')
    assert sum('onnxruntime fp32' in sentence for sentence in said) == 1
    assert answers(engine).shape == (1, 256)


def test_no_backend_at_all(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without PyTorch the error names the broken graph, too."""
    nonsense(folder / graph_file('y_encoder', 'fp32'))
    monkeypatch.setitem(sys.modules, 'vljepa_ros.inference.torch_backend', None)
    with pytest.raises(
        EngineError, match=r'(?s)No backend can run .*y_encoder\.fp32\.onnx.*torch'
    ):
        load(folder)


@pytest.mark.skipif(sys.platform != 'linux', reason='limits the size of files')
def test_a_full_disk(folder: Path, cache: Path) -> None:
    said: list[str] = []
    with files_of_at_most(16):
        engine = load(folder, said)
    assert 'cannot be remembered, it is measured at each start: ' in said[-1]
    assert 'Make room' in said[-1]
    assert [*cache.iterdir()] == []
    assert answers(engine).shape == (1, 256)


@pytest.mark.parametrize('backend', ['onnxruntime', 'torch'])
def test_what_is_no_number_is_no_answer(folder: Path, backend: str) -> None:
    weights = folder / weights_file('predictor')
    state = load_file(weights)
    save_file({name: value * np.float32('nan') for name, value in state.items()}, weights)
    if backend == 'onnxruntime':
        export_graphs(folder, components=('predictor',))
    with pytest.raises(EngineError, match=f'predictor gives no numbers on {backend} in fp32'):
        answers(load(folder, backend=backend, precision='fp32'))
