# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Engines are really built here: `tensorrt_rtx` does so for a GPU that is not there."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip('torch')
pytest.importorskip('onnxscript')
pytest.importorskip('tensorrt_rtx', reason='pip install tensorrt-rtx')

import tensorrt_rtx  # noqa: E402
from onnx import TensorProto, checker, helper, save  # noqa: E402
from tensorrt_checkpoint import with_half_precision  # noqa: E402

from vljepa_ros.errors import CheckpointError, EngineError  # noqa: E402
from vljepa_ros.inference.cuda_driver import cuda_driver  # noqa: E402
from vljepa_ros.inference.graphs import GraphSpec, Port, graph_file, graph_spec  # noqa: E402
from vljepa_ros.inference.tensorrt import build  # noqa: E402
from vljepa_ros.inference.tensorrt.build import build_plan  # noqa: E402
from vljepa_ros.inference.tensorrt.library import Library, load_library  # noqa: E402
from vljepa_ros.inference.tensorrt.progress import BuildProgress, PhaseTree  # noqa: E402
from vljepa_ros.inference.tensorrt.ranges import (  # noqa: E402
    Range,
    dynamic_ranges,
    port_shapes,
)
from vljepa_ros.model.checkpoint_folder import load_config, weights_file  # noqa: E402
from vljepa_ros.model.components import COMPONENTS  # noqa: E402
from vljepa_ros.model.presets import paper_config, tiny_config  # noqa: E402

ADA = (8, 9)
PLAN_MAGIC = b'vtrt'  # of tensorrt_rtx
NUMPY = {'FLOAT': 'float32', 'UINT8': 'uint8', 'INT64': 'int64', 'BOOL': 'bool'}
WORDS = GraphSpec(
    'words', (Port('x', 'float32', ('texts', 4)),), Port('y', 'float32', ('texts', 4))
)
FEW = {'texts': Range(1, 2, 4)}


@pytest.fixture(scope='module')
def library() -> Library:
    return load_library(['tensorrt_rtx'])


@pytest.fixture(scope='module')
def folder(checkpoint_with_graphs: Path) -> Path:
    return with_half_precision(checkpoint_with_graphs)


def write_graph(path: Path, operator: str, **attributes: Any) -> Path:
    """Write a graph of one operator."""
    shape = ['texts', 4]
    graph = helper.make_graph(
        [helper.make_node(operator, ['x'], ['y'], **attributes)],
        'words',
        [helper.make_tensor_value_info('x', TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info('y', TensorProto.FLOAT, shape)],
    )
    opsets = [helper.make_opsetid('', 18), helper.make_opsetid('nowhere', 1)]
    save(helper.make_model(graph, opset_imports=opsets, ir_version=10), path)
    return path


@pytest.mark.parametrize('precision', ['fp32', 'fp16'])
@pytest.mark.parametrize('component', COMPONENTS)
def test_builds_every_graph(
    library: Library,
    folder: Path,
    component: str,
    precision: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Names, types, fixed sizes and profiles are those of the graph; progress only rises."""
    config = load_config(folder)
    spec = graph_spec(config, component)
    ranges = dynamic_ranges(config, spec)
    seen: dict[str, Any] = {}

    def look(construction: Any, *arguments: Any) -> Any:
        network = construction.network
        inputs = [network.get_input(index) for index in range(network.num_inputs)]
        output = network.get_output(0)
        seen['ports'] = {
            tensor.name: (NUMPY[tensor.dtype.name], tuple(tensor.shape))
            for tensor in (*inputs, output)
        }
        seen['profiles'] = construction.builder_config.num_optimization_profiles
        seen['strong'] = network.get_flag(
            tensorrt_rtx.NetworkDefinitionCreationFlag.STRONGLY_TYPED
        )
        return original(construction, *arguments)

    original = build._build
    monkeypatch.setattr(build, '_build', look)
    progress: list[BuildProgress] = []
    with caplog.at_level(logging.INFO, 'vljepa_ros'):
        built = build_plan(
            library,
            folder / graph_file(component, precision),
            spec,
            ranges,
            capability=ADA,
            on_progress=progress.append,
        )
    assert built.plan.startswith(PLAN_MAGIC)
    weights = (folder / weights_file(component)).stat().st_size
    assert len(built.plan) > 0.5 * weights
    assert seen['ports'] == {
        port.name: (
            port.dtype,
            tuple(-1 if isinstance(size, str) else size for size in port.shape),
        )
        for port in (*spec.inputs, spec.output)
    }
    assert seen['profiles'] == 1
    assert seen['strong']
    assert 'not self-consistent' not in caplog.text, 'the ranges of a profile fit together'
    fractions = [item.fraction for item in progress]
    assert fractions[0] == 0.0
    assert fractions[-1] == 1.0
    assert fractions == sorted(fractions)
    assert len(set(fractions)) > 10
    assert max(fractions[:-1]) < 1.0
    assert {item.component for item in progress} == {component}
    assert progress[0].seconds_left is None
    assert progress[-1].seconds_left == 0.0
    assert all(item.seconds_left is None or item.seconds_left >= 0.0 for item in progress)


def test_weights_as_they_are_shipped(library: Library, folder: Path, tmp_path: Path) -> None:
    """Half precision, and tables of words in 8 bits."""
    import torch

    from vljepa_ros.inference.torch_export import export_graphs
    from vljepa_ros.model import compact
    from vljepa_ros.model.checkpoint import load_checkpoint, save_checkpoint

    model = load_checkpoint(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compact, 'LARGE_TABLE', 50)
        save_checkpoint(
            model, tmp_path, tokenizer_source=folder, dtype=torch.float16, int8_tables=True
        )
    (graph,) = export_graphs(tmp_path, components=('y_encoder',), precisions=('fp16',))
    assert b'DequantizeLinear' in graph.read_bytes()
    config = load_config(tmp_path)
    spec = graph_spec(config, 'y_encoder')
    plan = build_plan(library, graph, spec, dynamic_ranges(config, spec), capability=ADA).plan
    assert plan.startswith(PLAN_MAGIC)


@pytest.mark.filterwarnings('ignore:.*no-ops in TensorRT-RTX')
def test_several_capabilities_and_timings(library: Library, tmp_path: Path) -> None:
    graph = write_graph(tmp_path / 'g.onnx', 'Relu')
    plans = set()
    for capability in ((7, 5), (8, 9), (12, 0)):
        built = build_plan(library, graph, WORDS, FEW, capability=capability, timings=b'')
        plans.add(built.plan)
        assert built.timings
        again = build_plan(
            library, graph, WORDS, FEW, capability=capability, timings=built.timings
        )
        assert again.timings
        foreign = build_plan(library, graph, WORDS, FEW, capability=capability, timings=b'no')
        assert foreign.plan.startswith(PLAN_MAGIC)
    assert len(plans) == 3
    assert build_plan(library, graph, WORDS, FEW, capability=ADA).timings is None
    with pytest.raises(EngineError, match=r'capability 8.7; allowed are 7.5, 8.0, .*12.0'):
        build_plan(library, graph, WORDS, FEW, capability=(8, 7))


def test_this_machines_gpu(library: Library, tmp_path: Path) -> None:
    if cuda_driver().gpus:
        pytest.skip('there is a GPU')
    graph = write_graph(tmp_path / 'g.onnx', 'Relu')
    with pytest.raises(EngineError, match='Building an engine with tensorrt_rtx .* needs an NVID'):
        build_plan(library, graph, WORDS, FEW)


@pytest.mark.parametrize('stop', [0.0, 0.3])
def test_cancel(library: Library, folder: Path, stop: float) -> None:
    config = load_config(folder)
    spec = graph_spec(config, 'transition')
    seen: list[float] = []

    def cancel(progress: BuildProgress) -> bool:
        seen.append(progress.fraction)
        return progress.fraction < stop

    with pytest.raises(EngineError, match=r'transition.fp32.onnx was cancelled'):
        build_plan(
            library,
            folder / graph_file('transition', 'fp32'),
            spec,
            dynamic_ranges(config, spec),
            capability=ADA,
            on_progress=cancel,
        )
    assert stop <= seen[-1] < 0.9


def test_an_error_of_the_listener_comes_out(library: Library, tmp_path: Path) -> None:
    def fail(progress: BuildProgress) -> None:
        if progress.fraction > 0.1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_plan(
            library,
            write_graph(tmp_path / 'g.onnx', 'Relu'),
            WORDS,
            FEW,
            capability=ADA,
            on_progress=fail,
        )


def nonsense(path: Path) -> None:
    path.write_bytes(b'\x08\x0anonsense')


@pytest.mark.parametrize(
    ('write', 'message'),
    [
        (nonsense, 'cannot be read by TensorRT: .*Failed to parse the ONNX model'),
        (lambda path: None, 'cannot be read by TensorRT: .*file cannot be found'),
        (lambda path: write_graph(path, 'Frobnicate', domain='nowhere'), 'Frobnicate'),
    ],
    ids=['nonsense', 'missing', 'operator'],
)
def test_graphs_that_cannot_be_read(
    library: Library, tmp_path: Path, write: Callable[[Path], object], message: str
) -> None:
    path = tmp_path / 'g.onnx'
    write(path)
    with pytest.raises(EngineError, match=message) as raised:
        build_plan(library, path, WORDS, FEW, capability=ADA)
    assert str(path) in str(raised.value)
    assert 'vljepa export' in str(raised.value)
    assert '\n' not in str(raised.value)
    good = write_graph(path, 'Relu')
    assert build_plan(library, good, WORDS, FEW, capability=ADA).plan


def test_missing_weights(library: Library, folder: Path, tmp_path: Path) -> None:
    graph = tmp_path / graph_file('inverse', 'fp32')
    shutil.copyfile(folder / graph.name, graph)
    config = load_config(folder)
    spec = graph_spec(config, 'inverse')
    with pytest.raises(EngineError, match='cannot be read by TensorRT') as raised:
        build_plan(library, graph, spec, dynamic_ranges(config, spec), capability=ADA)
    assert weights_file('inverse') in str(raised.value)


def test_a_graph_of_another_network(library: Library, folder: Path) -> None:
    config = load_config(folder)
    spec = graph_spec(config, 'inverse')
    with pytest.raises(CheckpointError, match='is not the graph of inverse'):
        build_plan(
            library,
            folder / graph_file('transition', 'fp32'),
            spec,
            dynamic_ranges(config, spec),
            capability=ADA,
        )


def test_sizes_that_do_not_fit(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = write_graph(tmp_path / 'g.onnx', 'Relu')
    with pytest.raises(EngineError, match='TensorRT refuses the sizes of words'):
        build_plan(library, graph, WORDS, {'texts': Range(4, 2, 1)}, capability=ADA)
    monkeypatch.setattr(build, '_add_profile', lambda *arguments: None)
    with pytest.raises(EngineError, match='cannot build .*no optimization profile'):
        build_plan(library, graph, WORDS, FEW, capability=ADA)


def test_a_truncated_plan(library: Library, tmp_path: Path) -> None:
    """tensorrt_rtx says so instead of ending the process, though there is no driver."""
    graph = write_graph(tmp_path / 'g.onnx', 'Relu')
    plan = build_plan(library, graph, WORDS, FEW, capability=ADA).plan
    runtime = tensorrt_rtx.Runtime(tensorrt_rtx.Logger(tensorrt_rtx.Logger.INTERNAL_ERROR))
    for damaged in (plan[: len(plan) // 2], b'', bytes(100), b'nope' + plan[4:]):
        assert runtime.deserialize_cuda_engine(damaged) is None


def test_ranges() -> None:
    def ranges(component: str, config: Any) -> dict[str, Range]:
        return dynamic_ranges(config, graph_spec(config, component))

    tiny, paper = tiny_config(), paper_config()
    assert ranges('x_encoder', tiny) == {'clips': Range(1, 1, 8)}
    assert ranges('predictor', tiny) == {
        'clips': Range(1, 1, 8),
        'queries': Range(1, 2, 32),
        'query_length': Range(1, 12, tiny.predictor.max_query_tokens),
    }
    assert ranges('predictor', paper)['clips'] == Range(1, 1, 2)
    assert ranges('predictor', paper)['queries'] == Range(1, 2, 3)
    assert ranges('y_encoder', paper)['text_length'] == Range(1, 16, 512)
    for config in (tiny, paper):
        for component in ('x_encoder', 'predictor', 'y_encoder', 'y_decoder'):
            for sizes in ranges(component, config).values():
                assert 1 == sizes.least <= sizes.usual <= sizes.most
    (port,) = graph_spec(tiny, 'x_encoder').inputs
    least, usual, most = port_shapes(port, ranges('x_encoder', tiny))
    assert (least[0], usual[0], most[0]) == (1, 1, 8)
    assert {shape[1:] for shape in (least, usual, most)} == {port.shape[1:]}
    assert 8 in Range(1, 2, 8)
    assert 9 not in Range(1, 2, 8)


def test_nested_phases_become_one_share() -> None:
    tree = PhaseTree()
    shares = [tree.fraction]
    tree.start('all', None, 2)
    for number in range(2):
        for name in ('first', 'second', 'third'):
            tree.start(name, 'all', 4)
            for step in range(4):
                tree.step(name, step)
                shares.append(tree.fraction)
            tree.finish(name)
        tree.step('all', number)
        shares.append(tree.fraction)
    tree.finish('all')
    assert np.all(np.diff(shares) >= 0)
    assert len(set(shares)) > 20
    assert shares[1:5] == pytest.approx([0.9 / 2 * 0.5 * part for part in (0.25, 0.5, 0.75, 1)])
    assert shares[13] == pytest.approx(0.45)
    assert tree.fraction == pytest.approx(0.9)
    tree.step('unknown', 3)
    tree.finish('unknown')
    tree.start('later', None, 1)
    tree.step('later', 0)
    assert 0.9 < tree.fraction < 1.0


def test_the_graphs_are_valid(tmp_path: Path) -> None:
    checker.check_model(str(write_graph(tmp_path / 'g.onnx', 'Relu')))
