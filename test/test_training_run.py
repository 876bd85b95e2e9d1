# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`vljepa train`: configurations, and whole trainings on small recordings."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

pytest.importorskip('torch', reason='training needs PyTorch: make setup')
pytest.importorskip('av', reason='reading videos needs PyAV: pip install av')

import torch
from training_data import (
    BLUE,
    CAMERA,
    Episode,
    moving_square,
    write_lerobot,
    write_lines,
    write_video,
)
from untrained import build_untrained_checkpoint

from training.config_file import read_run_config
from training.features import FeatureStore, LiveFeatures
from training.run_config import LeRobotData, ManifestData, SimulatorData
from training.train import main, read_arguments
from vljepa_ros.cli import main as vljepa
from vljepa_ros.errors import ConfigurationError, ResourceNotFoundError
from vljepa_ros.inference import load_engine

ROOT = Path(__file__).parents[1]
CONFIGS = sorted((ROOT / 'training/configs').glob('*.yaml'))
PUSH, LIFT = 'push the red block to the right', 'lift the blue block'
POUR = 'pour something from the blue cup'


@pytest.fixture(autouse=True, scope='module')
def _one_precision():
    # The choice is measured at each start, and a busy machine may measure differently.
    with pytest.MonkeyPatch.context() as patch:
        for module in ('stage', 'features', 'planning_training'):
            patch.setattr(f'training.{module}.bf16_is_faster', lambda *device: False)
        yield


@pytest.fixture(scope='module')
def checkpoint(tmp_path_factory):
    return build_untrained_checkpoint(tmp_path_factory.mktemp('checkpoint'))


def write_config(path, **changes):
    """Write the configuration of a training of few steps."""
    values = {
        'name': 'mine',
        'training': {
            'steps': 3, 'clips': 4, 'warmup': 1, 'validate_every': 1, 'learning_rate': 1e-3
        },
        'decoder': {'steps': 2, 'texts': 4},
        'planning': {'steps': 2, 'pairs': 4},
        'checkpoint': {'graphs': []},
    } | changes  # fmt: skip
    path.write_text(yaml.safe_dump(values), encoding='utf-8')
    return path


@pytest.fixture(scope='module')
def manifest(tmp_path_factory):
    """Write six lines of two videos each, of which one cannot be used."""
    folder = tmp_path_factory.mktemp('manifest')
    rows = []
    for number in range(3):
        for text, colour in ((PUSH, (200, 30, 30 + number)), (LIFT, BLUE)):
            name = f'{text[:4]}{number}.mp4'
            write_video(folder / name, moving_square(colour, 20))
            rows.append({'video': name, 'caption': text, 'action': text})
    return write_lines(folder / 'list.jsonl', [*rows, {'video': rows[0]['video'], 'caption': ''}])


@pytest.fixture(scope='module')
def trained(tmp_path_factory, checkpoint):
    """Train on a LeRobot data set; return the folder of the run."""
    pytest.importorskip('pyarrow', reason='LeRobot data sets need pyarrow: pip install pyarrow')
    folder = tmp_path_factory.mktemp('run')
    episodes = [Episode((PUSH,)), Episode((LIFT,), colour=BLUE)] * 3
    bad = [Episode(('',)), Episode((LIFT,), file=1)]
    data = write_lerobot(folder / 'data', [*episodes, *bad])
    (data / f'videos/{CAMERA}/chunk-000/file-001.mp4').write_bytes(b'no video')
    write_config(
        folder / 'config.yaml',
        run=str(folder / 'run'),
        out=str(folder / 'out'),
        init=str(checkpoint),
        data={'lerobot': {'folder': str(data), 'clips': 2, 'val_share': 0.34}},
        checkpoint={'graphs': ['fp32', 'int8']},
    )
    assert main(['--config', str(folder / 'config.yaml')]) == 0
    return folder


def test_checkpoint_is_one_that_the_nodes_load_without_torch(trained):
    load_engine(trained / 'out', backend='onnxruntime', precision='int8').close()
    engine = load_engine(trained / 'out', backend='onnxruntime', precision='fp32')
    clip = np.zeros((1, 8, 128, 128, 3), np.uint8)
    answers = engine.predict(engine.encode(clip), ['caption', 'action'])
    assert answers.shape == (1, 2, 256)
    np.testing.assert_allclose(np.linalg.norm(answers, axis=-1), 1.0, atol=1e-5)
    assert engine.model_id.startswith('mine@')
    texts = engine.embed_text([PUSH, LIFT])
    assert [found.text for found in engine.nearest(texts)] == [PUSH, LIFT]
    assert len(engine.decode(answers[:, 0])) == 1
    after = engine.transition(answers[:, 0], texts)
    assert after.shape == (1, 2, 256)
    engine.close()


def test_card_tells_data_settings_and_scores(trained):
    card = (trained / 'out/card.md').read_text(encoding='utf-8')
    assert PUSH in card
    assert re.search(r'\| retrieval \| \d+\.\d% \|', card)
    assert '| training.steps | 3 |' in card
    told = json.loads((trained / 'out/training.json').read_text(encoding='utf-8'))
    assert told['data']['recordings_train'] == 4
    assert told['data']['recordings_val'] == 2
    assert len(told['data']['skipped']) == 2
    assert 'whose X-Encoder stays as it is' in card


def test_a_frozen_y_encoder_keeps_the_space_and_what_reads_it(tmp_path, trained, manifest):
    """And a card tells what the checkpoint went on from."""
    lines = [json.loads(line) for line in manifest.read_text(encoding='utf-8').splitlines()]
    pour = [{**line, 'caption': POUR} if line['caption'] == LIFT else line for line in lines]
    other = write_lines(manifest.with_name('other.jsonl'), pour)
    write_config(
        tmp_path / 'config.yaml',
        run=str(tmp_path / 'run'),
        out=str(tmp_path / 'out'),
        init=str(trained / 'out'),
        data={'manifest': {'file': str(other), 'clips': 2, 'val_share': 0.34}},
        training={'steps': 2, 'clips': 4, 'warmup': 1, 'validate_every': 1, 'learning_rate': 1e-3,
                  'freeze_y_encoder': True},
        decoder={'steps': 0, 'texts': 4},
    )  # fmt: skip
    assert main(['--config', str(tmp_path / 'config.yaml')]) == 0
    same = {
        name: (trained / f'out/{name}.safetensors').read_bytes()
        == (tmp_path / f'out/{name}.safetensors').read_bytes()
        for name in ('x_encoder', 'predictor', 'y_encoder', 'y_decoder')
    }
    assert same == {'x_encoder': True, 'predictor': False, 'y_encoder': True, 'y_decoder': True}
    first, second = (
        json.loads((f / 'out/training.json').read_text()) for f in (trained, tmp_path)
    )
    assert second['before'] == first
    engine = load_engine(tmp_path / 'out', backend='torch', components=('y_encoder',))
    texts = engine.embed_text([PUSH, LIFT, POUR])
    assert [found.text for found in engine.nearest(texts)] == [PUSH, LIFT, POUR]
    engine.close()


def test_x_encoder_stays_and_the_others_learn(trained, checkpoint):
    from safetensors.torch import load_file

    for name in ('x_encoder', 'predictor', 'y_encoder', 'y_decoder', 'transition', 'inverse'):
        before = load_file(checkpoint / f'{name}.safetensors')
        after = load_file(trained / f'out/{name}.safetensors')
        # The new one is stored in half precision.
        same = all(torch.equal(value.half(), after[key]) for key, value in before.items())
        assert same == (name == 'x_encoder'), name


def test_finished_training_is_not_run_again_and_skipped_ones_are_told(trained, capsys):
    log = (trained / 'run/log.jsonl').read_text(encoding='utf-8')
    before = (trained / 'out/predictor.safetensors').read_bytes()
    assert vljepa(['train', '--config', str(trained / 'config.yaml')]) == 0
    printed = capsys.readouterr().out
    assert 'Skipped 2:' in printed
    assert 'the text is empty' in printed
    assert 'file-001.mp4' in printed
    assert (trained / 'run/log.jsonl').read_text(encoding='utf-8') == log
    assert (trained / 'out/predictor.safetensors').read_bytes() == before


def test_kept_and_live_features_are_the_same(trained, checkpoint):
    from training.processes import Processes
    from training.run_data import open_run_data
    from vljepa_ros.model.checkpoint import load_checkpoint

    config = read_run_config(trained / 'config.yaml')
    model = load_checkpoint(checkpoint)
    data = open_run_data(config, Processes())
    data.open(model.config)
    data.draw_clips(model.config)
    encoder = model.network('x_encoder')
    store = FeatureStore(trained / 'run', source=data.train, encoder=encoder)
    stamps = [path.stat().st_mtime_ns for path in (trained / 'run').glob('features-*.npy')]
    store.build()
    assert len(stamps) == 1
    after = [path.stat().st_mtime_ns for path in (trained / 'run').glob('features-*.npy')]
    assert after == stamps  # found, not computed again
    chosen = np.array([5, 0, 3])
    live = LiveFeatures(data.train, encoder)[chosen]
    torch.testing.assert_close(store[chosen], live, atol=2e-3, rtol=2e-3)


def test_manifest_training_with_scalars_and_other_clips(tmp_path, checkpoint, manifest):
    pytest.importorskip('tensorboard', reason='scalars need tensorboard: pip install tensorboard')
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    config = write_config(
        tmp_path / 'config.yaml',
        run=str(tmp_path / 'run'),
        init=str(checkpoint),
        tensorboard=True,
        stop_after='train',
        clip={'frames': 4, 'fps': 2.0},
        features={'cache': False},
        data={'manifest': {'file': str(manifest), 'sampling': 'uniform', 'val_share': 0.3}},
    )
    assert main(['--config', str(config)]) == 0
    events = EventAccumulator(str(tmp_path / 'run/tensorboard'))
    events.Reload()
    assert [event.step for event in events.Scalars('train/retrieval')] == [1, 2, 3]
    engine = load_engine(tmp_path / 'run/checkpoint', backend='torch', device='cpu')
    assert (engine.config.clip_frames, engine.config.clip_fps) == (4, 2.0)
    answers = engine.predict(engine.encode(np.zeros((1, 4, 128, 128, 3), np.uint8)), ['caption'])
    assert np.isfinite(answers).all()
    engine.close()


@pytest.mark.slow
def test_two_processes_train_as_one(tmp_path, checkpoint, manifest):
    pytest.importorskip('accelerate', reason='needs accelerate: pip install accelerate')
    from safetensors.torch import load_file

    config = write_config(
        tmp_path / 'config.yaml',
        init=str(checkpoint),
        data={'manifest': {'file': str(manifest), 'clips': 2, 'val_share': 0.34}},
    )
    # --multi_gpu is how accelerate starts processes; here they compute on the CPU.
    launch = ['-m', 'accelerate.commands.launch', '--multi_gpu', '--num_processes', '2']
    launch += ['--num_machines', '1', '--mixed_precision', 'no', '--dynamo_backend', 'no']
    script = str(Path(__file__).parent / 'two_processes.py')
    path = os.pathsep.join([str(ROOT), os.environ.get('PYTHONPATH', '')])
    found: list[dict[str, torch.Tensor]] = []
    logs: list[list[dict[str, Any]]] = []
    for options in ([], [*launch, '--main_process_port', '0']):
        out = tmp_path / str(len(found))
        out.mkdir()
        done = subprocess.run(
            [sys.executable, *options, script, str(checkpoint), str(out), str(config)],
            env={**os.environ, 'PYTHONPATH': path, 'OMP_NUM_THREADS': '1'},
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        found.append(load_file(out / 'gradients.safetensors'))
        log = (out / 'run/log.jsonl').read_text(encoding='utf-8').splitlines()
        logs.append([json.loads(line) for line in log])
        assert (out / 'run/checkpoint/config.json').is_file()
    one, two = found
    assert (int(one.pop('processes')), int(two.pop('processes'))) == (1, 2)
    assert one.keys() == two.keys()
    for name, value in one.items():
        torch.testing.assert_close(two[name], value, rtol=1e-4, atol=1e-6, msg=name)
    steps = [[row for row in log if row['stage'] == 'train'] for log in logs]
    assert len(steps[0]) == len(steps[1]) == 3
    for alone, shared in zip(*steps, strict=True):
        assert shared['loss'] == pytest.approx(alone['loss'], rel=1e-3)
        assert shared['gradient'] == pytest.approx(alone['gradient'], rel=1e-2)


def test_one_text_alone_is_refused(tmp_path, checkpoint):
    write_video(tmp_path / 'a.mp4', moving_square(BLUE, 12))
    lines = [{'video': 'a.mp4', 'caption': LIFT, 'end_s': end} for end in (0.5, 0.8)]
    file = write_lines(tmp_path / 'list.jsonl', lines)
    config = write_config(
        tmp_path / 'config.yaml',
        run=str(tmp_path / 'run'),
        init=str(checkpoint),
        data={'manifest': {'file': str(file)}},
    )
    with pytest.raises(ConfigurationError, match='two tasks or more'):
        main(['--config', str(config)])


def test_data_without_a_usable_video_says_why(tmp_path, checkpoint, capsys):
    (tmp_path / 'a.mp4').write_bytes(b'no video')
    file = write_lines(tmp_path / 'list.jsonl', [{'video': 'a.mp4', 'caption': LIFT}])
    config = write_config(
        tmp_path / 'config.yaml',
        run=str(tmp_path / 'run'),
        init=str(checkpoint),
        data={'manifest': {'file': str(file)}},
    )
    assert vljepa(['train', '--config', str(config)]) == 1
    assert 'no usable recording' in capsys.readouterr().err


@pytest.mark.parametrize('path', CONFIGS, ids=lambda path: path.stem)
def test_every_shipped_configuration_is_read(path):
    config = read_run_config(path)
    assert config.name
    given = yaml.safe_load(path.read_text(encoding='utf-8'))
    assert config.training.steps == given['training']['steps']
    assert config.training.clips == given['training']['clips']


def test_paper_configurations_state_the_paper():
    configs = {
        path.stem: read_run_config(path) for path in CONFIGS if path.stem.startswith('paper')
    }
    assert sorted(configs) == ['paper_image', 'paper_sft', 'paper_video']
    image, video, sft = (configs[f'paper_{name}'] for name in ('image', 'video', 'sft'))
    assert (image.training.steps, image.training.clips) == (100_000, 24_576)
    assert (video.training.steps, video.clip.frames) == (60_000, 8)
    assert (sft.training.steps, sft.training.clips) == (83_000, 3_072)
    assert [c.training.schedule for c in (image, video, sft)] == ['constant', 'constant', 'cosine']
    for config in configs.values():
        assert config.training.learning_rate == 5e-5
        assert config.training.y_encoder_scale == 0.05
        assert config.training.loss == 'infonce'
    for path in CONFIGS:
        if path.stem.startswith('paper'):
            # What the paper does not state is said to be ours.
            lines = path.read_text(encoding='utf-8').splitlines()
            for key in ('temperature', 'weight_decay', 'warmup', 'seed'):
                (line,) = [text for text in lines if text.strip().startswith(f'{key}:')]
                assert '# ours' in line, line


def test_default_is_the_tiny_recipe_and_options_change_it():
    config = read_arguments(
        ['--data', 'd', '--run', 'r', '--steps', '7', '--seed', '3']
        + ['--set', 'training.learning_rate=5e-5']
    )
    assert config.data.simulator == SimulatorData(folder='d')
    assert (config.run, config.training.steps, config.training.learning_rate) == ('r', 7, 5e-5)
    assert (config.training.seed, config.decoder.seed, config.pretraining.seed) == (3, 3, 3)
    assert (config.name, config.init, config.stop_after) == ('tiny', None, 'planning')


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'trainig': {}}, r"unknown keys \['trainig'\]"),
        ({'training': {'step': 3}}, r"config\.training has unknown keys \['step'\]"),
        ({'training': {'steps': 'many'}}, r'config\.training\.steps must be of type int'),
        ({'training': {'steps': 1.5}}, r'config\.training\.steps must be of type int'),
        ({'training': {'clips': 0}}, r'training\.clips is 0'),
        ({'training': {'loss': 'mse'}}, 'use one of infonce, cosine, l1, l2'),
        ({'training': {'schedule': 'step'}}, r"allowed is \['cosine', 'constant'\]"),
        ({'training': {'seed': 1}}, 'the one seed stands at the top'),
        ({'device': 'tpu'}, r"allowed is \['auto', 'cpu', 'cuda'\]"),
        ({'stop_after': 'end'}, 'planning'),
        ({'data': {}}, 'exactly one of'),
        ({'data': {'manifest': {'file': 'a'}, 'lerobot': {'folder': 'b'}}}, 'exactly one of'),
        ({'data': {'manifest': {}}}, r"config\.data\.manifest lacks the keys \['file'\]"),
        ({'data': {'lerobot': {'folder': 'b', 'cameras': 'front'}}}, 'a list of texts'),
        ({'data': {'lerobot': {'folder': 'b', 'val_share': 1.0}}}, 'between 0 and 1'),
        ({'init': None}, 'init: models/tiny'),
        ({'pretrain': True}, 'only the simulator can teach'),
        ({'data': {'simulator': {'variety': 'huge'}}}, r"allowed is \['narrow', 'wide'\]"),
        ({'clip': {'frames': 4}, 'init': None, 'data': {'simulator': {}}}, 'a new one'),
    ],
)
def test_wrong_settings_name_what_is_allowed(tmp_path, change, message):
    base = {'init': 'tiny', 'data': {'lerobot': {'folder': 'b'}}}
    path = tmp_path / 'wrong.yaml'
    path.write_text(yaml.safe_dump(base | change), encoding='utf-8')
    with pytest.raises(ConfigurationError, match=message) as raised:
        read_run_config(path)
    assert 'wrong.yaml' in str(raised.value)


def test_configuration_that_is_none(tmp_path):
    with pytest.raises(ResourceNotFoundError, match='training/configs'):
        read_run_config(tmp_path / 'missing.yaml')
    path = tmp_path / 'list.yaml'
    path.write_text('- a\n', encoding='utf-8')
    with pytest.raises(ConfigurationError, match='mapping'):
        read_run_config(path)
    path.write_text('a: [\n', encoding='utf-8')
    with pytest.raises(ConfigurationError, match='not YAML'):
        read_run_config(path)
    with pytest.raises(ConfigurationError, match='KEY=VALUE'):
        read_arguments(['--set', 'training.steps'])


def test_sections_are_typed():
    lerobot = read_run_config(ROOT / 'training/configs/lerobot.yaml')
    assert isinstance(lerobot.data.lerobot, LeRobotData)
    manifest = read_run_config(ROOT / 'training/configs/manifest.yaml')
    assert isinstance(manifest.data.manifest, ManifestData)
