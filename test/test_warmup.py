# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`vljepa warmup`: what the first start would do is done, and the next start finds it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip('torch')
pytest.importorskip('onnxscript')
pytest.importorskip('onnxruntime')

from vljepa_ros import cli  # noqa: E402
from vljepa_ros.inference import load_engine  # noqa: E402


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / 'cache'
    monkeypatch.setenv('VLJEPA_CACHE', str(path))
    return path


def test_the_next_start_measures_nothing(
    checkpoint_with_graphs: Path, cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = str(checkpoint_with_graphs)
    options = ['--threads', '1', '--device', 'cpu']
    result = subprocess.run(
        [sys.executable, '-m', 'vljepa_ros.cli', 'warmup', folder, *options],
        capture_output=True,
        text=True,
        timeout=900,
        env=dict(os.environ),
        check=False,
    )
    assert (result.returncode, result.stderr) == (0, '')
    lines = result.stdout.splitlines()
    (kept,) = cache.iterdir()
    assert lines[0] == f'Model {folder}'
    assert lines[1].startswith('Measured once for this machine and model: onnxruntime fp32 ')
    assert lines[-1] == f'Kept for the next start: {kept.name} in {cache}'
    said: list[str] = []
    engine = load_engine(folder, device='cpu', threads=1, say=said.append)
    assert said == []
    info = engine.info
    runs = f'{engine.model_id} runs on {info.backend} {info.precision}, cpu, 1 threads'
    assert runs in lines
    assert any('he first clip took ' in line for line in lines)
    assert cli.main(['warmup', folder, *options]) == 0
    printed = capsys.readouterr().out
    assert runs in printed
    assert f'Nothing had to be measured; what was measured before is in {cache}' in printed


@pytest.mark.parametrize(
    ('options', 'named'),
    [
        (['nothing'], "No model 'nothing'"),
        (['tiny', '--backend', 'tensorrt', '--device', 'cpu'], "'tensorrt' does not run"),
        (['tiny', '--device', 'cuda:99'], 'cuda:99'),
    ],
)
def test_mistakes(options: list[str], named: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(['warmup', *options]) == 1
    error = capsys.readouterr().err
    assert error.startswith('vljepa: ')
    assert named in error


def test_nothing_can_be_kept(
    checkpoint_with_graphs: Path, cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cache.write_text('in the way')
    command = ['warmup', str(checkpoint_with_graphs), '--device', 'cpu', '--threads', '1']
    assert cli.main(command) == 1
    printed = capsys.readouterr().out
    assert 'the first clip took' in printed.lower()
    assert f'Nothing can be kept for the next start in {cache}: ' in printed.splitlines()[-1]
