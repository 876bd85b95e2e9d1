# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The `vljepa` command, as a user runs it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from untrained import build_untrained_checkpoint

from vljepa_ros import __version__, cli


def vljepa(*arguments: str, timeout_s: float = 240.0) -> subprocess.CompletedProcess[str]:
    """Run the command in its own process."""
    command = [sys.executable, '-m', 'vljepa_ros.cli', *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, check=False)


def test_version():
    assert vljepa('version').stdout == f'vljepa_ros {__version__}\n'


def test_the_version_needs_neither_ros_nor_torch():
    code = (
        'import sys; from vljepa_ros import cli; cli.main(["version"]); '
        'assert not {"rclpy", "torch", "cv2"} & set(sys.modules)'
    )
    subprocess.run([sys.executable, '-c', code], check=True)


@pytest.mark.parametrize(
    ('command', 'options'),
    [
        ('up', ['--image', '--rate-hz', '--params-file']),
        ('demo', ['--json', '--no-loop']),
        ('doctor', ['--model', '--gpu', '--json', '--backend', '--threads']),
        ('warmup', ['model', '--backend', '--device', '--precision', '--threads']),
    ],
)
def test_every_option_is_explained(command, options, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main([command, '--help'])
    assert ended.value.code == 0
    text = capsys.readouterr().out
    assert all(option in text for option in options)


@pytest.mark.parametrize(
    ('arguments', 'named'),
    [
        (['demo', '--video', '/nowhere.mp4'], "no video file or folder of images '/nowhere.mp4'"),
        (['demo', '--video', __file__], 'cannot be decoded as a video'),
        (['demo', '--video', __file__, '--rate', '-1'], 'allowed is 0'),
        (['up', '--rate-hz', 'fast'], "rate_hz is 'fast'; allowed is a number"),
    ],
)
def test_mistakes_are_one_sentence_and_status_1(arguments, named, capsys):
    assert cli.main(arguments) == 1
    error = capsys.readouterr().err
    assert error.startswith('vljepa: ')
    assert named in error
    assert len(error.splitlines()) == 1


def test_up_without_rviz_says_what_installs_it(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv('PATH', str(tmp_path))
    assert cli.main(['up', '--rviz', 'true']) == 1
    assert 'sudo apt install' in capsys.readouterr().err


@pytest.fixture(scope='module')
def files(tmp_path_factory) -> Path:
    pytest.importorskip('rclpy', reason='needs ROS 2: make test, or source an installation')
    pytest.importorskip('torch', reason='the nodes need PyTorch')
    from ros_graph import write_video

    folder = tmp_path_factory.mktemp('cli')
    build_untrained_checkpoint(folder / 'model')
    write_video(folder / 'video.mp4', scenes=[0, 1], frames=60)
    return folder


def demo_arguments(files: Path, out: Path) -> list[str]:
    return [
        *('demo', '--video', str(files / 'video.mp4'), '--model', str(files / 'model')),
        *('--json', str(out)),
    ]


@pytest.mark.ros
@pytest.mark.slow
def test_the_demo_ends_with_the_video(files, tmp_path, domain_id):
    out = tmp_path / 'new' / 'out.json'
    result = vljepa(*demo_arguments(files, out), '--no-loop')
    assert result.returncode == 0, result.stderr
    assert 'Traceback' not in result.stderr
    record = json.loads(out.read_text(encoding='utf-8'))
    phases = [event['phase'] for event in record['events']]
    assert phases[0] == 'STARTED'
    assert phases[-1] == 'ENDED'
    assert len(phases) % 2 == 0
    for event in record['events']:
        assert set(event) >= {'stamp', 'camera', 'phase', 'text', 'score'}
        assert abs(event['stamp'] - time.time()) < 600.0
        assert -0.1 <= event['start_s'] <= event['end_s'] <= 4.1
    metrics = record['metrics']
    assert set(metrics) == {
        *('frames_in', 'frames_dropped', 'embeddings', 'decodes'),
        *('latency_p50_ms', 'latency_p99_ms', 'events'),
    }
    assert metrics['decodes'] == len(phases)
    assert metrics['embeddings'] > 0
    assert 0 < metrics['frames_in'] <= record['frames_published'] == 120
    assert 0.0 < metrics['latency_p50_ms'] <= metrics['latency_p99_ms']
    lines = result.stdout.splitlines()
    assert lines[0].startswith(f'ROS_DOMAIN_ID={domain_id}, video ')
    assert sum(' STARTED ' in line or ' ENDED ' in line for line in lines) == len(phases)
    assert lines[-1].startswith(f'{len(phases) // 2} events, {len(phases)} decodes, ')


@pytest.mark.ros
@pytest.mark.slow
def test_an_interrupted_demo_still_reports(files, tmp_path, domain_id):
    out = tmp_path / 'out.json'
    command = [sys.executable, '-m', 'vljepa_ros.cli', *demo_arguments(files, out)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ)
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if 'STARTED' in line:
                break
        process.send_signal(signal.SIGINT)
        try:
            rest, errors = process.communicate(timeout=120)
        finally:
            process.kill()
    assert process.returncode == 0, errors
    assert 'Traceback' not in errors
    assert 'ENDED' in rest
    assert json.loads(out.read_text(encoding='utf-8'))['events']


@pytest.mark.ros
@pytest.mark.slow
def test_a_demo_without_a_model_says_so(files, tmp_path, domain_id):
    result = vljepa('demo', '--video', str(files / 'video.mp4'), '--model', str(tmp_path / 'no'))
    assert result.returncode == 1
    assert 'The node perception did not start: No model' in result.stderr
