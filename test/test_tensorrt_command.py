# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`vljepa build-engine`, as a user runs it: with tensorrt_rtx it really builds."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

pytest.importorskip('torch')
pytest.importorskip('onnxscript')
pytest.importorskip('tensorrt_rtx', reason='pip install tensorrt-rtx')

from tensorrt_checkpoint import with_half_precision  # noqa: E402

from vljepa_ros import cli  # noqa: E402
from vljepa_ros.inference.cuda_driver import cuda_driver  # noqa: E402
from vljepa_ros.inference.tensorrt.command import Display  # noqa: E402
from vljepa_ros.inference.tensorrt.progress import BuildProgress  # noqa: E402
from vljepa_ros.model.components import COMPONENTS  # noqa: E402


@pytest.fixture(scope='module')
def folder(checkpoint_with_graphs: Path) -> Path:
    return with_half_precision(checkpoint_with_graphs)


def test_ahead_of_time(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ['build-engine', str(folder), '--out', str(tmp_path), '--compute-capability', '8.9']
    assert cli.main(command) == 0
    printed = capsys.readouterr().out
    plans = sorted(path.name for path in tmp_path.iterdir())
    assert [name.split('.')[:2] for name in plans] == [
        [name, 'fp16'] for name in sorted(COMPONENTS)
    ]
    assert all(f'{name} for compute capability 8.9' in printed for name in plans)
    assert 'x_encoder: 100 % built' in printed
    assert f'6 engines are in {tmp_path}' in printed
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    assert cli.main([*command, '8.6']) == 0
    printed = capsys.readouterr().out
    assert all(f'{name} is there' in printed for name in plans)
    assert f'12 engines are in {tmp_path}' in printed
    assert all(path.read_bytes() == content for path, content in before.items())
    assert len(list(tmp_path.iterdir())) == 12


def test_engines_for_others_are_not_bounded(folder: Path, tmp_path: Path) -> None:
    for number in range(12):
        (tmp_path / f'inverse.fp16.{number}.plan').touch()
    command = ['build-engine', str(folder), '--out', str(tmp_path), '--compute-capability', '7.5']
    assert cli.main(command) == 0
    assert len(list(tmp_path.glob('inverse.*'))) == 13


@pytest.mark.parametrize(
    ('options', 'named'),
    [
        (['--compute-capability', '8.7'], 'for compute capability 8.7; allowed are 7.5, 8.0'),
        (['--compute-capability', '8.9', 'sm_89'], "'sm_89'; allowed are two numbers as '8.9'"),
        (['--compute-capability', '8.9', '--precision', 'bf16'], 'vljepa export'),
        (['--compute-capability', '8.9', '--out', __file__], 'cannot be written'),
    ],
)
def test_mistakes(
    folder: Path, options: list[str], named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(['build-engine', str(folder), *options]) == 1
    error = capsys.readouterr().err
    assert error.startswith('vljepa: ')
    assert named in error
    assert len(error.splitlines()) == 1


@pytest.mark.skipif(bool(cuda_driver().gpus), reason='there is a GPU')
def test_without_a_gpu_it_says_what_works(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(['build-engine', str(folder)]) == 1
    error = capsys.readouterr().err
    assert 'no NVIDIA driver is installed' in error
    assert f'vljepa build-engine {folder} --compute-capability 8.9' in error


def test_stopped(
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def interrupt(display: Display, progress: BuildProgress) -> None:
        if progress.component == 'predictor' and progress.fraction > 0.3:
            raise KeyboardInterrupt

    monkeypatch.setattr(Display, '__call__', interrupt)
    command = ['build-engine', str(folder), '--out', str(tmp_path), '--compute-capability', '8.9']
    assert cli.main(command) == 130
    assert 'stopped; the engines that were done are kept' in capsys.readouterr().out
    assert [path.name.split('.')[0] for path in tmp_path.iterdir()] == ['x_encoder']


def test_display(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    reports = [BuildProgress('x', 0.0, None), BuildProgress('x', 0.5, 7.4)]
    display = Display()
    for report in reports:
        display(report)
    assert capsys.readouterr().out == ''
    display._shown -= 11.0
    display(reports[1])
    display(BuildProgress('x', 1.0, 0.0))
    assert capsys.readouterr().out == 'x: 50 % built, about 7 s left\nx: 100 % built\n'
    monkeypatch.setattr(sys.stdout, 'isatty', lambda: True, raising=False)
    display = Display()
    display._shown -= 1.0
    display(reports[0])
    assert capsys.readouterr().out == '\r\x1b[Kx: 0 % built'
