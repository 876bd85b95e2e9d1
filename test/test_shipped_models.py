# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What lies in models/ is what a robot can use."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MODELS = sorted(path.parent for path in (ROOT / 'models').glob('*/config.json'))
LARGEST_MB = 90.0

ON_A_ROBOT = """
import json, sys
for name in ('torch', 'transformers', 'onnxscript', 'openvino'):
    sys.modules[name] = None  # what a robot need not have
import numpy as np
from vljepa_ros.inference import load_engine
engine = load_engine(sys.argv[1], threads=1)
config = engine.config
clip = np.full((1, config.clip_frames, config.image_size, config.image_size, 3), 99, np.uint8)
answers = engine.predict(engine.encode(clip), list(config.queries))[0]
quiet = engine.embed_text(config.quiet_texts)
print(json.dumps({
    'backend': engine.info.backend,
    'answers': list(answers.shape),
    'decoded': [found.text for found in engine.decode(answers)],
    'nearest': [found.text for found in engine.nearest(quiet)],
    'states': list(engine.transition(answers[:1], engine.embed_text(['open the drawer'])).shape),
}))
"""


def test_there_is_a_model() -> None:
    assert ROOT / 'models' / 'tiny' in MODELS


@pytest.mark.parametrize('model', MODELS, ids=lambda path: path.name)
def test_it_runs_without_pytorch(model: Path) -> None:
    pytest.importorskip('onnxruntime', reason='needs a backend: make setup')
    ran = subprocess.run(
        [sys.executable, '-c', ON_A_ROBOT, str(model)],
        env={**os.environ, 'PYTHONPATH': f'{ROOT}:{os.environ.get("PYTHONPATH", "")}'},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout.splitlines()[-1])
    config = json.loads((model / 'config.json').read_text(encoding='utf-8'))
    assert told['backend'] == 'onnxruntime'
    assert told['answers'] == [len(config['queries']), config['embedding_dim']]
    assert told['states'] == [1, 1, config['embedding_dim']]
    assert all(told['decoded'])
    assert told['nearest'] == config['quiet_texts'], 'they are in its bank, word for word'


@pytest.mark.parametrize('model', MODELS, ids=lambda path: path.name)
def test_it_is_small_enough_for_a_repository(model: Path) -> None:
    size_mb = sum(path.stat().st_size for path in model.iterdir()) / 1e6
    assert size_mb <= LARGEST_MB
