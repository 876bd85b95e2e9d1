# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`vljepa doctor`: what it finds on this machine, and where something is broken."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable, Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from full_disk import files_of_at_most
from tensorrt_checkpoint import PRETENDED

from vljepa_ros import cli
from vljepa_ros.doctor import backends, cache, gpu, libraries, models, processor, ros, transport
from vljepa_ros.doctor.child import in_child
from vljepa_ros.doctor.findings import Finding, Level, note, ok
from vljepa_ros.doctor.models import RunOptions
from vljepa_ros.doctor.runner import Area, run_areas
from vljepa_ros.inference.cuda_driver import CudaDriver, cuda_driver
from vljepa_ros.inference.graphs import graph_file
from vljepa_ros.model.checkpoint_folder import CONFIG_FILE, tokenizer_file, weights_file
from vljepa_ros.model.phrases import PHRASES_FILE
from vljepa_ros.process_environment import TRANSPORT_VARIABLE

ROOT = Path(__file__).resolve().parents[1]
VARIABLE = TRANSPORT_VARIABLE
AREAS = [
    *('Installation', 'ROS 2', 'Images', 'Processor', 'GPU', 'Backends'),
    *('Memory and recordings', 'Cache', 'Models'),
]
GPU_IS_THERE = bool(cuda_driver().gpus)


def vljepa(
    *arguments: str, python: Path | str = sys.executable, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run the command in its own process."""
    return subprocess.run(
        [str(python), '-m', 'vljepa_ros.cli', *arguments],
        capture_output=True,
        text=True,
        timeout=900,
        env={**os.environ, **environment},
        check=False,
    )


def one(findings: Iterable[Finding]) -> Finding:
    """Return the only finding."""
    (found,) = findings
    return found


def worst(findings: Iterable[Finding], title: str = '') -> Finding:
    """Return the worst finding whose title ends like this."""
    levels = list(Level)
    chosen = [finding for finding in findings if finding.title.endswith(title)]
    return max(chosen, key=lambda finding: levels.index(finding.level))


@pytest.fixture
def own_modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Put modules in front of those that are installed, for child processes too."""
    folder = tmp_path / 'modules'
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)

    def write(name: str, code: str) -> None:
        (folder / f'{name}.py').write_text(code)

    return write


# The whole command.


@pytest.mark.ros
@pytest.mark.slow
def test_on_this_machine(checkpoint_with_graphs: Path, tmp_path: Path, domain_id: int) -> None:
    pytest.importorskip('rclpy', reason='needs ROS 2: make test, or source an installation')
    out = tmp_path / 'new' / 'findings.json'
    model = str(checkpoint_with_graphs)
    result = vljepa('doctor', '--model', model, '--threads', '1', '--json', str(out))
    assert 'Traceback' not in result.stdout + result.stderr
    record = json.loads(out.read_text(encoding='utf-8'))
    assert [area['title'] for area in record['areas']] == AREAS
    findings = [finding for area in record['areas'] for finding in area['findings']]
    lines = result.stdout.splitlines()
    for finding in findings:
        assert f'  {finding["level"]:<4}  {finding["title"]}: {finding["text"]}' in lines
        assert finding['text']
    levels = [finding['level'] for finding in findings]
    assert record['counts'] == {level.value: levels.count(level.value) for level in Level}
    assert lines[-1].endswith(', '.join(f'{n} {name}' for name, n in record['counts'].items()))
    assert result.returncode == (1 if 'FAIL' in levels else 0)
    named = {finding['title']: finding for finding in findings}
    for title in ('ROS 2', 'Messages and services', 'ROS_DOMAIN_ID', 'onnxruntime', 'cv2'):
        assert named[title]['level'] == 'OK', named[title]
    for title in ('lancedb', 'rosbags', 'mcap'):
        assert (named[title]['level'] == 'OK') == (importlib.util.find_spec(title) is not None)
    for title in ('weights', 'tokenizers', 'graphs', 'runs'):
        assert named[f'{model} {title}']['level'] == 'OK', named[f'{model} {title}']
    assert named['ROS_DOMAIN_ID']['text'] == str(domain_id)
    assert 'images of 1920×1080 arrived' in named[f'{transport.IMAGES}, reliable']['text']
    assert '1 threads: the first clip took' in named[f'{model} runs']['text']


@pytest.fixture(scope='module')
def bare_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the Python of an environment that has NumPy and nothing else."""
    folder = tmp_path_factory.mktemp('bare')
    venv.create(folder, with_pip=False, symlinks=True)
    (packages,) = folder.glob('lib/python*/site-packages')
    numpy = Path(np.__file__).parent
    for path in (numpy, numpy.with_name('numpy.libs')):
        if path.is_dir():
            (packages / path.name).symlink_to(path)
    return folder / 'bin' / 'python'


@pytest.mark.slow
def test_without_ros_and_without_any_backend(bare_python: Path, tmp_path: Path) -> None:
    out = tmp_path / 'findings.json'
    result = vljepa('doctor', '--json', str(out), python=bare_python, PYTHONPATH=str(ROOT))
    assert result.returncode == 1
    assert 'Traceback' not in result.stdout + result.stderr
    found = {
        finding['title']: finding
        for area in json.loads(out.read_text(encoding='utf-8'))['areas']
        for finding in area['findings']
    }
    expected = {
        'Python': ('OK', ''),
        'Messages and services': ('NOTE', 'they need ROS 2'),
        'ROS 2': ('WARN', 'no module rclpy'),
        transport.IMAGES: ('NOTE', 'it needs ROS 2'),
        'cv2': ('FAIL', 'Not installed'),
        'Unusual encodings': ('NOTE', 'it needs ROS 2'),
        'tokenizers': ('FAIL', 'Not installed'),
        'onnxruntime': ('NOTE', 'Not installed'),
        'torch': ('NOTE', 'Not installed'),
        'Backends': ('FAIL', 'Nothing here runs the model'),
        'Cache folder': ('OK', 'can be written'),
        'tiny tokenizers': ('FAIL', 'tokenizers'),
        'tiny runs': ('NOTE', 'Not tried'),
    }
    for title, (level, text) in expected.items():
        assert (found[title]['level'], text in found[title]['text']) == (level, True), found[title]
    for title in ('cv2', 'tokenizers', 'onnxruntime', 'openvino', 'torch', 'Backends'):
        assert 'pip install' in found[title]['advice']


@pytest.mark.skipif(GPU_IS_THERE, reason='there is a GPU')
def test_the_gpu_alone_where_there_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(['doctor', '--gpu']) == 1
    printed = capsys.readouterr().out
    assert 'FAIL  GPU: There is none that can be used: no NVIDIA driver is installed' in printed
    assert 'TensorRT engines' not in printed
    assert printed.splitlines()[-1].startswith('Something is broken: ')


def test_the_file_is_tried_first(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(['doctor', '--json', f'{__file__}/findings.json']) == 1
    assert capsys.readouterr().err.startswith('vljepa: --json: ')


# Checks do not end each other.


def raises() -> Iterator[Finding]:
    yield note('first', 'is said')
    raise ZeroDivisionError('division\nby zero')


def dies() -> Iterator[Finding]:
    yield note('first', 'is said')
    print('Illegal instruction, said the library', file=sys.stderr)
    os.abort()


def hangs() -> Iterator[Finding]:
    yield note('first', 'is said')
    subprocess.run(['sleep', '1000'], check=False)


def ends(status: int) -> Iterator[Finding]:
    yield note('first', 'is said')
    sys.exit(status)


@pytest.mark.parametrize(
    ('check', 'arguments', 'text'),
    [
        (raises, (), 'ZeroDivisionError: division by zero'),
        (dies, (), 'was ended by SIGABRT: Illegal instruction, said the library'),
        (hangs, (), 'It took longer than 3 s and was ended'),
        (ends, (5,), 'ended with status 5'),
    ],
)
def test_a_check_that_fails(check: Any, arguments: tuple[int, ...], text: str) -> None:
    first, second = in_child('a check', check, *arguments, timeout_s=3.0 if check is hangs else 60)
    assert first == note('first', 'is said')
    assert (second.level, second.title) == (Level.FAIL, 'a check')
    assert text in second.text


def test_an_area_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    found = run_areas([Area('area', (('one', raises), ('two', lambda: [ok('two', 'is well')])))])
    assert [finding.title for finding in found['area']] == ['first', 'one', 'two']
    assert capsys.readouterr().out.splitlines() == [
        'area',
        '  NOTE  first: is said',
        '  FAIL  one: ZeroDivisionError: division by zero',
        '  OK    two: is well',
        '',
    ]


# Libraries.


@pytest.mark.parametrize(
    ('code', 'level', 'text'),
    [
        (None, Level.NOTE, 'Not installed; runs it'),
        ("raise ImportError('libown.so.1: cannot open')", Level.WARN, 'libown.so.1: cannot open'),
        ("raise OSError('static TLS')", Level.WARN, 'OSError: static TLS'),
        ('', Level.WARN, "no attribute 'Session'"),
        ('import os; os.abort()', Level.FAIL, 'was ended by SIGABRT'),
        ("class Session: pass\n__version__ = '1.2-build'", Level.OK, '1.2'),
    ],
)
def test_a_library(
    own_modules: Callable[[str, str], None], code: str | None, level: Level, text: str
) -> None:
    if code is not None:
        own_modules('own_library', code)
    found = one(libraries.library('own_library', 'Session', 'pip install own', why='runs it'))
    assert (found.level, found.title) == (level, 'own_library')
    assert text in found.text
    assert ('pip install' in found.advice) == (level in (Level.NOTE, Level.WARN))


def test_broken_ros(own_modules: Callable[[str, str], None]) -> None:
    own_modules('rclpy', "raise ImportError('_rclpy_pybind11: built for another Python')")
    found = one(ros.ros())
    assert found.level is Level.FAIL
    assert 'built for another Python' in found.text
    assert 'ROS 2 needs the one that it was built for' in found.advice


@pytest.mark.ros
def test_a_middleware_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip('rclpy', reason='needs ROS 2: make test, or source an installation')
    monkeypatch.setenv('RMW_IMPLEMENTATION', 'rmw_of_nobody_cpp')
    found = one(ros.ros())
    assert found.level is Level.FAIL
    assert 'with RMW_IMPLEMENTATION=rmw_of_nobody_cpp' in found.text
    assert 'unset it' in found.advice


def test_a_pytorch_that_does_not_use_the_gpu(own_modules: Callable[[str, str], None]) -> None:
    own_modules(
        'torch', "class cuda:\n  is_available = staticmethod(bool)\n__version__ = '2.9+cpu'"
    )
    found = one(in_child('torch', backends.load_torch, True))
    assert (found.level, found.text) == (Level.WARN, '2.9+cpu, which does not use the GPU')


# The environment.


@pytest.mark.parametrize(
    ('check', 'variables', 'level', 'text'),
    [
        (ros.domain, {}, Level.NOTE, 'domain 0'),
        (ros.domain, {'ROS_DOMAIN_ID': '42'}, Level.OK, '42'),
        (ros.domain, {'ROS_DOMAIN_ID': '102'}, Level.WARN, 'ports'),
        (ros.domain, {'ROS_DOMAIN_ID': '233'}, Level.FAIL, "'233' is no domain"),
        (ros.domain, {'ROS_DOMAIN_ID': 'one'}, Level.FAIL, "'one' is no domain"),
        (ros.discovery, {}, Level.OK, 'not limited'),
        (ros.discovery, {'ROS_LOCALHOST_ONLY': '1'}, Level.NOTE, 'no other machine'),
        (ros.discovery, {'ROS_LOCALHOST_ONLY': '0'}, Level.OK, 'not limited'),
        (
            ros.discovery,
            {'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST'},
            Level.NOTE,
            'no other machine',
        ),
        (ros.discovery, {'ROS_AUTOMATIC_DISCOVERY_RANGE': 'OFF'}, Level.WARN, 'do not find'),
        (
            ros.discovery,
            {'ROS_AUTOMATIC_DISCOVERY_RANGE': 'OFF', 'ROS_STATIC_PEERS': '10.0.0.2'},
            Level.OK,
            'OFF',
        ),
        (ros.discovery, {'ROS_AUTOMATIC_DISCOVERY_RANGE': 'ALL'}, Level.WARN, "'ALL'"),
        (ros.transport, {}, Level.OK, 'for themselves to UDPv4?'),
        (ros.transport, {'ROS_DISTRO': 'humble'}, Level.OK, 'the nodes leave it'),
        (ros.transport, {VARIABLE: 'LARGE_DATA'}, Level.NOTE, 'neither hears them nor is heard'),
        (ros.transport, {VARIABLE: 'UDPv4'}, Level.NOTE, 'chosen by you'),
        (processor.waiting, {}, Level.OK, 'PASSIVE'),
        (processor.waiting, {'OMP_WAIT_POLICY': 'passive'}, Level.OK, 'passive'),
        (processor.waiting, {'OMP_WAIT_POLICY': 'ACTIVE'}, Level.WARN, 'spin'),
    ],
)
def test_variables(
    monkeypatch: pytest.MonkeyPatch,
    check: Callable[[], Iterable[Finding]],
    variables: dict[str, str],
    level: Level,
    text: str,
) -> None:
    for name in (
        *('ROS_DOMAIN_ID', 'ROS_LOCALHOST_ONLY', 'ROS_AUTOMATIC_DISCOVERY_RANGE'),
        *('ROS_STATIC_PEERS', 'FASTDDS_BUILTIN_TRANSPORTS', 'OMP_WAIT_POLICY', 'ROS_DISTRO'),
    ):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    found = one(check())
    assert found.level is level
    assert text in found.text
    assert bool(found.advice) or level in (Level.OK, Level.NOTE)


@pytest.mark.parametrize(
    ('quota', 'level'),
    [('150000 100000', None), ('50000 100000', Level.WARN), ('max 100000', Level.OK), ('', None)],
)
def test_a_container_with_less_time(tmp_path: Path, quota: str, level: Level | None) -> None:
    file = tmp_path / 'cpu.max'
    file.write_text(quota)
    found = one(processor.cores(quota_file=file))
    if level is not None:
        assert found.level is level
    if level is Level.WARN:
        assert 'gets the time of 0.5 cores only' in found.text
        assert found.advice.startswith('Set threads to 1')


@pytest.mark.parametrize(
    ('line', 'level', 'text'),
    [
        ('flags\t\t: fpu avx512_bf16 amx_bf16', Level.OK, 'Own has amx_bf16, avx512_bf16'),
        ('flags\t\t: fpu avx2', Level.NOTE, 'Own does not multiply in bfloat16'),
        ('Features\t: fp asimd bf16', Level.OK, 'Own has bf16'),
    ],
)
def test_bf16(tmp_path: Path, line: str, level: Level, text: str) -> None:
    file = tmp_path / 'cpuinfo'
    file.write_text(f'processor\t: 0\nmodel name\t: Own\n{line}\n\n')
    found = one(processor.bf16(processor_file=file))
    assert found.level is level
    assert found.text.startswith(text)


def test_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    if not GPU_IS_THERE:
        assert one(gpu.gpus()).level is Level.NOTE
        assert one(gpu.gpus(wanted=True)).level is Level.FAIL
    monkeypatch.setattr(gpu, 'cuda_driver', lambda: CudaDriver((PRETENDED,), cuda=(13, 0)))
    found = one(gpu.gpus(wanted=True))
    assert found == ok(
        'cuda:0',
        'NVIDIA GeForce RTX 4090, compute capability 8.9, 0.0 GiB, driver for CUDA 13.0',
    )


# The cache.


def test_a_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / 'new' / 'cache'
    monkeypatch.setenv('VLJEPA_CACHE', str(folder))
    assert one(cache.space()).text.endswith(f'on the disk of {folder}')
    assert 'It holds 0 choices of a backend and 0 TensorRT engines' in one(cache.writable()).text
    (folder / 'tensorrt').mkdir()
    (folder / 'tensorrt' / 'x_encoder.fp16.1.plan').write_bytes(bytes(2_000_000))
    (folder / 'choice-1.json').write_text('{}')
    found = one(cache.writable())
    assert found.level is Level.OK
    assert 'It holds 1 choices of a backend and 1 TensorRT engines (2.0 MB)' in found.text


@pytest.mark.skipif(sys.platform != 'linux', reason='limits the size of files')
def test_a_cache_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('VLJEPA_CACHE', str(tmp_path / 'cache'))
    with files_of_at_most(2):
        full = one(cache.writable())
    assert [*(tmp_path / 'cache').iterdir()] == []
    monkeypatch.setenv('VLJEPA_CACHE', __file__)
    in_the_way = one(cache.writable())
    for found in (full, in_the_way):
        assert found.level is Level.WARN
        assert 'each start measures anew' in found.text
        assert 'VLJEPA_CACHE' in found.advice
    assert one(cache.space()).level in (Level.OK, Level.WARN)


# Models.


@pytest.fixture
def checkpoint(checkpoint_with_graphs: Path, tmp_path: Path) -> Path:
    return shutil.copytree(checkpoint_with_graphs, tmp_path / 'checkpoint')


def cut(name: str) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        path = folder / name
        path.write_bytes(path.read_bytes()[:-100])

    return damage


def remove(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def without_graphs(folder: Path) -> None:
    for path in folder.glob('*.onnx'):
        path.unlink()


def exchange_graphs(folder: Path) -> None:
    shutil.copy(folder / graph_file('inverse', 'fp32'), folder / graph_file('predictor', 'fp32'))


@pytest.mark.parametrize(
    ('damage', 'title', 'level', 'text'),
    [
        (lambda folder: None, '', Level.NOTE, 'None: texts are written by the Y-Decoder'),
        (remove(graph_file('y_decoder', 'fp32')), 'graphs', Level.WARN, 'without y_decoder'),
        (without_graphs, 'graphs', Level.WARN, 'None: only PyTorch runs the model'),
        (exchange_graphs, 'graphs', Level.FAIL, 'was written for other weights'),
        (cut(weights_file('x_encoder')), 'weights', Level.FAIL, 'x_encoder.safetensors is trunc'),
        (remove(weights_file('inverse')), 'weights', Level.FAIL, 'inverse.safetensors is missing'),
        (remove(tokenizer_file('predictor')), 'tokenizers', Level.FAIL, 'predictor.tokenizer'),
        (cut(tokenizer_file('y_encoder')), 'tokenizers', Level.FAIL, 'not a readable tokenizer'),
        (
            lambda folder: (folder / PHRASES_FILE).write_bytes(b'no bank'),
            'phrase bank',
            Level.FAIL,
            'phrases.safetensors is damaged',
        ),
    ],
    ids=[
        *('whole', 'a graph', 'all graphs', 'exchanged graphs', 'cut weights', 'no weights'),
        *('no tokenizer', 'cut tokenizer', 'damaged phrases'),
    ],
)
def test_a_model(
    checkpoint: Path, damage: Callable[[Path], None], title: str, level: Level, text: str
) -> None:
    damage(checkpoint)
    found = worst(models.files(str(checkpoint)), title)
    assert found.level is level
    assert text in found.text
    if level is Level.WARN:
        assert f'vljepa export {checkpoint}' in found.advice


@pytest.mark.parametrize(
    ('damage', 'text'),
    [
        (cut(CONFIG_FILE), 'is not a valid configuration'),
        (shutil.rmtree, 'No model'),
        (cut(weights_file('y_decoder')), 'y_decoder.safetensors is truncated'),
    ],
)
def test_a_broken_model_is_not_run(
    checkpoint: Path, damage: Callable[[Path], None], text: str
) -> None:
    damage(checkpoint)
    found = list(models.model(str(checkpoint), RunOptions()))
    assert text in worst(found).text
    assert found[-1] == note(f'{checkpoint} runs', 'Not tried: its files are broken')


@pytest.mark.parametrize(
    ('options', 'text'),
    [
        ({'backend': 'onnxruntime', 'threads': 1}, 'on onnxruntime fp32, cpu, 1 threads: the fir'),
        ({'backend': 'openvino', 'precision': 'fp16'}, "does not run in precision 'fp16'"),
    ],
)
def test_a_model_runs_as_asked(checkpoint: Path, options: dict[str, Any], text: str) -> None:
    pytest.importorskip('onnxruntime')
    found = list(models.model(str(checkpoint), RunOptions(device='cpu', **options)))
    assert text in found[-1].text
    assert (found[-1].level is Level.OK) == ('threads' in options)


def test_which_models() -> None:
    assert 'tiny' in models.model_names([])
    assert models.model_names(['one', 'two']) == ['one', 'two']
    assert one(models.no_model()).level is Level.WARN


# Images from process to process.


@pytest.mark.ros
@pytest.mark.slow
@pytest.mark.skipif(find_spec('rclpy') is None, reason='needs ROS 2')
def test_images_between_processes(domain_id: int, monkeypatch: pytest.MonkeyPatch) -> None:
    from vljepa_ros.errors import ServiceError
    from vljepa_ros.nodes import transport_check
    from vljepa_ros.process_environment import missing_environment

    shell = dict(os.environ)  # of a driver that knows nothing of these nodes
    for name, value in missing_environment().items():
        monkeypatch.setenv(name, value)
    found = transport_check.receive(environment=shell, timeout_s=60.0, reliable=True, count=3)
    assert found.sent == 3
    assert 1 <= len(found.latencies_ms) <= 3
    assert found.median_ms > 0.0
    other = {**shell, 'ROS_DOMAIN_ID': str(domain_id % 101 + 1)}
    with pytest.raises(ServiceError, match='the two did not find each other'):
        transport_check.receive(environment=other, timeout_s=60.0, reliable=True)
    broken = {**shell, 'RMW_IMPLEMENTATION': 'rmw_of_nobody_cpp'}
    with pytest.raises(ServiceError, match='rmw_of_nobody_cpp'):
        transport_check.receive(environment=broken, timeout_s=60.0, reliable=False)
