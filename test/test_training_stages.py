# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Every stage of training learns, goes on where it was interrupted, and leaves the rest alone."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from untrained import build_untrained_checkpoint

pytest.importorskip('torch', reason='training needs PyTorch: make setup')

import torch

from training import decoder_training, trainer
from training.batches import Batch
from training.concepts import Concepts
from training.decoder_training import DecoderConfig, train_decoder
from training.episodes import FACTS
from training.facts_head import FactsHead
from training.features import FeatureStore
from training.objective import LOSSES, embed
from training.pairings import Pairings
from training.planning_training import PlanningConfig, Transitions, planning_loss, train_planning
from training.pretraining import PretrainingConfig, pretrain
from training.sources import QueryAnswer
from training.state_head import StateHead, dense_targets
from training.trainer import TrainingConfig, train
from training.validation import Validation, scores
from training.world.symbols import ACTIONS, COLOURS, KINDS
from vljepa_ros.errors import ConfigurationError
from vljepa_ros.model.checkpoint import load_checkpoint
from vljepa_ros.model.config import VisionConfig
from vljepa_ros.model.presets import tiny_config
from vljepa_ros.model.vl_jepa import VLJEPA
from vljepa_ros.model.x_encoder import XEncoder

ANSWERS = (
    'the robot opens the drawer',
    'the robot closes the drawer',
    'the robot pushes the red cube to the left',
    'the robot picks up the blue ball',
)


class Coloured:
    """Four clips, each of one shade, with one answer each."""

    fingerprint = 'coloured'
    skipped = 0

    def __len__(self) -> int:
        return len(ANSWERS)

    def clip(self, index: int) -> np.ndarray:
        rng = np.random.default_rng(index)
        return np.broadcast_to(rng.integers(0, 255, 3, dtype=np.uint8), (8, 128, 128, 3)).copy()

    def pairs(self, index: int, rng: np.random.Generator) -> list[QueryAnswer]:
        others = tuple(text for text in ANSWERS if text != ANSWERS[index])
        return [QueryAnswer('what happens', ANSWERS[index], ANSWERS[index], others)]


@pytest.fixture(scope='module')
def checkpoint(tmp_path_factory) -> Path:
    return build_untrained_checkpoint(tmp_path_factory.mktemp('model'))


@pytest.fixture
def model(checkpoint) -> VLJEPA:
    return load_checkpoint(checkpoint).train().requires_grad_(True)


def weights(module: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in module.state_dict().items()}


def equal(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(value, second[name]) for name, value in first.items())


def close(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    return all(torch.allclose(v, second[name], atol=1e-5) for name, v in first.items())


@pytest.fixture
def one_precision(monkeypatch) -> None:
    """Whether bfloat16 is faster is measured; two runs must not differ in it."""
    for module in ('stage', 'features'):
        monkeypatch.setattr(f'training.{module}.bf16_is_faster', lambda *device: False)


def state_batch(seed: int = 0, clips: int = 4) -> Batch:
    """Return random pictures with random labels."""
    rng = np.random.default_rng(seed)
    frames = 4
    pixels = rng.uniform(10, 118, (clips, frames, 4, 3)).astype(np.float32)
    pixels[..., 2] = 9.0
    furniture = rng.uniform(20, 108, (clips, frames, 2, 3)).astype(np.float32)
    furniture[..., 2] = 16.0
    facts = np.stack([rng.integers(-1, len(words), clips) for words in FACTS.values()], 1)
    return Batch(
        frames=rng.integers(0, 255, (clips, frames, 128, 128, 3), dtype=np.uint8),
        facts=facts,
        is_transition=np.arange(clips) % 2 == 0,
        pixels=pixels,
        furniture_pixels=furniture,
        gripper=rng.uniform(10, 118, (clips, frames, 2)).astype(np.float32),
        kind=rng.integers(0, 12, (clips, 4)).astype(np.int8),
        colour=rng.integers(0, 8, (clips, 4)).astype(np.int8),
        furniture=rng.integers(0, 6, (clips, 2)).astype(np.int8),
        places=rng.integers(0, 9, (clips, frames, 4)).astype(np.int8),
        lying=rng.random((clips, frames, 4)) < 0.5,
        drawer=np.where(np.arange(clips)[:, None] % 2, np.nan, np.ones((1, frames))).astype('f4'),
        grey=np.arange(clips) % 3 == 2,
    )


class StateBatches:
    """Stands where the sampler does, without a simulator."""

    def tubelets(self, step: int, *, count: int, frames: int) -> Batch:
        batch = state_batch(step, count)
        cut = ('frames', 'pixels', 'furniture_pixels', 'gripper', 'places', 'lying', 'drawer')
        return replace(batch, **{name: getattr(batch, name)[:, :frames] for name in cut})

    def clips(self, step: int, *, clips: int, transitions: int) -> Batch:
        return state_batch(step, clips + transitions)


def test_state_and_facts_are_learned_by_heart():
    torch.manual_seed(0)
    batch = state_batch()
    targets = dense_targets(batch, patch=16, tubelet=2)
    facts = torch.from_numpy(batch.facts)
    tokens = torch.randn(4, 2 * 64, 48, requires_grad=True)
    head, reader = StateHead(48), FactsHead(48)
    optimizer = torch.optim.Adam([tokens, *head.parameters(), *reader.parameters()], 0.02)
    losses = []
    for _ in range(60):
        logits = reader(tokens, torch.from_numpy(batch.is_transition))
        loss = head(tokens, targets) + FactsHead.loss(logits, facts)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.3 * losses[0]
    assert FactsHead.right(logits, facts).float().mean() > 0.9


def test_a_scene_without_a_drawer_has_no_drawer_loss():
    batch = state_batch()
    none = replace(batch, drawer=np.full_like(batch.drawer, np.nan))
    loss = StateHead(16)(torch.randn(4, 128, 16), dense_targets(none, patch=16, tubelet=2))
    assert bool(loss.isfinite())


@pytest.mark.usefixtures('one_precision')
def test_interrupted_pretraining_ends_with_the_same_weights(tmp_path, checkpoint, monkeypatch):
    config = PretrainingConfig(
        tubelet_steps=2, tubelets=3, clip_steps=4, clips=2, transitions=1, warmup=1
    )
    monkeypatch.setattr('training.stage.SAVE_EVERY', 1)

    def run(folder: Path) -> dict[str, torch.Tensor]:
        folder.mkdir(exist_ok=True)
        whole = load_checkpoint(checkpoint).train().requires_grad_(True)
        encoder = whole.network('x_encoder')
        torch.manual_seed(0)
        pretrain(encoder, whole.config.vision, StateBatches(), folder, config=config)  # type: ignore[arg-type]
        return weights(encoder)

    straight = run(tmp_path / 'a')
    calls = 0
    original = StateBatches.clips

    def interrupted(self: StateBatches, step: int, **more: int) -> Batch:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise KeyboardInterrupt
        return original(self, step, **more)

    with monkeypatch.context() as patch:
        patch.setattr(StateBatches, 'clips', interrupted)
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path / 'b')
    resumed = run(tmp_path / 'b')
    assert close(straight, resumed)
    assert not equal(straight, weights(load_checkpoint(checkpoint).network('x_encoder')))


@pytest.mark.usefixtures('one_precision')
def test_pretraining_takes_pairings_and_an_own_rate_for_the_encoder(tmp_path, checkpoint):
    nothing_goes_together = Pairings(
        np.zeros((len(KINDS), len(COLOURS)), bool), np.zeros((len(ACTIONS), len(KINDS)), bool)
    )

    def run(name: str, scale: float, pairings: Pairings | None) -> dict[str, torch.Tensor]:
        folder = tmp_path / name
        folder.mkdir()
        whole = load_checkpoint(checkpoint).train().requires_grad_(True)
        torch.manual_seed(0)
        config = PretrainingConfig(
            tubelet_steps=0, clip_steps=2, clips=2, transitions=1, warmup=1, encoder_scale=scale
        )
        pretrain(
            whole.network('x_encoder'),
            whole.config.vision,
            StateBatches(),  # type: ignore[arg-type]
            folder,
            config=config,
            pairings=pairings,
        )
        return weights(whole.network('x_encoder'))

    before = weights(load_checkpoint(checkpoint).network('x_encoder'))
    plain = run('plain', 1.0, None)
    assert equal(before, run('kept', 0.0, None))
    assert not equal(before, plain)
    assert not close(plain, run('masked', 1.0, nothing_goes_together))


@pytest.mark.skipif(shutil.which('g++') is None, reason='torch.compile needs a C++ compiler: g++')
@pytest.mark.usefixtures('one_precision')
def test_compiled_pretraining_ends_with_the_same_weights(tmp_path):
    vision = VisionConfig(image_size=128, hidden_size=32, num_layers=1, num_heads=2)
    found = []
    for compiled in (False, True):
        torch.manual_seed(0)
        encoder = XEncoder(replace(tiny_config(), vision=vision, clip_frames=4))
        before = weights(encoder)
        config = PretrainingConfig(
            tubelet_steps=2,
            tubelets=3,
            clip_steps=0,
            warmup=1,
            learning_rate=1e-5,
            compile=compiled,
        )
        folder = tmp_path / str(compiled)
        folder.mkdir()
        pretrain(encoder, vision, StateBatches(), folder, config=config)  # type: ignore[arg-type]
        assert not equal(before, weights(encoder))
        found.append(weights(encoder))
    assert close(*found)


@pytest.mark.usefixtures('one_precision')
def test_features_are_computed_once_and_resumed(tmp_path, model, monkeypatch):
    encoder = model.network('x_encoder').eval()
    monkeypatch.setattr('training.features.BATCH', 1)
    monkeypatch.setattr('training.features.FLUSH_EVERY', 1)
    source = Coloured()
    whole = FeatureStore(tmp_path / 'a', source=source, encoder=encoder)
    whole.build()
    original = Coloured.clip

    def broken(self: Coloured, index: int) -> np.ndarray:
        if index == 2:
            raise KeyboardInterrupt
        return original(self, index)

    with monkeypatch.context() as patch:
        patch.setattr(Coloured, 'clip', broken)
        with pytest.raises(KeyboardInterrupt):
            FeatureStore(tmp_path / 'b', source=source, encoder=encoder).build()

    asked = []

    def counted(self: Coloured, index: int) -> np.ndarray:
        asked.append(index)
        return original(self, index)

    monkeypatch.setattr(Coloured, 'clip', counted)
    resumed = FeatureStore(tmp_path / 'b', source=source, encoder=encoder)
    resumed.build()
    assert asked == [2, 3]
    order = np.array([3, 0, 2])
    assert torch.equal(whole[order], resumed[order])
    with torch.inference_mode():
        clip = torch.from_numpy(source.clip(3))[None]
        torch.testing.assert_close(whole[order][0].float(), encoder(clip)[0], atol=1e-2, rtol=1e-2)


def trained(model: VLJEPA, folder: Path, config: TrainingConfig) -> VLJEPA:
    source = Coloured()
    encoder = model.network('x_encoder').eval().requires_grad_(False)
    features = FeatureStore(folder, source=source, encoder=encoder)
    features.build()
    validation = Validation.draw(source, encoder, count=4)
    train(model, source, features, validation, folder, config=config)
    return model


@pytest.mark.usefixtures('one_precision')
def test_training_learns_and_leaves_the_x_encoder_alone(tmp_path, model):
    before = weights(model.network('x_encoder'))
    config = TrainingConfig(
        steps=40, clips=4, warmup=2, learning_rate=3e-3, y_encoder_scale=0.1, validate_every=20
    )
    trained(model, tmp_path, config)
    assert equal(before, weights(model.network('x_encoder')))
    found = scores(model.eval(), Validation.draw(Coloured(), model.network('x_encoder'), count=4))
    assert found['retrieval'] == 1.0
    assert found['choice'] == 1.0


@pytest.mark.usefixtures('one_precision')
def test_interrupted_training_ends_with_the_same_weights(tmp_path, checkpoint, monkeypatch):
    config = TrainingConfig(steps=6, clips=2, warmup=1, validate_every=3)
    monkeypatch.setattr('training.stage.SAVE_EVERY', 1)

    def fresh() -> VLJEPA:
        return load_checkpoint(checkpoint).train().requires_grad_(True)

    straight = trained(fresh(), tmp_path / 'a', config)
    original = trainer.draw

    def interrupted(source, step, **more):
        if step == 4:
            raise KeyboardInterrupt
        return original(source, step, **more)

    with monkeypatch.context() as patch:
        patch.setattr(trainer, 'draw', interrupted)
        with pytest.raises(KeyboardInterrupt):
            trained(fresh(), tmp_path / 'b', config)
    resumed = trained(fresh(), tmp_path / 'b', config)
    for name in ('predictor', 'y_encoder'):
        assert close(weights(straight.network(name)), weights(resumed.network(name)))


@pytest.mark.usefixtures('one_precision')
@pytest.mark.parametrize('frozen', [True, False])
def test_words_keep_their_place_if_asked(tmp_path, model, frozen):
    tables = {'predictor': 'embed_tokens.weight', 'y_encoder': 'embeddings.word_embeddings.weight'}
    before = {name: weights(model.network(name)) for name in tables}
    config = TrainingConfig(steps=3, clips=2, warmup=1, validate_every=3, freeze_words=frozen)
    trained(model, tmp_path, config)
    for name, table in tables.items():
        after = weights(model.network(name))
        changed = {
            key for key, value in after.items() if not torch.equal(value, before[name][key])
        }
        assert (table not in changed) == frozen
        assert len(changed) > len(after) / 2


def test_answers_of_the_same_meaning_are_no_negatives(model):
    asked = [
        (0, QueryAnswer('what', 'the robot opens the drawer', 'open', ('the robot',))),
        (1, QueryAnswer('what', 'the drawer opens', 'open')),
        (1, QueryAnswer('what', 'the robot closes the drawer', 'close', ('the drawer opens',))),
    ]
    tokens = torch.randn(2, 256, 96)
    batch = embed(model, tokens, asked)
    assert batch.predicted.shape == (3, 256)
    assert batch.target.shape == (5, 256)
    # The second wrong answer is the right one of another question.
    expected = [[1, 1, 0, 0, 1], [1, 1, 0, 0, 1], [0, 0, 1, 0, 0]]
    assert batch.same.int().tolist() == expected


def test_what_the_data_cannot_call_wrong_is_no_negative(model):
    kind_colour = np.ones((len(KINDS), len(COLOURS)), bool)
    kind_colour[KINDS.index('star'), COLOURS.index('yellow')] = False
    pairings = Pairings(kind_colour, np.ones((len(ACTIONS), len(KINDS)), bool))
    yellow, red = (Concepts.of(kind='cube', colour=colour) for colour in ('yellow', 'red'))
    star, ball = (Concepts.of(kind=kind, colour='red') for kind in ('star', 'ball'))
    wrong, said = ('the red star', 'the red ball'), (star, ball)
    asked = [
        (0, QueryAnswer('what', 'a yellow cube', '1', wrong, yellow, yellow, said)),
        (1, QueryAnswer('what', 'a red cube', '2', (), red, red)),
    ]
    tokens = torch.randn(2, 256, 96)
    batch = embed(model, tokens, asked, pairings=pairings)
    assert batch.same.int().tolist() == [[1, 0, 1, 0], [0, 1, 0, 0]]
    plain = embed(model, tokens, asked)
    assert plain.same.int().tolist() == [[1, 0, 0, 0], [0, 1, 0, 0]]


def test_a_short_answer_in_its_first_words_is_no_negative_of_the_same_in_others(model):
    asked = [
        (0, QueryAnswer('what', 'maroon', 'red', ('blue',))),
        (1, QueryAnswer('what', 'green', 'green', ('red',))),
    ]
    batch = embed(model, torch.randn(2, 256, 96), asked)
    assert batch.same.int().tolist() == [[1, 0, 0, 1], [0, 1, 0, 0]]


@pytest.mark.parametrize('loss', LOSSES)
def test_every_loss_falls_when_predictions_become_right(loss, model):
    asked = [(row, Coloured().pairs(row, np.random.default_rng(0))[0]) for row in range(4)]
    batch = embed(model, torch.randn(4, 256, 96), asked)
    perfect = replace(batch, predicted=batch.target[:4])
    temperature = torch.tensor(0.07)
    assert LOSSES[loss](perfect, temperature) < LOSSES[loss](batch, temperature)


def test_an_unknown_loss_is_named():
    with pytest.raises(ConfigurationError, match='infonce, cosine, l1, l2'):
        TrainingConfig(loss='mse')


@pytest.mark.usefixtures('one_precision')
def test_the_decoder_learns_and_leaves_the_rest_alone(tmp_path, model):
    model.eval().requires_grad_(False)
    model.network('y_decoder').requires_grad_(True)
    before = weights(model.network('y_encoder'))

    def draw(rng: np.random.Generator) -> tuple[str, str]:
        text = ANSWERS[int(rng.integers(len(ANSWERS)))]
        return text, text

    config = DecoderConfig(steps=300, texts=8, noise=0.05, learning_rate=5e-3)
    train_decoder(model, tmp_path, draw=draw, config=config)
    assert equal(before, weights(model.network('y_encoder')))
    written, sure = model.eval().decode(model.embed_text(list(ANSWERS)))
    assert written == list(ANSWERS)
    assert bool((sure > 0.5).all())


def test_noise_keeps_unit_length_and_is_bounded():
    points = torch.nn.functional.normalize(torch.randn(50, 32), dim=-1)
    generator = torch.Generator().manual_seed(0)
    noisy = decoder_training.add_noise(points, 0.5, generator)
    torch.testing.assert_close(noisy.norm(dim=-1), torch.ones(50))
    assert float((points * noisy).sum(-1).min()) > np.cos(np.arcsin(0.5)) - 1e-4
    assert not torch.equal(points, noisy)


def test_noise_stays_where_texts_differ():
    """Texts fill a part of the space only, and predictions miss in that part."""
    generator = torch.Generator().manual_seed(0)
    axes = torch.linalg.qr(torch.randn(32, 4, generator=generator))[0]  # [D, 4]
    drawn = torch.randn(50, 4, generator=generator)
    points = torch.nn.functional.normalize(drawn @ axes.T, dim=-1)
    noisy = decoder_training.add_noise(points, 0.9, generator)
    torch.testing.assert_close(noisy @ axes @ axes.T, noisy, rtol=0, atol=1e-4)
    assert float((points * noisy).sum(-1).min()) < 0.8


def test_tokens_that_the_decoder_reads_back_are_hidden_by_chance():
    ids = torch.arange(1, 10_001).reshape(100, 100)
    read = decoder_training.hide_tokens(ids, 0.3, torch.Generator().manual_seed(0), hidden=0)
    hidden = read == 0
    assert float(hidden.float().mean()) == pytest.approx(0.3, abs=0.02)
    assert torch.equal(read[~hidden], ids[~hidden])
    again = decoder_training.hide_tokens(ids, 0.3, torch.Generator().manual_seed(0), hidden=0)
    assert torch.equal(read, again)
    assert torch.equal(
        decoder_training.hide_tokens(ids, 0.0, torch.Generator().manual_seed(0), hidden=0), ids
    )
    with pytest.raises(ConfigurationError, match=r'word_dropout is 1\.0; .* \[0, 1\)'):
        DecoderConfig(word_dropout=1.0)


@pytest.mark.usefixtures('one_precision')
def test_the_planning_heads_learn_what_actions_do(tmp_path, model):
    generator = torch.Generator().manual_seed(0)

    def unit(count: int) -> torch.Tensor:
        raw = torch.randn(count, 256, generator=generator)
        return torch.nn.functional.normalize(raw, dim=-1)

    initial, actions = unit(64), unit(4)
    meaning = torch.arange(64) % 4
    goal = torch.nn.functional.normalize(initial + actions[meaning], dim=-1)
    data = Transitions(initial, goal, actions[meaning], meaning)
    everything = torch.arange(64)
    first = planning_loss(model, data, everything, temperature=0.1).item()
    config = PlanningConfig(steps=150, pairs=64, learning_rate=3e-3, temperature=0.1)
    train_planning(model, data, tmp_path, config=config)
    assert planning_loss(model, data, everything, temperature=0.1).item() < 0.5 * first
    guessed = model.network('inverse')(initial, goal) @ actions.T
    assert (guessed.argmax(-1) == meaning).float().mean() > 0.9
    assert (tmp_path / 'planning_state.safetensors').is_file()
