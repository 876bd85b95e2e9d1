# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The runner of TensorRT's engines, on doubles of the GPU and of TensorRT's runtime."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip('torch')
pytest.importorskip('onnxscript')
pytest.importorskip('onnxruntime')
pytest.importorskip('tensorrt_rtx', reason='pip install tensorrt-rtx')

import torch  # noqa: E402
from graph_inputs import SIZES, graph_inputs  # noqa: E402
from tensorrt_checkpoint import pretend_gpu  # noqa: E402
from tensorrt_double import (  # noqa: E402
    RTX,
    TENSORRT,
    EngineDouble,
    HostMemory,
    RtxEngineDouble,
)

from vljepa_ros.errors import EngineError  # noqa: E402
from vljepa_ros.inference.graphs import GraphSpec, Port, graph_file, graph_spec  # noqa: E402
from vljepa_ros.inference.onnxruntime_backend import OnnxRuntimeBackend  # noqa: E402
from vljepa_ros.inference.tensorrt import loaded_plan  # noqa: E402
from vljepa_ros.inference.tensorrt.device_memory import BufferPool, DeviceTensor  # noqa: E402
from vljepa_ros.inference.tensorrt.loaded_plan import LoadedPlan, PlanRefusedError  # noqa: E402
from vljepa_ros.inference.tensorrt.ranges import dynamic_ranges  # noqa: E402
from vljepa_ros.inference.tensorrt.runner import Runner  # noqa: E402
from vljepa_ros.inference.tensorrt.tensors import run_in_parts  # noqa: E402
from vljepa_ros.model.checkpoint_folder import load_config  # noqa: E402
from vljepa_ros.model.components import COMPONENTS  # noqa: E402


class Rig:
    """A GPU's double with the engines that were asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.config = folder, load_config(folder)
        self.memory = HostMemory()
        self.memory.use()
        self.pool = BufferPool(self.memory)
        self.engines: dict[str, EngineDouble] = {}

    def runner(self, component: str, *, rtx: bool = False, cuda_graphs: bool = True) -> Runner:
        spec = graph_spec(self.config, component)
        library, kind = (RTX, RtxEngineDouble) if rtx else (TENSORRT, EngineDouble)
        engine = self.engines[component] = kind(
            self.folder / graph_file(component, 'fp32'),
            spec,
            dynamic_ranges(self.config, spec),
            self.memory,
            module=library.module,
        )
        loaded = LoadedPlan(None, engine, loaded_plan._bounds(library, engine, spec))
        return Runner(spec, library, loaded, self.memory, self.pool, cuda_graphs=cuda_graphs)

    def read(self, tensor: Any) -> np.ndarray:
        if isinstance(tensor, np.ndarray):
            return tensor
        staging = self.memory.pinned(tensor.size)
        self.memory.download(staging, tensor.address)
        self.memory.wait(self.memory.record())
        return staging.view(tensor.dtype).reshape(tensor.shape).copy()

    def inputs(self, component: str, which: int = 0, *, seed: int = 0) -> list[np.ndarray]:
        return graph_inputs(graph_spec(self.config, component), SIZES[which], seed=seed)


@pytest.fixture(scope='module')
def folder(checkpoint_with_graphs: Path) -> Path:
    return checkpoint_with_graphs


@pytest.fixture(scope='module')
def reference(folder: Path) -> OnnxRuntimeBackend:
    return OnnxRuntimeBackend(folder, load_config(folder), COMPONENTS, precision='fp32', threads=1)


@pytest.fixture
def rig(folder: Path) -> Rig:
    return Rig(folder)


@pytest.mark.parametrize('component', COMPONENTS)
@pytest.mark.parametrize('rtx', [False, True])
def test_runs_every_graph(
    rig: Rig, reference: OnnxRuntimeBackend, component: str, rtx: bool
) -> None:
    """Several calls of one shape, then another one, then the first again."""
    runner = rig.runner(component, rtx=rtx)
    for which, seed in ((0, 0), (0, 1), (0, 2), (1, 3), (0, 4)):
        inputs = rig.inputs(component, which, seed=seed)
        output = rig.read(runner.run(*inputs))
        assert output.dtype == np.float32
        np.testing.assert_allclose(output, reference.run(component, *inputs), atol=1e-5)
    # The second and the third call; tensorrt_rtx makes graphs itself.
    assert rig.memory.launches == (0 if rtx else 2)
    runner.close()
    assert rig.memory.graphs == 0


def test_features_stay_on_the_device(rig: Rig, reference: OnnxRuntimeBackend) -> None:
    encoder, predictor = rig.runner('x_encoder'), rig.runner('predictor')
    _, ids, mask = rig.inputs('predictor', 1)
    for seed in range(4):
        (clips,) = rig.inputs('x_encoder', 1, seed=seed)
        uploads, downloads = rig.memory.uploads, rig.memory.downloads
        answers = predictor.run(encoder.run(clips), ids, mask)
        assert (rig.memory.uploads, rig.memory.downloads) == (uploads + 3, downloads)
        expected = reference.run('predictor', reference.run('x_encoder', clips), ids, mask)
        np.testing.assert_allclose(rig.read(answers), expected, atol=1e-5)
    # The encoder is replayed three times; the answers that are still read make buffers alternate.
    assert rig.memory.launches == 5


def test_graphs_where_features_are_kept(rig: Rig, reference: OnnxRuntimeBackend) -> None:
    """Buffers alternate while the last features are still there."""
    encoder, kept = rig.runner('x_encoder'), None
    for seed in range(8):
        (clips,) = rig.inputs('x_encoder', seed=seed)
        kept = encoder.run(clips)
        np.testing.assert_allclose(rig.read(kept), reference.run('x_encoder', clips), atol=1e-5)
    assert rig.memory.launches == 6
    assert rig.memory.graphs == 2


def test_outputs_do_not_change_later(rig: Rig, reference: OnnxRuntimeBackend) -> None:
    """Nothing is waited for between the calls: neither inputs nor outputs may be mixed up."""
    runner = rig.runner('inverse')
    inputs = [rig.inputs('inverse', seed=seed) for seed in range(12)]
    outputs = [runner.run(*pair) for pair in inputs]
    for pair, output in zip(inputs, outputs, strict=True):
        np.testing.assert_allclose(rig.read(output), reference.run('inverse', *pair), atol=1e-5)


def test_buffers_are_used_again(rig: Rig) -> None:
    runner = rig.runner('inverse')
    for seed in range(3):
        runner.run(*rig.inputs('inverse', seed=seed))
        gc.collect()
    assert rig.memory.allocated == 3  # two inputs, one output
    kept = [runner.run(*rig.inputs('inverse')) for _ in range(40)]
    assert rig.memory.allocated == 42
    del kept
    gc.collect()
    for count in range(1, 40):
        pairs = [np.ones((count, 256), np.float32)] * 2
        runner.run(*pairs)
    assert rig.memory.allocated < 25, 'free buffers are bounded'


@pytest.mark.parametrize('rtx', [False, True])
def test_cuda_graphs_can_be_left_out(rig: Rig, reference: OnnxRuntimeBackend, rtx: bool) -> None:
    for wanted in (False, True):
        runner = rig.runner('transition', rtx=rtx, cuda_graphs=wanted)
        for seed in range(3):
            inputs = rig.inputs('transition', seed=seed)
            output = rig.read(runner.run(*inputs))
            np.testing.assert_allclose(output, reference.run('transition', *inputs), atol=1e-5)
        engine = rig.engines['transition']
        assert rig.memory.launches == (2 if wanted and not rtx else 0)
        assert getattr(engine, 'records', False) == (wanted and rtx)
        runner.close()


def test_without_capture(rig: Rig, reference: OnnxRuntimeBackend) -> None:
    runner = rig.runner('transition')
    rig.engines['transition'].capturable = False
    for seed in range(4):
        inputs = rig.inputs('transition', seed=seed)
        output = rig.read(runner.run(*inputs))
        np.testing.assert_allclose(output, reference.run('transition', *inputs), atol=1e-5)
    assert rig.memory.launches == 0


def test_another_thread(rig: Rig, reference: OnnxRuntimeBackend) -> None:
    """A GPU is chosen for each thread; a node loads in one and runs in another."""
    runner, inputs = rig.runner('inverse'), rig.inputs('inverse')
    outputs: list[np.ndarray] = []
    thread = threading.Thread(target=lambda: outputs.append(rig.read(runner.run(*inputs))))
    thread.start()
    thread.join()
    np.testing.assert_allclose(outputs[0], reference.run('inverse', *inputs), atol=1e-5)


class OnGpu:
    """A tensor of PyTorch whose memory is, for the double, that of the GPU."""

    def __init__(self, rig: Rig, value: torch.Tensor) -> None:
        self._value, self.shape = value, value.shape
        self.dtype, self.is_cuda = value.dtype, True
        self._memory, self._address = rig.memory, rig.memory.allocate(value.nbytes)

    def write(self, value: torch.Tensor) -> None:
        array = value.contiguous().numpy().reshape(-1).view(np.uint8)
        np.copyto(self._memory.bytes_at(self._address, value.nbytes), array)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._value, name)

    def detach(self) -> OnGpu:
        return self

    def contiguous(self) -> OnGpu:
        return self

    def data_ptr(self) -> int:
        return self._address


def test_torch_tensors(rig: Rig, reference: OnnxRuntimeBackend) -> None:
    runner = rig.runner('inverse')
    inputs = rig.inputs('inverse')
    expected = reference.run('inverse', *inputs)
    first, second = (torch.from_numpy(value) for value in inputs)
    np.testing.assert_allclose(rig.read(runner.run(first, second)), expected, atol=1e-5)
    on_gpu = OnGpu(rig, first)
    rig.memory.elsewhere.append(lambda: on_gpu.write(first))  # PyTorch is not done with it
    output = runner.run(on_gpu, second)
    on_gpu.write(-first)  # once the call is over, its owner may do what he likes
    np.testing.assert_allclose(rig.read(output), expected, atol=1e-5)
    with pytest.raises(EngineError, match='initial_states must be float32, not float64'):
        runner.run(first.double(), second)


def test_large_batches_are_cut(rig: Rig, reference: OnnxRuntimeBackend) -> None:
    for component, sizes in {
        'y_encoder': {'texts': 131, 'text_length': 4},
        'transition': {'states': 9, 'actions': 65},
    }.items():
        runner = rig.runner(component)
        inputs = tuple(graph_inputs(runner.spec, sizes))
        with pytest.raises(EngineError, match=rf'{component} takes .* not \['):
            runner.run(*inputs)
        output = run_in_parts(runner.spec, runner.most, inputs, run=runner.run, to_numpy=rig.read)
        np.testing.assert_allclose(output, reference.run(component, *inputs), atol=1e-5)


def test_features_are_cut_where_they_are(rig: Rig, reference: OnnxRuntimeBackend) -> None:
    encoder, predictor = rig.runner('x_encoder'), rig.runner('predictor')
    _, ids, mask = rig.inputs('predictor', 1)
    (clips,) = graph_inputs(encoder.spec, {'clips': 3})
    features = encoder.run(clips)
    uploads = rig.memory.uploads
    answers = run_in_parts(
        predictor.spec,
        {'clips': 2, 'queries': 2},
        (features, ids, mask),
        run=predictor.run,
        to_numpy=rig.read,
    )
    assert rig.memory.uploads == uploads + 8  # four times two texts, no features
    expected = reference.run('predictor', reference.run('x_encoder', clips), ids, mask)
    np.testing.assert_allclose(answers, expected, atol=1e-5)


def test_parts_of_features(rig: Rig, reference: OnnxRuntimeBackend) -> None:
    """A part may begin where TensorRT takes no address."""
    runner = rig.runner('inverse')
    first, second = rig.inputs('inverse', 1)
    output = runner.run(first, second)
    part = output.rows(1, 3)
    assert part.shape == (2, 256)
    np.testing.assert_array_equal(rig.read(part), rig.read(output)[1:3])
    odd = DeviceTensor(part._buffer, (1, 256), np.dtype(np.float32), offset=4)
    assert odd.address % 256
    expected = rig.read(odd)
    np.testing.assert_allclose(
        rig.read(runner.run(odd, second[:1])),
        reference.run('inverse', expected, second[:1]),
        atol=1e-5,
    )


@pytest.mark.parametrize(
    ('component', 'change', 'message'),
    [
        ('inverse', lambda a, b: (a[:, :9], b), r'takes initial_states of shapes \[1, 256\] to'),
        ('inverse', lambda a, b: (a[0], b), r'takes initial_states .* not \[256\]'),
        ('inverse', lambda a, b: (a[:0], b), r'not \[0, 256\]'),
        ('inverse', lambda a, b: (np.ones((257, 256), np.float32), b), r'not \[257, 256\]'),
        ('inverse', lambda a, b: (a, np.concatenate([b, b])), 'have 1 and 2 pairs; they must be'),
        ('inverse', lambda a, b: (a.astype(np.float16), b), 'must be float32, not float16'),
        ('inverse', lambda a, b: ([1.0], b), 'must be an array or a tensor, not list'),
        ('y_encoder', lambda a, b: (np.ones((1, 65), int), np.ones((1, 65), bool)), r'\[1, 65\]'),
        ('x_encoder', lambda a: (a[:, :4],), r'takes clip_frames .* not \[1, 4, 128, 128, 3\]'),
    ],
)
def test_wrong_inputs_are_refused_before_anything_runs(
    rig: Rig,
    reference: OnnxRuntimeBackend,
    component: str,
    change: Callable[..., tuple[Any, ...]],
    message: str,
) -> None:
    runner, inputs = rig.runner(component), rig.inputs(component)
    with pytest.raises(EngineError, match=message):
        runner.run(*change(*inputs))
    assert rig.memory.uploads == rig.engines[component].runs == 0
    output = rig.read(runner.run(*inputs))
    np.testing.assert_allclose(output, reference.run(component, *inputs), atol=1e-5)


def test_closed(rig: Rig) -> None:
    runner, inputs = rig.runner('inverse'), rig.inputs('inverse')
    features = runner.run(*inputs)
    other = rig.runner('transition')
    runner.close()
    runner.close()
    with pytest.raises(EngineError, match='backend is closed'):
        runner.run(*inputs)
    other.run(features, inputs[0])  # the memory is still there
    rig.pool.close()
    rig.memory.close()
    with pytest.raises(EngineError, match='holds these features is closed; encode again'):
        other.run(features, inputs[0])
    other.close()  # says nothing, whatever CUDA says
    del features
    gc.collect()


def test_too_little_memory(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(EngineDouble, 'create_execution_context', lambda engine: None)
    with pytest.raises(EngineError, match='The GPU cannot run inverse: .* Close other programs'):
        rig.runner('inverse')


OUTPUT = Port('action_vectors', 'float32', ('pairs', 256))


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (lambda spec: replace(spec, inputs=spec.inputs[:1]), 'has the inputs and outputs'),
        (lambda spec: replace(spec, output=replace(OUTPUT, name='y')), "expected are .*'y'"),
        (lambda spec: replace(spec, output=replace(OUTPUT, dtype='int64')), 'expected is int64'),
        (lambda spec: replace(spec, output=replace(OUTPUT, shape=('pairs', 9))), r"'pairs', 9"),
        (lambda spec: replace(spec, output=replace(OUTPUT, shape=(3, 256))), r'\[3, 256\]'),
    ],
)
def test_a_plan_of_another_graph(
    rig: Rig, change: Callable[[GraphSpec], GraphSpec], message: str
) -> None:
    rig.runner('inverse')
    other = change(graph_spec(rig.config, 'inverse'))
    with pytest.raises(PlanRefusedError, match=message):
        loaded_plan._bounds(TENSORRT, rig.engines['inverse'], other)


def test_a_plan_is_loaded_only_beside_a_gpu(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    from vljepa_ros.inference.cuda_driver import cuda_driver

    if cuda_driver().gpus:
        pytest.skip('there is a GPU')
    spec = graph_spec(rig.config, 'inverse')
    with pytest.raises(EngineError, match='Loading an engine needs an NVIDIA GPU, but no NVIDIA'):
        loaded_plan.load_plan(RTX, b'plan', spec)
    pytest.importorskip('cuda.bindings', reason='pip install cuda-bindings')
    # tensorrt_rtx survives a missing driver, so what it says of a wrong plan can be seen.
    pretend_gpu(monkeypatch)
    with pytest.raises(PlanRefusedError, match='tensorrt_rtx .* cannot load the engine of inver'):
        loaded_plan.load_plan(RTX, b'plan', spec)
