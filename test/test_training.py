# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Data set, batches, targets, the resumable training loop and the scores of events."""

import dataclasses
import importlib.util
import math

import numpy as np
import pytest
from rendering import skip_without_graphics

pytest.importorskip('torch', reason='training needs PyTorch: make setup')
# Importing mujoco here would choose how it draws before the simulator does.
if importlib.util.find_spec('mujoco') is None:
    pytest.skip('training needs the simulator: make test installs it', allow_module_level=True)

import torch

from training import dataset
from training.batches import BatchSampler, augment_colours, augment_geometry
from training.decoder_training import train_decoder
from training.evaluate import distractors
from training.event_scores import Rate, TimedText, score_segments, summary
from training.pretraining import pretrain
from training.state_head import NOTHING, StateHead, dense_targets
from training.texts import captions, phrasings
from training.trainer import TrainingConfig, train
from training.world import Segment, render_episode
from training.world.language import all_segments, parse_caption
from vljepa_ros.errors import MissingDependencyError, ResourceNotFoundError
from vljepa_ros.model.config import VisionConfig
from vljepa_ros.model.presets import tiny_config

EPISODES = 4
TINY = TrainingConfig(steps=4, warmup=1, clips=3, transitions=2, states=2)


@pytest.fixture(scope='module')
def data(tmp_path_factory):
    """Render one small shard."""
    folder = tmp_path_factory.mktemp('data')
    patch = pytest.MonkeyPatch()
    patch.setattr(dataset, 'EPISODES_PER_SHARD', EPISODES)
    try:
        dataset.write_shard(folder, 'train', 0, 128)
    except MissingDependencyError as error:
        skip_without_graphics(error)
    finally:
        patch.undo()
    return folder


@pytest.fixture(scope='module')
def episodes(data):
    """Load the shard."""
    return dataset.load(data, split='train')


@pytest.fixture
def sampler(episodes):
    """Draw small batches."""
    return BatchSampler(episodes, clip_frames=8, clips=3, transitions=2, seed=0)


def small_model(folder):
    """Create a model that trains in a blink."""
    from training.train import new_model
    from vljepa_ros.model.vl_jepa import VLJEPA

    model = new_model(folder, seed=0)
    config = dataclasses.replace(
        tiny_config(vocab_size=model.config.predictor.llama.vocab_size),
        vision=VisionConfig(image_size=128, hidden_size=48, num_layers=1, num_heads=2),
    )
    torch.manual_seed(0)
    return VLJEPA(config, model.tokenizers)


def small_head():
    torch.manual_seed(1)
    return StateHead(48)


def test_shard_holds_what_the_simulator_drew(episodes):
    assert len(episodes) == EPISODES
    first = render_episode(
        seed=0,
        split='train',
        fps=dataset.FPS,
        start_offset_s=float(np.random.default_rng([7, 0]).uniform(0.0, 1.0 / dataset.FPS)),
    )
    count = int(episodes.frame_end[0])
    assert count == len(first.frames)
    np.testing.assert_allclose(episodes.times_s[:count], first.times_s, rtol=1e-6)
    # JPEG at quality 95 keeps the picture but for a few levels.
    error = episodes.frame(count - 1).astype(int) - first.frames[-1]
    assert np.abs(error).mean() < 3.0
    names = [captions()[index] for index in episodes.segment_caption[: episodes.segment_end[0]]]
    assert [parse_caption(name)[0] for name in names] == [s.action for s in first.segments]


def test_missing_shards_name_the_command(data):
    with pytest.raises(ResourceNotFoundError, match=r'python -m training\.dataset --split val'):
        dataset.load(data, split='val')


def test_batch_depends_on_seed_and_step_only(sampler, episodes):
    again = BatchSampler(episodes, clip_frames=8, clips=3, transitions=2, seed=0)
    sampler.batch(0)
    one, two = sampler.batch(5), again.batch(5)
    np.testing.assert_array_equal(one.frames, two.frames)
    assert one.states == two.states
    assert not np.array_equal(one.frames, sampler.batch(6).frames)


def test_transitions_show_two_images_and_name_the_action(sampler):
    batch = sampler.batch(1)
    for frames, meaning in zip(batch.frames[3:], batch.captions[3:], strict=True):
        assert all(np.array_equal(frames[0], frame) for frame in frames[:4])
        assert all(np.array_equal(frames[-1], frame) for frame in frames[4:])
        assert parse_caption(captions()[meaning])[0] != 'idle'


def test_labels_move_with_the_picture():
    size = 64
    clip = np.zeros((2, size, size, 3), np.uint8)
    clip[:, 18:23, 38:43] = 255  # a square around (u, v) = (40, 20)
    for seed in range(8):
        pixels = np.array([[[40.0, 20.0, 3.0]]] * 2, np.float32)
        gripper = pixels[:, 0, :2].copy()
        moved = augment_geometry(clip, pixels, gripper, np.random.default_rng(seed))
        rows, columns = np.nonzero(moved[0, :, :, 0] > 100)
        assert abs(columns.mean() - pixels[0, 0, 0]) < 1.0
        assert abs(rows.mean() - pixels[0, 0, 1]) < 1.0
        np.testing.assert_allclose(gripper, pixels[:, 0, :2])


def test_colour_augmentation_keeps_shape_and_changes_pixels(sampler):
    frames = sampler.batch(0).frames
    changed = augment_colours(frames, np.random.default_rng(0))
    assert changed.shape == frames.shape
    assert changed.dtype == np.uint8
    assert np.abs(changed.astype(int) - frames).mean() > 1.0


def test_dense_targets_mark_the_patch_of_an_object(sampler):
    batch = sampler.batch(0)
    batch.pixels[:] = np.nan
    batch.pixels[0, :, 1] = (72.0, 24.0, 8.0)  # fills the patch in row 1, column 4
    batch.kind[0], batch.colour[0] = (0, 2, -1), (0, 3, -1)
    targets = dense_targets(batch, patch=16, tubelet=2)
    kind = targets['kind'].view(5, 4, 8, 8)
    assert bool((kind[0, :, 1, 4] == 3).all())
    assert bool((targets['colour'].view(5, 4, 8, 8)[0, :, 1, 4] == 4).all())
    assert int((kind != NOTHING).sum()) == 4
    gripper = targets['gripper'].view(5, 4, 8, 8)
    column, row = (batch.gripper[0, 0] // 16).astype(int)
    assert bool(gripper[0, 0, row, column])


def test_interrupted_training_ends_with_the_same_weights(tmp_path, sampler, monkeypatch):
    # The choice is measured at each start, and a busy machine may measure differently.
    monkeypatch.setattr('training.trainer.bf16_is_faster', lambda: False)
    validation = sampler.batch(99)
    whole = small_model(tmp_path / 'whole')
    whole_head = small_head()
    train(
        whole, whole_head, sampler, validation, tmp_path / 'whole', config=TINY, validation_pairs=2
    )

    class InterruptError(Exception):
        pass

    class Interrupting:
        def batch(self, step):
            if step == 3:
                raise InterruptError
            return sampler.batch(step)

    folder = tmp_path / 'parts'
    patch = pytest.MonkeyPatch()
    patch.setattr('training.trainer.SAVE_EVERY', 1)
    with pytest.raises(InterruptError):
        train(
            small_model(folder),
            small_head(),
            Interrupting(),  # type: ignore[arg-type]  # all that train() uses of a sampler
            validation,
            folder,
            config=TINY,
            validation_pairs=2,
        )
    patch.undo()
    resumed = small_model(folder)
    train(resumed, small_head(), sampler, validation, folder, config=TINY, validation_pairs=2)
    for (name, one), two in zip(
        whole.state_dict().items(), resumed.state_dict().values(), strict=True
    ):
        assert torch.equal(one, two), name


def test_pretraining_changes_the_x_encoder_only(tmp_path, sampler):
    model = small_model(tmp_path)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    pretrain(model, small_head(), sampler, tmp_path, steps=2, seed=0)
    for name, value in model.state_dict().items():
        changed = not torch.equal(value, before[name])
        assert not changed or name.startswith('networks.x_encoder'), name
    assert not torch.equal(
        model.state_dict()['networks.x_encoder.layer.0.mlp.fc1.weight'],
        before['networks.x_encoder.layer.0.mlp.fc1.weight'],
    )


def test_decoder_learns_and_leaves_the_rest_alone(tmp_path):
    model = small_model(tmp_path)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    train_decoder(model, tmp_path, steps=6)
    for name, value in model.state_dict().items():
        changed = not torch.equal(value, before[name])
        assert changed == name.startswith('networks.y_decoder'), name


def test_every_meaning_has_phrasings_of_its_own():
    texts = [text for row in phrasings() for text in row]
    assert len(texts) == len(set(texts))
    assert [row[0] for row in phrasings()] == list(captions())


@pytest.mark.parametrize('meaning', range(len(captions())))
def test_distractors_differ_in_one_thing(meaning):
    truth = all_segments()[meaning]
    chosen = distractors(meaning, np.random.default_rng(0))
    assert len(set(chosen)) == 3
    assert meaning not in chosen
    if truth.kind is not None:
        for index in chosen:
            other = all_segments()[index]
            pairs = zip(
                (truth.action, truth.kind, truth.colour),
                (other.action, other.kind, other.colour),
                strict=True,
            )
            assert sum(one != two for one, two in pairs) == 1


@pytest.mark.parametrize(
    ('events', 'expected'),
    [
        ([TimedText(0, 4, 'The robot picks up the red cube.')], (True, True, True)),
        ([TimedText(0, 4, 'The robot picks up the blue cube.')], (True, True, False)),
        ([TimedText(0, 4, 'The robot picks up the red ball.')], (True, False, False)),
        ([TimedText(0, 4, 'The robot pushes the red cube.')], (False, False, False)),
        ([TimedText(5, 6, 'The robot picks up the red cube.')], (False, False, False)),
        (
            [
                TimedText(0, 2.4, 'Nothing happens.'),
                TimedText(2.4, 4, 'The robot picks up the red cube.'),
            ],
            (True, True, True),
        ),
        ([], (False, False, False)),
    ],
)
def test_segment_is_judged_by_the_event_that_overlaps_it_most(events, expected):
    truth = [Segment(2.0, 4.0, 'pick up', 'cube', 'red')]
    (score,) = score_segments(truth, events)
    assert (score.action_right, score.object_right, score.colour_right) == expected


def test_summary_counts_idle_segments_apart():
    truth = [Segment(0, 2, 'idle'), Segment(2, 4, 'push', 'ball', 'red')]
    rates = summary(score_segments(truth, [TimedText(0, 4, 'Nothing happens.')]))
    assert rates['all_colour_right'] == Rate(1, 2)
    assert rates['actions_colour_right'] == Rate(0, 1)


def test_wilson_interval_against_known_values():
    low, high = Rate(8, 10).interval
    assert low == pytest.approx(0.4902, abs=1e-4)
    assert high == pytest.approx(0.9433, abs=1e-4)
    assert math.isnan(Rate(0, 0).value)
