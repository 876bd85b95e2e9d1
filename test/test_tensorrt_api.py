# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Every name of TensorRT and of CUDA's bindings that the code uses is there in their versions.

`data/tensorrt_names.json` holds the names of nine versions, as `dir()` of the real bindings gave
them, for the classes that are used. Which object a variable holds is told by its name: `HOLDERS`.
"""

from __future__ import annotations

import ast
import inspect
import json
import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from tensorrt_checkpoint import pretend_gpu

from vljepa_ros.errors import EngineError, MissingDependencyError
from vljepa_ros.inference import tensorrt
from vljepa_ros.inference.cuda_driver import cuda_driver
from vljepa_ros.inference.tensorrt import library as library_module
from vljepa_ros.inference.tensorrt.library import Library, bridged_logger, load_library

SOURCES = sorted(Path(str(tensorrt.__file__)).parent.glob('*.py'))
CUDA = 'cuda_memory.py'  # its `runtime` is CUDA's
TABLE = json.loads((Path(__file__).parent / 'data' / 'tensorrt_names.json').read_text())
HOLDERS = {
    'module': 'top',
    'builder': 'Builder',
    'builder_config': 'IBuilderConfig',
    'network': 'INetworkDefinition',
    'parser': 'OnnxParser',
    'get_error': 'ParserError',
    'profile': 'IOptimizationProfile',
    'timing_cache': 'ITimingCache',
    'runtime': 'Runtime',
    'engine': 'ICudaEngine',
    'context': 'IExecutionContext',
    'runtime_config': 'IRuntimeConfig',
    'flags': 'NetworkDefinitionCreationFlag',
}
SUPPORTED = [
    name
    for name in TABLE['versions']
    if name.split()[1].split('.')[:2] not in (['8', '6'], ['10', '0'])
]
# Used only behind properties of `Library` that ask for the first two.
RTX_ONLY = {
    ('top', 'ComputeCapability'),
    ('top', 'CudaGraphStrategy'),
    ('IBuilderConfig', 'num_compute_capabilities'),
    ('IBuilderConfig', 'set_compute_capability'),
    ('ICudaEngine', 'create_runtime_config'),
    ('IRuntimeConfig', 'cuda_graph_strategy'),
}
Use = tuple[str, str]  # class, name


def names_of(version: str) -> dict[str, set[str]]:
    """Return the names of a version's classes."""
    digit = str(TABLE['versions'].index(version))
    return {
        owner: {name for digits, names in groups.items() if digit in digits for name in names}
        for owner, groups in TABLE['names'].items()
    }


def holder(node: ast.expr) -> str:
    """Return the class of what an expression holds, '' where it is none of TensorRT's."""
    if isinstance(node, ast.Call):
        node = node.func
        name = node.attr if isinstance(node, ast.Attribute) else ''
        return HOLDERS['get_error'] if name == 'get_error' else ''
    name = node.id if isinstance(node, ast.Name) else getattr(node, 'attr', '')
    name = name.lstrip('_')
    return name if name in TABLE['names'] else HOLDERS.get(name, '')


def uses(source: str) -> tuple[set[Use], set[Use]]:
    """Return which names a source takes from TensorRT's objects, and which it asks for first."""
    taken, asked = set(), set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and not node.attr.startswith('__'):
            taken.add((holder(node.value), node.attr))
        elif isinstance(node, ast.Call) and getattr(node.func, 'id', '') == 'hasattr':
            assert isinstance(node.args[1], ast.Constant)
            asked.add((holder(node.args[0]), str(node.args[1].value)))
    return (
        {use for use in taken if use[0]},
        {use for use in asked if use[0]},
    )


def missing(source: str, version: str) -> set[Use]:
    """Return the names that a version lacks though the source takes them unasked."""
    taken, asked = uses(source)
    names = names_of(version)
    return {use for use in taken - asked - RTX_ONLY if use[1] not in names.get(use[0], set())}


def product() -> Iterator[str]:
    for path in SOURCES:
        if path.name != CUDA:
            yield path.read_text(encoding='utf-8')


@pytest.mark.parametrize('version', SUPPORTED)
def test_every_name_is_there(version: str) -> None:
    for source in product():
        assert missing(source, version) == set()


def test_what_is_asked_for_is_there_somewhere() -> None:
    everywhere = [names_of(version) for version in SUPPORTED]
    for source in product():
        _, asked = uses(source)
        for owner, name in asked:
            assert any(name in names[owner] for names in everywhere), f'{owner}.{name}'
    with_both = [names for names in everywhere if 'ComputeCapability' in names['top']]
    assert with_both == [names for names in everywhere if 'CudaGraphStrategy' in names['top']]
    assert len(with_both) == 1
    assert all(name in with_both[0][owner] for owner, name in RTX_ONLY)


def test_the_check_sees_what_is_used() -> None:
    taken = set().union(*(uses(source)[0] for source in product()))
    assert taken >= {
        ('IExecutionContext', 'execute_async_v3'),
        ('IExecutionContext', 'set_tensor_address'),
        ('ICudaEngine', 'get_tensor_profile_shape'),
        ('Runtime', 'deserialize_cuda_engine'),
        ('Builder', 'build_serialized_network'),
        ('OnnxParser', 'parse_from_file'),
        ('ParserError', 'desc'),
        ('TensorIOMode', 'INPUT'),
        ('NetworkDefinitionCreationFlag', 'STRONGLY_TYPED'),
        ('top', 'nptype'),
    }
    assert len(taken) > 40


@pytest.mark.parametrize(
    ('source', 'version'),
    [
        ('self._engine.num_bindings', 'tensorrt 10.3.0'),
        ('context.execute_async_v2(1)', 'tensorrt 10.3.0'),
        ('module.NetworkDefinitionCreationFlag.EXPLICIT_BATCH', 'tensorrt 11.4.0.106'),
        ('builder_config.set_flag(module.BuilderFlag.FP16)', 'tensorrt 11.0.0.114'),
        ('loaded.engine.device_memory_size', 'tensorrt_rtx 1.7.1.116'),
        ('parser.get_error(0).node_title()', 'tensorrt 10.13.3.9'),
        ('construction.parser.supports_model(b"")', 'tensorrt 11.0.0.114'),
    ],
)
def test_a_name_that_a_version_lacks_is_seen(source: str, version: str) -> None:
    assert len(missing(source, version)) == 1


def test_a_name_that_is_asked_for_first_may_lack() -> None:
    source = 'context.is_stream_capturable(1)'
    assert missing(source, 'tensorrt 10.3.0')
    assert not missing(f"hasattr(context, 'is_stream_capturable') and {source}", 'tensorrt 10.3.0')
    assert missing(f"hasattr(engine, 'is_stream_capturable') and {source}", 'tensorrt 10.3.0')


def test_older_versions_would_be_seen() -> None:
    assert ('top', 'IProgressMonitor') in set().union(
        *(missing(source, 'tensorrt 8.6.1') for source in product())
    )


def test_all_of_the_progress_monitor_is_there() -> None:
    source = next(path for path in SOURCES if path.name == 'progress.py').read_text()
    (monitor,) = (
        node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ClassDef) and node.bases
    )
    methods = {node.name for node in monitor.body if isinstance(node, ast.FunctionDef)}
    for version in SUPPORTED:
        assert methods - {'__init__'} == names_of(version)['IProgressMonitor']


def fake(folder: Path, name: str, text: str) -> None:
    (folder / f'{name}.py').write_text(text)


@pytest.fixture
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder whose modules are found first."""
    monkeypatch.syspath_prepend(tmp_path)
    before = {name: sys.modules.pop(name, None) for name in library_module.SUPPORTED}
    yield tmp_path
    for name, module in before.items():
        sys.modules.pop(name, None)
        if module is not None:
            sys.modules[name] = module


@pytest.mark.parametrize('version', ['10.3.0', '10.13.3.9', '11.4.0.106'])
def test_tensorrt_comes_first(modules: Path, version: str) -> None:
    fake(modules, 'tensorrt', f'__version__ = {version!r}')
    fake(modules, 'tensorrt_rtx', "__version__ = '1.7.1'")
    assert str(load_library()) == f'tensorrt {version}'
    assert str(load_library(['tensorrt_rtx'])) == 'tensorrt_rtx 1.7.1'


@pytest.mark.parametrize(
    ('text', 'reason'),
    [
        ("__version__ = '8.6.1'", 'tensorrt 8.6.1 is not supported, 10.3 or newer and below 12'),
        ("__version__ = '10.2.9'", 'tensorrt 10.2.9 is not supported'),
        ("__version__ = '12.0.0'", 'tensorrt 12.0.0 is not supported'),
        ('', 'tensorrt  is not supported'),
        ("raise ImportError('libnvinfer.so.10: cannot open')", 'libnvinfer.so.10: cannot open'),
        ("raise OSError('libcuda.so.1')", 'cannot be imported .libcuda.so.1'),
        ("raise RuntimeError('half installed')", 'half installed'),
    ],
)
def test_what_cannot_be_used_is_named(modules: Path, text: str, reason: str) -> None:
    fake(modules, 'tensorrt', text)
    fake(modules, 'tensorrt_rtx', "__version__ = '1.0.0'")
    with pytest.raises(MissingDependencyError, match=reason) as raised:
        load_library()
    assert 'tensorrt_rtx 1.0.0 is not supported, 1.7 or newer' in str(raised.value)
    assert 'pip install tensorrt cuda-bindings' in str(raised.value)
    fake(modules, 'tensorrt_rtx', "__version__ = '1.8'")
    sys.modules.pop('tensorrt_rtx')
    assert load_library().distribution == 'tensorrt_rtx'


def test_network_flags() -> None:
    def flags(**members: int) -> int:
        module = SimpleNamespace(NetworkDefinitionCreationFlag=SimpleNamespace(**members))
        return Library(module, 'tensorrt', '').network_flags

    assert flags(STRONGLY_TYPED=1, EXPLICIT_BATCH=0) == 2
    assert flags() == 0


def test_messages_reach_pythons_log(caplog: pytest.LogCaptureFixture) -> None:
    trt = pytest.importorskip('tensorrt_rtx', reason='pip install tensorrt-rtx')
    logger = bridged_logger(trt)
    assert bridged_logger(trt) is logger
    logger.take_errors()
    assert logger.take_errors() == 'TensorRT gave no reason'
    with caplog.at_level(logging.DEBUG, 'vljepa_ros'):
        for name in ('VERBOSE', 'INFO', 'WARNING', 'ERROR', 'INTERNAL_ERROR', 'ERROR'):
            logger.log(getattr(trt.ILogger, name), f'{name}\n  said')
    assert [(record.levelname, record.message) for record in caplog.records] == [
        ('DEBUG', 'INFO said'),
        ('INFO', 'WARNING said'),
        ('WARNING', 'ERROR said'),
        ('WARNING', 'INTERNAL_ERROR said'),
        ('WARNING', 'ERROR said'),
    ]
    assert logger.take_errors() == 'ERROR said; INTERNAL_ERROR said'


def test_cuda_memory_calls_what_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a driver every call is refused, but only once its arguments are right."""
    runtime = pytest.importorskip('cuda.bindings.runtime', reason='pip install cuda-bindings')
    if cuda_driver().gpus:
        pytest.skip('there is a GPU')
    from vljepa_ros.inference.tensorrt import cuda_memory

    source = inspect.getsource(cuda_memory)
    used = {
        node.attr
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Attribute) and getattr(node.value, 'id', '') == 'runtime'
    }
    assert len(used) > 25
    assert {name for name in used if not hasattr(runtime, name)} == set()
    for kind, names in {
        'cudaMemcpyKind': ('HostToDevice', 'DeviceToHost', 'DeviceToDevice'),
        'cudaStreamCaptureMode': ('ThreadLocal',),
    }.items():
        prefix = kind.replace('Kind', '')
        assert all(hasattr(getattr(runtime, kind), f'{prefix}{name}') for name in names)
        assert all(f'{prefix}{name}' in source for name in names)

    with pytest.raises(EngineError, match='The tensorrt backend needs an NVIDIA GPU, but no'):
        cuda_memory.CudaMemory(0)
    pretend_gpu(monkeypatch)
    refused = r'CUDA failed: CUDA driver version is insufficient.*cudaErrorInsufficientDriver'
    with pytest.raises(EngineError, match=refused):
        cuda_memory.CudaMemory(0)

    memory = object.__new__(cuda_memory.CudaMemory)
    memory._index, memory._stream, memory.stream = 0, runtime.cudaStream_t(0), 0
    memory._addresses, memory._pinned = {4096}, {}
    memory._graphs, memory._events = [runtime.cudaGraphExec_t(0)], [runtime.cudaEvent_t(0)]
    pinned = pytest.importorskip('numpy').zeros(4, 'uint8')
    memory._pinned[pinned.ctypes.data] = pinned.ctypes.data
    for call in (
        memory.use,
        lambda: memory.allocate(512),
        lambda: memory.free(4096),
        lambda: memory.pinned(512),
        lambda: memory.free_pinned(pinned),
        lambda: memory.upload(4096, pinned),
        lambda: memory.download(pinned, 4096),
        lambda: memory.copy(4096, 8192, 4),
        memory.record,
        lambda: memory.record(memory._events[0]),
        lambda: memory.wait(memory._events[0]),
        memory.wait_for_all,
        lambda: memory.capture(lambda: None),
        lambda: memory.launch(memory._graphs[0]),
        lambda: memory.discard(memory._graphs[0]),
    ):
        with pytest.raises(EngineError, match=refused):
            call()
    for call in (
        lambda: runtime.cudaStreamEndCapture(memory._stream),
        lambda: runtime.cudaGraphInstantiate(runtime.cudaGraph_t(0), 0),
        lambda: runtime.cudaGraphDestroy(runtime.cudaGraph_t(0)),
    ):
        assert call()[0] != runtime.cudaError_t.cudaSuccess
    memory.close()  # says nothing, whatever CUDA says
