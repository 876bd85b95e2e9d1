# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`vljepa bench engines` measures real engines in real processes, in turns."""

from __future__ import annotations

import functools
import json
import time
from pathlib import Path

import pytest

pytest.importorskip('torch', reason='the engines are compared with PyTorch: make setup')
pytest.importorskip(
    'transformers', reason="they are compared with: pip install 'transformers>=5.23'"
)

from benchmarks.alternation import alternate, median_ratio
from benchmarks.load import busy_cores, cpu_seconds
from vljepa_ros import cli


def test_everyone_has_a_turn_in_each_round_and_begins_one():
    order: list[str] = []

    def turn(name: str) -> int:
        order.append(name)
        return len(order)

    samples = alternate({name: functools.partial(turn, name) for name in 'abc'}, rounds=3)
    assert ''.join(order) == 'abc' + 'bca' + 'cab'
    assert samples == {'a': [1, 6, 8], 'b': [2, 4, 9], 'c': [3, 5, 7]}


def test_a_slow_moment_of_both_does_not_change_their_ratio():
    assert median_ratio([10.0, 40.0, 10.0], [5.0, 20.0, 5.0]) == 2.0


def test_busy_processes_compute_only_when_told_and_end():
    with busy_cores(1) as cores:
        (child,) = cores._children
        cores.run()
        before_s = cpu_seconds(child.pid)
        while cpu_seconds(child.pid) < before_s + 0.05:
            time.sleep(0.01)
        cores.pause()
        while ') T ' not in Path(f'/proc/{child.pid}/stat').read_text():  # stopped
            time.sleep(0.01)
    assert child.poll() is not None


@pytest.mark.slow
def test_backends_stand_beside_transformers(checkpoint_with_graphs, tmp_path, capsys):
    out = tmp_path / 'engines.json'
    arguments = ['--model', str(checkpoint_with_graphs), '--backend', 'torch', 'onnxruntime']
    arguments += ['--rounds', '2', '--threads', '1', '--quick', '--json', str(out)]
    assert cli.main(['bench', 'engines', *arguments]) == 0
    results = json.loads(out.read_text(encoding='utf-8'))
    metrics, raw = results['metrics'], results['raw']
    assert results['suite'] == 'engines'
    for choice in ('torch-fp32', 'onnxruntime-fp32'):
        name = f'engines.tiny.{choice}'
        assert metrics[f'{name}.cosine'] == pytest.approx(1.0, abs=1e-4)
        assert metrics[f'{name}.token_cosine'] == pytest.approx(1.0, abs=1e-4)
        assert len(raw[f'{name}.cosine']) == 6  # four clips of the sample, two of noise
        for part in ('speedup', 'x_encoder_speedup', 'predictor_speedup', 'batch_speedup'):
            assert metrics[f'{name}.{part}'] > 0.0
        own, theirs = (
            raw[f'engines.tiny.{item}.latency_ms'] for item in (choice, 'transformers-fp32')
        )
        assert len(own) == len(theirs) == 2
        ratios = [one / other for one, other in zip(theirs, own, strict=True)]
        assert metrics[f'{name}.speedup'] == pytest.approx(sum(ratios) / 2, rel=1e-3)
        assert metrics[f'{name}.peak_rss_mb'] > 50.0
        assert metrics[f'{name}.first_call_ms'] > 0.0
    for backend in ('torch', 'onnxruntime'):
        assert metrics[f'engines.tiny.{backend}.cosine'] > 0.999
    # What auto takes is measured, or it is said that it is not.
    chosen = results['settings']['chosen']['tiny']
    if f'engines.tiny.{chosen}.speedup' in metrics:
        assert metrics['engines.tiny.speedup'] == metrics[f'engines.tiny.{chosen}.speedup']
    else:
        assert any('--backend leaves out' in note for note in results['notes'])
    assert results['settings']['models'] == {'tiny': results['settings']['models']['tiny']}
    assert 'engines.tiny.torch-fp32.speedup' in capsys.readouterr().out


@pytest.mark.parametrize(
    ('arguments', 'named'),
    [
        (['engines', '--model', '/no/model'], "No model '/no/model'"),
        (['engines', '--backend', 'abacus'], 'there are'),
        (['engines', '--rounds', '-1'], '--rounds -1'),
        (['node', '--model', '/no/model'], "No model '/no/model'"),
        (['node', '--rate', '0'], '--rate is 0.0; allowed is more than 0'),
    ],
)
def test_mistakes_are_one_sentence_and_status_1(arguments, named, capsys):
    assert cli.main(['bench', *arguments]) == 1
    error = capsys.readouterr().err
    assert named in error
    assert len(error.splitlines()) == 1
