# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The tensorrt backend: real builds, and doubles of TensorRT's runtime and of the GPU."""

from __future__ import annotations

import re
import shutil
import sys
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
pytest.importorskip('cuda.bindings', reason='pip install cuda-bindings')

import tensorrt_rtx  # noqa: E402
from graph_inputs import SIZES, graph_inputs, least_cosine  # noqa: E402
from tensorrt_checkpoint import PRETENDED, pretend_gpu, with_half_precision  # noqa: E402
from tensorrt_machine import Machine  # noqa: E402

from vljepa_ros import cli  # noqa: E402
from vljepa_ros.doctor import gpu_run  # noqa: E402
from vljepa_ros.doctor.findings import Level  # noqa: E402
from vljepa_ros.errors import (  # noqa: E402
    CheckpointError,
    ConfigurationError,
    EngineError,
    MissingDependencyError,
)
from vljepa_ros.inference import Engine, load_engine  # noqa: E402
from vljepa_ros.inference.cuda_driver import Gpu, cuda_driver  # noqa: E402
from vljepa_ros.inference.graphs import graph_file, graph_spec  # noqa: E402
from vljepa_ros.inference.onnxruntime_backend import OnnxRuntimeBackend  # noqa: E402
from vljepa_ros.inference.tensorrt import backend as backend_module  # noqa: E402
from vljepa_ros.inference.tensorrt import command, parity  # noqa: E402
from vljepa_ros.inference.tensorrt.backend import TensorRTBackend, find_gpu  # noqa: E402
from vljepa_ros.inference.tensorrt.device_memory import DeviceTensor  # noqa: E402
from vljepa_ros.inference.tensorrt.library import Library, load_library  # noqa: E402
from vljepa_ros.inference.tensorrt.progress import BuildProgress  # noqa: E402
from vljepa_ros.model.checkpoint_folder import load_config, weights_file  # noqa: E402
from vljepa_ros.model.components import COMPONENTS  # noqa: E402


@pytest.fixture(scope='module')
def folder(checkpoint_with_graphs: Path) -> Path:
    return with_half_precision(checkpoint_with_graphs)


@pytest.fixture
def machine(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(folder, tmp_path / 'plans', monkeypatch)


def test_builds_once_then_loads(machine: Machine) -> None:
    components = ('x_encoder', 'predictor', 'inverse')
    progress: list[BuildProgress] = []
    built = machine.load(*components, build=True, on_progress=progress.append)
    assert machine.builds == [graph_file(name, 'fp16') for name in components]
    assert {item.component for item in progress} == set(components)
    assert built.info.backend == 'tensorrt'
    assert built.info.device == 'cuda:0 (NVIDIA GeForce RTX 4090)'
    assert (built.info.precision, built.info.threads) == ('fp16', 0)
    built.close()
    assert machine.memory.closed
    backend = machine.load(*components)
    assert len(machine.builds) == 3
    assert machine.said == []
    reference = OnnxRuntimeBackend(
        machine.folder, machine.config, components, precision='fp32', threads=1
    )
    (clips,) = graph_inputs(graph_spec(machine.config, 'x_encoder'), SIZES[1])
    _, ids, mask = graph_inputs(graph_spec(machine.config, 'predictor'), SIZES[1])
    features = backend.run('x_encoder', clips)
    assert isinstance(features, DeviceTensor)
    answers = backend.to_numpy(backend.run('predictor', features, ids, mask))
    expected = reference.run('predictor', reference.run('x_encoder', clips), ids, mask)
    assert least_cosine(answers, expected) > 0.999
    many = np.concatenate([clips] * 5)  # ten clips, and an engine takes eight
    cut = backend.to_numpy(backend.run('predictor', backend.run('x_encoder', many), ids, mask))
    np.testing.assert_allclose(cut, np.concatenate([answers] * 5), atol=2e-3)
    backend.close()
    backend.close()


def test_engines_that_were_built_ahead_of_time(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are taken by every GPU of their compute capability, and checked there."""
    options: dict[str, Any] = {'precision': 'fp16', 'device': 'auto', 'out': machine.cache}
    assert command.run(machine.folder, capabilities=['8.9'], **options) == 0
    builds = len(machine.builds)
    backend = machine.load('x_encoder', 'inverse')
    assert len(machine.builds) == builds
    assert sum(engine.runs for engine in machine.engines) == 4
    backend.close()
    pretend_gpu(monkeypatch, Gpu(0, 'NVIDIA GeForce RTX 3090', (8, 6)))
    with pytest.raises(EngineError, match='There is no engine of inverse'):
        machine.load()


@pytest.mark.filterwarnings('ignore:.*no-ops in TensorRT-RTX')
def test_as_tensorrt_does(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without compute capabilities, with a cache of timings, and with CUDA graphs of our own."""
    machine = Machine(folder, tmp_path, monkeypatch, rtx=False)
    backend = machine.load(build=True)
    (timings,) = tmp_path.glob('timings.*')
    assert (machine.options[0]['capability'], machine.options[0]['timings']) == (None, b'')
    for _ in range(3):
        backend.run('inverse', *(np.eye(2, 256, dtype=np.float32),) * 2)
    assert machine.memory.launches == 2
    backend.close()
    machine.load('transition', build=True).close()
    assert machine.options[1]['timings'], 'what the first build measured'
    timings.write_bytes(timings.read_bytes()[:-1])
    machine.load('x_encoder', build=True).close()
    assert machine.options[2]['timings'] == b''


def test_an_engine_is_built_only_when_asked(machine: Machine) -> None:
    with pytest.raises(
        EngineError, match=r'no engine of inverse in fp16 for cuda:0 \(NVIDIA'
    ) as error:
        machine.load()
    assert f'vljepa build-engine {machine.folder} --precision fp16' in str(error.value)
    assert machine.builds == []
    assert machine.memory.closed


@pytest.mark.parametrize('change', ['plan', 'graph', 'gpu', 'version'])
def test_what_differs_is_built_anew(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    machine.folder = shutil.copytree(machine.folder, tmp_path / 'checkpoint')
    machine.load(build=True).close()
    (path,) = machine.plans()
    if change == 'plan':
        data = path.read_bytes()
        path.write_bytes(data[: len(data) // 2])
    elif change == 'graph':
        with (machine.folder / graph_file('inverse', 'fp16')).open('ab') as file:
            file.write(b'\x1a\x00')  # an empty name of its producer's
    elif change == 'gpu':
        pretend_gpu(monkeypatch, Gpu(0, 'NVIDIA GeForce RTX 3090', (8, 6)))
    else:
        machine.library = replace(machine.library, version='1.7.2')
    with pytest.raises(EngineError, match='There is no engine of inverse'):
        machine.load()
    machine.load(build=True).close()
    assert len(machine.builds) == 2
    machine.load().close()
    assert len(machine.builds) == 2


def test_a_graph_of_other_weights_is_not_built(machine: Machine, tmp_path: Path) -> None:
    machine.folder = shutil.copytree(machine.folder, tmp_path / 'checkpoint')
    weights = machine.folder / weights_file('inverse')
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(CheckpointError, match=r'inverse.fp16.onnx was written for other weights'):
        machine.load(build=True)
    assert machine.builds == []


def test_wrong_answers(machine: Machine) -> None:
    """Neither a new engine nor a kept one is used when its answers are wrong."""
    machine.wrong = 0.1
    with pytest.raises(EngineError, match=r'inverse in fp16 gives other answers .* their cosine'):
        machine.load(build=True)
    assert machine.plans() == []
    machine.wrong = 0.0
    machine.load(build=True).close()
    machine.wrong = 0.1
    with pytest.raises(EngineError, match='There is no engine of inverse'):
        machine.load()
    assert machine.plans() == []
    assert 'is removed: The engine of inverse in fp16 gives other answers' in machine.said[-1]
    assert machine.memory.closed


def test_a_small_error_is_allowed_in_half_precision_only(machine: Machine) -> None:
    machine.wrong = 0.004  # of vectors of 256 numbers: a cosine of 0.998
    machine.load(build=True).close()
    with pytest.raises(EngineError, match='allowed is 0.999 or more'):
        machine.load(build=True, precision='fp32')


def test_answers_that_are_no_numbers(machine: Machine) -> None:
    machine.wrong = float('nan')
    with pytest.raises(EngineError, match='their cosine is 0.0000'):
        machine.load(build=True)


def test_a_plan_that_tensorrt_refuses_is_built_once_more(machine: Machine) -> None:
    machine.load(build=True).close()
    machine.built.clear()  # as after an update of the driver
    machine.load(build=True).close()
    assert len(machine.builds) == 2
    assert 'cannot load the engine of inverse: the plan has a wrong magic' in machine.said[-1]
    machine.refuse_all = True
    with pytest.raises(EngineError, match='cannot load the engine of inverse'):
        machine.load(build=True)
    assert len(machine.builds) == 3
    assert machine.plans() == []


def test_a_full_gpu_costs_no_plan(machine: Machine) -> None:
    machine.load(build=True).close()
    machine.enough_memory = False
    with pytest.raises(EngineError, match='The GPU cannot run inverse: OutOfMemory. Close other'):
        machine.load(build=True)
    assert len(machine.plans()) == len(machine.builds) == 1


def test_a_cache_that_cannot_be_written(machine: Machine) -> None:
    machine.cache.write_text('in the way')
    machine.load('inverse', 'transition', build=True).close()
    (sentence,) = machine.said
    assert 'built at each start' in sentence


def test_expected_answers_are_worked_out_once(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.load(build=True).close()
    expected = next(machine.cache.glob('*.expected'))
    with monkeypatch.context() as patch:
        patch.setattr(
            'vljepa_ros.inference.onnxruntime_backend.OnnxRuntimeBackend',
            lambda *arguments, **options: pytest.fail('worked out again'),
        )
        machine.load().close()
    expected.write_bytes(expected.read_bytes()[:-3])
    machine.load().close()
    assert parity.LEAST_COSINE == {'fp32': 0.999, 'fp16': 0.99, 'bf16': 0.99}


def test_without_the_reference(machine: Machine, tmp_path: Path) -> None:
    machine.folder = shutil.copytree(machine.folder, tmp_path / 'checkpoint')
    (machine.folder / graph_file('inverse', 'fp32')).unlink()
    with pytest.raises(CheckpointError, match='no graph inverse.fp32.onnx.* vljepa export'):
        machine.load(build=True)


def test_cancelled(machine: Machine) -> None:
    with pytest.raises(EngineError, match='inverse.fp16.onnx was cancelled'):
        machine.load(build=True, on_progress=lambda progress: progress.fraction < 0.2)
    assert machine.plans() == []


def test_load_engine(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a GPU the engines are taken where they are; what runs instead is said."""
    monkeypatch.setenv('VLJEPA_CACHE', str(machine.cache))
    machine.cache /= 'tensorrt'
    said: list[str] = []

    def load(**options: Any) -> Engine:
        said.clear()
        return load_engine(
            machine.folder, components=('inverse',), say=said.append, threads=1, **options
        )

    engine = load()
    assert engine.info.backend in ('onnxruntime', 'openvino')
    assert said[0].startswith('On the GPU tensorrt fp16 does not run the model: There is no engi')
    assert said[1].startswith('On the GPU torch fp32 does not run the model: ')
    with pytest.raises(EngineError, match='no engine of inverse in fp32 .* vljepa build-engine'):
        load(backend='tensorrt', precision='fp32')
    assert load(backend='onnxruntime', precision='fp32').info.device == 'cpu'
    assert said == []

    machine.load(build=True).close()
    engine = load()
    assert (engine.info.backend, engine.info.precision) == ('tensorrt', 'fp16')
    assert said == []
    states = np.eye(256, dtype=np.float32)[:2]
    expected = load(backend='onnxruntime', device='cpu').inverse(states, states[::-1])
    assert least_cosine(engine.inverse(states, states[::-1]), expected) > 0.999
    engine.close()
    assert load(device='cpu').info.device == 'cpu'

    def missing() -> Library:
        return load_library(['tensorrt'])

    monkeypatch.setattr(backend_module, 'load_library', missing)
    monkeypatch.setitem(sys.modules, 'tensorrt', None)
    assert load().info.device == 'cpu'
    assert 'needs TensorRT: tensorrt cannot be imported' in said[0]
    with pytest.raises(MissingDependencyError, match='needs TensorRT'):
        load(backend='tensorrt')
    with pytest.raises(ConfigurationError, match='PyTorch sees no CUDA device'):
        load(device='cuda')


@pytest.mark.parametrize('rtx', [True, False])
@pytest.mark.filterwarnings('ignore:.*no-ops in TensorRT-RTX')
def test_the_doctor_tries_the_engines(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rtx: bool
) -> None:
    monkeypatch.setenv('VLJEPA_CACHE', str(tmp_path))
    monkeypatch.setattr(gpu_run, 'COMPONENTS', ('x_encoder', 'predictor'))
    monkeypatch.setattr(gpu_run, 'ROUNDS', 3)
    machine = Machine(folder, tmp_path / 'tensorrt', monkeypatch, rtx=rtx)
    found = list(gpu_run.try_engines(str(folder), 'auto', 'fp16'))
    assert {finding.level for finding in found} == {Level.OK}
    texts = {finding.title: finding.text for finding in found}
    title = f'{folder} on the GPU'
    assert list(texts) == [
        *(title, 'x_encoder', 'predictor'),
        *(f'{title}, with CUDA graphs', f'{title}, without CUDA graphs'),
    ]
    assert texts[title].startswith('2 engines in fp16 on cuda:0 (NVIDIA GeForce RTX 4090), built')
    word, cosine, *_ = texts['predictor'].split()
    assert (word, float(cosine) > 0.999) == ('cosine', True)
    assert 'the first clip took' in texts[f'{title}, without CUDA graphs']
    assert [getattr(engine, 'records', False) for engine in machine.engines] == [
        *(rtx, rtx, False, False)
    ]
    assert machine.memory.launches == 0, 'those of the last backend'
    assert len(machine.plans()) == len(machine.builds) == 2
    machine.wrong = 0.1
    with pytest.raises(EngineError, match='gives other answers than the float32 graph'):
        list(gpu_run.try_engines(str(folder), 'auto', 'fp16'))


def test_warmup_builds_what_the_next_start_takes(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv('VLJEPA_CACHE', str(machine.cache))
    machine.cache /= 'tensorrt'
    monkeypatch.setattr(command, 'COMPONENTS', ('x_encoder', 'predictor'))
    warmup = ['warmup', str(machine.folder), '--threads', '1']
    # The other networks have no engines, so TensorRT cannot run the model as a whole.
    assert cli.main([*warmup, '--backend', 'tensorrt']) == 1
    assert 'There is no engine of y_encoder' in capsys.readouterr().err
    monkeypatch.setattr(command, 'COMPONENTS', COMPONENTS)
    assert cli.main(warmup) == 0
    printed = capsys.readouterr().out
    assert f'6 engines are in {machine.cache}' in printed
    assert 'runs on tensorrt fp16, cuda:0 (NVIDIA GeForce RTX 4090)' in printed
    assert len(machine.builds) == len(machine.plans()) == 6
    said: list[str] = []
    assert load_engine(machine.folder, say=said.append).info.backend == 'tensorrt'
    assert said == []
    machine.wrong = 0.1
    load_engine(machine.folder, say=said.append).close()
    assert 'A kept engine is not used, and is removed: The engine of ' in said[0]
    assert cli.main(warmup) == 0
    printed = capsys.readouterr().out
    assert re.search('They are left out: The engine of [a-z_]+ in fp16 gives other ans', printed)
    assert 'runs on tensorrt' not in printed
    assert cli.main([*warmup, '--backend', 'tensorrt']) == 1


@pytest.mark.parametrize(
    ('device', 'index'), [('auto', 0), ('cuda', 0), ('cuda:0', 0), ('cuda:1', 1)]
)
def test_devices(monkeypatch: pytest.MonkeyPatch, device: str, index: int) -> None:
    pretend_gpu(monkeypatch, PRETENDED, Gpu(1, 'other', (9, 0)))
    assert find_gpu(device).index == index


def test_no_such_device(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_gpu(monkeypatch)
    with pytest.raises(EngineError, match=r"no device 'cuda:3'; the driver sees cuda:0 \(NVIDIA"):
        find_gpu('cuda:3')


def test_without_a_gpu_no_object_of_tensorrt_is_made(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if cuda_driver().gpus:
        pytest.skip('there is a GPU')

    def never(*arguments: Any) -> Any:
        pytest.fail('touched without a driver')

    calls: list[tuple[Any, str, Callable[..., Any]]] = [
        (tensorrt_rtx, 'Runtime', never),
        (tensorrt_rtx, 'Builder', never),
        (backend_module, 'load_library', never),
    ]
    for owner, name, value in calls:
        monkeypatch.setattr(owner, name, value)
    with pytest.raises(
        EngineError, match='tensorrt backend needs an NVIDIA GPU, but no NVIDIA dr'
    ):
        TensorRTBackend(folder, load_config(folder), ('inverse',), build=True)
