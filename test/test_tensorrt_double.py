# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The doubles of TensorRT's runtime and of a GPU fail where the real ones do.

Without that, the tests of the runner would say nothing.
"""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip('torch')
pytest.importorskip('onnxscript')
pytest.importorskip('onnxruntime')
pytest.importorskip('tensorrt_rtx', reason='pip install tensorrt-rtx')

from tensorrt_double import TENSORRT, ContextDouble, EngineDouble, HostMemory  # noqa: E402

from vljepa_ros.errors import EngineError  # noqa: E402
from vljepa_ros.inference.graphs import graph_file, graph_spec  # noqa: E402
from vljepa_ros.inference.tensorrt.ranges import dynamic_ranges  # noqa: E402
from vljepa_ros.model.checkpoint_folder import load_config  # noqa: E402


@pytest.fixture
def engine(checkpoint_with_graphs: Path) -> EngineDouble:
    config = load_config(checkpoint_with_graphs)
    spec = graph_spec(config, 'inverse')
    graph = checkpoint_with_graphs / graph_file('inverse', 'fp32')
    memory = HostMemory()
    memory.use()
    ranges = dynamic_ranges(config, spec)
    return EngineDouble(graph, spec, ranges, memory, module=TENSORRT.module)


@pytest.fixture
def memory(engine: EngineDouble) -> HostMemory:
    return engine.memory


@pytest.fixture
def context(engine: EngineDouble) -> ContextDouble:
    created = engine.create_execution_context()
    assert created is not None
    return created


def bind(engine: EngineDouble, context: ContextDouble, size: int = 1024) -> list[int]:
    addresses = [engine.memory.allocate(size) for _ in engine.names]
    for name, address in zip(engine.names, addresses, strict=True):
        assert context.set_tensor_address(name, address)
    return addresses


def shape(context: ContextDouble) -> None:
    assert context.infer_shapes() == ['initial_states', 'goal_states']
    assert context.set_input_shape('initial_states', (1, 256))
    assert context.set_input_shape('goal_states', (1, 256))
    assert context.infer_shapes() == []


def test_wrong_names_and_shapes(context: ContextDouble, memory: HostMemory) -> None:
    assert not context.set_input_shape('states', (1, 256))
    assert not context.set_input_shape('goal_states', (1, 255))
    assert not context.set_input_shape('goal_states', (999, 256))
    assert not context.set_tensor_address('states', 0)
    assert not context.set_tensor_address('goal_states', memory.allocate(9) + 1)


def test_what_is_not_set(engine: EngineDouble, context: ContextDouble, memory: HostMemory) -> None:
    bind(engine, context)
    assert not context.execute_async_v3(memory.stream), 'no shapes'
    shape(context)
    assert not context.execute_async_v3(memory.stream + 1), 'another stream'
    assert context.execute_async_v3(memory.stream)
    other = engine.create_execution_context()
    assert other is not None
    shape(other)
    assert not other.execute_async_v3(memory.stream), 'no addresses'


@pytest.mark.parametrize('which', [0, 2])
def test_freed_memory(
    engine: EngineDouble, context: ContextDouble, memory: HostMemory, which: int
) -> None:
    addresses = bind(engine, context)
    shape(context)
    memory.free(addresses[which])
    assert context.execute_async_v3(memory.stream)
    with pytest.raises(EngineError, match='illegal memory access'):
        memory.wait_for_all()


def test_too_small_memory(
    engine: EngineDouble, context: ContextDouble, memory: HostMemory
) -> None:
    bind(engine, context, size=1020)
    shape(context)
    assert context.execute_async_v3(memory.stream)
    with pytest.raises(EngineError, match='illegal memory access'):
        memory.wait_for_all()


def test_nothing_is_done_before_it_is_waited_for(memory: HostMemory) -> None:
    address, source = memory.allocate(4), memory.pinned(4)
    source[:] = 1
    memory.upload(address, source)
    source[:] = 2  # too early
    memory.wait_for_all()
    assert (memory.bytes_at(address, 4) == 2).all()
    with pytest.raises(EngineError, match='not pinned'):
        memory.upload(address, np.zeros(4, np.uint8))


def test_capture(engine: EngineDouble, context: ContextDouble, memory: HostMemory) -> None:
    addresses = bind(engine, context)
    shape(context)
    done = []

    def work() -> None:
        done.append(context.execute_async_v3(memory.stream))

    memory.capture(work)
    assert done == [False], 'it has not run with this shape yet'
    work()
    memory.wait_for_all()
    runs = engine.runs
    graph = memory.capture(work)
    assert done == [False, True, True]
    assert engine.runs == runs
    memory.launch(graph)
    memory.wait_for_all()
    assert engine.runs == runs + 1
    with pytest.raises(EngineError, match='not permitted when stream is capturing'):
        memory.capture(lambda: memory.copy(addresses[0], addresses[1], 4))
    memory.discard(graph)
    with pytest.raises(EngineError, match='destroyed'):
        memory.launch(graph)


def test_another_thread_and_after_the_end(memory: HostMemory) -> None:
    refused = []

    def allocate() -> None:
        with pytest.raises(EngineError, match='that this thread has not chosen'):
            memory.allocate(4)
        refused.append(True)

    thread = threading.Thread(target=allocate)
    thread.start()
    thread.join()
    assert refused
    memory.close()
    with pytest.raises(EngineError, match='invalid device context'):
        memory.allocate(4)
